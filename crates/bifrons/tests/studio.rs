//! The studio in a real browser, as people use it: with the keyboard, over a reload, and over a kill.

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bifrons_swap::Settings;
use serde_json::Value;
use support::seeded::{STRANGERS, crowded, seeded};
use support::two_shots::{CUT, TwoShots};
use support::{Ran, Room, bifrons, code};

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web")
}

/// Says which test was skipped, and why.
#[expect(clippy::print_stderr, reason = "says which test was skipped")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// Node, where it and the page's tools are installed (`make web`).
fn node() -> Option<Command> {
    if !web().join("node_modules/playwright-core").is_dir() {
        skipped("no node_modules in web/; run `make web`");
        return None;
    }
    let mut command = Command::new("node");
    command.current_dir(web());
    Some(command)
}

fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH")?;
    let places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let found = names.iter().flat_map(|name| places.iter().map(move |place| place.join(name)));
    let found = found.into_iter().find(|program| program.is_file());
    if found.is_none() {
        skipped("no Chromium here");
    }
    found
}

/// A studio that runs, killed at the end of the test.
struct Running {
    child: Child,
    link: String,
}

impl Running {
    fn new(project: &Path, port: &str) -> Self {
        let mut command = bifrons();
        command.args(["--json", "studio", "--no-open", "--port", port, "--project"]).arg(project);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let link = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("http://")?.1.trim_end_matches(['"', '}']).to_owned()));
        let link = format!("http://{}", link.expect("it prints its link"));
        // what it says later must not fill the pipe
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, link }
    }

    fn port(&self) -> String {
        let rest = self.link.rsplit_once(':').expect("a port").1;
        rest.split('/').next().expect("a port").to_owned()
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Walks through the page with a script of `web/test`, and returns what it found.
fn walk(script: &str, link: &str, rest: &[&str]) -> Option<Value> {
    let (mut node, chromium) = (node()?, chromium()?);
    let output = node.arg(format!("test/{script}")).arg(chromium).arg(link).args(rest).output();
    let output = output.expect("node is installed");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{script}:\n{told}\n{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_str(told.lines().last().unwrap_or_default()).expect("a line of JSON"))
}

/// Pictures of the pages go there, where the variable says so.
fn pictures() -> String {
    std::env::var("BIFRONS_SCREENSHOTS").unwrap_or_default()
}

#[test]
fn the_page_in_the_program_is_the_one_of_its_sources() {
    let Some(mut node) = node() else { return };
    let room = Room::new();
    let built = room.path("page");
    let output = node.arg("build.mjs").arg(&built).output().expect("node is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bifrons-studio/page");
    for name in ["index.html", "studio.js", "studio.css", "icon.svg"] {
        let read = |folder: &Path| std::fs::read(folder.join(name)).expect("it is there");
        assert!(read(&built) == read(&page), "{name} is another one: run `make page`");
    }
}

#[test]
fn a_review_survives_reload_second_tab_and_kill() {
    let room = Room::new();
    let (project, _) = seeded(&room);
    let studio = Running::new(&project, "0");
    let Some(found) = walk("review.mjs", &studio.link, &["first", &pictures()]) else { return };
    assert_eq!(found["group"], STRANGERS, "{found}");
    assert_eq!(found["link"], "gone from the address", "{found}");
    let before = found["rejected"].as_u64().expect("a number");

    // the link was used: another browser does not come in with it
    let other = walk("review.mjs", &studio.link, &["door", ""]).expect("a browser");
    assert!(other["door"].as_str().is_some_and(|told| told.contains("used already")), "{other}");

    let port = studio.port();
    studio.kill();
    let studio = Running::new(&project, &port);
    let found = walk("review.mjs", &studio.link, &["again", ""]).expect("a browser");
    assert_eq!(found["rejected"], before, "what was decided is there");
    assert_eq!(found["after_undo"].as_u64(), Some(before - 1), "{found}");

    // the terminal sees the same
    let mut list = bifrons();
    list.args(["--json", "faces", "list", "--verdict", "rejected", "--project"]).arg(&project);
    let events = Ran::of(&mut list).expect(code::DONE).events();
    let rejected = events.iter().filter(|event| event["event"] == "face").count() as u64;
    assert_eq!(rejected, before - 1);
}

#[test]
fn extraction_and_training_are_started_and_stopped_from_the_page() {
    let room = Room::new();
    let (project, _) = seeded(&room);
    let studio = Running::new(&project, "0");
    let Some(found) = walk("work.mjs", &studio.link, &[&pictures()]) else { return };
    assert_eq!(found["extracted"], "done", "{found}");
    assert!(found["stopped"].as_str().is_some_and(|told| told.contains("what is done is kept")), "{found}");
    assert!(found["iterations"].as_u64().is_some_and(|iterations| iterations > 0), "{found}");
    assert_eq!(found["preview"], true, "{found}");
    drop(studio);
    // it is a training like any other: the command goes on from it
    let mut inspect = bifrons();
    inspect.args(["--json", "model", "inspect", "--project"]).arg(&project);
    Ran::of(&mut inspect).expect(code::DONE);
}

#[test]
fn how_a_face_is_put_on_is_chosen_frame_by_frame_and_the_film_is_made_from_the_page() {
    let film = TwoShots::new();
    let studio = Running::new(&film.project(), "0");
    let Some(found) = walk("film.mjs", &studio.link, &["choose", &pictures()]) else { return };
    assert_eq!(found["cut"], CUT, "{found}");
    let outputs: Vec<&Path> = found["outputs"]
        .as_array()
        .expect("films")
        .iter()
        .filter_map(|path| path.as_str().map(Path::new))
        .collect();
    let names: Vec<_> = outputs.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["two-as-alice.mp4", "two-as-alice-matte.mp4"], "{found}");
    assert!(outputs.iter().all(|path| path.is_file() && path.starts_with(film.project())), "{found}");

    // it is in the project, and survives a kill
    let chosen = film.visit().index().adjustments(film.clip().id).expect("read");
    assert_eq!(chosen.len(), 1, "the first shot is as by default: {chosen:?}");
    let settings = Settings::from_text(chosen.values().next().expect("one")).expect("settings");
    let expected = Settings { skip: true, mask_size: 0.8, feather: 0.1, ..Settings::DEFAULT };
    assert_eq!(settings, expected);
    let port = studio.port();
    studio.kill();
    let studio = Running::new(&film.project(), &port);
    let found = walk("film.mjs", &studio.link, &["again", ""]).expect("a browser");
    assert_eq!((&found["mask_size"], &found["skip"]), (&0.8.into(), &true.into()), "{found}");
    let chosen = film.visit().index().adjustments(film.clip().id).expect("read");
    let settings = Settings::from_text(chosen.values().next().expect("one")).expect("settings");
    assert_eq!(settings, Settings { skip: false, ..expected }, "taken back from the page");
}

#[test]
fn five_thousand_faces_take_no_more_memory_than_a_screen() {
    let room = Room::new();
    let project = crowded(&room, 5000);
    let studio = Running::new(&project, "0");
    let Some(found) = walk("scroll.mjs", &studio.link, &[&pictures()]) else { return };
    assert_eq!(found["faces"], 5000);
    assert!(found["elements"].as_u64().is_some_and(|elements| elements < 400), "{found}");
    assert!(found["heap_mib"].as_f64().is_some_and(|heap| heap < 64.0), "{found}");
    assert!(found["painted"].as_f64().is_some_and(|part| part > 0.5), "{found}");
    say(&found);
}

/// How fast it was is told, never asserted.
#[expect(clippy::print_stderr, reason = "figures for people who run the test")]
fn say(found: &Value) {
    eprintln!("{found}");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let room = Room::new();
    Ran::of(bifrons().arg("new").arg(room.path("film"))).expect(code::DONE);
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("its number").port().to_string();
    let mut command = bifrons();
    command.args(["studio", "--no-open", "--port", &port, "--project"]).arg(room.path("film"));
    let ran = Ran::of(&mut command).expect(code::ENVIRONMENT);
    assert!(ran.stderr.contains("cannot be listened on") && ran.stderr.contains("--port N"), "{}", ran.all());
}
