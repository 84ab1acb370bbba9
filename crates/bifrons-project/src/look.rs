//! What was seen when a clip was looked at before any work on it: the log that a clip is judged by once.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::hash::{ClipFingerprint, ContentHash};

/// How a clip was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Which way of looking: another one judges anew.
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
pub struct LookEntry {
    /// Number of the line, from 1.
    pub number: u64,
    /// The clip's contents; its name does not matter.
    pub clip: ClipFingerprint,
    /// What was seen.
    pub look: Look,
    /// When the line was written.
    pub judged_at: SystemTime,
    /// Hash of this line and the one before it.
    pub hash: ContentHash,
}
