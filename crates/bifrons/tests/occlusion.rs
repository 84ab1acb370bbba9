//! What is in front of the old face stays in front of the new one.

mod support;

use std::path::Path;

use support::film::Grey;
use support::footage::{Cut, Real};
use support::{Ran, Room, bifrons, code};

const FRAMES: usize = 40;
/// Frames in which something is in front of the face.
const COVERED: std::ops::Range<usize> = 14..34;
const WIDTH_PX: usize = 360;
/// Of the arm, which has the colour of the face and crosses it.
const ARM: [usize; 2] = [96, 24];

/// Left edge of the arm in a frame.
fn arm_x(frame: usize) -> usize {
    110 + 5 * (frame - COVERED.start)
}

#[test]
fn an_arm_before_the_face_stays_before_the_new_one() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("webcam.mp4"));
    let open = Cut::new(Real::Interview, FRAMES).make(room.path("open.mp4"));
    // an upright bar, lighter in its middle as a forearm is, of the man's own skin
    let filter = format!(
        "color=0xae7c68:size=12x200:rate=24,pad={}:200:6:0:0x9a6a58[arm];\
         [in][arm]overlay=x='{}+5*(round(24*t)-{from})':y={}:enable='between(round(24*t),{from},{to})':shortest=1[out]",
        ARM[1],
        arm_x(COVERED.start),
        ARM[0],
        from = COVERED.start,
        to = COVERED.end - 1,
    );
    let covered = Cut { filter: &filter, ..Cut::new(Real::Interview, FRAMES) }.make(room.path("covered.mp4"));
    let project = room.path("film");
    let run = |arguments: &[&str], paths: &[&Path]| {
        Ran::of(bifrons().args(arguments).args(paths).arg("--project").arg(&project)).expect(code::DONE)
    };
    Ran::of(bifrons().arg("new").arg(&project).args(["--preset", "quick"])).expect(code::DONE);
    run(&["add", "--as", "alice"], &[&face]);
    run(&["add", "--as", "bob"], &[&open, &covered]);
    run(&["extract"], &[]);
    run(&["train", "--iterations", "2"], &[]);

    let matte = |footage: &Path, name: &str, more: &[&str]| {
        let matte = room.path(name);
        run(
            &[&["convert"], more, &["--face", "alice", "--onto"]].concat(),
            &[footage, Path::new("--matte"), &matte],
        );
        Grey::of(&matte)
    };
    let all = matte(&open, "all.mp4", &[]);
    let behind = matte(&covered, "behind.mp4", &[]);
    let over = matte(&covered, "over.mp4", &["--over-everything"]);

    let (mut both, mut either, mut kept, mut faces) = (0, 0, 0, 0);
    for frame in COVERED {
        let x = arm_x(frame);
        let places = all.frame(frame).iter().zip(behind.frame(frame)).zip(over.frame(frame)).enumerate();
        for (place, ((&all, &behind), &over)) in places {
            // where the face counts in full: its soft edge says little
            if all < 225 || over < 225 {
                continue;
            }
            let [row, column] = [place / WIDTH_PX, place % WIDTH_PX];
            let is_arm = row >= ARM[0] && (x..x + ARM[1]).contains(&column);
            let said = behind < 128;
            both += usize::from(is_arm && said);
            either += usize::from(is_arm || said);
            kept += usize::from(!is_arm && !said);
            faces += usize::from(!is_arm);
        }
    }
    let overlap = both as f64 / either as f64;
    assert!(overlap > 0.85, "intersection over union with the arm {overlap:.3}");
    assert!(kept as f64 > 0.97 * faces as f64, "{kept} of {faces} places beside the arm");

    // before and after, all of the face is replaced
    for frame in (0..FRAMES).filter(|frame| !COVERED.contains(frame)) {
        let of = |matte: &Grey| matte.frame(frame).iter().filter(|value| **value > 128).count() as f64;
        let share = of(&behind) / of(&over);
        assert!(share > 0.97, "frame {frame}: {share:.3} of the face");
    }
}
