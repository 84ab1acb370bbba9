//! Training: from reviewed faces to a network that draws them.
//!
//! - [`Faceset`]: the faces of one person in memory, cut to the framing of the preset, with their masks.
//! - [`augment`]: one face, varied, as the network's input, truth and weight.
//! - [`Sampler`] and [`Loader`]: which faces an iteration sees, made ready ahead of the step.
//! - [`Trainer`]: the network, its optimiser and the step itself; saved as a checkpoint, resumed bit for bit.
//! - [`train`]: the loop around it: when to stop ([`Limits`]), when to save, when to show a preview, and what happens when
//!   it goes wrong. Faces that are never trained on ([`held_out`](held_out::held_out)) tell how good it is.
//!
//! Everything random is a function of (seed, iteration, person, place in the batch). So nothing random needs to
//! be saved, and a run that was killed continues exactly as if it had not been.

pub mod augment;
mod bleed;
mod error;
mod faceset;
mod guard;
pub mod held_out;
mod history;
mod inspection;
mod limits;
mod loader;
#[cfg(test)]
mod made_up;
mod meta;
mod pace;
pub mod portable;
mod preview;
mod run;
mod sampler;
mod sharpening;
mod trainer;

pub use error::TrainingError;
pub use faceset::{Faceset, Somebody, TrainingFace};
pub use history::previews;
pub use inspection::Inspection;
pub use limits::{Limits, Plateau};
pub use loader::{Batch, Loader};
pub use meta::CheckpointMeta;
pub use preview::draw_preview;
pub use run::{Ending, Job, Trained, train};
pub use sampler::{Look, Sampler};
pub use sharpening::SharpeningMeta;
pub use trainer::{StepLosses, Trainer, load_net};
