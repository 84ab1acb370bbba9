//! Figures of change over time: steadiness, jitter, flicker. None of them looks across a cut.

mod flicker;
mod flow;
mod jitter;
mod steadiness;
mod warp_error;

pub use flicker::{drift, flicker};
pub use flow::{Flow, optical_flow};
pub use jitter::jitter;
pub use steadiness::{Kept, Steadiness, steadiness};
pub use warp_error::warp_error;
