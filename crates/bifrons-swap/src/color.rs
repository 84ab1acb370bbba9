//! Bringing a drawn face to the colours of the footage.
//!
//! Both pictures are measured in Oklab (Björn Ottosson 2020, "A perceptual color space for image processing"), from linear
//! light, and only under the mask: every pixel counts as much as the mask says. What is compared is what every face has: its
//! skin, and how much darker its darkest places are (pupils, nostrils, lashes). A mean and spread over all of the face
//! (Reinhard et al. 2001) would compare a beard with the skin of a chin, and make eyes and brows pale to even it out.

use bifrons_media::{RgbImage, encoded_from_linear, linear_from_encoded};

/// How much contrast may be scaled at most, and by its inverse at least. Beyond that, what differs is not the light but what is
/// in the picture.
pub const MAX_GAIN: f32 = 2.0;

/// Contrast or saturation (in Oklab) below which there is none: its gain would be noise over noise.
const FLAT: f64 = 1e-3;

/// Pixels (as the sum of the mask) below which nothing can be measured.
const MIN_PIXELS: f64 = 16.0;

/// Of the pixels from dark to bright: where skin is taken from. Beard, brows and mouth are darker, highlights brighter.
const SKIN: [f64; 2] = [0.5, 0.9];
/// And where the darkest end.
const DARKEST: f64 = 0.03;

/// Pixels on a side that are enough to measure by.
const MEASURED_PX: usize = 192;

/// A map of Oklab colours: lightness gets a gain and an offset, the other two axes a gain and, as coloured light has it, a share of
/// the new lightness.
///
/// The maps can be averaged over time: the mean of maps gives nearly the mean of what they give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColorTransfer {
    /// Gain of lightness; 1 changes nothing.
    pub contrast: f32,
    /// Offset of lightness; 0 changes nothing.
    pub offset: f32,
    /// Gain of green–red and blue–yellow, 0 (grey) to 1 (nothing changes).
    pub saturation: f32,
    /// What is added to green–red and blue–yellow for each unit of lightness; 0 changes nothing.
    pub tint: [f32; 2],
}

impl ColorTransfer {
    /// Changes nothing.
    pub const IDENTITY: Self = Self { contrast: 1.0, offset: 0.0, saturation: 1.0, tint: [0.0; 2] };

    /// The map that gives the skin of `drawn` the colour of that of `footage` and, within [`MAX_GAIN`], the face its contrast,
    /// under `mask`. Colours that are too strong become weaker; weak ones do not become stronger but are tinted, as stronger
    /// colours would be loudest in the shadows. With less than 16 pixels under the mask it is [`Self::IDENTITY`].
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
        let most = f64::from(MAX_GAIN);
        let ratio = |footage: f64, drawn: f64| if drawn < FLAT { 1.0 } else { footage / drawn };
        let contrast = ratio(footage.contrast(), drawn.contrast()).clamp(most.recip(), most);
        let saturation = ratio(footage.saturation(), drawn.saturation()).min(1.0);
        let tint = |axis: usize| {
            let missing = footage.skin[axis] - saturation * drawn.skin[axis];
            if footage.skin[0] < FLAT { 0.0 } else { missing / footage.skin[0] }
        };
        Self {
            contrast: contrast as f32,
            offset: (footage.skin[0] - contrast * drawn.skin[0]) as f32,
            saturation: saturation as f32,
            tint: [tint(1) as f32, tint(2) as f32],
        }
    }

    /// The mean of maps with weights (0 or more); [`Self::IDENTITY`] when they sum up to nothing.
    #[must_use]
    pub fn weighted_mean<'a>(weighted: impl IntoIterator<Item = (f32, &'a Self)>) -> Self {
        let (mut sum, mut total) = ([0.0; 5], 0.0);
        for (weight, transfer) in weighted {
            total += weight;
            let Self { contrast, offset, saturation, tint: [red, yellow] } = *transfer;
            let values = [contrast, offset, saturation, red, yellow];
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
        }
        if total <= 0.0 {
            return Self::IDENTITY;
        }
        let [contrast, offset, saturation, red, yellow] = sum.map(|value| value / total);
        Self { contrast, offset, saturation, tint: [red, yellow] }
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
                let [lightness, red, yellow] = oklab_from_encoded(*pixel);
                let lightness = self.contrast * lightness + self.offset;
                let [red, yellow] = [(red, self.tint[0]), (yellow, self.tint[1])]
                    .map(|(v, tint)| self.saturation * v + tint * lightness);
                *pixel = encoded_from_oklab([lightness, red, yellow]);
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

/// What every face has.
struct Statistics {
    /// Mean colour of the skin.
    skin: [f64; 3],
    /// Mean lightness of the darkest places.
    darkest: f64,
}

impl Statistics {
    fn of(picture: &RgbImage, mask: &[f32]) -> Option<Self> {
        let step = (picture.width / MEASURED_PX).max(1);
        let places = (0..picture.height).step_by(step);
        let places =
            places.flat_map(|y| (0..picture.width).step_by(step).map(move |x| y * picture.width + x));
        let pixels = picture.data.as_chunks::<3>().0;
        let mut colors: Vec<([f32; 3], f64)> = places
            .filter(|&at| mask[at] > 0.0)
            .map(|at| (oklab_from_encoded(pixels[at]), f64::from(mask[at])))
            .collect();
        let total: f64 = colors.iter().map(|(_, weight)| weight).sum();
        if total * ((step * step) as f64) < MIN_PIXELS {
            return None;
        }
        colors.sort_by(|(one, _), (other, _)| one[0].total_cmp(&other[0]));
        // the mean of those from one share of the weight to another
        let mean = |from: f64, to: f64| {
            let (mut before, mut sum) = (0.0, [0.0; 3]);
            for (color, weight) in &colors {
                let counts = (before + weight).min(to * total) - before.max(from * total);
                if counts > 0.0 {
                    sum.iter_mut().zip(color).for_each(|(sum, value)| *sum += counts * f64::from(*value));
                }
                before += weight;
            }
            sum.map(|sum| sum / ((to - from) * total))
        };
        Some(Self { skin: mean(SKIN[0], SKIN[1]), darkest: mean(0.0, DARKEST)[0] })
    }

    fn contrast(&self) -> f64 {
        self.skin[0] - self.darkest
    }

    fn saturation(&self) -> f64 {
        self.skin[1].hypot(self.skin[2])
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

    fn assert_near(found: ColorTransfer, wanted: ColorTransfer, most: f32) {
        let values =
            |map: ColorTransfer| [map.contrast, map.offset, map.saturation, map.tint[0], map.tint[1]];
        let off = values(found).into_iter().zip(values(wanted)).map(|(one, other)| (one - other).abs());
        assert!(off.fold(0.0, f32::max) < most, "{found:?}, not {wanted:?}");
    }

    #[test]
    fn a_picture_against_itself_is_left_alone() {
        let picture = colorful(32, 32);
        assert_near(ColorTransfer::between(&picture, &picture, &disc(32)), ColorTransfer::IDENTITY, 1e-6);
        assert_eq!(ColorTransfer::IDENTITY.apply(&picture), picture);
    }

    #[test]
    fn a_known_gain_and_offset_is_found_under_the_mask_whatever_is_outside() {
        let drawn = colorful(48, 48);
        let mask = disc(48);
        let truth = ColorTransfer { contrast: 0.8, offset: 0.1, saturation: 0.4, tint: [0.0; 2] };
        let mut footage = truth.apply(&drawn);
        for (pixel, weight) in footage.data.as_chunks_mut::<3>().0.iter_mut().zip(&mask) {
            if *weight == 0.0 {
                *pixel = [0.0, 1.0, 0.0];
            }
        }
        let found = ColorTransfer::between(&drawn, &footage, &mask);
        assert_near(found, truth, 1e-3);
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
    fn gains_stay_in_their_range_and_skins_still_meet() {
        let flat = RgbImage::filled(16, 16, [0.4, 0.3, 0.2]);
        let wild = colorful(16, 16);
        let mask = vec![1.0; 256];
        let to_flat = ColorTransfer::between(&wild, &flat, &mask);
        assert_eq!(to_flat.contrast, 0.5);
        assert_eq!(ColorTransfer::between(&flat, &wild, &mask).contrast, 1.0, "flat: no contrast to scale");
        let skin = |picture: &RgbImage| Statistics::of(picture, &mask).unwrap().skin;
        for axis in 0..3 {
            assert!((skin(&to_flat.apply(&wild))[axis] - skin(&flat)[axis]).abs() < 1e-4);
        }
    }

    #[test]
    fn a_beard_does_not_make_eyes_pale_and_grey_footage_makes_all_of_it_grey() {
        // skin, a third of it under a beard or not, and pupils
        let face = |beard: bool, skin: [f32; 3]| {
            let color = |at: usize| match at % 30 {
                0 => [0.05; 3],
                1..10 if beard => [0.2, 0.15, 0.1],
                _ => skin,
            };
            RgbImage { width: 30, height: 30, data: (0..900).flat_map(color).collect() }
        };
        let mask = vec![1.0; 900];
        let (bearded, shaven) = (face(true, [0.7, 0.5, 0.4]), face(false, [0.6, 0.45, 0.35]));
        let found = ColorTransfer::between(&bearded, &shaven, &mask).apply(&bearded);
        let off = |at: usize, wanted: [f32; 3]| {
            (0..3).map(|c| (found.get(at, 0)[c] - wanted[c]).abs()).sum::<f32>()
        };
        assert!(off(0, [0.05; 3]) < 0.03, "{:?}", found.get(0, 0));
        assert!(off(20, [0.6, 0.45, 0.35]) < 0.01, "{:?}", found.get(20, 0));
        let grey = face(false, [0.5; 3]);
        for pixel in ColorTransfer::between(&bearded, &grey, &mask).apply(&bearded).data.as_chunks::<3>().0 {
            assert!(pixel.iter().all(|value| (value - pixel[0]).abs() < 2e-3), "{pixel:?}");
        }
    }

    #[test]
    fn strong_colors_are_met_by_a_tint_that_shadows_have_less_of() {
        let face = |skin: [f32; 3]| {
            let color = |at: usize| if at.is_multiple_of(10) { skin.map(|v| 0.1 * v) } else { skin };
            RgbImage { width: 20, height: 20, data: (0..400).flat_map(color).collect() }
        };
        let (pale, warm) = (face([0.6, 0.55, 0.5]), face([0.7, 0.5, 0.2]));
        let found = ColorTransfer::between(&pale, &warm, &[1.0; 400]);
        assert_eq!(found.saturation, 1.0);
        let of = |at: usize| oklab_from_encoded(found.apply(&pale).get(at, 0));
        let (skin, shadow, wanted) = (of(5), of(0), oklab_from_encoded([0.7, 0.5, 0.2]));
        assert!((0..3).all(|axis| (skin[axis] - wanted[axis]).abs() < 1e-3), "{skin:?} {wanted:?}");
        assert!(shadow[2] < 0.6 * skin[2], "{shadow:?} {skin:?}");
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
        let one = ColorTransfer { contrast: 0.5, offset: 0.1, saturation: 0.0, tint: [0.0, -0.2] };
        let mean = ColorTransfer::weighted_mean([(1.0, &one), (3.0, &ColorTransfer::IDENTITY)]);
        assert_eq!(mean, one.in_part(0.25));
        let wanted = ColorTransfer { contrast: 0.875, offset: 0.025, saturation: 0.75, tint: [0.0, -0.05] };
        assert_eq!(mean, wanted);
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
        fn after_the_transfer_colors_are_the_footages(
            contrast in 0.6f32..1.6, offset in -0.1f32..0.1, saturation in 0.3f32..1.0,
        ) {
            let drawn = colorful(24, 24);
            let light = ColorTransfer { contrast, offset, saturation, tint: [0.0; 2] };
            let footage = light.apply(&drawn);
            let mask = disc(24);
            let moved = ColorTransfer::between(&drawn, &footage, &mask).apply(&drawn);
            prop_assert!(largest_difference(&moved, &footage) < 5e-3);
        }
    }
}
