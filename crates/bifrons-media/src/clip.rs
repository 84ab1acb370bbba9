//! A clip: what it is made of, frame by frame, before anything is decoded.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::color::ColorInfo;
use crate::layout::{PlaneLayout, Rotation};
use crate::reader::FrameReader;
use crate::{MediaError, Tools, pictures, video};

/// What a clip is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClipKind {
    /// A video file (also an animated GIF).
    Video,
    /// One picture file.
    Picture,
    /// A folder of picture files, sorted by name, all of one size.
    PictureFolder,
}

/// A fraction of two positive numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rational {
    /// Numerator.
    pub num: u32,
    /// Denominator.
    pub den: u32,
}

impl Rational {
    /// The quotient.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }
}

/// When a frame is shown, in ticks of [`Clip::time_base`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameTime {
    /// Presentation time, as in the file (the first frame need not be at 0).
    pub pts_ticks: i64,
    /// Time until the next frame; at least 1.
    pub duration_ticks: i64,
    /// Whether decoding can start here.
    pub keyframe: bool,
}

/// A sound track of a clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundStream {
    /// Stream number in the file.
    pub index: u64,
    /// Codec as ffprobe names it, e.g. `aac`.
    pub codec: String,
    /// Length of a tick of this track in seconds.
    pub time_base: Rational,
    /// Sample rate in hertz; 0 when unknown.
    pub sample_rate_hz: u32,
    /// Number of channels; 0 when unknown.
    pub channels: u32,
}

/// A clip that can be read; opening one decodes nothing.
///
/// All sizes and positions are in displayed orientation (the rotation flag applied) unless their
/// name says `stored`.
#[derive(Debug, Clone)]
pub struct Clip {
    pub(crate) path: PathBuf,
    pub(crate) tools: Tools,
    pub(crate) kind: ClipKind,
    pub(crate) stored_width_px: usize,
    pub(crate) stored_height_px: usize,
    pub(crate) rotation: Rotation,
    pub(crate) time_base: Rational,
    pub(crate) frames: Arc<[FrameTime]>,
    /// Frames the file says it has; more than `frames` when it is cut off.
    pub(crate) declared_frames: usize,
    pub(crate) color: ColorInfo,
    pub(crate) sound: Vec<SoundStream>,
    /// Sample aspect as stored.
    pub(crate) stored_sample_aspect: Rational,
    pub(crate) codec: String,
    pub(crate) pixel_format: String,
    pub(crate) video: Option<VideoDetails>,
    /// The picture files, in order; empty for a video.
    pub(crate) pictures: Arc<[PictureFile]>,
}

/// One of the files of a clip of pictures.
#[derive(Debug, Clone)]
pub(crate) struct PictureFile {
    pub(crate) path: PathBuf,
    /// Whether it is OpenEXR, by what is in it.
    pub(crate) is_exr: bool,
}

/// What only a video file has.
#[derive(Debug, Clone)]
pub(crate) struct VideoDetails {
    pub(crate) stream_index: u64,
    /// Whether every packet carries the time of its frame, so that the times of decoded frames
    /// are those of the table.
    pub(crate) timed_packets: bool,
    /// Demuxer names as ffprobe gives them, e.g. `mov,mp4,m4a`.
    pub(crate) format_name: String,
    /// Start of the file on FFmpeg's clock, in microseconds.
    pub(crate) file_start_us: i64,
    pub(crate) layout: PlaneLayout,
    /// FFmpeg's name of the pixel format frames are decoded to.
    pub(crate) decoded_format: &'static str,
    /// FFmpeg's name of the pixel format chunks are encoded in.
    pub(crate) encoded_format: &'static str,
    /// `(stream number, codec)` of subtitles.
    pub(crate) subtitles: Vec<(u64, String)>,
    pub(crate) chroma_location: Option<String>,
}

impl Clip {
    /// Whether its samples are amounts of light without an upper end (OpenEXR), which show more than is seen of them.
    #[must_use]
    pub fn is_light(&self) -> bool {
        self.pictures.iter().any(|picture| picture.is_exr)
    }

    /// Opens a video, a picture, or a folder of pictures, with the tools of [`Tools::from_env`].
    ///
    /// # Errors
    /// See [`Clip::open_with`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, MediaError> {
        Self::open_with(path, &Tools::from_env())
    }

    /// Opens a video, a picture (PNG, OpenEXR, JPEG, WebP, BMP, TIFF), or a folder of pictures
    /// sorted by name.
    ///
    /// # Errors
    /// [`MediaError::NotFound`], [`MediaError::Io`], [`MediaError::Empty`],
    /// [`MediaError::NotVideo`], [`MediaError::AudioOnly`], [`MediaError::NoFrames`],
    /// [`MediaError::HighDynamicRange`], [`MediaError::Unsupported`],
    /// [`MediaError::NoPictures`], [`MediaError::SizesDiffer`], [`MediaError::Picture`],
    /// [`MediaError::ToolMissing`], [`MediaError::Stalled`].
    pub fn open_with(path: impl AsRef<Path>, tools: &Tools) -> Result<Self, MediaError> {
        let path = path.as_ref();
        let about = std::fs::metadata(path).map_err(|e| MediaError::io(path, e))?;
        if about.is_dir() {
            return pictures::open_folder(path, tools);
        }
        if about.len() == 0 {
            return Err(MediaError::Empty { path: path.to_owned() });
        }
        if pictures::is_picture_file(path)? {
            return pictures::open_single(path, tools);
        }
        video::open(path, tools)
    }

    /// Where the clip is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the clip is stored as.
    #[must_use]
    pub fn kind(&self) -> ClipKind {
        self.kind
    }

    /// Whether its frames need have nothing to do with one another: pictures whose names are not numbered through, as those
    /// of film are (`shot.0998.exr`, `shot.0999.exr`, …), and JPEG and WebP, as cameras number photographs too.
    #[must_use]
    pub fn is_stills(&self) -> bool {
        self.kind != ClipKind::Video && !pictures::are_numbered(&self.pictures)
    }

    /// Displayed width in pixels.
    #[must_use]
    pub fn width_px(&self) -> usize {
        self.rotation.displayed_size(self.stored_width_px, self.stored_height_px).0
    }

    /// Displayed height in pixels.
    #[must_use]
    pub fn height_px(&self) -> usize {
        self.rotation.displayed_size(self.stored_width_px, self.stored_height_px).1
    }

    /// Width and height in pixels as stored in the file, before the rotation flag is applied.
    #[must_use]
    pub fn stored_size_px(&self) -> (usize, usize) {
        (self.stored_width_px, self.stored_height_px)
    }

    /// The rotation flag.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// Length of a tick in seconds.
    #[must_use]
    pub fn time_base(&self) -> Rational {
        self.time_base
    }

    /// Colour description.
    #[must_use]
    pub fn color(&self) -> &ColorInfo {
        &self.color
    }

    /// Every frame that can be read, in presentation order.
    #[must_use]
    pub fn frames(&self) -> &[FrameTime] {
        &self.frames
    }

    /// Number of frames in [`Self::frames`].
    #[must_use]
    pub fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// Number of frames the file says it has; more than [`Self::frame_count`] when it is cut off.
    #[must_use]
    pub fn declared_frames(&self) -> usize {
        self.declared_frames
    }

    /// Sound tracks, in the order of the file.
    #[must_use]
    pub fn sound(&self) -> &[SoundStream] {
        &self.sound
    }

    /// Width to height of a displayed pixel; 1/1 for square pixels. Positions and sizes are always
    /// in pixels as they are, never stretched by this.
    #[must_use]
    pub fn sample_aspect(&self) -> Rational {
        let Rational { num, den } = self.stored_sample_aspect;
        if self.rotation.swaps_sides() { Rational { num: den, den: num } } else { self.stored_sample_aspect }
    }

    /// Video codec as ffprobe names it (`hevc`, `gif`, …), or `picture`.
    #[must_use]
    pub fn codec(&self) -> &str {
        &self.codec
    }

    /// Pixel format as ffprobe names it (`yuv420p`, …), or `rgb` for pictures.
    #[must_use]
    pub fn pixel_format(&self) -> &str {
        &self.pixel_format
    }

    /// Time from the first frame's start to the last frame's end, in seconds.
    #[must_use]
    pub fn duration_secs(&self) -> f64 {
        match (self.frames.first(), self.frames.last()) {
            (Some(first), Some(last)) => {
                (last.pts_ticks + last.duration_ticks - first.pts_ticks) as f64 * self.time_base.as_f64()
            }
            _ => 0.0,
        }
    }

    /// Start of a frame after the first frame's start, in seconds; `None` past the end.
    #[must_use]
    pub fn frame_start_secs(&self, frame: usize) -> Option<f64> {
        let at = self.frames.get(frame)?.pts_ticks;
        Some((at - self.frames[0].pts_ticks) as f64 * self.time_base.as_f64())
    }

    /// Frames a second, on average over the clip.
    #[must_use]
    pub fn average_fps(&self) -> f64 {
        self.frames.len() as f64 / self.duration_secs()
    }

    /// The same clip ending before frame `count`: how to go on after [`MediaError::Truncated`]
    /// with what could be read.
    ///
    /// # Errors
    /// [`MediaError::NoFrames`] when nothing would be left.
    pub fn shortened(&self, count: usize) -> Result<Self, MediaError> {
        let count = count.min(self.frames.len());
        if count == 0 {
            return Err(MediaError::NoFrames { path: self.path.clone() });
        }
        Ok(Self { frames: self.frames[..count].into(), declared_frames: count, ..self.clone() })
    }

    /// The same clip, read and written with other tools from now on.
    #[must_use]
    pub fn with_tools(self, tools: Tools) -> Self {
        Self { tools, ..self }
    }

    /// Starts decoding at frame `from_frame`, and gives exactly the frames that reading from 0
    /// and skipping would.
    ///
    /// # Errors
    /// [`MediaError::FrameOutOfRange`], [`MediaError::ToolMissing`].
    pub fn read(&self, from_frame: usize) -> Result<FrameReader, MediaError> {
        FrameReader::new(self, from_frame)
    }
}
