//! Chunks into a film, with everything of the footage that is not its picture.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::clip::{Clip, VideoDetails};
use crate::picture_sink::{self, extension_text};
use crate::tools::{ChildGuard, Complaints, collect_complaints, file_argument, run_lines};
use crate::{MediaError, Rotation, probe, verify};

/// A kind of file a film can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Mp4,
    Mov,
    Matroska,
}

impl Container {
    /// What to suggest: those that hold Content Credentials.
    const SUGGESTED: [(Self, &'static str); 2] = [(Self::Mp4, "mp4"), (Self::Mov, "mov")];

    fn of(final_name: &Path) -> Result<Self, MediaError> {
        match extension_text(final_name).to_ascii_lowercase().as_str() {
            "mp4" | "m4v" => Ok(Self::Mp4),
            "mov" | "qt" => Ok(Self::Mov),
            "mkv" => Ok(Self::Matroska),
            other => Err(MediaError::UnknownContainer {
                name: final_name.display().to_string(),
                extension: other.to_owned(),
                possible: "mp4, m4v, mov, mkv",
            }),
        }
    }

    fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Matroska => "matroska",
        }
    }

    /// How a subtitle codec is kept here; `None` where it cannot be.
    fn subtitle_codec(self, codec: &str) -> Option<&'static str> {
        let is_text = matches!(codec, "subrip" | "srt" | "ass" | "ssa" | "webvtt" | "text" | "mov_text");
        match (self, codec) {
            (Self::Matroska, "mov_text") => Some("srt"),
            (Self::Matroska, "subrip" | "ass" | "webvtt" | "hdmv_pgs_subtitle" | "dvd_subtitle") => {
                Some("copy")
            }
            (Self::Matroska, _) => None,
            (_, "mov_text") => Some("copy"),
            _ => is_text.then_some("mov_text"),
        }
    }
}

/// Whether a finished film of `clip` can have the name `final_name`: the kind of file is known and
/// holds the footage's sound and rotation. Ask before the long work, not after.
///
/// # Errors
/// [`MediaError::UnknownContainer`], [`MediaError::SoundNotHeld`], [`MediaError::Unsupported`],
/// [`MediaError::ToolMissing`].
pub fn check_output(clip: &Clip, final_name: &Path) -> Result<(), MediaError> {
    if clip.video.is_none() {
        return picture_sink::check_name(clip, final_name);
    }
    let container = Container::of(final_name)?;
    if container == Container::Matroska && clip.rotation != Rotation::None {
        return Err(MediaError::Unsupported {
            path: clip.path.clone(),
            what: "a rotation flag in an mkv file",
            found: format!("{} degrees", clip.rotation.clockwise_degrees()),
            hint: Some("give the film a name that ends in .mp4 or .mov".to_owned()),
        });
    }
    if clip.sound.is_empty() || holds_sound(clip, container)? {
        return Ok(());
    }
    let mut works = None;
    for (other, extension) in Container::SUGGESTED {
        if other != container && holds_sound(clip, other)? {
            works = Some(extension);
            break;
        }
    }
    let codecs: Vec<_> = clip.sound.iter().map(|s| s.codec.as_str()).collect();
    Err(MediaError::SoundNotHeld { name: final_name.display().to_string(), codec: codecs.join(", "), works })
}

/// Tries it with the first second.
fn holds_sound(clip: &Clip, container: Container) -> Result<bool, MediaError> {
    // To a pipe FFmpeg cannot write AAC of a transport stream as mkv, to a file it can.
    let is_known = |codec: &str| {
        let known = ["aac", "ac3", "eac3", "mp2", "mp3", "dts", "flac", "opus", "vorbis"];
        known.contains(&codec) || codec.starts_with("pcm_s")
    };
    if container == Container::Matroska && clip.sound.iter().all(|s| is_known(&s.codec)) {
        return Ok(true);
    }
    let mut command = Command::new(&clip.tools.ffmpeg);
    command.args(["-v", "error", "-nostdin", "-protocol_whitelist", "file"]);
    command.arg("-i").arg(file_argument(&clip.path));
    command.args(["-map", "0:a", "-c", "copy", "-t", "1"]);
    unwrap_adts(&mut command, clip);
    if container != Container::Matroska {
        // A file that needs no seeking back can go to a pipe.
        command.args(["-movflags", "frag_keyframe+empty_moov+delay_moov"]);
    }
    command.args(["-f", container.muxer(), "-protocol_whitelist", "pipe", "pipe:1"]);
    let tools = &clip.tools;
    let outcome = run_lines(command, &tools.ffmpeg, Some(tools.stall_timeout), &clip.path, |_| Ok(()))?;
    Ok(outcome.success)
}

/// What a joined film keeps of its footage beside the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Sound, subtitles, chapters and metadata; the attributes of OpenEXR.
    Everything,
    /// Sound alone; of OpenEXR what places and colours its pixels.
    PictureAndSound,
}

/// Makes the film `out_part` of all `chunks` of `clip`, in order, and checks it.
///
/// The picture comes from the chunks; sound, subtitles, chapters and metadata from the footage as far as `kept` says, by
/// stream copy (text subtitles change their wrapping where the kind of file asks for it). The kind
/// of file follows from the extension of `final_name`, the name `out_part` will have. For
/// pictures, `out_part` becomes a file or a folder of files.
///
/// Checked against the footage: number of frames, the time of each, the sound's packets by MD5,
/// its offset to the picture, size and rotation.
///
/// # Errors
/// As [`check_output`]; [`MediaError::WrongResult`] when a check fails,
/// [`MediaError::EncoderFailed`], [`MediaError::DiskFull`], [`MediaError::Io`].
pub fn join(
    clip: &Clip,
    chunks: &[PathBuf],
    out_part: &Path,
    final_name: &Path,
    kept: Kept,
) -> Result<(), MediaError> {
    check_output(clip, final_name)?;
    let Some(details) = &clip.video else {
        return picture_sink::join(clip, chunks, out_part, final_name, kept);
    };
    let container = Container::of(final_name)?;
    let list = concat_list(clip, chunks, out_part)?;
    let mut child =
        ChildGuard::spawn(&mut join_command(clip, details, container, out_part, kept)?, &clip.tools.ffmpeg)?;
    let complaints = Complaints::default();
    let reader = child.0.stderr.take().map(|stderr| collect_complaints(stderr, complaints.clone()));
    if let Some(mut stdin) = child.0.stdin.take() {
        // A write fails when FFmpeg has ended; its exit status says so.
        let _ = stdin.write_all(&list);
    }
    let status = child.0.wait().map_err(|e| MediaError::io(out_part, e))?;
    if let Some(reader) = reader {
        let _ = reader.join();
    }
    if !status.success() {
        return Err(MediaError::encoder(out_part, complaints.text()));
    }
    verify::film(clip, out_part)
}

fn join_command(
    clip: &Clip,
    details: &VideoDetails,
    container: Container,
    out_part: &Path,
    kept: Kept,
) -> Result<Command, MediaError> {
    let mut command = Command::new(&clip.tools.ffmpeg);
    command.args(["-v", "error", "-hide_banner", "-y", "-nostdin"]);
    // FFmpeg moves each input to start at 0; the picture keeps its distance to the start of the
    // footage.
    let delay_us = micros(clip, 0) - details.file_start_us;
    command.args(["-itsoffset", &format!("{}us", delay_us.max(0))]);
    let turned = clip.rotation != Rotation::None;
    let degrees = clip.rotation.clockwise_degrees();
    let by_metadata = turned && clip.tools.version()?.major < 6;
    if turned && !by_metadata {
        // This option counts anticlockwise.
        command.args(["-display_rotation:v:0", &format!("-{degrees}")]);
    }
    command.args(["-f", "concat", "-safe", "0"]);
    command.args(["-protocol_whitelist", "file,pipe", "-i", "pipe:0"]);
    command.args(["-protocol_whitelist", "file", "-i"]);
    command.arg(file_argument(&clip.path));
    command.args(["-map", "0:v:0", "-map", "1:a?", "-c", "copy"]);
    match kept {
        Kept::Everything => {
            let mut subtitles = 0;
            for (index, codec) in &details.subtitles {
                if let Some(how) = container.subtitle_codec(codec) {
                    command.args(["-map", &format!("1:{index}")]);
                    command.args([&format!("-c:s:{subtitles}"), how]);
                    subtitles += 1;
                }
            }
            command.args(["-map_metadata", "1", "-map_chapters", "1"]);
            command.args(["-map_metadata:s:v:0", &format!("1:s:{}", details.stream_index)]);
        }
        Kept::PictureAndSound => {
            command.args(["-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "-1"]);
        }
    }
    if by_metadata {
        // It counts anticlockwise too.
        let anticlockwise = 360 - degrees;
        command.args(["-metadata:s:v:0", &format!("rotate={anticlockwise}")]);
    }
    if container != Container::Matroska {
        command.args(["-video_track_timescale", &clip.time_base.den.to_string()]);
        // Late starts are written in this unit; the default of a millisecond is too coarse.
        command.args(["-movie_timescale", "90000"]);
        command.args(["-movflags", "+faststart"]);
    }
    command.args(["-f", container.muxer()]);
    command.arg(file_argument(out_part));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    Ok(command)
}

/// Time of a frame in microseconds, as in the file.
fn micros(clip: &Clip, frame: usize) -> i64 {
    let ticks = i128::from(clip.frames[frame].pts_ticks) * i128::from(clip.time_base.num);
    let den = i128::from(clip.time_base.den);
    (ticks * 1_000_000 + den / 2).div_euclid(den) as i64
}

/// FFmpeg's list of chunks, each with the exact time until the next one starts.
fn concat_list(clip: &Clip, chunks: &[PathBuf], out_part: &Path) -> Result<Vec<u8>, MediaError> {
    let mut list = b"ffconcat version 1.0\n".to_vec();
    let mut first = 0usize;
    for chunk in chunks {
        let about = probe::describe(&clip.tools, chunk)?;
        let count =
            about["streams"][0]["nb_frames"].as_str().and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
        let end = first + count;
        if count == 0 || end > clip.frames.len() {
            return Err(wrong_count(clip, out_part, end));
        }
        // Differences of rounded times, so that rounding never adds up.
        let end_us = if end < clip.frames.len() { micros(clip, end) } else { micros(clip, end - 1) + 1 };
        let duration_us = end_us - micros(clip, first);
        append_entry(&mut list, chunk, duration_us)?;
        first = end;
    }
    if first != clip.frames.len() {
        return Err(wrong_count(clip, out_part, first));
    }
    Ok(list)
}

fn wrong_count(clip: &Clip, out_part: &Path, found: usize) -> MediaError {
    MediaError::WrongResult {
        path: out_part.to_owned(),
        what: "number of frames in all chunks",
        expected: clip.frames.len().to_string(),
        found: found.to_string(),
    }
}

fn append_entry(list: &mut Vec<u8>, chunk: &Path, duration_us: i64) -> Result<(), MediaError> {
    let path = std::path::absolute(chunk).map_err(|e| MediaError::io(chunk, e))?;
    let text =
        path.to_str().filter(|t| !t.contains(['\n', '\r'])).ok_or_else(|| MediaError::Unsupported {
            path: path.clone(),
            what: "a path with a line break or bytes that are no UTF-8",
            found: format!("{path:?}"),
            hint: Some("rename the folder".to_owned()),
        })?;
    let mut entry = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        entry,
        "file 'file:{}'\nduration {}.{:06}\n",
        text.replace('\'', r"'\''"),
        duration_us / 1_000_000,
        duration_us % 1_000_000
    );
    list.extend_from_slice(entry.as_bytes());
    Ok(())
}

/// Transport streams wrap every AAC packet in a header that other files do not have; this takes it
/// off and leaves packets without one alone.
fn unwrap_adts(command: &mut Command, clip: &Clip) {
    for (track, _) in clip.sound.iter().enumerate().filter(|(_, sound)| sound.codec == "aac") {
        command.args([&format!("-bsf:a:{track}"), "aac_adtstoasc"]);
    }
}

/// FFmpeg's arguments that give the MD5 of each sound track's packets in `path`, which is `clip` or
/// a film made of it.
pub(crate) fn sound_hash_command(clip: &Clip, path: &Path) -> Command {
    let mut command = Command::new(&clip.tools.ffmpeg);
    command.args(["-v", "error", "-nostdin", "-protocol_whitelist", "file", "-i"]);
    command.arg(file_argument(path));
    command.args(["-map", "0:a", "-c", "copy"]);
    unwrap_adts(&mut command, clip);
    command.args(["-f", "streamhash", "-hash", "md5"]);
    command.args(["-protocol_whitelist", "pipe", "pipe:1"]);
    command
}
