//! Films without faces: nothing may be found in them.

use std::collections::BTreeMap;
use std::path::Path;

use bifrons_media::{Clip, Frame};
use bifrons_vision::{Followed, Tracker, Vision};
use serde::{Deserialize, Serialize};

use crate::MeasureError;

/// Smaller faces need not be told from other things, in pixels of the box's shorter side.
const LEAST_FACE_PX: f32 = 20.0;

/// A film that shows no face worth replacing, and what was found in it nevertheless.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmptyClip {
    /// The file's name.
    pub clip: String,
    /// Frames of the film.
    pub frames: usize,
    /// Frames with a face larger than 20 pixels.
    pub frames_with_face: usize,
    /// Shorter side of the largest face found, in pixels; 0 when there was none.
    pub largest_face_px: f64,
}

/// Follows faces through a film that has none, as extraction does.
///
/// # Errors
/// [`MeasureError::Media`], [`MeasureError::Vision`].
pub fn faces_where_none_are(vision: &Vision, path: &Path) -> Result<EmptyClip, MeasureError> {
    let clip = Clip::open(path)?;
    let mut reader = clip.read(0)?;
    let mut tracker = Tracker::new(vision);
    // each track's frames and shorter sides, until it is known whether it is a face
    let mut seen: BTreeMap<u32, Vec<(usize, f32)>> = BTreeMap::new();
    let mut ended = Vec::new();
    let mut frames = 0;
    let mut take = |known: Vec<Followed<Frame>>| {
        for Followed { picture, step } in known {
            frames += 1;
            for face in step.observations {
                let side = face.bbox.width().min(face.bbox.height());
                seen.entry(face.track).or_default().push((picture.index(), side));
            }
            ended.extend(step.ended);
        }
    };
    while let Some(frame) = reader.next_frame()? {
        take(tracker.next(frame)?);
    }
    let (known, running) = tracker.finish();
    take(known);
    ended.extend(running);
    let accepted: Vec<u32> = ended.into_iter().filter(|end| end.accepted).map(|end| end.track).collect();
    let found: Vec<(usize, f32)> =
        seen.into_iter().filter(|(track, _)| accepted.contains(track)).flat_map(|(_, faces)| faces).collect();
    let mut large: Vec<usize> =
        found.iter().filter(|face| face.1 > LEAST_FACE_PX).map(|face| face.0).collect();
    large.sort_unstable();
    large.dedup();
    Ok(EmptyClip {
        clip: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        frames,
        frames_with_face: large.len(),
        largest_face_px: found.iter().map(|face| f64::from(face.1)).fold(0.0, f64::max),
    })
}
