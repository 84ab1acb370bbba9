//! Landmarks that a person has placed, and the crop cut out by them.

use bifrons_media::{Clip, MediaError};
use bifrons_project::{ContentHash, Decision, DecisionId, Face, FaceId, Visit, atomic};
use bifrons_vision::Mesh;
use bifrons_vision::align::crop_from_frame;
use bifrons_vision::geometry::{Point, Similarity};
use bifrons_vision::mesh::MESH_POINTS;

use crate::ExtractionError;
use crate::extract::{CROP_QUALITY, cut};

/// How the landmarks of a face are moved as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nudge {
    /// Pixels of the footage to the right.
    pub right_px: f64,
    /// Pixels down.
    pub down_px: f64,
    /// Degrees clockwise about the middle of the landmarks.
    pub turn_deg: f64,
    /// Times larger.
    pub scale: f64,
}

/// Landmarks moved as a whole; with [`Mesh::points`] the depth follows the size.
#[must_use]
pub fn nudged(mesh: &Mesh, nudge: &Nudge) -> Mesh {
    let middle = Point::mean(&mesh.points_in(&Similarity::IDENTITY));
    let target = Point::new(middle.x + nudge.right_px, middle.y + nudge.down_px);
    mesh.transformed(&Similarity::about(middle, target, nudge.scale, nudge.turn_deg.to_radians()))
}

/// The landmarks that count for a face.
///
/// # Errors
/// [`ExtractionError::Project`]; [`ExtractionError::Landmarks`].
pub fn landmarks(visit: &Visit, face: FaceId) -> Result<Mesh, ExtractionError> {
    mesh(visit.index().face(face)?.record.points)
}

/// Puts the landmarks of a face at `places` (x, y of each, in pixels of the footage), cuts the crop out anew by them
/// and notes it as a decision. What was found, and its crop, stay.
///
/// # Errors
/// [`ExtractionError::Landmarks`] for a wrong number of places or some far outside of the frame;
/// [`ExtractionError::Media`] when the footage cannot be read; [`ExtractionError::Project`].
pub fn place_landmarks(
    visit: &Visit,
    face: FaceId,
    places: &[[f32; 2]],
) -> Result<DecisionId, ExtractionError> {
    let Face { clip, record, .. } = visit.index().face(face)?;
    let row = visit.index().clip(clip)?;
    if places.len() != MESH_POINTS || record.points.len() != MESH_POINTS {
        let reason = format!("{} landmarks, expected {MESH_POINTS}", places.len());
        return Err(ExtractionError::Landmarks { reason });
    }
    let (width, height) = (row.info.width_px as f32, row.info.height_px as f32);
    let near = |[x, y]: &[f32; 2]| (-width..2.0 * width).contains(x) && (-height..2.0 * height).contains(y);
    if !places.iter().all(near) {
        let reason = "some are far outside of the frame".to_owned();
        return Err(ExtractionError::Landmarks { reason });
    }
    let points: Vec<[f32; 3]> =
        places.iter().zip(&record.points).map(|([x, y], [.., z])| [*x, *y, *z]).collect();
    let mesh = mesh(points.clone())?;
    let Some(frame) = Clip::open(&row.path)?.read(record.frame)?.next_frame()? else {
        let (decoded, expected) = (record.frame, record.frame + 1);
        return Err(MediaError::Truncated { path: row.path, decoded, expected }.into());
    };
    let encoded = cut(&frame, &crop_from_frame(&mesh)).encode_jpeg(CROP_QUALITY);
    let encoded = encoded.map_err(|source| ExtractionError::Crop { clip: row.path.clone(), source })?;

    let bytes: Vec<u8> = points.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    let hash = ContentHash::of_bytes(&bytes).to_string();
    let found = bifrons_project::Layout::crop_name(clip, record.frame, record.track);
    let crop = format!("{}-{}.jpg", found.trim_end_matches(".jpg"), &hash[..8]);
    // the crop first: a decision without one never happens
    atomic::write(&visit.layout().crop(&row.person, &crop), &encoded)?;
    Ok(visit.index().decide(&Decision::Place { face, points, crop })?)
}

fn mesh(points: Vec<[f32; 3]>) -> Result<Mesh, ExtractionError> {
    Mesh::try_from(points).map_err(|error| ExtractionError::Landmarks { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landmarks_are_moved_about_their_middle() {
        let points = (0..MESH_POINTS).map(|n| [(n % 2) as f32 * 20.0, 50.0, (n % 2) as f32]).collect();
        let nudge = Nudge { right_px: 5.0, down_px: -10.0, turn_deg: 90.0, scale: 2.0 };
        let moved = nudged(&mesh(points).unwrap(), &nudge);
        for (at, [x, y, z]) in [(0, [15.0, 20.0, 0.0]), (1, [15.0, 60.0, 2.0])] {
            let [mx, my, mz] = moved.points()[at];
            assert!(
                (mx - x).abs() < 1e-3 && (my - y).abs() < 1e-3 && (mz - z).abs() < 1e-3,
                "{mx} {my} {mz}"
            );
        }
    }
}
