//! What Bifrons trains: *one head, two faces*.
//!
//! - [`Preset`]: the shape of a network and how it is trained, as data (one TOML each, built in).
//! - [`Hourglass`]: the shared [`Encoder`] and one [`Decoder`] for each person.
//! - [`LossTerms`]: how far a drawn face is from the true one, 0 (the same) to 1 (the opposite).
//! - [`weights`]: safetensors in and out; [`Adam`] the optimiser, whose state is saved the same way.
//! - [`device`]: where the numbers are crunched; [`profile`]: what takes how long.
//!
//! Nothing here reads a file or loops: `bifrons-training` does.

mod adam;
mod average;
mod block;
mod device;
mod error;
mod hourglass;
mod inspector;
mod layers;
mod loss;
mod preset;
pub mod profile;
pub mod weights;

pub use adam::Adam;
pub use average::averaged;
pub use burn::module::Module;
pub use burn::tensor::{Device, Tensor};
pub use device::{DeviceName, device, kernels};
pub use error::NetError;
pub use hourglass::{Decoder, Encoder, Hourglass};
pub use inspector::{Inspector, Inspectors, mean_verdict, verdict_loss};
pub use loss::LossTerms;
pub use preset::{Augmentation, Geometry, Network, Preset, Schedule};
