//! Whether the new face blinks when the filmed one does.

use crate::statistics::percentile;

/// Eyes count as closed below this share of how far they are open in the middle of the film.
const CLOSED_SHARE: f64 = 0.6;
/// Longer closings are no blinks, in frames.
const LONGEST_FRAMES: usize = 15;
/// A blink in the result may come so many frames early or late.
const SLACK_FRAMES: usize = 1;

/// Blinks of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blinks {
    /// Blinks of the footage.
    pub filmed: usize,
    /// Those of them at which the result's eyes close too.
    pub kept: usize,
}

impl Blinks {
    /// Share of blinks kept, 0 to 1; `None` when nobody blinked.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        (self.filmed > 0).then(|| self.kept as f64 / self.filmed as f64)
    }
}

/// Counts blinks in two series of how far the eyes are open (any unit), one value for each frame of a shot; `None`
/// where the face is not seen. Closed means below 0.6 of the series' own median, so that narrow eyes do not blink all
/// the time.
#[must_use]
pub fn blinks(footage: &[Option<f64>], result: &[Option<f64>]) -> Blinks {
    let (filmed, shown) = (closed(footage), closed(result));
    let mut blinks = Blinks { filmed: 0, kept: 0 };
    let mut from = 0;
    while from < filmed.len() {
        let length = filmed[from..].iter().take_while(|closed| **closed).count();
        if (1..=LONGEST_FRAMES).contains(&length) {
            let until = (from + length + SLACK_FRAMES).min(shown.len());
            let near = from.saturating_sub(SLACK_FRAMES).min(until)..until;
            blinks.filmed += 1;
            blinks.kept += usize::from(shown[near].iter().any(|closed| *closed));
        }
        from += length.max(1);
    }
    blinks
}

fn closed(series: &[Option<f64>]) -> Vec<bool> {
    let seen: Vec<f64> = series.iter().copied().flatten().collect();
    let threshold = percentile(&seen, 0.5).unwrap_or(0.0) * CLOSED_SHARE;
    series.iter().map(|value| value.is_some_and(|value| value < threshold)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 frames with eyes open, closed for three frames each at some.
    fn eyes(open: f64, at: &[usize]) -> Vec<Option<f64>> {
        (0..100)
            .map(|t| Some(if at.iter().any(|&b| (b..b + 3).contains(&t)) { 0.2 * open } else { open }))
            .collect()
    }

    #[test]
    fn each_blink_counts_once_and_is_kept_when_the_result_blinks_too() {
        let footage = eyes(0.3, &[10, 40, 70]);
        assert_eq!(blinks(&footage, &footage), Blinks { filmed: 3, kept: 3 });
        assert_eq!(blinks(&footage, &eyes(0.2, &[11, 70])), Blinks { filmed: 3, kept: 2 });
        assert_eq!(blinks(&footage, &eyes(0.2, &[10, 40, 70])).recall(), Some(1.0));
    }

    #[test]
    fn eyes_that_never_close_are_caught() {
        let footage = eyes(0.3, &[10, 40, 70]);
        assert_eq!(blinks(&footage, &eyes(0.3, &[])).recall(), Some(0.0));
    }

    #[test]
    fn sleeping_is_no_blink_and_unseen_frames_are_nothing() {
        let asleep: Vec<_> = (0..100).map(|t| Some(if (20..50).contains(&t) { 0.02 } else { 0.3 })).collect();
        assert_eq!(blinks(&asleep, &asleep).recall(), None);
        assert_eq!(blinks(&[None; 9], &[None; 9]), Blinks { filmed: 0, kept: 0 });
    }
}
