//! What can go wrong in training.

use std::path::PathBuf;

use bifrons_media::ImageError;
use bifrons_net::NetError;
use bifrons_project::ProjectError;
use thiserror::Error;

/// Errors of this crate. A checkpoint that was saved before stays as it is.
#[derive(Debug, Error)]
pub enum TrainingError {
    /// Too few faces to train on.
    #[error("{person} has {found} usable faces; training needs at least {needed}")]
    TooFewFaces {
        /// Whose.
        person: String,
        /// How many there are.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// A crop on disk cannot be read.
    #[error("the crop {path} cannot be read: {source}")]
    Crop {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: ImageError,
    },
    /// A crop that the index names is not there.
    #[error("the crop {path} is missing: {source}")]
    MissingCrop {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The landmarks that the index has for a crop are not a mesh.
    #[error("the landmarks of {path} in the index are damaged: {reason}")]
    BadMesh {
        /// The crop.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The loss is no longer a number.
    #[error("training broke down at iteration {iteration}: the loss of {person} is {loss}")]
    BrokeDown {
        /// When.
        iteration: u64,
        /// Whose decoder.
        person: String,
        /// NaN or infinity.
        loss: f32,
    },
    /// The checkpoint belongs to another set-up.
    #[error("the model in this project was trained with {found}, this run asks for {expected}")]
    OtherModel {
        /// What the checkpoint says.
        found: String,
        /// What the command says.
        expected: String,
    },
    /// The network.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The disk.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The preview picture.
    #[error("the preview cannot be drawn: {0}")]
    Preview(#[from] ImageError),
}

impl TrainingError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooFewFaces { .. } => Some("add a longer clip in which the face is seen well".to_owned()),
            Self::Crop { .. } | Self::MissingCrop { .. } | Self::BadMesh { .. } => {
                Some("crops are derived: start a new project folder, or add the clip again".to_owned())
            }
            Self::BrokeDown { .. } => {
                Some("run the same command again: it goes on from the last good checkpoint".to_owned())
            }
            Self::OtherModel { .. } => {
                Some("use another --project folder, or move the project's model/ folder away".to_owned())
            }
            Self::Project(error) => error.hint(),
            Self::Preview(error) => error.hint(),
            Self::Net(_) => None,
        }
    }
}
