//! A project opens for one process at a time, keeps what people wrote, and cleans up after kills.

use std::process::{Command, Stdio};

use super::*;
use crate::hash::{ClipFingerprint, ContentHash};
use crate::index::ClipState;

fn info() -> ClipInfo {
    let fingerprint = ClipFingerprint { size_bytes: 1, ends: ContentHash::of_bytes(b"x") };
    ClipInfo { fingerprint, frames: 10, width_px: 64, height_px: 48 }
}

#[test]
fn a_project_is_made_opened_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("films/my-film");
    let error = Project::open(&dir).unwrap_err();
    assert!(matches!(error, ProjectError::NotAProject { .. }));
    assert!(error.hint().unwrap().contains("bifrons new"));
    drop(Project::create(&dir).unwrap());
    drop(Project::open(&dir).unwrap());
    assert!(matches!(Project::create(&dir), Err(ProjectError::AlreadyAProject { .. })));
    drop(Project::open_or_create(&dir).unwrap());
    drop(Project::open_or_create(&folder.path().join("another")).unwrap());
}

#[test]
fn clips_stand_in_the_file_and_in_the_index_and_the_folder_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("p");
    let project = Project::create(&dir).unwrap();
    let inside = dir.join("in/a.mp4");
    assert_eq!(project.add_clip("alice", &inside, info()).unwrap().state, ClipState::New);
    assert_eq!(project.add_clip("Alice", &inside, info()).unwrap().state, ClipState::Unchanged);
    project.add_clip("bob", Path::new("/films/b.mp4"), info()).unwrap();
    let config = project.config().unwrap();
    assert_eq!(config.people.len(), 2);
    assert_eq!(config.person("alice").unwrap().clips, ["in/a.mp4"]);
    assert_eq!(config.person("bob").unwrap().clips, ["/films/b.mp4"]);
    drop(project);

    let moved = folder.path().join("q");
    #[expect(clippy::disallowed_methods, reason = "the test moves the folder as a user would")]
    std::fs::rename(&dir, &moved).unwrap();
    let project = Project::open(&moved).unwrap();
    assert_eq!(project.index().clips_of("alice").unwrap()[0].path, moved.join("in/a.mp4"));
    assert_eq!(project.listed_clips().unwrap()[0], ("alice".to_owned(), vec![moved.join("in/a.mp4")]));
    assert_eq!(
        project.add_clip("alice", &moved.join("in/a.mp4"), info()).unwrap().state,
        ClipState::Unchanged
    );
}

#[test]
fn the_second_to_open_is_told_who_was_first() {
    let folder = tempfile::tempdir().unwrap();
    let first = Project::create(folder.path()).unwrap();
    let error = Project::open(folder.path()).unwrap_err();
    let own = std::process::id();
    assert!(matches!(error, ProjectError::Locked { pid: Some(pid), .. } if pid == own), "{error}");
    assert!(error.to_string().contains(&own.to_string()));
    drop(first);
    Project::open(folder.path()).unwrap();
}

/// Not a test of its own: [`a_killed_process_leaves_an_open_project`] runs it in a child.
#[test]
fn helper_holds_a_project_until_killed() {
    let Some(dir) = std::env::var_os("BIFRONS_TEST_HOLD") else { return };
    let project = Project::open(Path::new(&dir)).unwrap();
    // Something half-written, as a kill would leave it.
    let part = atomic::part_path(&project.layout().out().join("film.mp4"));
    std::fs::create_dir_all(project.layout().out()).unwrap();
    std::fs::OpenOptions::new().write(true).create_new(true).open(part).unwrap();
    atomic::write(Path::new(&dir).join("ready").as_path(), b"").unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_process_leaves_an_open_project() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    drop(Project::create(dir).unwrap());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "project::tests::helper_holds_a_project_until_killed"])
        .env("BIFRONS_TEST_HOLD", dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !dir.join("ready").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the child ended before it was ready");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let error = Project::open(dir).unwrap_err();
    assert!(matches!(error, ProjectError::Locked { pid: Some(pid), .. } if pid == child.id()), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    let project = Project::open(dir).unwrap();
    assert_eq!(std::fs::read_dir(project.layout().out()).unwrap().count(), 0, "its part file is gone");
}

#[test]
fn a_kill_while_a_project_is_made_leaves_something_that_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("p");
    let failures = atomic::tests::fail_at_each_step(
        std::io::ErrorKind::Other,
        || Project::open_or_create(&dir),
        |_| {
            if dir.join("bifrons.toml").exists() {
                Config::read(&dir.join("bifrons.toml")).unwrap();
            }
        },
    );
    assert!(failures > 4, "{failures}");
    Project::open(&dir).unwrap();
}

#[test]
fn a_project_of_another_version_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    drop(Project::create(folder.path()).unwrap());
    let text = "format_version = 2\nnew_key = \"x\"\n";
    atomic::write(&folder.path().join("bifrons.toml"), text.as_bytes()).unwrap();
    let error = Project::open(folder.path()).unwrap_err();
    assert!(matches!(error, ProjectError::Version { found: 2, expected: 1, .. }), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path().join("bifrons.toml")).unwrap(), text);
}

#[test]
fn consent_stands_in_the_settings_and_every_change_in_the_log() {
    use crate::consent::{Basis, Consent, Day, Purpose};

    let folder = tempfile::tempdir().unwrap();
    let project = Project::create(&folder.path().join("film")).unwrap();
    assert_eq!(project.consent_of("alice").unwrap(), None);
    let consent = Consent { purpose: Purpose::Identity, ..Consent::new(Basis::Own) };
    project.set_consent("alice", Some(consent.clone())).unwrap();
    let text = std::fs::read_to_string(project.layout().config()).unwrap();
    assert!(text.contains("[people.consent]\nbasis = \"self\"\nfor = \"identity\"\n"), "{text}");
    assert_eq!(
        project.checked_consent("Alice", Some(Purpose::Identity)).unwrap().unwrap().consent,
        Some(consent)
    );
    assert!(project.checked_consent("alice", Some(Purpose::Footage)).is_err());

    // by hand
    let edited = text.replace("for = \"identity\"", "until = \"2001-01-01\"");
    atomic::write(&project.layout().config(), edited.as_bytes()).unwrap();
    let ended = project.checked_consent("alice", None).unwrap_err();
    assert!(ended.to_string().contains("it ended on 2001-01-01"), "{ended}");
    project.set_consent("alice", None).unwrap();
    let withdrawn = project.checked_consent("alice", None).unwrap_err().to_string();
    assert!(withdrawn.contains("it was withdrawn on 2"), "{withdrawn}");
    let until = |day: &str| Some(day.parse::<Day>().unwrap());
    let log = project.index().consent_log().unwrap();
    let ends: Vec<_> = log.iter().map(|entry| entry.consent.as_ref().map(|consent| consent.until)).collect();
    assert_eq!(ends, [Some(None), Some(until("2001-01-01")), None]);
}
