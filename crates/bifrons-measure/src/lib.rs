//! How good a swap is: figures that anyone can recompute.
//!
//! Nothing here takes part in training, and no network that scores here is in a loss. The figures are pure functions
//! ([`picture`], [`motion`], [`face`], [`statistics`]); what they are applied to are films ([`film`]), labelled
//! photographs ([`labels`]) and rendered heads whose perfect swap is known ([`truth`]); [`report`] shows what came out,
//! and [`speed`] says how long it took.
//!
//! Two sides: the *identity* is whose face was put on, the *footage* what it was put onto, the *result* what came out.

mod error;
pub mod face;
pub mod film;
pub mod labels;
pub mod motion;
pub mod picture;
pub mod report;
pub mod speed;
pub mod statistics;
pub mod truth;

pub use error::MeasureError;
