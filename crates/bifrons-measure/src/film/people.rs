//! Which of the faces in the footage is the one that was to be replaced.

use std::collections::{BTreeMap, BTreeSet};

use crate::face::Likeness;

/// Mean likeness of two tracks from which on they are one person: single photographs of two people reach 0.91 in one
/// pair of a thousand, means of tracks vary less.
const SAME_PERSON: f64 = 0.93;

/// What is known of a track.
#[derive(Debug, Clone, Default)]
pub(super) struct TrackFacts {
    /// Frames.
    pub(super) frames: usize,
    /// Of these, in how many the face was replaced.
    pub(super) replaced: usize,
    /// Sum of the face's sizes, in pixels.
    pub(super) size_px: f64,
    /// Whom it looks like in the footage.
    pub(super) likeness: Vec<Likeness>,
}

/// The tracks of the person whose face is replaced: of the tracks replaced in most of their frames the largest, or the
/// largest of all where nothing was replaced; and all that were replaced or look like it.
pub(super) fn tracks_of_the_person(tracks: &BTreeMap<u32, TrackFacts>) -> BTreeSet<u32> {
    let mostly = |facts: &TrackFacts| 2 * facts.replaced > facts.frames;
    let any = tracks.values().any(mostly);
    let candidates = tracks.iter().filter(|(_, facts)| !any || mostly(facts));
    let Some((&first, _)) = candidates.max_by(|a, b| a.1.size_px.total_cmp(&b.1.size_px)) else {
        return BTreeSet::new();
    };
    let wanted = Likeness::mean(&tracks[&first].likeness);
    let is_same = |facts: &TrackFacts| {
        let likeness = Likeness::mean(&facts.likeness);
        wanted.as_ref().zip(likeness).is_some_and(|(wanted, other)| wanted.cosine(&other) >= SAME_PERSON)
    };
    let same = |(track, facts): &(&u32, &TrackFacts)| **track == first || mostly(facts) || is_same(facts);
    tracks.iter().filter(same).map(|(track, _)| *track).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(frames: usize, replaced: usize, size_px: f64, axis: usize) -> TrackFacts {
        let mut values = vec![0.0; 128];
        values[axis] = 1.0;
        TrackFacts { frames, replaced, size_px, likeness: vec![Likeness::new(values).unwrap()] }
    }

    #[test]
    fn the_replaced_person_is_meant_even_in_shots_that_were_forgotten() {
        let tracks = BTreeMap::from([
            (0, track(50, 48, 4000.0, 0)),
            (1, track(50, 0, 9000.0, 1)),
            (2, track(10, 0, 900.0, 0)),
        ]);
        assert_eq!(tracks_of_the_person(&tracks), BTreeSet::from([0, 2]));
    }

    #[test]
    fn where_nothing_was_replaced_the_largest_face_is_meant() {
        let tracks = BTreeMap::from([(3, track(50, 0, 4000.0, 0)), (7, track(50, 2, 9000.0, 1))]);
        assert_eq!(tracks_of_the_person(&tracks), BTreeSet::from([7]));
        assert!(tracks_of_the_person(&BTreeMap::new()).is_empty());
    }
}
