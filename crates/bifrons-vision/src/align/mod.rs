//! Laying faces on one another: the canonical face, the head crop, and framings inside it.
//!
//! A crop is cut by the similarity ([`umeyama`]) that best takes the
//! stable points of a mesh ([`STABLE_POINTS`]) to those of the canonical face.

mod canonical;
mod flat;
mod mask;
mod registration;
mod shape;
mod usual;

pub use canonical::{canonical_point, canonical_point3, mirror_index};
pub use flat::{FlatMask, flat_mesh, flatten, unflatten};
pub use mask::{features_mask, hull, hull_mask, polygon_mask};
pub use registration::Registration;
pub use shape::Shape;
pub use usual::UsualFace;

use serde::{Deserialize, Serialize};

use crate::Mesh;
use crate::geometry::{Point, Similarity, umeyama};

/// Mesh points that move little with the expression: eye corners, ridge and wings of the nose,
/// forehead above the brows, temples and ears.
///
/// Chosen by measuring 1,042 frames of eight clips (talking, laughing, crying, hands on the face,
/// turns): how much the scale of the crop changes from frame to frame when the mouth opens by one
/// eye distance, over five clips (in a sixth, 31 frames long, every set is bad) and in brackets its standard deviation in a lively talk (pair B, 6
/// frames/s): all 468 points -14 to -23 % (2.1 %), eyes and nose -2 to +8 % (2.2 %), with forehead
/// -1 to +10 % (2.7 %), with forehead and temples, as here, -4 to +2 % (1.4 %). Points round the
/// nose move least against the skull (0.5 to 0.9 % of the eye distance), but alone they are too
/// short a lever. Brows (2.1 to 2.4 %), mouth (1.6 to 4.8 %) and chin (3 %) are left out.
pub const STABLE_POINTS: [usize; 26] = [
    33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 10, 151, 109, 338, 67, 297, 54, 284, 127, 356,
    234, 454,
];

/// Side of the head crop in pixels.
pub const CROP_SIZE_PX: usize = 512;

/// Side of the head crop in eye distances of the canonical face. Over the clips above and both
/// profiles the face oval stays within x -1.1 to 1.1 and y -0.7 to 1.6 (mouth wide open); the crop
/// covers x -1.7 to 1.7 and y -1.3 to 2.1, so hair, ears and some neck are in it.
const HEAD_SIDE: f64 = 3.4;
/// Centre of the head crop in the canonical face.
const HEAD_CENTRE: Point = Point::new(0.0, 0.4);

/// Side of [`Framing::Face`]: the oval of the canonical face is 1.97 high; 12 % are added above and
/// below, which a wide open mouth (y to 1.6) does not leave.
const FACE_SIDE: f64 = 2.44;
/// Centre of [`Framing::Face`] in the canonical face.
const FACE_CENTRE: Point = Point::new(0.0, 0.42);

/// The transform from frame pixels to the head crop of [`CROP_SIZE_PX`].
///
/// It follows the head, not the expression ([`STABLE_POINTS`]). A mesh whose stable points all
/// coincide (no network gives one) is answered by the identity.
#[must_use]
pub fn crop_from_frame(mesh: &Mesh) -> Similarity {
    crop_from_canonical() * canonical_from_frame(mesh)
}

/// The transform from frame pixels to the canonical face (unit: the distance of its outer eye
/// corners, origin half way between them).
#[must_use]
pub fn canonical_from_frame(mesh: &Mesh) -> Similarity {
    umeyama(&mesh.select(&STABLE_POINTS), &STABLE_POINTS.map(canonical_point)).unwrap_or(Similarity::IDENTITY)
}

/// The transform from the canonical face to the head crop; the same for every face.
#[must_use]
pub fn crop_from_canonical() -> Similarity {
    square_from_canonical(HEAD_CENTRE, HEAD_SIDE, CROP_SIZE_PX)
}

fn square_from_canonical(centre: Point, side: f64, size_px: usize) -> Similarity {
    let half = size_px as f64 / 2.0;
    Similarity::about(centre, Point::new(half, half), size_px as f64 / side, 0.0)
}

/// A square inside the head crop, used for training: a virtual crop, so that another framing never
/// means extracting again. It is fixed in the crop and does not move with the face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// Forehead to chin: the hull with about 12 % of margin.
    #[default]
    Face,
    /// The whole head crop.
    Head,
}

impl Framing {
    /// The transform from the head crop of [`CROP_SIZE_PX`] to this framing with a side of `size_px`.
    #[must_use]
    pub fn from_crop(self, size_px: usize) -> Similarity {
        let (centre, side) = match self {
            Self::Face => (FACE_CENTRE, FACE_SIDE),
            Self::Head => (HEAD_CENTRE, HEAD_SIDE),
        };
        square_from_canonical(centre, side, size_px) * crop_from_canonical().inverse()
    }
}

/// From 0 at `t <= 0` to 1 at `t >= 1` without a corner.
fn smooth_step(t: f64) -> f64 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::MESH_POINTS;
    use crate::mesh_points::FACE_OVAL;

    fn canonical_mesh(frame_from_canonical: &Similarity) -> Mesh {
        let points: Vec<[f32; 3]> = (0..MESH_POINTS)
            .map(|i| {
                let p = frame_from_canonical.apply(canonical_point(i));
                [p.x as f32, p.y as f32, 0.0]
            })
            .collect();
        Mesh::try_from(points).unwrap()
    }

    #[test]
    fn the_canonical_face_lies_in_the_crop_where_the_constants_say() {
        let frame_from_canonical = Similarity::about(Point::default(), Point::new(700.0, 400.0), 91.0, 0.4);
        let mesh = canonical_mesh(&frame_from_canonical);
        let crop = crop_from_frame(&mesh);
        let expected = crop_from_canonical() * frame_from_canonical.inverse();
        for i in 0..MESH_POINTS {
            let (a, b) = (crop.apply(mesh.point(i)), expected.apply(mesh.point(i)));
            assert!(a.distance(b) < 1e-3, "point {i}: {a:?} {b:?}");
        }
        // Outer eye corners: 512 / 3.4 px apart, level.
        let (r, l) = (crop.apply(mesh.point(33)), crop.apply(mesh.point(263)));
        assert!((l.x - r.x - 512.0 / 3.4).abs() < 1e-3 && (l.y - r.y).abs() < 1e-3);
    }

    #[test]
    fn the_face_framing_holds_the_oval_with_a_margin() {
        let side = 64.0;
        let framing = Framing::Face.from_crop(64) * crop_from_canonical();
        for &i in &FACE_OVAL {
            let p = framing.apply(canonical_point(i));
            let margin = 0.05 * side;
            assert!(p.x > margin && p.x < side - margin && p.y > margin && p.y < side - margin, "{i} {p:?}");
        }
        let head = Framing::Head.from_crop(CROP_SIZE_PX);
        assert!((head.a - 1.0).abs() < 1e-12 && head.tx.abs() < 1e-9 && head.ty.abs() < 1e-9);
    }

    #[test]
    fn stable_points_come_in_mirror_pairs() {
        for i in STABLE_POINTS {
            assert!(STABLE_POINTS.contains(&mirror_index(i)), "{i}");
        }
    }
}
