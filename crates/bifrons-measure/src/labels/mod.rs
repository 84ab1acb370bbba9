//! Photographs of which people have said what is on them, and how well that is found.

mod boxes;
mod detect;
mod empty;
mod folder;
mod identity;
mod matlab;
mod points;

pub use boxes::read_boxes;
pub(crate) use detect::faces_of;
pub use detect::{DetectReport, PoseFigures, SetFigures, detect};
pub use empty::{EmptyClip, faces_where_none_are};
pub use folder::{FaceLabel, LabelledPicture, PictureSet, picture_sets};
pub use identity::{IdentityReport, PairFigures, identity, pair_figures};
pub use matlab::{HeadPose, read_head_pose};
pub use points::read_points;

use std::path::Path;

use bifrons_media::RgbImage;
use serde::{Deserialize, Serialize};

use crate::MeasureError;
use crate::statistics::{Interval, mean, mean_interval, percentile};

/// Files with labels are small; larger ones are something else.
const MAX_LABEL_BYTES: u64 = 4 << 20;
/// Photographs larger than this are refused before they are read.
const MAX_PICTURE_BYTES: u64 = 256 << 20;

/// How some values are spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Number of values.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// 95 % bootstrap interval of the mean.
    pub interval: Interval,
    /// Half of the values are below.
    pub median: f64,
    /// The largest.
    pub largest: f64,
}

impl Spread {
    /// Of independent values; `None` for none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        Some(Self {
            count: values.len(),
            mean: mean(values)?,
            interval: mean_interval(values, 1)?,
            median: percentile(values, 0.5)?,
            largest: percentile(values, 1.0)?,
        })
    }
}

fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, MeasureError> {
    let io = |source| MeasureError::Io { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > limit {
        let found = format!("{size} bytes");
        return Err(MeasureError::Label { path: path.to_owned(), expected: "a smaller file", found });
    }
    std::fs::read(path).map_err(io)
}

fn read_label(path: &Path) -> Result<Vec<u8>, MeasureError> {
    read_bytes(path, MAX_LABEL_BYTES)
}

fn read_picture(path: &Path) -> Result<RgbImage, MeasureError> {
    let bytes = read_bytes(path, MAX_PICTURE_BYTES)?;
    RgbImage::decode(&bytes).map_err(|source| MeasureError::Picture { path: path.to_owned(), source })
}
