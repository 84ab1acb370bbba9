//! What a person may change about a face, shot by shot: kept in the project with each track, which is the same face through a
//! shot, and part of a film's plan.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use bifrons_project::{Clip, Index};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::SwapError;
use crate::patch::SOFT_EDGE;

/// How a face is put on. The defaults are what films are made with where nobody has chosen anything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether the face is left as filmed.
    pub skip: bool,
    /// Size of the mask as a share of the face's own, about its middle: the drawn face ends where the mesh does, so there is
    /// nothing to make it larger with.
    pub mask_size: f32,
    /// Width of the mask's soft edge, as a share of the square around the face.
    pub feather: f32,
    /// How far the drawn face takes the colours of the footage, 0 to 1. Towards its edge it always does.
    pub color_match: f32,
    /// How much of the identity's own detail (pores, stubble, the hairs of a brow) is added to what the network draws; 1 as
    /// much as it leaves out.
    pub detail: f32,
    /// How much of the grain that the face lacks is added; 1 all of it.
    pub grain: f32,
    /// Whether hands, glasses and what else is in front of the face stays there.
    pub keep_in_front: bool,
}

/// A number among [`Settings`]: its name as it is written, and its range.
#[derive(Clone, Debug)]
pub struct Knob {
    /// As in JSON.
    pub name: &'static str,
    /// What it may be.
    pub range: RangeInclusive<f32>,
    get: fn(&Settings) -> f32,
}

impl Knob {
    /// What it is by default.
    #[must_use]
    pub fn default_value(&self) -> f32 {
        (self.get)(&Settings::default())
    }
}

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SettingsError {
    /// A number beyond its range.
    #[error("{name} is {value}, and must lie between {least} and {most}")]
    OutOfRange {
        /// Which one.
        name: &'static str,
        /// What it is.
        value: f32,
        /// The least it may be.
        least: f32,
        /// The most.
        most: f32,
    },
    /// No settings, or those of a later version.
    #[error("these settings cannot be read: {0}")]
    Unreadable(String),
}

impl Settings {
    /// Changes nothing.
    pub const DEFAULT: Self = Self {
        skip: false,
        mask_size: 1.0,
        feather: SOFT_EDGE,
        color_match: 1.0,
        detail: 1.0,
        grain: 1.0,
        keep_in_front: true,
    };

    /// The numbers, in the order in which people are shown them.
    #[must_use]
    pub fn knobs() -> [Knob; 5] {
        [
            Knob { name: "mask_size", range: 0.5..=1.0, get: |settings| settings.mask_size },
            Knob { name: "feather", range: 0.01..=0.25, get: |settings| settings.feather },
            Knob { name: "color_match", range: 0.0..=1.0, get: |settings| settings.color_match },
            Knob { name: "detail", range: 0.0..=2.0, get: |settings| settings.detail },
            Knob { name: "grain", range: 0.0..=2.0, get: |settings| settings.grain },
        ]
    }

    /// These, if every number lies in its range.
    ///
    /// # Errors
    /// [`SettingsError::OutOfRange`].
    pub fn checked(self) -> Result<Self, SettingsError> {
        for Knob { name, range, get } in Self::knobs() {
            let value = get(&self);
            // not a number lies in no range
            if !range.contains(&value) {
                let (least, most) = (*range.start(), *range.end());
                return Err(SettingsError::OutOfRange { name, value, least, most });
            }
        }
        Ok(self)
    }

    /// What [`Self::to_text`] wrote; what it does not name is as by default.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn from_text(text: &str) -> Result<Self, SettingsError> {
        let settings: Self =
            serde_json::from_str(text).map_err(|error| SettingsError::Unreadable(error.to_string()))?;
        settings.checked()
    }

    /// As the project keeps them: JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        // plain data: nothing in it can fail to be written as JSON
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the mask is another one than by default.
    pub(crate) fn changes_mask(&self) -> bool {
        let Self { mask_size, feather, keep_in_front, .. } = Self::DEFAULT;
        (self.mask_size, self.feather, self.keep_in_front) != (mask_size, feather, keep_in_front)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The settings of the tracks of a clip.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adjustments(BTreeMap<u32, Settings>);

impl Adjustments {
    /// What was chosen for a clip.
    ///
    /// # Errors
    /// [`SwapError::Settings`] when it cannot be read, [`SwapError::Project`].
    pub fn of_clip(index: &Index, clip: &Clip) -> Result<Self, SwapError> {
        let read = |(track, text): (u32, String)| {
            let settings = Settings::from_text(&text);
            let clip = clip.path.clone();
            Ok((track, settings.map_err(|source| SwapError::Settings { clip, track, source })?))
        };
        let chosen = index.adjustments(clip.id)?.into_iter().map(read);
        chosen.collect::<Result<Vec<_>, SwapError>>().map(Self::from_iter)
    }

    /// Those of a track.
    #[must_use]
    pub fn of(&self, track: u32) -> Settings {
        self.0.get(&track).copied().unwrap_or_default()
    }

    /// How many tracks are not as by default.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Everything that pictures depend on here; nothing where all is as by default, as in films that were made before anything
    /// could be chosen.
    pub(crate) fn plan(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!(" {:?}", self.0) }
    }
}

impl FromIterator<(u32, Settings)> for Adjustments {
    fn from_iter<T: IntoIterator<Item = (u32, Settings)>>(chosen: T) -> Self {
        Self(chosen.into_iter().filter(|(_, settings)| *settings != Settings::DEFAULT).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_what_films_were_made_with() {
        let text = Settings::default().to_text();
        assert_eq!(
            text,
            r#"{"skip":false,"mask_size":1.0,"feather":0.075,"color_match":1.0,"detail":1.0,"grain":1.0,"keep_in_front":true}"#
        );
        assert_eq!(Settings::from_text(&text), Ok(Settings::DEFAULT));
        assert_eq!(Settings::from_text("{}"), Ok(Settings::DEFAULT));
        assert_eq!(Settings::knobs().map(|knob| knob.default_value()), [1.0, 0.075, 1.0, 1.0, 1.0]);
        assert!(Settings::DEFAULT.checked().is_ok() && !Settings::DEFAULT.changes_mask());
    }

    #[test]
    fn what_was_chosen_comes_back_exactly() {
        let chosen = Settings { skip: true, mask_size: 0.85, feather: 0.2, grain: 0.1, ..Settings::DEFAULT };
        assert_eq!(Settings::from_text(&chosen.to_text()), Ok(chosen));
        assert!(chosen.changes_mask());
        assert!(Settings { keep_in_front: false, ..Settings::DEFAULT }.changes_mask());
        assert!(!Settings { color_match: 0.0, detail: 0.0, ..Settings::DEFAULT }.changes_mask());
    }

    #[test]
    fn numbers_beyond_their_range_are_refused_by_name() {
        for (text, name) in [
            (r#"{"mask_size":1.01}"#, "mask_size"),
            (r#"{"mask_size":0.4999}"#, "mask_size"),
            (r#"{"feather":0}"#, "feather"),
            (r#"{"color_match":-0.1}"#, "color_match"),
            (r#"{"detail":2.5}"#, "detail"),
            (r#"{"grain":1e30}"#, "grain"),
        ] {
            let error = Settings::from_text(text).unwrap_err();
            assert!(error.to_string().starts_with(name), "{text}: {error}");
            assert!(matches!(error, SettingsError::OutOfRange { .. }), "{text}: {error}");
        }
        let not_a_number = Settings { detail: f32::NAN, ..Settings::DEFAULT };
        assert!(matches!(not_a_number.checked(), Err(SettingsError::OutOfRange { name: "detail", .. })));
        for text in ["", "7", "null", r#"{"mask":1}"#, r#"{"skip":1}"#, r#"{"detail":"1"}"#] {
            assert!(matches!(Settings::from_text(text), Err(SettingsError::Unreadable(_))), "{text}");
        }
    }

    #[test]
    fn what_is_as_by_default_is_no_adjustment() {
        let skip = Settings { skip: true, ..Settings::DEFAULT };
        let none = Adjustments::from_iter([(3, Settings::DEFAULT)]);
        assert_eq!((none.count(), none.plan().as_str()), (0, ""));
        let one = Adjustments::from_iter([(3, Settings::DEFAULT), (5, skip)]);
        assert_eq!((one.count(), one.of(3), one.of(5)), (1, Settings::DEFAULT, skip));
        let other = Adjustments::from_iter([(6, skip)]);
        let finer = Adjustments::from_iter([(5, Settings { detail: 1.1, ..skip })]);
        assert!(one.plan() != other.plan() && one.plan() != finer.plan() && !one.plan().is_empty());
    }
}
