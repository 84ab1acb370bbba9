//! Finished films, which are files, or folders where the footage is one: their name, their hash, and what may be replaced.

use std::path::{Path, PathBuf};

use bifrons_media::{Clip, ClipKind};
use bifrons_project::{ContentHash, ProjectError, atomic};

use crate::SwapError;

/// How the names of files end that hold the hash of a finished film.
pub(crate) const HASH_SUFFIX: &str = "blake3";

/// Gives a finished file or folder its name.
///
/// # Errors
/// As [`atomic::publish`].
pub(crate) fn publish(part: &Path, target: &Path) -> Result<(), ProjectError> {
    if part.is_dir() { atomic::publish_dir(part, target) } else { atomic::publish(part, target) }
}

/// Removes an unfinished file or folder as far as that can be done: what stays is removed as stale by the next run.
pub(crate) fn discard(part: &Path) {
    let _ = if part.is_dir() { std::fs::remove_dir_all(part) } else { std::fs::remove_file(part) };
}

/// Hash of a film that is there.
///
/// # Errors
/// [`ProjectError::Io`] when it cannot be read.
pub(crate) fn hash_of(film: &Path) -> Result<ContentHash, ProjectError> {
    if film.is_dir() { ContentHash::of_folder(film) } else { ContentHash::of_file(film) }
}

/// Removes everything in the folder of a film's work but these files.
///
/// # Errors
/// [`ProjectError::Io`] when the disk does not let it.
pub(crate) fn remove_all_but(folder: &Path, kept: &[&Path]) -> Result<(), ProjectError> {
    let entries = std::fs::read_dir(folder).map_err(|error| ProjectError::io("read", folder, error))?;
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| !kept.contains(&path.as_path())) {
        if path.is_dir() {
            atomic::remove_dir(&path)?;
        } else {
            std::fs::remove_file(&path).map_err(|error| ProjectError::io("remove", &path, error))?;
        }
    }
    Ok(())
}

/// Whether the film has the hash that was written into `record`.
///
/// # Errors
/// As [`hash_of`].
pub(crate) fn is_recorded(film: &Path, record: &Path) -> Result<bool, ProjectError> {
    let Ok(recorded) = std::fs::read_to_string(record) else { return Ok(false) };
    Ok(film.exists() && hash_of(film)?.to_string() == recorded)
}

/// Refuses to take the place of a folder that was not made here, or has been changed since: all of it would be lost.
/// `records` is the folder with the hashes of what was made.
///
/// # Errors
/// [`SwapError::NotOurs`].
pub(crate) fn check_place(clip: &Clip, output: &Path, records: &Path) -> Result<(), SwapError> {
    if clip.kind() != ClipKind::PictureFolder || !output.exists() {
        return Ok(());
    }
    let entries = |folder: &Path| {
        std::fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>())
    };
    let held = entries(output).unwrap_or_default();
    if output.is_dir() && held.is_empty() {
        return Ok(());
    }
    // nothing hidden is made here, and hashes pass it over
    let is_hidden =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    if output.is_dir() && !held.iter().any(is_hidden) {
        for record in entries(records).unwrap_or_default() {
            if record.extension().is_some_and(|e| e == HASH_SUFFIX) && is_recorded(output, &record)? {
                return Ok(());
            }
        }
    }
    Err(SwapError::NotOurs { path: output.to_owned() })
}
