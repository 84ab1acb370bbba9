//! Clips for the stage tests: real ones where they are, made ones everywhere.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

use bifrons_media::{Clip, Encoding, FrameSink, Kept, MediaError, join};

/// A real test clip, or `None` (said on stderr) where the data folder is absent.
pub(crate) fn real_clip(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("BIFRONS_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = folder.join("video").join(name);
    if path.is_file() {
        return Some(path);
    }
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: no {name} in {}", folder.display());
    None
}

/// Writes a file for a test.
#[expect(clippy::disallowed_methods, reason = "files of the test's own folder")]
pub(crate) fn write_file(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a file in the test's folder");
}

/// Runs FFmpeg with arguments separated by blanks; `{}` stands for `folder`.
pub(crate) fn ffmpeg(folder: &Path, arguments: &str) {
    let folder = folder.to_str().expect("temporary folders are UTF-8");
    let tool = bifrons_media::Tools::from_env().ffmpeg;
    let output = Command::new(tool)
        .args(["-v", "error", "-y", "-nostdin"])
        .args(arguments.split_whitespace().map(|a| a.replace("{}", folder)))
        .output()
        .expect("FFmpeg is needed for tests");
    assert!(output.status.success(), "ffmpeg {arguments}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Decodes `footage`, writes it back unchanged in chunks of `chunk_frames`, and joins them.
/// `join` itself checks frames, times and sound.
pub(crate) fn round_trip(
    footage: &Path,
    folder: &Path,
    final_name: &str,
    chunk_frames: usize,
    crf: u8,
) -> Result<(Clip, Clip), MediaError> {
    let clip = Clip::open(footage)?;
    let encoding = Encoding { crf, preset: "ultrafast".to_owned() };
    let mut reader = clip.read(0)?;
    let mut chunks = Vec::new();
    let count = clip.frame_count();
    for first in (0..count).step_by(chunk_frames) {
        let range = first..(first + chunk_frames).min(count);
        let part = folder.join(format!("{first:06}.part"));
        let mut sink = FrameSink::create(&clip, range.clone(), &encoding, &part)?;
        for _ in range {
            let frame = reader.next_frame()?.expect("the table promises this frame");
            sink.write(&frame)?;
        }
        sink.finish()?;
        chunks.push(part);
    }
    assert!(reader.next_frame()?.is_none());
    let out = folder.join(final_name);
    join(&clip, &chunks, &out, Path::new(final_name), Kept::Everything)?;
    let made = Clip::open(&out)?;
    Ok((clip, made))
}

/// A cheap fingerprint of all samples of a frame.
pub(crate) fn checksum(frame: &bifrons_media::Frame) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for plane in 0..3 {
        frame.plane_bytes(plane).hash(&mut hasher);
    }
    hasher.finish()
}
