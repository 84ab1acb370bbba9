//! Finding, following and aligning faces.
//!
//! Everything is measured in displayed frame pixels; coordinates are continuous, pixel `(0, 0)`
//! covers `[0, 1) x [0, 1)`.

pub mod align;
pub mod detect;
pub mod embed;
mod error;
mod explicit;
mod expression;
mod flow;
pub mod geometry;
pub mod mesh;
pub mod mesh_points;
mod network;
mod occlusion;
mod picture;
mod planes;
pub mod pose;
mod sharpness;
mod slip;
mod steady;
pub mod track;
mod vision;

pub use detect::{BoundingBox, Detection, DetectorOptions};
pub use embed::Embedding;
pub use error::VisionError;
pub use explicit::Explicit;
pub use expression::{Blendshapes, Expression, ExpressionReader};
pub use flow::Flow;
pub use mesh::{Mesh, MeshFit};
pub use network::{Array, Network, NetworkFile, load_network, load_network_in_rten};
pub use occlusion::Occlusion;
pub use picture::Picture;
pub use planes::{averaged, halved};
pub use pose::{Pose, eye_openness, head_rotation, mouth_openness, pose};
pub use sharpness::sharpness;
pub use slip::{SLIP_PX, SLIP_REACH, Slips, slip_square, slips, without_slips};
pub use steady::{STEADY_REACH, Seen, steadied};
pub use track::{
    CutFinder, EndReason, Followed, Observation, Step, TrackEnd, Tracker, TrackerOptions, TrackerState,
};
pub use vision::Vision;
