//! `manifest.json`: what a checkpoint holds, with the hash of each file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{ProjectError, Result};
use crate::hash::ContentHash;

/// Version of the manifest that this program reads and writes.
pub const MANIFEST_VERSION: u32 = 1;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const MANIFEST_HASH: &str = "manifest.b3";
/// Larger manifests are refused before they are read.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// The content of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`MANIFEST_VERSION`] after reading.
    pub format_version: u32,
    /// Iterations trained.
    pub step: u64,
    /// Seconds trained.
    #[serde(default)]
    pub trained_secs: f64,
    /// Loss by which the best checkpoint is told; lower is better.
    pub loss: Option<f64>,
    /// Every other file in the folder by name.
    pub files: BTreeMap<String, FileEntry>,
    /// Whatever training wants to find again.
    pub meta: serde_json::Value,
}

/// One file of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its size.
    pub size_bytes: u64,
    /// Hash of its content.
    pub blake3: ContentHash,
}

/// The line that `b3sum manifest.json` prints.
pub(super) fn hash_line(manifest: &[u8]) -> String {
    format!("{}  {MANIFEST}\n", ContentHash::of_bytes(manifest))
}

pub(super) fn read_manifest(dir: &Path) -> Result<Manifest> {
    let path = dir.join(MANIFEST);
    let text = read_limited(&path)?;
    let hash_path = dir.join(MANIFEST_HASH);
    if read_limited(&hash_path)? != hash_line(&text).as_bytes() {
        return Err(ProjectError::Damaged {
            path,
            reason: format!("its hash is not the one in `{MANIFEST_HASH}`"),
        });
    }
    let not_understood = |error: serde_json::Error| ProjectError::Damaged {
        path: path.clone(),
        reason: format!("it is not a manifest: {error}"),
    };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(not_understood)?;
    match value.get("format_version").and_then(serde_json::Value::as_i64) {
        Some(found) if found != i64::from(MANIFEST_VERSION) => {
            return Err(ProjectError::Version { path, found, expected: i64::from(MANIFEST_VERSION) });
        }
        _ => {}
    }
    let manifest: Manifest = serde_json::from_value(value).map_err(not_understood)?;
    if let Some(name) = manifest.files.keys().find(|name| !is_plain_name(name)) {
        return Err(ProjectError::Damaged {
            path,
            reason: format!("it names a file `{name}` outside of the folder"),
        });
    }
    Ok(manifest)
}

fn read_limited(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut bytes));
    match read {
        Ok(size) if size as u64 > MAX_MANIFEST_BYTES => Err(ProjectError::Damaged {
            path: path.to_owned(),
            reason: format!("it is longer than {MAX_MANIFEST_BYTES} bytes"),
        }),
        Ok(_) => Ok(bytes),
        Err(source) => Err(missing_or_io(path, source)),
    }
}

/// A file that is not there is damage to the checkpoint; anything else is the disk's fault.
pub(super) fn missing_or_io(path: &Path, source: io::Error) -> ProjectError {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            ProjectError::Damaged { path: path.to_owned(), reason: "it is missing".to_owned() }
        }
        _ => ProjectError::io("read", path, source),
    }
}

pub(super) fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty()
        && !name.starts_with('.')
        && name.chars().all(plain)
        && name != MANIFEST
        && name != MANIFEST_HASH
}
