//! What following the faces brings: observations and the ends of tracks.

use serde::{Deserialize, Serialize};

use crate::{BoundingBox, Embedding, Mesh};

/// A face in a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which track; numbers count up from 0 within a clip.
    pub track: u32,
    /// The mesh, in displayed frame pixels.
    pub mesh: Mesh,
    /// Probability that a face is under the mesh, in `[0, 1]`.
    pub presence: f32,
    /// Score of the last detection of this face, in `[0, 1]`.
    pub score: f32,
    /// The box around the mesh.
    pub bbox: BoundingBox,
    /// Who it is, on frames where this was asked: the first of a track and every
    /// [`TrackerOptions::embed_every_frames`](super::TrackerOptions).
    pub embedding: Option<Embedding>,
}

/// Why a track ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The shot ended.
    Cut,
    /// The face was not found any more.
    Lost,
    /// Its mesh slipped onto the face of an older track.
    Merged,
    /// The face became somebody else's (a dissolve, or a mesh that jumped).
    Stranger,
    /// The clip ended.
    ClipEnd,
}

/// A track that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackEnd {
    /// Which track.
    pub track: u32,
    /// Whether it was a face; if not, all its observations are to be thrown away.
    pub accepted: bool,
    /// Why it ended.
    pub reason: EndReason,
    /// Frame of its first observation, counted from the first frame the tracker saw.
    pub first_frame: usize,
    /// Frame of its last observation.
    pub last_frame: usize,
    /// Number of observations.
    pub frames: usize,
    /// Detections of this face.
    pub support: u32,
    /// Mean embedding: who it is.
    pub embedding: Option<Embedding>,
}

/// What a frame brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// Whether a new shot begins with this frame.
    pub cut: bool,
    /// Whether the detector ran.
    pub detected: bool,
    /// The faces in the frame, ordered by track.
    pub observations: Vec<Observation>,
    /// Tracks that have ended before or in this frame.
    pub ended: Vec<TrackEnd>,
}

/// A frame whose faces are all known.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed<P> {
    /// The frame.
    pub picture: P,
    /// What it brought.
    pub step: Step,
}
