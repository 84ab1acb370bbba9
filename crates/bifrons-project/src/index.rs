//! `bifrons.db`: what was found in the clips, and what was done with it.
//!
//! SQLite with a write-ahead log and full syncing: a method that returned `Ok` is on the disk,
//! one that was interrupted never happened. All methods take `&self`; threads may share an
//! [`Index`] and take turns.

mod appearances;
mod clips;
mod consent;
mod curves;
mod decisions;
mod faces;
mod judgements;
mod log;
mod people;
mod records;
mod runs;
mod schema;
mod shots;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use curves::CurvePoint;
pub use decisions::{Decided, Decision};
pub use records::{
    AddedClip, Appearance, Clip, ClipId, ClipInfo, ClipState, DecisionId, Extraction, ExtractionState, Face,
    FaceId, FaceRecord, Output, PersonId, Review, RunId, Track, TrackEnd, TrackId, TrackState, Verdict,
};

use crate::error::{ProjectError, Result};
use crate::layout::Layout;

/// The index of a project, open.
#[derive(Debug)]
pub struct Index {
    connection: Mutex<Connection>,
    path: PathBuf,
    layout: Layout,
}

impl Index {
    /// Opens `bifrons.db`, and makes it when it is not there or empty.
    ///
    /// # Errors
    /// [`ProjectError::Version`] for an index of another version; [`ProjectError::Damaged`] for a
    /// file that is not one; [`ProjectError::Database`], [`ProjectError::DiskFull`].
    pub(crate) fn open(layout: &Layout) -> Result<Self> {
        let path = layout.database();
        let failed = |source| ProjectError::database("open the index", &path, source);
        let mut connection = Connection::open(&path).map_err(failed)?;
        connection.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
        connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        // Version and tables come in one transaction: a kill leaves all of it or nothing, and of two
        // processes that open an old index at once, one brings it up to date.
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let number =
            |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
        let version = number("user_version")?;
        let tables: i64 = transaction
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(failed)?;
        if version == 0 && tables == 0 {
            transaction.execute_batch(schema::TABLES).map_err(failed)?;
            schema::ADDED
                .into_iter()
                .try_for_each(|added| transaction.execute_batch(added))
                .map_err(failed)?;
            transaction.pragma_update(None, "application_id", schema::APPLICATION_ID).map_err(failed)?;
            transaction.pragma_update(None, "user_version", schema::VERSION).map_err(failed)?;
        } else if number("application_id")? != schema::APPLICATION_ID {
            let reason = "it is a SQLite database, but not a Bifrons index".to_owned();
            return Err(ProjectError::Damaged { path, reason });
        } else if (1..schema::VERSION).contains(&version) {
            for added in &schema::ADDED[version as usize - 1..] {
                transaction.execute_batch(added).map_err(failed)?;
            }
            transaction.pragma_update(None, "user_version", schema::VERSION).map_err(failed)?;
        } else if version != schema::VERSION {
            return Err(ProjectError::Version { path, found: version, expected: schema::VERSION });
        }
        transaction.commit().map_err(failed)?;
        Ok(Self { connection: Mutex::new(connection), path, layout: layout.clone() })
    }

    /// Checks the whole file, which takes seconds on a large one.
    ///
    /// # Errors
    /// [`ProjectError::Damaged`] with the first thing that SQLite found wrong.
    pub fn check(&self) -> Result<()> {
        let verdict: String = self
            .lock()
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(|source| self.failed("check the index", source))?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(ProjectError::Damaged { path: self.path.clone(), reason: verdict })
    }

    /// A number that changes whenever another connection (of this process or another) has written something.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn data_version(&self) -> Result<i64> {
        self.lock()
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .map_err(|source| self.failed("look for changes", source))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A thread that panicked in a transaction has rolled it back: the connection is good.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, action: &'static str, source: rusqlite::Error) -> ProjectError {
        ProjectError::database(action, &self.path, source)
    }

    fn not_there(&self, what: impl Into<String>) -> ProjectError {
        ProjectError::NotInIndex { path: self.path.clone(), what: what.into() }
    }

    fn damaged(&self, reason: String) -> ProjectError {
        ProjectError::Damaged { path: self.path.clone(), reason }
    }

    /// Runs `work` in one transaction: all of it happens or none.
    fn transact<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|source| self.failed(action, source))?;
        let outcome = work(&transaction)?;
        transaction.commit().map_err(|source| self.failed(action, source))?;
        Ok(outcome)
    }
}

/// The path of the index, for messages.
impl AsRef<Path> for Index {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

fn unix_secs(time: SystemTime) -> i64 {
    let secs = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(secs).unwrap_or(i64::MAX)
}

fn time_from_unix(secs: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(secs).unwrap_or_default())
}

/// Little-endian bytes of numbers.
fn blob_from_floats(numbers: impl IntoIterator<Item = f32>) -> Vec<u8> {
    numbers.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// The reverse of [`blob_from_floats`]; `None` when the bytes do not divide by four.
fn floats_from_blob(blob: &[u8]) -> Option<Vec<f32>> {
    let (groups, rest) = blob.as_chunks::<4>();
    rest.is_empty().then(|| groups.iter().map(|group| f32::from_le_bytes(*group)).collect())
}

#[cfg(test)]
mod decisions_tests;
#[cfg(test)]
mod tests;
