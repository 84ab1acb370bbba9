//! Finding, following and aligning faces.
//!
//! Everything is measured in displayed frame pixels; coordinates are continuous, pixel `(0, 0)`
//! covers `[0, 1) x [0, 1)`.

pub mod detect;
pub mod embed;
mod error;
pub mod geometry;
pub mod mesh;
pub mod mesh_points;
mod network;
mod picture;
mod vision;

pub use detect::{BoundingBox, Detection, DetectorOptions};
pub use embed::Embedding;
pub use error::VisionError;
pub use mesh::{Mesh, MeshFit};
pub use network::{Array, Network};
pub use picture::{Picture, THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX};
pub use vision::Vision;
