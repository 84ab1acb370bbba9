//! The log of looks at clips: only ever added to, each line hashed together with the one before it, as that of consent is.

use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::consent::hash_of;
use super::{Index, time_from_unix, unix_secs};
use crate::error::Result;
use crate::hash::ClipFingerprint;
use crate::look::{Look, LookEntry};

impl Index {
    /// Every line of the log, oldest first, after checking that none was changed, moved or taken out (but off its end).
    ///
    /// # Errors
    /// [`crate::ProjectError::Damaged`] naming the first line that does not fit the one before it.
    pub fn looks(&self) -> Result<Vec<LookEntry>> {
        self.read_looks(&self.lock())
    }

    /// What was seen in a clip of these contents in this way; `None` when it was not looked at yet.
    ///
    /// # Errors
    /// As [`Self::looks`].
    pub fn look_at(&self, clip: ClipFingerprint, method: u32) -> Result<Option<Look>> {
        Ok(known(&self.looks()?, clip, method))
    }

    /// Adds a line, unless there is one about this clip and way of looking.
    ///
    /// # Errors
    /// As [`Self::looks`].
    pub fn add_look(&self, clip: ClipFingerprint, look: Look) -> Result<()> {
        let action = "note what a clip shows";
        self.transact(action, |transaction| {
            let log = self.read_looks(transaction)?;
            if known(&log, clip, look.method).is_some() {
                return Ok(());
            }
            let clip = format!("{} {}", clip.size_bytes, clip.ends);
            let record = serde_json::to_string(&look)
                .map_err(|error| self.damaged(format!("a look at a clip: {error}")))?;
            let judged_at = unix_secs(SystemTime::now());
            let hash = hash_of(log.last().map(|entry| entry.hash), &clip, &record, judged_at);
            transaction
                .execute(
                    "INSERT INTO looks (id, clip, record, judged_at, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![log.len() as i64 + 1, clip, record, judged_at, hash.to_string()],
                )
                .map_err(|source| self.failed(action, source))?;
            Ok(())
        })
    }

    fn read_looks(&self, connection: &Connection) -> Result<Vec<LookEntry>> {
        let list = || -> rusqlite::Result<Vec<Line>> {
            connection
                .prepare_cached("SELECT id, clip, record, judged_at, hash FROM looks ORDER BY id")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
                .collect()
        };
        let rows = list().map_err(|source| self.failed("read the log of looks", source))?;
        let mut log: Vec<LookEntry> = Vec::with_capacity(rows.len());
        for (id, clip, record, judged_at, written) in rows {
            let number = log.len() as u64 + 1;
            let hash = hash_of(log.last().map(|entry| entry.hash), &clip, &record, judged_at);
            if id.cast_unsigned() != number || hash.to_string() != written {
                return Err(self.damaged(format!(
                    "line {number} of the log of looks does not fit the one before it: it was changed from outside"
                )));
            }
            let wrong = || self.damaged(format!("line {number} of the log of looks cannot be read"));
            let (size_bytes, ends) = clip.split_once(' ').ok_or_else(wrong)?;
            let clip = ClipFingerprint {
                size_bytes: size_bytes.parse().map_err(|_| wrong())?,
                ends: ends.parse().map_err(|_| wrong())?,
            };
            let look = serde_json::from_str(&record).map_err(|_| wrong())?;
            log.push(LookEntry { number, clip, look, judged_at: time_from_unix(judged_at), hash });
        }
        Ok(log)
    }
}

/// A line as it is stored: number, clip, record, when, hash.
type Line = (i64, String, String, i64, String);

fn known(log: &[LookEntry], clip: ClipFingerprint, method: u32) -> Option<Look> {
    log.iter().find(|entry| entry.clip == clip && entry.look.method == method).map(|entry| entry.look)
}
