//! Rendered heads: the same performance by two people, so that the perfect swap is known.

mod baseline;
mod points;
mod score;

pub use baseline::CopyPaste;
pub use points::{TruePoints, TruthFiles};
pub use score::{Candidate, TruthReport, TruthScore, score};
