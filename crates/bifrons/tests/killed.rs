//! Stopped at any moment and in any way, the same line goes on and ends with the very same film.
#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::film::{assert_same_but_for_the_picture, frame_hashes};
use support::footage::{Cut, Real};
use support::{Dice, Ran, Room, code, events};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Extract,
    Train,
    Convert,
}

impl Stage {
    /// The stage an event is about.
    fn of(event: &Value) -> Option<Self> {
        match (event["event"].as_str()?, event["stage"].as_str()) {
            ("progress", Some("extract")) => Some(Self::Extract),
            ("progress", Some("load" | "train")) | ("train", _) => Some(Self::Train),
            ("progress", Some("convert" | "join")) => Some(Self::Convert),
            _ => None,
        }
    }
}

/// Face and footage of a short swap. The footage takes two chunks to convert.
struct Clips {
    face: PathBuf,
    footage: PathBuf,
}

impl Clips {
    fn make(room: &Room) -> Self {
        Self {
            face: Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("webcam.mp4")),
            footage: Cut::new(Real::Interview, 98).make(room.path("interview.mp4")),
        }
    }

    /// The line that is stopped and given again.
    fn swap(&self, room: &Room) -> Command {
        let mut swap = room.swap(&self.face, &self.footage);
        swap.args(["--iterations", "12", "--preset", "quick", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // as a shell does: Ctrl-C reaches the program and its children, and not us
        swap.process_group(0);
        swap
    }
}

/// How long each stage takes when nobody interferes.
struct Pace {
    extract: Duration,
    train: Duration,
    convert: Duration,
}

impl Pace {
    fn of(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Extract => self.extract,
            Stage::Train => self.train,
            Stage::Convert => self.convert,
        }
    }
}

/// Runs the line to its end.
fn unkilled(clips: &Clips, room: &Room) -> Pace {
    let mut child = clips.swap(room).spawn().expect("the program starts");
    let began = Instant::now();
    let mut reached = Vec::new();
    for event in lines(&mut child) {
        if let Some(stage) = Stage::of(&event)
            && reached.last().is_none_or(|&(last, _)| stage > last)
        {
            reached.push((stage, began.elapsed()));
        }
    }
    let ran = Ran::from(child.wait_with_output().expect("it ends")).expect(code::DONE);
    let [(Stage::Extract, extract), (Stage::Train, train), (Stage::Convert, convert)] = reached[..] else {
        panic!("{reached:?}: {}", ran.all());
    };
    Pace { extract: train - extract, train: convert - train, convert: began.elapsed() - convert }
}

/// Events as they come.
fn lines(child: &mut Child) -> impl Iterator<Item = Value> + use<> {
    let stdout = child.stdout.take().expect("stdout is a pipe");
    BufReader::new(stdout).lines().map(|line| {
        let line = line.expect("text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
    })
}

/// Runs the line and kills it some time after it has reached a stage (or a later one). `false` when it came to its
/// end first.
fn killed(clips: &Clips, room: &Room, stage: Stage, after: Duration) -> bool {
    let mut child = clips.swap(room).spawn().expect("the program starts");
    let mut told = lines(&mut child);
    if told.any(|event| Stage::of(&event) >= Some(stage)) {
        sleep(after);
    }
    kill(child, told)
}

/// Kills the program the moment something unfinished lies beside the film: it is being joined.
fn killed_while_joining(clips: &Clips, room: &Room) -> bool {
    let mut child = clips.swap(room).spawn().expect("the program starts");
    let mut told = lines(&mut child);
    let folder = room.out().parent().map(Path::to_owned).expect("a folder");
    if told.any(|event| Stage::of(&event) >= Some(Stage::Convert)) {
        let unfinished = || {
            let mut names =
                std::fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.file_name());
            names.any(|name| name.to_string_lossy().ends_with(".part"))
        };
        while !unfinished() && child.try_wait().expect("our child").is_none() {
            sleep(Duration::from_millis(1));
        }
    }
    kill(child, told)
}

/// SIGKILL, which no program can prepare for.
fn kill(mut child: Child, told: impl Iterator<Item = Value>) -> bool {
    child.kill().expect("our child can be killed");
    let status = child.wait().expect("it ends");
    drop(told);
    if status.signal() == Some(9) {
        return true;
    }
    assert_eq!(status.code(), Some(code::DONE), "it failed by itself");
    false
}

/// How often it is killed.
const KILLS: usize = 25;

/// The weights of a room's newest checkpoint.
fn weights(room: &Room) -> Vec<u8> {
    let model = room.project().join("model");
    let names = std::fs::read_dir(model).expect("a model").map(|entry| entry.expect("an entry").path());
    let newest = names.filter(|path| path.join("manifest.json").exists()).max().expect("a checkpoint");
    assert!(newest.ends_with("step-00000012"), "{}", newest.display());
    std::fs::read(newest.join("model.safetensors")).expect("weights")
}

/// Sends SIGINT to the program and its children, as a terminal does on Ctrl-C.
fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-s", "INT", "--", &format!("-{}", child.id())]).status();
    assert!(sent.expect("kill is there").success());
}

#[test]
fn killed_25_times_it_ends_with_the_same_weights_and_the_same_film() {
    let (quiet, troubled) = (Room::new(), Room::new());
    let clips = Clips::make(&quiet);
    let pace = unkilled(&clips, &quiet);

    let mut dice = Dice::new(20_260);
    let mut moment = |stage| pace.of(stage).mul_f64(dice.below(1000) as f64 / 1100.0);
    let mut kills = 0;
    for _ in 0..4 {
        kills += usize::from(killed(&clips, &troubled, Stage::Extract, moment(Stage::Extract)));
    }
    // Ctrl-C while it trains: what is trained so far is kept, and gone on from. Before the kills, one of which may
    // come after the last iteration
    let mut child = clips.swap(&troubled).spawn().expect("the program starts");
    let mut told = lines(&mut child);
    assert!(told.any(|event| event["event"] == "train"), "it trains");
    interrupt(&child);
    let result = told.last().expect("it says how it ended");
    assert_eq!(Ran::from(child.wait_with_output().expect("it ends")).code, code::STOPPED, "{result}");
    assert_eq!(result["outcome"], "stopped", "{result}");
    assert!(result["hint"].as_str().is_some_and(|line| line.contains(" swap --face ")), "{result}");

    for _ in 0..9 {
        kills += usize::from(killed(&clips, &troubled, Stage::Train, moment(Stage::Train)));
    }
    for _ in 0..9 {
        kills += usize::from(killed(&clips, &troubled, Stage::Convert, moment(Stage::Convert)));
    }
    // a kill that came after the end does not count
    for _ in 0..40 {
        if kills >= KILLS {
            break;
        }
        if troubled.out().exists() {
            std::fs::remove_file(troubled.out()).expect("the film");
        }
        kills += usize::from(killed_while_joining(&clips, &troubled));
    }
    assert!(kills >= KILLS, "{kills}");

    let ran = Ran::of(&mut clips.swap(&troubled)).expect(code::DONE);
    let events = events(&ran.stdout);
    assert_eq!(events.last().expect("there are events")["outcome"], "done");
    assert_same_but_for_the_picture(&clips.footage, &troubled.out());
    assert!(weights(&troubled) == weights(&quiet), "killed and unkilled have learnt differently");
    assert_eq!(frame_hashes(&troubled.out()), frame_hashes(&quiet.out()), "killed and unkilled differ");
    assert_eq!(troubled.parts(), Vec::<PathBuf>::new(), "unfinished files were left");
}

#[test]
fn ctrl_c_prints_the_line_that_goes_on() {
    let room = Room::new();
    let face = Cut { sound: false, ..Cut::new(Real::Webcam, 40) }.make(room.path("my webcam.mp4"));
    let footage = Cut::new(Real::Interview, 12).make(room.path("interview.mp4"));
    let mut swap = room.swap(&face, &footage);
    swap.args(["--iterations", "1"]).stderr(Stdio::piped()).process_group(0);
    let mut child = swap.spawn().expect("the program starts");
    let mut said = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let mut line = String::new();
    while !line.starts_with("find faces") {
        line.clear();
        assert!(said.read_line(&mut line).expect("text") > 0, "it ended before it looked for faces");
    }
    interrupt(&child);
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(code::STOPPED), "{rest}");
    let (_, line) =
        rest.split_once("stopped; this goes on:\n").unwrap_or_else(|| panic!("it does not say: {rest}"));

    // the line is one for a shell: with the name that has a space in quotes
    let again = Ran::of(Command::new("sh").arg("-c").arg(line)).expect(code::DONE);
    assert!(again.stderr.contains("frames: 12"), "{}", again.all());
    assert_same_but_for_the_picture(&footage, &room.out());
    assert_eq!(room.parts(), Vec::<PathBuf>::new());
}
