//! Frames into a chunk: a range of the film, encoded by itself.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::clip::Clip;
use crate::encoder::VideoSink;
use crate::frame::Frame;
use crate::picture_sink::PictureSink;
use crate::{Encoding, MediaError};

/// Writes a range of a clip's frames into a part of its own.
///
/// For a video the part is one mp4 file; for pictures it is a folder of PNG
/// files, OpenEXR for OpenEXR. Rename the part
/// once [`FrameSink::finish`] has returned; give all parts in order to [`crate::join`]. A sink
/// dropped before that stops FFmpeg and leaves an unfinished part behind, which the next sink with
/// the same path replaces.
#[derive(Debug)]
pub struct FrameSink {
    part_path: PathBuf,
    next: usize,
    end: usize,
    to: Destination,
}

#[derive(Debug)]
enum Destination {
    Video(Box<VideoSink>),
    Pictures(PictureSink),
}

impl FrameSink {
    /// Starts a part that shall hold exactly `frames` of `clip`.
    ///
    /// # Errors
    /// [`MediaError::FrameOutOfRange`] when the range is empty or reaches past the clip,
    /// [`MediaError::Unsupported`] for a bad `encoding`, [`MediaError::ToolMissing`],
    /// [`MediaError::Io`].
    pub fn create(
        clip: &Clip,
        frames: Range<usize>,
        encoding: &Encoding,
        part_path: &Path,
    ) -> Result<Self, MediaError> {
        if frames.is_empty() || frames.end > clip.frames.len() {
            return Err(MediaError::FrameOutOfRange {
                path: clip.path.clone(),
                frame: frames.end.saturating_sub(1),
                count: clip.frames.len(),
            });
        }
        let to = match &clip.video {
            Some(details) => {
                encoding.check(&clip.path)?;
                Destination::Video(Box::new(VideoSink::start(
                    clip,
                    details,
                    frames.clone(),
                    encoding,
                    part_path,
                )?))
            }
            None => Destination::Pictures(PictureSink::start(clip, frames.clone(), part_path)?),
        };
        Ok(Self { part_path: part_path.to_owned(), next: frames.start, end: frames.end, to })
    }

    /// Writes the next frame of the range.
    ///
    /// # Errors
    /// [`MediaError::OutOfOrder`], [`MediaError::PatchMismatch`] for a frame of another clip,
    /// [`MediaError::EncoderFailed`], [`MediaError::DiskFull`], [`MediaError::Stalled`],
    /// [`MediaError::Io`].
    pub fn write(&mut self, frame: &Frame) -> Result<(), MediaError> {
        if frame.index() != self.next || self.next >= self.end {
            return Err(MediaError::OutOfOrder {
                path: self.part_path.clone(),
                expected: self.next,
                found: frame.index(),
            });
        }
        match &mut self.to {
            Destination::Video(sink) => sink.write(frame)?,
            Destination::Pictures(sink) => sink.write(frame)?,
        }
        self.next += 1;
        Ok(())
    }

    /// Ends the part and checks that it holds exactly the frames of the range, each at its time.
    ///
    /// # Errors
    /// [`MediaError::OutOfOrder`] when frames are still missing, [`MediaError::EncoderFailed`],
    /// [`MediaError::DiskFull`], [`MediaError::Stalled`], [`MediaError::WrongResult`].
    pub fn finish(self) -> Result<(), MediaError> {
        if self.next != self.end {
            return Err(MediaError::OutOfOrder {
                path: self.part_path,
                expected: self.next,
                found: self.end,
            });
        }
        match self.to {
            Destination::Video(sink) => sink.finish(),
            Destination::Pictures(sink) => sink.finish(),
        }
    }
}
