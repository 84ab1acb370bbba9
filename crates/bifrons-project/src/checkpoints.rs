//! Checkpoints: folders `model/step-00012000/`, each complete and hashed, the newest good one
//! computed and never pointed at.
//!
//! A checkpoint holds whatever files training gives it (weights, optimiser state, preview), a
//! `manifest.json` with the hash of each and free-form data (preset, RNG, data order), and
//! `manifest.b3` with the hash of the manifest. Both can be checked with `b3sum`. So every
//! flipped bit in it is noticed.

mod manifest;
mod retention;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::manifest::{FileEntry, MANIFEST_VERSION, Manifest};
use self::manifest::{MANIFEST, MANIFEST_HASH, hash_line, is_plain_name, missing_or_io, read_manifest};
pub use self::retention::Retention;
use crate::atomic;
use crate::error::{ProjectError, Result};
use crate::hash::ContentHash;

/// Where in its training a model stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Iterations trained.
    pub step: u64,
    /// Seconds trained.
    pub trained_secs: f64,
    /// Loss by which the best checkpoint is told; lower is better.
    pub loss: Option<f64>,
}

/// A checkpoint whose files were all there with the right hashes when it was opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    dir: PathBuf,
    manifest: Manifest,
}

/// A checkpoint that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedCheckpoint {
    /// Its folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// The newest good checkpoint, and which newer ones were passed over to find it.
#[derive(Debug)]
pub struct Newest {
    /// `None` when there is none at all.
    pub checkpoint: Option<Checkpoint>,
    /// Newer ones that are damaged, newest first: tell the user.
    pub damaged: Vec<DamagedCheckpoint>,
}

impl Checkpoint {
    /// Opens the folder and checks every file in it against its hash.
    ///
    /// # Errors
    /// [`ProjectError::Damaged`] naming the file; [`ProjectError::Version`];
    /// [`ProjectError::Io`] when something cannot be read for another reason.
    pub fn open(dir: &Path) -> Result<Self> {
        let checkpoint = Self { dir: dir.to_owned(), manifest: read_manifest(dir)? };
        for (name, entry) in &checkpoint.manifest.files {
            let path = dir.join(name);
            check_size(&path, entry)?;
            check_hash(&path, entry, ContentHash::of_file(&path)?)?;
        }
        Ok(checkpoint)
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Iterations trained.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.manifest.step
    }

    /// Everything the manifest says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The free-form data as the type that was saved.
    ///
    /// # Errors
    /// [`ProjectError::Damaged`] when it is of another shape.
    pub fn meta<T: for<'de> Deserialize<'de>>(&self) -> Result<T> {
        T::deserialize(&self.manifest.meta).map_err(|error| ProjectError::Damaged {
            path: self.dir.join(MANIFEST),
            reason: format!("`meta` is not what this program saves: {error}"),
        })
    }

    /// Content of one file. It is hashed again: what is returned is what was saved.
    ///
    /// # Errors
    /// [`ProjectError::Damaged`] when it is not in the manifest or was changed since opening.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.dir.join(name);
        let Some(entry) = self.manifest.files.get(name) else {
            let known = self.manifest.files.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(ProjectError::Damaged {
                path: self.dir.clone(),
                reason: format!("it holds no `{name}` (but {known})"),
            });
        };
        check_size(&path, entry)?;
        let bytes = fs::read(&path).map_err(|source| ProjectError::io("read", &path, source))?;
        check_hash(&path, entry, ContentHash::of_bytes(&bytes))?;
        Ok(bytes)
    }
}

/// The checkpoints of a model.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// The checkpoints in `folder`, which need not exist yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder of the checkpoint after `step` iterations.
    #[must_use]
    pub fn dir_of(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step:08}"))
    }

    /// Steps for which there is a folder, ascending; whether they are good is not looked at.
    ///
    /// # Errors
    /// [`ProjectError::Io`].
    pub fn steps(&self) -> Result<Vec<u64>> {
        let read = |source| ProjectError::io("read", &self.folder, source);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(read(source)),
        };
        let mut steps = Vec::new();
        for entry in entries {
            let entry = entry.map_err(read)?;
            let name = entry.file_name();
            let step =
                name.to_str().and_then(|name| name.strip_prefix("step-")).and_then(|step| step.parse().ok());
            // Only the spelling that `dir_of` gives, so that no two folders claim one step.
            if let Some(step) = step.filter(|step| self.dir_of(*step).file_name() == Some(&name)) {
                steps.push(step);
            }
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// The newest checkpoint whose hashes all match. Damaged ones are passed over and reported,
    /// never deleted. A checkpoint of another version is an error, not damage: to go on from an
    /// older one behind the user's back would throw training away.
    ///
    /// # Errors
    /// [`ProjectError::Version`], or [`ProjectError::Io`] when the disk itself fails.
    pub fn newest(&self) -> Result<Newest> {
        let mut damaged = Vec::new();
        for step in self.steps()?.into_iter().rev() {
            let path = self.dir_of(step);
            match Checkpoint::open(&path) {
                Ok(checkpoint) if checkpoint.step() == step => {
                    return Ok(Newest { checkpoint: Some(checkpoint), damaged });
                }
                Ok(checkpoint) => {
                    let reason = format!("its manifest says step {}", checkpoint.step());
                    damaged.push(DamagedCheckpoint { path, reason });
                }
                Err(ProjectError::Damaged { path: file, reason }) => {
                    let file = file.strip_prefix(&path).unwrap_or(&file).display().to_string();
                    damaged.push(DamagedCheckpoint { path, reason: format!("{file}: {reason}") });
                }
                Err(other) => return Err(other),
            }
        }
        Ok(Newest { checkpoint: None, damaged })
    }

    /// Saves a checkpoint: everything goes into a hidden folder, is synced, and then gets its
    /// final name in one rename. A folder that is there for this step is replaced.
    ///
    /// # Errors
    /// [`ProjectError::DiskFull`] or [`ProjectError::Io`]; earlier checkpoints are untouched.
    /// [`ProjectError::Setting`] for a file name that is not a plain name, or a `meta` that is
    /// not JSON.
    pub fn save(&self, mark: &Mark, files: &[(&str, &[u8])], meta: &impl Serialize) -> Result<Checkpoint> {
        let Mark { step, trained_secs, loss } = *mark;
        let dir = self.dir_of(step);
        let meta = serde_json::to_value(meta).map_err(|error| ProjectError::Setting {
            path: dir.clone(),
            key: "meta".to_owned(),
            found: error.to_string(),
            expected: "something that JSON can hold".to_owned(),
        })?;
        let mut entries = BTreeMap::new();
        for (name, bytes) in files {
            if !is_plain_name(name) || entries.contains_key(*name) {
                return Err(ProjectError::Setting {
                    path: dir,
                    key: "file name".to_owned(),
                    found: format!("`{name}`"),
                    expected: "a plain name, once, that is not the manifest's".to_owned(),
                });
            }
            let entry = FileEntry { size_bytes: bytes.len() as u64, blake3: ContentHash::of_bytes(bytes) };
            entries.insert((*name).to_owned(), entry);
        }
        // NaN and infinity have no spelling in JSON; a loss like that is no record anyway.
        let loss = loss.filter(|loss| loss.is_finite());
        let manifest =
            Manifest { format_version: MANIFEST_VERSION, step, trained_secs, loss, files: entries, meta };

        atomic::create_dir_all(&self.folder)?;
        let part = atomic::part_path(&dir);
        let filled = fill(&part, &manifest, files).and_then(|()| atomic::publish_dir(&part, &dir));
        if let Err(error) = filled {
            // The first error is the one to tell; what stays is removed as stale later.
            let _ = fs::remove_dir_all(&part);
            return Err(error);
        }
        Ok(Checkpoint { dir, manifest })
    }
}

fn fill(part: &Path, manifest: &Manifest, files: &[(&str, &[u8])]) -> Result<()> {
    fs::create_dir(part).map_err(|source| ProjectError::io("make the folder", part, source))?;
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| ProjectError::io("write", &part.join(MANIFEST), error.into()))?;
    text.push(b'\n');
    let hash = hash_line(&text);
    let manifest_files = [(MANIFEST, text.as_slice()), (MANIFEST_HASH, hash.as_bytes())];
    for (name, bytes) in files.iter().copied().chain(manifest_files) {
        // Plain writes: the folder is synced as a whole before it gets its name.
        let path = part.join(name);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(|source| ProjectError::io("write", &path, source))?;
    }
    Ok(())
}

fn check_size(path: &Path, entry: &FileEntry) -> Result<()> {
    let found = fs::metadata(path).map_err(|source| missing_or_io(path, source))?.len();
    if found == entry.size_bytes {
        return Ok(());
    }
    let reason = format!("it has {found} bytes, expected {}", entry.size_bytes);
    Err(ProjectError::Damaged { path: path.to_owned(), reason })
}

fn check_hash(path: &Path, entry: &FileEntry, found: ContentHash) -> Result<()> {
    if found == entry.blake3 {
        return Ok(());
    }
    let reason = format!("its hash is {found}, expected {}", entry.blake3);
    Err(ProjectError::Damaged { path: path.to_owned(), reason })
}

#[cfg(test)]
mod tests;
