//! Pictures as a film to look at.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::tools::{ChildGuard, Complaints, collect_complaints, file_argument};
use crate::{MediaError, Tools};

/// Writes JPEG pictures, all of one size, as an mp4 film (H.264, 4:2:0) of so many pictures a second to `part_path`,
/// whatever that is called.
///
/// # Errors
/// [`MediaError::ToolMissing`]; an error of the encoder, which names `part_path`.
pub fn slideshow(
    pictures: impl IntoIterator<Item = Vec<u8>>,
    per_sec: u32,
    part_path: &Path,
) -> Result<(), MediaError> {
    let tools = Tools::from_env();
    let mut command = Command::new(&tools.ffmpeg);
    command.args(["-v", "error", "-hide_banner", "-y", "-nostdin", "-protocol_whitelist", "pipe"]);
    command.args(["-f", "image2pipe", "-c:v", "mjpeg", "-framerate", &per_sec.to_string(), "-i", "pipe:0"]);
    // sides must be even; JPEG's full range becomes a film's
    command.args(["-vf", "crop=floor(iw/2)*2:floor(ih/2)*2,scale=out_range=tv,format=yuv420p"]);
    command.args(["-c:v", "libx264", "-crf", "18", "-movflags", "+faststart", "-f", "mp4"]);
    command.arg(file_argument(part_path));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = ChildGuard::spawn(&mut command, &tools.ffmpeg)?;
    let complaints = Complaints::default();
    let reader = child.0.stderr.take().map(|stderr| collect_complaints(stderr, complaints.clone()));
    let mut stdin = child.0.stdin.take();
    for picture in pictures {
        // a write fails when FFmpeg has ended; its exit status says why
        if stdin.as_mut().is_none_or(|stdin| stdin.write_all(&picture).is_err()) {
            break;
        }
    }
    drop(stdin);
    let status = child.0.wait().map_err(|error| MediaError::io(part_path, error))?;
    if let Some(reader) = reader {
        // a reader that panicked only means fewer words
        let _ = reader.join();
    }
    if status.success() { Ok(()) } else { Err(MediaError::encoder(part_path, complaints.text())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clip, RgbImage};

    #[test]
    fn pictures_become_a_film_of_as_many_frames() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.mp4");
        let picture = |number: usize| {
            RgbImage::filled(65, 48, [number as f32 / 10.0, 0.5, 0.5]).encode_jpeg(90).unwrap()
        };
        slideshow((0..10).map(picture), 5, &path).unwrap();
        let film = Clip::open(&path).unwrap();
        assert_eq!((film.frame_count(), film.width_px(), film.height_px()), (10, 64, 48));
        assert!(slideshow([b"no picture".to_vec()], 5, &path).is_err());
    }
}
