//! What can go wrong while faces are looked for.

use std::path::PathBuf;

use bifrons_media::{ImageError, MediaError};
use bifrons_project::ProjectError;
use bifrons_vision::VisionError;
use thiserror::Error;

/// Errors of this crate. What was found before is in the project and is gone on from.
#[derive(Debug, Error)]
pub enum ExtractionError {
    /// The footage cannot be read.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// A network failed.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// The disk.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A crop cannot be written as a picture.
    #[error("a crop of `{clip}` cannot be encoded: {source}")]
    Crop {
        /// The clip it was cut from.
        clip: PathBuf,
        /// Why.
        source: ImageError,
    },
    /// A clip that the gate does not let pass.
    #[error(
        "`{clip}`: sexual footage is not worked on ({explicit} of the {frames} frames looked at are explicit)"
    )]
    Sexual {
        /// The clip.
        clip: PathBuf,
        /// Frames looked at.
        frames: usize,
        /// Those that seemed sexual.
        explicit: usize,
    },
    /// Landmarks that cannot be those of a face.
    #[error("these landmarks cannot be a face's: {reason}")]
    Landmarks {
        /// What is wrong with them.
        reason: String,
    },
    /// The saved state of the tracker is not readable.
    #[error("the saved progress of `{clip}` cannot be read: {reason}")]
    Progress {
        /// The clip.
        clip: PathBuf,
        /// What the parser said.
        reason: String,
    },
}

impl ExtractionError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Media(error) => error.hint(),
            Self::Project(error) => error.hint(),
            Self::Crop { source, .. } => source.hint(),
            Self::Sexual { .. } => Some(
                "nothing was made of it; a network judged, and it errs: footage that is not sexual passes when the shots \
                 it takes for such are cut out (docs/seal.md)"
                    .to_owned(),
            ),
            Self::Vision(_) | Self::Landmarks { .. } => None,
            Self::Progress { .. } => {
                Some("use a new project folder; the footage itself is untouched".to_owned())
            }
        }
    }
}
