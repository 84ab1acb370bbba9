//! Frames out of a clip, one after another.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clip::{Clip, PictureFile};
use crate::decoder::{DecodedFrame, Decoder};
use crate::frame::{Frame, Samples, YuvFormat};
use crate::{MediaError, pictures};

/// Reads the frames of a clip in presentation order.
///
/// Dropping it stops the decoder.
#[derive(Debug)]
pub struct FrameReader {
    path: PathBuf,
    /// Frame delivered next.
    next: usize,
    /// One past the last frame of the table.
    end: usize,
    /// Frames the file says it has.
    declared: usize,
    delivered: usize,
    repeated: Vec<usize>,
    state: State,
}

#[derive(Debug)]
enum State {
    Video {
        decoder: Box<Decoder>,
        format: Arc<YuvFormat>,
        times: Arc<[crate::FrameTime]>,
        /// Decoded already, not delivered yet.
        ahead: Option<DecodedFrame>,
        /// Planes that stand in for frames before the given one.
        stand_in: Option<(Vec<u8>, usize)>,
    },
    Pictures(Arc<[PictureFile]>),
    Ended,
}

impl FrameReader {
    pub(crate) fn new(clip: &Clip, from_frame: usize) -> Result<Self, MediaError> {
        let count = clip.frames.len();
        if from_frame >= count {
            return Err(MediaError::FrameOutOfRange { path: clip.path.clone(), frame: from_frame, count });
        }
        let state = match &clip.video {
            None => State::Pictures(Arc::clone(&clip.pictures)),
            Some(details) => State::Video {
                decoder: Box::new(Decoder::start(clip, details, from_frame)?),
                format: Arc::new(YuvFormat::of(clip, details)),
                times: Arc::clone(&clip.frames),
                ahead: None,
                stand_in: None,
            },
        };
        Ok(Self {
            path: clip.path.clone(),
            next: from_frame,
            end: count,
            declared: clip.declared_frames,
            delivered: 0,
            repeated: Vec::new(),
            state,
        })
    }

    /// The next frame; `None` after the last one.
    ///
    /// A frame in the middle that cannot be decoded is delivered as a repeat of the one before it
    /// ([`Frame::is_repeated`]), so that every other frame keeps its place and time.
    ///
    /// # Errors
    /// [`MediaError::Truncated`] once, after the last good frame, when any frame was missing or
    /// repeated; a further call gives `None`. [`MediaError::DecoderFailed`],
    /// [`MediaError::Stalled`], [`MediaError::SizeChanges`], [`MediaError::Picture`] end the
    /// reading.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        let result = self.advance();
        if !matches!(result, Ok(Some(_))) {
            self.state = State::Ended;
        }
        result
    }

    /// Number of frames delivered so far, repeats included.
    #[must_use]
    pub fn delivered_frames(&self) -> usize {
        self.delivered
    }

    /// Numbers of the frames that could not be decoded and were delivered as repeats.
    #[must_use]
    pub fn repeated_frames(&self) -> &[usize] {
        &self.repeated
    }

    fn advance(&mut self) -> Result<Option<Frame>, MediaError> {
        let at_end = self.next >= self.end;
        let frame = match &mut self.state {
            State::Ended => return Ok(None),
            State::Pictures(_) if at_end => return Ok(None),
            State::Pictures(files) => Frame {
                index: self.next,
                pts_ticks: self.next as i64,
                repeated: false,
                samples: Samples::Picture(pictures::decode(&files[self.next].path)?),
            },
            State::Video { decoder, format, times, ahead, stand_in } => {
                if at_end {
                    return self.finish();
                }
                let Some((planes, repeated)) = next_planes(self.next, decoder, ahead, stand_in)? else {
                    return self.finish();
                };
                Frame {
                    index: self.next,
                    pts_ticks: times[self.next].pts_ticks,
                    repeated,
                    samples: Samples::Yuv { format: Arc::clone(format), planes },
                }
            }
        };
        if frame.repeated {
            self.repeated.push(self.next);
        }
        self.next += 1;
        self.delivered += 1;
        Ok(Some(frame))
    }

    /// The end of the decoder's output: were these all frames?
    fn finish(&mut self) -> Result<Option<Frame>, MediaError> {
        let missing = self.declared.saturating_sub(self.next) + self.repeated.len();
        if missing == 0 {
            return Ok(None);
        }
        if self.delivered == 0
            && let State::Video { decoder, .. } = &self.state
        {
            return Err(MediaError::DecoderFailed { path: self.path.clone(), detail: decoder.complaints() });
        }
        Err(MediaError::Truncated {
            path: self.path.clone(),
            decoded: self.declared - missing,
            expected: self.declared,
        })
    }
}

/// The planes for frame `next`, and whether they are a repeat; `None` at the decoder's end.
fn next_planes(
    next: usize,
    decoder: &mut Decoder,
    ahead: &mut Option<DecodedFrame>,
    stand_in: &mut Option<(Vec<u8>, usize)>,
) -> Result<Option<(Vec<u8>, bool)>, MediaError> {
    if let Some((planes, until)) = stand_in.take() {
        if next + 1 < until {
            *stand_in = Some((planes.clone(), until));
        }
        return Ok(Some((planes, true)));
    }
    let frame = match ahead.take() {
        Some(frame) => frame,
        None => match decoder.next()? {
            Some(frame) => frame,
            None => return Ok(None),
        },
    };
    if frame.index > next {
        // Only at the start: there is nothing before it to repeat.
        let planes = frame.planes.clone();
        if next + 1 < frame.index {
            *stand_in = Some((planes.clone(), frame.index));
        }
        *ahead = Some(frame);
        return Ok(Some((planes, true)));
    }
    *ahead = decoder.next()?;
    if let Some(following) = ahead
        && following.index > next + 1
    {
        *stand_in = Some((frame.planes.clone(), following.index));
    }
    Ok(Some((frame.planes, false)))
}
