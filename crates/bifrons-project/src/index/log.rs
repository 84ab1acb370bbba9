//! Logs that are only ever added to, each line hashed together with the one before it. Triggers of the tables
//! (`schema.rs`) refuse changes; what is changed around them no longer fits.

use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::{Index, time_from_unix, unix_secs};
use crate::error::{ProjectError, Result};
use crate::hash::ContentHash;

/// Which log, by its table and columns.
pub(super) struct Log {
    /// Its table, and what it is the log of.
    pub(super) table: &'static str,
    /// The column that says what a line is about.
    pub(super) subject: &'static str,
    /// The column with its time.
    pub(super) at: &'static str,
}

/// One line.
pub(super) struct Line {
    /// From 1, without gaps.
    pub(super) number: u64,
    /// What it is about.
    pub(super) subject: String,
    /// What it says, as JSON.
    pub(super) record: String,
    /// When it was written.
    pub(super) at: SystemTime,
    /// Hash of this line and the one before it.
    pub(super) hash: ContentHash,
}

impl Log {
    /// Every line, oldest first, after checking that none was changed, moved or taken out (but off its end).
    ///
    /// # Errors
    /// [`ProjectError::Damaged`] naming the first line that does not fit the one before it.
    pub(super) fn read(&self, index: &Index, connection: &Connection) -> Result<Vec<Line>> {
        let Self { table, subject, at } = self;
        let sql = format!("SELECT id, {subject}, record, {at}, hash FROM {table} ORDER BY id");
        let failed = |source| index.failed("read a log", source);
        let mut query = connection.prepare_cached(&sql).map_err(failed)?;
        let mut rows = query.query([]).map_err(failed)?;
        let mut lines: Vec<Line> = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let (id, subject, record, at, written) = columns(row).map_err(failed)?;
            let number = lines.len() as u64 + 1;
            let hash = hash_of(lines.last(), &subject, &record, at);
            if id.cast_unsigned() != number || hash.to_string() != written {
                return Err(self.damaged(
                    index,
                    number,
                    "does not fit the one before it: it was changed from outside",
                ));
            }
            lines.push(Line { number, subject, record, at: time_from_unix(at), hash });
        }
        Ok(lines)
    }

    /// Adds a line behind `lines`, which are all there are.
    pub(super) fn add(
        &self,
        connection: &Connection,
        lines: &[Line],
        subject: &str,
        record: &str,
    ) -> rusqlite::Result<()> {
        let now = unix_secs(SystemTime::now());
        let hash = hash_of(lines.last(), subject, record, now);
        let Self { table, subject: column, at } = self;
        connection.execute(
            &format!("INSERT INTO {table} (id, {column}, record, {at}, hash) VALUES (?1, ?2, ?3, ?4, ?5)"),
            params![lines.len() as i64 + 1, subject, record, now, hash.to_string()],
        )?;
        Ok(())
    }

    /// What is wrong with a line.
    pub(super) fn damaged(&self, index: &Index, number: u64, what: &str) -> ProjectError {
        index.damaged(format!("line {number} of the log of {} {what}", self.table))
    }
}

/// A row as it is stored: number, subject, record, time, hash.
fn columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, String, String, i64, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

/// blake3 of the hash before and of what the line says; lengths first, so that no two lines read the same.
fn hash_of(before: Option<&Line>, subject: &str, record: &str, at: i64) -> ContentHash {
    let before = before.map(|line| line.hash.to_string()).unwrap_or_default();
    let text = format!("{before} {at} {} {subject} {} {record}", subject.len(), record.len());
    ContentHash::of_bytes(text.as_bytes())
}
