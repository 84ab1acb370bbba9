//! Which tracks show the same person.

use bifrons_project::{Track, TrackId};

/// Cosine similarity at and above which two tracks are one person (FaceRes: same person 0.64 to 0.98 between
/// different photographs, different people 0.37 on average and 0.58 at most; `models/README.md`).
pub const SAME_PERSON: f32 = 0.6;

/// Tracks taken for one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The longest first.
    pub tracks: Vec<TrackId>,
    /// How many faces they have together.
    pub faces: usize,
    /// Sum of the tracks' embeddings, each times its number of faces; empty where none was computed.
    pub sum: Vec<f32>,
}

/// Sorts tracks, of one clip or of many, by who they show. Long tracks come first, since their mean is the surest:
/// each joins the identity it looks most like, or founds one.
#[must_use]
pub fn identities(tracks: &[Track]) -> Vec<Identity> {
    let mut by_length: Vec<&Track> = tracks.iter().collect();
    by_length.sort_by_key(|track| (std::cmp::Reverse(track.faces), track.clip, track.track));
    let mut found: Vec<Identity> = Vec::new();
    for track in by_length {
        let id = TrackId { clip: track.clip, track: track.track };
        let weighted: Vec<f32> =
            track.mean_embedding.iter().flatten().map(|value| value * track.faces as f32).collect();
        let nearest = found
            .iter_mut()
            .map(|identity| (cosine(&identity.sum, &weighted), identity))
            .max_by(|(one, _), (other, _)| one.total_cmp(other));
        match nearest {
            Some((likeness, identity)) if likeness >= SAME_PERSON => {
                identity.tracks.push(id);
                identity.faces += track.faces;
                identity.sum.iter_mut().zip(&weighted).for_each(|(sum, value)| *sum += value);
            }
            _ => found.push(Identity { tracks: vec![id], faces: track.faces, sum: weighted }),
        }
    }
    found
}

/// The direction that most of these embeddings share, as a unit vector: again and again the mean of the half that is
/// most like it, so that strangers among them, if they are fewer than half, have no say. Empty when there are none.
#[must_use]
pub fn robust_centre(embeddings: &[&[f32]]) -> Vec<f32> {
    const ROUNDS: usize = 6;
    let mut centre = mean(embeddings.iter().copied());
    let mut by_likeness = embeddings.to_vec();
    for _ in 0..ROUNDS {
        by_likeness.sort_by(|one, other| cosine(other, &centre).total_cmp(&cosine(one, &centre)));
        centre = mean(by_likeness[..by_likeness.len().div_ceil(2)].iter().copied());
    }
    centre
}

fn mean<'a>(embeddings: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sum: Vec<f32> = Vec::new();
    for embedding in embeddings {
        sum.resize(embedding.len(), 0.0);
        sum.iter_mut().zip(embedding).for_each(|(sum, value)| *sum += value);
    }
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    sum.iter().map(|value| value / length).collect()
}

/// Cosine similarity, -1 to 1; 0 where one of them is missing.
#[must_use]
pub fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (dot(one, one) * dot(other, other)).sqrt();
    if lengths > 0.0 && one.len() == other.len() { dot(one, other) / lengths } else { 0.0 }
}

#[cfg(test)]
pub(crate) mod tests {
    use bifrons_project::{ClipId, TrackState};

    use super::*;

    pub(crate) fn track(clip: i64, number: u32, faces: usize, look: [f32; 2]) -> Track {
        Track {
            clip: ClipId(clip),
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
    fn tracks_that_look_alike_are_one_person_in_all_clips() {
        let tracks = [
            track(1, 1, 50, [1.0, 0.0]),
            track(1, 2, 40, [0.0, 1.0]),
            track(2, 1, 30, [0.1, 1.0]),
            track(2, 4, 5, [0.9, 0.1]),
        ];
        let found = identities(&tracks);
        let seen: Vec<_> = found
            .iter()
            .map(|identity| {
                let tracks = identity.tracks.iter().map(|track| (track.clip.0, track.track));
                (tracks.collect::<Vec<_>>(), identity.faces)
            })
            .collect();
        assert_eq!(seen, [(vec![(1, 1), (2, 4)], 55), (vec![(1, 2), (2, 1)], 70)]);
    }

    #[test]
    fn strangers_do_not_move_the_centre() {
        let [one, near, stranger] = [[1.0, 0.0, 0.0], [0.98, 0.199, 0.0], [0.0, 0.0, 1.0]];
        let mut all: Vec<&[f32]> = vec![&one; 30];
        all.extend([&near[..]; 30]);
        all.extend([&stranger[..]; 40]);
        let centre = robust_centre(&all);
        assert!(centre[2].abs() < 1e-6, "{centre:?}");
        assert!(cosine(&centre, &one) > 0.97);
        assert!(robust_centre(&[]).is_empty());
    }
}
