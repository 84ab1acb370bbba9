//! A project folder, open under its lock.

use std::path::{Path, PathBuf};

use crate::atomic;
use crate::checkpoints::Checkpoints;
use crate::config::{Config, PersonConfig};
use crate::consent::{Consent, ConsentEntry, Purpose};
use crate::error::{ProjectError, Result};
use crate::index::{AddedClip, ClipInfo, Index};
use crate::layout::{Layout, check_person_name};
use crate::lock::Lock;

/// An open project. While it lives, no other process (and no second `Project` in this one) can
/// open the folder.
#[derive(Debug)]
pub struct Project {
    layout: Layout,
    index: Index,
    // Last, so that the index is closed before others may come.
    _lock: Lock,
}

impl Project {
    /// Makes a project in `dir`, which may exist and hold other things; nothing is overwritten.
    ///
    /// # Errors
    /// [`ProjectError::AlreadyAProject`], [`ProjectError::Locked`], or an error of writing.
    pub fn create(dir: &Path) -> Result<Self> {
        let layout = Layout::new(absolute(dir)?);
        if layout.config().exists() {
            return Err(ProjectError::AlreadyAProject { path: dir.to_owned() });
        }
        atomic::create_dir_all(layout.root())?;
        let lock = Lock::take(&layout.lock(), layout.root())?;
        let index = Index::open(&layout)?;
        // Last, because its presence makes the folder a project.
        if layout.config().exists() {
            return Err(ProjectError::AlreadyAProject { path: dir.to_owned() });
        }
        Config::default().write(&layout.config())?;
        Ok(Self { layout, index, _lock: lock })
    }

    /// Opens the project in `dir` and removes what interrupted writes have left in it.
    ///
    /// # Errors
    /// [`ProjectError::NotAProject`]; [`ProjectError::Locked`] naming the process that has it;
    /// [`ProjectError::Config`], [`ProjectError::Version`], [`ProjectError::Damaged`].
    pub fn open(dir: &Path) -> Result<Self> {
        let project = Self::open_with(dir, Lock::take)?;
        project.remove_leftovers()?;
        Ok(project)
    }

    /// Opens the project in `dir` beside other processes that do the same: for work whose parts are shared out. Leftovers
    /// stay, as they may be somebody's work.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`ProjectError::Locked`] when one has it for itself.
    pub fn open_shared(dir: &Path) -> Result<Self> {
        Self::open_with(dir, Lock::share)
    }

    fn open_with(dir: &Path, lock: impl FnOnce(&Path, &Path) -> Result<Lock>) -> Result<Self> {
        let layout = Layout::new(absolute(dir)?);
        if !layout.config().is_file() {
            return Err(ProjectError::NotAProject { path: dir.to_owned() });
        }
        let lock = lock(&layout.lock(), layout.root())?;
        Config::read(&layout.config())?;
        let index = Index::open(&layout)?;
        Ok(Self { layout, index, _lock: lock })
    }

    /// [`Project::open`] when there is one, else [`Project::create`].
    ///
    /// # Errors
    /// As these two.
    pub fn open_or_create(dir: &Path) -> Result<Self> {
        match Self::open(dir) {
            Err(ProjectError::NotAProject { .. }) => Self::create(dir),
            other => other,
        }
    }

    /// Where things lie.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What was found.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The saved models.
    #[must_use]
    pub fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.layout.model())
    }

    /// What `bifrons.toml` says now.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn config(&self) -> Result<Config> {
        Config::read(&self.layout.config())
    }

    /// Changes `bifrons.toml`, keeping what people have written there as far as possible.
    ///
    /// # Errors
    /// As [`Config::read`] and [`Config::write`].
    pub fn update_config(&self, change: impl FnOnce(&mut Config)) -> Result<Config> {
        let before = self.config()?;
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            after.write(&self.layout.config())?;
        }
        Ok(after)
    }

    /// Adds a person to `bifrons.toml` and to the index, where they are not there yet.
    ///
    /// # Errors
    /// [`ProjectError::Name`], or an error of writing.
    pub fn add_person(&self, name: &str) -> Result<()> {
        check_person_name(name)?;
        self.update_config(|config| {
            if config.person(name).is_none() {
                config.people.push(PersonConfig { name: name.to_owned(), clips: Vec::new(), consent: None });
            }
        })?;
        self.index.add_person(name)?;
        Ok(())
    }

    /// Adds a clip of a person to `bifrons.toml` and to the index, where it is not there yet, and
    /// tells whether its footage has changed. The person is added too where needed.
    ///
    /// # Errors
    /// [`ProjectError::Name`], [`ProjectError::NonUtf8Path`], or an error of writing.
    pub fn add_clip(&self, person: &str, path: &Path, info: ClipInfo) -> Result<AddedClip> {
        let stored = self.layout.to_stored(path)?;
        self.add_person(person)?;
        self.update_config(|config| {
            let same = |known: &&mut PersonConfig| crate::config::same_name(&known.name, person);
            if let Some(known) = config.people.iter_mut().find(same)
                && !known.clips.contains(&stored)
            {
                known.clips.push(stored);
            }
        })?;
        self.index.add_clip(person, path, info)
    }

    /// What a person agreed to, as `bifrons.toml` says it now: the newest line of the log, to which it is added where
    /// the log does not say so yet. A record that was taken out of `bifrons.toml` was withdrawn: the line has none then.
    /// `None` when there never was a record.
    ///
    /// # Errors
    /// As [`Config::read`] and [`Index::consent_log`].
    pub fn consent_of(&self, person: &str) -> Result<Option<ConsentEntry>> {
        self.index.consent_of(&self.config()?, person)
    }

    /// [`Self::consent_of`], refused when it was withdrawn, has ended or does not cover `purpose` (`None` for what every
    /// record covers: training).
    ///
    /// # Errors
    /// [`ProjectError::NoConsent`]; as [`Self::consent_of`].
    pub fn checked_consent(&self, person: &str, purpose: Option<Purpose>) -> Result<Option<ConsentEntry>> {
        let entry = self.consent_of(person)?;
        entry.map(|entry| entry.checked(purpose, self.layout.root())).transpose()
    }

    /// Writes what a person agreed to into `bifrons.toml` and the log; `None` withdraws it. The person is added where
    /// needed.
    ///
    /// # Errors
    /// [`ProjectError::Name`], [`ProjectError::Setting`], or an error of writing.
    pub fn set_consent(&self, person: &str, consent: Option<Consent>) -> Result<()> {
        self.add_person(person)?;
        self.update_config(|config| {
            let same = |known: &&mut PersonConfig| crate::config::same_name(&known.name, person);
            if let Some(known) = config.people.iter_mut().find(same) {
                known.consent = consent;
            }
        })?;
        self.consent_of(person).map(drop)
    }

    /// The clips that `bifrons.toml` lists for each person, with their paths resolved.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn listed_clips(&self) -> Result<Vec<(String, Vec<PathBuf>)>> {
        let resolve = |person: PersonConfig| {
            let clips = person.clips.iter().map(|clip| self.layout.from_stored(clip)).collect();
            (person.name, clips)
        };
        Ok(self.config()?.people.into_iter().map(resolve).collect())
    }

    fn remove_leftovers(&self) -> Result<()> {
        let mut folders = vec![
            self.layout.root().to_owned(),
            self.layout.model(),
            self.layout.history(),
            self.layout.out(),
        ];
        folders.extend(subfolders(&self.layout.faces())?);
        folders.extend(subfolders(&self.layout.out())?);
        folders.iter().try_for_each(|folder| atomic::remove_stale_parts_in(folder).map(|_| ()))
    }
}

pub(crate) fn absolute(dir: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(dir).map_err(|source| ProjectError::io("resolve", dir, source))?;
    Ok(crate::layout::without_dots(&absolute))
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = |source| ProjectError::io("read", folder, source);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries =
        std::fs::read_dir(folder).map_err(read)?.collect::<std::io::Result<Vec<_>>>().map_err(read)?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

#[cfg(test)]
mod tests;
