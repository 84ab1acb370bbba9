//! Where somebody may be in a frame in which their face was not found.

use bifrons_project::{Clip as ClipRow, Face, Index};
use bifrons_vision::{BoundingBox, Mesh};

use super::cover::Head;
use crate::SwapError;

/// Frames after somebody was seen, or before they are, in which they may be there and not be found: some two seconds.
const AWAY_FRAMES: usize = 48;
/// How much larger the covered place becomes with every frame, for they may move.
const GROWTH: f32 = 0.03;

/// Heads to cover in `frame`, in which the clip's person was not found: where they were seen last, where they are seen next,
/// and between the two.
pub(super) fn places(index: &Index, row: &ClipRow, frame: usize) -> Result<Vec<Head>, SwapError> {
    let faces = |frames| index.person_faces_in(row.id, &row.person, frames);
    let before = faces(frame.saturating_sub(AWAY_FRAMES)..frame)?;
    let after = faces(frame + 1..frame + 1 + AWAY_FRAMES)?;
    let last = before.last().and_then(|face| seen(face, frame));
    let next = after.first().and_then(|face| seen(face, frame));
    Ok(match (last, next) {
        (Some((last, gone)), Some((next, to_come))) => {
            let share = gone as f32 / (gone + to_come) as f32;
            let between = last.between(next, share);
            vec![between.grown(1.0 + GROWTH * gone.min(to_come) as f32)]
        }
        (Some((head, away)), None) | (None, Some((head, away))) => {
            vec![head.grown(1.0 + GROWTH * away as f32)]
        }
        (None, None) => Vec::new(),
    })
}

/// Where a face was, and how many frames away.
fn seen(face: &Face, frame: usize) -> Option<(Head, usize)> {
    let mesh = Mesh::try_from(face.record.points.clone()).ok()?;
    let bbox: BoundingBox = mesh.bounding_box();
    Some((Head::around(&bbox), face.record.frame.abs_diff(frame)))
}
