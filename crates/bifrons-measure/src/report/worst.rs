//! Which frames to look at first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::film::{FIGURES, SwapReport};

/// A frame that is worse than the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstFrame {
    /// Its number.
    pub frame: usize,
    /// Mean share of the other frames that are better, over the figures it has: 0 to 1.
    pub score: f64,
    /// The titles of the figures in which it is worst.
    pub why: Vec<String>,
}

/// Frames whose person was not replaced come first, as they are worst of all; then those that are worse than most
/// others in most figures. At most `count`.
#[must_use]
pub fn worst_frames(report: &SwapReport, count: usize) -> Vec<WorstFrame> {
    let mut ranks: BTreeMap<usize, Vec<(f64, &str)>> = BTreeMap::new();
    for kind in &FIGURES {
        let mut sorted: Vec<(f64, usize)> = report
            .frames
            .iter()
            .filter_map(|row| Some((kind.ideal.badness(*row.values.get(kind.name)?), row.frame)))
            .collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let last = (sorted.len().max(2) - 1) as f64;
        for (rank, (_, frame)) in sorted.iter().enumerate() {
            ranks.entry(*frame).or_default().push((rank as f64 / last, kind.title));
        }
    }
    let mut worst: Vec<WorstFrame> = ranks
        .into_iter()
        .map(|(frame, mut ranks)| {
            let score = ranks.iter().map(|rank| rank.0).sum::<f64>() / ranks.len() as f64;
            ranks.sort_by(|a, b| b.0.total_cmp(&a.0));
            let why = ranks.iter().take(2).filter(|rank| rank.0 > 0.8).map(|rank| rank.1.to_owned()).collect();
            WorstFrame { frame, score, why }
        })
        .collect();
    for frame in &mut worst {
        if report.coverage.not_replaced.contains(&frame.frame) {
            frame.score = 1.0;
            frame.why = vec!["not replaced".to_owned()];
        }
    }
    worst.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.frame.cmp(&b.frame)));
    worst.truncate(count);
    worst
}
