//! How a clip was judged before any work on it: a log, so that it is judged once.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::hash::{ClipFingerprint, ContentHash};

/// How a clip was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Which way of judging: another one judges anew.
    pub method: u32,
    /// Frames looked at.
    pub frames: usize,
    /// Frames that seemed sexual.
    pub explicit: usize,
    /// Whether the clip is not to be worked on.
    pub refused: bool,
}

/// One line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgementEntry {
    /// Number of the line, from 1.
    pub number: u64,
    /// The clip's contents; its name does not matter.
    pub clip: ClipFingerprint,
    /// What was seen.
    pub judgement: Judgement,
    /// When the line was written.
    pub judged_at: SystemTime,
    /// Hash of this line and the one before it.
    pub hash: ContentHash,
}
