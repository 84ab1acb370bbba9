//! The whole product: from two clips to a finished film.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::film::{Grey, assert_same_but_for_the_picture, frame_hashes};
use support::footage::{Cut, Real, ffmpeg, two_people};
use support::{Ran, Room, bifrons, code};

/// Squared grey levels. What encoding once more changes stays well below, a face drawn anew far above.
const ENCODED_AGAIN: f64 = 12.0;
const DRAWN_ANEW: f64 = 60.0;
/// The middle of the face in [`Real::Interview`], and places far from it: `[left, top, width, height]`.
const INTERVIEW_FACE: [usize; 4] = [150, 90, 90, 90];
const INTERVIEW_FAR: [[usize; 4]; 2] = [[4, 4, 80, 80], [300, 4, 56, 200]];

fn last(events: &[Value]) -> &Value {
    let last = events.last().expect("there are events");
    assert_eq!((&last["event"], &last["outcome"]), (&"result".into(), &"done".into()), "{last}");
    last
}

/// How many events are about work of a stage.
fn work(events: &[Value], stage: &str) -> usize {
    events.iter().filter(|event| event["event"] == "progress" && event["stage"] == stage).count()
}

fn assert_only_the_face_is_new(footage: &Path, film: &Path) {
    let (before, after) = (Grey::of(footage), Grey::of(film));
    let all = 0..before.count();
    let face = before.difference(&after, all.clone(), INTERVIEW_FACE);
    assert!(face > DRAWN_ANEW, "the face differs by {face:.1} only: nothing was swapped");
    for far in INTERVIEW_FAR {
        let off = before.difference(&after, all.clone(), far);
        assert!(off < ENCODED_AGAIN, "{off:.1} off at {far:?}, far from the face");
    }
}

#[test]
fn from_two_clips_to_a_finished_film_by_one_line_and_by_hand() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 24) }.make(room.path("webcam.mp4"));
    let footage = Cut::new(Real::Interview, 48).make(room.path("interview.mp4"));
    let inputs = [&face, &footage].map(|path| fs::read(path).expect("a clip"));
    let swap = || {
        let mut swap = room.swap(&face, &footage);
        swap.args(["--iterations", "10", "--json"]);
        swap
    };

    let events = Ran::of(&mut swap()).expect(code::DONE).events();
    assert_eq!(events[0]["event"], "started");
    assert!(events[0]["command"].as_str().is_some_and(|command| command.contains(" swap --face ")));
    for stage in ["extract", "load", "convert", "join"] {
        assert!(work(&events, stage) > 0, "nothing was told of {stage}");
    }
    let trained = events.iter().rfind(|event| event["event"] == "train").expect("training tells how it goes");
    assert_eq!(trained["iteration"], 10);
    assert!(trained["losses"].as_object().is_some_and(|losses| losses.len() == 2), "{trained}");
    let result = last(&events);
    assert_eq!(result["outputs"], serde_json::json!([room.out()]));
    for (name, value) in
        [("frames", 48.0), ("frames_swapped", 48.0), ("iterations", 10.0), ("faces_of_webcam", 24.0)]
    {
        assert_eq!(result["measured"][name], value, "{name} in {result}");
    }
    assert_same_but_for_the_picture(&footage, &room.out());
    assert_only_the_face_is_new(&footage, &room.out());
    assert_eq!(room.parts(), Vec::<PathBuf>::new());

    // once more: there is nothing left to do
    let film = fs::read(room.out()).expect("the film");
    let again = Ran::of(&mut swap()).expect(code::DONE).events();
    last(&again);
    assert_eq!(work(&again, "extract") + work(&again, "convert"), 0, "something was done twice");
    assert!(fs::read(room.out()).expect("the film") == film, "the film was made anew");

    // by hand, under other names
    let project = room.path("by-hand");
    let step = |arguments: &[&str], clips: &[&Path]| {
        Ran::of(bifrons().args(arguments).args(clips).arg("--project").arg(&project)).expect(code::DONE)
    };
    Ran::of(bifrons().arg("new").arg(&project).args(["--preset", "film", "--seed", "1"])).expect(code::DONE);
    step(&["add", "--as", "alice"], &[&face]);
    step(&["add", "--as", "bob"], &[&footage]);
    step(&["extract"], &[]);
    step(&["train", "--iterations", "10"], &[]);
    let by_hand = room.path("by-hand.mp4");
    step(&["convert", "--face", "alice", "-o"], &[&by_hand, Path::new("--onto"), &footage]);
    assert_eq!(frame_hashes(&by_hand), frame_hashes(&room.out()), "one line and the steps by hand differ");

    let sheet = room.path("sheet.jpg");
    let mut draw = bifrons();
    draw.arg("sheet").arg("--footage").arg(&footage).arg("--result").arg(&by_hand).arg("-o").arg(&sheet);
    Ran::of(draw.arg("--project").arg(&project)).expect(code::DONE);
    assert!(fs::read(&sheet).expect("the sheet").starts_with(&[0xFF, 0xD8]), "not a JPEG");

    let after = [&face, &footage].map(|path| fs::read(path).expect("a clip"));
    assert!(after == inputs, "an input has changed");
}

#[test]
fn another_person_in_frame_stays() {
    let room = Room::new();
    let face =
        Cut { sound: false, start_secs: 20.0, ..Cut::new(Real::Webcam, 12) }.make(room.path("face.mp4"));
    // the one on the left is seen for longer: it is their footage
    let footage = two_people(room.path("two.mp4"), 48, 16);
    let ran = Ran::of(room.swap(&face, &footage).args(["--iterations", "1"])).expect(code::DONE);
    assert!(ran.stderr.contains("somebody else is seen there too and stays"), "{}", ran.all());

    let (before, after) = (Grey::of(&footage), Grey::of(&room.out()));
    assert_eq!(after.count(), 48);
    let left = before.difference(&after, 0..48, INTERVIEW_FACE);
    assert!(left > DRAWN_ANEW, "the face differs by {left:.1} only: nothing was swapped");
    let right = before.difference(&after, 0..48, [380, 0, 340, 288]);
    assert!(right < ENCODED_AGAIN, "{right:.1} off where the other person is");
}

#[test]
fn the_face_may_come_from_pictures() {
    let room = Room::new();
    let folder = room.path("stills");
    fs::create_dir(&folder).expect("a new folder");
    let mut still = ffmpeg();
    still.arg("-i").arg(Real::Webcam.path()).args([
        "-vf",
        "select='not(mod(n,60))'",
        "-fps_mode",
        "passthrough",
    ]);
    still.args(["-frames:v", "6"]).arg(folder.join("%03d.png"));
    assert!(still.status().expect("FFmpeg is installed").success());
    let footage = Cut::new(Real::Interview, 12).make(room.path("interview.mp4"));

    let ran = Ran::of(room.swap(&folder, &footage).args(["--iterations", "1"])).expect(code::DONE);
    assert!(ran.stderr.contains("faces of stills: 6"), "{}", ran.all());
    assert_same_but_for_the_picture(&footage, &room.out());
    assert_only_the_face_is_new(&footage, &room.out());
}

#[test]
fn a_model_is_not_trained_on_with_other_people_or_another_preset() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 6) }.make(room.path("webcam.mp4"));
    let footage = Cut::new(Real::Interview, 6).make(room.path("interview.mp4"));
    Ran::of(room.swap(&face, &footage).args(["--iterations", "1"])).expect(code::DONE);
    let before = support::files_below(&room.project().join("model"));
    let film = fs::read(room.out()).expect("the film");

    let other = Ran::of(room.swap(&face, &footage).args(["--iterations", "1", "--preset", "original"]));
    let other = other.expect(code::USAGE);
    for text in ["preset `film`", "preset `original`", "hint: use another --project folder"] {
        assert!(other.stderr.contains(text), "{}", other.all());
    }
    assert_eq!(support::files_below(&room.project().join("model")), before, "the model was touched");
    assert!(fs::read(room.out()).expect("the film") == film, "the film was touched");
}
