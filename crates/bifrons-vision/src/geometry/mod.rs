//! Points, similarity transforms and resampling.
//!
//! Coordinates are continuous: pixel `(0, 0)` covers `[0, 1) x [0, 1)` and its centre is
//! `(0.5, 0.5)`. A transform is called `target_from_source` and is chained like fractions:
//! `crop_from_frame = crop_from_canonical * canonical_from_frame`.

mod cubic;
mod rotation;
mod similarity;
mod triangle;
mod warp;

pub use cubic::cubic;
pub(crate) use rotation::mean;
pub use rotation::{Rotation, rotation_between};
pub use similarity::{Point, Similarity, umeyama};
pub(crate) use triangle::{each_pixel, twice_area};
pub(crate) use warp::bilinear;
pub use warp::{Border, needed_rect, warp, warp_plane};
