//! Runs of commands and the films they made.

use std::path::Path;
use std::time::SystemTime;

use rusqlite::params;

use super::{Index, Output, RunId, time_from_unix, unix_secs};
use crate::error::Result;
use crate::hash::ContentHash;

impl Index {
    /// Notes that a command began.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn start_run(&self, command: &str, seed: u64, preset: &str) -> Result<RunId> {
        let connection = self.lock();
        connection
            .execute(
                "INSERT INTO runs (command, seed, preset, started_at) VALUES (?1, ?2, ?3, ?4)",
                // SQLite's integers are signed; the bits are kept.
                params![command, seed.cast_signed(), preset, unix_secs(SystemTime::now())],
            )
            .map_err(|source| self.failed("note the run", source))?;
        Ok(RunId(connection.last_insert_rowid()))
    }

    /// Notes how it ended, in a word ("done", "stopped"). A run without an end was killed.
    ///
    /// # Errors
    /// [`crate::ProjectError::NotInIndex`].
    pub fn end_run(&self, run: RunId, outcome: &str) -> Result<()> {
        let changed = self
            .lock()
            .execute(
                "UPDATE runs SET ended_at = ?2, outcome = ?3 WHERE id = ?1",
                params![run.0, unix_secs(SystemTime::now()), outcome],
            )
            .map_err(|source| self.failed("note the end of the run", source))?;
        if changed == 0 { Err(self.not_there(format!("run {run}"))) } else { Ok(()) }
    }

    /// Notes a finished film. The file itself is the truth; this is how it came about.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`], [`crate::ProjectError::NonUtf8Path`].
    pub fn record_output(
        &self,
        run: RunId,
        path: &Path,
        blake3: ContentHash,
        footage: &Path,
        model_step: u64,
    ) -> Result<()> {
        let (path, footage) = (self.layout.to_stored(path)?, self.layout.to_stored(footage)?);
        self.lock()
            .execute(
                "INSERT INTO outputs (run, path, blake3, footage, model_step, made_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    run.0,
                    path,
                    blake3.to_string(),
                    footage,
                    model_step.cast_signed(),
                    unix_secs(SystemTime::now())
                ],
            )
            .map_err(|source| self.failed("note the film", source))?;
        Ok(())
    }

    /// The films made so far, oldest first.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`], [`crate::ProjectError::Damaged`].
    pub fn outputs(&self) -> Result<Vec<Output>> {
        let connection = self.lock();
        let list = || -> rusqlite::Result<Vec<_>> {
            connection
                .prepare_cached(
                    "SELECT run, path, blake3, footage, model_step, made_at FROM outputs ORDER BY id",
                )?
                .query_map([], |row| {
                    let text = |column| row.get::<_, String>(column);
                    Ok((row.get(0)?, text(1)?, text(2)?, text(3)?, row.get::<_, i64>(4)?, row.get(5)?))
                })?
                .collect()
        };
        let rows = list().map_err(|source| self.failed("list the films", source))?;
        rows.into_iter()
            .map(|(run, path, blake3, footage, model_step, made_at)| {
                Ok(Output {
                    run: RunId(run),
                    path: self.layout.from_stored(&path),
                    blake3: blake3
                        .parse()
                        .map_err(|error| self.damaged(format!("film `{path}`: {error}")))?,
                    footage: self.layout.from_stored(&footage),
                    model_step: model_step.cast_unsigned(),
                    made_at: time_from_unix(made_at),
                })
            })
            .collect()
    }
}
