//! The log of consent: only ever added to, each line hashed together with the one before it.

use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::{Index, time_from_unix, unix_secs};
use crate::consent::{Consent, ConsentEntry};
use crate::error::Result;
use crate::hash::ContentHash;

impl Index {
    /// Every line of the log, oldest first, after checking that none was changed, moved or taken out.
    ///
    /// Lines taken off the end cannot be noticed here; finished films carry the hashes of the lines they rest on.
    ///
    /// # Errors
    /// [`crate::ProjectError::Damaged`] naming the first line that does not fit the one before it.
    pub fn consent_log(&self) -> Result<Vec<ConsentEntry>> {
        self.read_consent(&self.lock())
    }

    /// Adds a line, unless the newest one about this person says the same. `None` withdraws.
    ///
    /// # Errors
    /// As [`Self::consent_log`].
    pub fn add_consent(&self, person: &str, consent: Option<&Consent>) -> Result<()> {
        let action = "note the consent";
        self.transact(action, |transaction| {
            let log = self.read_consent(transaction)?;
            let newest = log.iter().rev().find(|entry| entry.person == person);
            if newest.and_then(|entry| entry.consent.as_ref()) == consent {
                return Ok(());
            }
            let record = serde_json::to_string(&consent)
                .map_err(|error| self.damaged(format!("the consent of {person}: {error}")))?;
            let added_at = unix_secs(SystemTime::now());
            let hash = hash_of(log.last().map(|entry| entry.hash), person, &record, added_at);
            transaction
                .execute(
                    "INSERT INTO consent (id, person, record, added_at, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![log.len() as i64 + 1, person, record, added_at, hash.to_string()],
                )
                .map_err(|source| self.failed(action, source))?;
            Ok(())
        })
    }

    fn read_consent(&self, connection: &Connection) -> Result<Vec<ConsentEntry>> {
        let list = || -> rusqlite::Result<Vec<Line>> {
            connection
                .prepare_cached("SELECT id, person, record, added_at, hash FROM consent ORDER BY id")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
                .collect()
        };
        let rows = list().map_err(|source| self.failed("read the log of consent", source))?;
        let mut log: Vec<ConsentEntry> = Vec::with_capacity(rows.len());
        for (id, person, record, added_at, written) in rows {
            let number = log.len() as u64 + 1;
            let hash = hash_of(log.last().map(|entry| entry.hash), &person, &record, added_at);
            if id.cast_unsigned() != number || hash.to_string() != written {
                return Err(self.damaged(format!(
                    "line {number} of the log of consent does not fit the one before it: it was changed from outside"
                )));
            }
            let consent = serde_json::from_str(&record)
                .map_err(|error| self.damaged(format!("line {number} of the log of consent: {error}")))?;
            log.push(ConsentEntry { number, person, consent, added_at: time_from_unix(added_at), hash });
        }
        Ok(log)
    }
}

/// A line as it is stored: number, person, record, when, hash.
type Line = (i64, String, String, i64, String);

/// blake3 of the hash before and of what the line says; lengths first, so that no two lines read the same.
pub(super) fn hash_of(before: Option<ContentHash>, person: &str, record: &str, added_at: i64) -> ContentHash {
    let before = before.map(|hash| hash.to_string()).unwrap_or_default();
    let text = format!("{before} {added_at} {} {person} {} {record}", person.len(), record.len());
    ContentHash::of_bytes(text.as_bytes())
}
