//! Decisions count at once, can be taken back without end, and survive what a kill leaves.

use std::path::Path;

use proptest::prelude::*;

use super::tests::{Scratch, accepted, face, info, judged, state};
use super::*;
use crate::error::ProjectError;

/// An index with two people and a clip of alice: track 0 in frames 0 to 2, track 1 in frame 0.
fn filled(scratch: &Scratch) -> (Index, ClipId, Vec<FaceId>) {
    let index = scratch.open();
    index.add_person("alice").unwrap();
    index.add_person("bob").unwrap();
    let clip = index.add_clip("alice", Path::new("/a.mp4"), info(b"x")).unwrap().id;
    let faces = [face(0, 0), face(0, 1), face(1, 0), face(2, 0)];
    index.commit_faces(clip, &faces, &[accepted(0), accepted(1)], &state(3)).unwrap();
    let ids = index.faces_in(clip, 0..3).unwrap().iter().map(|face| face.id).collect();
    (index, clip, ids)
}

fn verdicts(index: &Index, ids: &[FaceId]) -> Vec<Option<Verdict>> {
    ids.iter().map(|id| index.face(*id).unwrap().verdict).collect()
}

fn assigned(clip: ClipId, track: u32, person: Option<&str>) -> Decision {
    Decision::Assign { tracks: vec![TrackId { clip, track }], person: person.map(str::to_owned) }
}

#[test]
fn verdicts_filter_facesets() {
    let scratch = Scratch::new();
    let (index, _, ids) = filled(&scratch);
    index.decide(&judged(&ids[..2], Some(Verdict::Accepted))).unwrap();
    index.decide(&judged(&ids[1..3], Some(Verdict::Rejected))).unwrap();
    let faces = |review| -> Vec<FaceId> {
        index.faces_of("alice", review).unwrap().iter().map(|face| face.id).collect()
    };
    assert_eq!(faces(Review::Any), ids);
    assert_eq!(faces(Review::NotRejected), [ids[0], ids[3]]);
    assert_eq!(faces(Review::AcceptedOnly), [ids[0]]);
    index.decide(&judged(&ids[..3], None)).unwrap();
    assert_eq!(faces(Review::NotRejected), ids);
    assert_eq!(verdicts(&index, &ids), [None; 4]);
}

#[test]
fn a_decision_about_something_unknown_decides_nothing() {
    let scratch = Scratch::new();
    let (index, clip, ids) = filled(&scratch);
    for wrong in [
        judged(&[ids[0], FaceId(999)], Some(Verdict::Rejected)),
        assigned(clip, 7, None),
        assigned(ClipId(7), 0, Some("bob")),
    ] {
        assert!(matches!(index.decide(&wrong), Err(ProjectError::NotInIndex { .. })), "{wrong:?}");
    }
    let error = index.decide(&assigned(clip, 0, Some("carol"))).unwrap_err();
    assert!(matches!(error, ProjectError::UnknownPerson { .. }), "{error}");
    assert!(index.decisions(9).unwrap().is_empty());
    assert_eq!(verdicts(&index, &ids), [None; 4]);
    index.decide(&judged(&[ids[0], ids[0]], Some(Verdict::Rejected))).unwrap();
    assert_eq!(index.decisions(9).unwrap()[0].faces, [ids[0]], "named twice is named once");
}

#[test]
fn what_a_person_says_about_a_track_outlasts_what_the_program_thinks() {
    let scratch = Scratch::new();
    let (index, clip, _) = filled(&scratch);
    let people = || -> Vec<Option<String>> {
        index.tracks(clip).unwrap().into_iter().map(|track| track.person).collect()
    };
    let named = |names: [Option<&str>; 2]| names.map(|name| name.map(str::to_owned)).to_vec();
    index.decide(&assigned(clip, 1, Some("bob"))).unwrap();
    index.decide(&assigned(clip, 0, None)).unwrap();
    // extraction runs again
    for track in [0, 1] {
        index.set_track_person(clip, track, Some("alice")).unwrap();
    }
    assert_eq!(people(), named([None, Some("bob")]));
    assert_eq!(index.faces_of("bob", Review::Any).unwrap().len(), 1);
    assert!(index.faces_of("alice", Review::Any).unwrap().is_empty());
    assert_eq!(index.person_faces_in(clip, "bob", 0..1).unwrap().len(), 1);
    // faces that come later belong to the track
    index.commit_faces(clip, &[face(3, 1)], &[], &state(4)).unwrap();
    assert_eq!(index.faces_of("bob", Review::Any).unwrap().len(), 2);
    index.undo().unwrap();
    assert_eq!(people(), named([Some("alice"), Some("bob")]));
    index.undo().unwrap();
    assert_eq!(people(), named([Some("alice"), Some("alice")]));
    let redone = index.redo().unwrap().unwrap();
    assert_eq!((redone.kind, redone.person.as_deref()), ("assign", Some("bob")));
    assert_eq!(people(), named([Some("alice"), Some("bob")]));
}

#[test]
fn placed_landmarks_count_and_those_found_come_back() {
    let scratch = Scratch::new();
    let (index, _, ids) = filled(&scratch);
    let found = index.face(ids[0]).unwrap();
    let points: Vec<[f32; 3]> = found.record.points.iter().map(|[x, y, z]| [x + 5.0, *y, *z]).collect();
    let place = Decision::Place { face: ids[0], points: points.clone(), crop: "moved.jpg".into() };
    index.decide(&place).unwrap();
    let placed = index.face(ids[0]).unwrap();
    assert!(placed.placed && !found.placed);
    assert_eq!((&placed.record.points, placed.record.crop.as_deref()), (&points, Some("moved.jpg")));
    assert_eq!(index.face(ids[1]).unwrap().record, face(0, 1));
    index.undo().unwrap();
    assert_eq!(index.face(ids[0]).unwrap(), found);
}

#[test]
fn a_new_decision_ends_what_could_be_redone() {
    let scratch = Scratch::new();
    let (index, _, ids) = filled(&scratch);
    for id in &ids[..3] {
        index.decide(&judged(&[*id], Some(Verdict::Rejected))).unwrap();
    }
    assert_eq!(index.undo().unwrap().unwrap().faces, [ids[2]]);
    assert_eq!(index.undo().unwrap().unwrap().faces, [ids[1]]);
    index.decide(&judged(&[ids[3]], Some(Verdict::Accepted))).unwrap();
    assert_eq!(index.redo().unwrap(), None);
    assert_eq!(verdicts(&index, &ids), [Some(Verdict::Rejected), None, None, Some(Verdict::Accepted)]);
    let log: Vec<_> =
        index.decisions(9).unwrap().into_iter().map(|decided| (decided.kind, decided.undone)).collect();
    assert_eq!(log, [("accept", false), ("reject", true), ("reject", true), ("reject", false)]);
    assert_eq!(index.decisions(1).unwrap().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// After any mixture of decisions, undo and redo, and a reopening after each, the verdicts are those of the
    /// decisions that a list with a cursor would hold.
    #[test]
    fn undo_and_redo_are_a_cursor_in_a_list(steps in prop::collection::vec((0..5u8, 0..4usize), 1..25)) {
        let scratch = Scratch::new();
        let (index, _, ids) = filled(&scratch);
        drop(index);
        let (mut list, mut cursor) = (Vec::new(), 0_usize);
        for (step, which) in steps {
            let index = scratch.open();
            match step {
                0 => {
                    prop_assert_eq!(index.undo().unwrap().is_some(), cursor > 0);
                    cursor = cursor.saturating_sub(1);
                }
                1 => {
                    prop_assert_eq!(index.redo().unwrap().is_some(), cursor < list.len());
                    cursor = (cursor + 1).min(list.len());
                }
                _ => {
                    let verdict = [None, Some(Verdict::Accepted), Some(Verdict::Rejected)][usize::from(step) - 2];
                    index.decide(&judged(&ids[which..], verdict)).unwrap();
                    list.truncate(cursor);
                    list.push((which, verdict));
                    cursor += 1;
                }
            }
            let mut expected = [None; 4];
            for &(which, verdict) in &list[..cursor] {
                expected[which..].fill(verdict);
            }
            prop_assert_eq!(verdicts(&index, &ids), expected);
        }
    }
}

fn adjusted(clip: ClipId, tracks: &[u32], settings: Option<&str>) -> Decision {
    let tracks = tracks.iter().map(|&track| TrackId { clip, track }).collect();
    Decision::Adjust { tracks, settings: settings.map(str::to_owned) }
}

#[test]
fn the_newest_choice_for_a_track_counts_and_can_be_taken_back() {
    let scratch = Scratch::new();
    let (index, clip, ids) = filled(&scratch);
    let chosen = || -> Vec<(u32, String)> { index.adjustments(clip).unwrap().into_iter().collect() };
    assert_eq!(chosen(), []);
    index.decide(&adjusted(clip, &[0, 1], Some("a"))).unwrap();
    index.decide(&adjusted(clip, &[1], Some("b"))).unwrap();
    assert_eq!(chosen(), [(0, "a".to_owned()), (1, "b".to_owned())]);
    index.decide(&adjusted(clip, &[0], None)).unwrap();
    assert_eq!(chosen(), [(1, "b".to_owned())]);

    let undone = index.undo().unwrap().unwrap();
    assert_eq!((undone.kind, undone.tracks.len()), ("adjust", 1));
    index.undo().unwrap();
    assert_eq!(chosen(), [(0, "a".to_owned()), (1, "a".to_owned())]);
    index.redo().unwrap();
    assert_eq!(chosen(), [(0, "a".to_owned()), (1, "b".to_owned())]);

    // it says nothing about who a track is, nor about faces
    let person = |track: usize| index.tracks(clip).unwrap()[track].person.clone();
    assert_eq!([person(0), person(1)], [Some("alice".to_owned()), Some("alice".to_owned())]);
    index.decide(&assigned(clip, 1, Some("bob"))).unwrap();
    index.decide(&adjusted(clip, &[1], Some("c"))).unwrap();
    assert_eq!(person(1), Some("bob".to_owned()));
    assert_eq!(verdicts(&index, &ids), [None; 4]);

    let unknown = index.decide(&adjusted(clip, &[0, 7], Some("d"))).unwrap_err();
    assert!(matches!(unknown, ProjectError::NotInIndex { .. }), "{unknown}");
    assert_eq!(chosen(), [(0, "a".to_owned()), (1, "c".to_owned())]);
    index.reset_clip(clip, info(b"new")).unwrap();
    assert_eq!(chosen(), []);
}

#[test]
fn what_is_decided_about_faces_is_told_from_how_they_are_put_on() {
    let scratch = Scratch::new();
    let (index, clip, ids) = filled(&scratch);
    let start = index.decided_about_faces().unwrap();
    index.decide(&adjusted(clip, &[0], Some("a"))).unwrap();
    assert_eq!(index.decided_about_faces().unwrap(), start);
    index.decide(&judged(&ids[..1], Some(Verdict::Rejected))).unwrap();
    let rejected = index.decided_about_faces().unwrap();
    assert_ne!(rejected, start);
    index.undo().unwrap();
    let undone = index.decided_about_faces().unwrap();
    assert!(undone != rejected && undone != start);
    index.redo().unwrap();
    assert_eq!(index.decided_about_faces().unwrap(), rejected);
}

#[test]
fn shots_are_known_once_a_clip_was_looked_through_from_its_start() {
    let scratch = Scratch::new();
    let (index, clip, _) = filled(&scratch);
    assert_eq!(index.shots(clip).unwrap(), None);
    // begun by a program that did not note them
    index.note_shots(clip, &[40]).unwrap();
    assert_eq!(index.shots(clip).unwrap(), None);
    index.note_shots(clip, &[0, 12, 40]).unwrap();
    index.note_shots(clip, &[12]).unwrap();
    assert_eq!(index.shots(clip).unwrap(), Some(vec![0, 12, 40]));
    index.reset_clip(clip, info(b"new")).unwrap();
    assert_eq!(index.shots(clip).unwrap(), None);
}
