//! Frames of the footage: read once, however many pictures are made of them.

use std::sync::{Arc, Mutex, PoisonError};

use bifrons_media::{Frame, FrameReader};
use bifrons_project::ClipId;

use crate::error::Refusal;
use crate::pictures::open_clip;
use crate::recent::Recent;
use crate::state::Shared;

/// Memory for frames: some of full HD.
const FRAMES_BYTES: usize = 48 << 20;
/// Frames that are rather read through than looked up anew.
const READ_THROUGH: usize = 24;

/// What was read, and what reads on: stepping through a film starts no decoder for each frame.
#[derive(Debug)]
pub(crate) struct Footage {
    reading: Mutex<Option<Reading>>,
    kept: Mutex<Recent<(ClipId, usize), Arc<Frame>>>,
}

#[derive(Debug)]
struct Reading {
    clip: ClipId,
    reader: FrameReader,
    next: usize,
}

impl Default for Footage {
    fn default() -> Self {
        Self { reading: Mutex::default(), kept: Mutex::new(Recent::new(FRAMES_BYTES)) }
    }
}

impl Footage {
    /// A frame of a clip.
    pub(crate) fn frame(&self, shared: &Shared, clip: ClipId, number: usize) -> Result<Arc<Frame>, Refusal> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = || kept().get(&(clip, number));
        if let Some(frame) = found() {
            return Ok(frame);
        }
        // who asks for the same frame at the same time waits for it
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = found() {
            return Ok(frame);
        }
        let goes_on = |at: &Reading| at.clip == clip && (at.next..at.next + READ_THROUGH).contains(&number);
        let mut at = match reading.take().filter(goes_on) {
            Some(at) => at,
            None => Reading { clip, reader: open_clip(shared, clip)?.read(number)?, next: number },
        };
        while let Some(frame) = at.reader.next_frame()? {
            at.next = frame.index() + 1;
            if frame.index() < number {
                continue;
            }
            let frame = Arc::new(frame);
            let bytes = 3 * frame.width_px() * frame.height_px();
            kept().put((clip, number), Arc::clone(&frame), bytes);
            *reading = Some(at);
            return Ok(frame);
        }
        Err(Refusal::not_there("frame in the footage any more"))
    }
}
