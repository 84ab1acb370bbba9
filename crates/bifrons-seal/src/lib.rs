//! Where a film comes from, for everybody who meets it.
//!
//! - [`seal`] writes Content Credentials (C2PA) into a finished file, or [`beside`] one that cannot hold them: what was done, from what, with whose consent
//!   ([`Facts`]), signed with the user's [`Keys`];
//! - [`verify::credentials`] reads them, those of other programs too, and says whether the file is as it was signed;
//! - [`mark`] hides a number in the picture, which is found when everything else was thrown away;
//! - [`label`] writes a visible line into a frame.
//!
//! Nothing here takes a seal or a mark off.

mod error;
mod facts;
pub mod keys;
pub mod label;
pub mod mark;
mod sign;
pub mod verify;

pub use error::SealError;
pub use facts::{ConsentNote, Facts, Kind, MAKING_VERSION, Making, Model, stretches};
pub use keys::Keys;
pub use sign::{beside, format_of, seal};
pub use verify::{Credentials, Input, Signer, State};
