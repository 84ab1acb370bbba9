//! How faces are followed.

use serde::{Deserialize, Serialize};

use crate::DetectorOptions;

/// How faces are followed; the defaults suit film at 24 to 60 frames/s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackerOptions {
    /// The detector.
    pub detector: DetectorOptions,
    /// Frames between two detections while every face is followed well; new faces in a shot are
    /// found at most so late.
    pub detect_every_frames: u32,
    /// Frames between two embeddings of a track.
    pub embed_every_frames: u32,
    /// Least detector score of a new face, in `[0, 1]`. People score 0.69 and more; a monkey 0.54.
    pub min_new_score: f32,
    /// Least mesh presence of a face that is seen, in `[0, 1]`.
    pub min_presence: f32,
    /// Detections that a track needs to be accepted, or as many as its shot has frames if those are
    /// fewer.
    pub min_support: u32,
    /// Frames after which a face that was lost is given up.
    pub give_up_frames: u32,
    /// Every frame is a shot of its own, as in a folder of photographs.
    pub stills: bool,
}

impl Default for TrackerOptions {
    fn default() -> Self {
        Self {
            detector: DetectorOptions::default(),
            detect_every_frames: 12,
            embed_every_frames: 24,
            min_new_score: 0.6,
            min_presence: 0.5,
            min_support: 3,
            give_up_frames: 30,
            stills: false,
        }
    }
}

impl TrackerOptions {
    /// For pictures that have nothing to do with one another.
    #[must_use]
    pub fn stills() -> Self {
        Self { stills: true, ..Self::default() }
    }
}
