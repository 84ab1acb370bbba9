//! Films say where they come from: sealed, marked, with what people agreed to; and `verify` tells.

mod support;

use std::fs;
use std::path::Path;

use bifrons_extraction::gate;
use bifrons_project::{ClipFingerprint, Judgement, Project};
use serde_json::Value;
use support::film::Grey;
use support::footage::{Cut, Real, ffmpeg};
use support::{Ran, Room, bifrons, code, write};

/// What `verify` adds to the exit codes.
const INTACT: i32 = 0;
const CHANGED: i32 = 5;
const ONLY_THE_MARK: i32 = 6;
const NOTHING: i32 = 7;

/// Where the line stands in a frame of 360x288: `[left, top, width, height]`.
const CORNER: [usize; 4] = [2, 275, 105, 11];

fn verify(file: &Path, verdict: i32, says: &[&str]) -> Ran {
    let ran = Ran::of(bifrons().arg("verify").arg(file)).expect(verdict);
    for text in says {
        assert!(ran.stdout.contains(text), "`{text}` is not said:\n{}", ran.all());
    }
    ran
}

fn in_project(room: &Room, arguments: &[&str]) -> std::process::Command {
    let mut command = bifrons();
    command.args(arguments).arg("--project").arg(room.project());
    command
}

fn treated(film: &Path, out: &Path, how: &[&str]) {
    let mut command = ffmpeg();
    let status = command.arg("-i").arg(film).args(how).arg(out).status();
    assert!(status.expect("FFmpeg is installed").success());
}

#[test]
fn a_film_says_what_was_done_and_who_agreed_and_keeps_its_mark_when_the_rest_is_gone() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("webcam.mp4"));
    let footage = Cut::new(Real::Interview, 24).make(room.path("interview.mp4"));
    let film = room.out();
    let ran = Ran::of(room.swap(&face, &footage).args(["--iterations", "1", "--preset", "quick"]));
    let ran = ran.expect(code::DONE);
    assert!(ran.stderr.contains("no consent of webcam and interview is on record"), "{}", ran.all());
    verify(
        &film,
        INTACT,
        &[
            "intact: nothing was changed since it was signed",
            "Bifrons 0.",
            "the face of interview was replaced by that of webcam, in all 24 frames",
            "preset quick, 1 iterations, model ",
            "identity: NO CONSENT RECORD",
            "footage: NO CONSENT RECORD",
            "edit of    interview.mp4",
            "with       webcam.mp4",
            "This computer",
            "in the picture as in the manifest",
        ],
    );
    let before = Grey::of(&footage);
    let label = before.difference(&Grey::of(&film), 0..24, CORNER);
    assert!(label > 500.0, "the corner differs by {label:.0} only: nothing stands there");

    // they agree: the same film again, without the line
    for person in ["webcam", "interview"] {
        Ran::of(&mut in_project(&room, &["consent", "add", "--of", person, "--basis", "research"]))
            .expect(code::DONE);
    }
    let agreed = room.path("agreed.mp4");
    let mut convert = in_project(&room, &["convert", "--face", "webcam"]);
    Ran::of(convert.arg("--onto").arg(&footage).arg("-o").arg(&agreed)).expect(code::DONE);
    verify(&agreed, INTACT, &["identity: a published research set", "footage: a published research set"]);
    let label = before.difference(&Grey::of(&agreed), 0..24, CORNER);
    assert!(label < 12.0, "the corner differs by {label:.0}: the line is still there");

    // both clips passed the gate, and were looked at once
    let list = Ran::of(&mut in_project(&room, &["consent", "list"])).expect(code::DONE);
    for text in ["webcam.mp4: 0 of the 12 frames looked at seem sexual", "interview.mp4: 0 of the 24 frames"]
    {
        assert!(list.stderr.contains(text), "`{text}` is not said:\n{}", list.all());
    }
    let check = Ran::of(&mut in_project(&room, &["--json", "consent", "check"])).expect(code::DONE);
    assert_eq!(check.events().pop().expect("an end")["measured"]["clips_judged"], 2.0);

    let ran = Ran::of(bifrons().args(["--json", "verify"]).arg(&agreed)).expect(INTACT);
    let events = ran.events();
    let verified = events.iter().find(|event| event["event"] == "verified").expect("a report");
    let making = &verified["report"]["credentials"]["making"];
    assert_eq!(making["frames_replaced"], serde_json::json!([[0, 23]]));
    assert_eq!(verified["report"]["mark"], making["mark"]);
    assert!(
        making["consent"].as_array().is_some_and(|list| list.iter().all(|note| note["record"].is_string()))
    );

    // one byte of the picture
    let mut bytes = fs::read(&agreed).expect("the film");
    let at = support::film::packet_start(&agreed, 12) + 100;
    bytes[at] ^= 1;
    let touched = room.path("touched.mp4");
    write(&touched, &bytes);
    verify(&touched, CHANGED, &["changed since it was signed", "mismatch"]);

    // everything taken off
    let number = verified["report"]["mark"].as_str().expect("a mark");
    let [copied, small] = ["copied.mp4", "small.mkv"].map(|name| room.path(name));
    treated(&agreed, &copied, &["-c", "copy", "-map_metadata", "-1"]);
    verify(&copied, ONLY_THE_MARK, &["Content Credentials were taken off", number, "made with Bifrons"]);
    treated(&copied, &small, &["-vf", "crop=324:260:13:9,scale=240:-2", "-c:v", "libx264", "-crf", "23"]);
    verify(&small, ONLY_THE_MARK, &[number]);
    verify(&footage, NOTHING, &["nothing says where it comes from"]);
    assert_eq!(room.parts(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn nobodys_face_is_used_beyond_what_they_agreed_to() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 6) }.make(room.path("webcam.mp4"));
    let footage = Cut::new(Real::Interview, 6).make(room.path("interview.mp4"));
    Ran::of(bifrons().arg("new").arg(room.project())).expect(code::DONE);
    let release = room.path("release.pdf");
    write(&release, "signed by W.");
    let mut add =
        in_project(&room, &["consent", "add", "--of", "webcam", "--basis", "release", "--for", "footage"]);
    add.args(["--until", "2999-12-31", "--release"]).arg(&release);
    let ran = Ran::of(&mut add).expect(code::DONE);
    assert!(
        ran.stderr.contains("webcam: a signed release, to be replaced in footage, until 2999-12-31"),
        "{}",
        ran.all()
    );

    let swap = || {
        let mut swap = room.swap(&face, &footage);
        swap.args(["--iterations", "1", "--preset", "quick"]);
        swap
    };
    let refused = |says: &str| {
        let ran = Ran::of(&mut swap()).expect(code::INPUT);
        for text in [says, "the consent of `webcam` does not allow this", "hint: ask them"] {
            assert!(ran.stderr.contains(text), "`{text}` is not said:\n{}", ran.all());
        }
        assert!(!room.out().exists(), "a film was left");
    };
    refused("it is for being replaced in footage, not for being put onto others");
    Ran::of(&mut in_project(&room, &["consent", "add", "--of", "webcam", "--until", "2001-01-01"]))
        .expect(code::DONE);
    refused("it ended on 2001-01-01");
    let check = Ran::of(&mut in_project(&room, &["consent", "check"])).expect(code::DONE_WITH_FAILURES);
    assert!(check.stderr.contains("it ended on 2001-01-01"), "{}", check.all());
    Ran::of(&mut in_project(&room, &["consent", "withdraw", "--of", "webcam"])).expect(code::DONE);
    refused("it was withdrawn on 2");

    // a release that is no longer the one that was signed
    let mut add = in_project(&room, &["consent", "add", "--of", "webcam", "--basis", "release"]);
    Ran::of(add.arg("--release").arg(&release)).expect(code::DONE);
    write(&release, "signed by nobody");
    let check =
        Ran::of(&mut in_project(&room, &["--json", "consent", "check"])).expect(code::DONE_WITH_FAILURES);
    assert!(check.stdout.contains("is not the release it was"), "{}", check.all());
    let last: Value = check.events().pop().expect("an end");
    assert_eq!(last["measured"]["lines_of_the_log"], 4.0);
    let list = Ran::of(&mut in_project(&room, &["consent", "list"])).expect(code::DONE);
    assert!(list.stderr.contains("interview: no record"), "{}", list.all());
}

/// There is no sexual footage to test with: the verdict is put into the log.
#[test]
fn what_the_gate_refused_is_not_worked_on() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 6) }.make(room.path("webcam.mp4"));
    let footage = Cut::new(Real::Interview, 6).make(room.path("interview.mp4"));
    let swap = || {
        let mut swap = room.swap(&face, &footage);
        swap.args(["--iterations", "1", "--preset", "quick"]);
        swap
    };
    let refused = |command: &mut std::process::Command, clip: &str| {
        let ran = Ran::of(command).expect(code::INPUT);
        let says = "sexual footage is not worked on (5 of the 6 frames looked at are explicit)";
        for text in [says, clip, "hint: nothing was made of it"] {
            assert!(ran.stderr.contains(text), "`{text}` is not said:\n{}", ran.all());
        }
    };
    let judged = |project: &Project, clip: &Path| {
        let look = Judgement { method: gate::METHOD, frames: 6, explicit: 5, refused: true };
        project.index().add_judgement(ClipFingerprint::of(clip).expect("a clip"), look).expect("a line");
    };
    for (clip, name) in [(&face, "webcam.mp4"), (&footage, "interview.mp4")] {
        judged(&Project::create(&room.project()).expect("a project"), clip);
        refused(&mut swap(), name);
        assert!(!room.out().exists(), "a film was left");
        fs::remove_dir_all(room.project()).expect("removed");
    }

    // a clip that joins a project that is trained already
    Ran::of(&mut swap()).expect(code::DONE);
    fs::remove_file(room.out()).expect("the film");
    let other = Cut::new(Real::Interview, 7).make(room.path("other.mp4"));
    Ran::of(in_project(&room, &["add", "--as", "interview"]).arg(&other)).expect(code::DONE);
    judged(&Project::open(&room.project()).expect("a project"), &other);
    for command in ["extract", "train"] {
        refused(&mut in_project(&room, &[command]), "other.mp4");
    }
    let mut convert = in_project(&room, &["convert", "--face", "webcam"]);
    refused(convert.arg("--onto").arg(&other).arg("-o").arg(room.out()), "other.mp4");
    assert!(!room.out().exists(), "a film was left");
    let list = Ran::of(&mut in_project(&room, &["consent", "list"])).expect(code::DONE);
    assert!(list.stderr.contains("seem sexual: it is not worked on"), "{}", list.all());
}

#[test]
fn keys_are_made_once_and_a_kind_of_file_without_a_place_for_a_seal_is_refused() {
    let room = Room::new();
    let settings = room.path("settings");
    let init = || {
        let mut init = bifrons();
        init.args(["seal", "init"]).env("XDG_CONFIG_HOME", &settings);
        Ran::of(&mut init)
    };
    let ran = init().expect(code::DONE);
    assert!(
        ran.stderr.contains("signed by this computer") && ran.stderr.contains("not from whom"),
        "{}",
        ran.all()
    );
    let key = settings.join("bifrons/seal/private-key.pem");
    let before = fs::read(&key).expect("the key");
    let again = init().expect(code::USAGE);
    assert!(
        again.stderr.contains("holds keys already") && again.stderr.contains("hint: "),
        "{}",
        again.all()
    );
    assert_eq!(fs::read(&key).expect("the key"), before);

    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 6) }.make(room.path("webcam.mp4"));
    let footage = Cut::new(Real::Interview, 6).make(room.path("interview.mp4"));
    let mut swap = bifrons();
    swap.arg("swap").arg("--face").arg(&face).arg("--onto").arg(&footage).arg("-o").arg(room.path("out.mkv"));
    let ran = Ran::of(&mut swap).expect(code::USAGE);
    assert!(
        ran.stderr.contains("cannot hold Content Credentials") && ran.stderr.contains(".mp4"),
        "{}",
        ran.all()
    );
    assert!(!room.project().exists() && !room.path("out.mkv").exists());
}
