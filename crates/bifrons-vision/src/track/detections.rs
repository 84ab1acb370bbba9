//! What the detector says of the faces that are followed, and of new ones.

use super::backward::Found;
use super::matching::best_pairs;
use super::state::Track;
use super::{Tracker, is_face};
use crate::embed::SAME_PERSON_COSINE;
use crate::{BoundingBox, Detection, Embedding, Picture, VisionError};

/// Overlap (intersection over union) of a detection and a mesh that are one face.
const SAME_FACE_IOU: f32 = 0.3;
/// Below this overlap the mesh may have slipped: it is set anew from the detection.
const SLIPPED_IOU: f32 = 0.45;
/// Overlap of a detection with the last place of a lost face that makes it worth a look.
const SAME_PLACE_IOU: f32 = 0.15;
/// Likeness (cosine) from which a face elsewhere in the frame is the lost one. Measured every 24
/// frames in ten tracks, through hands, tears and laughter: one face is like itself by 0.72 or more;
/// different people have 0.38 in the middle and 0.59 at most.
const RELINK_LIKENESS: f32 = SAME_PERSON_COSINE;
/// Likeness from which a face at the place of the lost one is the lost one: what hid it may still
/// hide a part of it.
const RELINK_LIKENESS_NEARBY: f32 = 0.5;
/// Detector runs in a row without the face after which the mesh alone is not believed any more.
const MISSES_TO_LOSE: u32 = 4;
/// Likeness from which a face that was lost in this very frame, and is where it was, is itself: the mesh's doubt comes
/// with a head that turns away, which looks unlike itself.
const RELINK_LIKENESS_IN_PLACE: f32 = 0.35;
/// Overlap of a detection with the last place of a face lost in this very frame.
const IN_PLACE_IOU: f32 = 0.5;
/// Overlap of a mesh with the detection it was made for from which it is believed although its presence is low. Heads
/// that look down or away have presence 0 and 0.75 to 0.87; what is no face, 0.55 at most.
const BACKED_IOU: f32 = 0.7;

/// What a run of the detector changed.
pub(super) struct Taken {
    /// Faces that were not followed before.
    pub(super) found: Vec<Found>,
    /// Detections that became no face: too unsure, or without a mesh.
    pub(super) unexplained: usize,
}

impl<P: Picture> Tracker<'_, P> {
    /// Gives the detections of a frame to the tracks they belong to, and begins tracks for the others.
    pub(super) fn take_detections(
        &mut self,
        picture: &dyn Picture,
        frame: u32,
        detections: &[Detection],
    ) -> Result<Taken, VisionError> {
        let mut free = self.support_seen(picture, detections)?;
        // A detection that overlaps a followed face is that face, matched or not.
        let seen: Vec<BoundingBox> =
            self.state.tracks.iter().filter(|t| t.is_seen()).map(Track::bbox).collect();
        free.retain(|d| seen.iter().all(|b| b.iou(&d.bbox) < SAME_FACE_IOU));
        let mut taken = Taken { found: Vec::new(), unexplained: free.len() };
        for detection in free {
            let may_be_new = detection.score >= self.state.options.min_new_score;
            let may_be_lost = self.state.tracks.iter().any(|t| !t.is_seen());
            if !may_be_new && !may_be_lost {
                continue;
            }
            let Some(fit) = self.vision.mesh(picture, detection)? else {
                continue;
            };
            let is_backed = may_be_new && fit.mesh.bounding_box().iou(&detection.bbox) >= BACKED_IOU;
            let min_presence = if is_backed { 0.0 } else { self.state.options.min_presence };
            if !is_face(&fit, picture, min_presence) {
                continue;
            }
            let embedding = if may_be_lost { self.vision.embed(picture, &fit.mesh)? } else { None };
            if let Some(lost) = self.lost_track(&fit.mesh.bounding_box(), embedding.as_ref()) {
                let track = &mut self.state.tracks[lost];
                taken.found.push(Found { track: track.id, since: track.last_frame + 1 });
                track.mesh = fit.mesh;
                track.presence = fit.presence;
                track.score = detection.score;
                track.support += 1;
                track.detector_runs += 1;
                track.misses = 0;
                track.missing = 0;
                // It is embedded in this frame.
                track.embedded_at = None;
            } else if may_be_new {
                let id = self.state.next_track;
                self.state.next_track += 1;
                taken.found.push(Found { track: id, since: self.state.shot_start });
                self.state.tracks.push(Track::new(id, frame, fit.mesh, fit.presence, detection.score));
            }
        }
        taken.unexplained -= taken.found.len();
        Ok(taken)
    }

    /// Notes which followed faces the detector sees too, and sets slipped meshes anew. Returns the
    /// detections that no followed face has.
    fn support_seen<'d>(
        &mut self,
        picture: &dyn Picture,
        detections: &'d [Detection],
    ) -> Result<Vec<&'d Detection>, VisionError> {
        let options = self.state.options;
        let boxes: Vec<Option<BoundingBox>> =
            self.state.tracks.iter().map(|t| t.is_seen().then(|| t.bbox())).collect();
        let mut free: Vec<Option<&Detection>> = detections.iter().map(Some).collect();
        let mut matched = vec![false; boxes.len()];
        for pair in best_pairs(&boxes, detections, SAME_FACE_IOU) {
            let track = &mut self.state.tracks[pair.track];
            let detection = &detections[pair.detection];
            free[pair.detection] = None;
            matched[pair.track] = true;
            track.support += 1;
            track.misses = 0;
            track.score = detection.score;
            if pair.iou < SLIPPED_IOU
                && let Some(fit) = self.vision.mesh(picture, detection)?
                && is_face(&fit, picture, options.min_presence)
            {
                track.mesh = fit.mesh;
                track.presence = fit.presence;
            }
        }
        for (track, matched) in self.state.tracks.iter_mut().zip(matched) {
            if !track.is_seen() {
                continue;
            }
            track.detector_runs += 1;
            if !matched {
                track.misses += 1;
                if track.misses >= MISSES_TO_LOSE {
                    track.missing = 1;
                }
            }
        }
        Ok(free.into_iter().flatten().collect())
    }

    /// The lost track that a newly found face belongs to: the one most alike.
    fn lost_track(&self, bbox: &BoundingBox, embedding: Option<&Embedding>) -> Option<usize> {
        let embedding = embedding?;
        let mut best: Option<(f32, usize)> = None;
        for (i, track) in self.state.tracks.iter().enumerate() {
            if track.is_seen() {
                continue;
            }
            let is_nearby = track.bbox().iou(bbox) >= SAME_PLACE_IOU;
            let is_in_place = track.missing == 1 && track.bbox().iou(bbox) >= IN_PLACE_IOU;
            let least = match (is_in_place, is_nearby) {
                (true, _) => RELINK_LIKENESS_IN_PLACE,
                (_, true) => RELINK_LIKENESS_NEARBY,
                _ => RELINK_LIKENESS,
            };
            // one that was never seen clearly is known by its place alone
            let unknown = if is_in_place { RELINK_LIKENESS_IN_PLACE } else { 0.0 };
            let likeness = track.likeness(embedding).unwrap_or(unknown);
            if likeness >= least && best.is_none_or(|(most, _)| likeness > most) {
                best = Some((likeness, i));
            }
        }
        best.map(|(_, i)| i)
    }
}
