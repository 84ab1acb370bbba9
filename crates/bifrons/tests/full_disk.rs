//! A full disk stops the work with a clear message and damages nothing; once there is room, the same line goes on.
//!
//! The disk is a file system in memory, mounted in a name space of its own. Linux lets root do that, and mostly also
//! others; where it does not, this test says so and tests nothing.
#![cfg(target_os = "linux")]

mod support;

use std::path::Path;
use std::process::Command;

use support::film::{assert_same_but_for_the_picture, frame_hashes};
use support::footage::{Cut, Real};
use support::{Room, code};

/// Runs in the name space. `$1` the program, `$2` the disk's folder, `$3` face, `$4` footage, `$5` where to copy the
/// film to. Each part is announced by a line `== NAME`, each exit code told by a line `exit N`.
const SCRIPT: &str = r#"
mount -t tmpfs -o size=900k bifrons-test "$2" || exit 99
swap() {
    echo "== $1"
    "$bifrons" swap --face "$face" --onto "$footage" -o "$disk/out.mp4" --iterations 2 --seed 1 2>&1
    echo "exit $?"
    if [ -e "$disk/out.mp4" ]; then echo "there is a film"; fi
}
bifrons=$1 disk=$2 face=$3 footage=$4

swap "finding faces"

mount -o remount,size=40m "$disk"
swap "training"

# train, and then leave a few blocks for the project's own notes, and none for the film
mount -o remount,size=800m "$disk"
"$bifrons" train --project "$disk/out.bifrons" --iterations 2 >/dev/null 2>&1
free=$(df --output=avail -k "$disk" | tail -1)
head -c "$((free - 120))K" /dev/zero >"$disk/ballast"
swap "converting"

rm "$disk/ballast"
swap "there is room again"
cp "$disk/out.mp4" "$5"
echo "== left"
find "$disk" -name '*.part*'
"#;

/// In a name space of our own where we may mount; `None` where the system does not allow it.
fn in_a_name_space() -> Option<Command> {
    [&["--mount"][..], &["--user", "--map-root-user", "--mount"]].into_iter().find_map(|options| {
        let mut unshare = Command::new("unshare");
        let allowed =
            Command::new("unshare").args(options).args(["mount", "-t", "tmpfs", "test", "/mnt"]).output();
        allowed.is_ok_and(|output| output.status.success()).then(|| {
            unshare.args(options).args(["sh", "-c", SCRIPT, "sh"]);
            unshare
        })
    })
}

/// What was said in one part of the script.
fn part<'a>(said: &'a str, name: &str) -> &'a str {
    let (_, rest) =
        said.split_once(&format!("== {name}\n")).unwrap_or_else(|| panic!("no part {name} in\n{said}"));
    rest.split_once("\n== ").map_or(rest, |(part, _)| part)
}

#[test]
fn a_full_disk_stops_the_work_and_damages_nothing() {
    let Some(mut unshare) = in_a_name_space() else {
        #[expect(clippy::print_stderr, reason = "a test that tests nothing must not do so in silence")]
        {
            eprintln!(
                "SKIPPED a_full_disk_stops_the_work_and_damages_nothing: this system lets us mount nothing"
            );
        }
        return;
    };
    let room = Room::new();
    let disk = room.path("disk");
    std::fs::create_dir(&disk).expect("a new folder");
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("face.mp4"));
    let footage = Cut::new(Real::Interview, 48).make(room.path("film.mp4"));
    let film = room.path("film-out.mp4");
    let output = unshare.arg(env!("CARGO_BIN_EXE_bifrons")).args([&disk, &face, &footage, &film]).output();
    let output = output.expect("unshare is there, we asked it before");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));

    for name in ["finding faces", "training", "converting"] {
        let part = part(&said, name);
        assert!(part.contains(&format!("exit {}", code::ENVIRONMENT)), "{name}: {said}");
        assert!(part.contains("disk is full") || part.contains("no space left"), "{name}: {said}");
        assert!(part.contains("hint: ") && part.contains("same command again"), "{name}: {said}");
        assert!(!part.contains("there is a film"), "{name}: {said}");
    }
    let room_again = part(&said, "there is room again");
    assert!(room_again.contains(&format!("exit {}", code::DONE)), "{said}");
    assert!(room_again.contains("there is a film"), "{said}");
    assert_eq!(part(&said, "left").trim(), "", "unfinished files were left");
    assert_same_but_for_the_picture(&footage, &film);
    assert_eq!(
        frame_hashes(&film),
        unfilled(&room, &face, &footage),
        "the film differs from one on an empty disk"
    );
}

/// Hashes of the film that a disk with room gives.
fn unfilled(room: &Room, face: &Path, footage: &Path) -> Vec<String> {
    support::Ran::of(room.swap(face, footage).args(["--iterations", "2"])).expect(code::DONE);
    frame_hashes(&room.out())
}
