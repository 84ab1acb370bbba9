//! Reports for people: one HTML file that needs nothing else.

mod base64;
mod html;
mod worst;

pub use html::html;
pub use worst::{WorstFrame, worst_frames};
