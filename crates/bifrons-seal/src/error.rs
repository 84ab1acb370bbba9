//! What can go wrong with sealing and verifying.

use std::io;
use std::path::{Path, PathBuf};

use bifrons_media::MediaError;
use bifrons_project::ProjectError;
use thiserror::Error;

/// An error of sealing or verifying.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The operating system refused.
    #[error("{}: could not {action}: {source}", path.display())]
    Io {
        /// What was tried, as an infinitive.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There are keys already.
    #[error("{}: this folder holds keys already", path.display())]
    KeysThere {
        /// The folder.
        path: PathBuf,
    },
    /// Keys that cannot be used.
    #[error("{}: these keys cannot sign: {reason}", path.display())]
    Keys {
        /// The folder, or the certificate's file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A kind of file that holds no Content Credentials.
    #[error("{}: a .{extension} file cannot hold Content Credentials", path.display())]
    Unsealable {
        /// The file.
        path: PathBuf,
        /// How its name ends.
        extension: String,
    },
    /// Signing failed.
    #[error("{}: could not be sealed: {reason}", path.display())]
    Sign {
        /// The file that was to be made.
        path: PathBuf,
        /// What the signing library said.
        reason: String,
    },
    /// What lies in the file is no Content Credentials that can be read.
    #[error("{}: its Content Credentials cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the library said.
        reason: String,
    },
    /// An error of the project or of writing.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// An error of reading a film.
    #[error(transparent)]
    Media(#[from] MediaError),
}

impl SealError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::KeysThere { .. } => {
                Some("they are used for every film; to begin anew, move that folder away first".to_owned())
            }
            Self::Keys { path, .. } => Some(format!(
                "move {} away and run `bifrons seal init`; what is signed already stays signed",
                path.display()
            )),
            Self::Unsealable { .. } => Some(
                "give the film a name that ends in .mp4 or .mov, a picture one in .png, .jpg or .exr"
                    .to_owned(),
            ),
            Self::Project(error) => error.hint(),
            Self::Media(error) => error.hint(),
            _ => None,
        }
    }
}
