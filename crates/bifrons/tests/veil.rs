//! Hiding who was filmed.

mod support;

use std::path::Path;

use support::film::{Grey, assert_same_but_for_the_picture, probe};
use support::footage::{Cut, Real, titled};
use support::{Ran, Room, bifrons, code};

/// Frames of the footage in which nothing can be seen.
const DARK: std::ops::RangeInclusive<usize> = 20..=25;
/// Of the witness, in frame pixels: left, top, width, height.
const HAIR: [usize; 4] = [125, 30, 120, 25];
const FACE: [usize; 4] = [150, 90, 90, 110];

#[test]
fn a_witness_is_in_no_frame_and_nothing_tells_their_name() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("webcam.mp4"));
    let filter = format!("drawbox=color=gray:t=fill:enable='between(n,{},{})'", DARK.start(), DARK.end());
    let cut = Cut { filter: &filter, ..Cut::new(Real::Interview, 40) }.make(room.path("cut.mp4"));
    let footage = titled(&cut, "Wilma Secret", room.path("wilma.mp4"));
    let project = room.path("film");
    let run = |arguments: &[&str], paths: &[&Path]| {
        Ran::of(bifrons().args(arguments).args(paths).arg("--project").arg(&project)).expect(code::DONE)
    };
    Ran::of(bifrons().arg("new").arg(&project).args(["--preset", "quick"])).expect(code::DONE);
    run(&["add", "--as", "alice"], &[&face]);
    run(&["add", "--as", "wilma"], &[&footage]);
    run(&["extract"], &[]);
    run(&["train", "--iterations", "2"], &[]);

    let film = room.path("film.mp4");
    let convert = ["convert", "--veil", "--json", "--face", "alice", "--onto"];
    let ran = run(&convert, &[&footage, Path::new("-o"), &film]);
    let said = ran.stdout.clone() + &ran.stderr;
    // where the witness was before and is afterwards
    assert!(said.contains("lost") && said.contains("20–25"), "{}", ran.all());
    assert!(said.contains("nobody recognises the person"), "{}", ran.all());

    // and says it again of the finished film
    let again = run(&convert, &[&footage, Path::new("-o"), &film]);
    assert!((again.stdout.clone() + &again.stderr).contains("20–25"), "{}", again.all());

    // every head has changed, its hair too
    let (was, is) = (Grey::of(&footage), Grey::of(&film));
    assert_eq!(is.count(), was.count());
    for frame in (0..40).filter(|frame| !DARK.contains(frame)) {
        for part in [HAIR, FACE] {
            let change = is.difference(&was, frame..frame + 1, part);
            assert!(change > 100.0, "frame {frame}: {part:?} is as filmed ({change:.2})");
        }
    }
    assert_same_but_for_the_picture(&footage, &film);

    let tags = probe(&film, &["-show_format", "-show_streams"]).to_string();
    assert!(!tags.contains("Secret"), "{tags}");
    assert!(probe(&footage, &["-show_format"]).to_string().contains("Secret"), "the footage has no title");
    let bytes = std::fs::read(&film).expect("the film is there");
    for word in ["wilma", "Wilma", "Secret", "alice", "webcam"] {
        let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(!found, "`{word}` stands in the film");
    }
    let verified = Ran::of(bifrons().arg("verify").arg(&film)).expect(code::DONE);
    assert!(verified.stdout.contains("to protect who was filmed"), "{}", verified.all());

    // the same film without a veil keeps the title and is another one
    let swapped = room.path("swapped.mp4");
    run(&["convert", "--face", "alice", "--onto"], &[&footage, Path::new("-o"), &swapped]);
    assert!(probe(&swapped, &["-show_format"]).to_string().contains("Secret"));
}
