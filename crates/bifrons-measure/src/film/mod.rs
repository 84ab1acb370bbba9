//! A finished film against its footage: figures for each frame and for the whole.
//!
//! [`measure_swap`] reads both films side by side once. Faces are followed in each on its own, so that a face that has
//! become unfindable is noticed; everything in the plane is measured where the *footage's* face is.

mod coverage;
mod figures;
mod finished;
mod integrity;
mod moment;
mod outside;
mod pair;
mod people;
mod reference;
mod schema;
mod strip;
mod summary;

pub use coverage::Coverage;
pub use figures::{FIGURES, FigureKind, Ideal, Over};
pub use integrity::{Check, integrity};
pub use pair::{SwapJob, SwapMeasured, measure_swap};
pub use reference::Reference;
pub use schema::{
    BlinkCount, Channel, Figure, FilmInfo, FrameRow, IdentityInfo, SCHEMA, SwapReport, VERSION,
};
pub use strip::Strip;
