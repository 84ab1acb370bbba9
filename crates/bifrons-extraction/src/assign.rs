//! Which tracks of a clip are the person it was added for.

use bifrons_project::{ClipId, Index, Review, Track, TrackState};

use crate::ExtractionError;
use crate::identities::{Identity, SAME_PERSON, cosine, identities};

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

/// Decides for each accepted track of `clip` whether it is `person`, and notes it in the index. What a person has
/// decided about a track stays.
///
/// Tracks that look alike are one person. When the person is known from other clips, it is whoever looks most
/// like them; else whoever is seen most. So a passer-by never becomes the person.
///
/// # Errors
/// [`ExtractionError::Project`].
pub fn assign_people(index: &Index, clip: ClipId, person: &str) -> Result<Assignment, ExtractionError> {
    let people = identities(&accepted(index, clip)?);
    let known = known_embedding(index, clip, person)?;
    let chosen = choose(&people, known.as_deref());
    for (number, identity) in people.iter().enumerate() {
        let is_person = Some(number) == chosen;
        for track in &identity.tracks {
            index.set_track_person(clip, track.track, is_person.then_some(person))?;
        }
    }

    // read again: decisions of people come before ours
    let (theirs, others): (Vec<_>, Vec<_>) =
        accepted(index, clip)?.into_iter().partition(|track| track.person.as_deref() == Some(person));
    Ok(Assignment {
        faces: theirs.iter().map(|track| track.faces).sum(),
        other_tracks: others.len(),
        other_people: identities(&others).len(),
    })
}

fn accepted(index: &Index, clip: ClipId) -> Result<Vec<Track>, ExtractionError> {
    let tracks = index.tracks(clip)?;
    Ok(tracks.into_iter().filter(|track| track.state == TrackState::Accepted).collect())
}

/// The mean look of a person in the clips before this one.
fn known_embedding(index: &Index, clip: ClipId, person: &str) -> Result<Option<Vec<f32>>, ExtractionError> {
    let mut sum: Vec<f32> = Vec::new();
    for face in index.faces_of(person, Review::NotRejected)? {
        if let Some(embedding) = face.record.embedding.filter(|_| face.clip < clip) {
            sum.resize(embedding.len(), 0.0);
            sum.iter_mut().zip(&embedding).for_each(|(sum, value)| *sum += value);
        }
    }
    Ok((!sum.is_empty()).then_some(sum))
}

fn choose(people: &[Identity], known: Option<&[f32]>) -> Option<usize> {
    let by = |score: &dyn Fn(&Identity) -> f32| {
        let scores = people.iter().enumerate().map(|(number, identity)| (number, score(identity)));
        // of equals the first, which has the longest track
        scores.reduce(|best, next| if next.1 > best.1 { next } else { best })
    };
    match known {
        Some(known) => by(&|identity| cosine(&identity.sum, known))
            .filter(|&(_, likeness)| likeness >= SAME_PERSON)
            .map(|(number, _)| number),
        None => by(&|identity| identity.faces as f32).map(|(number, _)| number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identities::tests::track;

    #[test]
    fn whoever_is_seen_most_is_chosen() {
        let people = identities(&[
            track(1, 1, 50, [1.0, 0.0]),
            track(1, 2, 40, [0.0, 1.0]),
            track(1, 3, 30, [0.1, 1.0]),
        ]);
        assert_eq!(choose(&people, None), Some(1));
    }

    #[test]
    fn a_known_person_is_found_even_when_seen_less_and_not_invented_when_absent() {
        let people = identities(&[track(1, 1, 50, [1.0, 0.0]), track(1, 2, 40, [0.0, 1.0])]);
        assert_eq!(choose(&people, Some(&[0.1, 1.0])), Some(1));
        assert_eq!(choose(&people, Some(&[-1.0, 0.0])), None);
        assert_eq!(choose(&[], None), None);
    }
}
