//! Hiding somebody: a witness whose face must not be seen in any frame.
//!
//! It fails closed. The drawn face hides theirs where the network can put one; everywhere else where they may be seen, what
//! covers them is so blurred that nobody is in it: heads turned so far that the face is not all replaced, faces that are
//! still recognised after the swap, faces of nobody known, whatever else the detector takes for a face, and the place where
//! the witness was seen last or is seen next, for a while.

mod cover;
mod presence;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::str::FromStr;

use bifrons_media::{Clip, Frame};
use bifrons_project::{Clip as ClipRow, Face, Index};
use bifrons_vision::{BoundingBox, DetectorOptions, Mesh, Vision, VisionError};

use crate::SwapError;
use cover::{Head, cover, cover_around};
use presence::Shots;

/// Counts up when other places are covered, or in another way.
const METHOD: u32 = 1;
/// Head turned further than this, in degrees: the profile itself would be seen. A full profile reads as some 60.
const MOST_YAW_DEG: f32 = 40.0;
/// How to look for whatever may be their face: closer, and believing far less sure detections, than for faces to replace.
pub const CAUTIOUS: DetectorOptions =
    DetectorOptions { long_side_px: 640, min_score: 0.2, fuse_iou: 0.3, least_face_px: 0.0 };
/// Overlap (intersection over union) of a detection with a face that is known.
const SAME_FACE_IOU: f32 = 0.2;

/// Tells whether somebody can be recognised.
pub trait Recogniser: Debug {
    /// Everything that the answer depends on: frames judged otherwise are not mixed in.
    fn plan(&self) -> String;

    /// Whether the face under `mesh` still looks like the one who is to be hidden.
    ///
    /// # Errors
    /// [`VisionError`] when a network fails.
    fn recognises(&self, frame: &Frame, mesh: &Mesh) -> Result<bool, VisionError>;
}

/// How a film is veiled.
#[derive(Debug)]
pub struct Veil<'a> {
    /// Finds faces.
    pub vision: &'a Vision,
    /// Says who is recognised.
    pub recogniser: &'a dyn Recogniser,
}

impl Veil<'_> {
    /// Everything that a veiled frame depends on.
    pub(crate) fn plan(&self) -> String {
        format!("veil {METHOD} {}", self.recogniser.plan())
    }
}

/// Why something was covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The head is turned so far that the face is not all replaced.
    Turned,
    /// The face is recognised although it was replaced.
    Recognised,
    /// They were seen shortly before or are shortly after.
    NotFound,
    /// Somebody is there and nobody has said who.
    Stranger,
    /// It might be a face.
    Unclear,
}

impl Reason {
    const ALL: [Self; 5] = [Self::Turned, Self::Recognised, Self::NotFound, Self::Stranger, Self::Unclear];

    /// One word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Turned => "turned",
            Self::Recognised => "recognised",
            Self::NotFound => "lost",
            Self::Stranger => "stranger",
            Self::Unclear => "unclear",
        }
    }
}

/// What was covered in which frames; frames in which nothing was are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered(pub BTreeMap<usize, Vec<Reason>>);

impl Covered {
    pub(crate) fn add(&mut self, frame: usize, reasons: Vec<Reason>) {
        if !reasons.is_empty() {
            self.0.insert(frame, reasons);
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// As lines: the frame, then why.
    pub(crate) fn to_text(&self) -> String {
        let line = |(frame, reasons): (&usize, &Vec<Reason>)| {
            let words: Vec<_> = reasons.iter().map(|reason| reason.word()).collect();
            format!("{frame} {}\n", words.join(" "))
        };
        self.0.iter().map(line).collect()
    }
}

impl FromStr for Covered {
    type Err = &'static str;

    /// What [`Covered::to_text`] wrote.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NOT_ONE: &str = "no list of covered frames";
        let mut covered = BTreeMap::new();
        for line in text.lines() {
            let mut words = line.split(' ');
            let frame = words.next().and_then(|word| word.parse().ok()).ok_or(NOT_ONE)?;
            let reason = |word: &str| Reason::ALL.into_iter().find(|r| r.word() == word).ok_or(NOT_ONE);
            covered.insert(frame, words.map(reason).collect::<Result<_, _>>()?);
        }
        Ok(Self(covered))
    }
}

/// A face of the index.
struct Seen {
    mesh: Mesh,
    track: u32,
    yaw_deg: f32,
}

/// Looks after the frames of one clip.
pub(crate) struct Guard<'a> {
    veil: &'a Veil<'a>,
    index: &'a Index,
    row: &'a ClipRow,
    /// Whose the tracks are; those that are nobody's are left out.
    people: HashMap<u32, String>,
    shots: Shots,
}

impl<'a> Guard<'a> {
    pub(crate) fn new(
        veil: &'a Veil<'a>,
        index: &'a Index,
        row: &'a ClipRow,
        clip: &Clip,
    ) -> Result<Self, SwapError> {
        let tracks = index.tracks(row.id)?.into_iter();
        let people = tracks.filter_map(|track| Some((track.track, track.person?))).collect();
        Ok(Self { veil, index, row, people, shots: Shots::of(clip)? })
    }

    /// Covers what must not be seen of a frame whose face was replaced, and says why. What is around the witness's new
    /// face is blurred in every frame, which needs no reason: hair and outline tell who somebody is, and an audience is to
    /// see that the face is not theirs.
    pub(crate) fn cover(&self, frame: &mut Frame) -> Result<Vec<Reason>, SwapError> {
        let number = frame.index();
        let faces = self.index.faces_in(self.row.id, number..number + 1)?;
        // points of the index were checked when they were read
        let seen = |Face { record, .. }: Face| {
            let mesh = Mesh::try_from(record.points).ok()?;
            Some(Seen { mesh, track: record.track, yaw_deg: record.yaw_deg })
        };
        let faces: Vec<_> = faces.into_iter().filter_map(seen).collect();
        for face in faces.iter().filter(|face| self.is_witness(face)) {
            cover_around(frame, &face.mesh)?;
        }
        let heads = self.heads(frame, &faces)?;
        let mut reasons: Vec<_> = heads.iter().map(|(_, reason)| *reason).collect();
        reasons.sort_unstable();
        reasons.dedup();
        for (head, _) in heads {
            cover(frame, &head)?;
        }
        Ok(reasons)
    }

    fn is_witness(&self, face: &Seen) -> bool {
        self.people.get(&face.track).is_some_and(|person| *person == self.row.person)
    }

    fn heads(&self, frame: &Frame, faces: &[Seen]) -> Result<Vec<(Head, Reason)>, SwapError> {
        let mut heads = Vec::new();
        let mut known: Vec<BoundingBox> = Vec::new();
        for face in faces {
            let reason = if !self.people.contains_key(&face.track) {
                Some(Reason::Stranger)
            } else if self.is_witness(face) && face.yaw_deg.abs() > MOST_YAW_DEG {
                Some(Reason::Turned)
            } else if self.veil.recogniser.recognises(frame, &face.mesh)? {
                Some(Reason::Recognised)
            } else {
                None
            };
            let bbox = face.mesh.bounding_box();
            match reason {
                Some(reason) => heads.push((Head::around(&bbox), reason)),
                None => known.push(bbox),
            }
        }
        if !faces.iter().any(|face| self.is_witness(face)) {
            let places = presence::places(self.index, self.row, &self.shots, frame.index())?;
            heads.extend(places.into_iter().map(|head| (head, Reason::NotFound)));
        }
        for found in self.veil.vision.detect(frame, &CAUTIOUS)? {
            let is_known = known.iter().any(|face| face.iou(&found.bbox) >= SAME_FACE_IOU)
                || heads.iter().any(|(head, _)| head.holds(&found.bbox));
            if !is_known {
                heads.push((Head::around(&found.bbox), Reason::Unclear));
            }
        }
        Ok(heads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_covered_is_read_again_as_it_was_written() {
        let covered = Covered([(3, vec![Reason::Turned]), (7, Reason::ALL.to_vec())].into());
        assert_eq!(covered.to_text().parse(), Ok(covered));
        assert!("3 sideways".parse::<Covered>().is_err());
        assert!("three turned".parse::<Covered>().is_err());
    }
}
