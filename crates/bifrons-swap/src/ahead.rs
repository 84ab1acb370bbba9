//! Frames read, and frames written, while others are drawn: FFmpeg never waits for us nor we for it, as long as both keep up.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use bifrons_media::{Frame, FrameReader, FrameSink, MediaError};

/// Frames that wait at most, each way: a few hide uneven speed, more only take memory.
const WAITING: usize = 4;

/// Reads frames in a thread of its own, which ends with this.
pub(crate) struct ReadAhead {
    frames: Receiver<Result<Frame, MediaError>>,
}

impl ReadAhead {
    pub(crate) fn new(mut reader: FrameReader) -> Self {
        let (send, frames) = sync_channel(WAITING);
        thread::spawn(move || {
            while let Some(frame) = reader.next_frame().transpose() {
                let is_last = frame.is_err();
                // nobody listens any more: the reader, and with it FFmpeg, goes
                if send.send(frame).is_err() || is_last {
                    break;
                }
            }
        });
        Self { frames }
    }

    /// As [`FrameReader::next_frame`].
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        self.frames.recv().ok().transpose()
    }
}

/// Writes frames in a thread of its own.
pub(crate) struct WriteBehind {
    /// `None` once no more will come.
    frames: Option<SyncSender<Frame>>,
    writer: Option<JoinHandle<Result<FrameSink, MediaError>>>,
}

impl WriteBehind {
    pub(crate) fn new(mut sink: FrameSink) -> Self {
        let (frames, waiting) = sync_channel::<Frame>(WAITING);
        let writer = thread::spawn(move || {
            for frame in waiting {
                sink.write(&frame)?;
            }
            Ok(sink)
        });
        Self { frames: Some(frames), writer: Some(writer) }
    }

    /// As [`FrameSink::write`]; an error may come with a later frame.
    pub(crate) fn write(&mut self, frame: Frame) -> Result<(), MediaError> {
        match self.frames.as_ref().is_some_and(|frames| frames.send(frame).is_ok()) {
            true => Ok(()),
            // the writer has ended early, which only an error makes it do
            false => self.sink().map(|_| ()),
        }
    }

    /// As [`FrameSink::finish`].
    pub(crate) fn finish(mut self) -> Result<(), MediaError> {
        self.sink()?.map_or(Ok(()), FrameSink::finish)
    }

    /// Waits for what is left, and gives the sink back; `None` the second time.
    fn sink(&mut self) -> Result<Option<FrameSink>, MediaError> {
        self.frames = None;
        match self.writer.take().map(JoinHandle::join) {
            None => Ok(None),
            Some(Ok(sink)) => sink.map(Some),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for WriteBehind {
    /// A part that is given up is the caller's to remove, once nobody writes to it.
    fn drop(&mut self) {
        let _ = self.sink();
    }
}
