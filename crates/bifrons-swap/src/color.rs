//! Bringing a drawn face to the colours of the footage.
//!
//! Mean and spread of both pictures are measured in Oklab (Björn Ottosson 2020, "A perceptual
//! color space for image processing"), from linear light, and only under the mask: every pixel
//! counts as much as the mask says. Each axis (lightness, green–red, blue–yellow) then gets a
//! gain and an offset. That is Reinhard et al. 2001, in a space whose axes are truly independent
//! for the eye, without the background in the statistics.

use bifrons_media::{RgbImage, encoded_from_linear, linear_from_encoded};

/// How much the spread of an axis may be scaled at most, and by its inverse at least. Beyond
/// that, what differs is not the light but what is in the picture (a hand, a beard).
pub const MAX_GAIN: f32 = 2.0;

/// Spread (in Oklab) below which an axis counts as flat: its gain would be noise over noise.
const FLAT: f64 = 1e-3;

/// Pixels (as the sum of the mask) below which nothing can be measured.
const MIN_PIXELS: f64 = 16.0;

/// An affine map of Oklab colours, axis by axis: `gain * value + offset`.
///
/// The maps can be averaged over time: the mean of maps gives the mean of what they give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorTransfer {
    /// Gain of lightness, green–red, blue–yellow; 1 changes nothing.
    pub gain: [f32; 3],
    /// Offset of the same; 0 changes nothing.
    pub offset: [f32; 3],
}

impl ColorTransfer {
    /// Changes nothing.
    pub const IDENTITY: Self = Self { gain: [1.0; 3], offset: [0.0; 3] };

    /// The map that gives `drawn` the mean and (within [`MAX_GAIN`]) the spread of `footage` under
    /// `mask`. With less than 16 pixels under the mask it is [`Self::IDENTITY`].
    ///
    /// # Panics
    /// When the pictures and the mask (values 0 to 1, one for each pixel) differ in size.
    #[must_use]
    pub fn between(drawn: &RgbImage, footage: &RgbImage, mask: &[f32]) -> Self {
        let size = (drawn.width, drawn.height);
        assert_eq!(size, (footage.width, footage.height), "pictures of one size");
        assert_eq!(mask.len(), drawn.width * drawn.height, "a mask of the pictures' size");
        let (Some(drawn), Some(footage)) = (Statistics::of(drawn, mask), Statistics::of(footage, mask))
        else {
            return Self::IDENTITY;
        };
        let mut transfer = Self::IDENTITY;
        for axis in 0..3 {
            let gain =
                if drawn.spread[axis] < FLAT { 1.0 } else { footage.spread[axis] / drawn.spread[axis] };
            let gain = gain.clamp(f64::from(MAX_GAIN).recip(), f64::from(MAX_GAIN));
            transfer.gain[axis] = gain as f32;
            transfer.offset[axis] = (footage.mean[axis] - gain * drawn.mean[axis]) as f32;
        }
        transfer
    }

    /// The mean of maps with weights (0 or more); [`Self::IDENTITY`] when they sum up to nothing.
    #[must_use]
    pub fn weighted_mean<'a>(weighted: impl IntoIterator<Item = (f32, &'a Self)>) -> Self {
        let mut sum = Self { gain: [0.0; 3], offset: [0.0; 3] };
        let mut total = 0.0;
        for (weight, transfer) in weighted {
            total += weight;
            for axis in 0..3 {
                sum.gain[axis] += weight * transfer.gain[axis];
                sum.offset[axis] += weight * transfer.offset[axis];
            }
        }
        if total <= 0.0 {
            return Self::IDENTITY;
        }
        Self { gain: sum.gain.map(|value| value / total), offset: sum.offset.map(|value| value / total) }
    }

    /// This map where `share` is 1, nothing where it is 0, linearly in between.
    #[must_use]
    pub fn in_part(&self, share: f32) -> Self {
        Self::weighted_mean([(1.0 - share, &Self::IDENTITY), (share, self)])
    }

    /// The picture with its colours mapped. Values may leave `[0, 1]` where the footage's colours
    /// do not fit; whoever stores them clips.
    #[must_use]
    pub fn apply(&self, picture: &RgbImage) -> RgbImage {
        let mut mapped = picture.clone();
        if *self != Self::IDENTITY {
            for pixel in mapped.data.as_chunks_mut::<3>().0 {
                let lab = oklab_from_encoded(*pixel);
                *pixel = encoded_from_oklab(std::array::from_fn(|axis| {
                    self.gain[axis] * lab[axis] + self.offset[axis]
                }));
            }
        }
        mapped
    }
}

impl Default for ColorTransfer {
    fn default() -> Self {
        Self::IDENTITY
    }
}

/// Mean and standard deviation on each axis of Oklab.
struct Statistics {
    mean: [f64; 3],
    spread: [f64; 3],
}

impl Statistics {
    fn of(picture: &RgbImage, mask: &[f32]) -> Option<Self> {
        let mut weights = 0.0;
        let mut sum = [0.0; 3];
        let mut squares = [0.0; 3];
        for (pixel, weight) in picture.data.as_chunks::<3>().0.iter().zip(mask) {
            if *weight <= 0.0 {
                continue;
            }
            let weight = f64::from(*weight);
            weights += weight;
            for (axis, value) in oklab_from_encoded(*pixel).into_iter().map(f64::from).enumerate() {
                sum[axis] += weight * value;
                squares[axis] += weight * value * value;
            }
        }
        if weights < MIN_PIXELS {
            return None;
        }
        let mean = sum.map(|sum| sum / weights);
        let spread =
            std::array::from_fn(|axis| (squares[axis] / weights - mean[axis] * mean[axis]).max(0.0).sqrt());
        Some(Self { mean, spread })
    }
}

/// Oklab (lightness, green–red, blue–yellow) of a picture value with BT.709 primaries. White is
/// `[1, 0, 0]`.
#[must_use]
pub fn oklab_from_encoded(rgb: [f32; 3]) -> [f32; 3] {
    let linear = rgb.map(linear_from_encoded);
    let cones = product(&CONES_FROM_RGB, linear).map(f32::cbrt);
    product(&OKLAB_FROM_CONES, cones)
}

/// The reverse of [`oklab_from_encoded`].
#[must_use]
pub fn encoded_from_oklab(lab: [f32; 3]) -> [f32; 3] {
    let cones = product(&CONES_FROM_OKLAB, lab).map(|root| root * root * root);
    product(&RGB_FROM_CONES, cones).map(encoded_from_linear)
}

fn product(matrix: &[[f32; 3]; 3], [x, y, z]: [f32; 3]) -> [f32; 3] {
    matrix.map(|[a, b, c]| a * x + b * y + c * z)
}

// The four matrices are Ottosson's, as published with the 2021-01-25 correction.
const CONES_FROM_RGB: [[f32; 3]; 3] = [
    [0.412_221_46, 0.536_332_55, 0.051_445_995],
    [0.211_903_5, 0.680_699_5, 0.107_396_96],
    [0.088_302_46, 0.281_718_85, 0.629_978_7],
];
const OKLAB_FROM_CONES: [[f32; 3]; 3] = [
    [0.210_454_26, 0.793_617_8, -0.004_072_047],
    [1.977_998_5, -2.428_592_2, 0.450_593_7],
    [0.025_904_037, 0.782_771_77, -0.808_675_77],
];
const CONES_FROM_OKLAB: [[f32; 3]; 3] = [
    [1.0, 0.396_337_78, 0.215_803_76],
    [1.0, -0.105_561_346, -0.063_854_17],
    [1.0, -0.089_484_18, -1.291_485_5],
];
const RGB_FROM_CONES: [[f32; 3]; 3] = [
    [4.076_741_7, -3.307_711_6, 0.230_969_94],
    [-1.268_438, 2.609_757_4, -0.341_319_38],
    [-0.004_196_086_3, -0.703_418_6, 1.707_614_7],
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A picture with some of every colour, the same every time.
    fn colorful(width: usize, height: usize) -> RgbImage {
        let mut picture = RgbImage::new(width, height);
        for (place, value) in picture.data.iter_mut().enumerate() {
            *value = 0.25 + 0.5 * ((place * 7919) % 101) as f32 / 100.0;
        }
        picture
    }

    /// 1 in a disc in the middle, 0 outside, soft between.
    fn disc(size: usize) -> Vec<f32> {
        let middle = size as f32 / 2.0;
        (0..size * size)
            .map(|place| {
                let (x, y) = ((place % size) as f32 + 0.5, (place / size) as f32 + 0.5);
                (middle * 0.7 - (x - middle).hypot(y - middle)).clamp(0.0, 1.0)
            })
            .collect()
    }

    fn largest_difference(one: &RgbImage, other: &RgbImage) -> f32 {
        one.data.iter().zip(&other.data).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn oklab_of_known_colors() {
        // Values of the published reference implementation.
        for (rgb, lab) in [
            ([1.0, 1.0, 1.0], [1.0, 0.0, 0.0]),
            ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
            ([1.0, 0.0, 0.0], [0.627_955, 0.224_863, 0.125_846]),
            ([0.0, 1.0, 0.0], [0.866_440, -0.233_888, 0.179_498]),
            ([0.0, 0.0, 1.0], [0.452_014, -0.032_457, -0.311_528]),
        ] {
            let found = oklab_from_encoded(rgb);
            for axis in 0..3 {
                assert!((found[axis] - lab[axis]).abs() < 1e-4, "{rgb:?}: {found:?}");
            }
        }
    }

    #[test]
    fn a_picture_against_itself_is_left_alone() {
        let picture = colorful(32, 32);
        let transfer = ColorTransfer::between(&picture, &picture, &disc(32));
        for axis in 0..3 {
            assert!(
                (transfer.gain[axis] - 1.0).abs() < 1e-6 && transfer.offset[axis].abs() < 1e-6,
                "{transfer:?}"
            );
        }
        assert_eq!(ColorTransfer::IDENTITY.apply(&picture), picture);
    }

    #[test]
    fn a_known_gain_and_offset_is_found_under_the_mask_whatever_is_outside() {
        let drawn = colorful(48, 48);
        let mask = disc(48);
        let truth = ColorTransfer { gain: [0.8, 1.6, 0.7], offset: [0.1, 0.02, -0.03] };
        let mut footage = truth.apply(&drawn);
        for (pixel, weight) in footage.data.as_chunks_mut::<3>().0.iter_mut().zip(&mask) {
            if *weight == 0.0 {
                *pixel = [0.0, 1.0, 0.0];
            }
        }
        let found = ColorTransfer::between(&drawn, &footage, &mask);
        for axis in 0..3 {
            assert!((found.gain[axis] - truth.gain[axis]).abs() < 1e-3, "{found:?}");
            assert!((found.offset[axis] - truth.offset[axis]).abs() < 1e-3, "{found:?}");
        }
        // 60 % of black around the face, which halves gains elsewhere (peers' bug), changes nothing.
        let mut on_black = drawn.clone();
        for (pixel, weight) in on_black.data.as_chunks_mut::<3>().0.iter_mut().zip(&mask) {
            if *weight == 0.0 {
                *pixel = [0.0; 3];
            }
        }
        assert_eq!(ColorTransfer::between(&on_black, &footage, &mask), found);
    }

    #[test]
    fn gains_stay_in_their_range_and_means_still_meet() {
        let flat = RgbImage::filled(16, 16, [0.4, 0.3, 0.2]);
        let wild = colorful(16, 16);
        let mask = vec![1.0; 256];
        let to_flat = ColorTransfer::between(&wild, &flat, &mask);
        assert_eq!(to_flat.gain, [0.5; 3]);
        let to_wild = ColorTransfer::between(&flat, &wild, &mask);
        assert_eq!(to_wild.gain, [1.0; 3], "a flat picture has no spread to scale");
        let mean = |picture: &RgbImage| Statistics::of(picture, &mask).unwrap().mean;
        for axis in 0..3 {
            assert!((mean(&to_flat.apply(&wild))[axis] - mean(&flat)[axis]).abs() < 1e-4);
        }
    }

    #[test]
    fn too_small_a_mask_changes_nothing() {
        let (one, other) = (colorful(16, 16), RgbImage::filled(16, 16, [0.9; 3]));
        let mut mask = vec![0.0; 256];
        mask[..15].fill(1.0);
        assert_eq!(ColorTransfer::between(&one, &other, &mask), ColorTransfer::IDENTITY);
    }

    #[test]
    fn means_of_maps_are_maps_to_the_mean() {
        let one = ColorTransfer { gain: [0.5, 1.0, 2.0], offset: [0.1, 0.0, -0.2] };
        let mean = ColorTransfer::weighted_mean([(1.0, &one), (3.0, &ColorTransfer::IDENTITY)]);
        assert_eq!(mean, one.in_part(0.25));
        assert_eq!(mean, ColorTransfer { gain: [0.875, 1.0, 1.25], offset: [0.025, 0.0, -0.05] });
        assert_eq!(ColorTransfer::weighted_mean([]), ColorTransfer::IDENTITY);
        assert_eq!(one.in_part(0.0), ColorTransfer::IDENTITY);
    }

    proptest! {
        #[test]
        fn oklab_there_and_back_is_the_identity(red in 0f32..=1.0, green in 0f32..=1.0, blue in 0f32..=1.0) {
            let back = encoded_from_oklab(oklab_from_encoded([red, green, blue]));
            for (back, value) in back.into_iter().zip([red, green, blue]) {
                prop_assert!((back - value).abs() < 1e-3, "{} {}", back, value);
            }
        }

        #[test]
        fn after_the_transfer_mean_and_spread_are_the_footages(
            gain in prop::array::uniform3(0.6f32..1.6), shift in -0.1f32..0.1,
        ) {
            let drawn = colorful(24, 24);
            let footage = ColorTransfer { gain, offset: [shift, 0.0, 0.0] }.apply(&drawn);
            let mask = disc(24);
            let moved = ColorTransfer::between(&drawn, &footage, &mask).apply(&drawn);
            prop_assert!(largest_difference(&moved, &footage) < 5e-3);
        }
    }
}
