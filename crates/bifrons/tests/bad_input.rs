//! What cannot be used is said clearly, with the documented exit code; nothing is left behind and no footage touched.

mod support;

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use support::film::{assert_same_but_for_the_picture, frame_hashes, packet_start};
use support::footage::{Cut, Real, X264, ffmpeg, pattern, tone, turned};
use support::{Ran, Room, bifrons, code, write};

/// A face that is fine, so that only the footage can be at fault.
fn good_face(room: &Room) -> std::path::PathBuf {
    Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("face.mp4"))
}

/// Footage that is fine.
fn good_footage(room: &Room) -> std::path::PathBuf {
    Cut::new(Real::Interview, 12).make(room.path("film.mp4"))
}

/// Runs a swap that must be refused: with this exit code, saying all of `says`, without a film or unfinished files,
/// and with the inputs as they were.
fn refused(room: &Room, command: &mut Command, inputs: &[&Path], exit: i32, says: &[&str]) -> Ran {
    let read = |path: &&Path| fs::read(path).ok();
    let before: Vec<_> = inputs.iter().map(read).collect();
    let ran = Ran::of(command).expect(exit);
    for text in says {
        assert!(ran.stderr.contains(text), "`{text}` is not said:\n{}", ran.all());
    }
    assert!(ran.stderr.contains("error: "), "{}", ran.all());
    assert!(ran.stderr.contains("hint: "), "it does not say what to do:\n{}", ran.all());
    let after: Vec<_> = inputs.iter().map(read).collect();
    assert!(before == after, "an input has changed");
    if !inputs.contains(&room.out().as_path()) {
        assert!(!room.out().exists(), "a film was left");
    }
    assert_eq!(room.parts(), Vec::<std::path::PathBuf>::new(), "unfinished files were left");
    ran
}

/// A file that cannot be opened is refused in either place, before a project is made.
fn refused_in_either_place(room: &Room, bad: &Path, says: &[&str]) {
    let (face, film) = (good_face(room), good_footage(room));
    let name = bad.file_name().and_then(|name| name.to_str()).expect("a name");
    let says = [says, &[name]].concat();
    refused(room, &mut room.swap(&face, bad), &[&face, bad], code::INPUT, &says);
    refused(room, &mut room.swap(bad, &film), &[&film, bad], code::INPUT, &says);
    assert!(!room.project().exists(), "a project was made for nothing");
}

#[test]
fn a_file_that_is_not_there() {
    let room = Room::new();
    refused_in_either_place(&room, &room.path("nowhere.mp4"), &["no such file", "spelling"]);
}

#[test]
fn a_file_that_is_not_a_video() {
    let room = Room::new();
    let bad = room.path("letter.mp4");
    write(&bad, "Dear all,\n\nthis is a letter.\n".repeat(100));
    refused_in_either_place(&room, &bad, &["not a video"]);
}

#[test]
fn a_file_without_a_picture() {
    let room = Room::new();
    let bad = tone(room.path("tone.m4a"));
    refused_in_either_place(&room, &bad, &["only sound"]);
}

#[test]
fn a_file_of_no_length() {
    let room = Room::new();
    let bad = room.path("empty.mp4");
    write(&bad, "");
    refused_in_either_place(&room, &bad, &["empty"]);
}

#[test]
fn a_folder_without_pictures() {
    let room = Room::new();
    let bad = room.path("holiday");
    fs::create_dir(&bad).expect("a new folder");
    refused_in_either_place(&room, &bad, &["no picture in this folder"]);
}

#[test]
fn an_exr_of_another_kind_or_cut_off() {
    let room = Room::new();
    let bad = room.path("plate.exr");
    let made = |format: &str| {
        let mut command = ffmpeg();
        command.args(["-f", "lavfi", "-i", "testsrc2=s=64x48", "-frames:v", "1", "-pix_fmt", format]);
        assert!(command.args(["-c:v", "exr"]).arg(&bad).status().expect("FFmpeg is installed").success());
    };
    made("grayf32le");
    refused_in_either_place(&room, &bad, &["the channels Y", "one layer with R, G, B"]);
    made("gbrpf32le");
    let bytes = fs::read(&bad).expect("it was made");
    write(&bad, &bytes[..150]);
    refused_in_either_place(&room, &bad, &["not a readable OpenEXR picture"]);
}

#[test]
fn an_exr_whose_light_was_cut_off_is_refused_before_training() {
    let room = Room::new();
    let (face, plate) = (good_face(&room), room.path("plate.exr"));
    let mut command = ffmpeg();
    command.args(["-ss", "2", "-i"]).arg(Real::Interview.path());
    command.args(["-frames:v", "1", "-pix_fmt", "gbrpf32le", "-c:v", "exr"]).arg(&plate);
    assert!(command.status().expect("FFmpeg is installed").success());
    let bytes = fs::read(&plate).expect("it was made");
    write(&plate, &bytes[..bytes.len() / 2]);
    let mut swap = bifrons();
    swap.arg("swap").arg("--face").arg(&face).arg("--onto").arg(&plate);
    swap.arg("-o").arg(room.path("made.exr")).args(["--iterations", "1"]);
    let inputs = [face.as_path(), plate.as_path()];
    refused(&room, &mut swap, &inputs, code::INPUT, &["plate.exr", "not a readable OpenEXR picture"]);
    assert!(!room.path("made.exr").exists() && !room.path("made.bifrons/model").exists());
}

#[test]
fn a_film_whose_index_was_cut_off() {
    // without `+faststart` the index stands at the end
    let room = Room::new();
    let whole = Cut { codec: &X264[..8], ..Cut::new(Real::Interview, 24) }.make(room.path("whole.mp4"));
    let bytes = fs::read(&whole).expect("the clip");
    let bad = room.path("half.mp4");
    write(&bad, &bytes[..bytes.len() / 2]);
    refused_in_either_place(&room, &bad, &["not a video"]);
}

#[test]
fn footage_without_a_face() {
    let room = Room::new();
    let (face, film) = (good_face(&room), pattern(room.path("pattern.mp4"), 25));
    let mut swap = room.swap(&face, &film);
    refused(
        &room,
        swap.args(["--iterations", "1"]),
        &[&face, &film],
        code::INPUT,
        &["no face", "pattern.mp4", "hint: use footage"],
    );
}

/// A clip of 60 frames, cut off in the middle of its frame 34, or cleanly before it. The index at its beginning
/// promises all of them.
fn cut_short(cut: &Cut<'_>, cleanly: bool, room: &Room, name: &str) -> std::path::PathBuf {
    let whole = Cut { frames: 60, ..cut.clone() }.make(room.path("whole.mp4"));
    let bytes = fs::read(&whole).expect("the clip");
    let end = packet_start(&whole, 34) + if cleanly { 0 } else { 100 };
    let path = room.path(name);
    write(&path, &bytes[..end]);
    path
}

/// How many of `expected` frames the program says it could decode.
fn decoded(ran: &Ran, expected: usize) -> usize {
    let words = ran.stderr.split_whitespace().collect::<Vec<_>>();
    let said = words.windows(3).find(|said| said[1] == "of" && said[2] == expected.to_string());
    let number = said.and_then(|said| said[0].parse().ok());
    number.unwrap_or_else(|| panic!("it does not say how many of {expected} frames:\n{}", ran.all()))
}

#[test]
fn footage_cut_short_is_refused_before_training_and_each_time() {
    for cleanly in [false, true] {
        let room = Room::new();
        let face = good_face(&room);
        let film = cut_short(&Cut::new(Real::Interview, 60), cleanly, &room, "half.mp4");
        for _ in 0..2 {
            let mut swap = room.swap(&face, &film);
            let ran =
                refused(&room, swap.args(["--iterations", "1"]), &[&face, &film], code::INPUT, &["half.mp4"]);
            assert!((30..=34).contains(&decoded(&ran, 60)), "{}", ran.all());
            assert!(!room.project().join("model").exists(), "it was trained for nothing");
        }
    }
}

#[test]
fn an_identity_cut_short_is_used_as_far_as_it_goes_and_said_to_be() {
    let room = Room::new();
    let face = cut_short(&Cut { sound: false, ..Cut::new(Real::Webcam, 60) }, false, &room, "half.mp4");
    let film = good_footage(&room);
    let ran = Ran::of(room.swap(&face, &film).args(["--iterations", "1"])).expect(code::DONE_WITH_FAILURES);
    let decoded = decoded(&ran, 60);
    assert!((30..=34).contains(&decoded), "{}", ran.all());
    assert!(ran.stderr.contains("half.mp4") && ran.stderr.contains("hint: "), "{}", ran.all());
    assert!(ran.stderr.contains(&format!("faces of half: {decoded}\n")), "{}", ran.all());
    assert_same_but_for_the_picture(&film, &room.out());
}

#[test]
fn footage_with_damage_in_the_middle_is_never_shortened_in_silence() {
    let room = Room::new();
    let face = good_face(&room);
    let film = Cut::new(Real::Interview, 48).make(room.path("film.mp4"));
    let mut bytes = fs::read(&film).expect("the clip");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 600].iter_mut().for_each(|byte| *byte ^= 0xA5);
    write(&film, &bytes);

    let mut swap = room.swap(&face, &film);
    let ran = Ran::of(swap.args(["--iterations", "1"]));
    match ran.code {
        code::DONE => assert_eq!(frame_hashes(&room.out()).len(), 48, "{}", ran.all()),
        code::DONE_WITH_FAILURES => {
            assert!(decoded(&ran, 48) < 48, "{}", ran.all());
            assert_eq!(frame_hashes(&room.out()).len(), 48, "{}", ran.all());
        }
        code::INPUT => assert!(decoded(&ran, 48) < 48 && !room.out().exists(), "{}", ran.all()),
        _ => panic!("{}", ran.all()),
    }
    assert!(fs::read(&film).expect("the clip") == bytes, "the footage has changed");
}

/// Footage that is unusual and fine: the film is like it in all but the face.
fn swapped(room: &Room, film: &Path) {
    let face = good_face(room);
    let before = fs::read(film).expect("the clip");
    let mut swap = room.swap(&face, film);
    let ran = Ran::of(swap.args(["--iterations", "1"])).expect(code::DONE);
    assert!(ran.stderr.contains("frames swapped: "), "{}", ran.all());
    assert!(!ran.stderr.contains("frames swapped: 0"), "{}", ran.all());
    assert_same_but_for_the_picture(film, &room.out());
    assert!(frame_hashes(&room.out()) != frame_hashes(film), "nothing was swapped");
    assert!(fs::read(film).expect("the clip") == before, "the footage has changed");
}

#[test]
fn one_frame() {
    let room = Room::new();
    swapped(&room, &Cut { sound: false, ..Cut::new(Real::Interview, 1) }.make(room.path("one.mp4")));
}

#[test]
fn odd_width_and_height() {
    let room = Room::new();
    let codec = ["-c:v", "mpeg4", "-q:v", "2", "-pix_fmt", "yuv420p"];
    let cut = Cut { filter: "crop=357:285:exact=1", codec: &codec, ..Cut::new(Real::Interview, 12) };
    swapped(&room, &cut.make(room.path("odd.mp4")));
}

#[test]
fn frames_at_uneven_times() {
    let room = Room::new();
    let cut = Cut { filter: "select='not(eq(mod(n,5),1)+eq(mod(n,7),3))'", ..Cut::new(Real::Interview, 20) };
    swapped(&room, &cut.make(room.path("uneven.mp4")));
}

#[test]
fn a_rotation_flag() {
    let room = Room::new();
    let cut = Cut::new(Real::Interview, 12);
    swapped(&room, &turned(&cut, room.path("stored.mp4"), room.path("turned.mp4")));
}

#[test]
fn no_sound() {
    let room = Room::new();
    swapped(&room, &Cut { sound: false, ..Cut::new(Real::Interview, 12) }.make(room.path("silent.mp4")));
}

#[test]
fn what_was_typed_wrong_is_found_before_anything_is_made() {
    let room = Room::new();
    let (face, film) = (good_face(&room), good_footage(&room));
    let inputs = [face.as_path(), film.as_path()];
    let typed = |arguments: &[&str], says: &[&str]| {
        refused(&room, room.swap(&face, &film).args(arguments), &inputs, code::USAGE, says);
    };
    typed(&["--preset", "quik"], &["`quik`", "quick, film, original"]);
    typed(&["--device", "cdua"], &["`cdua`", "cpu"]);
    refused(&room, &mut room.swap(&film, &film), &inputs, code::USAGE, &["the same clip"]);
    assert!(!room.project().exists(), "a project was made for nothing");
}

#[test]
fn an_output_that_would_replace_its_input_or_has_no_folder() {
    let room = Room::new();
    let (face, film) = (good_face(&room), good_footage(&room));
    let onto = |output: &Path| {
        let mut swap = bifrons();
        swap.arg("swap").arg("--face").arg(&face).arg("--onto").arg(&film).arg("-o").arg(output);
        swap
    };
    let inputs = [face.as_path(), film.as_path()];
    refused(&room, &mut onto(&film), &inputs, code::USAGE, &["film.mp4", "overwrite"]);
    refused(&room, &mut onto(&face), &inputs, code::USAGE, &["face.mp4", "overwrite"]);
    refused(&room, &mut onto(&room.path("./film.mp4")), &inputs, code::USAGE, &["film.mp4", "overwrite"]);
    refused(
        &room,
        &mut onto(&room.path("no/out.mp4")),
        &inputs,
        code::INPUT,
        &["out.mp4", "does not exist", "mkdir -p"],
    );
}

#[test]
fn a_project_of_another_version_is_left_as_it_is() {
    let room = Room::new();
    let (face, film) = (good_face(&room), good_footage(&room));
    let inputs = [face.as_path(), film.as_path()];
    let make = |name: &str| {
        let project = room.path(name);
        Ran::of(bifrons().arg("new").arg(&project)).expect(code::DONE);
        project
    };
    let refuse = |project: &Path, file: &str, says: &[&str]| {
        let before = fs::read(project.join(file)).expect("a file of the project");
        let mut swap = room.swap(&face, &film);
        swap.arg("--project").arg(project);
        refused(&room, &mut swap, &inputs, code::INPUT, &[says, &[file]].concat());
        assert!(fs::read(project.join(file)).expect("it is still there") == before, "{file} has changed");
    };

    let project = make("newer");
    let config = fs::read_to_string(project.join("bifrons.toml")).expect("the settings");
    write(&project.join("bifrons.toml"), config.replace("format_version = 1", "format_version = 99"));
    refuse(&project, "bifrons.toml", &["version 99", "newer Bifrons"]);

    let project = make("newer-index");
    let mut index = fs::read(project.join("bifrons.db")).expect("the index");
    // where SQLite keeps `PRAGMA user_version`
    index[60..64].copy_from_slice(&99_u32.to_be_bytes());
    write(&project.join("bifrons.db"), index);
    refuse(&project, "bifrons.db", &["version 99", "newer Bifrons"]);
}

#[test]
fn settings_with_a_typing_error_name_the_line() {
    let room = Room::new();
    let project = room.path("project");
    Ran::of(bifrons().arg("new").arg(&project)).expect(code::DONE);
    write(&project.join("bifrons.toml"), "format_version = 1\nprest = \"quick\"\n");
    let ran = Ran::of(bifrons().arg("train").arg("--project").arg(&project)).expect(code::USAGE);
    for text in ["bifrons.toml", "line 2", "prest", "hint: correct"] {
        assert!(ran.stderr.contains(text), "{}", ran.all());
    }
}

#[test]
fn a_project_that_somebody_else_works_in() {
    let room = Room::new();
    let project = room.project();
    Ran::of(bifrons().arg("new").arg(&project)).expect(code::DONE);
    let (face, film) = (good_face(&room), good_footage(&room));
    let path = project.join("bifrons.lock");
    let lock = File::options().read(true).write(true).open(&path).expect("the lock");
    lock.lock().expect("nobody else has it");
    write(&path, "4242\n");
    let inputs = [face.as_path(), film.as_path()];
    let mut swap = room.swap(&face, &film);
    refused(&room, &mut swap, &inputs, code::ENVIRONMENT, &["out.bifrons", "in use", "process 4242"]);
}

#[test]
fn no_ffmpeg() {
    let room = Room::new();
    let (face, film) = (good_face(&room), good_footage(&room));
    let inputs = [face.as_path(), film.as_path()];
    let mut swap = room.swap(&face, &film);
    let says = ["cannot start ff", "install FFmpeg"];
    refused(&room, swap.env("PATH", room.path("nothing")), &inputs, code::ENVIRONMENT, &says);
    let ran = Ran::of(bifrons().arg("doctor").env("PATH", room.path("nothing"))).expect(code::ENVIRONMENT);
    assert!(ran.stderr.contains("install FFmpeg"), "{}", ran.all());
}

#[cfg(unix)]
#[test]
fn an_ffmpeg_that_is_too_old() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::new();
    let old = room.path("ffmpeg");
    write(
        &old,
        "#!/bin/sh\necho 'ffmpeg version 4.2.7-0ubuntu0.1 Copyright (c) 2000-2022 the FFmpeg developers'\n",
    );
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let ran = Ran::of(bifrons().arg("doctor").env("BIFRONS_FFMPEG", &old)).expect(code::ENVIRONMENT);
    for text in ["4.2.7", "too old", "hint: update FFmpeg"] {
        assert!(ran.stderr.contains(text), "{}", ran.all());
    }
}
