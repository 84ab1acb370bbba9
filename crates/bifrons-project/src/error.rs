//! What can go wrong with a project, each with its path, what was expected, what was found,
//! and where possible a hint that says what to do.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Result of everything in this crate.
pub type Result<T> = std::result::Result<T, ProjectError>;

/// An error of the project on disk.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The operating system refused a read, write, rename or sync.
    #[error("could not {action} `{path}`: {source}")]
    Io {
        /// What was tried, as an infinitive: "read", "rename to".
        action: &'static str,
        /// The file or folder it was tried on.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The disk (or the user's quota) is full. What was there before is untouched.
    #[error("the disk is full while writing `{path}`; what was there before is untouched")]
    DiskFull {
        /// The file or folder that could not be written whole.
        path: PathBuf,
        /// Bytes free on that disk when the error was made, if they could be read.
        free_bytes: Option<u64>,
    },
    /// The folder holds no `bifrons.toml`.
    #[error("`{path}` is not a Bifrons project: it holds no `bifrons.toml`")]
    NotAProject {
        /// The folder.
        path: PathBuf,
    },
    /// `create` found a project already there.
    #[error("`{path}` is a Bifrons project already")]
    AlreadyAProject {
        /// The folder.
        path: PathBuf,
    },
    /// Another process has the project open.
    #[error("`{path}` is in use by {}", pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    Locked {
        /// The project folder.
        path: PathBuf,
        /// Process id of the holder, if it could be read.
        pid: Option<u32>,
    },
    /// `bifrons.toml` cannot be understood.
    #[error("`{path}` line {line}, column {column}: {message}")]
    Config {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the parser said.
        message: String,
    },
    /// A setting is out of its range.
    #[error("`{path}`: `{key}` is {found}, expected {expected}")]
    Setting {
        /// The file the setting stands in or was to be written to.
        path: PathBuf,
        /// Name of the setting.
        key: String,
        /// What it is.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// The project, its index or a checkpoint was made by another version of Bifrons.
    #[error("`{path}` has format version {found}, this program reads version {expected}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Version written in it.
        found: i64,
        /// Version that this program reads and writes.
        expected: i64,
    },
    /// SQLite refused.
    #[error("could not {action} in `{path}`: {source}")]
    Database {
        /// What was tried, as an infinitive.
        action: &'static str,
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A file holds something other than what this program writes.
    #[error("`{path}` is damaged: {reason}")]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// What was expected and what was found.
        reason: String,
    },
    /// Somebody's consent has ended, or is for something else.
    #[error("the consent of `{person}` does not allow this: {reason}")]
    NoConsent {
        /// Whose.
        person: String,
        /// The project's folder.
        project: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A name that cannot be a folder name everywhere.
    #[error("`{name}` cannot be the name of a person: {reason}")]
    Name {
        /// The name.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// A person who is not in the project.
    #[error("there is no person `{name}` in `{path}`{}", known_names(known))]
    UnknownPerson {
        /// The project's index.
        path: PathBuf,
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A row that is not in the index.
    #[error("there is no {what} in `{path}`")]
    NotInIndex {
        /// The index.
        path: PathBuf,
        /// What was looked for, with its number.
        what: String,
    },
    /// Faces were handed in for frames that are done already or not reached yet.
    #[error("clip {clip}: frames {expected_from}..{expected_to} were to be committed, found {found}")]
    OutOfOrder {
        /// The clip.
        clip: i64,
        /// First frame that was expected.
        expected_from: usize,
        /// One past the last frame that was expected.
        expected_to: usize,
        /// What was handed in.
        found: String,
    },
    /// A path that is not UTF-8 and so cannot stand in `bifrons.toml`.
    #[error("the path `{}` is not valid UTF-8", path.display())]
    NonUtf8Path {
        /// The path.
        path: PathBuf,
    },
}

fn known_names(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(" (there are: {})", known.join(", ")) }
}

impl ProjectError {
    /// What the user can do about it, as one sentence, where there is something to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::DiskFull { free_bytes, .. } => Some(match free_bytes {
                Some(free) => format!("{} MiB are free there; make room and run the same command again", free >> 20),
                None => "make room and run the same command again".to_owned(),
            }),
            Self::NotAProject { path } => Some(format!("make one with `bifrons new {}`", path.display())),
            Self::AlreadyAProject { .. } => {
                Some("go on with it, or choose another folder; nothing was changed".to_owned())
            }
            Self::Locked { pid: Some(pid), .. } => {
                Some(format!("wait for process {pid} to end, or stop it with `kill {pid}`"))
            }
            Self::Locked { pid: None, .. } => Some("wait for the other process to end".to_owned()),
            Self::Config { path, .. } => Some(format!("correct `{}` in any text editor", path.display())),
            Self::Version { found, expected, .. } if found > expected => {
                Some("it was made by a newer Bifrons: use that version; nothing was changed".to_owned())
            }
            Self::Version { .. } => {
                Some("it was made by an older Bifrons: use that version, or start a new project folder; nothing was changed".to_owned())
            }
            Self::Name { .. } => Some("use letters, digits, `-` and `_`, for example `alice`".to_owned()),
            Self::NoConsent { person, project, .. } => Some(format!(
                "ask them; when they agree: `bifrons consent add --of {person} --project {}`",
                project.display()
            )),
            Self::UnknownPerson { name, .. } => Some(format!("add clips with `bifrons add --as {name} CLIP`")),
            Self::NonUtf8Path { .. } => Some("rename the file or folder".to_owned()),
            Self::NotInIndex { .. } => {
                Some("see what there is with `bifrons faces list`; nothing was changed".to_owned())
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("check who owns the folder and whether it may be written to".to_owned())
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                Some("the disk is read-only: choose a project folder on another one".to_owned())
            }
            _ => None,
        }
    }

    /// Whether the cause is a full disk (exit code 4, not the user's input).
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }

    /// An operating system error on `path`; a full disk gets its own variant.
    #[must_use]
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path: path.to_owned(), free_bytes: crate::atomic::free_space(path).ok() }
            }
            _ => Self::Io { action, path: path.to_owned(), source },
        }
    }

    /// A SQLite error; a full disk and a damaged file get their own variants.
    pub(crate) fn database(action: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                Self::DiskFull { path: path.to_owned(), free_bytes: crate::atomic::free_space(path).ok() }
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path: path.to_owned(), reason: format!("SQLite says: {source}") }
            }
            _ => Self::Database { action, path: path.to_owned(), source },
        }
    }
}
