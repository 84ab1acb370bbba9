//! Putting a face into the frame: one alpha, applied once, in linear light.

use bifrons_media::{RgbImage, encoded_from_linear, linear_from_encoded};
use rayon::prelude::*;

/// The region of a frame with a patch laid over it: `patch` where `alpha` is 1, `region` where it
/// is 0, and mixed light in between. All three have one size; the patch has been warped to the
/// region before.
///
/// Where alpha is 0 the region comes back bit for bit, where it is 1 the patch does. An alpha
/// outside of `[0, 1]` is clipped; one that is not a number counts as 0. Pictures are gamma-encoded
/// ([`linear_from_encoded`] says how).
///
/// # Panics
/// When the three differ in size.
#[must_use]
pub fn blend(region: &RgbImage, patch: &RgbImage, alpha: &[f32]) -> RgbImage {
    let size = (region.width, region.height);
    assert_eq!(size, (patch.width, patch.height), "region and patch of one size");
    assert_eq!(alpha.len(), region.width * region.height, "an alpha of the region's size");
    let mut composed = region.clone();
    composed
        .data
        .par_chunks_exact_mut(3)
        .zip(patch.data.par_chunks_exact(3))
        .zip(alpha)
        // Pixels are cheap: a thread takes many at once.
        .with_min_len(1 << 14)
        .for_each(|((below, above), alpha)| {
            if *alpha >= 1.0 {
                below.copy_from_slice(above);
            } else if *alpha > 0.0 {
                for (below, above) in below.iter_mut().zip(above) {
                    let (light, other) = (linear_from_encoded(*below), linear_from_encoded(*above));
                    *below = encoded_from_linear(light + alpha * (other - light));
                }
            }
        });
    composed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(values: &[f32]) -> RgbImage {
        RgbImage::from_data(values.len() / 3, 1, values.to_vec()).unwrap()
    }

    #[test]
    fn nothing_all_and_half() {
        let below = picture(&[0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.0, 1.0, 0.25]);
        let above = picture(&[0.9, 0.8, 0.7, 0.9, 0.8, 0.7, 1.0, 0.0, 0.75]);
        let composed = blend(&below, &above, &[0.0, 1.0, 0.5]);
        assert_eq!(composed.get(0, 0), below.get(0, 0));
        assert_eq!(composed.get(1, 0), above.get(1, 0));
        // Half the light of white is 0.7354 on the sRGB curve, not 0.5.
        let [red, green, blue] = composed.get(2, 0);
        assert!((red - 0.735_357).abs() < 1e-5 && (green - 0.735_357).abs() < 1e-5, "{red} {green}");
        let mean = encoded_from_linear((linear_from_encoded(0.25) + linear_from_encoded(0.75)) / 2.0);
        assert!((blue - mean).abs() < 1e-6);
    }

    #[test]
    fn alpha_is_applied_once() {
        // Applied twice (a peer's bug), a half would leave three quarters of what was below.
        let composed = blend(&picture(&[0.0; 3]), &picture(&[1.0; 3]), &[0.5]);
        assert!((linear_from_encoded(composed.get(0, 0)[0]) - 0.5).abs() < 1e-5);
    }

    #[test]
    fn strange_alphas_are_clipped() {
        let (below, above) = (picture(&[0.25; 9]), picture(&[0.75; 9]));
        let composed = blend(&below, &above, &[-1.0, 7.0, f32::NAN]);
        assert_eq!(composed.data, [0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.25, 0.25, 0.25]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn a_face_laid_over_itself_is_itself(values in prop::collection::vec(-0.1f32..1.2, 30), alpha in 0f32..=1.0) {
            let face = picture(&values);
            let composed = blend(&face, &face, &[alpha; 10]);
            for (value, composed) in face.data.iter().zip(&composed.data) {
                prop_assert!((value - composed).abs() < 1e-5);
            }
            prop_assert_eq!(face.to_rgb8().iter().zip(composed.to_rgb8()).map(|(a, b)| a.abs_diff(b)).max() <= Some(1), true);
        }

        /// Light beyond white (OpenEXR) fades with the mask; it is not cut off where the mask begins.
        #[test]
        fn of_two_lights_under_a_soft_edge_the_brighter_stays_so(
            (one, other) in (0f32..6.0, 0f32..6.0),
            face in 0f32..=1.0,
            alpha in 0f32..0.99,
        ) {
            let mixed = |below: f32| blend(&picture(&[below; 3]), &picture(&[face; 3]), &[alpha]).get(0, 0)[0];
            prop_assert!((one < other) == (mixed(one) < mixed(other)) || (one - other).abs() < 1e-3);
            let hardly = blend(&picture(&[one; 3]), &picture(&[face; 3]), &[1e-4]).get(0, 0)[0];
            prop_assert!((hardly - one).abs() < 0.01, "{one} became {hardly}");
        }

        #[test]
        fn a_mixture_lies_between(below in 0f32..=1.0, above in 0f32..=1.0, alpha in 0f32..=1.0) {
            let [mixed, ..] = blend(&picture(&[below; 3]), &picture(&[above; 3]), &[alpha]).get(0, 0);
            prop_assert!(mixed >= below.min(above) - 1e-5 && mixed <= below.max(above) + 1e-5);
        }
    }
}
