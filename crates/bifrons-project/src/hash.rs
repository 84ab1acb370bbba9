//! Hashes: of whole files, and quick fingerprints that notice when footage was changed.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{ProjectError, Result};

/// A BLAKE3 hash, 32 bytes; written as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Hash of bytes in memory.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Hash of a whole file, read in pieces.
    ///
    /// # Errors
    /// [`ProjectError::Io`] when it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self> {
        let mut hasher = blake3::Hasher::new();
        File::open(path)
            .and_then(|file| hasher.update_reader(file).map(|_| ()))
            .map_err(|source| ProjectError::io("read", path, source))?;
        Ok(Self(*hasher.finalize().as_bytes()))
    }

    /// Hash of a folder: names and contents of its files, names of folders in it; hidden ones excepted.
    ///
    /// # Errors
    /// [`ProjectError::Io`] when it cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        let mut hasher = blake3::Hasher::new();
        for path in visible(folder)? {
            // a hash has one length: where a name ends is clear
            hasher.update(Self::of_bytes(path.file_name().unwrap_or_default().as_encoded_bytes()).as_bytes());
            if path.is_file() {
                hasher.update(Self::of_file(&path)?.as_bytes());
            }
        }
        Ok(Self(*hasher.finalize().as_bytes()))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ContentHash({self})")
    }
}

/// A text that is not 64 lowercase hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a hash of 64 lowercase hexadecimal digits")]
pub struct NotAHash(String);

impl FromStr for ContentHash {
    type Err = NotAHash;

    /// Strict: uppercase digits are refused, so that one hash has one spelling.
    fn from_str(text: &str) -> std::result::Result<Self, NotAHash> {
        let digits = text.as_bytes();
        let bad = || NotAHash(text.chars().take(80).collect());
        if digits.len() != 64 {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| match digit {
                b'0'..=b'9' => Ok(digit - b'0'),
                b'a'..=b'f' => Ok(digit - b'a' + 10),
                _ => Err(bad()),
            };
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for ContentHash {
    type Error = NotAHash;

    fn try_from(text: String) -> std::result::Result<Self, NotAHash> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

/// Bytes hashed at each end of a file.
const END_BYTES: u64 = 1 << 20;
/// The same for each file of a folder of images, of which there may be thousands.
const FOLDER_END_BYTES: u64 = 64 << 10;

/// Tells whether a clip is still the one whose faces were extracted, without reading all of it:
/// its size, and a hash of its first and last MiB. For a folder, sizes, names and the first and
/// last 64 KiB of every file in it (hidden files excepted). A change that keeps the size and
/// both ends is not noticed; the modification time is left out because copying changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipFingerprint {
    /// Size in bytes; for a folder the sum over its files.
    pub size_bytes: u64,
    /// Hash of both ends.
    pub ends: ContentHash,
}

impl ClipFingerprint {
    /// Fingerprint of a file, or of a folder of images.
    ///
    /// # Errors
    /// [`ProjectError::Io`] when it is not there or cannot be read.
    pub fn of(path: &Path) -> Result<Self> {
        let mut hasher = blake3::Hasher::new();
        let metadata = fs::metadata(path).map_err(|source| ProjectError::io("read", path, source))?;
        let size_bytes = if metadata.is_dir() {
            let mut total = 0;
            for file in visible_files(path)? {
                if let Some(name) = file.file_name() {
                    hasher.update(name.as_encoded_bytes());
                    hasher.update(&[0]);
                }
                total += hash_ends(&mut hasher, &file, FOLDER_END_BYTES)?;
            }
            total
        } else {
            hash_ends(&mut hasher, path, END_BYTES)?
        };
        Ok(Self { size_bytes, ends: ContentHash(*hasher.finalize().as_bytes()) })
    }
}

/// Adds size, head and tail of a file; returns its size.
fn hash_ends(hasher: &mut blake3::Hasher, path: &Path, end_bytes: u64) -> Result<u64> {
    let mut ends = || -> io::Result<u64> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        hasher.update(&size.to_le_bytes());
        hasher.update_reader((&mut file).take(end_bytes))?;
        if size > end_bytes {
            file.seek(SeekFrom::Start(size.saturating_sub(end_bytes).max(end_bytes)))?;
            hasher.update_reader((&mut file).take(end_bytes))?;
        }
        Ok(size)
    };
    ends().map_err(|source| ProjectError::io("read", path, source))
}

fn visible_files(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(visible(folder)?.into_iter().filter(|path| path.is_file()).collect())
}

/// What lies in a folder, by name, without what is hidden.
fn visible(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = |source| ProjectError::io("read", folder, source);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic;

    #[test]
    fn hashes_match_the_published_vector_and_have_one_spelling() {
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        let hash = ContentHash::of_bytes(b"");
        assert_eq!(hash.to_string(), empty);
        assert_eq!(empty.parse(), Ok(hash));
        assert!(empty.to_uppercase().parse::<ContentHash>().is_err());
        assert!("é".repeat(32).parse::<ContentHash>().is_err());
        assert_eq!(serde_json::to_string(&hash).unwrap(), format!("\"{empty}\""));
    }

    #[test]
    fn a_folders_hash_notices_every_change_but_in_what_is_hidden() {
        let room = tempfile::tempdir().unwrap();
        let folder = room.path();
        let hash = || ContentHash::of_folder(folder).unwrap();
        atomic::write(&folder.join("1.png"), b"one").unwrap();
        let first = hash();
        atomic::write(&folder.join(".thumbs"), b"small").unwrap();
        assert_eq!(hash(), first);
        atomic::write(&folder.join("1.png"), b"eno").unwrap();
        assert_ne!(hash(), first);
        atomic::write(&folder.join("1.png"), b"one").unwrap();
        assert_eq!(hash(), first);
        fs::create_dir(folder.join("comp")).unwrap();
        assert_ne!(hash(), first);
    }

    #[test]
    fn fingerprints_notice_changes_at_both_ends_and_of_the_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        let mut bytes = vec![1u8; 5 << 20];
        atomic::write(&path, &bytes).unwrap();
        let first = ClipFingerprint::of(&path).unwrap();
        assert_eq!(first, ClipFingerprint::of(&path).unwrap());
        assert_eq!(first.size_bytes, 5 << 20);
        for place in [0, (1 << 20) - 1, 4 << 20, (5 << 20) - 1] {
            bytes[place] ^= 1;
            atomic::write(&path, &bytes).unwrap();
            assert_ne!(first, ClipFingerprint::of(&path).unwrap(), "byte {place}");
            bytes[place] ^= 1;
        }
        bytes.push(1);
        atomic::write(&path, &bytes).unwrap();
        assert_ne!(first, ClipFingerprint::of(&path).unwrap());
    }

    #[test]
    fn fingerprints_of_folders_depend_on_names_and_content_not_on_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        atomic::write(&folder.path().join("1.png"), b"one").unwrap();
        atomic::write(&folder.path().join("2.png"), b"two").unwrap();
        let first = ClipFingerprint::of(folder.path()).unwrap();
        atomic::write(&folder.path().join(".DS_Store"), b"x").unwrap();
        assert_eq!(first, ClipFingerprint::of(folder.path()).unwrap());
        atomic::write(&folder.path().join("2.png"), b"tow").unwrap();
        assert_ne!(first, ClipFingerprint::of(folder.path()).unwrap());
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = ClipFingerprint::of(Path::new("/nowhere/clip.mp4")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/clip.mp4"));
    }
}
