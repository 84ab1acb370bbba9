//! Figures of a single face: landmarks, the head's direction, expression, likeness.

mod blinks;
mod expression;
mod head;
mod landmarks;
mod likeness;
mod networks;

pub use blinks::{Blinks, blinks};
pub use expression::{READOUT, Readout, readout};
pub use head::angle_between;
pub use landmarks::{
    EYE_CORNERS, INNER_51, LANDMARKS, aligned_landmark_error, eye_distance, landmark_error, landmarks,
};
pub use likeness::{LIKENESS_LEN, Likeness, chip_from_frame};
pub use networks::Networks;
