//! What the tracker remembers between two frames.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::cut::CutFinder;
use super::{EndReason, TrackEnd, TrackerOptions};
use crate::embed::EMBEDDING_LEN;
use crate::{BoundingBox, Embedding, Mesh};

/// Changes when a saved state of an older program would be misread.
const STATE_VERSION: u32 = 1;

/// Everything a [`Tracker`](super::Tracker) remembers between two frames. Saved with serde and given
/// back to [`Tracker::resume`](super::Tracker::resume), the rest of the clip gives the same bits as
/// without an interruption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackerState {
    #[serde(deserialize_with = "this_version")]
    version: u32,
    pub(super) options: TrackerOptions,
    /// Frames seen.
    pub(super) frames: u32,
    /// First frame of the shot.
    pub(super) shot_start: u32,
    /// Frame of the last detection.
    pub(super) last_detection: Option<u32>,
    pub(super) next_track: u32,
    pub(super) cuts: CutFinder,
    /// Running tracks, oldest first.
    pub(super) tracks: Vec<Track>,
}

fn this_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        STATE_VERSION => Ok(STATE_VERSION),
        other => Err(D::Error::custom(format!(
            "expected tracker state version {STATE_VERSION}, found {other}: extract this clip again"
        ))),
    }
}

impl TrackerState {
    pub(super) fn new(options: TrackerOptions) -> Self {
        Self {
            version: STATE_VERSION,
            options,
            frames: 0,
            shot_start: 0,
            last_detection: None,
            next_track: 0,
            cuts: CutFinder::default(),
            tracks: Vec::new(),
        }
    }

    /// Number of frames the tracker has seen; the next one it expects.
    #[must_use]
    pub fn next_frame(&self) -> usize {
        self.frames as usize
    }
}

/// A face that is followed, or was lost a short while ago.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) first_frame: u32,
    /// Frame of the last observation.
    pub(super) last_frame: u32,
    /// Frames with an observation.
    pub(super) observed: u32,
    /// The mesh of the last observation.
    pub(super) mesh: Mesh,
    pub(super) presence: f32,
    /// Score of the last detection of this face.
    pub(super) score: f32,
    /// Detections of this face.
    pub(super) support: u32,
    /// Detector runs while this face was followed.
    pub(super) detector_runs: u32,
    /// Detector runs in a row that did not see this face.
    pub(super) misses: u32,
    /// Frames since the face was seen; 0 while it is.
    pub(super) missing: u32,
    /// Sum of the embeddings; empty before the first.
    embedding_sum: Vec<f32>,
    /// The last embedding that fitted the track.
    last_embedding: Option<Embedding>,
    /// Embeddings in a row that look like somebody else.
    pub(super) strangers: u32,
    /// Frame of the last embedding.
    pub(super) embedded_at: Option<u32>,
}

impl Track {
    pub(super) fn new(id: u32, frame: u32, mesh: Mesh, presence: f32, score: f32) -> Self {
        Self {
            id,
            first_frame: frame,
            last_frame: frame,
            observed: 0,
            mesh,
            presence,
            score,
            support: 1,
            detector_runs: 1,
            misses: 0,
            missing: 0,
            embedding_sum: Vec::new(),
            last_embedding: None,
            strangers: 0,
            embedded_at: None,
        }
    }

    pub(super) fn bbox(&self) -> BoundingBox {
        self.mesh.bounding_box()
    }

    /// Whether the face is in the frame.
    pub(super) fn is_seen(&self) -> bool {
        self.missing == 0
    }

    pub(super) fn mean_embedding(&self) -> Option<Embedding> {
        Embedding::try_from(self.embedding_sum.clone()).ok()
    }

    /// Highest cosine to what is known of this face: its mean and its last look (a head that turns
    /// away is unlike its mean, but like itself a second ago). `None` before the first embedding.
    pub(super) fn likeness(&self, embedding: &Embedding) -> Option<f32> {
        let mean = self.mean_embedding()?.cosine(embedding);
        let last = self.last_embedding.as_ref().map_or(mean, |last| last.cosine(embedding));
        Some(mean.max(last))
    }

    pub(super) fn learn(&mut self, embedding: Embedding) {
        self.embedding_sum.resize(EMBEDDING_LEN, 0.0);
        for (sum, value) in self.embedding_sum.iter_mut().zip(embedding.as_slice()) {
            *sum += value;
        }
        self.last_embedding = Some(embedding);
        self.strangers = 0;
    }

    /// Where the track ends, and whether it was a face: seen often enough by the detector, in a third
    /// of its runs, and at least once by the mesh as well (an embedding is made only then), which a
    /// single picture is not asked for.
    pub(super) fn end(self, reason: EndReason, min_support: u32) -> TrackEnd {
        TrackEnd {
            track: self.id,
            accepted: self.support >= min_support
                && 3 * self.support >= self.detector_runs
                && (min_support <= 1 || !self.embedding_sum.is_empty()),
            reason,
            first_frame: self.first_frame as usize,
            last_frame: self.last_frame as usize,
            frames: self.observed as usize,
            support: self.support,
            embedding: self.mean_embedding(),
        }
    }
}
