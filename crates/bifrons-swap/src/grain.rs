//! Grain: a network draws smooth skin; film has noise. Where the drawn face is smoother than the
//! footage under the same mask, it gets as much grain as is missing.
//!
//! The grain is a function of seed, frame and place, so that a frame converted twice (after a
//! kill, on another machine) is the same frame. It is gray, white noise: real grain is coarser
//! after compression, so this is a help against the look of wax and not a copy of the film stock.

use bifrons_media::{PixelRect, RgbImage};

/// Standard deviation of added grain at most, in picture values: more than 6/255 would be a
/// wrong measurement rather than film.
pub const MAX_GRAIN: f32 = 6.0 / 255.0;

/// Mean of the kept residuals of white noise with standard deviation 1: 0.466 of normal noise, 0.478 of ours, whose
/// tails are shorter. Found by the test
/// `detail_of_white_noise_is_its_deviation`.
const MEAN_OF_WHITE_NOISE: f32 = 0.4725;

/// Share of the residuals that count: the largest are lashes and contours.
const KEPT: f32 = 0.8;

/// Every how many rows are looked at: enough for a median, and no divisor of a codec's blocks.
const ROW_STEP: usize = 3;

/// How much finest detail a picture has where `alpha` is above ½: the standard deviation that
/// white noise would need to look alike, in picture values.
///
/// It is the mean of the smallest 80 % of |luma − median of the 3 × 3 pixels around|, scaled. Contours and
/// lashes hardly count in it, since they are few and the median follows them. (Not the median of all: in
/// film of 8 bits half of the residuals are exactly 0, with grain and without.)
///
/// # Panics
/// When picture and alpha differ in size.
#[must_use]
pub fn fine_detail(picture: &RgbImage, alpha: &[f32]) -> f32 {
    let (width, height) = (picture.width, picture.height);
    assert_eq!(alpha.len(), width * height, "an alpha of the picture's size");
    let lumas: Vec<f32> = picture.lumas();
    let mut residuals = Vec::new();
    for y in (1..height.saturating_sub(1)).step_by(ROW_STEP) {
        for x in 1..width.saturating_sub(1) {
            if alpha[y * width + x] > 0.5 {
                let around: [f32; 9] =
                    std::array::from_fn(|n| lumas[(y + n / 3 - 1) * width + x + n % 3 - 1]);
                residuals.push((around[4] - median_of_nine(around)).abs());
            }
        }
    }
    if residuals.is_empty() {
        return 0.0;
    }
    let kept = ((residuals.len() as f32 * KEPT).ceil() as usize).min(residuals.len() - 1);
    let (smallest, ..) = residuals.select_nth_unstable_by(kept, f32::total_cmp);
    let sum: f32 = smallest.iter().sum();
    sum / kept.max(1) as f32 / MEAN_OF_WHITE_NOISE
}

/// How much grain the patch lacks under `alpha` to have `wanted` ([`fine_detail`] of the footage, smoothed over
/// time): a standard deviation in picture values, 0 to [`MAX_GRAIN`].
///
/// # Panics
/// When patch and alpha differ in size.
#[must_use]
pub fn missing_grain(patch: &RgbImage, wanted: f32, alpha: &[f32]) -> f32 {
    let has = fine_detail(patch, alpha);
    (wanted * wanted - has * has).max(0.0).sqrt().min(MAX_GRAIN)
}

/// Adds gray grain of the given standard deviation to a patch that is to lie at `rect` in frame
/// number `frame`. The same arguments give the same grain.
///
/// # Panics
/// When patch and rectangle differ in size.
pub fn add_grain(patch: &mut RgbImage, deviation: f32, seed: u64, frame: usize, rect: PixelRect) {
    assert_eq!((patch.width, patch.height), (rect.width, rect.height), "patch and rectangle of one size");
    if deviation <= 0.0 {
        return;
    }
    let of_frame = mixed(seed ^ mixed(frame as u64));
    for (place, pixel) in patch.data.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (x, y) = (rect.x + place % rect.width, rect.y + place / rect.width);
        let grain = deviation * normal(mixed(of_frame ^ ((y as u64) << 32 | x as u64)));
        pixel.iter_mut().for_each(|value| *value += grain);
    }
}

/// The middle one of nine numbers (Paeth 1990, "Median finding on a 3 × 3 grid", in Smith's
/// arrangement of 19 exchanges): no branches, unlike sorting.
fn median_of_nine(mut v: [f32; 9]) -> f32 {
    #[rustfmt::skip]
    const EXCHANGES: [(usize, usize); 19] = [
        (1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3),
        (5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2),
    ];
    for (low, high) in EXCHANGES {
        // Not `f32::min`: that has to look out for NaN, and costs three instructions instead of one.
        let (one, other) = (v[low], v[high]);
        v[low] = if one < other { one } else { other };
        v[high] = if one < other { other } else { one };
    }
    v[4]
}

/// Nearly normal, mean 0, deviation 1: the sum of four uniform numbers from one hash
/// (Irwin and Hall; it ends at ±3.46, as grain does).
fn normal(hash: u64) -> f32 {
    let sum: u32 = (0..4).map(|part| (hash >> (16 * part) & 0xFFFF) as u32).sum();
    // Each has mean 65535/2 and variance (65536² − 1)/12; four of them 65536²/3.
    (sum as f32 - 131_070.0) / 37_837.2
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit depends on every bit.
fn mixed(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECT: PixelRect = PixelRect::new(40, 30, 128, 96);

    fn face() -> RgbImage {
        let mut face = RgbImage::new(RECT.width, RECT.height);
        for (place, pixel) in face.data.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = ((place % RECT.width) as f32, (place / RECT.width) as f32);
            *pixel = [0.5 + 0.1 * (x * 0.05).sin(), 0.4 + 0.001 * y, 0.35];
        }
        face
    }

    fn grained(deviation: f32, seed: u64, frame: usize) -> RgbImage {
        let mut face = face();
        add_grain(&mut face, deviation, seed, frame, RECT);
        face
    }

    #[test]
    fn the_median_of_nine_is_the_fifth_in_order() {
        // By the zero-one principle, what is right for all arrangements of 0 and 1 is right for all.
        for bits in 0..512u32 {
            let numbers: [f32; 9] = std::array::from_fn(|n| (bits >> n & 1) as f32);
            assert_eq!(median_of_nine(numbers), f32::from(u8::from(bits.count_ones() >= 5)), "{bits:b}");
        }
    }

    #[test]
    fn grain_has_the_deviation_asked_for_and_no_mean() {
        let (plain, grained) = (face(), grained(0.02, 1, 0));
        let added: Vec<f64> =
            plain.data.iter().zip(&grained.data).step_by(3).map(|(a, b)| f64::from(b - a)).collect();
        let mean = added.iter().sum::<f64>() / added.len() as f64;
        let deviation = (added.iter().map(|value| value * value).sum::<f64>() / added.len() as f64).sqrt();
        assert!(mean.abs() < 6e-4 && (deviation - 0.02).abs() < 6e-4, "{mean} {deviation}");
    }

    #[test]
    fn detail_of_white_noise_is_its_deviation() {
        assert!(fine_detail(&face(), &vec![1.0; RECT.area_px()]) < 0.001);
        // Large, so that the median of the sample is within about 0.5 % of the true one.
        let rect = PixelRect::new(0, 0, 500, 500);
        for deviation in [0.005, 0.01, 0.02] {
            let mut gray = RgbImage::filled(500, 500, [0.5; 3]);
            add_grain(&mut gray, deviation, 3, 9, rect);
            let found = fine_detail(&gray, &vec![1.0; rect.area_px()]);
            assert!((found / deviation - 1.0).abs() < 0.015, "{deviation}: {found}");
        }
    }

    #[test]
    fn what_is_missing_is_added_and_no_more() {
        let alpha = vec![1.0; RECT.area_px()];
        let footage = grained(0.015, 7, 0);
        let mut patch = grained(0.006, 8, 0);
        let wanted = fine_detail(&footage, &alpha);
        let missing = missing_grain(&patch, wanted, &alpha);
        add_grain(&mut patch, missing, 1, 0, RECT);
        let ratio = fine_detail(&patch, &alpha) / fine_detail(&footage, &alpha);
        assert!((ratio - 1.0).abs() < 0.06, "{ratio}");
        assert!(missing_grain(&footage, fine_detail(&patch, &alpha), &alpha) < 0.004);
        assert_eq!(missing_grain(&footage, 0.0, &alpha), 0.0);
        assert_eq!(missing_grain(&face(), 0.3, &alpha), MAX_GRAIN);
    }

    #[test]
    fn only_what_is_under_the_mask_is_measured() {
        let mut alpha = vec![1.0; RECT.area_px()];
        let mut noisy_beside = face();
        for (place, pixel) in noisy_beside.data.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            if place % RECT.width >= 64 {
                *pixel = [normal(mixed(place as u64)); 3];
                alpha[place] = 0.0;
            }
        }
        assert!(fine_detail(&noisy_beside, &alpha) < 0.001);
        assert_eq!(fine_detail(&noisy_beside, &vec![0.0; RECT.area_px()]), 0.0);
    }

    #[test]
    fn grain_depends_on_seed_frame_and_place_in_the_frame_only() {
        assert_eq!(grained(0.01, 5, 6), grained(0.01, 5, 6));
        assert_ne!(grained(0.01, 5, 6), grained(0.01, 5, 7));
        assert_ne!(grained(0.01, 5, 6), grained(0.01, 6, 6));
        assert_eq!(grained(0.0, 5, 6), face());
        // Two patches that overlap in the frame get the same grain there.
        let mut one = RgbImage::new(8, 8);
        let mut other = RgbImage::new(8, 8);
        add_grain(&mut one, 0.01, 1, 1, PixelRect::new(10, 10, 8, 8));
        add_grain(&mut other, 0.01, 1, 1, PixelRect::new(12, 13, 8, 8));
        assert_eq!(one.get(2, 3), other.get(0, 0));
    }
}
