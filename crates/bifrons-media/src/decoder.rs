//! FFmpeg as a decoder: planes on one pipe, times on the other.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::clip::{Clip, FrameTime, VideoDetails};
use crate::tools::{ChildGuard, Complaints, Tools, file_argument, for_each_line};
use crate::{MediaError, clip::ClipKind};

/// Frames decoded ahead of the reader.
const QUEUE_FRAMES: usize = 3;
/// Frames to skip from which on jumping to a key frame is worth a try.
const WORTH_SEEKING_FRAMES: usize = 12;
/// Containers that jump to a key frame exactly.
const SEEKABLE_FORMATS: [&str; 2] = ["mov", "matroska"];
/// Codecs whose key frames let everything after them decode as if from the start.
const SEEKABLE_CODECS: [&str; 9] = ["h264", "hevc", "vp8", "vp9", "av1", "mjpeg", "prores", "dnxhd", "ffv1"];

/// Planes with the number of the frame they belong to.
#[derive(Debug)]
pub(crate) struct DecodedFrame {
    pub(crate) index: usize,
    pub(crate) planes: Vec<u8>,
}

/// What FFmpeg's `showinfo` tells of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    pts_ticks: Option<i64>,
    size: (usize, usize),
}

#[derive(Debug)]
pub(crate) struct Decoder {
    clip: Clip,
    details: VideoDetails,
    run: Run,
    /// Lowest frame number that may come next.
    cursor: usize,
    /// Key frame that a jump aimed at and that must be seen first.
    aimed_at: Option<usize>,
    /// Times do not match the table: count frames instead.
    positional: bool,
    from_frame: usize,
}

impl Decoder {
    /// Starts FFmpeg so that `from_frame` is the first frame given.
    pub(crate) fn start(clip: &Clip, details: &VideoDetails, from_frame: usize) -> Result<Self, MediaError> {
        debug_assert_eq!(clip.kind, ClipKind::Video);
        let aimed_at = key_frame_before(clip, details, from_frame);
        Ok(Self {
            run: Run::start(clip, details, aimed_at)?,
            clip: clip.clone(),
            details: details.clone(),
            cursor: aimed_at.unwrap_or(0),
            aimed_at,
            positional: !details.timed_packets,
            from_frame,
        })
    }

    /// What FFmpeg complained of so far.
    pub(crate) fn complaints(&self) -> String {
        self.run.complaints.text()
    }

    /// The next frame from `from_frame` on; `None` at the end of FFmpeg's output.
    pub(crate) fn next(&mut self) -> Result<Option<DecodedFrame>, MediaError> {
        loop {
            let decoded = self.run.next(&self.clip)?;
            if let Some(aim) = self.aimed_at {
                // The jump is proven by its key frame having the very time of the table;
                // anything else, and the clip is decoded from its start.
                let aim_ticks = self.clip.frames[aim].pts_ticks;
                match decoded.as_ref().map(|(told, _)| told.pts_ticks) {
                    Some(Some(pts)) if pts < aim_ticks => continue,
                    Some(Some(pts)) if pts == aim_ticks => self.aimed_at = None,
                    _ => {
                        self.run = Run::start(&self.clip, &self.details, None)?;
                        self.aimed_at = None;
                        self.cursor = 0;
                        continue;
                    }
                }
            }
            let Some((told, planes)) = decoded else {
                return Ok(None);
            };
            let expected = (self.clip.stored_width_px, self.clip.stored_height_px);
            if told.size != expected {
                return Err(MediaError::SizeChanges {
                    path: self.clip.path.clone(),
                    frame: self.cursor,
                    expected: format!("{}x{}", expected.0, expected.1),
                    found: format!("{}x{}", told.size.0, told.size.1),
                });
            }
            let Some(index) = self.index_of(told.pts_ticks) else {
                continue;
            };
            self.cursor = index + 1;
            if index >= self.from_frame {
                return Ok(Some(DecodedFrame { index, planes }));
            }
        }
    }

    /// The table's number for a frame; `None` for one that the table does not have.
    fn index_of(&mut self, pts_ticks: Option<i64>) -> Option<usize> {
        let frames = &self.clip.frames;
        if self.cursor >= frames.len() {
            return None;
        }
        if self.cursor == 0 && !self.positional {
            // Some containers shift what they decode against what they hold; then only the order
            // can be trusted.
            self.positional =
                pts_ticks.is_none_or(|pts| frames.binary_search_by_key(&pts, |f| f.pts_ticks).is_err());
        }
        match pts_ticks {
            Some(pts) if !self.positional => {
                let index = nearest(frames, pts);
                (index >= self.cursor).then_some(index)
            }
            _ => Some(self.cursor),
        }
    }
}

/// Number of the frame whose time is nearest.
fn nearest(frames: &[FrameTime], pts: i64) -> usize {
    match frames.binary_search_by_key(&pts, |f| f.pts_ticks) {
        Ok(index) => index,
        Err(0) => 0,
        Err(after) if after == frames.len() => after - 1,
        Err(after) => {
            let before = after - 1;
            if pts.abs_diff(frames[before].pts_ticks) <= pts.abs_diff(frames[after].pts_ticks) {
                before
            } else {
                after
            }
        }
    }
}

/// The key frame to jump to, where a jump is safe and saves something.
fn key_frame_before(clip: &Clip, details: &VideoDetails, from_frame: usize) -> Option<usize> {
    let format = details.format_name.split(',').next().unwrap_or_default();
    if !details.timed_packets
        || !SEEKABLE_FORMATS.contains(&format)
        || !SEEKABLE_CODECS.contains(&clip.codec.as_str())
    {
        return None;
    }
    let key = (0..=from_frame).rev().find(|&i| clip.frames[i].keyframe)?;
    (key >= WORTH_SEEKING_FRAMES).then_some(key)
}

/// One FFmpeg child with its two reading threads.
#[derive(Debug)]
struct Run {
    // Dropping closes the channels and kills the child, which ends both threads.
    frames: Receiver<Vec<u8>>,
    told: Receiver<Told>,
    complaints: Complaints,
    progress_bytes: Arc<AtomicU64>,
    stall_timeout: Duration,
    path: PathBuf,
    child: ChildGuard,
}

impl Run {
    fn start(clip: &Clip, details: &VideoDetails, key: Option<usize>) -> Result<Self, MediaError> {
        let Tools { ffmpeg, stall_timeout, .. } = &clip.tools;
        let mut command = Command::new(ffmpeg);
        // `level` marks each message, so that complaints can be told from times.
        command.args(["-v", "level+info", "-hide_banner", "-nostats", "-nostdin"]);
        command.args(["-protocol_whitelist", "file", "-noautorotate", "-copyts"]);
        if let Some(key) = key {
            let secs = clip.frames[key].pts_ticks as f64 * clip.time_base.as_f64();
            command.args(["-noaccurate_seek", "-seek_timestamp", "1", "-ss"]);
            // A little later than the key frame, for times are cut to microseconds.
            command.arg(format!("{:.6}", secs + 0.000_002));
        }
        command.arg("-i").arg(file_argument(&clip.path));
        command.args(["-map", &format!("0:{}", details.stream_index)]);
        command.args(["-an", "-sn", "-dn", "-vf", &filters(clip, details)]);
        command.args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt"]);
        command.args([details.decoded_format, "pipe:1"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = ChildGuard::spawn(&mut command, ffmpeg)?;

        let (frame_sender, frames) = bounded(QUEUE_FRAMES);
        let (told_sender, told) = unbounded();
        let complaints = Complaints::default();
        let progress_bytes = Arc::new(AtomicU64::new(0));
        if let Some(stdout) = child.0.stdout.take() {
            let progress = Arc::clone(&progress_bytes);
            let frame_bytes = details.layout.frame_bytes();
            std::thread::spawn(move || {
                pump_frames(stdout, frame_bytes, &frame_sender, &progress);
            });
        }
        if let Some(stderr) = child.0.stderr.take() {
            let complaints = complaints.clone();
            std::thread::spawn(move || {
                for_each_line(stderr, |line| {
                    if let Some(told) = parse_showinfo(line) {
                        // Nobody listens only when the reader was dropped.
                        let _ = told_sender.send(told);
                    } else if line.contains("[error]") || line.contains("[fatal]") {
                        complaints.push(line);
                    }
                });
            });
        }
        Ok(Self {
            frames,
            told,
            complaints,
            progress_bytes,
            stall_timeout: *stall_timeout,
            path: clip.path.clone(),
            child,
        })
    }

    fn next(&mut self, clip: &Clip) -> Result<Option<(Told, Vec<u8>)>, MediaError> {
        let Some(planes) = self.receive_planes()? else {
            return Ok(None);
        };
        // The line about a frame is printed before the frame is, so it is there or about to be.
        match self.told.recv_timeout(self.stall_timeout) {
            Ok(told) => Ok(Some((told, planes))),
            Err(_) => Err(MediaError::DecoderFailed {
                path: clip.path.clone(),
                detail: format!("FFmpeg gave a frame without its time; {}", self.complaints.text()),
            }),
        }
    }

    /// Waits for planes as long as bytes keep coming.
    fn receive_planes(&mut self) -> Result<Option<Vec<u8>>, MediaError> {
        let mut seen = self.progress_bytes.load(Ordering::Relaxed);
        let mut since = Instant::now();
        loop {
            let slice = (self.stall_timeout / 4).max(Duration::from_millis(10));
            match self.frames.recv_timeout(slice) {
                Ok(planes) => return Ok(Some(planes)),
                Err(RecvTimeoutError::Disconnected) => {
                    // FFmpeg closed its output; what it has to say about that may still be on the way.
                    while self.told.recv_timeout(self.stall_timeout).is_ok() {}
                    return Ok(None);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let now = self.progress_bytes.load(Ordering::Relaxed);
                    if now != seen {
                        (seen, since) = (now, Instant::now());
                    } else if since.elapsed() >= self.stall_timeout {
                        // Failing to kill means it is gone already.
                        let _ = self.child.0.kill();
                        return Err(MediaError::Stalled {
                            path: self.path.clone(),
                            secs: self.stall_timeout.as_secs(),
                        });
                    }
                }
            }
        }
    }
}

/// FFmpeg's filter chain: conversion where there must be one, then the times.
fn filters(clip: &Clip, details: &VideoDetails) -> String {
    let range = clip.color.range_name();
    let rgb_like = !clip.pixel_format.starts_with("yuv");
    let same = details.decoded_format == clip.pixel_format;
    let convert = if same {
        String::new()
    } else if rgb_like
        && !clip.pixel_format.starts_with("gray")
        && !clip.pixel_format.starts_with("nv")
        && !clip.pixel_format.starts_with("p010")
    {
        let matrix = match clip.color.matrix {
            crate::Matrix::Bt709 => "bt709",
            _ => "bt601",
        };
        format!(
            "scale=out_color_matrix={matrix}:out_range={range}:flags=accurate_rnd+full_chroma_int+full_chroma_inp,format={},",
            details.decoded_format
        )
    } else {
        format!(
            "scale=in_range={range}:out_range={range}:flags=accurate_rnd+full_chroma_int+full_chroma_inp,format={},",
            details.decoded_format
        )
    };
    format!("{convert}showinfo=checksum=0")
}

/// Cuts the stream of bytes into frames; a last piece that is no whole frame is dropped.
fn pump_frames(
    mut source: impl Read,
    frame_bytes: usize,
    frames: &Sender<Vec<u8>>,
    progress_bytes: &AtomicU64,
) {
    loop {
        let mut planes = vec![0; frame_bytes];
        let mut filled = 0;
        while filled < frame_bytes {
            match source.read(&mut planes[filled..]) {
                Ok(0) => return,
                Ok(count) => {
                    filled += count;
                    progress_bytes.fetch_add(count as u64, Ordering::Relaxed);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
        if frames.send(planes).is_err() {
            return;
        }
    }
}

/// Reads a line such as
/// `[Parsed_showinfo_0 @ 0x55] [info] n:   1 pts:    512 pts_time:0.04 … s:960x540 i:P …`.
fn parse_showinfo(line: &str) -> Option<Told> {
    let (_, fields) = line.strip_prefix("[Parsed_showinfo")?.split_once("] [info] n:")?;
    let pts = fields.split_once(" pts:")?.1.split_whitespace().next()?;
    let size = fields.split_once(" s:")?.1.split_whitespace().next()?.split_once('x')?;
    Some(Told { pts_ticks: pts.parse().ok(), size: (size.0.parse().ok()?, size.1.parse().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn showinfo_lines_are_told_from_others() {
        let line = "[Parsed_showinfo_0 @ 0x55c1] [info] n:   1 pts:    512 pts_time:0.0416667 pos:    34851 fmt:yuv420p sar:1/1 s:960x540 i:P iskey:0 type:P ";
        assert_eq!(parse_showinfo(line), Some(Told { pts_ticks: Some(512), size: (960, 540) }));
        let unknown = line.replace("    512", "NOPTS");
        assert_eq!(parse_showinfo(&unknown).unwrap().pts_ticks, None);
        let config = "[Parsed_showinfo_0 @ 0x5] [info] config in time_base: 1/12288, frame_rate: 120/1";
        assert_eq!(parse_showinfo(config), None);
        assert_eq!(parse_showinfo("[h264 @ 0x1] [error] n: 0 pts: 1 s:1x1"), None);
    }

    #[test]
    fn the_nearest_frame_is_found() {
        let frames: Vec<_> =
            [0, 10, 30].map(|pts_ticks| FrameTime { pts_ticks, duration_ticks: 1, keyframe: false }).into();
        for (pts, expected) in [(-4, 0), (0, 0), (5, 0), (6, 1), (29, 2), (99, 2)] {
            assert_eq!(nearest(&frames, pts), expected, "{pts}");
        }
    }

    #[test]
    fn a_last_piece_is_no_frame() {
        let (sender, receiver) = bounded(8);
        pump_frames(&[7u8; 25][..], 10, &sender, &AtomicU64::new(0));
        drop(sender);
        assert_eq!(receiver.iter().count(), 2);
    }
}
