//! `bifrons.toml`: what people write down about a project, by hand or by command.
//!
//! ```toml
//! format_version = 1
//! preset = "film"
//! seed = 1
//!
//! [stop]             # training ends at whichever comes first; all may be left out
//! minutes = 8.0
//! iterations = 20000
//! loss = 0.02
//!
//! [[people]]
//! name = "alice"
//! clips = ["in/alice.mp4", "/films/alice-2.mov"]
//!
//! [people.consent]   # `bifrons consent add` writes it
//! basis = "release"  # self, release, synthetic or research
//! for = "identity"   # footage, identity or both
//! until = "2027-12-31"
//! release = "papers/alice.pdf"
//! release_blake3 = "…"
//! ```

mod edit;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, Item};

use crate::atomic;
use crate::consent::Consent;
use crate::error::{ProjectError, Result};
use crate::layout::check_person_name;

/// Version of `bifrons.toml` that this program reads and writes.
pub const CONFIG_VERSION: u32 = 1;

/// Larger files are refused before they are read.
const MAX_CONFIG_BYTES: u64 = 4 << 20;

/// The content of `bifrons.toml`. Unknown keys are refused, so that a typing error is noticed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Always [`CONFIG_VERSION`] after reading.
    pub format_version: u32,
    /// Name of the preset (shape of the networks); whether it exists is the caller's to check.
    #[serde(default = "default_preset")]
    pub preset: String,
    /// Seed of everything random. At most `i64::MAX`, TOML's largest integer.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// When training ends.
    #[serde(default, skip_serializing_if = "StopRules::is_empty")]
    pub stop: StopRules,
    /// The people, in the order in which they were added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<PersonConfig>,
}

/// When training ends: at whichever comes first. With none, only on request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopRules {
    /// After this many minutes of training, earlier runs included; above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// After this many iterations, earlier runs included; above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// When the smoothed loss of every person is at most this; above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// When faces that are never trained on have not been drawn better for a while.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plateau: bool,
}

impl StopRules {
    /// Whether no rule is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One person and the clips in which the face is to be looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonConfig {
    /// A name that [`check_person_name`] accepts; unique without regard to case.
    pub name: String,
    /// Paths of videos, images or folders of images: relative to the project folder when inside
    /// it, else absolute (see [`crate::Layout::to_stored`]).
    #[serde(default)]
    pub clips: Vec<String>,
    /// What they agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

fn default_preset() -> String {
    "film".to_owned()
}

fn default_seed() -> u64 {
    1
}

impl Default for Config {
    fn default() -> Self {
        Self {
            format_version: CONFIG_VERSION,
            preset: default_preset(),
            seed: default_seed(),
            stop: StopRules::default(),
            people: Vec::new(),
        }
    }
}

impl Config {
    /// Reads and checks `path`.
    ///
    /// # Errors
    /// [`ProjectError::Version`] for a file of another version, even where other keys are unknown;
    /// [`ProjectError::Config`] with line and column for anything that is not understood;
    /// [`ProjectError::Setting`] or [`ProjectError::Name`] for a value out of its range.
    pub fn read(path: &Path) -> Result<Self> {
        let io = |source| ProjectError::io("read", path, source);
        let size_bytes = fs::metadata(path).map_err(io)?.len();
        if size_bytes > MAX_CONFIG_BYTES {
            return Err(ProjectError::Damaged {
                path: path.to_owned(),
                reason: format!("{size_bytes} bytes, expected at most {MAX_CONFIG_BYTES}"),
            });
        }
        Self::parse(&fs::read_to_string(path).map_err(io)?, path)
    }

    /// Parses text; `path` is only for messages. Errors as [`Config::read`].
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        /// Only the version, so that a newer file is told apart from a misspelt key.
        #[derive(Deserialize)]
        struct Version {
            format_version: Option<i64>,
        }
        let syntax = |error: toml_edit::de::Error| syntax_error(&error, text, path);
        let found = toml_edit::de::from_str::<Version>(text).map_err(syntax)?.format_version;
        match found {
            Some(found) if found != i64::from(CONFIG_VERSION) => {
                return Err(ProjectError::Version {
                    path: path.to_owned(),
                    found,
                    expected: i64::from(CONFIG_VERSION),
                });
            }
            _ => {}
        }
        let config: Self = toml_edit::de::from_str(text).map_err(syntax)?;
        config.check(path)?;
        Ok(config)
    }

    /// Writes `path` atomically, after the same checks as in reading. Where there is a file
    /// already, only what differs is changed in it: comments, order and spelling stay.
    ///
    /// # Errors
    /// [`ProjectError::Setting`], [`ProjectError::Name`], or an error of writing.
    pub fn write(&self, path: &Path) -> Result<()> {
        self.check(path)?;
        let mut document = toml_edit::ser::to_document(self).map_err(|error| ProjectError::Damaged {
            path: path.to_owned(),
            reason: format!("the settings cannot be written as TOML: {error}"),
        })?;
        make_readable(&mut document);
        // What is not TOML cannot be kept; nobody comes here with it, for it was read before.
        let existing = fs::read_to_string(path).ok().and_then(|text| text.parse::<DocumentMut>().ok());
        let text = match existing {
            Some(mut existing) => {
                edit::merge_table(existing.as_table_mut(), document.as_table());
                existing.to_string()
            }
            None => document.to_string(),
        };
        atomic::write(path, text.as_bytes())
    }

    /// The person of that name, without regard to case.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<&PersonConfig> {
        self.people.iter().find(|person| same_name(&person.name, name))
    }

    fn check(&self, path: &Path) -> Result<()> {
        let refuse = |key: &str, found: String, expected: &str| {
            Err(ProjectError::Setting {
                path: path.to_owned(),
                key: key.to_owned(),
                found,
                expected: expected.to_owned(),
            })
        };
        if i64::try_from(self.seed).is_err() {
            return refuse("seed", self.seed.to_string(), "at most 9223372036854775807");
        }
        for (key, value) in [("stop.minutes", self.stop.minutes), ("stop.loss", self.stop.loss)] {
            if let Some(value) = value.filter(|value| !(value.is_finite() && *value > 0.0)) {
                return refuse(key, value.to_string(), "a number above 0");
            }
        }
        if let Some(iterations) = self.stop.iterations.filter(|n| *n == 0 || i64::try_from(*n).is_err()) {
            return refuse("stop.iterations", iterations.to_string(), "a whole number above 0");
        }
        for (place, person) in self.people.iter().enumerate() {
            check_person_name(&person.name)?;
            person.consent.as_ref().map_or(Ok(()), |consent| consent.check_whole(path))?;
            if self.people[..place].iter().any(|other| same_name(&other.name, &person.name)) {
                return refuse("people.name", format!("`{}` twice", person.name), "each name once");
            }
        }
        Ok(())
    }
}

/// Some file systems do not tell `Alice` from `alice`, so neither do we.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// The serialiser writes inline tables; people prefer `[stop]`, `[[people]]` and `[people.consent]`.
fn make_readable(document: &mut DocumentMut) {
    for key in ["stop", "people"] {
        if let Some(item) = document.get_mut(key) {
            let value = std::mem::take(item);
            *item = match value.into_table() {
                Ok(table) => Item::Table(table),
                Err(value) => match value.into_array_of_tables() {
                    Ok(tables) => Item::ArrayOfTables(tables),
                    Err(value) => value,
                },
            };
        }
    }
    let Some(people) = document.get_mut("people").and_then(Item::as_array_of_tables_mut) else { return };
    for person in people.iter_mut() {
        if let Some(consent) = person.get_mut("consent")
            && let Ok(table) = std::mem::take(consent).into_table()
        {
            *consent = Item::Table(table);
        }
    }
}

fn syntax_error(error: &toml_edit::de::Error, text: &str, path: &Path) -> ProjectError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    ProjectError::Config {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests;
