//! The frames of the footage with the meshes of the person's faces, steadied: by their neighbours in time, and by the skin,
//! which the picture shows to have moved otherwise than the mesh says.

use std::collections::{BTreeMap, VecDeque};

use bifrons_media::{Clip, Frame};
use bifrons_project::{Clip as ClipRow, Face, Index};
use bifrons_vision::{
    Mesh, SLIP_PX, SLIP_REACH, STEADY_REACH, Seen, Slips, slip_square, slips, steadied, without_slips,
};
use rayon::prelude::*;

use crate::SwapError;
use crate::ahead::ReadAhead;
use crate::patch::aligned;

/// The meshes of a frame by track.
type Meshes = BTreeMap<u32, Mesh>;

/// Reads frames in order, some ahead of those it gives.
pub(crate) struct Followed<'a> {
    index: &'a Index,
    row: &'a ClipRow,
    clip: &'a Clip,
    reader: Option<ReadAhead>,
    /// The last frame that was read.
    last: Option<(Frame, Meshes)>,
    /// Frames that were read and not given yet.
    waiting: VecDeque<(Frame, Meshes)>,
    /// How meshes slipped from the frame before to each frame, by track; those given included.
    slips: VecDeque<(usize, BTreeMap<u32, Slips>)>,
    /// Frames on each side whose slips count.
    reach: usize,
    /// The next frame to give.
    next: usize,
}

impl<'a> Followed<'a> {
    /// `by_skin`: whether the picture is looked at, which needs the frames around; else only the meshes around steady one.
    pub(crate) fn new(index: &'a Index, row: &'a ClipRow, clip: &'a Clip, by_skin: bool) -> Self {
        let (waiting, slips) = (VecDeque::new(), VecDeque::new());
        let reach = if by_skin { SLIP_REACH } else { 0 };
        Self { index, row, clip, reader: None, last: None, waiting, slips, reach, next: 0 }
    }

    /// Goes to a frame: it gives the same as if all before it had been read.
    pub(crate) fn seek(&mut self, frame: usize) -> Result<(), SwapError> {
        self.last = None;
        self.waiting.clear();
        self.slips.clear();
        self.next = frame;
        self.reader = Some(ReadAhead::new(self.clip.read(frame.saturating_sub(self.reach))?));
        Ok(())
    }

    /// Gives this frame, and none after it.
    pub(crate) fn give(&mut self, frame: Frame) -> Result<(), SwapError> {
        let meshes = self.steadied_meshes(frame.index())?;
        (self.reader, self.last, self.next) = (None, None, frame.index());
        self.slips.clear();
        self.waiting = VecDeque::from([(frame, meshes)]);
        Ok(())
    }

    /// The next frames with their meshes by track: as many as asked for, fewer only at the end.
    pub(crate) fn next(&mut self, count: usize) -> Result<Vec<(Frame, Meshes)>, SwapError> {
        let end = self.next + count;
        loop {
            let read = self.last.as_ref().map_or(0, |(frame, _)| frame.index() + 1);
            let missing = (end + self.reach).saturating_sub(read);
            if missing == 0 || !self.read(missing.min(count.max(1)))? {
                break;
            }
        }
        let first = self.next;
        let mut given = Vec::new();
        while self.waiting.front().is_some_and(|(frame, _)| frame.index() < end) {
            given.extend(self.waiting.pop_front().filter(|(frame, _)| frame.index() >= first));
        }
        self.next += given.len();
        let slipped = &self.slips;
        given.par_iter_mut().for_each(|(frame, meshes)| {
            for (track, mesh) in meshes.iter_mut() {
                *mesh = followed(mesh, slipped, frame.index(), *track);
            }
        });
        while self.slips.front().is_some_and(|(frame, _)| frame + SLIP_REACH <= self.next) {
            self.slips.pop_front();
        }
        Ok(given)
    }

    /// Reads up to so many frames; `false` when there is none.
    fn read(&mut self, count: usize) -> Result<bool, SwapError> {
        let mut frames = Vec::new();
        while let Some(reader) = self.reader.as_mut().filter(|_| frames.len() < count) {
            let Some(frame) = reader.next_frame()? else { break };
            let meshes = self.steadied_meshes(frame.index())?;
            frames.push((frame, meshes));
        }
        let Some(last) = frames.last().cloned() else { return Ok(false) };
        let before = self.last.iter().chain(&frames);
        let pairs: Vec<_> = match &self.last {
            Some(_) => before.zip(&frames).collect(),
            None => before.zip(&frames[1..]).collect(),
        };
        let found =
            pairs.into_par_iter().map(|(earlier, later)| (later.0.index(), slips_between(earlier, later)));
        self.slips.extend(found.collect::<Vec<_>>());
        self.waiting.extend(frames);
        self.last = Some(last);
        Ok(true)
    }

    /// The person's meshes in a frame, steadied by their neighbours in time.
    fn steadied_meshes(&self, frame: usize) -> Result<Meshes, SwapError> {
        let frames = frame.saturating_sub(STEADY_REACH)..frame + STEADY_REACH + 1;
        let around = self.index.person_faces_in(self.row.id, &self.row.person, frames)?;
        let mut tracks: BTreeMap<u32, Vec<Seen>> = BTreeMap::new();
        for Face { record, placed, .. } in around {
            // points of the index were checked when they were read
            let Ok(mesh) = Mesh::try_from(record.points) else { continue };
            tracks.entry(record.track).or_default().push(Seen { frame: record.frame, mesh, placed });
        }
        let here = tracks.into_iter().filter_map(|(track, seen)| {
            let place = seen.iter().position(|seen| seen.frame == frame)?;
            Some((track, steadied(&seen, place)))
        });
        Ok(here.collect())
    }
}

/// How the meshes of tracks that both frames have slipped.
fn slips_between(
    (earlier, before): &(Frame, Meshes),
    (later, after): &(Frame, Meshes),
) -> BTreeMap<u32, Slips> {
    let both = after.iter().filter_map(|(track, mesh)| Some((*track, before.get(track)?, mesh)));
    let found = both.map(|(track, was, is)| {
        let square = slip_square(is);
        let [before, after] = [earlier, later].map(|frame| aligned(frame, &square, SLIP_PX));
        (track, slips((&before, was), (&after, is)))
    });
    found.collect()
}

/// A mesh without what it slipped, as far as its track goes on without a gap.
fn followed(mesh: &Mesh, slips: &VecDeque<(usize, BTreeMap<u32, Slips>)>, frame: usize, track: u32) -> Mesh {
    let to = |frame: usize| {
        let found = slips.iter().find(|(other, _)| *other == frame);
        found.and_then(|(_, slips)| slips.get(&track))
    };
    let before: Vec<&Slips> = (0..SLIP_REACH).map_while(|back| to(frame.checked_sub(back)?)).collect();
    let after: Vec<&Slips> = (1..=SLIP_REACH).map_while(|on| to(frame + on)).collect();
    without_slips(mesh, before, after)
}
