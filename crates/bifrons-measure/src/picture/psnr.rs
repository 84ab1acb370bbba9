//! How far two pictures are apart, sample by sample.

use bifrons_media::RgbImage;

use super::LEAST_WEIGHT;

/// What identical pictures get: the logarithm would be infinite, which no report can add up.
pub const PSNR_LIMIT_DB: f64 = 100.0;

/// Peak signal-to-noise ratio in dB, `10 log10(1 / MSE)` over all three channels with samples in
/// `[0, 1]`, each pixel counted with its weight in `mask` (`height * width` values, all pixels
/// alike when there is none); at most [`PSNR_LIMIT_DB`].
///
/// `None` when the sizes differ or the mask holds less than one pixel.
#[must_use]
pub fn psnr_db(one: &RgbImage, other: &RgbImage, mask: Option<&[f32]>) -> Option<f64> {
    let error = weighted_mean(one, other, mask, |difference| difference * difference)?;
    Some((-10.0 * error.log10()).min(PSNR_LIMIT_DB))
}

/// Mean of the absolute differences of samples in `[0, 1]`, weighted alike; 0 for identical
/// pictures, 1 at most.
///
/// `None` when the sizes differ or the mask holds less than one pixel.
#[must_use]
pub fn mean_absolute_error(one: &RgbImage, other: &RgbImage, mask: Option<&[f32]>) -> Option<f64> {
    weighted_mean(one, other, mask, f64::abs)
}

fn weighted_mean(
    one: &RgbImage,
    other: &RgbImage,
    mask: Option<&[f32]>,
    of: impl Fn(f64) -> f64,
) -> Option<f64> {
    let pixels = one.width * one.height;
    let alike = (one.width, one.height) == (other.width, other.height);
    if !alike || mask.is_some_and(|mask| mask.len() != pixels) {
        return None;
    }
    let (mut sum, mut total) = (0.0, 0.0);
    for (i, (p, q)) in one.data.chunks_exact(3).zip(other.data.chunks_exact(3)).enumerate() {
        let weight = mask.map_or(1.0, |mask| f64::from(mask[i]));
        if weight > 0.0 {
            let pixel: f64 = p.iter().zip(q).map(|(p, q)| of(f64::from(*p) - f64::from(*q))).sum();
            sum += weight * pixel / 3.0;
            total += weight;
        }
    }
    (total >= LEAST_WEIGHT).then(|| sum / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_a_tenth_is_20_db_and_identity_the_limit() {
        let one = RgbImage::filled(8, 8, [0.4; 3]);
        let other = RgbImage::filled(8, 8, [0.5; 3]);
        assert!((psnr_db(&one, &other, None).unwrap() - 20.0).abs() < 1e-5);
        assert!((mean_absolute_error(&one, &other, None).unwrap() - 0.1).abs() < 1e-6);
        assert_eq!(psnr_db(&one, &one, None), Some(PSNR_LIMIT_DB));
    }

    #[test]
    fn only_what_is_in_the_mask_counts() {
        let one = RgbImage::filled(2, 2, [0.0; 3]);
        let mut other = one.clone();
        other.set(0, 0, [1.0; 3]);
        assert_eq!(psnr_db(&one, &other, Some(&[0.0, 1.0, 1.0, 1.0])), Some(PSNR_LIMIT_DB));
        let half = psnr_db(&one, &other, Some(&[1.0, 1.0, 0.0, 0.0])).unwrap();
        assert!((half - 10.0 * 2.0f64.log10()).abs() < 1e-9);
        assert_eq!(psnr_db(&one, &other, Some(&[0.0; 4])), None);
        assert_eq!(psnr_db(&one, &RgbImage::new(3, 2), None), None);
    }

    #[test]
    fn swapped_colours_and_a_shift_are_worse() {
        let mut picture = RgbImage::new(32, 32);
        for i in 0..32 * 32 {
            picture.set(i % 32, i / 32, [(i % 7) as f32 / 7.0, 0.3, 0.8]);
        }
        let mut swapped = picture.clone();
        swapped.data.chunks_exact_mut(3).for_each(|p| p.swap(0, 2));
        assert!(psnr_db(&picture, &swapped, None).unwrap() < 12.0);
        let mut shifted = RgbImage::new(32, 32);
        shifted.paste(&picture, 3, 0);
        assert!(psnr_db(&picture, &shifted, None).unwrap() < 15.0);
    }
}
