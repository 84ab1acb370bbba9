//! Frames on their way through: drawn, held until their neighbours are known, composed.
//!
//! What flickers in a swapped film is where the face is put, what is drawn and how it is coloured. Each is smoothed over
//! the neighbouring frames of the same track, in both directions, so nothing lags. A track ends at a cut, so nothing is
//! smoothed across one.

use std::collections::{BTreeMap, VecDeque};

use bifrons_media::{Clip, Frame, FrameReader};
use bifrons_project::{Clip as ClipRow, Face, Index};
use bifrons_vision::{Mesh, STEADY_REACH, Seen, steadied};

use crate::SwapError;
use crate::compose::{Look, Place, compose};
use crate::patch::{Painter, Patch, Sketch};

/// Frames before and after that count for colour and grain, and the deviation of their Gaussian weight.
const LOOK_REACH: usize = 8;
const LOOK_SIGMA_FRAMES: f32 = 4.0;

/// A face drawn and not yet composed.
struct Drawn {
    track: u32,
    patch: Patch,
    place: Place,
}

/// A frame as it was read, with the faces that the network drew for it.
struct Read {
    index: usize,
    /// `None` once its faces are finished.
    frame: Option<Frame>,
    sketches: Vec<(u32, Sketch)>,
}

/// A frame whose faces are finished.
struct Finished {
    frame: Frame,
    faces: Vec<Drawn>,
    looks: Vec<(u32, Look)>,
}

/// Reads ahead as far as smoothing needs.
pub(crate) struct Window<'a> {
    index: &'a Index,
    row: &'a ClipRow,
    clip: &'a Clip,
    painter: &'a Painter,
    reader: Option<FrameReader>,
    /// Frames read: those whose faces are not finished yet, and before them those that steady them.
    read: VecDeque<Read>,
    /// The next frame whose faces are to be finished.
    unfinished: usize,
    /// Frames whose faces are finished and which are not yet given out, in order.
    ahead: VecDeque<(Frame, Vec<Drawn>)>,
    /// Looks of the frames around, those given out included.
    looks: VecDeque<(usize, Vec<(u32, Look)>)>,
    /// The next frame to give out.
    next: usize,
}

impl<'a> Window<'a> {
    pub(crate) fn new(index: &'a Index, row: &'a ClipRow, clip: &'a Clip, painter: &'a Painter) -> Self {
        Self {
            index,
            row,
            clip,
            painter,
            reader: None,
            read: VecDeque::new(),
            unfinished: 0,
            ahead: VecDeque::new(),
            looks: VecDeque::new(),
            next: 0,
        }
    }

    /// Goes to a frame: the next one costs nothing, another one reads the neighbours before it too.
    pub(crate) fn seek(&mut self, frame: usize) -> Result<(), SwapError> {
        if self.reader.is_some() && self.next == frame {
            return Ok(());
        }
        self.ahead.clear();
        self.looks.clear();
        self.read.clear();
        // the same neighbours as if read from the start
        self.unfinished = frame.saturating_sub(LOOK_REACH);
        self.reader = Some(self.clip.read(self.unfinished.saturating_sub(self.painter.reach()))?);
        self.next = frame;
        while self.unfinished < frame {
            let Some(finished) = self.finish_next()? else { break };
            self.looks.push_back((finished.frame.index(), finished.looks));
        }
        Ok(())
    }

    /// The next frame, composed; `None` after the last.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, SwapError> {
        while self.ahead.len() <= LOOK_REACH {
            let Some(Finished { frame, faces, looks }) = self.finish_next()? else { break };
            self.looks.push_back((frame.index(), looks));
            self.ahead.push_back((frame, faces));
        }
        let Some((mut frame, drawn)) = self.ahead.pop_front() else { return Ok(None) };
        for face in drawn {
            let look = self.smoothed_look(frame.index(), face.track);
            compose(&mut frame, &face.patch, &face.place, &look)?;
        }
        self.next = frame.index() + 1;
        while self.looks.front().is_some_and(|(index, _)| index + LOOK_REACH < self.next) {
            self.looks.pop_front();
        }
        Ok(Some(frame))
    }

    /// Finishes the faces of the next frame, once those after it that steady them are drawn.
    fn finish_next(&mut self) -> Result<Option<Finished>, SwapError> {
        let reach = self.painter.reach();
        while self.read.back().is_none_or(|last| last.index < self.unfinished + reach) {
            let Some(read) = self.sketch_next()? else { break };
            self.read.push_back(read);
        }
        let Some(place) = self.read.iter().position(|read| read.index == self.unfinished) else {
            return Ok(None);
        };
        let Some(frame) = self.read[place].frame.take() else { return Ok(None) };
        let (mut faces, mut looks) = (Vec::new(), Vec::new());
        for (track, sketch) in &self.read[place].sketches {
            let others = self.read.iter().filter(|read| read.index != self.unfinished);
            let near = others.flat_map(|read| {
                let frames = read.index.abs_diff(self.unfinished);
                let own = read.sketches.iter().filter(move |(other, _)| other == track && frames <= reach);
                own.map(move |(_, sketch)| (frames, sketch))
            });
            let patch = self.painter.finish(sketch, near)?;
            let place = Place::of(&patch, &frame);
            looks.push((*track, Look::of(&patch, &frame, &place)));
            faces.push(Drawn { track: *track, patch, place });
        }
        self.unfinished += 1;
        while self.read.front().is_some_and(|read| read.index + reach < self.unfinished) {
            self.read.pop_front();
        }
        Ok(Some(Finished { frame, faces, looks }))
    }

    /// Reads the next frame and lets the network draw its faces.
    fn sketch_next(&mut self) -> Result<Option<Read>, SwapError> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let Some(frame) = reader.next_frame()? else { return Ok(None) };
        let mut sketches = Vec::new();
        for (track, mesh) in self.steadied_meshes(frame.index())? {
            sketches.push((track, self.painter.sketch(&frame, mesh)?));
        }
        Ok(Some(Read { index: frame.index(), frame: Some(frame), sketches }))
    }

    /// The person's meshes in a frame, steadied by their neighbours in time.
    fn steadied_meshes(&self, frame: usize) -> Result<Vec<(u32, Mesh)>, SwapError> {
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

    /// The look of a track in a frame, smoothed over the frames around.
    fn smoothed_look(&self, frame: usize, track: u32) -> Look {
        let mut near = Vec::new();
        for (index, looks) in self.looks.iter().filter(|(index, _)| index.abs_diff(frame) <= LOOK_REACH) {
            let own = looks.iter().filter(|(other, _)| *other == track);
            near.extend(own.map(|(_, look)| (gaussian(*index, frame, LOOK_SIGMA_FRAMES), *look)));
        }
        Look::weighted_mean(&near)
    }
}

fn gaussian(index: usize, center: usize, sigma: f32) -> f32 {
    let distance = index.abs_diff(center) as f32 / sigma;
    (-0.5 * distance * distance).exp()
}
