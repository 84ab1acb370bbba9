//! Extraction: from a clip to the faces in it, kept in the project.
//!
//! - [`gate::admit`] looks at a clip before any work: sexual footage is refused.
//! - [`extract_clip`] reads a clip once: faces are found, followed, cut out and noted, a few seconds at a time. It
//!   can be interrupted anywhere and goes on with the same result.
//! - [`assign_people`] tells which of the clip's tracks are the person it was added for.
//! - [`catch_up`] reads out of crops what an earlier program did not.
//! - [`place_landmarks`] puts landmarks where a person says, and cuts the crop anew.
//! - [`review`] measures the faces that were found, and tells which of them people should look at first.
//!
//! Sits between `bifrons-vision` and `bifrons-project`, which know nothing of each other.

mod appearance;
mod assign;
mod error;
mod extract;
pub mod gate;
mod identities;
mod place;
pub mod review;
mod shots;

pub use appearance::catch_up;
pub use assign::{Assignment, assign_people};
pub use error::ExtractionError;
pub use extract::{ExtractOptions, Extracted, extract_clip};
pub use identities::{Identity, SAME_PERSON, cosine, identities, robust_centre};
pub use place::{Nudge, landmarks, nudged, place_landmarks};
pub use shots::catch_up_shots;
