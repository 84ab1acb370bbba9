//! How training went: loss over time.

use rusqlite::params;

use super::Index;
use crate::error::Result;

/// One person's loss at one moment of training.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// Iterations trained.
    pub iteration: u64,
    /// Whose decoder.
    pub person: String,
    /// Seconds trained.
    pub trained_secs: f64,
    /// Smoothed loss on the faces that are trained on, 0 to 1.
    pub loss: f64,
    /// Loss on faces that are never trained on, 0 to 1; `None` when there are too few faces to do without some.
    pub held_out: Option<f64>,
}

impl Index {
    /// Adds points; one that is there already is replaced.
    ///
    /// # Errors
    /// [`crate::ProjectError::UnknownPerson`], [`crate::ProjectError::Database`].
    pub fn extend_curve(&self, points: &[CurvePoint]) -> Result<()> {
        let action = "note the losses";
        self.transact(action, |transaction| {
            for point in points {
                let person = self.person_id(transaction, &point.person)?;
                let values = params![
                    point.iteration.cast_signed(),
                    person.0,
                    point.trained_secs,
                    point.loss,
                    point.held_out
                ];
                transaction
                    .execute("INSERT OR REPLACE INTO curves VALUES (?1, ?2, ?3, ?4, ?5)", values)
                    .map_err(|source| self.failed(action, source))?;
            }
            Ok(())
        })
    }

    /// Forgets what came after `iteration`: training goes on from there.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn cut_curve(&self, iteration: u64) -> Result<()> {
        self.lock()
            .execute("DELETE FROM curves WHERE iteration > ?1", [iteration.cast_signed()])
            .map_err(|source| self.failed("cut the curve", source))?;
        Ok(())
    }

    /// All points, by iteration and then in the order of the people.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn curve(&self) -> Result<Vec<CurvePoint>> {
        let connection = self.lock();
        let list = || -> rusqlite::Result<Vec<CurvePoint>> {
            connection
                .prepare_cached(
                    "SELECT iteration, name, trained_secs, loss, held_out
                     FROM curves JOIN people ON people.id = person ORDER BY iteration, person",
                )?
                .query_map([], |row| {
                    Ok(CurvePoint {
                        iteration: row.get::<_, i64>(0)?.cast_unsigned(),
                        person: row.get(1)?,
                        trained_secs: row.get(2)?,
                        loss: row.get(3)?,
                        held_out: row.get(4)?,
                    })
                })?
                .collect()
        };
        list().map_err(|source| self.failed("read the curve", source))
    }
}
