//! Fitting a face into its surroundings: towards the mask's edge its coarse colours become those of the footage.
//!
//! Two bands of a multi-band blend (Burt and Adelson 1983): the fine one changes over within the mask's soft edge, the
//! coarse one over a much wider stretch. A beard then fades out instead of ending at a line, and light that falls across the
//! face goes on where the face begins.

use bifrons_media::{ImageError, ResizeFilter, RgbImage};
use bifrons_vision::averaged;

/// Side at which coarse colours are compared, in pixels.
const COARSE_PX: usize = 96;
/// Pixels of those on each side over which colours are averaged, twice.
const AROUND: usize = 3;

/// `face` with the coarse colours of `footage` where `deep` is 0 and its own where it is 1; all of one square size. Only what
/// lies under `mask` is compared.
///
/// # Errors
/// [`ImageError`] when the pictures cannot be scaled.
///
/// # Panics
/// When sizes differ.
pub(crate) fn fitted(
    face: &RgbImage,
    footage: &RgbImage,
    mask: &[f32],
    deep: &[f32],
) -> Result<RgbImage, ImageError> {
    let size_px = face.width;
    assert_eq!([mask.len(), deep.len()], [size_px * size_px; 2], "masks of the face's size");
    // differences, counted as far as they lie under the mask, and beside them how far that is
    let mut differences = face.clone();
    let mut weights = face.clone();
    for (place, (value, other)) in differences.data.iter_mut().zip(&footage.data).enumerate() {
        let weight = mask[place / 3];
        *value = weight * (other - *value);
        weights.data[place] = weight;
    }
    let coarse = |picture: &RgbImage| -> Result<[Vec<f32>; 3], ImageError> {
        let small = picture.resize(COARSE_PX, COARSE_PX, ResizeFilter::Area)?;
        Ok(std::array::from_fn(|c| {
            let plane: Vec<f32> = small.data.iter().skip(c).step_by(3).copied().collect();
            averaged(&averaged(&plane, COARSE_PX, AROUND), COARSE_PX, AROUND)
        }))
    };
    let (differences, [weights, ..]) = (coarse(&differences)?, coarse(&weights)?);
    let planes: Vec<f32> = differences
        .iter()
        .flat_map(|plane| plane.iter().zip(&weights).map(|(value, weight)| value / weight.max(1e-4)))
        .collect();
    let step = RgbImage::from_planes(COARSE_PX, COARSE_PX, &planes)?;
    let step = step.resize(size_px, size_px, ResizeFilter::Bilinear)?;
    let mut fitted = face.clone();
    for (place, (value, step)) in fitted.data.iter_mut().zip(&step.data).enumerate() {
        *value += (1.0 - deep[place / 3]) * step;
    }
    Ok(fitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 192;

    #[test]
    fn at_the_edge_the_footage_and_in_the_middle_the_face() {
        let (face, footage) =
            (RgbImage::filled(SIZE, SIZE, [0.3, 0.4, 0.5]), RgbImage::filled(SIZE, SIZE, [0.6, 0.5, 0.4]));
        let mask = vec![1.0; SIZE * SIZE];
        let deep: Vec<f32> = (0..SIZE * SIZE).map(|p| (p % SIZE) as f32 / (SIZE - 1) as f32).collect();
        let found = fitted(&face, &footage, &mask, &deep).unwrap();
        for (found, wanted) in found.get(0, 90).into_iter().zip([0.6, 0.5, 0.4]) {
            assert!((found - wanted).abs() < 1e-3);
        }
        assert_eq!(found.get(SIZE - 1, 90), [0.3, 0.4, 0.5]);
    }

    #[test]
    fn fine_detail_stays_the_faces_and_what_lies_outside_of_the_mask_does_not_count() {
        let mut face = RgbImage::filled(SIZE, SIZE, [0.5; 3]);
        let mut footage = RgbImage::filled(SIZE, SIZE, [0.5; 3]);
        let mut mask = vec![0.0; SIZE * SIZE];
        for (place, mask) in mask.iter_mut().enumerate() {
            let (x, y) = (place % SIZE, place / SIZE);
            if x < SIZE / 2 {
                *mask = 1.0;
                let stripe = if x.is_multiple_of(2) { 0.05 } else { -0.05 };
                face.set(x, y, [0.5 + stripe; 3]);
            } else {
                footage.set(x, y, [0.0; 3]);
            }
        }
        let found = fitted(&face, &footage, &mask, &vec![0.0; SIZE * SIZE]).unwrap();
        for x in [10, 11, 80, 81] {
            assert!((found.get(x, 90)[0] - face.get(x, 90)[0]).abs() < 5e-3, "{x}: {:?}", found.get(x, 90));
        }
    }
}
