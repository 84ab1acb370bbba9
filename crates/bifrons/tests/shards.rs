//! A film made in parts, by several processes.

mod support;

use std::path::Path;
use std::process::Stdio;

use support::film::frame_hashes;
use support::footage::{Cut, Real};
use support::{Ran, Room, bifrons, code};

#[test]
fn parts_made_in_any_order_and_killed_make_the_same_film() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("webcam.mp4"));
    // three chunks
    let footage = Cut::new(Real::Interview, 200).make(room.path("interview.mp4"));
    let project = room.path("film");
    let step = |arguments: &[&str], paths: &[&Path]| {
        let mut step = bifrons();
        step.args(arguments).args(paths).arg("--project").arg(&project);
        step
    };
    let done = |arguments: &[&str], paths: &[&Path]| Ran::of(&mut step(arguments, paths)).expect(code::DONE);
    Ran::of(bifrons().arg("new").arg(&project).args(["--preset", "quick"])).expect(code::DONE);
    done(&["add", "--as", "alice"], &[&face]);
    done(&["add", "--as", "bob"], &[&footage]);
    done(&["extract"], &[]);
    done(&["train", "--iterations", "2"], &[]);

    let convert = ["convert", "--face", "alice"];
    let onto = Path::new("--onto");
    let whole = room.path("whole.mp4");
    done(&convert, &[onto, &footage, Path::new("-o"), &whole]);

    let joined = room.path("joined.mp4");
    let part = |shard: &str| {
        step(&convert, &[onto, &footage, Path::new("-o"), &joined, Path::new("--shard"), Path::new(shard)])
    };
    let wrong = Ran::of(&mut part("4/3")).expect(code::USAGE);
    assert!(wrong.stderr.contains("from 1 to N"), "{}", wrong.all());

    // two at once, of which one is killed
    let mut killed = part("2/3").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("bifrons runs");
    let third = Ran::of(&mut part("3/3")).expect(code::DONE);
    killed.kill().expect("it can be killed");
    killed.wait().expect("it ends");
    assert!(third.stderr.contains("pieces of the others are not yet"), "{}", third.all());
    assert!(!joined.exists());
    Ran::of(&mut part("1/3")).expect(code::DONE);
    let last = Ran::of(&mut part("2/3")).expect(code::DONE);
    assert!(last.stderr.contains("all parts are there"), "{}", last.all());
    assert!(!joined.exists());

    done(&convert, &[onto, &footage, Path::new("-o"), &joined]);
    assert_eq!(frame_hashes(&joined), frame_hashes(&whole));
}
