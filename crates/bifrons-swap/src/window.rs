//! Frames on their way through: drawn, held until their neighbours are known, composed.
//!
//! What flickers in a swapped film is where the face is put, what is drawn and how it is coloured. Each is smoothed over
//! the neighbouring frames of the same track, in both directions, so nothing lags. A track ends at a cut, so nothing is
//! smoothed across one.
//!
//! Frames are drawn, finished and composed several at once. Each depends on the footage and the index alone, so the film is
//! the same for any number of threads.

use std::borrow::Cow;
use std::collections::VecDeque;

use bifrons_media::{Clip, Frame};
use bifrons_project::{Clip as ClipRow, Index, Stop};
use rayon::prelude::*;

use crate::SwapError;
use crate::compose::{Look, Place, compose};
use crate::followed::Followed;
use crate::laid::Laid;
use crate::patch::{Painter, Patch, Sketch};
use crate::settings::{Adjustments, Settings};

/// Frames before and after that count for colour and grain, and the deviation of their Gaussian weight.
const LOOK_REACH: usize = 8;
const LOOK_SIGMA_FRAMES: f32 = 4.0;
/// Frames worked on at once at most: each is held in memory.
const MOST_AT_ONCE: usize = 8;

/// A face drawn and not yet composed.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) track: u32,
    pub(crate) laid: Laid,
    /// Of the patch as it is by default.
    pub(crate) place: Place,
}

impl Drawn {
    /// What these settings make of it, and where that lies in its frame.
    fn adjusted(&self, frame: &Frame, settings: &Settings) -> (Cow<'_, Patch>, Cow<'_, Place>) {
        let patch = self.laid.adjusted(settings);
        let place = match settings.changes_mask() {
            true => Cow::Owned(Place::of(&patch, frame)),
            false => Cow::Borrowed(&self.place),
        };
        (patch, place)
    }
}

/// A face by its settings.
pub(crate) struct PutOn<'a> {
    patch: Cow<'a, Patch>,
    pub(crate) place: Cow<'a, Place>,
    look: &'a Look,
    settings: Settings,
}

impl PutOn<'_> {
    /// As [`compose`].
    pub(crate) fn compose(&self, frame: &mut Frame) -> Result<(), SwapError> {
        compose(frame, &self.patch, &self.place, self.look, &self.settings)
    }
}

/// The faces of a frame by the settings of their tracks, but those that are left as filmed.
pub(crate) fn put_on<'a>(
    frame: &Frame,
    faces: &'a [(Drawn, Look)],
    settings: impl Fn(u32) -> Settings,
) -> Vec<PutOn<'a>> {
    let replaced = faces.iter().map(|(face, look)| (face, look, settings(face.track)));
    let replaced = replaced.filter(|(_, _, settings)| !settings.skip);
    replaced
        .map(|(face, look, settings)| {
            let (patch, place) = face.adjusted(frame, &settings);
            PutOn { patch, place, look, settings }
        })
        .collect()
}

/// What becomes of the drawn faces.
#[derive(Clone, Copy, Debug)]
pub(crate) enum For<'a> {
    /// A film by these settings.
    Film(&'a Adjustments),
    /// A look by settings that are not known yet: every face, with all that any of them could want.
    Look {
        /// Whether neighbours in time count as in a film. Without them it is seen sooner.
        steady: bool,
        /// Asks to give up.
        stop: &'a Stop,
    },
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
    painter: &'a Painter,
    what_for: For<'a>,
    /// Frames before and after whose drawings steady a face.
    reach: usize,
    /// And whose looks count for its own.
    look_reach: usize,
    followed: Followed<'a>,
    /// The next frame to be drawn.
    to_draw: usize,
    /// Frames drawn: those whose faces are not finished yet, and before them those that steady them.
    read: VecDeque<Read>,
    /// The next frame whose faces are to be finished.
    unfinished: usize,
    /// Frames whose faces are finished and which are not yet given out, in order.
    ahead: VecDeque<(Frame, Vec<Drawn>)>,
    /// Looks of the frames around, those given out included.
    looks: VecDeque<(usize, Vec<(u32, Look)>)>,
    /// The next frame to give out.
    next: usize,
    /// Whether it has gone to a frame at all.
    started: bool,
}

impl<'a> Window<'a> {
    pub(crate) fn new(
        index: &'a Index,
        row: &'a ClipRow,
        clip: &'a Clip,
        painter: &'a Painter,
        what_for: For<'a>,
    ) -> Self {
        let (reach, look_reach) = match what_for {
            For::Look { steady: false, .. } => (0, 0),
            For::Film(_) | For::Look { steady: true, .. } => (painter.reach(), LOOK_REACH),
        };
        let by_skin = !matches!(what_for, For::Look { steady: false, .. });
        Self {
            painter,
            what_for,
            reach,
            look_reach,
            followed: Followed::new(index, row, clip, by_skin),
            to_draw: 0,
            read: VecDeque::new(),
            unfinished: 0,
            ahead: VecDeque::new(),
            looks: VecDeque::new(),
            next: 0,
            started: false,
        }
    }

    /// Frames that are worth asking for at once.
    pub(crate) fn at_once() -> usize {
        rayon::current_num_threads().clamp(1, MOST_AT_ONCE)
    }

    /// Frames worked on at once when so many are wanted: films go on, and waste none of them.
    fn at_once_of(&self, missing: usize) -> usize {
        match self.what_for {
            For::Film(_) => Self::at_once(),
            For::Look { .. } => Self::at_once().min(missing),
        }
    }

    /// Goes to a frame: the next one costs nothing, another one reads the neighbours before it too.
    pub(crate) fn seek(&mut self, frame: usize) -> Result<(), SwapError> {
        if self.started && self.next == frame {
            return Ok(());
        }
        self.ahead.clear();
        self.looks.clear();
        self.read.clear();
        // the same neighbours as if read from the start
        self.unfinished = frame.saturating_sub(self.look_reach);
        self.to_draw = self.unfinished.saturating_sub(self.reach);
        self.followed.seek(self.to_draw)?;
        self.started = true;
        self.next = frame;
        while self.unfinished < frame {
            let finished = self.finish(Self::at_once().min(frame - self.unfinished))?;
            if finished.is_empty() {
                break;
            }
            self.looks.extend(finished.into_iter().map(|done| (done.frame.index(), done.looks)));
        }
        Ok(())
    }

    /// Goes to a frame that was read before, and knows none beside it.
    pub(crate) fn take(&mut self, frame: Frame) -> Result<(), SwapError> {
        (self.started, self.next) = (true, frame.index());
        (self.unfinished, self.to_draw) = (frame.index(), frame.index());
        self.followed.give(frame)
    }

    /// The next frames as `work` makes them of the footage and its new faces: as many as asked for, fewer only at the end.
    pub(crate) fn next<T: Send>(
        &mut self,
        count: usize,
        work: impl Fn(Frame, Vec<(Drawn, Look)>) -> Result<T, SwapError> + Sync,
    ) -> Result<Vec<T>, SwapError> {
        while self.ahead.len() < self.look_reach + count {
            let missing = self.look_reach + count - self.ahead.len();
            let finished = self.finish(self.at_once_of(missing))?;
            if finished.is_empty() {
                break;
            }
            for Finished { frame, faces, looks } in finished {
                self.looks.push_back((frame.index(), looks));
                self.ahead.push_back((frame, faces));
            }
        }
        let mut ready = Vec::new();
        for (frame, faces) in self.ahead.drain(..count.min(self.ahead.len())) {
            let with_look = faces.into_iter().map(|face| {
                let look = smoothed_look(&self.looks, frame.index(), face.track, self.look_reach);
                (face, look)
            });
            let faces: Vec<_> = with_look.collect();
            ready.push((frame, faces));
        }
        let done: Result<Vec<T>, SwapError> =
            ready.into_par_iter().map(|(frame, faces)| work(frame, faces)).collect();
        let done = done?;
        self.next += done.len();
        while self.looks.front().is_some_and(|(index, _)| index + self.look_reach < self.next) {
            self.looks.pop_front();
        }
        Ok(done)
    }

    /// Finishes the faces of the next frames, once those after them that steady them are drawn. None are left when none come.
    fn finish(&mut self, count: usize) -> Result<Vec<Finished>, SwapError> {
        let reach = self.reach;
        self.sketch((self.unfinished + count + reach).saturating_sub(self.to_draw))?;
        let first = self.unfinished;
        let taken = self.read.iter_mut().filter(|read| (first..first + count).contains(&read.index));
        let taken: Vec<_> = taken.filter_map(|read| Some((read.index, read.frame.take()?))).collect();
        let (read, painter, what_for) = (&self.read, self.painter, self.what_for);
        let finished = taken.into_par_iter().map(|(index, frame)| {
            let (mut faces, mut looks) = (Vec::new(), Vec::new());
            let own = read.iter().find(|read| read.index == index);
            for (track, sketch) in own.iter().flat_map(|read| &read.sketches) {
                let near = read.iter().filter(|read| read.index != index).flat_map(|read| {
                    let frames = read.index as isize - index as isize;
                    let near = read.sketches.iter();
                    let of_track =
                        near.filter(move |(other, _)| other == track && frames.unsigned_abs() <= reach);
                    of_track.map(move |(_, sketch)| (frames, sketch))
                });
                let near: Vec<_> = near.collect();
                let plain = match what_for {
                    For::Film(chosen) => chosen.of(*track).detail != Settings::DEFAULT.detail,
                    For::Look { .. } => true,
                };
                let laid = painter.lay(sketch, &near, plain)?;
                let place = Place::of(&laid.patch, &frame);
                looks.push((*track, Look::of(&laid.patch, &frame, &place)));
                faces.push(Drawn { track: *track, laid, place });
            }
            Ok(Finished { frame, faces, looks })
        });
        let finished = finished.collect::<Result<Vec<_>, SwapError>>()?;
        self.unfinished += finished.len();
        while self.read.front().is_some_and(|read| read.index + reach < self.unfinished) {
            self.read.pop_front();
        }
        Ok(finished)
    }

    /// Lets the network draw the faces of the next frames.
    fn sketch(&mut self, count: usize) -> Result<(), SwapError> {
        if matches!(self.what_for, For::Look { stop, .. } if stop.is_requested()) {
            return Err(SwapError::Stopped);
        }
        let frames = self.followed.next(count)?;
        self.to_draw += frames.len();
        let (painter, what_for) = (self.painter, self.what_for);
        let is_left = |track: u32| matches!(what_for, For::Film(chosen) if chosen.of(track).skip);
        let drawn = frames.into_par_iter().map(|(frame, meshes)| {
            let meshes = meshes.into_iter().filter(|(track, _)| !is_left(*track));
            let sketches = meshes.map(|(track, mesh)| Ok((track, painter.sketch(&frame, mesh)?)));
            let sketches = sketches.collect::<Result<Vec<_>, SwapError>>()?;
            Ok(Read { index: frame.index(), frame: Some(frame), sketches })
        });
        self.read.extend(drawn.collect::<Result<Vec<_>, SwapError>>()?);
        Ok(())
    }
}

/// The look of a track in a frame, smoothed over the frames around.
fn smoothed_look(
    looks: &VecDeque<(usize, Vec<(u32, Look)>)>,
    frame: usize,
    track: u32,
    reach: usize,
) -> Look {
    let mut near = Vec::new();
    for (index, looks) in looks.iter().filter(|(index, _)| index.abs_diff(frame) <= reach) {
        let own = looks.iter().filter(|(other, _)| *other == track);
        near.extend(own.map(|(_, look)| (gaussian(*index, frame, LOOK_SIGMA_FRAMES), *look)));
    }
    Look::weighted_mean(&near)
}

fn gaussian(index: usize, center: usize, sigma: f32) -> f32 {
    let distance = index.abs_diff(center) as f32 / sigma;
    (-0.5 * distance * distance).exp()
}
