//! The log of consent.

use super::Index;
use super::log::{Line, Log};
use crate::config::Config;
use crate::consent::{Consent, ConsentEntry};
use crate::error::Result;

const LOG: Log = Log { table: "consent", subject: "person", at: "added_at" };

impl Index {
    /// Every line of the log, oldest first, after checking that none was changed, moved or taken out.
    ///
    /// Lines taken off the end cannot be noticed here; finished films carry the hashes of the lines they rest on.
    ///
    /// # Errors
    /// [`crate::ProjectError::Damaged`] naming the first line that does not fit the one before it.
    pub fn consent_log(&self) -> Result<Vec<ConsentEntry>> {
        let lines = LOG.read(self, &self.lock())?;
        lines.iter().map(|line| self.consent_entry(line)).collect()
    }

    /// Adds a line, unless the newest one about this person says the same. `None` withdraws.
    ///
    /// # Errors
    /// As [`Self::consent_log`].
    pub fn add_consent(&self, person: &str, consent: Option<&Consent>) -> Result<()> {
        let action = "note the consent";
        self.transact(action, |transaction| {
            let lines = LOG.read(self, transaction)?;
            let newest = lines.iter().rev().find(|line| line.subject == person);
            let newest = newest.map(|line| self.consent_entry(line)).transpose()?;
            if newest.as_ref().and_then(|entry| entry.consent.as_ref()) == consent {
                return Ok(());
            }
            let record = serde_json::to_string(&consent)
                .map_err(|error| self.damaged(format!("the consent of {person}: {error}")))?;
            LOG.add(transaction, &lines, person, &record).map_err(|source| self.failed(action, source))
        })
    }

    /// What a person agreed to, as `config` says it now: see [`crate::Project::consent_of`].
    pub(crate) fn consent_of(&self, config: &Config, person: &str) -> Result<Option<ConsentEntry>> {
        let Some(known) = config.person(person) else { return Ok(None) };
        self.add_consent(&known.name, known.consent.as_ref())?;
        Ok(self.consent_log()?.into_iter().rev().find(|entry| entry.person == known.name))
    }

    fn consent_entry(&self, line: &Line) -> Result<ConsentEntry> {
        let consent = serde_json::from_str(&line.record)
            .map_err(|_| LOG.damaged(self, line.number, "cannot be read"))?;
        let Line { number, subject, at, hash, .. } = line;
        Ok(ConsentEntry { number: *number, person: subject.clone(), consent, added_at: *at, hash: *hash })
    }
}
