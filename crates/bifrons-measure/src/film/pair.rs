//! Both films, frame by frame.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::Path;

use bifrons_media::{Clip, Frame};
use bifrons_vision::{BoundingBox, Followed, Mesh, Observation, Step, Tracker, Vision, head_rotation};

use super::coverage::{changed_elsewhere, with_room};
use super::finished::{EncodedTwice, Filmed};
use super::integrity::{integrity, outside_check};
use super::moment::{AlignedPair, Moment, State, in_place};
use super::outside::{COMPARED_FRAMES, outside};
use super::people::{TrackFacts, tracks_of_the_person};
use super::summary::{FrameFacts, summarise};
use super::{Reference, Strip, SwapReport};
use crate::MeasureError;
use crate::face::{Networks, angle_between};

/// Overlap from which on faces of the two films are the same.
const SAME_FACE_IOU: f32 = 0.3;
/// Smaller faces are not measured, in pixels of the box's shorter side.
const LEAST_FACE_PX: f32 = 20.0;

/// What to compare.
#[derive(Clone, Copy)]
pub struct SwapJob<'a> {
    /// The film the face was put onto.
    pub footage: &'a Path,
    /// What came out.
    pub result: &'a Path,
    /// A clip or faceset of whose face was put on.
    pub identity: &'a Path,
    /// What finishing put into each frame of the result beside the face: the invisible mark, a visible line. It is put
    /// into the footage's frames before they are compared.
    pub finish: Option<&'a (dyn Fn(&mut Frame) + Sync)>,
}

impl std::fmt::Debug for SwapJob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { footage, result, identity, finish: _ } = self;
        f.debug_struct("SwapJob")
            .field("footage", footage)
            .field("result", result)
            .field("identity", identity)
            .finish_non_exhaustive()
    }
}

/// A measured film.
#[derive(Debug, Clone)]
pub struct SwapMeasured {
    /// All figures.
    pub report: SwapReport,
    /// A picture of each frame in which the person is seen, in order.
    pub strips: Vec<Strip>,
}

/// Measures a finished film. `progress` is told frames done and frames in all, and stops the work with `false`.
///
/// # Errors
/// [`MeasureError::Media`] when a film cannot be read to its end, [`MeasureError::SizesDiffer`],
/// [`MeasureError::Nothing`] when the identity's clip shows no face, [`MeasureError::Vision`],
/// [`MeasureError::Stopped`].
pub fn measure_swap(
    vision: &Vision,
    networks: &Networks,
    job: &SwapJob<'_>,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<SwapMeasured, MeasureError> {
    let (footage, result) = (Clip::open(job.footage)?, Clip::open(job.result)?);
    let size = |clip: &Clip| format!("{}x{}", clip.width_px(), clip.height_px());
    if size(&footage) != size(&result) {
        let path = job.result.to_owned();
        return Err(MeasureError::SizesDiffer {
            result: path,
            expected: size(&footage),
            found: size(&result),
        });
    }
    let reference = Reference::read(vision, networks, job.identity)?;
    let count = footage.frame_count().min(result.frame_count());
    let (mut filmed, mut shown) = (footage.read(0)?, result.read(0)?);
    let is_video = footage.kind() == bifrons_media::ClipKind::Video;
    let finish = job.finish.filter(|_| is_video);
    let mut twice = finish.map(|finish| EncodedTwice::of(&footage, count, finish)).transpose()?;
    let mut pass = Pass::new(vision, networks);
    for done in 0..count {
        let (Some(before), Some(after)) = (filmed.next_frame()?, shown.next_frame()?) else { break };
        let encoded = twice.as_mut().map(EncodedTwice::next_frames).transpose()?.flatten();
        pass.frame(Filmed::new(before, job.finish).with_encoded(encoded), after)?;
        if !progress(done + 1, count) {
            return Err(MeasureError::Stopped);
        }
    }
    let Seen { moments, frames, strips, rooms, person } = pass.finish()?;

    let mut checks = integrity(&footage, &result)?;
    if is_video && let Some(outside) = outside(&footage, &result, &rooms, job.finish)? {
        checks.push(outside_check(outside.result_db, outside.plain_db));
    }
    let report = summarise(&footage, &result, &reference, &moments, &frames, &person, checks);
    let wanted: Vec<usize> = report.frames.iter().filter(|row| row.person).map(|row| row.frame).collect();
    let mut chosen: BTreeMap<usize, Strip> = BTreeMap::new();
    for (track, strip) in strips {
        if person.contains(&track) && wanted.binary_search(&strip.frame).is_ok() {
            chosen.entry(strip.frame).or_insert(strip);
        }
    }
    Ok(SwapMeasured { report, strips: chosen.into_values().collect() })
}

/// What was seen in both films.
struct Seen {
    moments: Vec<Moment>,
    frames: Vec<FrameFacts>,
    strips: Vec<(u32, Strip)>,
    rooms: Vec<Vec<BoundingBox>>,
    person: BTreeSet<u32>,
}

/// The one pass over both films.
struct Pass<'v> {
    networks: &'v Networks,
    footage_faces: Tracker<'v, Filmed>,
    result_faces: Tracker<'v, Frame>,
    /// Frames whose faces are known in one film and not yet in the other.
    filmed: VecDeque<Followed<Filmed>>,
    shown: VecDeque<Followed<Frame>>,
    /// The last aligned pair of each track, with its frame.
    before: HashMap<u32, (usize, AlignedPair)>,
    moments: Vec<Moment>,
    frames: Vec<FrameFacts>,
    strips: Vec<(u32, Strip)>,
    rooms: Vec<Vec<BoundingBox>>,
    accepted: Vec<u32>,
}

impl<'v> Pass<'v> {
    fn new(vision: &'v Vision, networks: &'v Networks) -> Self {
        Self {
            networks,
            footage_faces: Tracker::new(vision),
            result_faces: Tracker::new(vision),
            filmed: VecDeque::new(),
            shown: VecDeque::new(),
            before: HashMap::new(),
            moments: Vec::new(),
            frames: Vec::new(),
            strips: Vec::new(),
            rooms: Vec::new(),
            accepted: Vec::new(),
        }
    }

    fn frame(&mut self, before: Filmed, after: Frame) -> Result<(), MeasureError> {
        let (filmed, shown) = {
            let (footage_faces, result_faces) = (&mut self.footage_faces, &mut self.result_faces);
            rayon::join(|| footage_faces.next(before), || result_faces.next(after))
        };
        self.filmed.extend(filmed?);
        self.shown.extend(shown?);
        self.compare_known()
    }

    fn compare_known(&mut self) -> Result<(), MeasureError> {
        while !self.filmed.is_empty() && !self.shown.is_empty() {
            if let (Some(filmed), Some(shown)) = (self.filmed.pop_front(), self.shown.pop_front()) {
                self.compare(&filmed, &shown)?;
            }
        }
        Ok(())
    }

    fn compare(&mut self, filmed: &Followed<Filmed>, shown: &Followed<Frame>) -> Result<(), MeasureError> {
        let (before, after) = (&filmed.picture, &shown.picture);
        let (filmed, shown) = (&filmed.step, &shown.step);
        self.accept(filmed);
        let meshes: Vec<Mesh> = filmed.observations.iter().map(|face| face.mesh.clone()).collect();
        if self.rooms.len() < COMPARED_FRAMES {
            self.rooms.push(meshes.iter().map(with_room).collect());
        }
        self.frames.push(FrameFacts {
            cut: filmed.cut,
            changed_elsewhere: changed_elsewhere(before.finished(), after, &meshes),
        });
        let large = |face: &&Observation| face.bbox.width().min(face.bbox.height()) >= LEAST_FACE_PX;
        for face in filmed.observations.iter().filter(large) {
            let there = shown
                .observations
                .iter()
                .map(|other| (other.bbox.iou(&face.bbox), other))
                .filter(|(iou, _)| *iou >= SAME_FACE_IOU)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            self.face(before, after, face, there.map(|(_, other)| &other.mesh))?;
        }
        Ok(())
    }

    fn face(
        &mut self,
        filmed: &Filmed,
        after: &Frame,
        face: &Observation,
        there: Option<&Mesh>,
    ) -> Result<(), MeasureError> {
        let networks = self.networks;
        let before = filmed.finished();
        let ((mut values, replaced), pair) = rayon::join(
            || in_place(filmed, after, &face.mesh),
            || AlignedPair::cut(filmed, after, &face.mesh),
        );
        let (likeness_footage, likeness_result) = rayon::join(
            || networks.likeness(before, &face.mesh),
            || there.map_or(Ok(None), |mesh| networks.likeness(after, mesh)),
        );
        if let Some(mesh) = there {
            if let Some((one, other)) = head_rotation(&face.mesh).zip(head_rotation(mesh)) {
                values.insert("pose_error_deg", angle_between(&one, &other));
            }
            let expressions = networks.blendshapes(&face.mesh)?.zip(networks.blendshapes(mesh)?);
            if let Some((one, other)) = expressions {
                values.insert("expression_error", one.difference(&other));
            }
        }
        if let Some((frame, earlier)) = self.before.get(&face.track)
            && frame + 1 == before.index()
            && let Some((footage, result)) = pair.unsteadiness(earlier)
        {
            values.insert("warp_footage", footage);
            values.insert("warp_result", result);
        }
        if let Some(light) = pair.light() {
            values.insert("light", light);
        }
        let strip = Strip::draw(before, after, &face.mesh)
            .map_err(|source| MeasureError::Picture { path: "strip.jpg".into(), source })?;
        self.strips.push((face.track, strip));
        self.moments.push(Moment {
            frame: before.index(),
            track: face.track,
            size_px: f64::from(face.bbox.width().min(face.bbox.height())),
            replaced,
            footage: State::of(&face.mesh),
            result: there.map(State::of),
            likeness_footage: likeness_footage?,
            likeness_result: likeness_result?,
            colour: pair.colour(),
            values,
        });
        self.before.insert(face.track, (before.index(), pair));
        Ok(())
    }

    fn accept(&mut self, step: &Step) {
        for end in &step.ended {
            if end.accepted {
                self.accepted.push(end.track);
            }
            self.before.remove(&end.track);
        }
    }

    fn finish(mut self) -> Result<Seen, MeasureError> {
        let (filmed, ends) = self.footage_faces.finish();
        let (shown, _) = self.result_faces.finish();
        self.filmed.extend(filmed);
        self.shown.extend(shown);
        self.compare_known()?;
        self.accepted.extend(ends.iter().filter(|end| end.accepted).map(|end| end.track));
        let accepted = self.accepted;
        self.moments.retain(|moment| accepted.contains(&moment.track));
        let mut facts: BTreeMap<u32, TrackFacts> = BTreeMap::new();
        for moment in &self.moments {
            let track = facts.entry(moment.track).or_default();
            track.frames += 1;
            track.replaced += usize::from(moment.replaced);
            track.size_px += moment.size_px;
            track.likeness.extend(moment.likeness_footage.clone());
        }
        let person = tracks_of_the_person(&facts);
        Ok(Seen {
            moments: self.moments,
            frames: self.frames,
            strips: self.strips,
            rooms: self.rooms,
            person,
        })
    }
}
