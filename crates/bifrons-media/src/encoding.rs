//! How chunks are compressed.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::MediaError;

/// Presets of libx264, from fast and large to slow and small.
const PRESETS: [&str; 9] =
    ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];

/// How the finished film is compressed: H.264 by libx264, with the footage's chroma, depth, colour
/// tags and sample aspect.
///
/// Exceptions, because libx264 or players refuse: odd sizes become 4:4:4; deeper than 10 bits
/// becomes 10; a GIF or grey film becomes 4:2:0; other RGB becomes 4:4:4 YUV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Encoding {
    /// Constant rate factor, 0 (lossless at 8 bits) to 51 (worst); 16 is hard to tell from the
    /// footage.
    pub crf: u8,
    /// Preset of libx264, `ultrafast` to `veryslow`.
    pub preset: String,
}

impl Default for Encoding {
    fn default() -> Self {
        Self { crf: 16, preset: "fast".to_owned() }
    }
}

impl Encoding {
    /// Checks both values.
    ///
    /// # Errors
    /// [`MediaError::Unsupported`] that names `path`.
    pub(crate) fn check(&self, path: &Path) -> Result<(), MediaError> {
        let refuse = |what, found: String, hint: String| {
            Err(MediaError::Unsupported { path: path.to_owned(), what, found, hint: Some(hint) })
        };
        if self.crf > 51 {
            return refuse("this crf", self.crf.to_string(), "use 0 to 51".to_owned());
        }
        if !PRESETS.contains(&self.preset.as_str()) {
            return refuse(
                "this libx264 preset",
                self.preset.clone(),
                format!("use one of: {}", PRESETS.join(", ")),
            );
        }
        Ok(())
    }
}
