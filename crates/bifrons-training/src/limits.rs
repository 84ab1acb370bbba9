//! When training ends.

use bifrons_project::index::CurvePoint;

/// When training ends: at whichever comes first. With none, when the user stops it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Minutes trained, earlier runs included.
    pub minutes: Option<f64>,
    /// Iterations, earlier runs included.
    pub iterations: Option<u64>,
    /// When everybody's smoothed loss is at or below this.
    pub loss: Option<f64>,
    /// When faces that are never trained on have not been drawn better for a while ([`Plateau`]).
    pub plateau: bool,
}

/// Less than this share is not better.
const BETTER: f64 = 0.005;
/// No end before that many seconds without anything better, nor before this share of all training.
const PATIENCE_SECS: f64 = 120.0;
const PATIENCE_SHARE: f64 = 0.3;

/// Whether training still helps, judged by faces that are never trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Plateau {
    /// The lowest loss so far, and when it was found.
    best: Option<(f64, f64)>,
    now_secs: f64,
}

impl Plateau {
    /// As it stood at the end of a curve.
    #[must_use]
    pub fn of(curve: &[CurvePoint]) -> Self {
        let mut plateau = Self::default();
        for points in curve.chunk_by(|one, other| one.iteration == other.iteration) {
            if let Some(loss) = mean(points.iter().map(|point| point.held_out)) {
                plateau.heard(points[0].trained_secs, loss);
            }
        }
        plateau
    }

    /// A loss on held-out faces, the mean over people, after that many seconds of training.
    pub fn heard(&mut self, trained_secs: f64, loss: f64) {
        self.now_secs = trained_secs;
        if self.best.is_none_or(|(best, _)| loss < best * (1.0 - BETTER)) {
            self.best = Some((loss, trained_secs));
        }
    }

    /// Whether it has been flat for long enough.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        let patience = PATIENCE_SECS.max(PATIENCE_SHARE * self.now_secs);
        self.best.is_some_and(|(_, at)| self.now_secs - at > patience)
    }
}

/// The mean of what is there, if everything is.
pub(crate) fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.collect::<Option<_>>()?;
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plateau_is_a_long_time_without_anything_better() {
        let mut plateau = Plateau::default();
        assert!(!plateau.is_reached());
        for secs in 0..100 {
            plateau.heard(f64::from(secs), 1.0 / f64::from(secs + 1));
        }
        // the last ones are no better than the best by half a percent
        for secs in 100..220 {
            plateau.heard(f64::from(secs), 0.009_99);
            assert!(!plateau.is_reached(), "{secs}");
        }
        plateau.heard(221.0, 0.02);
        assert!(plateau.is_reached());
        plateau.heard(222.0, 0.009);
        assert!(!plateau.is_reached());
        // later, patience grows with what was trained
        plateau.heard(1000.0, 0.008);
        plateau.heard(1400.0, 0.008);
        assert!(!plateau.is_reached());
        plateau.heard(1450.0, 0.008);
        assert!(plateau.is_reached());
    }

    #[test]
    fn a_curve_is_gone_on_from() {
        let point = |iteration: u64, person: &str, held_out| CurvePoint {
            iteration,
            person: person.to_owned(),
            trained_secs: iteration as f64,
            loss: 0.5,
            held_out,
        };
        let curve = [
            point(10, "alice", Some(0.1)),
            point(10, "bob", Some(0.3)),
            point(500, "alice", Some(0.3)),
            point(500, "bob", Some(0.1)),
        ];
        let plateau = Plateau::of(&curve);
        assert_eq!(plateau.best, Some((0.2, 10.0)));
        assert!(plateau.is_reached());
        // without held-out faces nothing is known
        assert_eq!(Plateau::of(&[point(500, "alice", None)]), Plateau::default());
    }
}
