//! What compositors get: new faces as pictures, and mattes.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use support::film::{Grey, assert_same_but_for_the_picture, frame_hashes};
use support::footage::{Cut, Real};
use support::{Ran, Room, bifrons, code, files_below, write};

const FRAMES: usize = 24;
/// In frame pixels: left, top, width, height. The middle of the face, and where there is none.
const FACE: [usize; 4] = [170, 130, 50, 50];
const CORNER: [usize; 4] = [0, 0, 40, 40];

#[test]
fn faces_for_compositors_lie_where_the_film_has_them() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("webcam.mp4"));
    let footage = Cut::new(Real::Interview, FRAMES).make(room.path("interview.mp4"));
    let project = room.path("film");
    let step = |arguments: &[&str], paths: &[&Path]| {
        Ran::of(bifrons().args(arguments).args(paths).arg("--project").arg(&project))
    };
    Ran::of(bifrons().arg("new").arg(&project).args(["--preset", "quick"])).expect(code::DONE);
    step(&["add", "--as", "alice"], &[&face]).expect(code::DONE);
    step(&["add", "--as", "bob"], &[&footage]).expect(code::DONE);
    step(&["extract"], &[]).expect(code::DONE);
    step(&["train", "--iterations", "2"], &[]).expect(code::DONE);

    // a face without a record of consent does not leave by itself, and nothing else is made first
    let convert = ["convert", "--face", "alice", "--onto"];
    let (patches, matte) = (room.path("patches"), room.path("matte.mp4"));
    let all = [&footage, Path::new("--patches"), &patches, Path::new("--matte"), &matte];
    let refused = step(&convert, &all).expect(code::INPUT);
    assert!(refused.stderr.contains("no consent of alice and bob"), "{}", refused.all());
    assert!(refused.stderr.contains("bifrons consent add --of alice"), "{}", refused.all());
    assert!(!patches.exists() && !matte.exists());
    for name in ["alice", "bob"] {
        step(&["consent", "add", "--of", name, "--basis", "research"], &[]).expect(code::DONE);
    }
    step(&convert, &all).expect(code::DONE);

    let text = std::fs::read_to_string(patches.join("patches.json")).expect("the list is there");
    let list: Value = serde_json::from_str(&text).expect("JSON");
    let entries = list["patches"].as_array().expect("patches");
    let frames: BTreeSet<u64> =
        entries.iter().map(|entry| entry["frame"].as_u64().expect("a frame")).collect();
    assert_eq!(frames, (0..FRAMES as u64).collect(), "one face in every frame");
    let found: BTreeSet<String> = files_below(&patches)
        .into_keys()
        .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    let mut expected: BTreeSet<String> =
        entries.iter().map(|entry| entry["file"].as_str().expect("a file").to_owned()).collect();
    expected.extend(["patches.json".to_owned(), "patches.plan".to_owned()]);
    assert_eq!(found, expected);

    // the matrix takes the picture's middle into the face, and its corners where they are said to be
    let entry = &entries[7];
    let number = |value: &Value| value.as_f64().expect("a number");
    let size = number(&list["patch_size_px"]);
    let place = |x: f64, y: f64| {
        [0, 1].map(|row| {
            let row = &entry["frame_from_patch"][row];
            number(&row[0]) * x + number(&row[1]) * y + number(&row[2])
        })
    };
    let inside =
        |value: f64, from: usize, length: usize| (from as f64..(from + length) as f64).contains(&value);
    let [x, y] = place(size / 2.0, size / 2.0);
    assert!(inside(x, FACE[0], FACE[2]) && inside(y, FACE[1], FACE[3]), "{x} {y}");
    let [x, y] = place(size, size);
    assert!(
        (x - number(&entry["corners"][2][0])).abs() < 1e-6
            && (y - number(&entry["corners"][2][1])).abs() < 1e-6
    );

    // sealed and marked as films are, with 16 bits and a mask: kind 6 of PNG
    let picture = patches.join(entry["file"].as_str().expect("a file"));
    let bytes = std::fs::read(&picture).expect("the picture is there");
    assert_eq!(&bytes[24..26], [16, 6]);
    let verified = Ran::of(bifrons().arg("verify").arg(&picture)).expect(code::DONE);
    assert!(verified.stdout.contains("in the picture as in the manifest"), "{}", verified.all());

    // a matte is white on the face, black elsewhere, and lasts as long as the footage
    let cover = Grey::of(&matte);
    assert_eq!(cover.count(), FRAMES);
    let black = Grey::of(&room_of_black(&room));
    assert!(cover.difference(&black, 0..1, FACE) > 150.0 * 150.0);
    assert!(cover.difference(&black, 0..1, CORNER) < 1.0);
    assert_same_but_for_the_picture(&footage, &matte);

    // all of it is there: nothing is made again; what was lost is, and is the same
    let (hashes, pixels) = (frame_hashes(&matte), frame_hashes(&picture));
    let other = patches.join(entries[8]["file"].as_str().expect("a file"));
    let others = std::fs::read(&other).expect("it is there");
    step(&convert, &all).expect(code::DONE);
    assert_eq!(std::fs::read(&other).expect("it is there"), others, "made again");
    std::fs::remove_file(&picture).expect("it was there");
    step(&convert, &all).expect(code::DONE);
    assert_eq!((frame_hashes(&matte), frame_hashes(&picture)), (hashes, pixels));

    // somebody else's folder is left alone
    let holiday = room.path("holiday");
    std::fs::create_dir(&holiday).expect("room");
    write(&holiday.join("beach.png"), "sand");
    let refused = step(&convert, &[&footage, Path::new("--patches"), &holiday]).expect(code::INPUT);
    assert!(refused.stderr.contains("give a new folder"), "{}", refused.all());
    assert_eq!(files_below(&holiday).len(), 1);
}

/// A black film of the footage's size.
fn room_of_black(room: &Room) -> std::path::PathBuf {
    let filter = "drawbox=color=black:t=fill";
    Cut { filter, sound: false, ..Cut::new(Real::Interview, 1) }.make(room.path("black.mp4"))
}
