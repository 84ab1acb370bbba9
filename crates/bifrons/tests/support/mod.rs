//! What the tests of the whole product share: a folder to work in, footage made with FFmpeg from real faces, the
//! program run as people run it, and what FFmpeg says about the films that come out.
#![allow(dead_code, reason = "each file of tests is a program of its own and uses a part of this")]

pub(crate) mod film;
pub(crate) mod footage;
pub(crate) mod seeded;
pub(crate) mod two_shots;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Exit codes, as `bifrons --help` documents them.
pub(crate) mod code {
    pub(crate) const DONE: i32 = 0;
    pub(crate) const DONE_WITH_FAILURES: i32 = 1;
    pub(crate) const USAGE: i32 = 2;
    pub(crate) const INPUT: i32 = 3;
    pub(crate) const ENVIRONMENT: i32 = 4;
    pub(crate) const STOPPED: i32 = 130;
}

/// The program, ready for arguments. Its messages do not depend on who runs the tests.
pub(crate) fn bifrons() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bifrons"));
    command.env_remove("BIFRONS_FFMPEG").env_remove("BIFRONS_FFPROBE").env("COLUMNS", "100");
    // keys of the tests' own
    command.env("XDG_CONFIG_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/settings"));
    command
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit code.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Waits for the end of `command`.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("the program starts"))
    }

    /// The events of `--json`, of which every line must be one.
    pub(crate) fn events(&self) -> Vec<Value> {
        events(&self.stdout)
    }

    /// Everything said, for messages of tests.
    pub(crate) fn all(&self) -> String {
        format!("exit code {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }

    /// Fails unless the program ended with `code`.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            // killed by a signal: as shells count it
            code: output.status.code().unwrap_or_else(|| 128 + signal_of(&output)),
            stdout: String::from_utf8(output.stdout).expect("stdout is text"),
            stderr: String::from_utf8(output.stderr).expect("stderr is text"),
        }
    }
}

#[cfg(unix)]
fn signal_of(output: &Output) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&output.status).unwrap_or_default()
}

#[cfg(not(unix))]
fn signal_of(_output: &Output) -> i32 {
    0
}

/// Reads JSON lines, each of which must be an event.
pub(crate) fn events(text: &str) -> Vec<Value> {
    let parse = |line: &str| {
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the line {line}"));
        assert!(event["event"].is_string(), "an object without its name: {line}");
        event
    };
    text.lines().map(parse).collect()
}

/// A folder for one test, removed at its end.
#[derive(Debug)]
pub(crate) struct Room {
    dir: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().expect("a temporary folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `bifrons swap` of these clips onto `out.mp4`, kept short: one iteration unless more is said.
    pub(crate) fn swap(&self, face: &Path, onto: &Path) -> Command {
        let mut command = bifrons();
        command.arg("swap").arg("--face").arg(face).arg("--onto").arg(onto);
        command.arg("-o").arg(self.out()).args(["--seed", "1"]);
        command
    }

    /// The film that [`Room::swap`] makes.
    pub(crate) fn out(&self) -> PathBuf {
        self.path("out.mp4")
    }

    /// The project that [`Room::swap`] makes.
    pub(crate) fn project(&self) -> PathBuf {
        self.path("out.bifrons")
    }

    /// Unfinished files anywhere in the folder: there are none after a run that came to its end.
    pub(crate) fn parts(&self) -> Vec<PathBuf> {
        files_below(self.dir.path())
            .into_keys()
            .filter(|path| path.to_string_lossy().contains(".part"))
            .collect()
    }
}

/// Every file below a folder, with its size in bytes.
pub(crate) fn files_below(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder that can be read") {
        let entry = entry.expect("an entry that can be read");
        let about = entry.metadata().expect("an entry that is still there");
        if about.is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.insert(entry.path(), about.len());
        }
    }
    files
}

/// Writes a file for a test.
#[expect(clippy::disallowed_methods, reason = "the tests' own files need no protection from power failures")]
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::write(path, bytes).expect("a file in the tests' folder");
}

/// Numbers that look random and are the same in each run (xorshift, 64 bits).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
