//! Which faces somebody means, and in which order they want them.

use std::cmp::Ordering;
use std::str::FromStr;

use bifrons_project::{FaceId, TrackId, Verdict};

use super::{Catalogue, Entry, Reason};

/// What to sort by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// The most suspicious first.
    #[default]
    Suspicion,
    /// As filmed: by clip, frame and track.
    Frame,
    /// The least like their person first.
    Likeness,
    /// The least sharp first.
    Sharpness,
    /// The smallest first.
    Size,
    /// From left to right.
    Yaw,
    /// From down to up.
    Pitch,
    /// The least sure first.
    Confidence,
    /// The least different from the face before first.
    Novelty,
    /// The darkest first.
    Light,
    /// From lit from the picture's left to lit from its right.
    LightSide,
    /// The most covered first.
    Covered,
    /// The widest smile first.
    Smile,
    /// The widest open mouth first.
    MouthOpen,
    /// The most closed eyes first.
    EyesClosed,
    /// The highest brows first.
    BrowsUp,
}

impl SortBy {
    /// All of them with their names.
    pub const ALL: [(&str, Self); 16] = [
        ("suspicion", Self::Suspicion),
        ("frame", Self::Frame),
        ("likeness", Self::Likeness),
        ("sharpness", Self::Sharpness),
        ("size", Self::Size),
        ("yaw", Self::Yaw),
        ("pitch", Self::Pitch),
        ("confidence", Self::Confidence),
        ("novelty", Self::Novelty),
        ("light", Self::Light),
        ("light-side", Self::LightSide),
        ("covered", Self::Covered),
        ("smile", Self::Smile),
        ("mouth-open", Self::MouthOpen),
        ("eyes-closed", Self::EyesClosed),
        ("brows-up", Self::BrowsUp),
    ];

    fn key(self, entry: &Entry) -> f32 {
        let measures = &entry.measures;
        // the most first, unknown ones last
        let most = |value: Option<f32>| value.map_or(f32::MAX, |value| -value);
        match self {
            Self::Suspicion => -entry.suspicion(),
            Self::Frame => 0.0,
            Self::Likeness => measures.likeness.unwrap_or(f32::MAX),
            Self::Sharpness => measures.sharpness,
            Self::Size => measures.size_px,
            Self::Yaw => measures.yaw_deg,
            Self::Pitch => measures.pitch_deg,
            Self::Confidence => measures.confidence,
            Self::Novelty => measures.novelty.unwrap_or(f32::MAX),
            Self::Light => measures.light.unwrap_or(f32::MAX),
            Self::LightSide => measures.light_side.unwrap_or(f32::MAX),
            Self::Covered => most(measures.covered),
            Self::Smile => most(measures.smile),
            Self::MouthOpen => most(measures.mouth_open),
            Self::EyesClosed => most(measures.eyes_closed),
            Self::BrowsUp => most(measures.brows_up),
        }
    }
}

impl FromStr for SortBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(|(name, _)| name).join(", ");
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, sort)| sort).ok_or_else(|| format!("expected one of {}", names()))
    }
}

/// Faces by what they are; everything that is said must be true of a face.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// One of these faces, where any are given.
    pub faces: Vec<FaceId>,
    /// In one of these tracks, where any are given.
    pub tracks: Vec<TrackId>,
    /// Of this identity of the catalogue.
    pub identity: Option<usize>,
    /// Said to be this person; `Some(None)`: nobody.
    pub person: Option<Option<String>>,
    /// With this verdict; `Some(None)`: none yet.
    pub verdict: Option<Option<Verdict>>,
    /// Suspicious.
    pub suspicious: bool,
    /// Suspicious for this reason.
    pub reason: Option<Reason>,
}

impl Selection {
    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a face is meant.
    #[must_use]
    pub fn holds(&self, entry: &Entry) -> bool {
        (self.faces.is_empty() || self.faces.contains(&entry.id))
            && (self.tracks.is_empty() || self.tracks.contains(&entry.track))
            && self.identity.is_none_or(|identity| entry.identity == identity)
            && self.person.as_ref().is_none_or(|person| entry.person == *person)
            && self.verdict.is_none_or(|verdict| entry.verdict == verdict)
            && (!self.suspicious || !entry.suspicions.is_empty())
            && self.reason.is_none_or(|reason| entry.suspicions.iter().any(|found| found.reason == reason))
    }

    /// The faces that are meant, sorted; equals as filmed.
    #[must_use]
    pub fn of<'a>(&self, catalogue: &'a Catalogue, sort: SortBy) -> Vec<&'a Entry> {
        let mut faces: Vec<&Entry> = catalogue.entries.iter().filter(|entry| self.holds(entry)).collect();
        let as_filmed = |one: &Entry, other: &Entry| -> Ordering {
            (one.track.clip, one.frame, one.track.track).cmp(&(
                other.track.clip,
                other.frame,
                other.track.track,
            ))
        };
        faces.sort_by(|one, other| sort.key(one).total_cmp(&sort.key(other)).then(as_filmed(one, other)));
        faces
    }
}
