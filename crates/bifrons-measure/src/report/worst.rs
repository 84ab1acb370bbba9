//! Which frames to look at first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::film::{FIGURES, SwapReport};

/// Frames closer than this show the same moment.
const LEAST_APART_FRAMES: usize = 5;

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
/// others in most figures. At most `count`, and of neighbours only the worst: ten pictures of one moment tell no more
/// than one.
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
            let why =
                ranks.iter().take(2).filter(|rank| rank.0 > 0.8).map(|rank| rank.1.to_owned()).collect();
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
    let mut apart: Vec<WorstFrame> = Vec::new();
    for frame in worst {
        if apart.len() < count
            && apart.iter().all(|chosen| chosen.frame.abs_diff(frame.frame) >= LEAST_APART_FRAMES)
        {
            apart.push(frame);
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::film::{BlinkCount, Coverage, FilmInfo, FrameRow, IdentityInfo, SCHEMA, VERSION};

    fn report(sharpness: impl Fn(usize) -> f64, not_replaced: Vec<usize>) -> SwapReport {
        let film = FilmInfo {
            name: "film.mp4".into(),
            frames: 60,
            width_px: 64,
            height_px: 48,
            frames_per_sec: 25.0,
        };
        let row = |frame| FrameRow {
            frame,
            time_secs: frame as f64 / 25.0,
            cut: false,
            person: true,
            replaced: true,
            values: BTreeMap::from([("sharpness".to_owned(), sharpness(frame))]),
        };
        SwapReport {
            schema: SCHEMA.into(),
            version: VERSION,
            footage: film.clone(),
            result: film,
            identity: IdentityInfo {
                name: "alice".into(),
                faces_mean: 1,
                faces_held_out: 0,
                likeness_to_itself: None,
            },
            figures: Vec::new(),
            channels: Vec::new(),
            blinks: BlinkCount { filmed: 0, kept: 0 },
            integrity: Vec::new(),
            coverage: Coverage {
                frames: 60,
                frames_with_person: 60,
                not_replaced,
                changed_elsewhere: Vec::new(),
                face_lost: Vec::new(),
            },
            frames: (0..60).map(row).collect(),
        }
    }

    #[test]
    fn blurred_and_forgotten_frames_come_first() {
        let worst = worst_frames(&report(|frame| if frame == 40 { 0.1 } else { 0.9 }, vec![7]), 2);
        assert_eq!((worst[0].frame, worst[1].frame), (7, 40));
        assert_eq!(worst[0].why, ["not replaced"]);
        assert_eq!(worst[1].why, ["Sharpness"]);
    }

    #[test]
    fn of_neighbours_only_the_worst_is_shown() {
        let worst = worst_frames(&report(|frame| 1.0 - frame as f64 / 100.0, Vec::new()), 3);
        assert_eq!(worst.iter().map(|w| w.frame).collect::<Vec<_>>(), [59, 54, 49]);
    }
}
