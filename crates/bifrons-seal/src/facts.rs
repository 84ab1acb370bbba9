//! What a finished film says about itself.

use std::path::PathBuf;

use bifrons_project::ConsentEntry;
use serde::{Deserialize, Serialize};

/// Label of the assertion that holds [`Making`].
pub(crate) const LABEL: &str = "org.bifrons.making";
/// Version of [`Making`].
pub const MAKING_VERSION: u32 = 1;

/// How a film came to be, as it stands in its manifest. Fields may be added in later versions, never renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Making {
    /// [`MAKING_VERSION`].
    pub version: u32,
    /// What was done.
    pub kind: Kind,
    /// Version of Bifrons.
    pub bifrons: String,
    /// Preset of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The trained model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Whose face was put on; `None` in a veiled film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Whose face was replaced; `None` in a veiled film.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<String>,
    /// Frames of the film.
    pub frames: usize,
    /// First and last frame of each stretch in which the face was replaced, from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames_replaced: Vec<[usize; 2]>,
    /// What the people agreed to; empty says that there is no record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent: Vec<ConsentNote>,
    /// The number of the invisible mark, 16 hexadecimal digits; `None` where the picture is too small for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

/// What Bifrons did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A face was replaced.
    Swap,
    /// The same, to hide who it is: nothing points to the true face.
    Veil,
    /// Pictures of how a network learned.
    Timelapse,
    /// Frames of other films side by side.
    Sheet,
}

/// A trained model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Iterations trained.
    pub iterations: u64,
    /// blake3 of what draws.
    pub blake3: String,
}

/// What one person agreed to, without their papers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentNote {
    /// In which of the two parts: "identity" or "footage".
    pub part: String,
    /// Why the face may be used, in words; `None` when there is no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Last day on which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Hash of the line in the project's log of consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Hash of the signed release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
}

impl ConsentNote {
    /// Of a line of the log, or of there being none.
    #[must_use]
    pub fn of(part: &str, entry: Option<&ConsentEntry>) -> Self {
        let consent = entry.and_then(|entry| entry.consent.as_ref());
        Self {
            part: part.to_owned(),
            basis: consent.map(|consent| consent.basis.words().to_owned()),
            until: consent.and_then(|consent| consent.until).map(|day| day.to_string()),
            record: consent.and(entry).map(|entry| entry.hash.to_string()),
            release: consent.and_then(|consent| consent.release_blake3).map(|hash| hash.to_string()),
        }
    }
}

/// What goes into a seal.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What the manifest says.
    pub making: Making,
    /// The footage: what the film is an edit of, with its own Content Credentials. `None` for what has no footage. In a
    /// veiled film neither its name nor its credentials are kept, for both may show who was filmed.
    pub footage: Option<PathBuf>,
    /// Other films and pictures that went in: clips of the identity. Left out of a veiled film.
    pub inputs: Vec<PathBuf>,
}

impl Making {
    /// Of this version, with everything else empty.
    #[must_use]
    pub fn new(kind: Kind, frames: usize) -> Self {
        Self {
            version: MAKING_VERSION,
            kind,
            bifrons: env!("CARGO_PKG_VERSION").to_owned(),
            preset: None,
            model: None,
            identity: None,
            replaced: None,
            frames,
            frames_replaced: Vec::new(),
            consent: Vec::new(),
            mark: None,
        }
    }

    /// The same without anything that points to a person, where the film is veiled.
    pub(crate) fn without_names(mut self) -> Self {
        if self.kind == Kind::Veil {
            self.identity = None;
            self.replaced = None;
            // a release's hash can be compared with a paper that names its signer
            self.consent.iter_mut().for_each(|note| note.release = None);
        }
        self
    }
}

/// Joins single frames, in order, into stretches: first and last.
#[must_use]
pub fn stretches(frames: impl IntoIterator<Item = usize>) -> Vec<[usize; 2]> {
    let mut joined: Vec<[usize; 2]> = Vec::new();
    for frame in frames {
        match joined.last_mut() {
            Some([_, last]) if *last + 1 >= frame => *last = frame.max(*last),
            _ => joined.push([frame, frame]),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_join_into_stretches() {
        assert_eq!(stretches([0, 1, 1, 2, 5, 7, 8]), [[0, 2], [5, 5], [7, 8]]);
        assert!(stretches([]).is_empty());
    }
}
