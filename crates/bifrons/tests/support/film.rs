//! What FFmpeg says about a film, independently of Bifrons.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::footage::ffmpeg;

/// What ffprobe prints as JSON.
pub(crate) fn probe(film: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json"]).args(arguments).arg(film);
    let output = command.output().expect("ffprobe is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("ffprobe prints JSON")
}

/// Starts of the frames after the first one's, in microseconds, in the order they are shown.
pub(crate) fn frame_times_us(film: &Path) -> Vec<i64> {
    let packets = probe(film, &["-select_streams", "v:0", "-show_entries", "packet=pts_time"]);
    let time = |packet: &Value| {
        let secs: f64 = packet["pts_time"].as_str().expect("a time").parse().expect("a number");
        (secs * 1e6).round() as i64
    };
    let mut times: Vec<_> = packets["packets"].as_array().expect("packets").iter().map(time).collect();
    times.sort_unstable();
    let first = times.first().copied().unwrap_or_default();
    times.iter().map(|time| time - first).collect()
}

/// Where the packet of a frame (counted as they lie in the file) begins, in bytes.
pub(crate) fn packet_start(film: &Path, frame: usize) -> usize {
    let packets = probe(film, &["-select_streams", "v:0", "-show_entries", "packet=pos"]);
    packets["packets"][frame]["pos"].as_str().expect("a place").parse().expect("a number")
}

/// Hashes of the decoded frames, as stored.
pub(crate) fn frame_hashes(film: &Path) -> Vec<String> {
    let text = output_of(ffmpeg().args(["-noautorotate", "-i"]).arg(film).args([
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ]));
    let text = String::from_utf8(text).expect("hashes are text");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap_or_default().trim().to_owned()).collect()
}

/// Hash of all sound packets as they are in the file; `None` without sound.
pub(crate) fn sound_hash(film: &Path) -> Option<String> {
    let streams = probe(film, &["-select_streams", "a", "-show_streams"]);
    if streams["streams"].as_array().is_none_or(Vec::is_empty) {
        return None;
    }
    let hash = output_of(ffmpeg().arg("-i").arg(film).args(["-map", "0:a", "-c", "copy", "-f", "md5", "-"]));
    Some(String::from_utf8(hash).expect("a hash is text"))
}

/// Fails unless `film` has as many frames as `footage`, at the same times, with the same sound and of the same size.
pub(crate) fn assert_same_but_for_the_picture(footage: &Path, film: &Path) {
    let expected = frame_times_us(footage);
    let found = frame_times_us(film);
    assert_eq!(found.len(), expected.len(), "number of frames");
    // 100 µs is less than half a tick of any clock these clips have
    let off = expected.iter().zip(&found).position(|(expected, found)| (expected - found).abs() > 100);
    assert_eq!(off, None, "the first frame at another time; {expected:?} became {found:?}");
    assert_eq!(sound_hash(film), sound_hash(footage), "sound packets");
    let size = |film: &Path| {
        let about = probe(film, &["-select_streams", "v:0", "-show_streams"]);
        let stream = &about["streams"][0];
        let rotation = stream["side_data_list"]
            .as_array()
            .and_then(|list| list.iter().find_map(|s| s["rotation"].as_i64()));
        (stream["width"].as_u64(), stream["height"].as_u64(), rotation)
    };
    assert_eq!(size(film), size(footage), "width, height and rotation flag");
}

/// Decoded frames, in grey.
#[derive(Debug)]
pub(crate) struct Grey {
    width_px: usize,
    frames: Vec<Vec<u8>>,
}

impl Grey {
    pub(crate) fn of(film: &Path) -> Self {
        let about = probe(film, &["-select_streams", "v:0", "-show_streams"]);
        let side = |name: &str| about["streams"][0][name].as_u64().expect("a size") as usize;
        let (width_px, height_px) = (side("width"), side("height"));
        let decode = ["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-"];
        let bytes = output_of(ffmpeg().arg("-i").arg(film).args(decode));
        Self { width_px, frames: bytes.chunks_exact(width_px * height_px).map(<[u8]>::to_vec).collect() }
    }

    pub(crate) fn count(&self) -> usize {
        self.frames.len()
    }

    /// Pixels of a frame, row by row.
    pub(crate) fn frame(&self, frame: usize) -> &[u8] {
        &self.frames[frame]
    }

    /// How far a rectangle `[left, top, width, height]` is from the same one in another film, as the mean square
    /// difference over all frames of `range`, in squared grey levels (0 to 255).
    pub(crate) fn difference(&self, other: &Self, range: std::ops::Range<usize>, rect: [usize; 4]) -> f64 {
        let [left, top, width, height] = rect;
        let (mut sum, mut count) = (0.0, 0);
        for (ours, theirs) in self.frames[range.clone()].iter().zip(&other.frames[range]) {
            for y in top..top + height {
                let row = y * self.width_px + left..y * self.width_px + left + width;
                for (&one, &two) in ours[row.clone()].iter().zip(&theirs[row]) {
                    sum += (f64::from(one) - f64::from(two)).powi(2);
                    count += 1;
                }
            }
        }
        sum / f64::from(count)
    }
}

fn output_of(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("FFmpeg is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
