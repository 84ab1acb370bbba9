//! Every step of a write is made to fail in turn, as SQLite's own tests do, until none is left.

use std::cell::{Cell, RefCell};

use super::*;

thread_local! {
    /// How many more steps succeed on this thread; `None` lets all succeed.
    static STEPS_LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    static FAILURE: Cell<io::ErrorKind> = const { Cell::new(io::ErrorKind::Other) };
    static SEEN: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn failpoint(step: Step) -> io::Result<()> {
    SEEN.with_borrow_mut(|seen| seen.push(step));
    match STEPS_LEFT.get() {
        None => Ok(()),
        Some(0) => Err(FAILURE.get().into()),
        Some(left) => {
            STEPS_LEFT.set(Some(left - 1));
            Ok(())
        }
    }
}

/// Runs `action` again and again, with the first step failing, then the second, and so on, and
/// `check` after each failure; ends with the run in which nothing fails. Returns the failures.
pub(crate) fn fail_at_each_step<T>(
    kind: io::ErrorKind,
    mut action: impl FnMut() -> Result<T>,
    mut check: impl FnMut(&ProjectError),
) -> usize {
    FAILURE.set(kind);
    for step in 0.. {
        STEPS_LEFT.set(Some(step));
        let outcome = action();
        let reached = STEPS_LEFT.replace(None) == Some(0);
        match outcome {
            Err(error) => check(&error),
            Ok(_) => {
                assert!(!reached || step == 0 || SEEN.with_borrow(|seen| seen.len()) > 0);
                return step;
            }
        }
    }
    unreachable!("the loop above only ends by returning")
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn steps_come_in_the_order_that_survives_power_loss() {
    let folder = tempfile::tempdir().unwrap();
    SEEN.with_borrow_mut(Vec::clear);
    write(&folder.path().join("a"), b"x").unwrap();
    let seen = SEEN.with_borrow(Clone::clone);
    assert_eq!(seen, [Step::Create, Step::Write, Step::SyncFile, Step::Rename, Step::SyncFolder]);
}

#[test]
fn a_failure_at_any_step_leaves_old_or_new_content_and_names_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.toml");
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
        write(&path, b"old").unwrap();
        let failures = fail_at_each_step(
            kind,
            || write(&path, b"new and longer"),
            |error| {
                let content = fs::read(&path).unwrap();
                assert!(content == b"old" || content == b"new and longer", "{content:?}");
                assert_eq!(error.is_disk_full(), kind == io::ErrorKind::StorageFull);
                assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
                assert_eq!(names_in(folder.path()), ["state.toml"], "no leftovers");
            },
        );
        assert_eq!(failures, 5);
        assert_eq!(fs::read(&path).unwrap(), b"new and longer");
    }
}

#[test]
fn a_writer_that_fails_half_way_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bin");
    write(&path, b"old").unwrap();
    let error = write_with(&path, |out| {
        out.write_all(&[7; 3 << 20])?;
        Err(io::ErrorKind::StorageFull.into())
    })
    .unwrap_err();
    assert!(
        matches!(&error, ProjectError::DiskFull { path: named, free_bytes: Some(_) } if *named == path),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("make room"));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names_in(folder.path()), ["a.bin"]);
}

#[test]
fn many_files_sync_their_folder_once() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..4u8).map(|n| (folder.path().join(format!("{n}.jpg")), vec![n; 10])).collect();
    SEEN.with_borrow_mut(Vec::clear);
    write_many(&files).unwrap();
    let syncs = SEEN.with_borrow(|seen| seen.iter().filter(|step| **step == Step::SyncFolder).count());
    assert_eq!(syncs, 1);
    for (path, bytes) in &files {
        assert_eq!(&fs::read(path).unwrap(), bytes);
    }
}

#[test]
fn a_folder_is_published_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("step-1");
    let failures = fail_at_each_step(
        io::ErrorKind::Other,
        || {
            let part = part_path(&target);
            fs::create_dir_all(part.join("inner")).unwrap();
            for name in ["a", "inner/b"] {
                OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .open(part.join(name))
                    .unwrap()
                    .write_all(b"x")
                    .unwrap();
            }
            publish_dir(&part, &target)
        },
        |_| {
            if target.exists() {
                assert_eq!(names_in(&target), ["a", "inner"]);
                assert_eq!(names_in(&target.join("inner")), ["b"]);
            }
        },
    );
    assert!(failures >= 5, "{failures}");
    assert_eq!(names_in(&target), ["a", "inner"]);
}

#[test]
fn only_leftovers_of_other_processes_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("film.mp4");
    let own = part_path(&target);
    let other = folder.path().join(".film.mp4.1-abc-0.part");
    let of_another_target = folder.path().join(".film.mp4.txt.1-abc-0.part");
    for path in [&own, &other, &of_another_target, &target] {
        OpenOptions::new().write(true).create_new(true).open(path).unwrap();
    }
    assert_eq!(remove_stale_parts(&target).unwrap(), [other]);
    assert_eq!(remove_stale_parts_in(folder.path()).unwrap(), [of_another_target]);
    assert!(own.exists() && target.exists());
    assert!(remove_stale_parts_in(&folder.path().join("absent")).unwrap().is_empty());
}

#[test]
fn part_names_are_hidden_unique_and_carry_the_process() {
    let target = Path::new("out/film.mp4");
    let (one, two) = (part_path(target), part_path(target));
    assert_ne!(one, two);
    assert_eq!(one.parent(), target.parent());
    let name = one.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(&format!(".film.mp4.{}-", process::id())) && name.ends_with(".part"), "{name}");
    assert_eq!(part_path(Path::new("film.mp4")).parent(), Some(Path::new(".")));
}

#[test]
fn free_space_is_told_for_paths_that_do_not_exist_yet() {
    let folder = tempfile::tempdir().unwrap();
    assert!(free_space(&folder.path().join("not/yet/there")).unwrap() > 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_really_full_disk_is_named_as_such() {
    // /dev/full answers every write with ENOSPC.
    let error = ProjectError::io("write", Path::new("/dev/full"), {
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        full.write_all(b"x").unwrap_err()
    });
    assert!(error.is_disk_full());
}
