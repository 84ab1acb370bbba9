//! What stands in the index, in Rust terms.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::hash::{ClipFingerprint, ContentHash};

macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = concat!("Number of ", $what, " in the index; never used again for another.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

id!(PersonId, "a person");
id!(ClipId, "a clip");
id!(FaceId, "a face");
id!(RunId, "a run");
id!(DecisionId, "a decision");

/// What is known of a clip before its faces are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipInfo {
    /// Tells whether it is still the same footage.
    pub fingerprint: ClipFingerprint,
    /// Number of frames.
    pub frames: usize,
    /// Width as displayed (after rotation).
    pub width_px: usize,
    /// Height as displayed.
    pub height_px: usize,
}

/// A clip of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// Its number.
    pub id: ClipId,
    /// Whose clip it is.
    pub person: String,
    /// Where it lies (absolute when the project was opened by an absolute path).
    pub path: PathBuf,
    /// What was known when it was added.
    pub info: ClipInfo,
}

/// What adding a clip found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddedClip {
    /// Its number, old or new.
    pub id: ClipId,
    /// Whether it was there.
    pub state: ClipState,
}

/// Whether a clip that is added was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipState {
    /// It is new.
    New,
    /// It was there and the footage is the same.
    Unchanged,
    /// It was there, but the footage has changed since. Nothing was altered: call
    /// [`super::Index::reset_clip`] to forget the faces found in the old footage.
    Changed,
}

/// Where the extraction of a clip stands, so that it goes on as if never interrupted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtractionState {
    /// Frames before this one are done.
    pub next_frame: usize,
    /// The tracker's own state after them; opaque here.
    pub tracker: Vec<u8>,
}

/// Progress of extraction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extraction {
    /// Where to go on.
    pub state: ExtractionState,
    /// Whether the whole clip is done.
    pub done: bool,
}

/// A face as the extraction found it: one detection in one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceRecord {
    /// Frame, from 0, in presentation order.
    pub frame: usize,
    /// Track, numbered by the tracker within the clip.
    pub track: u32,
    /// Landmarks (478 of them): x, y in displayed frame pixels, z in the same unit.
    pub points: Vec<[f32; 3]>,
    /// Left, top, right, bottom in displayed frame pixels.
    pub bbox: [f32; 4],
    /// Score of the last detection that supports it, 0 to 1.
    pub score: f32,
    /// Probability that a face is there, by the mesh, 0 to 1.
    pub presence: f32,
    /// Head pose: turned (yaw), nodded (pitch), tilted (roll), degrees.
    pub yaw_deg: f32,
    /// See `yaw_deg`.
    pub pitch_deg: f32,
    /// See `yaw_deg`.
    pub roll_deg: f32,
    /// Sharpness of the crop, above 0; larger is sharper.
    pub sharpness: f32,
    /// Identity embedding, a unit vector, on the frames where it was computed.
    pub embedding: Option<Vec<f32>>,
    /// Name of the crop's file in `faces/<person>/`, where one was made.
    pub crop: Option<String>,
    /// What it looks like; `None` where that was not read.
    pub appearance: Option<Appearance>,
}

/// What a face looks like in its frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Appearance {
    /// Mean luma of the skin, 0 to 1.
    pub light: f32,
    /// Difference of the skin's luma on the picture's right and left over their sum, -1 (lit from the left) to 1.
    pub light_side: f32,
    /// How much it smiles, 0 to 1.
    pub smile: f32,
    /// How far the jaw is dropped, 0 to 1.
    pub mouth_open: f32,
    /// How far the lids are closed, 0 to 1.
    pub eyes_closed: f32,
    /// How far the brows are raised, 0 to 1.
    pub brows_up: f32,
    /// Red, green and blue of some places on the skin, the same for all faces.
    pub spots: Vec<u8>,
}

/// A face in the index.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// Its number.
    pub id: FaceId,
    /// The clip it is in.
    pub clip: ClipId,
    /// What the extraction found.
    pub record: FaceRecord,
    /// What a person decided about it, if anything.
    pub verdict: Option<Verdict>,
    /// Whether a person has placed its landmarks: then `record` holds these, and the crop cut by them.
    pub placed: bool,
}

/// What a person decided about a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is to be learned from.
    Accepted,
    /// It is not to be learned from.
    Rejected,
}

/// Which faces a query returns, by review decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Review {
    /// All but those rejected.
    #[default]
    NotRejected,
    /// Only those that a person has accepted.
    AcceptedOnly,
    /// All.
    Any,
}

/// A track by its place: numbers of tracks begin anew in each clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId {
    /// Its clip.
    pub clip: ClipId,
    /// Its number within the clip.
    pub track: u32,
}

/// What became of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackState {
    /// The tracker has not decided yet.
    Running,
    /// It is a face.
    Accepted,
    /// It was a blip; its faces are kept for inspection but returned by no faceset query.
    Rejected,
}

/// The tracker's decision about a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackEnd {
    /// Track within the clip.
    pub track: u32,
    /// Whether it is a face.
    pub accepted: bool,
}

/// A track with what its faces say together.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its clip.
    pub clip: ClipId,
    /// Its number within the clip.
    pub track: u32,
    /// What became of it.
    pub state: TrackState,
    /// Who it is: what a person decided, else what [`super::Index::set_track_person`] noted, else
    /// the clip's person; `None` when it was said to be nobody in the project.
    pub person: Option<String>,
    /// Number of faces.
    pub faces: usize,
    /// First frame with a face, if there is any.
    pub first_frame: usize,
    /// Last frame with a face.
    pub last_frame: usize,
    /// Mean of the embeddings, scaled to length 1; `None` where none was computed.
    pub mean_embedding: Option<Vec<f32>>,
}

/// A finished film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The run that made it.
    pub run: RunId,
    /// Where it is.
    pub path: PathBuf,
    /// Hash of it.
    pub blake3: ContentHash,
    /// The footage it was made of.
    pub footage: PathBuf,
    /// Iterations the model had trained.
    pub model_step: u64,
    /// When it was finished.
    pub made_at: SystemTime,
}
