//! Which tracks of a clip are the person the clip was added for.

use bifrons_project::{ClipId, Index, Review, Track, TrackState};

use crate::ExtractionError;

/// Cosine similarity at and above which two tracks are one person (FaceRes: same person 0.64 to 0.98 between
/// different photographs, different people 0.37 on average and 0.58 at most; `models/README.md`).
const SAME_PERSON: f32 = 0.6;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Faces of the person in this clip.
    pub faces: usize,
    /// Accepted tracks that are somebody else.
    pub other_tracks: usize,
    /// How many different people these are.
    pub other_people: usize,
}

/// Decides for each accepted track of `clip` whether it is `person`, and notes it in the index.
///
/// Tracks that look alike are one person. When the person is known from other clips, it is whoever looks most
/// like them; else whoever is seen most. So a passer-by never becomes the person.
///
/// # Errors
/// [`ExtractionError::Project`].
pub fn assign_people(index: &Index, clip: ClipId, person: &str) -> Result<Assignment, ExtractionError> {
    let tracks: Vec<Track> =
        index.tracks(clip)?.into_iter().filter(|t| t.state == TrackState::Accepted).collect();
    let people = group(&tracks);
    let known = known_embedding(index, clip, person)?;
    let chosen = choose(&people, known.as_deref());

    let mut assignment = Assignment { faces: 0, other_tracks: 0, other_people: 0 };
    for (number, group) in people.iter().enumerate() {
        let is_person = Some(number) == chosen;
        for &track in &group.tracks {
            index.set_track_person(clip, track, is_person.then_some(person))?;
        }
        if is_person {
            assignment.faces = group.faces;
        } else {
            assignment.other_tracks += group.tracks.len();
            assignment.other_people += 1;
        }
    }
    Ok(assignment)
}

/// Tracks taken for one person.
struct Group {
    tracks: Vec<u32>,
    faces: usize,
    /// Sum of the tracks' embeddings, each times its number of faces.
    sum: Vec<f32>,
}

/// Long tracks first, since their mean is the surest: each joins the group it looks most like, or founds one.
fn group(tracks: &[Track]) -> Vec<Group> {
    let mut by_length: Vec<&Track> = tracks.iter().collect();
    by_length.sort_by_key(|track| (std::cmp::Reverse(track.faces), track.track));
    let mut groups: Vec<Group> = Vec::new();
    for track in by_length {
        let weighted: Vec<f32> =
            track.mean_embedding.iter().flatten().map(|value| value * track.faces as f32).collect();
        let nearest = groups
            .iter_mut()
            .map(|group| (cosine(&group.sum, &weighted), group))
            .max_by(|(one, _), (other, _)| one.total_cmp(other));
        match nearest {
            Some((likeness, group)) if likeness >= SAME_PERSON => {
                group.tracks.push(track.track);
                group.faces += track.faces;
                group.sum.iter_mut().zip(&weighted).for_each(|(sum, value)| *sum += value);
            }
            _ => groups.push(Group { tracks: vec![track.track], faces: track.faces, sum: weighted }),
        }
    }
    groups
}

/// The mean look of a person in the clips before this one.
fn known_embedding(index: &Index, clip: ClipId, person: &str) -> Result<Option<Vec<f32>>, ExtractionError> {
    let mut sum: Vec<f32> = Vec::new();
    for face in index.faces_of(person, Review::NotThrownAway)? {
        if let Some(embedding) = face.record.embedding.filter(|_| face.clip < clip) {
            sum.resize(embedding.len(), 0.0);
            sum.iter_mut().zip(&embedding).for_each(|(sum, value)| *sum += value);
        }
    }
    Ok((!sum.is_empty()).then_some(sum))
}

fn choose(groups: &[Group], known: Option<&[f32]>) -> Option<usize> {
    let by = |score: &dyn Fn(&Group) -> f32| {
        let scores = groups.iter().enumerate().map(|(number, group)| (number, score(group)));
        // of equals the first, which has the longest track
        scores.reduce(|best, next| if next.1 > best.1 { next } else { best })
    };
    match known {
        Some(known) => by(&|group| cosine(&group.sum, known))
            .filter(|&(_, likeness)| likeness >= SAME_PERSON)
            .map(|(number, _)| number),
        None => by(&|group| group.faces as f32).map(|(number, _)| number),
    }
}

/// 0 where one of them is missing.
fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (dot(one, one) * dot(other, other)).sqrt();
    if lengths > 0.0 && one.len() == other.len() { dot(one, other) / lengths } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(number: u32, faces: usize, look: [f32; 2]) -> Track {
        Track {
            clip: ClipId(1),
            track: number,
            state: TrackState::Accepted,
            person: None,
            faces,
            first_frame: 0,
            last_frame: faces,
            mean_embedding: Some(look.to_vec()),
        }
    }

    #[test]
    fn tracks_that_look_alike_are_one_person_and_the_one_seen_most_is_chosen() {
        let tracks = [
            track(1, 50, [1.0, 0.0]),
            track(2, 40, [0.0, 1.0]),
            track(3, 30, [0.1, 1.0]),
            track(4, 5, [0.9, 0.1]),
        ];
        let groups = group(&tracks);
        let seen: Vec<_> = groups.iter().map(|group| (group.tracks.clone(), group.faces)).collect();
        assert_eq!(seen, [(vec![1, 4], 55), (vec![2, 3], 70)]);
        assert_eq!(choose(&groups, None), Some(1));
    }

    #[test]
    fn a_known_person_is_found_even_when_seen_less_and_not_invented_when_absent() {
        let groups = group(&[track(1, 50, [1.0, 0.0]), track(2, 40, [0.0, 1.0])]);
        assert_eq!(choose(&groups, Some(&[0.1, 1.0])), Some(1));
        assert_eq!(choose(&groups, Some(&[-1.0, 0.0])), None);
        assert_eq!(choose(&[], None), None);
    }
}
