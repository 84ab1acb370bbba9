//! The model as people handle it: looked at, as a file, with somebody who joins, as a film of how it came to be.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::film::{Grey, frame_hashes};
use support::footage::{Cut, Real};
use support::{Ran, Room, bifrons, code, write};

const ITERATIONS: &str = "12";
/// Squared grey levels by which one picture under two marks may differ: twice `1.95²`, and what encoding adds.
const TWO_MARKS: f64 = 9.0;

/// A project in which two people were found and trained.
fn trained(room: &Room) -> (PathBuf, PathBuf) {
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 16) }.make(room.path("webcam.mp4"));
    let footage = Cut { sound: false, ..Cut::new(Real::Interview, 16) }.make(room.path("interview.mp4"));
    Ran::of(room.swap(&face, &footage).args(["--iterations", ITERATIONS])).expect(code::DONE);
    (face, footage)
}

fn in_project(project: &Path, words: &[&str]) -> Command {
    let mut command = bifrons();
    command.args(words).arg("--project").arg(project).arg("--json");
    command
}

fn figure(ran: &Ran, name: &str) -> f64 {
    let events = ran.events();
    let measured = &events.last().expect("a result")["measured"];
    measured[name].as_f64().unwrap_or_else(|| panic!("no {name} in {measured}"))
}

#[test]
fn a_model_goes_into_a_file_and_out_of_it_again() {
    let room = Room::new();
    let (face, footage) = trained(&room);
    let inspected = Ran::of(&mut in_project(&room.project(), &["model", "inspect"])).expect(code::DONE);
    assert_eq!(figure(&inspected, "iterations"), 12.0);
    assert!(figure(&inspected, "loss_of_webcam") > 0.0);

    let file = room.path("model.safetensors");
    let name = file.to_str().expect("a plain name");
    Ran::of(&mut in_project(&room.project(), &["model", "export", "-o", name])).expect(code::DONE);
    let told = Ran::of(bifrons().args(["model", "inspect", name])).expect(code::DONE);
    assert!(told.stderr.contains("webcam, interview, 12 iterations"), "{}", told.all());

    // another project with the same clips draws the same film
    let other = room.path("other.bifrons");
    Ran::of(bifrons().arg("new").arg(&other)).expect(code::DONE);
    let (text, out) = (footage.to_str().expect("a plain name"), room.path("again.mp4"));
    let of_face = face.to_str().expect("a plain name");
    Ran::of(&mut in_project(&other, &["add", "--as", "webcam", of_face])).expect(code::DONE);
    Ran::of(&mut in_project(&other, &["add", "--as", "interview", text])).expect(code::DONE);
    Ran::of(&mut in_project(&other, &["extract"])).expect(code::DONE);
    Ran::of(&mut in_project(&other, &["model", "import", name])).expect(code::DONE);
    let line = ["convert", "--face", "webcam", "--onto", text, "-o", out.to_str().expect("a plain name")];
    Ran::of(&mut in_project(&other, &line)).expect(code::DONE);
    assert_eq!(frame_hashes(&out), frame_hashes(&room.out()));

    // a model is never replaced
    let again = Ran::of(&mut in_project(&other, &["model", "import", name])).expect(code::USAGE);
    assert!(again.stdout.contains("has a model already"), "{}", again.all());

    // it can be trained on, and footage is never written to
    Ran::of(&mut in_project(&other, &["add", "--as", "webcam", face.to_str().expect("a plain name")]))
        .expect(code::DONE);
    Ran::of(&mut in_project(&other, &["extract"])).expect(code::DONE);
    Ran::of(&mut in_project(&other, &["train", "--iterations", "13"])).expect(code::DONE);
    for line in [["model", "export", "-o", text], ["model", "timelapse", "-o", text]] {
        let ran = Ran::of(&mut in_project(&other, &line)).expect(code::USAGE);
        assert!(ran.stdout.contains("would overwrite footage: "), "{}", ran.all());
    }
    let line = ["convert", "--face", "webcam", "--onto", text, "-o", text];
    Ran::of(&mut in_project(&other, &line)).expect(code::USAGE);

    // a file that is damaged, cut short, or something else is refused
    let whole = fs::read(&file).expect("the model");
    let mut without_note = whole.clone();
    let note = without_note.windows(9).position(|bytes| bytes == b"\"bifrons\"").expect("a note");
    without_note[note + 1] = b'x';
    for (bytes, says) in [
        (&whole[..whole.len() / 2], "not a safetensors file"),
        (&whole[..5], "not a safetensors file"),
        (&b"a text"[..], "not a safetensors file"),
        (&without_note[..], "not of Bifrons"),
    ] {
        let bad = room.path("bad.safetensors");
        write(&bad, bytes);
        let ran = Ran::of(bifrons().args(["model", "inspect"]).arg(&bad)).expect(code::INPUT);
        assert!(ran.stderr.contains("bad.safetensors") && ran.stderr.contains(says), "{}", ran.all());
    }
}

#[test]
fn somebody_joins_a_finished_model() {
    let room = Room::new();
    let (_, footage) = trained(&room);
    let project = room.project();
    // the man before the webcam in other colours: to the decoder somebody else
    let other = Cut { sound: false, filter: "hflip,hue=h=90", start_secs: 9.0, ..Cut::new(Real::Webcam, 12) };
    let third = other.make(room.path("carol.mp4"));
    let third = third.to_str().expect("a plain name");
    Ran::of(&mut in_project(&project, &["add", "--as", "carol", third])).expect(code::DONE);
    Ran::of(&mut in_project(&project, &["extract"])).expect(code::DONE);
    // a limit that was reached before carol came is said to be reached
    let reached = ["train", "--iterations", "12"];
    let ran = Ran::of(&mut in_project(&project, &reached)).expect(code::DONE);
    assert!(ran.stdout.contains("a limit is reached already"), "{}", ran.all());
    let unknown = ["train", "--iterations", "15", "--only", "dave"];
    let ran = Ran::of(&mut in_project(&project, &unknown)).expect(code::INPUT);
    assert!(ran.stdout.contains("dave is not among the people"), "{}", ran.all());
    let joined = ["train", "--iterations", "15", "--only", "carol"];
    let ran = Ran::of(&mut in_project(&project, &joined)).expect(code::DONE);
    assert!(ran.stdout.contains("carol joins the model"), "{}", ran.all());
    assert_eq!(figure(&ran, "iterations"), 15.0);

    // what was finished draws as before, and the new person is drawn
    let footage_name = footage.to_str().expect("a plain name");
    let film = |face: &str, out: &Path| {
        let out = out.to_str().expect("a plain name");
        let line = ["convert", "--face", face, "--onto", footage_name, "-o", out];
        Ran::of(&mut in_project(&project, &line)).expect(code::DONE);
    };
    let (same, new) = (room.path("same.mp4"), room.path("new.mp4"));
    film("webcam", &same);
    film("carol", &new);
    let face = [150, 90, 90, 90];
    let off = |one: &Path, other: &Path| Grey::of(one).difference(&Grey::of(other), 0..16, face);
    // the marks say how long the model was trained, so they differ
    let (before, between) = (off(&same, &room.out()), off(&same, &new));
    assert!(before < TWO_MARKS, "{before:.1} off: another person's face has changed");
    assert!(between > 2.0 * TWO_MARKS, "{between:.1} off: both faces are the same");

    // then everybody goes on together, with inspectors
    let all = ["train", "--iterations", "18", "--sharpen"];
    Ran::of(&mut in_project(&project, &all)).expect(code::DONE);
    let inspectors = project.join("model/step-00000018/inspectors.safetensors");
    assert!(inspectors.is_file(), "the inspectors are not kept");
    // they say of a film how drawn it looks
    let inspect = ["inspect", footage_name];
    let ran = Ran::of(&mut in_project(&project, &inspect)).expect(code::DONE);
    assert_eq!(figure(&ran, "frames_with_a_face"), 16.0);
    assert!((0.0..=1.0).contains(&figure(&ran, "drawn_share_as_interview")));
    // and on from there: the same command with a later end
    let all = ["train", "--iterations", "20", "--sharpen"];
    Ran::of(&mut in_project(&project, &all)).expect(code::DONE);
}

#[test]
fn a_new_model_begins_with_what_another_has_learnt() {
    let room = Room::new();
    let (face, footage) = trained(&room);
    let other = room.path("other.bifrons");
    Ran::of(bifrons().arg("new").arg(&other)).expect(code::DONE);
    for (name, clip) in [("alice", &face), ("bob", &footage)] {
        let clip = clip.to_str().expect("a plain name");
        Ran::of(&mut in_project(&other, &["add", "--as", name, clip])).expect(code::DONE);
    }
    Ran::of(&mut in_project(&other, &["extract"])).expect(code::DONE);
    let clip = footage.to_str().expect("a plain name");
    let ran = Ran::of(&mut in_project(&room.project(), &["inspect", clip])).expect(code::INPUT);
    assert!(ran.stdout.contains("has no inspectors") && ran.stdout.contains("--sharpen"), "{}", ran.all());
    let alone = ["train", "--iterations", "2", "--only", "alice"];
    let ran = Ran::of(&mut in_project(&other, &alone)).expect(code::INPUT);
    assert!(ran.stdout.contains("no model yet beside which"), "{}", ran.all());
    let ran = Ran::of(&mut in_project(&other, &["train", "--plateau"])).expect(code::INPUT);
    assert!(ran.stdout.contains("16 faces") && ran.stdout.contains("--minutes"), "{}", ran.all());
    let from = |path: &Path| {
        let path = path.to_str().expect("a plain name").to_owned();
        Ran::of(&mut in_project(&other, &["train", "--iterations", "2", "--start-from", &path]))
    };
    let ran = from(&room.path("nowhere")).expect(code::INPUT);
    assert!(ran.stdout.contains("holds no model to start from"), "{}", ran.all());
    let ran = from(&room.project()).expect(code::DONE);
    assert!(ran.stdout.contains("begins with the encoder of"), "{}", ran.all());
}

#[test]
fn previews_become_a_film_and_memory_is_told_beforehand() {
    let room = Room::new();
    let none = room.path("none.bifrons");
    Ran::of(bifrons().arg("new").arg(&none)).expect(code::DONE);
    let out = room.path("how.mp4");
    let line = ["model", "timelapse", "-o", out.to_str().expect("a plain name")];
    let ran = Ran::of(&mut in_project(&none, &line)).expect(code::INPUT);
    assert!(ran.stdout.contains("has no previews yet"), "{}", ran.all());

    let _ = trained(&room);
    let ran = Ran::of(&mut in_project(&room.project(), &line)).expect(code::DONE);
    let previews = figure(&ran, "previews") as usize;
    assert!(previews >= 1);
    assert_eq!(Grey::of(&out).count(), previews + 24);

    let ran = Ran::of(&mut in_project(&room.project(), &["train", "--dry-run"])).expect(code::DONE);
    let told = figure(&ran, "memory_needed_mib");
    fs::remove_dir_all(room.project().join("model")).expect("the model");
    let ran = Ran::of(&mut in_project(&room.project(), &["train", "--iterations", "6"])).expect(code::DONE);
    let took = figure(&ran, "peak_memory_mib");
    assert!((told / took - 1.0).abs() < 0.1, "{told} MiB were told, {took} were taken");
}
