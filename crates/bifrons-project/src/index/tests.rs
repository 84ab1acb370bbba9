//! The index keeps exactly what it was given, in order, also across a simulated kill.

use std::path::Path;

use super::*;
use crate::hash::{ClipFingerprint, ContentHash};

pub(super) struct Scratch {
    pub(super) folder: tempfile::TempDir,
}

impl Scratch {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn layout(&self) -> Layout {
        Layout::new(self.folder.path())
    }

    pub(super) fn open(&self) -> Index {
        Index::open(&self.layout()).unwrap()
    }
}

pub(super) fn info(content: &[u8]) -> ClipInfo {
    let fingerprint =
        ClipFingerprint { size_bytes: content.len() as u64, ends: ContentHash::of_bytes(content) };
    ClipInfo { fingerprint, frames: 100, width_px: 640, height_px: 480 }
}

pub(super) fn face(frame: usize, track: u32) -> FaceRecord {
    let number = frame as f32;
    FaceRecord {
        frame,
        track,
        points: (0..478).map(|point| [number + point as f32 * 0.1, -number, f32::MIN_POSITIVE]).collect(),
        bbox: [1.0, 2.5, 3.25, number],
        score: 0.9,
        presence: 0.99,
        yaw_deg: -12.5,
        pitch_deg: 3.0,
        roll_deg: 0.5,
        sharpness: 1e-3,
        embedding: frame.is_multiple_of(2).then(|| vec![0.6, 0.8]),
        crop: Some(format!("{frame}.jpg")),
        appearance: frame.is_multiple_of(3).then(|| Appearance {
            light: 0.25,
            light_side: -0.5,
            smile: 0.7,
            mouth_open: 0.0,
            eyes_closed: 1.0,
            brows_up: 0.125,
            spots: vec![0, 128, 255],
        }),
    }
}

pub(super) fn state(next_frame: usize) -> ExtractionState {
    ExtractionState { next_frame, tracker: vec![next_frame as u8; 3] }
}

pub(super) fn judged(faces: &[FaceId], verdict: Option<Verdict>) -> Decision {
    Decision::Judge { faces: faces.to_vec(), verdict }
}

pub(super) fn accepted(track: u32) -> TrackEnd {
    TrackEnd { track, accepted: true }
}

#[test]
fn adding_a_clip_again_changes_nothing_and_notices_other_footage() {
    let scratch = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    assert_eq!(index.add_person("ALICE").unwrap(), index.add_person("alice").unwrap());
    assert_eq!(index.people().unwrap(), ["alice"]);
    let path = scratch.folder.path().join("in/a.mp4");
    let first = index.add_clip("alice", &path, info(b"x")).unwrap();
    assert_eq!(first.state, ClipState::New);
    let again = index.add_clip("alice", &path, info(b"x")).unwrap();
    assert_eq!(again, AddedClip { id: first.id, state: ClipState::Unchanged });
    let changed = index.add_clip("alice", &path, info(b"y")).unwrap();
    assert_eq!(changed, AddedClip { id: first.id, state: ClipState::Changed });
    assert_eq!(
        index.clips_of("alice").unwrap(),
        [Clip { id: first.id, person: "alice".into(), path, info: info(b"x") }]
    );
    let error = index.add_clip("bob", Path::new("b.mp4"), info(b"x")).unwrap_err();
    assert!(error.to_string().contains("there are: alice"), "{error}");
}

#[test]
fn faces_come_back_bit_for_bit_and_only_from_accepted_tracks() {
    let scratch = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    let clip = index.add_clip("alice", Path::new("/a.mp4"), info(b"x")).unwrap().id;
    let faces = [face(0, 0), face(0, 1), face(3, 0)];
    index.commit_faces(clip, &faces, &[], &state(10)).unwrap();
    assert!(index.faces_of("alice", Review::Any).unwrap().is_empty(), "nothing is decided yet");
    let ends = [accepted(0), TrackEnd { track: 1, accepted: false }];
    index.commit_faces(clip, &[face(10, 0)], &ends, &state(11)).unwrap();
    let records: Vec<_> =
        index.faces_of("alice", Review::Any).unwrap().into_iter().map(|face| face.record).collect();
    assert_eq!(records, [face(0, 0), face(3, 0), face(10, 0)]);
    let some: Vec<_> =
        index.faces_in(clip, 1..10).unwrap().into_iter().map(|face| face.record.frame).collect();
    assert_eq!(some, [3]);
    assert_eq!(index.faces_in(clip, 0..usize::MAX).unwrap().len(), 3);

    let tracks = index.tracks(clip).unwrap();
    assert_eq!(tracks.len(), 2);
    assert_eq!((tracks[0].faces, tracks[0].first_frame, tracks[0].last_frame), (3, 0, 10));
    assert_eq!(tracks[0].state, TrackState::Accepted);
    assert_eq!(tracks[0].person.as_deref(), Some("alice"));
    assert_eq!(tracks[0].mean_embedding.as_deref(), Some([0.6, 0.8].as_slice()));
    assert_eq!(tracks[1].state, TrackState::Rejected);
}

#[test]
fn a_track_can_be_somebody_else_or_nobody() {
    let scratch = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    index.add_person("bob").unwrap();
    let clip = index.add_clip("alice", Path::new("/a.mp4"), info(b"x")).unwrap().id;
    index.commit_faces(clip, &[face(0, 0), face(0, 1)], &[accepted(0), accepted(1)], &state(1)).unwrap();
    index.set_track_person(clip, 1, Some("bob")).unwrap();
    let tracks_of = |person| -> Vec<u32> {
        index.faces_of(person, Review::Any).unwrap().iter().map(|face| face.record.track).collect()
    };
    assert_eq!((tracks_of("alice"), tracks_of("bob")), (vec![0], vec![1]));
    let in_frames = |person, frames| index.person_faces_in(clip, person, frames).unwrap().len();
    assert_eq!(
        (in_frames("bob", 0..1), in_frames("bob", 1..9), in_frames("alice", 0..usize::MAX)),
        (1, 0, 1)
    );
    index.set_track_person(clip, 0, None).unwrap();
    assert!(tracks_of("alice").is_empty());
    assert_eq!(index.tracks(clip).unwrap()[0].person, None);
    assert!(matches!(index.set_track_person(clip, 7, None), Err(ProjectError::NotInIndex { .. })));
}

#[test]
fn frames_are_committed_once_and_in_order() {
    let scratch = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    let clip = index.add_clip("alice", Path::new("/a.mp4"), info(b"x")).unwrap().id;
    index.commit_faces(clip, &[face(4, 0)], &[], &state(5)).unwrap();
    for (faces, next) in
        [(vec![face(4, 0)], 6), (vec![face(6, 0)], 6), (vec![face(5, 0), face(9, 0)], 9), (vec![], 4)]
    {
        let error = index.commit_faces(clip, &faces, &[], &state(next)).unwrap_err();
        assert!(matches!(error, ProjectError::OutOfOrder { expected_from: 5, .. }), "{error}");
    }
    assert_eq!(index.extraction(clip).unwrap(), Extraction { state: state(5), done: false });
    index.mark_extracted(clip).unwrap();
    let done = index.extraction(clip).unwrap();
    assert!(done.done && done.state.next_frame == 5 && done.state.tracker.is_empty());
    assert_eq!(index.tracks(clip).unwrap()[0].state, TrackState::Rejected, "still running at the end");
    assert!(matches!(index.commit_faces(clip, &[], &[], &state(6)), Err(ProjectError::OutOfOrder { .. })));
}

#[test]
fn a_failed_commit_leaves_nothing() {
    let scratch = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    let clip = index.add_clip("alice", Path::new("/a.mp4"), info(b"x")).unwrap().id;
    // The same face twice violates the table after the first was inserted.
    let error = index.commit_faces(clip, &[face(0, 0), face(0, 0)], &[accepted(0)], &state(1)).unwrap_err();
    assert!(matches!(error, ProjectError::Database { .. }), "{error}");
    assert_eq!(index.extraction(clip).unwrap(), Extraction::default());
    assert!(index.tracks(clip).unwrap().is_empty());
}

#[test]
fn what_was_committed_survives_a_kill() {
    let scratch = Scratch::new();
    let killed = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    let clip = index.add_clip("alice", Path::new("/a.mp4"), info(b"x")).unwrap().id;
    for frame in 0..20 {
        index.commit_faces(clip, &[face(frame, 0)], &[accepted(0)], &state(frame + 1)).unwrap();
        // What a killed process leaves is what is in the files at that moment: database and log,
        // without a checkpoint or a clean close.
        for name in ["bifrons.db", "bifrons.db-wal"] {
            std::fs::copy(scratch.folder.path().join(name), killed.folder.path().join(name)).unwrap();
        }
        let reopened = killed.open();
        reopened.check().unwrap();
        assert_eq!(reopened.extraction(clip).unwrap().state, state(frame + 1));
        assert_eq!(reopened.faces_of("alice", Review::Any).unwrap().len(), frame + 1);
    }
}

#[test]
fn a_torn_log_loses_only_the_last_commit() {
    let scratch = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    let clip = index.add_clip("alice", Path::new("/a.mp4"), info(b"x")).unwrap().id;
    index.commit_faces(clip, &[face(0, 0)], &[accepted(0)], &state(1)).unwrap();
    let log = scratch.folder.path().join("bifrons.db-wal");
    let whole = std::fs::metadata(&log).unwrap().len();
    index.commit_faces(clip, &[face(1, 0)], &[], &state(2)).unwrap();
    let grown = std::fs::metadata(&log).unwrap().len();
    assert!(grown > whole);
    for length in (whole..grown).step_by(997) {
        let torn = Scratch::new();
        let copy =
            |name: &str| std::fs::copy(scratch.folder.path().join(name), torn.folder.path().join(name));
        copy("bifrons.db").unwrap();
        copy("bifrons.db-wal").unwrap();
        let file =
            std::fs::OpenOptions::new().write(true).open(torn.folder.path().join("bifrons.db-wal")).unwrap();
        file.set_len(length).unwrap();
        let reopened = torn.open();
        reopened.check().unwrap();
        assert_eq!(reopened.extraction(clip).unwrap().state, state(1), "cut at {length}");
        assert_eq!(reopened.faces_in(clip, 0..9).unwrap().len(), 1);
    }
}

#[test]
fn resetting_a_clip_forgets_what_was_found_in_it_only() {
    let scratch = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    let clip = index.add_clip("alice", Path::new("/a.mp4"), info(b"x")).unwrap().id;
    let other = index.add_clip("alice", Path::new("/b.mp4"), info(b"x")).unwrap().id;
    for clip in [clip, other] {
        index.commit_faces(clip, &[face(0, 0)], &[accepted(0)], &state(1)).unwrap();
    }
    let id = index.faces_in(clip, 0..1).unwrap()[0].id;
    index.decide(&judged(&[id], Some(Verdict::Accepted))).unwrap();
    index.reset_clip(clip, info(b"new")).unwrap();
    assert_eq!(index.extraction(clip).unwrap(), Extraction::default());
    assert_eq!(index.clip(clip).unwrap().info, info(b"new"));
    let left = index.faces_of("alice", Review::Any).unwrap();
    assert_eq!(left.iter().map(|face| face.clip).collect::<Vec<_>>(), [other]);
    assert_eq!(index.undo().unwrap(), None, "its decisions went with it");
    assert!(matches!(index.reset_clip(ClipId(99), info(b"")), Err(ProjectError::NotInIndex { .. })));
}

#[test]
fn films_and_runs_are_noted() {
    let scratch = Scratch::new();
    let index = scratch.open();
    let run = index.start_run("bifrons swap", u64::MAX, "quick").unwrap();
    let hash = ContentHash::of_bytes(b"film");
    let path = scratch.folder.path().join("out/film.mp4");
    index.record_output(run, &path, hash, Path::new("/b.mp4"), 12_000).unwrap();
    index.end_run(run, "done").unwrap();
    let outputs = index.outputs().unwrap();
    assert_eq!(outputs.len(), 1);
    assert_eq!((&outputs[0].path, outputs[0].blake3, outputs[0].model_step), (&path, hash, 12_000));
    assert!(index.end_run(RunId(99), "done").is_err());
    assert!(index.record_output(RunId(99), &path, hash, &path, 0).is_err(), "a film belongs to a run");
}

#[test]
fn other_versions_and_other_files_are_refused_untouched() {
    let scratch = Scratch::new();
    let path = scratch.layout().database();
    drop(scratch.open());
    let later = schema::VERSION + 1;
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", later).unwrap();
    let error = Index::open(&scratch.layout()).unwrap_err();
    let of_later = |found: i64, expected: i64| (found, expected) == (later, schema::VERSION);
    assert!(
        matches!(error, ProjectError::Version { found, expected, .. } if of_later(found, expected)),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("newer"));

    let stranger = Scratch::new();
    rusqlite::Connection::open(stranger.layout().database())
        .unwrap()
        .execute("CREATE TABLE t (x)", [])
        .unwrap();
    assert!(matches!(Index::open(&stranger.layout()), Err(ProjectError::Damaged { .. })));

    let garbage = Scratch::new();
    crate::atomic::write(&garbage.layout().database(), &[7; 10_000]).unwrap();
    let error = Index::open(&garbage.layout()).unwrap_err();
    assert!(matches!(error, ProjectError::Damaged { .. }), "{error}");
    assert_eq!(std::fs::read(garbage.layout().database()).unwrap(), [7; 10_000]);
}

#[test]
fn an_index_of_the_first_version_is_brought_up_to_date() {
    let scratch = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    let clip = index.add_clip("alice", Path::new("/a.mp4"), info(b"x")).unwrap().id;
    index.commit_faces(clip, &[face(0, 0)], &[accepted(0)], &state(1)).unwrap();
    drop(index);
    let old = rusqlite::Connection::open(scratch.layout().database()).unwrap();
    old.execute_batch(
        "DROP TABLE judgements; DROP TABLE consent; DROP TABLE curves; DROP TABLE decided_faces; DROP TABLE decided_tracks;
         DROP TABLE decisions; DROP TABLE shots;
         CREATE TABLE reviews (id INTEGER PRIMARY KEY, face INTEGER NOT NULL, decision INTEGER NOT NULL,
           decided_at INTEGER NOT NULL);
         INSERT INTO reviews VALUES (4, 1, 2, 1000);
         ALTER TABLE faces DROP COLUMN light; ALTER TABLE faces DROP COLUMN light_side;
         ALTER TABLE faces DROP COLUMN smile; ALTER TABLE faces DROP COLUMN mouth_open;
         ALTER TABLE faces DROP COLUMN eyes_closed; ALTER TABLE faces DROP COLUMN brows_up;
         ALTER TABLE faces DROP COLUMN spots;
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let index = scratch.open();
        assert_eq!(index.people().unwrap(), ["alice"]);
        assert!(index.curve().unwrap().is_empty());
        assert!(index.consent_log().unwrap().is_empty() && index.judgements().unwrap().is_empty());
        assert_eq!((index.shots(clip).unwrap(), index.adjustments(clip).unwrap().len()), (None, 0));
        let [rejected] = &index.decisions(9).unwrap()[..] else { panic!("one review") };
        assert_eq!(
            (rejected.id, rejected.kind, &rejected.faces[..]),
            (DecisionId(4), "reject", &[FaceId(1)][..])
        );
    }
    // what the faces look like is read later, and kept
    let index = scratch.open();
    let unread = index.faces_without_appearance(clip, None, 9).unwrap();
    let [found] = &unread[..] else { panic!("one face") };
    assert_eq!(found.record, FaceRecord { appearance: None, ..face(0, 0) });
    index.note_appearances(&[(found.id, face(0, 0).appearance.unwrap())]).unwrap();
    assert_eq!(index.face(found.id).unwrap().record, face(0, 0));
    assert!(index.faces_without_appearance(clip, None, 9).unwrap().is_empty());
}

#[test]
fn a_curve_goes_on_from_where_the_model_does() {
    let scratch = Scratch::new();
    let index = scratch.open();
    for name in ["alice", "bob"] {
        index.add_person(name).unwrap();
    }
    let point = |iteration: u64, person: &str, held_out: Option<f64>| CurvePoint {
        iteration,
        person: person.to_owned(),
        trained_secs: iteration as f64 / 2.0,
        loss: 0.25,
        held_out,
    };
    let points = [point(10, "alice", Some(0.5)), point(10, "bob", None), point(20, "bob", Some(0.125))];
    index.extend_curve(&points).unwrap();
    assert_eq!(index.curve().unwrap(), points);
    // the same place again replaces it
    index.extend_curve(&[point(20, "bob", None)]).unwrap();
    assert_eq!(index.curve().unwrap()[2].held_out, None);
    index.cut_curve(10).unwrap();
    assert_eq!(index.curve().unwrap(), points[..2]);
    assert!(index.extend_curve(&[point(30, "carol", None)]).is_err());
}

#[test]
fn threads_share_an_index() {
    let scratch = Scratch::new();
    let index = scratch.open();
    index.add_person("alice").unwrap();
    let clips: Vec<_> = (0..4)
        .map(|n| index.add_clip("alice", Path::new(&format!("/{n}.mp4")), info(b"x")).unwrap().id)
        .collect();
    std::thread::scope(|scope| {
        for clip in &clips {
            let index = &index;
            scope.spawn(move || {
                for frame in 0..10 {
                    index.commit_faces(*clip, &[face(frame, 0)], &[accepted(0)], &state(frame + 1)).unwrap();
                }
            });
        }
    });
    assert_eq!(index.faces_of("alice", Review::Any).unwrap().len(), 40);
}

#[test]
fn the_log_of_consent_is_only_added_to_and_notices_changes() {
    use crate::consent::{Basis, Consent};

    let scratch = Scratch::new();
    let index = scratch.open();
    let (own, research) = (Consent::new(Basis::Own), Consent::new(Basis::Research));
    index.add_consent("alice", Some(&own)).unwrap();
    index.add_consent("alice", Some(&own)).unwrap();
    index.add_consent("bob", Some(&research)).unwrap();
    index.add_consent("carol", None).unwrap();
    index.add_consent("alice", None).unwrap();
    let log = index.consent_log().unwrap();
    let said: Vec<_> =
        log.iter().map(|entry| (entry.number, entry.person.as_str(), &entry.consent)).collect();
    assert_eq!(said, [(1, "alice", &Some(own)), (2, "bob", &Some(research)), (3, "alice", &None)]);

    for forbidden in
        ["UPDATE consent SET person = 'mallory' WHERE id = 2", "DELETE FROM consent WHERE id = 2"]
    {
        let refused = index.lock().execute(forbidden, []).unwrap_err().to_string();
        assert!(refused.contains("only added to"), "{refused}");
    }
    index
        .lock()
        .execute_batch("DROP TRIGGER consent_is_not_changed; UPDATE consent SET added_at = 0 WHERE id = 2")
        .unwrap();
    let damaged = index.consent_log().unwrap_err().to_string();
    assert!(damaged.contains("line 2 of the log of consent"), "{damaged}");
}

#[test]
fn what_was_seen_in_a_clip_is_noted_once_and_changes_are_noticed() {
    use crate::judgement::Judgement;
    let scratch = Scratch::new();
    let index = scratch.open();
    let [first, second] = [b"first", b"other"].map(|bytes| info(bytes).fingerprint);
    let look = |method, explicit| Judgement { method, frames: 64, explicit, refused: explicit > 20 };
    assert_eq!(index.judgement_of(first, 1).unwrap(), None);
    for (clip, look) in [(first, look(1, 3)), (first, look(1, 4)), (second, look(1, 40)), (first, look(2, 5))]
    {
        index.add_judgement(clip, look).unwrap();
    }
    // a clip that was judged already keeps its figure
    assert_eq!(index.judgement_of(first, 1).unwrap(), Some(look(1, 3)));
    assert_eq!(index.judgement_of(second, 1).unwrap(), Some(look(1, 40)));
    assert_eq!(
        (index.judgement_of(first, 2).unwrap(), index.judgement_of(second, 2).unwrap()),
        (Some(look(2, 5)), None)
    );
    let log = index.judgements().unwrap();
    assert_eq!(
        log.iter().map(|entry| (entry.number, entry.clip)).collect::<Vec<_>>(),
        [(1, first), (2, second), (3, first)]
    );
    let outside = rusqlite::Connection::open(scratch.layout().database()).unwrap();
    for forbidden in
        ["UPDATE judgements SET record = 'x' WHERE id = 2", "DELETE FROM judgements WHERE id = 2"]
    {
        assert!(outside.execute_batch(forbidden).unwrap_err().to_string().contains("only added to"));
    }
    outside
        .execute_batch(
            "DROP TRIGGER judgements_are_not_changed;
             UPDATE judgements SET record = replace(record, 'true', 'false') WHERE id = 2",
        )
        .unwrap();
    let damaged = index.judgement_of(first, 1).unwrap_err().to_string();
    assert!(damaged.contains("line 2 of the log of judgements"), "{damaged}");
}
