//! Where the shots of a clip begin.

use rusqlite::params;

use super::{ClipId, Index};
use crate::error::Result;

impl Index {
    /// Notes frames with which shots begin; those that are known stay. Frame 0 says that the clip was looked through from
    /// its start.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn note_shots(&self, clip: ClipId, first_frames: &[usize]) -> Result<()> {
        let action = "note the shots";
        self.transact(action, |transaction| {
            first_frames.iter().try_for_each(|frame| {
                transaction
                    .prepare_cached("INSERT OR IGNORE INTO shots (clip, first_frame) VALUES (?1, ?2)")
                    .and_then(|mut statement| statement.execute(params![clip.0, frame]))
                    .map(drop)
                    .map_err(|source| self.failed(action, source))
            })
        })
    }

    /// The frames with which shots begin, 0 first. `None` for a clip whose faces were found before shots were noted.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn shots(&self, clip: ClipId) -> Result<Option<Vec<usize>>> {
        let connection = self.lock();
        let list = || -> rusqlite::Result<Vec<usize>> {
            connection
                .prepare_cached("SELECT first_frame FROM shots WHERE clip = ?1 ORDER BY first_frame")?
                .query_map([clip.0], |row| row.get(0))?
                .collect()
        };
        let shots = list().map_err(|source| self.failed("read the shots", source))?;
        Ok((shots.first() == Some(&0)).then_some(shots))
    }
}
