//! Following faces through a clip.
//!
//! The detector runs at the start of a shot, when a face is lost, while a track is young, and every
//! few frames; in between each mesh follows its face from where it was. A track is one face in one
//! shot: a cut ends all tracks. A face that is lost for a short while (a hand, a turn) keeps its
//! track when it comes back at the same place or with the same look.
//!
//! Whether a track is a face at all is known late: a mesh believes much once it is set on something.
//! So observations come at once, and [`TrackEnd::accepted`] says at the end whether the detector has
//! supported the track; what is not accepted must be thrown away.

mod cut;
mod matching;
mod options;
mod outcome;
mod state;

pub use options::TrackerOptions;
pub use outcome::{EndReason, Observation, Step, TrackEnd};
pub use state::TrackerState;

use crate::embed::SAME_PERSON_COSINE;
use crate::mesh::MeshFit;
use crate::{BoundingBox, Detection, Embedding, Picture, Vision, VisionError};
use matching::{best_pairs, duplicates};
use state::Track;

/// Overlap (intersection over union) of a detection and a mesh that are one face.
const SAME_FACE_IOU: f32 = 0.3;
/// Below this overlap the mesh may have slipped: it is set anew from the detection.
const SLIPPED_IOU: f32 = 0.45;
/// Overlap of two meshes that sit on one face.
const DUPLICATE_IOU: f32 = 0.5;
/// Overlap of a detection with the last place of a lost face that makes it worth a look.
const SAME_PLACE_IOU: f32 = 0.15;
/// Likeness (cosine) from which a face elsewhere in the frame is the lost one. Measured every 24
/// frames in ten tracks, through hands, tears and laughter: one face is like itself by 0.72 or more;
/// different people have 0.38 in the middle and 0.59 at most.
const RELINK_LIKENESS: f32 = SAME_PERSON_COSINE;
/// Likeness from which a face at the place of the lost one is the lost one: what hid it may still
/// hide a part of it.
const RELINK_LIKENESS_NEARBY: f32 = 0.5;
/// Likeness below which a face is somebody else's.
const STRANGER_LIKENESS: f32 = 0.5;
/// Embeddings in a row that must look like somebody else before a track is ended for it.
const STRANGERS_TO_END: u32 = 3;
/// Detector runs in a row without the face after which the mesh alone is not believed any more.
const MISSES_TO_LOSE: u32 = 4;
/// Frames with an observation after which a track is no longer young (looked at by the detector in
/// every frame).
const YOUNG_FRAMES: u32 = 3;
/// Shortest side of a face's box that a mesh is made for, in pixels: below there is nothing to
/// replace.
const LEAST_FACE_PX: f32 = 12.0;

/// Follows the faces of one clip, whose frames it is fed in order.
#[derive(Debug)]
pub struct Tracker<'v> {
    vision: &'v Vision,
    state: TrackerState,
}

impl<'v> Tracker<'v> {
    /// A tracker at the start of a clip.
    #[must_use]
    pub fn new(vision: &'v Vision) -> Self {
        Self::with_options(vision, TrackerOptions::default())
    }

    /// A tracker at the start of a clip, with other options.
    #[must_use]
    pub fn with_options(vision: &'v Vision, options: TrackerOptions) -> Self {
        Self { vision, state: TrackerState::new(options) }
    }

    /// A tracker that goes on where another one was saved; the next frame it must be fed is
    /// [`TrackerState::next_frame`].
    #[must_use]
    pub fn resume(vision: &'v Vision, state: TrackerState) -> Self {
        Self { vision, state }
    }

    /// What the tracker remembers, to be saved after any frame.
    #[must_use]
    pub fn state(&self) -> TrackerState {
        self.state.clone()
    }

    /// Looks at the next frame of the clip.
    ///
    /// # Errors
    /// [`VisionError`] when the frame has no pixels or a network fails; the tracker is then of no
    /// more use.
    pub fn next(&mut self, picture: &dyn Picture) -> Result<Step, VisionError> {
        let frame = self.state.frames;
        let mut step = Step::default();
        let changed = self.state.cuts.is_cut(picture.luma_thumbnail()?);
        if changed || (self.state.options.stills && frame > 0) {
            step.cut = true;
            step.ended = self.end_all(EndReason::Cut);
            self.state.shot_start = frame;
            self.state.last_detection = None;
        }
        self.follow(picture)?;
        if self.wants_detection(frame) {
            step.detected = true;
            self.state.last_detection = Some(frame);
            let detections = self.vision.detect(picture, &self.state.options.detector)?;
            self.take_detections(picture, frame, &detections)?;
        }
        self.drop_duplicates(&mut step.ended);
        let embeddings = self.look_who_it_is(picture, frame, &mut step.ended)?;
        for (track, embedding) in self.state.tracks.iter_mut().zip(embeddings) {
            if !track.is_seen() {
                continue;
            }
            track.observed += 1;
            track.last_frame = frame;
            step.observations.push(Observation {
                track: track.id,
                mesh: track.mesh.clone(),
                presence: track.presence,
                score: track.score,
                bbox: track.bbox(),
                embedding,
            });
        }
        step.observations.sort_by_key(|o| o.track);
        self.give_up(&mut step.ended);
        self.state.frames += 1;
        Ok(step)
    }

    /// Ends all tracks: the clip is over. Saved afterwards, the state has none left.
    pub fn finish(&mut self) -> Vec<TrackEnd> {
        self.end_all(EndReason::ClipEnd)
    }

    fn end_all(&mut self, reason: EndReason) -> Vec<TrackEnd> {
        // A track cannot be seen more often than its shot is long.
        let shot_frames = self.state.frames - self.state.shot_start;
        let min_support = self.state.options.min_support.min(shot_frames);
        self.state.tracks.drain(..).map(|track| track.end(reason, min_support)).collect()
    }

    fn end_where(&mut self, reason: EndReason, ended: &mut Vec<TrackEnd>, is_over: impl Fn(&Track) -> bool) {
        let min_support = self.state.options.min_support;
        let (over, running) = self.state.tracks.drain(..).partition(is_over);
        self.state.tracks = running;
        ended.extend(Vec::into_iter(over).map(|track: Track| track.end(reason, min_support)));
    }

    /// Moves each mesh along with its face.
    fn follow(&mut self, picture: &dyn Picture) -> Result<(), VisionError> {
        for track in &mut self.state.tracks {
            if !track.is_seen() {
                track.missing += 1;
                continue;
            }
            match self.vision.mesh_from(picture, &track.mesh)? {
                Some(fit) if is_face(&fit, picture, self.state.options.min_presence) => {
                    track.mesh = fit.mesh;
                    track.presence = fit.presence;
                }
                _ => track.missing = 1,
            }
        }
        Ok(())
    }

    fn wants_detection(&self, frame: u32) -> bool {
        let Some(last) = self.state.last_detection else {
            return true;
        };
        let is_due = frame - last >= self.state.options.detect_every_frames;
        let is_asked = |track: &Track| {
            let is_young = track.observed < YOUNG_FRAMES;
            // Often at first, then every third frame: what was lost seldom comes back late.
            let is_lost = track.missing > 0 && (track.missing <= 3 || track.missing.is_multiple_of(3));
            is_young || is_lost || track.misses > 0
        };
        is_due || self.state.tracks.iter().any(is_asked)
    }

    fn take_detections(
        &mut self,
        picture: &dyn Picture,
        frame: u32,
        detections: &[Detection],
    ) -> Result<(), VisionError> {
        let mut free = self.support_seen(picture, detections)?;
        // A detection that overlaps a followed face is that face, matched or not.
        let seen: Vec<BoundingBox> =
            self.state.tracks.iter().filter(|t| t.is_seen()).map(Track::bbox).collect();
        free.retain(|d| seen.iter().all(|b| b.iou(&d.bbox) < SAME_FACE_IOU));
        for detection in free {
            let may_be_new = detection.score >= self.state.options.min_new_score;
            let may_be_lost = self.state.tracks.iter().any(|t| !t.is_seen());
            if !may_be_new && !may_be_lost {
                continue;
            }
            let Some(fit) = self.vision.mesh(picture, detection)? else {
                continue;
            };
            if !is_face(&fit, picture, self.state.options.min_presence) {
                continue;
            }
            let embedding = if may_be_lost { self.vision.embed(picture, &fit.mesh)? } else { None };
            if let Some(lost) = self.lost_track(&fit.mesh.bounding_box(), embedding.as_ref()) {
                let track = &mut self.state.tracks[lost];
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
                self.state.tracks.push(Track::new(id, frame, fit.mesh, fit.presence, detection.score));
            }
        }
        Ok(())
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
            let least = if is_nearby { RELINK_LIKENESS_NEARBY } else { RELINK_LIKENESS };
            let likeness = track.likeness(embedding).unwrap_or(0.0);
            if likeness >= least && best.is_none_or(|(most, _)| likeness > most) {
                best = Some((likeness, i));
            }
        }
        best.map(|(_, i)| i)
    }

    /// Ends the younger of two tracks whose meshes sit on one face.
    fn drop_duplicates(&mut self, ended: &mut Vec<TrackEnd>) {
        let seen: Vec<(u32, BoundingBox)> =
            self.state.tracks.iter().filter(|t| t.is_seen()).map(|t| (t.id, t.bbox())).collect();
        let younger = duplicates(&seen, DUPLICATE_IOU);
        if !younger.is_empty() {
            self.end_where(EndReason::Merged, ended, |t| younger.contains(&t.id));
        }
    }

    /// Embeds the faces whose turn it is, and ends tracks that have become somebody else. Returns
    /// what was found, in the order of the tracks.
    fn look_who_it_is(
        &mut self,
        picture: &dyn Picture,
        frame: u32,
        ended: &mut Vec<TrackEnd>,
    ) -> Result<Vec<Option<Embedding>>, VisionError> {
        let every = self.state.options.embed_every_frames;
        let mut found = Vec::new();
        for track in &mut self.state.tracks {
            let is_due = track.embedded_at.is_none_or(|at| frame - at >= every) || track.strangers > 0;
            if !track.is_seen() || !is_due {
                found.push(None);
                continue;
            }
            track.embedded_at = Some(frame);
            let embedding = self.vision.embed(picture, &track.mesh)?;
            if let Some(embedding) = &embedding {
                match track.likeness(embedding) {
                    Some(likeness) if likeness < STRANGER_LIKENESS => track.strangers += 1,
                    _ => track.learn(embedding.clone()),
                }
            }
            found.push(embedding);
        }
        if self.state.tracks.iter().any(|t| t.strangers >= STRANGERS_TO_END) {
            let stays: Vec<bool> = self.state.tracks.iter().map(|t| t.strangers < STRANGERS_TO_END).collect();
            let mut stays = stays.iter();
            found.retain(|_| stays.next().copied().unwrap_or(true));
            self.end_where(EndReason::Stranger, ended, |t| t.strangers >= STRANGERS_TO_END);
            // The face that is there now gets a track of its own in the next frame.
            self.state.last_detection = None;
        }
        Ok(found)
    }

    /// Ends tracks that have been lost for too long.
    fn give_up(&mut self, ended: &mut Vec<TrackEnd>) {
        let after = self.state.options.give_up_frames;
        if self.state.tracks.iter().any(|t| t.missing > after) {
            self.end_where(EndReason::Lost, ended, |t| t.missing > after);
        }
    }
}

/// Whether a mesh may be a face: present, large enough, and at least half of it in the picture.
fn is_face(fit: &MeshFit, picture: &dyn Picture, min_presence: f32) -> bool {
    let bbox = fit.mesh.bounding_box();
    let inside = BoundingBox {
        left: bbox.left.max(0.0),
        top: bbox.top.max(0.0),
        right: bbox.right.min(picture.width_px() as f32),
        bottom: bbox.bottom.min(picture.height_px() as f32),
    };
    fit.presence >= min_presence
        && bbox.width().min(bbox.height()) >= LEAST_FACE_PX
        && inside.area() >= 0.5 * bbox.area()
}
