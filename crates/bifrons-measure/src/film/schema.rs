//! What `bifrons measure swap --write` writes. A change of meaning or a name gone needs another [`VERSION`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Check, Coverage, Ideal};
use crate::statistics::Interval;

/// Name of the schema; `schema/swap.v1.json` describes it.
pub const SCHEMA: &str = "bifrons.measure.swap";
/// Version of the schema.
pub const VERSION: u32 = 1;

/// A whole film, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwapReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// [`VERSION`].
    pub version: u32,
    /// The film the face was put onto.
    pub footage: FilmInfo,
    /// The film that came out.
    pub result: FilmInfo,
    /// Whose face was put on.
    pub identity: IdentityInfo,
    /// Figures of the whole film.
    pub figures: Vec<Figure>,
    /// How each distance of the face's expression follows the footage's over time.
    pub channels: Vec<Channel>,
    /// Blinks.
    pub blinks: BlinkCount,
    /// Whether everything but the picture is as it was.
    pub integrity: Vec<Check>,
    /// Whether the right faces were replaced.
    pub coverage: Coverage,
    /// Every frame of the footage.
    pub frames: Vec<FrameRow>,
}

/// A film.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilmInfo {
    /// The file's name, without folders.
    pub name: String,
    /// Number of frames.
    pub frames: usize,
    /// Displayed width in pixels.
    pub width_px: usize,
    /// Displayed height in pixels.
    pub height_px: usize,
    /// Average frames per second.
    pub frames_per_sec: f64,
}

/// The identity's own footage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityInfo {
    /// The file's or folder's name.
    pub name: String,
    /// Faces the mean is made of.
    pub faces_mean: usize,
    /// Other faces, from a later part, that say how alike the identity is to itself.
    pub faces_held_out: usize,
    /// Mean cosine of those to the mean: what a perfect swap could reach.
    pub likeness_to_itself: Option<f64>,
}

/// A figure of the whole film.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Name.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Unit; empty for ratios and cosines.
    pub unit: String,
    /// Which value is best.
    pub ideal: Ideal,
    /// The value; nothing when it could not be measured.
    pub value: Option<f64>,
    /// 95 % bootstrap interval over blocks of one second.
    pub interval: Option<Interval>,
    /// Its value in the worst twentieth of the frames (95th percentile of badness).
    pub worst_twentieth: Option<f64>,
    /// Frames it was measured in.
    pub frames: usize,
    /// What it is.
    pub meaning: String,
}

/// A distance of the expression over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Which distance.
    pub name: String,
    /// Pearson's correlation with the footage, -1 to 1.
    pub correlation: Option<f64>,
    /// Standard deviation over that of the footage; below 1 subdued.
    pub amplitude: Option<f64>,
}

/// Blinks of the footage and those the result kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlinkCount {
    /// Blinks of the footage.
    pub filmed: usize,
    /// Of these, kept in the result.
    pub kept: usize,
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameRow {
    /// Its number, from 0.
    pub frame: usize,
    /// When it is shown, in seconds after the first.
    pub time_secs: f64,
    /// Whether a new shot begins here.
    pub cut: bool,
    /// Whether the person whose face is replaced is seen in the footage.
    pub person: bool,
    /// Whether that face was replaced.
    pub replaced: bool,
    /// Its figures, by name (those of [`super::FIGURES`]); of the largest such face where there are several.
    pub values: BTreeMap<String, f64>,
}
