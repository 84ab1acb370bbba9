//! Figures of still pictures: distances between two, sharpness, noise, the seam round a face.

mod lab;
mod noise;
mod plane;
mod psnr;
mod seam;
mod sharpness;
mod ssim;

pub use lab::{Lab, delta_e_2000, lab_from_encoded, mean_lab};
pub use noise::noise;
pub use plane::Plane;
pub use psnr::{PSNR_LIMIT_DB, mean_absolute_error, psnr_db};
pub use seam::{Contour, Seam, seam};
pub use sharpness::laplacian_energy;
pub use ssim::ssim;

/// Below this weight in total a mask holds nothing that could be measured.
pub(crate) const LEAST_WEIGHT: f64 = 1.0;
