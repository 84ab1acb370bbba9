//! An invisible mark in the picture itself: 64 bits that stay when everything around the picture is thrown away.
//!
//! [`Marker`] puts a number into frames, [`Detector`] finds it again after scaling, cutting and compressing. The pattern is
//! known to everybody who has Bifrons: the mark helps to find out where a film comes from, and it does not hinder anybody
//! who is determined to remove it. Figures: `docs/seal.md`.

use bifrons_project::ClipFingerprint;

mod code;
mod detect;
mod embed;
mod gather;
mod pattern;

pub use detect::{Detector, Found};
pub use embed::Marker;

/// Counts up when the same number is put into the same frame in another way.
pub const METHOD: u32 = 1;

/// The number for a film: of what went into it and how long its model was trained. The same whenever the same film is made
/// again, and without a name in it.
#[must_use]
pub fn number_of(clips: impl IntoIterator<Item = ClipFingerprint>, iterations: u64) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("bifrons 2026 the number of a film, version 1");
    hasher.update(&iterations.to_le_bytes());
    for clip in clips {
        hasher.update(&clip.size_bytes.to_le_bytes());
        hasher.update(clip.ends.as_bytes());
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}
