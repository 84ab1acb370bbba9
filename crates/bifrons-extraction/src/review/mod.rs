//! Reviewing faces: what is measured of each, what seems wrong with it, who it looks like.
//!
//! Nothing is decided here; a [`Catalogue`] is what the terminal and the page show people so that they decide
//! ([`bifrons_project::Index::decide`]).

mod coverage;
mod covering;
mod measures;
mod selection;
mod suspicion;

use std::collections::BTreeMap;

use bifrons_project::{Appearance, ClipId, Face, FaceId, Index, Track, TrackId, TrackState, Verdict};
use bifrons_vision::Mesh;

pub use coverage::{Coverage, PITCH_EDGES_DEG, YAW_EDGES_DEG};
pub use measures::Measures;
pub use selection::{Selection, SortBy};
pub use suspicion::{Reason, Suspicion, Usual, suspicions};

use crate::ExtractionError;
use crate::identities::{Identity, cosine, identities, robust_centre};
use measures::{Outline, alone, jumps};

/// Frames read from the index at once: a few megabytes of landmarks.
const PORTION: usize = 512;

/// A face as it is shown to people.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number.
    pub id: FaceId,
    /// Its track.
    pub track: TrackId,
    /// Its frame, from 0.
    pub frame: usize,
    /// Who it is said to be; `None`: nobody in the project.
    pub person: Option<String>,
    /// Which identity of [`Catalogue::identities`] its track belongs to.
    pub identity: usize,
    /// What was decided.
    pub verdict: Option<Verdict>,
    /// Whether its landmarks were placed by a person.
    pub placed: bool,
    /// What is measured of it.
    pub measures: Measures,
    /// What seems wrong with it, the strongest first.
    pub suspicions: Vec<Suspicion>,
}

impl Entry {
    /// Strength of the strongest suspicion, 0 for none.
    #[must_use]
    pub fn suspicion(&self) -> f32 {
        self.suspicions.first().map_or(0.0, |suspicion| suspicion.strength)
    }
}

/// All faces of a project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// The faces of accepted tracks, by clip, track and frame.
    pub entries: Vec<Entry>,
    /// Who is seen, over all clips, whoever they are said to be; the one with the longest track first.
    pub identities: Vec<Identity>,
}

impl Catalogue {
    /// Measures all faces of a project: some milliseconds for a thousand.
    ///
    /// # Errors
    /// [`ExtractionError::Project`].
    pub fn read(index: &Index) -> Result<Self, ExtractionError> {
        let mut tracks: Vec<Track> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        let mut embeddings: BTreeMap<FaceId, Vec<f32>> = BTreeMap::new();
        let mut appearances: BTreeMap<FaceId, Appearance> = BTreeMap::new();
        for clip in index.clips()? {
            let of_clip: Vec<Track> = index
                .tracks(clip.id)?
                .into_iter()
                .filter(|track| track.state == TrackState::Accepted && track.faces > 0)
                .collect();
            read_clip(index, clip.id, &of_clip, &mut entries, &mut embeddings, &mut appearances)?;
            tracks.extend(of_clip);
        }
        let identities = identities(&tracks);
        let identity_of: BTreeMap<TrackId, usize> = identities
            .iter()
            .enumerate()
            .flat_map(|(number, identity)| identity.tracks.iter().map(move |track| (*track, number)))
            .collect();
        for entry in &mut entries {
            entry.identity = identity_of.get(&entry.track).copied().unwrap_or_default();
        }
        compare_with_centres(&mut entries, &embeddings);
        find_covered(&mut entries, &appearances);
        find_suspicions(&mut entries);
        Ok(Self { entries, identities })
    }

    /// Which directions the faces of a person cover; those rejected do not count.
    #[must_use]
    pub fn coverage(&self, person: &str) -> Coverage {
        let theirs = self.entries.iter().filter(|entry| {
            entry.person.as_deref() == Some(person) && entry.verdict != Some(Verdict::Rejected)
        });
        Coverage::of(theirs.map(|entry| &entry.measures))
    }
}

/// Reads the faces of a clip, a portion at a time, and measures what needs no other clip.
fn read_clip(
    index: &Index,
    clip: ClipId,
    tracks: &[Track],
    entries: &mut Vec<Entry>,
    embeddings: &mut BTreeMap<FaceId, Vec<f32>>,
    appearances: &mut BTreeMap<FaceId, Appearance>,
) -> Result<(), ExtractionError> {
    let mut found: BTreeMap<u32, (Vec<Entry>, Vec<Outline>)> = BTreeMap::new();
    let end = tracks.iter().map(|track| track.last_frame + 1).max().unwrap_or_default();
    for from in (0..end).step_by(PORTION) {
        for face in index.faces_in(clip, from..from + PORTION)? {
            let Face { id, record, verdict, placed, .. } = face;
            let Ok(mesh) = Mesh::try_from(record.points.clone()) else { continue };
            let track = TrackId { clip, track: record.track };
            let (of_track, outlines) = found.entry(record.track).or_default();
            let measures = alone(&record, &mesh);
            let person = None;
            outlines.push(Outline::of(record.frame, &mesh));
            let suspicions = Vec::new();
            let (frame, identity) = (record.frame, 0);
            of_track.push(Entry {
                id,
                track,
                frame,
                person,
                identity,
                verdict,
                placed,
                measures,
                suspicions,
            });
            if let Some(appearance) = record.appearance {
                appearances.insert(id, appearance);
            }
            if let Some(embedding) = record.embedding {
                embeddings.insert(id, embedding);
            }
        }
    }
    for (number, (mut of_track, outlines)) in found {
        let person = tracks.iter().find(|track| track.track == number).and_then(|track| track.person.clone());
        let mut distinct = 0;
        for (here, jump) in jumps(&outlines).into_iter().enumerate() {
            let entry = &mut of_track[here];
            entry.person.clone_from(&person);
            entry.measures.jump = jump;
            if here > 0 {
                let novelty = outlines[here].difference(&outlines[distinct]);
                entry.measures.novelty = Some(novelty);
                if !suspicion::is_duplicate(novelty) {
                    distinct = here;
                }
            }
        }
        entries.append(&mut of_track);
    }
    Ok(())
}

/// How much each face looks like the person it is said to be. A face without an embedding of its own has that of the
/// nearest in its track.
fn compare_with_centres(entries: &mut [Entry], embeddings: &BTreeMap<FaceId, Vec<f32>>) {
    let mut by_person: BTreeMap<&str, Vec<&[f32]>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.verdict != Some(Verdict::Rejected)) {
        if let (Some(person), Some(embedding)) = (entry.person.as_deref(), embeddings.get(&entry.id)) {
            by_person.entry(person).or_default().push(embedding);
        }
    }
    let centres: BTreeMap<String, Vec<f32>> =
        by_person.into_iter().map(|(person, all)| (person.to_owned(), robust_centre(&all))).collect();
    for track in entries.chunk_by_mut(|one, next| one.track == next.track) {
        let Some(centre) = track[0].person.as_ref().and_then(|person| centres.get(person)) else { continue };
        let known: Vec<(usize, f32)> = track
            .iter()
            .filter_map(|entry| Some((entry.frame, cosine(embeddings.get(&entry.id)?, centre))))
            .collect();
        for entry in track {
            let nearest = known.iter().min_by_key(|(frame, _)| frame.abs_diff(entry.frame));
            entry.measures.likeness = nearest.map(|(_, likeness)| *likeness);
        }
    }
}

/// Who a face is compared with: its person, or the identity where it is nobody's.
fn group(entry: &Entry) -> (String, usize) {
    match &entry.person {
        Some(person) => (person.clone(), 0),
        None => (String::new(), entry.identity),
    }
}

/// How much of each face is covered, against the same person's others in the same clip (a beard or glasses come with
/// another).
fn find_covered(entries: &mut [Entry], appearances: &BTreeMap<FaceId, Appearance>) {
    let mut groups: BTreeMap<(ClipId, String, usize), Vec<usize>> = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        let (person, identity) = group(entry);
        groups.entry((entry.track.clip, person, identity)).or_default().push(place);
    }
    for places in groups.values() {
        let faces: Vec<_> = places
            .iter()
            .map(|&place| (entries[place].measures.yaw_deg, appearances.get(&entries[place].id)))
            .collect();
        for (&place, covered) in places.iter().zip(covering::covered(&faces)) {
            entries[place].measures.covered = covered;
        }
    }
}

/// Compares each face with what is usual for its person, or for the identity where it is nobody's.
fn find_suspicions(entries: &mut [Entry]) {
    let mut groups: BTreeMap<(String, usize), Vec<Measures>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.verdict != Some(Verdict::Rejected)) {
        groups.entry(group(entry)).or_default().push(entry.measures);
    }
    let usual: BTreeMap<_, Usual> =
        groups.into_iter().map(|(group, faces)| (group, Usual::of(faces.iter()))).collect();
    for entry in entries {
        let usual = usual.get(&group(entry)).copied();
        let usual = usual.unwrap_or_else(|| Usual::of(std::iter::once(&entry.measures)));
        entry.suspicions = suspicions(&entry.measures, &usual);
    }
}
