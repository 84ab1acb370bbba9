//! What can go wrong while measuring.

use std::path::PathBuf;

use bifrons_media::{ImageError, MediaError};
use bifrons_vision::VisionError;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// A clip could not be read.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// A network failed.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// A picture could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Picture {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ImageError,
    },
    /// A file or folder could not be read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of labels says something else than expected.
    #[error("{path}: expected {expected}, found {found}", path = path.display())]
    Label {
        /// Which.
        path: PathBuf,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A folder or clip holds nothing that can be measured.
    #[error("{path}: {what}", path = path.display())]
    Nothing {
        /// Which.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// Two films that belong together differ in size.
    #[error("{result} has {found}, the footage has {expected}", result = result.display())]
    SizesDiffer {
        /// The result.
        result: PathBuf,
        /// Size of the footage, in pixels.
        expected: String,
        /// Size of the result, in pixels.
        found: String,
    },
    /// The user asked to stop.
    #[error("stopped")]
    Stopped,
}

impl MeasureError {
    /// What the user can do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Media(error) => error.hint(),
            Self::Picture { source, .. } => source.hint(),
            Self::SizesDiffer { .. } => {
                Some("give the film that was made from this footage, not a scaled copy".to_owned())
            }
            Self::Nothing { .. } => {
                Some("see `bifrons measure --help` for what belongs into the folder".to_owned())
            }
            Self::Vision(_) | Self::Io { .. } | Self::Label { .. } | Self::Stopped => None,
        }
    }
}
