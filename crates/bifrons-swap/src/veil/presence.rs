//! Where somebody may be in a frame in which their face was not found.

use std::ops::Range;

use bifrons_media::Clip;
use bifrons_project::{Clip as ClipRow, Face, Index};
use bifrons_vision::{BoundingBox, CutFinder, Mesh};

use super::cover::Head;
use crate::SwapError;

/// Frames after somebody was seen, or before they are, in which they may be there and not be found: some two seconds.
const AWAY_FRAMES: usize = 48;
/// How much larger the covered place becomes with every frame, for they may move.
const GROWTH: f32 = 0.03;
/// Frames beyond a cut that are still covered: where exactly one shot ends is not always clear.
const BEYOND_A_CUT: usize = 3;

/// Where the shots of a clip begin.
#[derive(Debug)]
pub(super) struct Shots(Vec<usize>);

impl Shots {
    /// Looks through the whole clip.
    pub(super) fn of(clip: &Clip) -> Result<Self, SwapError> {
        let mut finder = CutFinder::default();
        let mut starts = Vec::new();
        let mut reader = clip.read(0)?;
        while let Some(frame) = reader.next_frame()? {
            if finder.is_cut(frame.luma_thumbnail()) {
                starts.push(frame.index());
            }
        }
        Ok(Self(starts))
    }

    /// The frames from which it can be told where somebody is in `frame`.
    fn around(&self, frame: usize) -> Range<usize> {
        let next = self.0.partition_point(|start| *start <= frame);
        let start = next.checked_sub(1).map_or(0, |place| self.0[place]);
        let end = self.0.get(next).copied().unwrap_or(usize::MAX);
        let within = |frames: usize| frame.saturating_sub(frames)..frame + 1 + frames;
        let (far, near) = (within(AWAY_FRAMES), within(BEYOND_A_CUT));
        far.start.max(start.min(near.start))..far.end.min(end.max(near.end))
    }
}

/// Heads to cover in `frame`, in which the clip's person was not found: where they were seen last, where they are seen next,
/// and between the two.
pub(super) fn places(
    index: &Index,
    row: &ClipRow,
    shots: &Shots,
    frame: usize,
) -> Result<Vec<Head>, SwapError> {
    let faces = |frames| index.person_faces_in(row.id, &row.person, frames);
    let reach = shots.around(frame);
    let before = faces(reach.start..frame)?;
    let after = faces(frame + 1..reach.end)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_across_a_cut_but_for_some_frames() {
        let shots = Shots(vec![100, 120]);
        assert_eq!(shots.around(10), 0..59);
        assert_eq!(shots.around(90), 42..100);
        assert_eq!(shots.around(99), 51..103);
        assert_eq!(shots.around(100), 97..120);
        assert_eq!(shots.around(125), 120..174);
    }
}
