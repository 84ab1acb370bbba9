//! What can go wrong in training.

use std::path::PathBuf;

use bifrons_media::ImageError;
use bifrons_net::NetError;
use bifrons_project::ProjectError;
use bifrons_vision::VisionError;
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
    /// The loss is no longer a number, or many times what it was.
    #[error("training broke down at iteration {iteration}: the {term} of {person} is {value}")]
    BrokeDown {
        /// When.
        iteration: u64,
        /// Whose decoder.
        person: String,
        /// Which term of the loss.
        term: &'static str,
        /// What it is.
        value: f64,
    },
    /// The person whose decoder alone is to learn is not in the model.
    #[error("{person} is not among the people of this project: {known}")]
    Unknown {
        /// Who was asked for.
        person: String,
        /// Who is there.
        known: String,
    },
    /// One decoder alone can only learn beside an encoder that knows faces.
    #[error("there is no model yet beside which one person alone could learn")]
    NothingToKeep,
    /// Without held-out faces nobody can tell a plateau.
    #[error(
        "{person} has {found} faces, and only from {needed} on some are held out: nothing tells a plateau"
    )]
    NoPlateau {
        /// Whose faces are too few.
        person: String,
        /// How many there are.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// Nothing is there to start from.
    #[error("{path} holds no model to start from: {reason}")]
    NothingToStartFrom {
        /// The project that was named.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The checkpoint belongs to another set-up.
    #[error("the model in this project was trained with {found}, this run asks for {expected}")]
    OtherModel {
        /// What the checkpoint says.
        found: String,
        /// What the command says.
        expected: String,
    },
    /// A file that is not a model.
    #[error("{path} is not a model of Bifrons: {reason}")]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A model would be lost.
    #[error("the project has a model already: {path}")]
    Occupied {
        /// Its newest checkpoint.
        path: PathBuf,
    },
    /// The network.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The networks that judge faces.
    #[error(transparent)]
    Vision(#[from] VisionError),
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
            Self::BrokeDown { .. } => Some(
                "the last good checkpoint is kept and can be used; look through the faces, or use another preset"
                    .to_owned(),
            ),
            Self::OtherModel { .. } | Self::Occupied { .. } => {
                Some("use another --project folder, or move the project's model/ folder away".to_owned())
            }
            Self::Project(error) => error.hint(),
            Self::Preview(error) => error.hint(),
            Self::NothingToKeep => Some("train everybody first, or begin with --start-from".to_owned()),
            Self::NoPlateau { .. } => Some("give --minutes, --iterations or --loss".to_owned()),
            Self::Net(_)
            | Self::Vision(_)
            | Self::Unknown { .. }
            | Self::NothingToStartFrom { .. }
            | Self::NotAModel { .. } => None,
        }
    }
}
