//! An invisible mark in the picture itself: 64 bits that stay when everything around the picture is thrown away.
//!
//! [`Marker`] puts a number into frames, [`Detector`] finds it again after scaling, cutting and compressing. The pattern is
//! known to everybody who has Bifrons: the mark helps to find out where a film comes from, and it does not hinder anybody
//! who is determined to remove it. Figures: `docs/seal.md`.

mod code;
mod detect;
mod embed;
mod gather;
mod pattern;

pub use detect::{Detector, Found};
pub use embed::Marker;
