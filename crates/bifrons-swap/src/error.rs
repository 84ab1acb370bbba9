//! What can go wrong while a film is converted.

use std::path::PathBuf;

use bifrons_media::{ImageError, MediaError};
use bifrons_project::ProjectError;
use bifrons_training::TrainingError;
use bifrons_vision::VisionError;
use thiserror::Error;

use crate::settings::SettingsError;

/// Errors of this crate. Finished chunks stay and are not made again.
#[derive(Debug, Error)]
pub enum SwapError {
    /// The footage cannot be read or the film not be written.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The disk.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The model cannot be loaded.
    #[error(transparent)]
    Model(#[from] TrainingError),
    /// The model has no decoder for this person.
    #[error("the model was not trained on {person}; it knows {known}")]
    NotTrained {
        /// Whose face was asked for.
        person: String,
        /// Who is in the model.
        known: String,
    },
    /// The footage is another than when its faces were found.
    #[error("{path} has changed since its faces were found")]
    Changed {
        /// The footage.
        path: PathBuf,
    },
    /// What the network drew is no picture.
    #[error("the network's picture cannot be used: {0}")]
    Picture(#[from] ImageError),
    /// A network that looks for what must be hidden failed.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// The network drew something other than finite numbers.
    #[error("the network drew something other than a picture in frame {frame}")]
    NotAPicture {
        /// The frame.
        frame: usize,
    },
    /// A folder for faces holds something else.
    #[error("{path} is not empty, and what it holds are no patches")]
    NotPatches {
        /// The folder.
        path: PathBuf,
    },
    /// A folder of pictures would take the place of something that was not made here.
    #[error("{path} is there, and is not what was made here before")]
    NotOurs {
        /// Where the pictures were to go.
        path: PathBuf,
    },
    /// Amounts of light reach farther than what is seen of them.
    #[error(
        "{path} is OpenEXR, which cannot be veiled: a face too dark or too bright to be found could be graded back"
    )]
    VeilOnLight {
        /// The footage.
        path: PathBuf,
    },
    /// Nothing tells what somebody usually looks like.
    #[error(
        "no cropped face of {person} can be read, and the model needs to know what they usually look like"
    )]
    NoFaces {
        /// Who.
        person: String,
    },
    /// What was chosen for a track cannot be used.
    #[error("what was chosen for track {track} of {clip}: {source}")]
    Settings {
        /// The footage.
        clip: PathBuf,
        /// The track.
        track: u32,
        /// Why.
        source: SettingsError,
    },
    /// Nobody wants to see the frame any more.
    #[error("given up: something else was asked for")]
    Stopped,
    /// The joined film could not be finished: sealed.
    #[error(transparent)]
    Finish(Box<dyn std::error::Error + Send + Sync>),
}

impl SwapError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Media(error) => error.hint(),
            Self::Project(error) => error.hint(),
            Self::Model(error) => error.hint(),
            Self::NotTrained { person, .. } => Some(format!("train with clips of {person} in the project")),
            Self::Changed { .. } => Some("run `bifrons extract` again".to_owned()),
            Self::Picture(error) => error.hint(),
            Self::NotAPicture { .. } => Some("train on, or go back to an earlier checkpoint".to_owned()),
            Self::NotPatches { .. } | Self::NotOurs { .. } => Some("give a new folder".to_owned()),
            Self::VeilOnLight { .. } => {
                Some("make PNG of 16 bits of it, as it is meant to be seen, and veil that".to_owned())
            }
            Self::NoFaces { .. } => {
                Some("crops are derived: start a new project folder, or add the clip again".to_owned())
            }
            Self::Settings { .. } => Some(
                "reset the shot on the studio's film page, or use the newer Bifrons that chose it".to_owned(),
            ),
            Self::Vision(_) | Self::Stopped | Self::Finish(_) => None,
        }
    }
}
