//! The beginning of a film at another size.

use std::path::Path;
use std::process::Command;

use crate::tools::{Tools, file_argument, run_lines};
use crate::{Clip, MediaError};

/// Writes the first `frames` frames of a film, `height_px` high and of the same shape (H.264 4:2:0, no sound), where
/// `to` says: something to measure speed on, not to work with.
///
/// # Errors
/// Those of [`Clip::open`]; [`MediaError::NotVideo`] when FFmpeg cannot make it.
pub fn rescale(source: &Path, height_px: usize, frames: usize, to: &Path) -> Result<(), MediaError> {
    // what is not a film is said better by this
    Clip::open(source)?;
    let tools = Tools::from_env();
    let mut command = Command::new(&tools.ffmpeg);
    command.args(["-v", "error", "-nostdin", "-y", "-i"]).arg(file_argument(source));
    command.args(["-map", "0:v:0", "-frames:v", &frames.to_string()]);
    command.args(["-vf", &format!("scale=-2:{height_px}:flags=bicubic"), "-pix_fmt", "yuv420p"]);
    command
        .args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-f", "mp4"])
        .arg(file_argument(to));
    let outcome = run_lines(command, &tools.ffmpeg, None, source, |_| Ok(()))?;
    if outcome.success {
        Ok(())
    } else {
        Err(MediaError::NotVideo { path: source.to_owned(), detail: outcome.complaints })
    }
}
