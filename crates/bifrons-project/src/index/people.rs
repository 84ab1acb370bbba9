//! People.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Index, PersonId};
use crate::config::same_name;
use crate::error::{ProjectError, Result};
use crate::layout::check_person_name;

impl Index {
    /// Adds a person; one who is there already (without regard to case) stays as they are.
    ///
    /// # Errors
    /// [`ProjectError::Name`] for a name that cannot be a folder.
    pub fn add_person(&self, name: &str) -> Result<PersonId> {
        check_person_name(name)?;
        let action = "add a person";
        self.transact(action, |transaction| {
            if let Some((id, _)) = self.find_person(transaction, name)? {
                return Ok(id);
            }
            transaction
                .execute("INSERT INTO people (name) VALUES (?1)", [name])
                .map_err(|source| self.failed(action, source))?;
            Ok(PersonId(transaction.last_insert_rowid()))
        })
    }

    /// Names of all people, in the order in which they were added.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn people(&self) -> Result<Vec<String>> {
        Ok(self.list_people(&self.lock())?.into_iter().map(|(_, name)| name).collect())
    }

    pub(super) fn person_id(&self, connection: &Connection, name: &str) -> Result<PersonId> {
        match self.find_person(connection, name)? {
            Some((id, _)) => Ok(id),
            None => Err(ProjectError::UnknownPerson {
                path: self.path.clone(),
                name: name.to_owned(),
                known: self.list_people(connection)?.into_iter().map(|(_, name)| name).collect(),
            }),
        }
    }

    pub(super) fn person_name(&self, connection: &Connection, id: i64) -> Result<Option<String>> {
        connection
            .query_row("SELECT name FROM people WHERE id = ?1", params![id], |row| row.get(0))
            .optional()
            .map_err(|source| self.failed("look up a person", source))
    }

    fn find_person(&self, connection: &Connection, name: &str) -> Result<Option<(PersonId, String)>> {
        // SQLite folds only ASCII case; there are few people, so the comparison is done here.
        Ok(self.list_people(connection)?.into_iter().find(|(_, known)| same_name(known, name)))
    }

    fn list_people(&self, connection: &Connection) -> Result<Vec<(PersonId, String)>> {
        let list = || -> rusqlite::Result<Vec<_>> {
            connection
                .prepare_cached("SELECT id, name FROM people ORDER BY id")?
                .query_map([], |row| Ok((PersonId(row.get(0)?), row.get(1)?)))?
                .collect()
        };
        list().map_err(|source| self.failed("list the people", source))
    }
}
