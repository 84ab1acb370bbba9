//! Whether one series follows another.

use super::{deviation, mean};

/// Pearson's correlation of two series of the same length, -1 to 1; `None` when a series does not vary or the lengths
/// differ.
#[must_use]
pub fn pearson(one: &[f64], other: &[f64]) -> Option<f64> {
    if one.len() != other.len() {
        return None;
    }
    let (mean_1, mean_2) = (mean(one)?, mean(other)?);
    let spread = deviation(one)? * deviation(other)?;
    let products = one.iter().zip(other).map(|(a, b)| (a - mean_1) * (b - mean_2)).sum::<f64>();
    (spread > 1e-12).then(|| (products / one.len() as f64 / spread).clamp(-1.0, 1.0))
}

/// How far a series swings against another: the ratio of their standard deviations. 1 when equally far, below 1 when
/// subdued. `None` when the other does not vary.
#[must_use]
pub fn amplitude_ratio(series: &[f64], reference: &[f64]) -> Option<f64> {
    let spread = deviation(reference)?;
    (spread > 1e-9).then_some(deviation(series)? / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_correlates_fully_whatever_its_slope() {
        let line: Vec<f64> = (0..10).map(f64::from).collect();
        let half: Vec<f64> = line.iter().map(|v| 3.0 + v / 2.0).collect();
        let down: Vec<f64> = line.iter().map(|v| -v).collect();
        assert!((pearson(&line, &half).unwrap() - 1.0).abs() < 1e-12);
        assert!((pearson(&line, &down).unwrap() + 1.0).abs() < 1e-12);
        assert!((amplitude_ratio(&half, &line).unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_vary_correlates_with_nothing() {
        assert_eq!(pearson(&[1.0; 5], &[1.0, 2.0, 3.0, 4.0, 5.0]), None);
        assert_eq!(pearson(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(amplitude_ratio(&[1.0, 2.0], &[1.0; 2]), None);
    }

    #[test]
    fn a_frozen_or_late_mouth_is_caught() {
        let mouth: Vec<f64> = (0..100).map(|t| (f64::from(t) * 0.4).sin()).collect();
        let late: Vec<f64> = (0..100).map(|t| (f64::from(t - 5) * 0.4).sin()).collect();
        let subdued: Vec<f64> = mouth.iter().map(|v| 0.3 * v).collect();
        assert!(pearson(&mouth, &late).unwrap() < 0.0);
        assert!((amplitude_ratio(&subdued, &mouth).unwrap() - 0.3).abs() < 1e-9);
    }
}
