//! What can go wrong while looking at pictures.

/// Why a picture could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisionError {
    /// One of the networks inside the program could not be loaded or run: a fault of the program
    /// file, not of the picture.
    #[error("network {network}: expected {expected}, found {found}")]
    Network {
        /// Which network.
        network: &'static str,
        /// What should have happened.
        expected: String,
        /// What happened.
        found: String,
    },
    /// A picture could not be read or resized.
    #[error(transparent)]
    Picture(#[from] bifrons_media::ImageError),
}

impl VisionError {
    /// What the user can do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Network { .. } => Some(
                "the program file is damaged or was built from damaged models: build or install it \
                 again (`make models-check` compares the models with their hashes)"
                    .to_owned(),
            ),
            Self::Picture(error) => error.hint(),
        }
    }
}
