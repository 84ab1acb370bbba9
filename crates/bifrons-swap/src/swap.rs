//! Whose face goes onto which footage, drawn by which model: what films, mattes and patches have in common.

use std::ops::Range;

use bifrons_media::Clip;
use bifrons_net::Device;
use bifrons_project::{Checkpoint, Clip as ClipRow, ClipFingerprint, ContentHash, Face, Index};
use bifrons_vision::align::Shape;
use bifrons_vision::{Mesh, Occlusion};

use crate::SwapError;
use crate::detail::references;
use crate::occlusion::known_faces;
use crate::patch::Painter;
use crate::settings::Adjustments;
use crate::usual::usual_of;

/// Frames in a chunk: some seconds of work.
pub(crate) const CHUNK_FRAMES: usize = 96;
/// Counts up when the same inputs would give another picture, so that chunks of an older program are not mixed in.
const METHOD: u32 = 15;

/// A face onto footage.
#[derive(Clone, Copy, Debug)]
pub struct Swap<'a> {
    /// The project's index, in which the footage's faces were found.
    pub index: &'a Index,
    /// The footage: a clip of the person whose face is replaced. Everybody else in it stays.
    pub clip: &'a ClipRow,
    /// Whose face to put on.
    pub identity: &'a str,
    /// The model.
    pub checkpoint: &'a Checkpoint,
    /// Where to compute.
    pub device: &'a Device,
    /// Whether the new face lies over hands, glasses and whatever else is in front of the old one, too.
    pub over_everything: bool,
    /// What was chosen for the clip's tracks.
    pub adjustments: &'a Adjustments,
}

impl Swap<'_> {
    /// The footage, if it is still the one whose faces were found.
    pub(crate) fn open(&self) -> Result<Clip, SwapError> {
        let path = &self.clip.path;
        if ClipFingerprint::of(path)? != self.clip.info.fingerprint {
            return Err(SwapError::Changed { path: path.clone() });
        }
        Ok(Clip::open(path)?)
    }

    /// What draws the new face.
    pub(crate) fn painter(&self) -> Result<Painter, SwapError> {
        let shape = || shape_of(self.index, self.clip);
        let painter = Painter::load(self.checkpoint, self.identity, &self.clip.person, shape, self.device)?
            .acquainted(self.index, self.identity, self.clip)?;
        if self.over_everything { Ok(painter) } else { painter.behind_occluders(self.index, self.clip) }
    }

    /// Everything that pictures depend on, as a short name; `rest` is what else they depend on. `everybody`: not only the
    /// replaced person's faces count.
    pub(crate) fn plan(&self, everybody: bool, rest: &str) -> Result<String, SwapError> {
        let files = &self.checkpoint.manifest().files;
        let model: Vec<_> = files.iter().map(|(name, entry)| format!("{name} {}", entry.blake3)).collect();
        let detail = references(self.index, self.identity)?;
        let mut known = Vec::new();
        for face in detail {
            known.extend(identified(&face));
        }
        for person in [self.identity, &self.clip.person] {
            for face in usual_of(self.index, person, &[])? {
                known.extend(identified(&face));
            }
        }
        let known = ContentHash::of_bytes(&known);
        // what tells what is in front
        let front = match self.over_everything {
            true => None,
            false => Some((
                known_faces(self.index, self.clip)?,
                ContentHash::of_bytes(Occlusion::file().bytes).to_string(),
            )),
        };
        let faces = faces_hash(self.index, self.clip, everybody)?;
        let text = format!(
            "{METHOD} {:?} {} {} {faces} {model:?} {known} {front:?} {rest}{}",
            self.clip.info.fingerprint,
            self.clip.person,
            self.identity,
            self.adjustments.plan()
        );
        Ok(ContentHash::of_bytes(text.as_bytes()).to_string()[..16].to_owned())
    }
}

/// The frames of a clip in which its person's face is replaced, in order.
///
/// # Errors
/// [`SwapError::Project`].
pub fn frames_replaced(
    index: &Index,
    clip: &ClipRow,
    adjustments: &Adjustments,
) -> Result<Vec<usize>, SwapError> {
    frames_where(index, clip, |track| !adjustments.of(track).skip)
}

/// The frames in which the clip's person has a face in one of the tracks that `counts`, in order.
pub(crate) fn frames_where(
    index: &Index,
    clip: &ClipRow,
    counts: impl Fn(u32) -> bool,
) -> Result<Vec<usize>, SwapError> {
    // a face is some kilobytes: never all of a film at once
    const PORTION: usize = 1000;
    let mut frames = Vec::new();
    for from in (0..clip.info.frames).step_by(PORTION) {
        let faces = index.person_faces_in(clip.id, &clip.person, from..from + PORTION)?;
        let counted = faces.iter().filter(|face| counts(face.record.track));
        frames.extend(counted.map(|face| face.record.frame));
    }
    frames.dedup();
    Ok(frames)
}

/// The pieces that so many frames are worked on in.
pub(crate) fn chunks(count: usize) -> Vec<Range<usize>> {
    (0..count).step_by(CHUNK_FRAMES).map(|from| from..(from + CHUNK_FRAMES).min(count)).collect()
}

/// What the replaced person's face is shaped like, from faces spread over the clip.
fn shape_of(index: &Index, clip: &ClipRow) -> Result<Shape, SwapError> {
    // points of the index were checked when they were read
    let faces = faces_spread(index, clip, 400)?.into_iter();
    Ok(Shape::of(&faces.filter_map(|face| Mesh::try_from(face.record.points).ok()).collect::<Vec<_>>()))
}

/// Faces of the replaced person in about so many frames, spread over the clip.
pub(crate) fn faces_spread(index: &Index, clip: &ClipRow, frames: usize) -> Result<Vec<Face>, SwapError> {
    let mut faces = Vec::new();
    for frame in (0..clip.info.frames).step_by(clip.info.frames.div_ceil(frames).max(1)) {
        faces.extend(index.person_faces_in(clip.id, &clip.person, frame..frame + 1)?);
    }
    Ok(faces)
}

/// What a face is, to the last moved landmark.
fn identified(face: &Face) -> Vec<u8> {
    let (record, clip) = (&face.record, format!("{:?} {:?}", face.clip, face.record.crop));
    let numbers = (record.frame as u64).to_le_bytes().into_iter().chain(record.track.to_le_bytes());
    let points = record.points.iter().flatten().flat_map(|value| value.to_le_bytes());
    clip.into_bytes().into_iter().chain(numbers).chain(points).collect()
}

/// What the index says of a clip's faces: a landmark that was moved or a track that was given to somebody else makes another
/// film. For a veiled one everybody's faces count.
fn faces_hash(index: &Index, clip: &ClipRow, everybody: bool) -> Result<ContentHash, SwapError> {
    const PORTION: usize = 500;
    let mut bytes = Vec::new();
    for from in (0..clip.info.frames).step_by(PORTION) {
        let frames = from..from + PORTION;
        let faces = match everybody {
            true => index.faces_in(clip.id, frames)?,
            false => index.person_faces_in(clip.id, &clip.person, frames)?,
        };
        let before = ContentHash::of_bytes(&bytes).to_string();
        bytes = before.into_bytes();
        for face in faces {
            bytes.extend(identified(&face));
        }
    }
    if everybody {
        for track in index.tracks(clip.id)? {
            bytes.extend(track.track.to_le_bytes());
            bytes.extend(track.person.unwrap_or_default().into_bytes());
        }
    }
    Ok(ContentHash::of_bytes(&bytes))
}
