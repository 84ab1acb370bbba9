//! Whether everything but the picture is as it was.

use bifrons_media::{Clip, ColorInfo, sound_hashes};
use serde::{Deserialize, Serialize};

use crate::MeasureError;

/// Something that has to be the same in footage and result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether it is.
    pub passed: bool,
    /// In the footage.
    pub expected: String,
    /// In the result.
    pub found: String,
}

impl Check {
    fn of(name: &str, expected: String, found: String) -> Self {
        Self { name: name.to_owned(), passed: expected == found, expected, found }
    }
}

/// How much worse than by plain encoding pixels outside of the face may be, in dB.
const TOLERATED_DB: f64 = 0.5;

/// Compares number and times of frames, size, colour tags and the packets of the sound.
///
/// # Errors
/// [`MeasureError::Media`] when the sound cannot be read.
pub fn integrity(footage: &Clip, result: &Clip) -> Result<Vec<Check>, MeasureError> {
    let size = |clip: &Clip| {
        let (width, height) = clip.stored_size_px();
        format!("{width}x{height}, turned by {}°", clip.rotation().clockwise_degrees())
    };
    Ok(vec![
        Check::of("frames", footage.frame_count().to_string(), result.frame_count().to_string()),
        times(footage, result),
        Check::of("size", size(footage), size(result)),
        Check::of("colour tags", colour(footage.color()), colour(result.color())),
        sound(footage, result)?,
    ])
}

/// The check of pixels outside of faces.
pub(super) fn outside_check(result_db: f64, plain_db: f64) -> Check {
    Check {
        name: "pixels outside the face".to_owned(),
        passed: result_db >= plain_db - TOLERATED_DB,
        expected: format!("{plain_db:.2} dB (plain encoding)"),
        found: format!("{result_db:.2} dB"),
    }
}

/// The times of all frames after the first, to half a tick of the coarser clock.
fn times(footage: &Clip, result: &Clip) -> Check {
    let ticks = [footage, result].map(|clip| clip.time_base().as_f64());
    let tolerance = ticks[0].max(ticks[1]) / 2.0 + 1e-6;
    let after_first = |clip: &Clip, i: usize| Some(clip.frame_start_secs(i)? - clip.frame_start_secs(0)?);
    let worst = (0..footage.frame_count().min(result.frame_count()))
        .filter_map(|i| Some((after_first(footage, i)? - after_first(result, i)?).abs()))
        .fold(0.0, f64::max);
    Check {
        name: "times of frames".to_owned(),
        passed: worst <= tolerance,
        expected: "0 ms apart".to_owned(),
        found: format!("at most {:.3} ms apart", worst * 1e3),
    }
}

fn colour(color: &ColorInfo) -> String {
    let tag = |tag: &Option<String>| tag.clone().unwrap_or_else(|| "untagged".to_owned());
    format!(
        "primaries {}, transfer {}, matrix {}, {:?} range",
        tag(&color.primaries),
        tag(&color.transfer),
        tag(&color.matrix_tag),
        color.range
    )
}

fn sound(footage: &Clip, result: &Clip) -> Result<Check, MeasureError> {
    let name = "sound packets (MD5)";
    if footage.sound().is_empty() || result.sound().is_empty() {
        let tracks = |clip: &Clip| format!("{} tracks", clip.sound().len());
        return Ok(Check::of(name, tracks(footage), tracks(result)));
    }
    let hashes = |clip: &Clip| sound_hashes(footage, clip.path()).map(|hashes| hashes.join(" "));
    Ok(Check::of(name, hashes(footage)?, hashes(result)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_fails() {
        assert!(Check::of("frames", "10".to_owned(), "10".to_owned()).passed);
        assert!(!Check::of("frames", "10".to_owned(), "9".to_owned()).passed);
    }

    #[test]
    fn a_second_encoding_outside_the_face_is_caught() {
        assert!(outside_check(44.9, 45.0).passed);
        assert!(!outside_check(42.0, 45.0).passed);
    }
}
