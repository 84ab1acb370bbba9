//! Face mesh: 478 points by FaceMesh V2.
//!
//! The network sees a square of 256 px turned so that the eyes are level. The first square comes
//! from a detection (box x 1.5), a second pass from the first pass's own mesh. While a face is
//! tracked, the square comes from the mesh of the frame before and one pass is enough.

use bifrons_media::RgbImage;
use serde::{Deserialize, Serialize};

use crate::detect::{BoundingBox, Detection};
use crate::geometry::{Border, Point, Similarity, needed_rect, warp};
use crate::mesh_points::{EYE_OUTER_LEFT, EYE_OUTER_RIGHT, FACE_POINTS};
use crate::network::{Array, Network};
use crate::{Picture, VisionError};

/// Number of mesh points; the last ten are the irises.
pub const MESH_POINTS: usize = 478;

/// Side of the network's input in pixels.
const INPUT_PX: usize = 256;
/// Side of the square the network sees, in long sides of the face's box.
const ROI_PER_BOX: f64 = 1.5;

/// 478 points of one face in displayed frame pixels: x, y, and z (away from the camera, same unit,
/// relative to the head; only roughly true).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f32; 3]>", into = "Vec<[f32; 3]>")]
pub struct Mesh {
    points: Vec<[f32; 3]>,
}

/// A list of points that is no mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a mesh has {MESH_POINTS} points with finite coordinates, found {0} of them")]
pub struct NotAMesh(pub usize);

impl TryFrom<Vec<[f32; 3]>> for Mesh {
    type Error = NotAMesh;

    fn try_from(points: Vec<[f32; 3]>) -> Result<Self, NotAMesh> {
        let finite = points.iter().filter(|p| p.iter().all(|v| v.is_finite())).count();
        if points.len() == MESH_POINTS && finite == MESH_POINTS {
            Ok(Self { points })
        } else {
            Err(NotAMesh(finite))
        }
    }
}

impl From<Mesh> for Vec<[f32; 3]> {
    fn from(mesh: Mesh) -> Self {
        mesh.points
    }
}

impl Mesh {
    /// All points, `[478][x, y, z]`.
    #[must_use]
    pub fn points(&self) -> &[[f32; 3]] {
        &self.points
    }

    /// One point in the plane.
    ///
    /// # Panics
    /// When `index >= 478`.
    #[must_use]
    pub fn point(&self, index: usize) -> Point {
        let p = self.points[index];
        Point::new(f64::from(p[0]), f64::from(p[1]))
    }

    /// One point in space.
    ///
    /// # Panics
    /// When `index >= 478`.
    #[must_use]
    pub fn point3(&self, index: usize) -> [f64; 3] {
        self.points[index].map(f64::from)
    }

    /// Some points in the plane.
    ///
    /// # Panics
    /// When an index is 478 or more.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Vec<Point> {
        indices.iter().map(|&i| self.point(i)).collect()
    }

    /// All points of the plane in another space.
    #[must_use]
    pub fn points_in(&self, target_from_frame: &Similarity) -> Vec<Point> {
        (0..MESH_POINTS).map(|i| target_from_frame.apply(self.point(i))).collect()
    }

    /// The mesh in another space: x and y moved by `target_from_frame`, z scaled with it.
    #[must_use]
    pub fn transformed(&self, target_from_frame: &Similarity) -> Self {
        let scale = target_from_frame.scale() as f32;
        let points = self
            .points
            .iter()
            .map(|p| {
                let q = target_from_frame.apply(Point::new(f64::from(p[0]), f64::from(p[1])));
                [q.x as f32, q.y as f32, p[2] * scale]
            })
            .collect();
        Self { points }
    }

    /// The box around the face's points (irises left out, they lie inside).
    #[must_use]
    pub fn bounding_box(&self) -> BoundingBox {
        BoundingBox::around((0..FACE_POINTS).map(|i| self.point(i)))
    }
}

/// A mesh and how sure the network is that there is a face under it.
#[derive(Debug, Clone, PartialEq)]
pub struct MeshFit {
    /// The points.
    pub mesh: Mesh,
    /// Probability that the square holds a face, in `[0, 1]`.
    pub presence: f32,
}

/// The turned square around a detected face.
fn crop_from_detection(face: &Detection) -> Similarity {
    let eyes = face.points[1] - face.points[0];
    let side = f64::from(face.bbox.width().max(face.bbox.height())) * ROI_PER_BOX;
    square_crop(face.bbox.centre(), side, eyes)
}

/// The turned square around a mesh: centre and long side of its box measured along the eye line,
/// so that a tilted head gets the same square as an upright one.
fn crop_from_mesh(mesh: &Mesh) -> Similarity {
    let eyes = mesh.point(EYE_OUTER_LEFT) - mesh.point(EYE_OUTER_RIGHT);
    let level = Similarity::about(Point::default(), Point::default(), 1.0, -eyes.y.atan2(eyes.x));
    let bbox = BoundingBox::around((0..FACE_POINTS).map(|i| level.apply(mesh.point(i))));
    let side = f64::from(bbox.width().max(bbox.height())) * ROI_PER_BOX;
    square_crop(level.inverse().apply(bbox.centre()), side, eyes)
}

fn square_crop(centre: Point, side_px: f64, eyes: Point) -> Similarity {
    let half = INPUT_PX as f64 / 2.0;
    Similarity::about(centre, Point::new(half, half), INPUT_PX as f64 / side_px, -eyes.y.atan2(eyes.x))
}

/// The mesh of a newly detected face: two passes.
pub(crate) fn fit_detection(
    network: &dyn Network,
    picture: &dyn Picture,
    face: &Detection,
) -> Result<Option<MeshFit>, VisionError> {
    match fit(network, picture, &crop_from_detection(face))? {
        Some(first) => fit(network, picture, &crop_from_mesh(&first.mesh)),
        None => Ok(None),
    }
}

/// The mesh of a face whose mesh in the frame before is known: one pass.
pub(crate) fn fit_tracked(
    network: &dyn Network,
    picture: &dyn Picture,
    previous: &Mesh,
) -> Result<Option<MeshFit>, VisionError> {
    fit(network, picture, &crop_from_mesh(previous))
}

/// One pass. `None` when the square is empty, lies outside the picture or the network gives
/// nothing finite.
fn fit(
    network: &dyn Network,
    picture: &dyn Picture,
    crop_from_frame: &Similarity,
) -> Result<Option<MeshFit>, VisionError> {
    let Some(crop) = cut(picture, crop_from_frame, INPUT_PX, Border::Constant(0.0)) else {
        return Ok(None);
    };
    let input = Array::from_picture(&crop);
    let outputs = network.run(&[("image", &input)], &["landmarks", "presence"])?;
    let (landmarks, presence) = match &outputs[..] {
        [l, p] if l.data.len() == 3 * MESH_POINTS && !p.data.is_empty() => (l, p.data[0]),
        other => {
            return Err(VisionError::Network {
                network: "face_mesh",
                expected: format!("{MESH_POINTS} points and a presence"),
                found: format!("{:?}", other.iter().map(|a| &a.shape).collect::<Vec<_>>()),
            });
        }
    };
    let in_crop: Vec<[f32; 3]> = landmarks.data.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
    Ok(Mesh::try_from(in_crop)
        .ok()
        .filter(|_| presence.is_finite())
        .map(|mesh| MeshFit { mesh: mesh.transformed(&crop_from_frame.inverse()), presence }))
}

/// A square cut out of a picture, of which only the needed part is read; `None` when it shows
/// nothing of the picture.
pub(crate) fn cut(
    picture: &dyn Picture,
    crop_from_frame: &Similarity,
    size_px: usize,
    border: Border,
) -> Option<RgbImage> {
    let rect = needed_rect(crop_from_frame, size_px, size_px, picture.width_px(), picture.height_px());
    if rect.is_empty() {
        return None;
    }
    let part = picture.rgb(rect);
    let crop_from_part = *crop_from_frame * Similarity::translation(rect.x as f64, rect.y as f64);
    Some(warp(&part, &crop_from_part, size_px, size_px, border))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mesh_has_478_finite_points() {
        assert!(Mesh::try_from(vec![[0.0; 3]; 477]).is_err());
        let mut points = vec![[0.0; 3]; 478];
        points[3][1] = f32::NAN;
        assert_eq!(Mesh::try_from(points), Err(NotAMesh(477)));
    }

    #[test]
    fn the_square_of_a_tilted_box_has_level_eyes_and_its_size() {
        let face = Detection {
            bbox: BoundingBox { left: 100.0, top: 100.0, right: 180.0, bottom: 200.0 },
            score: 1.0,
            points: [
                Point::new(120.0, 130.0),
                Point::new(150.0, 160.0),
                Point::default(),
                Point::default(),
                Point::default(),
            ],
        };
        let crop = crop_from_detection(&face);
        assert!((crop.scale() - 256.0 / 150.0).abs() < 1e-12);
        let (a, b) = (crop.apply(face.points[0]), crop.apply(face.points[1]));
        assert!((a.y - b.y).abs() < 1e-9 && b.x > a.x);
        let centre = crop.apply(Point::new(140.0, 150.0));
        assert!(centre.distance(Point::new(128.0, 128.0)) < 1e-9);
    }
}
