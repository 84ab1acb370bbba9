//! FFmpeg as an encoder of one chunk.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{SendTimeoutError, Sender, bounded};

use crate::clip::{Clip, VideoDetails};
use crate::frame::{Frame, Samples};
use crate::ivf::{self, Packing};
use crate::tools::{ChildGuard, Complaints, collect_complaints, file_argument};
use crate::{Encoding, MediaError, probe};

/// Frames waiting for the encoder.
const QUEUE_FRAMES: usize = 2;
/// An encoder that has all its frames may take this many times longer than one that still takes
/// frames: it holds many back.
const FLUSH_PATIENCE: u32 = 10;

/// An FFmpeg child that writes one mp4 chunk.
#[derive(Debug)]
pub(crate) struct VideoSink {
    clip: Clip,
    details: VideoDetails,
    packing: Packing,
    frames: Range<usize>,
    part_path: PathBuf,
    sender: Option<Sender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
    reader: Option<JoinHandle<()>>,
    complaints: Complaints,
    child: ChildGuard,
}

impl VideoSink {
    pub(crate) fn start(
        clip: &Clip,
        details: &VideoDetails,
        frames: Range<usize>,
        encoding: &Encoding,
        part_path: &Path,
    ) -> Result<Self, MediaError> {
        let ticks_per_sec = clip.time_base.den;
        let mut command = Command::new(&clip.tools.ffmpeg);
        command.args(["-v", "error", "-hide_banner", "-y", "-nostdin"]);
        command.args(["-protocol_whitelist", "pipe", "-f", "ivf", "-i", "pipe:0"]);
        command.args(["-vf", &filters(clip, details)]);
        command.args(["-fps_mode", "passthrough", "-enc_time_base", "-1"]);
        command.args(["-c:v", "libx264", "-preset", &encoding.preset]);
        command.args(["-crf", &encoding.crf.to_string()]);
        // Without B-frames decoding order is presentation order, so chunks of uneven timing join
        // without any time being moved.
        command.args(["-bf", "0", "-pix_fmt", details.encoded_format]);
        if let Some(location) = &details.chroma_location {
            command.args(["-chroma_sample_location", location]);
        }
        command.args(["-bsf:v", &last_duration(clip, &frames)]);
        command.args(["-video_track_timescale", &ticks_per_sec.to_string()]);
        command.args(["-f", "mp4"]).arg(file_argument(part_path));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = ChildGuard::spawn(&mut command, &clip.tools.ffmpeg)?;
        let complaints = Complaints::default();
        let reader = child.0.stderr.take().map(|stderr| collect_complaints(stderr, complaints.clone()));
        let (sender, receiver) = bounded::<Vec<u8>>(QUEUE_FRAMES);
        let packing = Packing::of(&details.layout, details.encoded_format);
        let header = ivf::header(&details.layout, packing, ticks_per_sec, frames.len());
        let writer = child.0.stdin.take().map(|mut stdin| {
            std::thread::spawn(move || {
                // A write fails when FFmpeg has ended; its exit status says why.
                if stdin.write_all(&header).is_err() {
                    return;
                }
                for bytes in receiver {
                    if stdin.write_all(&bytes).is_err() {
                        return;
                    }
                }
            })
        });
        Ok(Self {
            clip: clip.clone(),
            details: details.clone(),
            packing,
            frames,
            part_path: part_path.to_owned(),
            sender: Some(sender),
            writer,
            reader,
            complaints,
            child,
        })
    }

    pub(crate) fn write(&mut self, frame: &Frame) -> Result<(), MediaError> {
        let planes = match &frame.samples {
            Samples::Yuv { format, planes } if format.layout == self.details.layout => planes,
            _ => {
                return Err(MediaError::PatchMismatch { detail: "a frame of another clip".to_owned() });
            }
        };
        let bytes = ivf::frame(
            &self.details.layout,
            self.packing,
            planes,
            chunk_ticks(&self.clip, self.frames.start, frame.index()),
        );
        let patience = self.clip.tools.stall_timeout;
        let Some(sender) = &self.sender else {
            return Err(self.failed());
        };
        match sender.send_timeout(bytes, patience) {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Timeout(_)) => Err(self.stalled(patience)),
            Err(SendTimeoutError::Disconnected(_)) => Err(self.failed()),
        }
    }

    pub(crate) fn finish(mut self) -> Result<(), MediaError> {
        // Closing the pipe tells FFmpeg that this was all.
        self.sender = None;
        let patience = self.clip.tools.stall_timeout * FLUSH_PATIENCE;
        let since = Instant::now();
        let status = loop {
            match self.child.0.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if since.elapsed() > patience => return Err(self.stalled(patience)),
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Err(e) => return Err(MediaError::io(&self.part_path, e)),
            }
        };
        if !status.success() {
            return Err(self.failed());
        }
        self.check()
    }

    /// The part holds the frames of its range and nothing else, each at its time.
    fn check(&self) -> Result<(), MediaError> {
        let table = probe::packets(&self.clip.tools, &self.part_path, 0)?;
        let wrong = |what, expected: String, found: String| MediaError::WrongResult {
            path: self.part_path.clone(),
            what,
            expected,
            found,
        };
        if table.packets.len() != self.frames.len() {
            return Err(wrong(
                "number of frames in the chunk",
                self.frames.len().to_string(),
                table.packets.len().to_string(),
            ));
        }
        let mut times: Vec<_> = table.packets.iter().map(|p| p.pts_ticks).collect();
        times.sort_unstable();
        for (frame, time) in self.frames.clone().zip(times) {
            let expected = chunk_ticks(&self.clip, self.frames.start, frame) as i64;
            if time != Some(expected) {
                return Err(wrong(
                    "time of a frame in the chunk, in ticks",
                    format!("{expected} for frame {frame}"),
                    format!("{time:?}"),
                ));
            }
        }
        Ok(())
    }

    fn stalled(&self, patience: Duration) -> MediaError {
        MediaError::Stalled { path: self.part_path.clone(), secs: patience.as_secs() }
    }

    /// FFmpeg ended too early: waits for its last words and reports them.
    fn failed(&mut self) -> MediaError {
        self.sender = None;
        // Both fail only on a child that is gone, which it is.
        let _ = self.child.0.kill();
        let _ = self.child.0.wait();
        for thread in [self.writer.take(), self.reader.take()].into_iter().flatten() {
            let _ = thread.join();
        }
        MediaError::encoder(&self.part_path, self.complaints.text())
    }
}

/// Time of a frame after the first one of its chunk, in units of `1 / time_base.den` seconds.
fn chunk_ticks(clip: &Clip, first: usize, frame: usize) -> u64 {
    let ticks = clip.frames[frame].pts_ticks - clip.frames[first].pts_ticks;
    // Frames are in order, so the difference is never negative.
    ticks as u64 * u64::from(clip.time_base.num)
}

/// A bitstream filter that gives the last packet the duration of its frame: raw frames have none,
/// and FFmpeg would guess. (`TB` is the packet's time unit in seconds, `N` its number.)
fn last_duration(clip: &Clip, frames: &Range<usize>) -> String {
    let last = clip.frames[frames.end - 1];
    let secs = format!("{}/{}", last.duration_ticks * i64::from(clip.time_base.num), clip.time_base.den);
    let number = frames.len() - 1;
    format!("setts=duration='if(eq(N,{number}),round({secs}/TB),DURATION)'")
}

/// Tags as the footage has them, sample aspect, and the footage's own chroma and depth.
fn filters(clip: &Clip, details: &VideoDetails) -> String {
    let color = &clip.color;
    let mut tags = vec![format!("range={}", color.range_name())];
    for (name, tag) in [
        ("colorspace", &color.matrix_tag),
        ("color_primaries", &color.primaries),
        ("color_trc", &color.transfer),
    ] {
        let plain = |t: &&String| t.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if let Some(tag) = tag.as_ref().filter(plain) {
            tags.push(format!("{name}={tag}"));
        }
    }
    let aspect = clip.stored_sample_aspect;
    let range = color.range_name();
    let mut chain = format!("setparams={}", tags.join(":"));
    // Chroma that was repeated on the way here is averaged back to the very same value.
    chain.push_str(&format!(
        ",scale=in_range={range}:out_range={range}:flags=area+accurate_rnd+full_chroma_int+full_chroma_inp:sws_dither=none,format={}",
        details.encoded_format
    ));
    chain.push_str(&format!(",setsar={}/{}", aspect.num, aspect.den));
    if !color.range_tagged {
        chain.push_str(",setparams=range=unknown");
    }
    chain
}
