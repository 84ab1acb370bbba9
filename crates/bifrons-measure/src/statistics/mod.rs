//! From many values to one that can be trusted.

mod bootstrap;
mod correlation;
mod roc;

pub use bootstrap::{Interval, bootstrap, mean_interval};
pub use correlation::{amplitude_ratio, pearson};
pub use roc::{auc, tpr_at_fpr};

/// Mean of some values; `None` for none.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard deviation over all values (divided by their number); `None` for none.
#[must_use]
pub fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    Some((values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt())
}

/// The value below which a share (0 to 1) of the values lies, interpolated linearly between the two nearest; `None`
/// for none.
#[must_use]
pub fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_deviation_and_percentiles_of_known_numbers() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(mean(&values), Some(2.5));
        assert_eq!(deviation(&values), Some(1.25_f64.sqrt()));
        assert_eq!(percentile(&values, 0.5), Some(2.5));
        assert_eq!(percentile(&values, 1.0), Some(4.0));
        assert_eq!(percentile(&values, 0.25), Some(1.75));
        assert_eq!((mean(&[]), deviation(&[]), percentile(&[], 0.5)), (None, None, None));
    }
}
