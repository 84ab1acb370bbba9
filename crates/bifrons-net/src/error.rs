//! What can be wrong with a preset, a device or saved weights.

use thiserror::Error;

/// Errors of this crate. None of them leaves a network half loaded.
#[derive(Debug, Error)]
pub enum NetError {
    /// No preset of this name is built in.
    #[error("there is no preset `{name}`; there are {known}")]
    UnknownPreset {
        /// The name asked for.
        name: String,
        /// The names that exist, with commas.
        known: String,
    },
    /// A preset's text or numbers do not describe a network.
    #[error("preset `{name}`: {reason}")]
    Preset {
        /// The preset's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The device is unknown or not compiled in.
    #[error("device `{name}` is not available; this build has {known}")]
    UnknownDevice {
        /// The name asked for.
        name: String,
        /// The devices of this build.
        known: String,
    },
    /// The device is compiled in, but this machine has none.
    #[error("device `{name}`: no graphics processor with a driver for it was found on this machine")]
    NoDevice {
        /// The name asked for.
        name: &'static str,
    },
    /// Saved weights do not fit the network they are loaded into.
    #[error("saved weights do not fit the network: {reason}")]
    Weights {
        /// Which tensor, what was expected, what was found.
        reason: String,
    },
}
