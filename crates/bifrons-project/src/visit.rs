//! A project folder, open without its lock.

use std::path::Path;

use crate::checkpoints::Checkpoints;
use crate::config::Config;
use crate::consent::{ConsentEntry, Purpose};
use crate::error::{ProjectError, Result};
use crate::index::Index;
use crate::layout::Layout;
use crate::project::absolute;

/// A project to look at, and to decide about faces in, while another process may be working in it.
///
/// A decision is one transaction of the index and needs no lock. Everything else that is written goes through
/// [`crate::Project`].
#[derive(Debug)]
pub struct Visit {
    layout: Layout,
    index: Index,
}

impl Visit {
    /// Opens the project in `dir` and leaves everything in it as it is.
    ///
    /// # Errors
    /// [`ProjectError::NotAProject`], [`ProjectError::Config`], [`ProjectError::Version`],
    /// [`ProjectError::Damaged`].
    pub fn open(dir: &Path) -> Result<Self> {
        let layout = Layout::new(absolute(dir)?);
        if !layout.config().is_file() {
            return Err(ProjectError::NotAProject { path: dir.to_owned() });
        }
        Config::read(&layout.config())?;
        let index = Index::open(&layout)?;
        Ok(Self { layout, index })
    }

    /// Where things lie.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What was found, and decided.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The saved models.
    #[must_use]
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.layout.model())
    }

    /// As [`crate::Project::checked_consent`]: what `bifrons.toml` says now is noted in the log, which is one transaction.
    ///
    /// # Errors
    /// [`ProjectError::NoConsent`]; as [`Config::read`] and [`Index::consent_log`].
    pub fn checked_consent(&self, person: &str, purpose: Option<Purpose>) -> Result<Option<ConsentEntry>> {
        let entry = self.index.consent_of(&self.config()?, person)?;
        entry.map(|entry| entry.checked(purpose, self.layout.root())).transpose()
    }

    /// What `bifrons.toml` says now.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn config(&self) -> Result<Config> {
        Config::read(&self.layout.config())
    }
}
