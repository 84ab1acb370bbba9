//! Following faces through a clip.
//!
//! The detector runs at the start of a shot, when a face is lost, while a track is young, and every
//! few frames; in between each mesh follows its face from where it was. A track is one face in one
//! shot: a cut ends all tracks. A face that is lost for a short while (a hand, a turn) keeps its
//! track when it comes back at the same place or with the same look. A head that looks down or away,
//! whose mesh says that there is no face, is followed as long as the detector is sure of it and the
//! mesh lies on what it sees; [`Observation::presence`] stays low there.
//!
//! A face that is found is also followed back to where it came into sight. For this the tracker keeps
//! the frames since the last run of the detector (longer while the detector is in doubt) and gives
//! them back when all their faces are known.
//!
//! Whether a track is a face at all is known late: a mesh believes much once it is set on something.
//! So observations do not wait for it, and [`TrackEnd::accepted`] says at the end whether the detector
//! has supported the track; what is not accepted must be thrown away.

mod backward;
mod cut;
mod detections;
mod matching;
mod options;
mod outcome;
mod state;

pub use cut::CutFinder;
pub use options::TrackerOptions;
pub use outcome::{EndReason, Followed, Observation, Step, TrackEnd};
pub use state::TrackerState;

use std::collections::VecDeque;

use crate::mesh::MeshFit;
use crate::{BoundingBox, Embedding, Picture, Vision, VisionError};
use matching::duplicates;
use state::Track;

/// Overlap of two meshes that sit on one face.
const DUPLICATE_IOU: f32 = 0.5;
/// Likeness below which a face is somebody else's.
const STRANGER_LIKENESS: f32 = 0.5;
/// Embeddings in a row that must look like somebody else before a track is ended for it.
const STRANGERS_TO_END: u32 = 3;
/// Runs of the detector after which a track is no longer young (looked at by the detector in every
/// frame).
const YOUNG_RUNS: u32 = 3;
/// Shortest side of a face's box that a mesh is made for, in pixels: below there is nothing to
/// replace.
const LEAST_FACE_PX: f32 = 12.0;

/// Follows the faces of one clip, whose frames it is fed in order.
#[derive(Debug)]
pub struct Tracker<'v, P> {
    vision: &'v Vision,
    state: TrackerState,
    /// Frames that a face may yet be followed back through, oldest first.
    waiting: VecDeque<Followed<P>>,
}

impl<'v, P: Picture> Tracker<'v, P> {
    /// A tracker at the start of a clip.
    #[must_use]
    pub fn new(vision: &'v Vision) -> Self {
        Self::with_options(vision, TrackerOptions::default())
    }

    /// A tracker at the start of a clip, with other options.
    #[must_use]
    pub fn with_options(vision: &'v Vision, options: TrackerOptions) -> Self {
        Self::resume(vision, TrackerState::new(options))
    }

    /// A tracker that goes on where another one was saved; the next frame it must be fed is
    /// [`TrackerState::next_frame`].
    #[must_use]
    pub fn resume(vision: &'v Vision, state: TrackerState) -> Self {
        Self { vision, state, waiting: VecDeque::new() }
    }

    /// What the tracker remembers, to be saved; `None` while it keeps frames back. It keeps none after each run of
    /// the detector that leaves no doubt, and after 24 frames at the latest.
    #[must_use]
    pub fn state(&self) -> Option<TrackerState> {
        self.waiting.is_empty().then(|| self.state.clone())
    }

    /// Looks at the next frame of the clip. Returns the frames whose faces are all known now, in order: none for a
    /// while, then several at once.
    ///
    /// # Errors
    /// [`VisionError`] when the frame has no pixels or a network fails; the tracker is then of no
    /// more use.
    pub fn next(&mut self, picture: P) -> Result<Vec<Followed<P>>, VisionError> {
        let frame = self.state.frames;
        let mut step = Step::default();
        let mut known = Vec::new();
        let changed = self.state.cuts.is_cut(picture.luma_thumbnail()?);
        if changed || (self.state.options.stills && frame > 0) {
            known.extend(self.waiting.drain(..));
            step.cut = true;
            step.ended = self.end_all(EndReason::Cut);
            self.state.shot_start = frame;
            self.state.last_detection = None;
        }
        self.follow(&picture)?;
        let mut found = Vec::new();
        let mut in_doubt = true;
        let is_due = self.is_detection_due(frame);
        if is_due || self.asks_for_detection() {
            step.detected = true;
            let detector = &self.state.options.detector;
            let detections = if is_due {
                self.state.last_detection = Some(frame);
                self.vision.detect(&picture, detector)?
            } else {
                let near: Vec<BoundingBox> = self.state.tracks.iter().map(Track::bbox).collect();
                // as before tiles were, where there are none: what is asked is found by the whole view
                if detector.least_face_px <= 0.0 {
                    self.state.last_detection = Some(frame);
                }
                self.vision.detect_near(&picture, detector, &near)?
            };
            let taken = self.take_detections(&picture, frame, &detections)?;
            found = taken.found;
            in_doubt = taken.unexplained > 0;
        }
        self.drop_duplicates(&mut step.ended);
        let embeddings = self.look_who_it_is(&picture, frame, &mut step.ended)?;
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
        for found in &found {
            self.follow_back(found)?;
        }
        self.state.frames += 1;
        let is_last = self.waits_for_long(&picture);
        self.waiting.push_back(Followed { picture, step });
        if !in_doubt || is_last {
            known.extend(self.waiting.drain(..));
        }
        Ok(known)
    }

    /// Ends all tracks: the clip is over. Returns the frames that were kept back, and what becomes of the tracks.
    pub fn finish(&mut self) -> (Vec<Followed<P>>, Vec<TrackEnd>) {
        (self.waiting.drain(..).collect(), self.end_all(EndReason::ClipEnd))
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

    fn is_detection_due(&self, frame: u32) -> bool {
        let every = self.state.options.detect_every_frames;
        self.state.last_detection.is_none_or(|last| frame - last >= every)
    }

    /// Whether a track cannot wait until the detector runs again.
    fn asks_for_detection(&self) -> bool {
        self.state.tracks.iter().any(|track| {
            let is_young = track.detector_runs < YOUNG_RUNS;
            // Often at first, then every third frame: what was lost seldom comes back late.
            let is_lost = track.missing > 0 && (track.missing <= 3 || track.missing.is_multiple_of(3));
            is_young || is_lost || track.misses > 0
        })
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
        let TrackerOptions { embed_every_frames: every, min_presence, .. } = self.state.options;
        let mut found = Vec::new();
        for track in &mut self.state.tracks {
            let is_due = track.embedded_at.is_none_or(|at| frame - at >= every) || track.strangers > 0;
            // a head that the mesh doubts (turned away) looks like nobody
            if !track.is_seen() || !is_due || track.presence < min_presence {
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
