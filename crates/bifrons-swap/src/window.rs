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
use bifrons_vision::Flow;
use rayon::prelude::*;

use crate::SwapError;
use crate::carried::{Link, REACH as CARRIED_REACH, Seen, carried};
use crate::compose::{Look, Place, compose, lay_bare};
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

    /// As [`lay_bare`].
    pub(crate) fn lay_bare(&self, frame: &mut Frame) -> Result<(), SwapError> {
        lay_bare(frame, &self.patch, &self.place)
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
    index: usize,
    /// `None` once it is given out.
    frame: Option<Frame>,
    faces: Vec<Face>,
    looks: Vec<(u32, Look)>,
}

/// A finished face, and how its skin moves to the frame before and the one after, once that is known.
struct Face {
    drawn: Drawn,
    seen: Seen,
    back: Option<Flow>,
    onward: Option<Flow>,
}

impl Face {
    fn link(&self) -> Link<'_> {
        let Self { drawn, seen, back, onward } = self;
        Link { laid: &drawn.laid, seen, back: back.as_ref(), onward: onward.as_ref() }
    }
}

impl Finished {
    fn face(&self, track: u32) -> Option<&Face> {
        self.faces.iter().find(|face| face.drawn.track == track)
    }
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
    /// Frames whose faces are finished, in order: those not yet given out, and before them those whose looks or drawings
    /// count for them.
    finished: VecDeque<Finished>,
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
            finished: VecDeque::new(),
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
        self.finished.clear();
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
            self.finished.extend(finished.into_iter().map(|done| Finished { frame: None, ..done }));
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
        while self.unfinished < self.next + self.look_reach + count {
            let missing = self.next + self.look_reach + count - self.unfinished;
            let finished = self.finish(self.at_once_of(missing))?;
            if finished.is_empty() {
                break;
            }
            self.finished.extend(finished);
        }
        self.find_motions();
        let wanted = self.next..self.next + count;
        let taken = self.finished.iter_mut().filter(|done| wanted.contains(&done.index));
        let taken: Vec<_> = taken.filter_map(|done| done.frame.take()).collect();
        let (finished, look_reach) = (&self.finished, self.look_reach);
        let done = taken.into_par_iter().map(|frame| {
            let faces = faces_of(finished, frame.index(), look_reach);
            work(frame, faces)
        });
        let done = done.collect::<Result<Vec<T>, SwapError>>()?;
        self.next += done.len();
        while self.finished.front().is_some_and(|done| done.index + self.look_reach < self.next) {
            self.finished.pop_front();
        }
        Ok(done)
    }

    /// How skin moves between neighbouring frames, where that is not known yet.
    fn find_motions(&mut self) {
        let frames = self.finished.make_contiguous();
        let pairs = frames.windows(2).enumerate().flat_map(|(place, pair)| {
            let tracks = pair[0].faces.iter().map(|face| face.drawn.track);
            tracks.map(move |track| (place, track))
        });
        let found = pairs.collect::<Vec<_>>().into_par_iter().filter_map(|(place, track)| {
            let (here, next) = (frames[place].face(track)?, frames[place + 1].face(track)?);
            let motions = || (here.seen.motion_to(&next.seen), next.seen.motion_to(&here.seen));
            here.onward.is_none().then(|| (place, track, motions()))
        });
        for (place, track, (onward, back)) in found.collect::<Vec<_>>() {
            let own = |faces: &mut Vec<Face>| faces.iter_mut().position(|face| face.drawn.track == track);
            if let Some(face) = own(&mut frames[place].faces) {
                frames[place].faces[face].onward = Some(onward);
            }
            if let Some(face) = own(&mut frames[place + 1].faces) {
                frames[place + 1].faces[face].back = Some(back);
            }
        }
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
                let seen = Seen::of(&laid.patch);
                let drawn = Drawn { track: *track, laid, place };
                faces.push(Face { drawn, seen, back: None, onward: None });
            }
            Ok(Finished { index, frame: Some(frame), faces, looks })
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

/// The faces of a frame as they are laid over it: each drawing carried along with its skin, and the look it is to have.
fn faces_of(finished: &VecDeque<Finished>, frame: usize, look_reach: usize) -> Vec<(Drawn, Look)> {
    let Some(place) = finished.iter().position(|done| done.index == frame) else { return Vec::new() };
    let faces = finished[place].faces.iter().map(|face| {
        let track = face.drawn.track;
        let beside = |step: isize| -> Vec<Link<'_>> {
            let places = (1..=CARRIED_REACH as isize).map(|far| place.checked_add_signed(far * step));
            places.map_while(|place| finished.get(place?)?.face(track)).map(Face::link).collect()
        };
        let laid = carried(face.link(), &beside(-1), &beside(1));
        let drawn = Drawn { track, laid, place: face.drawn.place.clone() };
        (drawn, smoothed_look(finished, frame, track, look_reach))
    });
    faces.collect()
}

/// The look of a track in a frame, smoothed over the frames around.
fn smoothed_look(finished: &VecDeque<Finished>, frame: usize, track: u32, reach: usize) -> Look {
    let near = finished.iter().filter(|done| done.index.abs_diff(frame) <= reach);
    let near = near.flat_map(|done| {
        let own = done.looks.iter().filter(|(other, _)| *other == track);
        own.map(|(_, look)| (gaussian(done.index, frame, LOOK_SIGMA_FRAMES), *look))
    });
    Look::weighted_mean(&near.collect::<Vec<_>>())
}

fn gaussian(index: usize, center: usize, sigma: f32) -> f32 {
    let distance = index.abs_diff(center) as f32 / sigma;
    (-0.5 * distance * distance).exp()
}
