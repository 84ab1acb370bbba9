//! Clips and how far their extraction is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{AddedClip, Clip, ClipId, ClipInfo, ClipState, Extraction, ExtractionState, Index};
use crate::error::Result;
use crate::hash::ClipFingerprint;

const CLIP_COLUMNS: &str =
    "SELECT clips.id, people.name, clips.path, clips.size_bytes, clips.ends, clips.frames,
    clips.width_px, clips.height_px FROM clips JOIN people ON people.id = clips.person";

impl Index {
    /// Adds a clip of a person. Adding it again changes nothing and tells whether the footage is
    /// still the same.
    ///
    /// # Errors
    /// [`crate::ProjectError::UnknownPerson`], [`crate::ProjectError::NonUtf8Path`].
    pub fn add_clip(&self, person: &str, path: &Path, info: ClipInfo) -> Result<AddedClip> {
        let stored = self.layout.to_stored(path)?;
        let action = "add a clip";
        self.transact(action, |transaction| {
            let person = self.person_id(transaction, person)?;
            let known = transaction
                .query_row(
                    "SELECT id, size_bytes, ends FROM clips WHERE person = ?1 AND path = ?2",
                    params![person.0, stored],
                    |row| Ok((ClipId(row.get(0)?), row.get::<_, i64>(1)?, row.get::<_, String>(2)?)),
                )
                .optional()
                .map_err(|source| self.failed(action, source))?;
            if let Some((id, size_bytes, ends)) = known {
                let same = (size_bytes, ends) == stored_fingerprint(info.fingerprint);
                let state = if same { ClipState::Unchanged } else { ClipState::Changed };
                return Ok(AddedClip { id, state });
            }
            let (size_bytes, ends) = stored_fingerprint(info.fingerprint);
            transaction
                .execute(
                    "INSERT INTO clips (person, path, size_bytes, ends, frames, width_px, height_px)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![person.0, stored, size_bytes, ends, info.frames, info.width_px, info.height_px],
                )
                .map_err(|source| self.failed(action, source))?;
            Ok(AddedClip { id: ClipId(transaction.last_insert_rowid()), state: ClipState::New })
        })
    }

    /// Forgets all that was found in a clip (faces, tracks, reviews, shots, progress) and takes `info`
    /// for it, because its footage has changed. Crops in `faces/` are the caller's to remove.
    ///
    /// # Errors
    /// [`crate::ProjectError::NotInIndex`].
    pub fn reset_clip(&self, clip: ClipId, info: ClipInfo) -> Result<()> {
        let action = "reset a clip";
        self.transact(action, |transaction| {
            let failed = |source| self.failed(action, source);
            let (size_bytes, ends) = stored_fingerprint(info.fingerprint);
            let changed = transaction
                .execute(
                    "UPDATE clips SET size_bytes = ?2, ends = ?3, frames = ?4, width_px = ?5, height_px = ?6
                     WHERE id = ?1",
                    params![clip.0, size_bytes, ends, info.frames, info.width_px, info.height_px],
                )
                .map_err(failed)?;
            if changed == 0 {
                return Err(self.not_there(format!("clip {clip}")));
            }
            transaction.execute("DELETE FROM tracks WHERE clip = ?1", [clip.0]).map_err(failed)?;
            transaction.execute("DELETE FROM extraction WHERE clip = ?1", [clip.0]).map_err(failed)?;
            transaction.execute("DELETE FROM shots WHERE clip = ?1", [clip.0]).map_err(failed)?;
            Ok(())
        })
    }

    /// One clip.
    ///
    /// # Errors
    /// [`crate::ProjectError::NotInIndex`].
    pub fn clip(&self, clip: ClipId) -> Result<Clip> {
        self.list_clips("WHERE clips.id = ?1", clip.0)?
            .pop()
            .ok_or_else(|| self.not_there(format!("clip {clip}")))
    }

    /// The clips of a person, in the order in which they were added.
    ///
    /// # Errors
    /// [`crate::ProjectError::UnknownPerson`].
    pub fn clips_of(&self, person: &str) -> Result<Vec<Clip>> {
        let person = self.person_id(&self.lock(), person)?;
        self.list_clips("WHERE clips.person = ?1 ORDER BY clips.id", person.0)
    }

    /// All clips, in the order in which they were added.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`], [`crate::ProjectError::Damaged`].
    pub fn clips(&self) -> Result<Vec<Clip>> {
        self.list_clips("WHERE clips.id > ?1 ORDER BY clips.id", 0)
    }

    /// The clip of a file or folder: of those whose person `is_wanted`, the one that was added first. Paths are compared as
    /// they are kept, so it need not be there any more, and may be written relative or absolute.
    ///
    /// # Errors
    /// As [`Index::clips`]; [`crate::ProjectError::NonUtf8Path`].
    pub fn clip_at(&self, path: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Option<Clip>> {
        let wanted = self.layout.to_stored(path)?;
        for clip in self.clips()? {
            if is_wanted(&clip.person) && self.layout.to_stored(&clip.path)? == wanted {
                return Ok(Some(clip));
            }
        }
        Ok(None)
    }

    /// The folder of each clip's crops: that of the person the clip was added for, whoever its faces turn out to be.
    ///
    /// # Errors
    /// As [`Index::clips`].
    pub fn crop_folders(&self) -> Result<BTreeMap<ClipId, PathBuf>> {
        let folder = |clip: Clip| (clip.id, self.layout.faces_of(&clip.person));
        Ok(self.clips()?.into_iter().map(folder).collect())
    }

    /// How far the extraction of a clip is; the start for one that was not begun.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn extraction(&self, clip: ClipId) -> Result<Extraction> {
        self.read_extraction(&self.lock(), clip)
    }

    /// Notes that the whole clip is done. Tracks still running are taken as rejected: the tracker
    /// ends all of them at the end of a clip.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn mark_extracted(&self, clip: ClipId) -> Result<()> {
        let action = "mark a clip as extracted";
        self.transact(action, |transaction| {
            let failed = |source| self.failed(action, source);
            transaction
                .execute("UPDATE tracks SET state = 2 WHERE clip = ?1 AND state = 0", [clip.0])
                .map_err(failed)?;
            transaction
                .execute(
                    "INSERT INTO extraction (clip, next_frame, tracker, done)
                     SELECT id, frames, x'', 1 FROM clips WHERE id = ?1
                     ON CONFLICT (clip) DO UPDATE SET done = 1, tracker = x''",
                    [clip.0],
                )
                .map_err(failed)?;
            Ok(())
        })
    }

    pub(super) fn read_extraction(&self, connection: &Connection, clip: ClipId) -> Result<Extraction> {
        let found = connection
            .query_row("SELECT next_frame, tracker, done FROM extraction WHERE clip = ?1", [clip.0], |row| {
                let state = ExtractionState { next_frame: row.get(0)?, tracker: row.get(1)? };
                Ok(Extraction { state, done: row.get(2)? })
            })
            .optional()
            .map_err(|source| self.failed("read the progress", source))?;
        Ok(found.unwrap_or_default())
    }

    fn list_clips(&self, which: &str, number: i64) -> Result<Vec<Clip>> {
        let connection = self.lock();
        let list = || -> rusqlite::Result<Vec<_>> {
            connection
                .prepare_cached(&format!("{CLIP_COLUMNS} {which}"))?
                .query_map([number], |row| Ok((self.clip_from(row)?, row.get::<_, String>(4)?)))?
                .collect()
        };
        let rows = list().map_err(|source| self.failed("list the clips", source))?;
        rows.into_iter()
            .map(|((mut clip, size_bytes), ends)| {
                let ends =
                    ends.parse().map_err(|error| self.damaged(format!("clip {}: {error}", clip.id)))?;
                clip.info.fingerprint = ClipFingerprint { size_bytes, ends };
                Ok(clip)
            })
            .collect()
    }

    /// A clip whose fingerprint is still to be filled in, and the size in that fingerprint.
    fn clip_from(&self, row: &Row<'_>) -> rusqlite::Result<(Clip, u64)> {
        let size_bytes: u64 = row.get(3)?;
        let clip = Clip {
            id: ClipId(row.get(0)?),
            person: row.get(1)?,
            path: self.layout.from_stored(&row.get::<_, String>(2)?),
            info: ClipInfo {
                fingerprint: ClipFingerprint { size_bytes, ends: crate::ContentHash::of_bytes(b"") },
                frames: row.get(5)?,
                width_px: row.get(6)?,
                height_px: row.get(7)?,
            },
        };
        Ok((clip, size_bytes))
    }
}

fn stored_fingerprint(fingerprint: ClipFingerprint) -> (i64, String) {
    (i64::try_from(fingerprint.size_bytes).unwrap_or(i64::MAX), fingerprint.ends.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Scratch, info};
    use super::*;

    #[test]
    fn a_clip_is_found_by_its_path_however_that_is_written() {
        let scratch = Scratch::new();
        let index = scratch.open();
        let root = scratch.folder.path();
        let (inside, outside) = (root.join("clips/film.mp4"), Path::new("/elsewhere/film.mp4"));
        for (person, path) in [("bob", &*inside), ("alice", &*inside), ("bob", outside)] {
            index.add_person(person).unwrap();
            index.add_clip(person, path, info(b"film")).unwrap();
        }
        let found = |path: &Path, is_wanted: &dyn Fn(&str) -> bool| {
            index.clip_at(path, is_wanted).unwrap().map(|clip| (clip.person, clip.path))
        };
        assert_eq!(
            found(&inside, &|_| true),
            Some(("bob".to_owned(), inside.clone())),
            "the first that was added"
        );
        let roundabout = root.join("model/../clips/./film.mp4");
        assert_eq!(found(&roundabout, &|person| person != "bob"), Some(("alice".to_owned(), inside.clone())));
        assert_eq!(found(outside, &|person| person == "bob"), Some(("bob".to_owned(), outside.to_owned())));
        assert_eq!(found(outside, &|person| person == "alice"), None);
        assert_eq!(found(Path::new("film.mp4"), &|_| true), None);
    }
}
