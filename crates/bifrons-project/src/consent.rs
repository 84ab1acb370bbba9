//! What the people in a project agreed to.
//!
//! `bifrons.toml` says what holds now, for people to read and to edit; the log in `bifrons.db` keeps every state that a
//! command has seen, each with the hash of the one before it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

use crate::error::{ProjectError, Result};
use crate::hash::ContentHash;

/// Why a face may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// It is the face of who works here.
    #[serde(rename = "self")]
    Own,
    /// They signed a release.
    Release,
    /// Nobody's: drawn by a program.
    Synthetic,
    /// Of a set of pictures that was published for research or is in the public domain.
    Research,
}

impl Basis {
    /// In words, as in "consent: a signed release".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Own => "their own face",
            Self::Release => "a signed release",
            Self::Synthetic => "a synthetic face",
            Self::Research => "a published research set",
        }
    }
}

/// What a face may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// To be put onto others.
    Identity,
    /// To be replaced in footage.
    Footage,
    /// Either.
    #[default]
    Both,
}

impl Purpose {
    /// Whether somebody who agreed to `self` agreed to `wanted`.
    #[must_use]
    pub fn covers(self, wanted: Self) -> bool {
        self == Self::Both || self == wanted
    }

    fn words(self) -> &'static str {
        match self {
            Self::Identity => "being put onto others",
            Self::Footage => "being replaced in footage",
            Self::Both => "being put onto others and being replaced",
        }
    }
}

/// A day in UTC, written `2027-12-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(time::Date);

impl Day {
    /// The day of a moment.
    #[must_use]
    pub fn of(moment: SystemTime) -> Self {
        Self(OffsetDateTime::from(moment).date())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.0.year(), self.0.month() as u8, self.0.day())
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        time::Date::parse(text, &Iso8601::DATE)
            .ok()
            .map(Self)
            .filter(|day| day.to_string() == text)
            .ok_or_else(|| format!("`{text}` is not a day such as 2027-12-31"))
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

/// What somebody agreed to, within this project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Why the face may be used.
    pub basis: Basis,
    /// What for.
    #[serde(default, rename = "for")]
    pub purpose: Purpose,
    /// The last day on which it holds; without one, it does not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
    /// The signed release: a file, stored like the paths of clips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Hash of the release when the record was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_blake3: Option<ContentHash>,
    /// In words: the film, the terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Consent {
    /// A record without an end, for everything, in this project.
    #[must_use]
    pub fn new(basis: Basis) -> Self {
        Self { basis, purpose: Purpose::Both, until: None, release: None, release_blake3: None, note: None }
    }

    /// Whether it allows `wanted` on that day; if not, why.
    pub(crate) fn allows(&self, wanted: Purpose, today: Day) -> std::result::Result<(), String> {
        if let Some(until) = self.until.filter(|until| *until < today) {
            return Err(format!("it ended on {until}"));
        }
        if !self.purpose.covers(wanted) {
            return Err(format!("it is for {}, not for {}", self.purpose.words(), wanted.words()));
        }
        Ok(())
    }

    /// What a record must hold; `path` is for messages.
    ///
    /// # Errors
    /// [`ProjectError::Setting`] for a release without its file and hash, or a file without a release.
    pub(crate) fn check_whole(&self, path: &Path) -> Result<()> {
        let is_release = self.basis == Basis::Release;
        if is_release == self.release.is_some() && is_release == self.release_blake3.is_some() {
            return Ok(());
        }
        Err(ProjectError::Setting {
            path: path.to_owned(),
            key: "people.consent".to_owned(),
            found: if is_release {
                "a release without its file and hash"
            } else {
                "a file without a release"
            }
            .to_owned(),
            expected: "`basis = \"release\"` together with `release` and `release_blake3`".to_owned(),
        })
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsentEntry {
    /// Number of the line, from 1.
    pub number: u64,
    /// Who.
    pub person: String,
    /// What holds from here on; `None` when it was withdrawn.
    pub consent: Option<Consent>,
    /// When the line was written.
    pub added_at: SystemTime,
    /// Hash of this line and the one before it.
    pub hash: ContentHash,
}

impl ConsentEntry {
    /// This line, refused when it was withdrawn, has ended or does not cover `purpose` (`None` for what every record covers).
    /// `project` is told where it is.
    ///
    /// # Errors
    /// [`ProjectError::NoConsent`].
    pub(crate) fn checked(self, purpose: Option<Purpose>, project: &Path) -> Result<Self> {
        let allowed = match &self.consent {
            Some(consent) => consent.allows(purpose.unwrap_or(consent.purpose), Day::of(SystemTime::now())),
            None => Err(format!("it was withdrawn on {}", Day::of(self.added_at))),
        };
        match allowed {
            Ok(()) => Ok(self),
            Err(reason) => {
                Err(ProjectError::NoConsent { person: self.person, project: project.to_owned(), reason })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_record_holds_to_the_end_of_its_last_day_and_for_what_it_says() {
        let consent = Consent {
            until: Some(day("2027-02-28")),
            purpose: Purpose::Identity,
            ..Consent::new(Basis::Own)
        };
        let check = |wanted, today| consent.allows(wanted, day(today));
        assert_eq!(check(Purpose::Identity, "2027-02-28"), Ok(()));
        assert_eq!(check(Purpose::Identity, "2027-03-01").unwrap_err(), "it ended on 2027-02-28");
        assert!(check(Purpose::Footage, "2027-02-28").unwrap_err().contains("not for being replaced"));
        assert_eq!(Consent::new(Basis::Own).allows(Purpose::Footage, day("9999-12-31")), Ok(()));
    }

    #[test]
    fn days_are_written_one_way() {
        for bad in ["2027-2-3", "2027-02-30", "20270203", "soon", "", "2027-W05-3"] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
        assert_eq!(Day::of(SystemTime::UNIX_EPOCH).to_string(), "1970-01-01");
    }
}
