//! The one way to write a file: beside the target, synced, then renamed.
//!
//! 1. the bytes go to a temporary file in the target's own folder ([`part_path`]);
//! 2. that file is synced to the disk;
//! 3. it is renamed onto the target (atomic on POSIX file systems);
//! 4. the folder is synced, so that the new name survives a power failure.
//!
//! Whatever interrupts this, the target is afterwards either what it was or what it was to
//! become. A leftover of step 1 or 2 ends in `.part` and is removed by [`remove_stale_parts`].
//! On Windows a rename over an existing file has no documented atomicity, and folders cannot be
//! synced; step 4 is skipped there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{ProjectError, Result};

/// How the names of unfinished files and folders end.
pub const PART_SUFFIX: &str = ".part";

/// Writes `bytes` to `path`, whole or not at all. An existing file is replaced.
///
/// # Errors
/// [`ProjectError::DiskFull`] or [`ProjectError::Io`]; the target is then what it was before.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |out| out.write_all(bytes))
}

/// Like [`write`], for content that is made piece by piece. When `fill` fails, nothing stays.
///
/// # Errors
/// As [`write`]; an error that `fill` returns is reported with the target's path.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let part = Part::file(path);
    write_part(&part.path, fill).map_err(|source| ProjectError::io("write", path, source))?;
    publish(&part.path, path)
}

/// Writes several files, each whole or not at all, and syncs each folder only once.
///
/// The files appear one after another, in the order given: after an interruption the first few
/// may be new and the rest old.
///
/// # Errors
/// As [`write`], for the first file that fails.
pub fn write_many<P: AsRef<Path>, B: AsRef<[u8]>>(files: &[(P, B)]) -> Result<()> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for (path, bytes) in files {
        let path = path.as_ref();
        let part = Part::file(path);
        write_part(&part.path, |out| out.write_all(bytes.as_ref()))
            .map_err(|source| ProjectError::io("write", path, source))?;
        sync_file(&part.path)?;
        rename(&part.path, path)?;
        let folder = folder_of(path);
        if !folders.iter().any(|known| known == folder) {
            folders.push(folder.to_owned());
        }
    }
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

/// Gives a file that somebody else wrote (FFmpeg, for example) its final name: syncs it, renames
/// it, syncs the folder. Both paths must be on the same file system; use [`part_path`].
///
/// # Errors
/// As [`write`]. The part file is left where it is, so that nothing finished is lost.
pub fn publish(part: &Path, target: &Path) -> Result<()> {
    sync_file(part)?;
    rename(part, target)?;
    sync_folder(folder_of(target))
}

/// Gives a whole folder its final name: syncs every file and folder in it, renames it, syncs the
/// parent. An existing `target` folder is moved aside first and removed afterwards; a kill just
/// between the two renames leaves neither name, so callers keep an older copy (checkpoints do).
///
/// # Errors
/// As [`publish`].
pub fn publish_dir(part: &Path, target: &Path) -> Result<()> {
    sync_tree(part)?;
    if !target.is_dir() {
        rename(part, target)?;
        return sync_folder(folder_of(target));
    }
    let aside = part_path(target);
    rename(target, &aside)?;
    if let Err(error) = rename(part, target) {
        // Best effort: if this fails too, the old folder is still there under its hidden name.
        #[expect(clippy::disallowed_methods, reason = "this is the module that all others must use")]
        let _ = fs::rename(&aside, target);
        return Err(error);
    }
    sync_folder(folder_of(target))?;
    fs::remove_dir_all(&aside).map_err(|source| ProjectError::io("remove", &aside, source))
}

/// Removes a folder so that a kill half-way never leaves half of it under its own name.
///
/// # Errors
/// [`ProjectError::Io`].
pub fn remove_dir(dir: &Path) -> Result<()> {
    let aside = part_path(dir);
    rename(dir, &aside)?;
    sync_folder(folder_of(dir))?;
    fs::remove_dir_all(&aside).map_err(|source| ProjectError::io("remove", &aside, source))
}

/// A new name beside `target` for its unfinished content: `.NAME.PID-….part`, hidden, never the
/// same twice. The caller makes the file or folder there and then calls [`publish`] or
/// [`publish_dir`].
#[must_use]
pub fn part_path(target: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    folder_of(target).join(format!(".{name}.{}-{number}{PART_SUFFIX}", process_mark()))
}

/// Removes what interrupted writes of `target` left beside it, except what this very process is
/// writing. Returns what was removed. Only call it while nobody else writes `target`.
///
/// # Errors
/// [`ProjectError::Io`] when the folder cannot be read or a leftover not removed.
pub fn remove_stale_parts(target: &Path) -> Result<Vec<PathBuf>> {
    let Some(name) = target.file_name() else { return Ok(Vec::new()) };
    let prefix = format!(".{}.", name.to_string_lossy());
    remove_parts(folder_of(target), |found| {
        // What follows the prefix must be the mark alone, or `a.mp4` would claim the parts of
        // `a.mp4.txt`.
        found
            .strip_prefix(&prefix)
            .and_then(|rest| rest.strip_suffix(PART_SUFFIX))
            .is_some_and(|mark| !mark.contains('.'))
    })
}

/// Like [`remove_stale_parts`], for every target in `folder` (not in folders below it). A folder
/// that is not there has no leftovers.
///
/// # Errors
/// As [`remove_stale_parts`].
pub fn remove_stale_parts_in(folder: &Path) -> Result<Vec<PathBuf>> {
    remove_parts(folder, |found| found.starts_with('.') && found.ends_with(PART_SUFFIX))
}

/// Bytes that this user may still write on the file system of `path`, which need not exist yet:
/// the nearest folder above it that exists is asked.
///
/// # Errors
/// [`ProjectError::Io`] when the operating system does not say.
pub fn free_space(path: &Path) -> Result<u64> {
    let existing = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    fs4::available_space(existing).map_err(|source| ProjectError::Io {
        action: "ask for the free space of",
        path: existing.to_owned(),
        source,
    })
}

/// Makes a folder and those above it, and syncs the parents so that it survives a power failure.
///
/// # Errors
/// As [`write`].
pub fn create_dir_all(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = folder_of(dir);
    if parent != dir {
        create_dir_all(parent)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => sync_folder(parent),
        // Another thread was faster.
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(source) => Err(ProjectError::io("make the folder", dir, source)),
    }
}

/// A part file that is removed when writing it fails.
struct Part {
    path: PathBuf,
}

impl Part {
    fn file(target: &Path) -> Self {
        Self { path: part_path(target) }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Already renamed in the good case. In the bad case the first error is the one to tell,
        // and what cannot be removed now is removed as stale later.
        let _ = fs::remove_file(&self.path);
    }
}

fn write_part(part: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    failpoint(Step::Create)?;
    let file = OpenOptions::new().write(true).create_new(true).open(part)?;
    let mut out = io::BufWriter::with_capacity(1 << 20, file);
    fill(&mut out)?;
    failpoint(Step::Write)?;
    out.flush()
}

fn sync_file(path: &Path) -> Result<()> {
    // Opened for writing because Windows refuses to sync a read-only handle.
    failpoint(Step::SyncFile)
        .and_then(|()| OpenOptions::new().write(true).open(path))
        .and_then(|file| file.sync_all())
        .map_err(|source| ProjectError::io("sync", path, source))
}

#[expect(clippy::disallowed_methods, reason = "this is the module that all others must use")]
fn rename(from: &Path, to: &Path) -> Result<()> {
    failpoint(Step::Rename)
        .and_then(|()| fs::rename(from, to))
        .map_err(|source| ProjectError::io("rename to", to, source))
}

fn sync_folder(folder: &Path) -> Result<()> {
    let synced = failpoint(Step::SyncFolder);
    #[cfg(unix)]
    let synced = synced.and_then(|()| File::open(folder)).and_then(|handle| handle.sync_all());
    synced.map_err(|source| ProjectError::io("sync", folder, source))
}

fn sync_tree(folder: &Path) -> Result<()> {
    let read = |source| ProjectError::io("read", folder, source);
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        if entry.file_type().map_err(read)?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            sync_file(&entry.path())?;
        }
    }
    sync_folder(folder)
}

fn remove_parts(folder: &Path, ours: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(ProjectError::io("read", folder, source)),
    };
    let this_process = format!(".{}-", process_mark());
    let mut removed = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| ProjectError::io("read", folder, source))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if !ours(name) || name.contains(&this_process) {
            continue;
        }
        let path = entry.path();
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let result = if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        result.map_err(|source| ProjectError::io("remove", &path, source))?;
        removed.push(path);
    }
    removed.sort();
    Ok(removed)
}

/// Process id and start time: containers give every process the same id, so the id alone does
/// not tell this run from the one before it.
fn process_mark() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("{}-{:x}", process::id(), since_epoch.as_nanos())
    })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// The steps at which a write can be interrupted; tests make each of them fail in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Create,
    Write,
    SyncFile,
    Rename,
    SyncFolder,
}

#[cfg(not(test))]
fn failpoint(_step: Step) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use tests::failpoint;

#[cfg(test)]
pub(crate) mod tests;
