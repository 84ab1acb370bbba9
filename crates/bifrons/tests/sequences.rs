//! Image sequences in and out: pictures of 16 bits, and OpenEXR with its light beyond white.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use bifrons_media::{Clip, PixelRect};
use support::footage::{Cut, Real, ffmpeg};
use support::{Ran, Room, bifrons, code, files_below, write};

const FRAMES: usize = 4;
/// The middle of the face, and places far from it and from the line in the corner.
const FACE: PixelRect = PixelRect { x: 150, y: 90, width: 90, height: 90 };
const FAR: [PixelRect; 2] =
    [PixelRect { x: 4, y: 4, width: 80, height: 80 }, PixelRect { x: 300, y: 4, width: 56, height: 200 }];
/// What `verify` says of a picture whose credentials are gone.
const ONLY_THE_MARK: i32 = 6;

/// Light, with highlights above 1: values are squared, which is nearly the curve of a screen, and lightened.
const LIGHT: &str = "format=gbrpf32le,split[a][b];[a][b]blend=all_mode=multiply,exposure=exposure=0.7";
/// Values between the codes of 8 bits.
const DEEP: &str = "format=rgb48le,lutrgb=r=val*0.93+77:g=val*0.95+77:b=val*0.97+77";

/// Makes a folder of pictures of the interview; `%02d` in the name counts them.
fn sequence(folder: PathBuf, name: &str, filter: &str, codec: &[&str]) -> PathBuf {
    fs::create_dir(&folder).expect("a new folder");
    let mut command = ffmpeg();
    command.args(["-ss", "2", "-i"]).arg(Real::Interview.path());
    command.args(["-vf", filter, "-fps_mode", "passthrough", "-frames:v", &FRAMES.to_string()]);
    assert!(command.args(codec).arg(folder.join(name)).status().expect("FFmpeg is installed").success());
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let name = |path: PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    files_below(folder).into_keys().map(name).collect()
}

/// How far two clips are apart within a rectangle: root mean square and the most, in codes of 8 bits.
fn apart(before: &Path, after: &Path, rect: PixelRect) -> (f32, f32) {
    let [before, after] = [before, after].map(|path| Clip::open(path).expect("a clip"));
    assert_eq!((before.frame_count(), after.frame_count()), (FRAMES, FRAMES));
    let [mut before, mut after] = [before, after].map(|clip| clip.read(0).expect("pictures"));
    let (mut sum, mut count, mut most) = (0.0, 0, 0.0_f32);
    while let (Some(old), Some(new)) = (before.next_frame().expect("one"), after.next_frame().expect("one")) {
        let (old, new) = (old.rgb_unclamped(rect), new.rgb_unclamped(rect));
        for (old, new) in old.data.iter().zip(&new.data) {
            let off = 255.0 * (new - old).abs();
            sum += off * off;
            count += 1;
            most = most.max(off);
        }
    }
    ((sum / count as f32).sqrt(), most)
}

/// The face is another, and far from it nothing is but the mark, which adds at most 1.95 codes in root mean square.
fn assert_only_the_face_is_new(before: &Path, after: &Path) {
    let (face, _) = apart(before, after, FACE);
    assert!(face > 5.0, "the face differs by {face} codes only: nothing was swapped");
    for far in FAR {
        let (off, most) = apart(before, after, far);
        assert!(0.1 < off && off < 1.95 && most < 10.0, "{off} off, {most} at most, at {far:?}");
    }
}

fn verified(picture: &Path, verdict: i32) -> Ran {
    Ran::of(bifrons().arg("verify").arg(picture)).expect(verdict)
}

#[test]
fn sequences_keep_their_kind_their_depth_and_their_light() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("webcam.mp4"));
    let deep = sequence(room.path("deep"), "shot.%02d.png", DEEP, &["-pix_fmt", "rgb48be"]);
    let half = ["-c:v", "exr", "-format", "half", "-compression", "zip16"];
    let light = sequence(room.path("light"), "shot.%02d.exr", LIGHT, &half);
    let project = room.path("film");
    let step = |arguments: &[&str], paths: &[&Path]| {
        Ran::of(bifrons().args(arguments).args(paths).arg("--project").arg(&project))
    };
    Ran::of(bifrons().arg("new").arg(&project).args(["--preset", "quick"])).expect(code::DONE);
    step(&["add", "--as", "alice"], &[&face]).expect(code::DONE);
    step(&["add", "--as", "bob"], &[&deep, &light]).expect(code::DONE);
    step(&["extract"], &[]).expect(code::DONE);
    step(&["train", "--iterations", "2"], &[]).expect(code::DONE);
    // film, not stills: its faces are followed from one picture to the next
    let shots = step(&["--json", "shots", "--of"], &[&light]).expect(code::DONE).events();
    let shots: Vec<_> = shots.iter().filter(|event| event["event"] == "shot").collect();
    assert_eq!((shots.len(), &shots[0]["last_frame"]), (1, &(FRAMES - 1).into()), "{shots:?}");
    let convert = |footage: &Path, out: &Path| {
        step(&["convert", "--face", "alice", "--onto"], &[footage, Path::new("-o"), out])
    };

    // 16 bits stay 16 bits, and are not those of 8 bits
    let made = room.path("deep-made");
    convert(&deep, &made).expect(code::DONE);
    assert_eq!(names(&made), names(&deep));
    let first = made.join("shot.01.png");
    assert_eq!(fs::read(&first).expect("it is there")[24], 16, "bits a sample");
    assert_only_the_face_is_new(&deep, &made);
    assert!(verified(&first, code::DONE).stdout.contains("in the picture as in the manifest"));

    // OpenEXR stays OpenEXR, with its credentials beside it and its mark in it
    let made = room.path("light-made");
    convert(&light, &made).expect(code::DONE);
    let expected: Vec<_> =
        (1..=FRAMES).flat_map(|n| ["c2pa", "exr"].map(|kind| format!("shot.{n:02}.{kind}"))).collect();
    assert_eq!(names(&made), expected);
    assert_only_the_face_is_new(&light, &made);
    let brightest = |folder: &Path| {
        let frame = Clip::open(folder).expect("a clip").read(0).expect("pictures").next_frame();
        let frame = frame.expect("one").expect("one");
        frame.rgb_unclamped(frame.whole()).data.into_iter().fold(0.0, f32::max)
    };
    let (before, after) = (brightest(&light), brightest(&made));
    assert!(before > 1.1 && (after - before).abs() < 0.04, "{before} became {after}");
    let first = made.join("shot.01.exr");
    assert!(verified(&first, code::DONE).stdout.contains("in the picture as in the manifest"));

    // the same line again: it is there, and nothing is made anew
    let manifest = fs::read(made.join("shot.01.c2pa")).expect("it is there");
    convert(&light, &made).expect(code::DONE);
    assert!(fs::read(made.join("shot.01.c2pa")).expect("it is there") == manifest, "made again");
    fs::remove_file(made.join("shot.01.c2pa")).expect("it was there");
    let ran = verified(&first, ONLY_THE_MARK);
    assert!(ran.stdout.contains("made with Bifrons"), "{}", ran.all());

    // which is not what was made there, like a folder of somebody else
    write(&room.path("light-made/notes.txt"), "do not lose this");
    let before = files_below(&made);
    let refused = convert(&light, &made).expect(code::INPUT);
    assert!(refused.stderr.contains("hint: give a new folder"), "{}", refused.all());
    assert_eq!(files_below(&made), before);

    // light that can be graded hides nobody
    let ran = step(
        &["convert", "--veil", "--face", "alice", "--onto"],
        &[&light, Path::new("-o"), &room.path("v")],
    );
    let refused = ran.expect(code::INPUT);
    assert!(refused.stderr.contains("OpenEXR, which cannot be veiled"), "{}", refused.all());
    assert!(!room.path("v").exists());

    // one picture alone, as what its name says
    let single = light.join("shot.02.exr");
    step(&["add", "--as", "bob"], &[&single]).expect(code::DONE);
    step(&["extract"], &[]).expect(code::DONE);
    let plate = room.path("plate.exr");
    for name in ["plate.exr", "plate.png"] {
        convert(&single, &room.path(name)).expect(code::DONE);
        let ran = verified(&room.path(name), code::DONE);
        assert!(ran.stdout.contains("edit of    shot.02.exr"), "{}", ran.all());
    }
    fs::remove_file(plate.with_extension("c2pa")).expect("its credentials");
    convert(&single, &plate).expect(code::DONE);
    verified(&plate, code::DONE);
    assert_eq!(room.parts(), Vec::<PathBuf>::new());
}
