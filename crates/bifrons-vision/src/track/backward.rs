//! Following a face back to where it came from.
//!
//! The detector looks every few frames and is unsure of a head that is turned away, so a face is often found some
//! frames after it came into sight. The mesh needs no detector: once a face is found it is followed backwards through
//! the frames that were kept back for this.

use super::outcome::{Followed, Observation};
use super::{DUPLICATE_IOU, STRANGER_LIKENESS, Tracker, is_face};
use crate::mesh::MeshFit;
use crate::{Picture, VisionError};

/// Frames kept back at most.
const MOST_FRAMES: usize = 24;
/// Pixels kept back at most, so that large frames do not fill the memory: 24 frames of 1920 × 1080, 6 of UHD.
const MOST_PIXELS: usize = 24 * 1920 * 1080;

/// A face that was not followed in the frame before.
pub(super) struct Found {
    pub(super) track: u32,
    /// First frame that the face may be followed back to.
    pub(super) since: u32,
}

impl<P: Picture> Tracker<'_, P> {
    /// Whether the waiting frames, the last of which is `picture`, are as many as may be kept.
    pub(super) fn waits_for_long(&self, picture: &P) -> bool {
        let pixels = picture.width_px() * picture.height_px();
        self.waiting.len() >= MOST_FRAMES || (self.waiting.len() + 1) * pixels > MOST_PIXELS
    }

    /// Follows a face of the frame that was just looked at back through the waiting frames, until it is hidden, gone,
    /// or another track's.
    pub(super) fn follow_back(&mut self, found: &Found) -> Result<(), VisionError> {
        let Some(track) = self.state.tracks.iter_mut().find(|track| track.id == found.track) else {
            return Ok(());
        };
        let mut last = track.mesh.clone();
        let mut fits: Vec<(&mut Followed<P>, MeshFit)> = Vec::new();
        let frames = (found.since..self.state.frames).rev();
        for (_, waiting) in frames.zip(self.waiting.iter_mut().rev()) {
            let fit = self.vision.mesh_from(&waiting.picture, &last)?;
            let Some(fit) = fit.filter(|fit| is_face(fit, &waiting.picture, self.state.options.min_presence))
            else {
                break;
            };
            let bbox = fit.mesh.bounding_box();
            if waiting.step.observations.iter().any(|other| other.bbox.iou(&bbox) >= DUPLICATE_IOU) {
                break;
            }
            last = fit.mesh.clone();
            fits.push((waiting, fit));
        }
        // A mesh that slipped onto somebody who was there before is found out at the far end.
        if let Some((waiting, fit)) = fits.last()
            && let Some(embedding) = self.vision.embed(&waiting.picture, &fit.mesh)?
            && track.likeness(&embedding).is_some_and(|likeness| likeness < STRANGER_LIKENESS)
        {
            return Ok(());
        }
        track.observed += fits.len() as u32;
        track.first_frame = track.first_frame.min(self.state.frames - fits.len() as u32);
        for (waiting, fit) in fits {
            let observations = &mut waiting.step.observations;
            let place = observations.partition_point(|other| other.track < track.id);
            observations.insert(
                place,
                Observation {
                    track: track.id,
                    presence: fit.presence,
                    score: track.score,
                    bbox: fit.mesh.bounding_box(),
                    mesh: fit.mesh,
                    embedding: None,
                },
            );
        }
        Ok(())
    }
}
