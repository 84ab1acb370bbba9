//! Who a face looks like, asked of a network that is in no loss and sorts nothing: dlib's.

use bifrons_vision::geometry::{Border, Point, Similarity, needed_rect, umeyama, warp};
use bifrons_vision::mesh_points as at;
use bifrons_vision::{Array, Mesh, Network, Picture, VisionError};

/// Numbers that describe a face.
pub const LIKENESS_LEN: usize = 128;
/// Side of the network's input in pixels.
const CHIP_PX: usize = 150;
/// Where eyes, nose and corners of the mouth lie in the chip, from the picture's left to its right (`models/README.md`).
const CHIP: [(f64, f64); 5] = [(47.55, 46.6), (100.48, 46.6), (74.0, 76.56), (50.4, 103.0), (97.6, 103.0)];

/// Whom a face looks like: 128 numbers of dlib's network, of which the direction counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Likeness(Vec<f32>);

impl Likeness {
    /// From numbers, scaled to length one; `None` when they are not 128, not finite or all zero.
    #[must_use]
    pub fn new(values: Vec<f32>) -> Option<Self> {
        let length = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let fine = values.len() == LIKENESS_LEN && length.is_finite() && length > 0.0;
        fine.then(|| Self(values.iter().map(|v| (f64::from(*v) / length) as f32).collect()))
    }

    /// Cosine of the angle to another one, -1 to 1; 1 is the same face. Two photographs of one person have some 0.95,
    /// of two people some 0.85: compare differences, not values.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f64 {
        self.0.iter().zip(&other.0).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    /// The direction of the mean of some; `None` for none.
    #[must_use]
    pub fn mean(some: &[Self]) -> Option<Self> {
        let mut sum = vec![0.0; LIKENESS_LEN];
        for one in some {
            sum.iter_mut().zip(&one.0).for_each(|(sum, v)| *sum += v);
        }
        Self::new(sum)
    }

    /// Of the face under a mesh; `None` when it lies outside the picture.
    pub(super) fn read(
        network: &dyn Network,
        picture: &dyn Picture,
        mesh: &Mesh,
    ) -> Result<Option<Self>, VisionError> {
        let Some(chip_from_frame) = chip_from_frame(mesh) else { return Ok(None) };
        let rect = needed_rect(&chip_from_frame, CHIP_PX, CHIP_PX, picture.width_px(), picture.height_px());
        if rect.is_empty() {
            return Ok(None);
        }
        let chip_from_part = chip_from_frame * Similarity::translation(rect.x as f64, rect.y as f64);
        let chip = warp(&picture.rgb(rect), &chip_from_part, CHIP_PX, CHIP_PX, Border::Replicate);
        let outputs = network.run(&[("image", &Array::from_picture(&chip))], &["embedding"])?;
        Ok(outputs.into_iter().next().and_then(|array| Self::new(array.data)))
    }
}

/// The similarity from frame pixels to the 150 pixel square the network sees. `None` for a mesh that is no face.
#[must_use]
pub fn chip_from_frame(mesh: &Mesh) -> Option<Similarity> {
    let eye = |outer, inner| mesh.point(outer).midpoint(mesh.point(inner));
    let from = [
        eye(at::EYE_OUTER_RIGHT, at::EYE_INNER_RIGHT),
        eye(at::EYE_OUTER_LEFT, at::EYE_INNER_LEFT),
        mesh.point(at::NOSE_TIP),
        mesh.point(at::MOUTH_RIGHT),
        mesh.point(at::MOUTH_LEFT),
    ];
    umeyama(&from, &CHIP.map(|(x, y)| Point::new(x, y)))
}

#[cfg(test)]
mod tests {
    use super::super::head::tests::turned;
    use super::*;

    fn axis(i: usize) -> Likeness {
        let mut values = vec![0.0; LIKENESS_LEN];
        values[i] = 3.0;
        Likeness::new(values).unwrap()
    }

    #[test]
    fn directions_compare_by_their_cosine() {
        assert_eq!(axis(4).cosine(&axis(4)), 1.0);
        assert_eq!(axis(4).cosine(&axis(5)), 0.0);
        let between = Likeness::mean(&[axis(4), axis(5)]).unwrap();
        assert!((between.cosine(&axis(4)) - 0.5_f64.sqrt()).abs() < 1e-6);
        assert_eq!(Likeness::new(vec![0.0; LIKENESS_LEN]), None);
        assert_eq!(Likeness::new(vec![1.0; 3]), None);
        assert_eq!(Likeness::mean(&[]), None);
    }

    #[test]
    fn the_chip_holds_the_face_upright_whatever_its_tilt() {
        for roll in [0.0, 30.0, -75.0] {
            let mesh = turned(0.0, roll);
            let chip = chip_from_frame(&mesh).unwrap();
            let (right, left) = (chip.apply(mesh.point(33)), chip.apply(mesh.point(263)));
            assert!((right.y - left.y).abs() < 0.5 && left.x - right.x > 60.0 && left.x - right.x < 90.0);
        }
    }
}
