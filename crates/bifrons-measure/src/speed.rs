//! How fast a machine is at this work, alone and against another program.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::statistics::percentile;

/// What one round of a program measured, by name. Names end in their unit: `_per_sec` (more is better) or `_mib`
/// (less is better).
pub type Round = BTreeMap<String, f64>;

/// Several rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeedReport {
    /// `bifrons.measure.speed`.
    pub schema: String,
    /// 1.
    pub version: u32,
    /// Shape of the network.
    pub preset: String,
    /// Threads the processor runs at a time.
    pub threads: usize,
    /// What was measured, by name.
    pub figures: BTreeMap<String, SpeedFigure>,
}

/// One figure over all rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeedFigure {
    /// Ours.
    pub ours: Middle,
    /// The other program's, where it measured this too.
    pub baseline: Option<Middle>,
    /// Median over the rounds of ours divided by the other's of the same round.
    pub ratio: Option<Middle>,
}

/// The middle of some rounds, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Middle {
    /// Median.
    pub median: f64,
    /// Lowest round.
    pub low: f64,
    /// Highest round.
    pub high: f64,
}

impl Middle {
    fn of(values: &[f64]) -> Option<Self> {
        Some(Self {
            median: percentile(values, 0.5)?,
            low: percentile(values, 0.0)?,
            high: percentile(values, 1.0)?,
        })
    }
}

impl SpeedReport {
    /// Brings rounds together: ours, and those of another program that ran in turn with them (the first after our
    /// first, and so on), so that a busy moment of the machine met both. Ratios are taken round by round.
    #[must_use]
    pub fn new(preset: &str, threads: usize, ours: &[Round], baseline: &[Round]) -> Self {
        let names: std::collections::BTreeSet<&String> = ours.iter().flat_map(Round::keys).collect();
        let figure = |name: &String| {
            let of = |rounds: &[Round]| {
                rounds.iter().filter_map(|round| round.get(name).copied()).collect::<Vec<_>>()
            };
            let pairs =
                ours.iter().zip(baseline).filter_map(|(ours, theirs)| ours.get(name).zip(theirs.get(name)));
            let ratios: Vec<f64> =
                pairs.map(|(ours, theirs)| ours / theirs).filter(|r| r.is_finite()).collect();
            Some(SpeedFigure {
                ours: Middle::of(&of(ours))?,
                baseline: Middle::of(&of(baseline)),
                ratio: Middle::of(&ratios),
            })
        };
        Self {
            schema: "bifrons.measure.speed".to_owned(),
            version: 1,
            preset: preset.to_owned(),
            threads,
            figures: names.into_iter().filter_map(|name| Some((name.clone(), figure(name)?))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(values: &[(&str, f64)]) -> Round {
        values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // the machine was half as fast in the second round, for both
        let ours =
            [round(&[("a_per_sec", 10.0), ("b_mib", 50.0)]), round(&[("a_per_sec", 5.0), ("b_mib", 50.0)])];
        let theirs = [round(&[("a_per_sec", 4.0), ("other", 1.0)]), round(&[("a_per_sec", 2.0)])];
        let report = SpeedReport::new("quick", 2, &ours, &theirs);
        let same = |value| Middle { median: value, low: value, high: value };
        let a = report.figures["a_per_sec"];
        assert_eq!(a.ours, Middle { median: 7.5, low: 5.0, high: 10.0 });
        assert_eq!(a.baseline, Some(Middle { median: 3.0, low: 2.0, high: 4.0 }));
        assert_eq!(a.ratio, Some(same(2.5)));
        assert_eq!(report.figures["b_mib"], SpeedFigure { ours: same(50.0), baseline: None, ratio: None });
        assert!(!report.figures.contains_key("other"));
    }

    #[test]
    fn nothing_by_nothing_is_no_ratio() {
        let report =
            SpeedReport::new("quick", 2, &[round(&[("a_per_sec", 1.0)])], &[round(&[("a_per_sec", 0.0)])]);
        assert_eq!(report.figures["a_per_sec"].ratio, None);
    }
}
