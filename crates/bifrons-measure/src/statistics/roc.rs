//! How well a score tells two kinds apart.

/// Area under the ROC curve: the chance that a score of the same kind is above one of different kinds, equal scores
/// counting half (Mann and Whitney 1947). 0.5 is guessing, 1 perfect. `None` when a kind is missing.
#[must_use]
pub fn auc(same: &[f64], different: &[f64]) -> Option<f64> {
    if same.is_empty() || different.is_empty() {
        return None;
    }
    let mut sorted = different.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins: f64 = same
        .iter()
        .map(|score| {
            let below = sorted.partition_point(|other| other < score);
            let not_above = sorted.partition_point(|other| other <= score);
            (below as f64 + not_above as f64) / 2.0
        })
        .sum();
    Some(wins / same.len() as f64 / different.len() as f64)
}

/// The share of same pairs recognised when at most a share `fpr` of different pairs is taken for the same, and the
/// score from which on pairs count as the same there. `None` when a kind is missing.
///
/// With fewer than `1 / fpr` different pairs none may be mistaken.
#[must_use]
pub fn tpr_at_fpr(same: &[f64], different: &[f64], fpr: f64) -> Option<(f64, f64)> {
    if same.is_empty() {
        return None;
    }
    let mut sorted = different.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    // the best score that must not count as the same
    let allowed = (fpr * sorted.len() as f64 + 1e-9).floor() as usize;
    let threshold = *sorted.get(allowed.min(sorted.len().checked_sub(1)?))?;
    let found = same.iter().filter(|score| **score > threshold).count();
    Some((found as f64 / same.len() as f64, threshold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_apart_have_one_and_alike_have_half() {
        assert_eq!(auc(&[0.8, 0.9], &[0.1, 0.2]), Some(1.0));
        assert_eq!(auc(&[0.1, 0.2], &[0.8, 0.9]), Some(0.0));
        assert_eq!(auc(&[0.5; 3], &[0.5; 4]), Some(0.5));
        assert_eq!(auc(&[0.3, 0.7], &[0.5]), Some(0.5));
        assert_eq!(auc(&[], &[0.5]), None);
    }

    #[test]
    fn the_rate_of_recognition_at_an_allowed_rate_of_mistakes() {
        let different: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
        let same = [0.5, 0.985, 0.995, 1.5];
        // one in a hundred may be above: the threshold is the second best of the different
        assert_eq!(tpr_at_fpr(&same, &different, 0.01), Some((0.75, 0.98)));
        assert_eq!(tpr_at_fpr(&same, &different, 0.001), Some((0.5, 0.99)));
        assert_eq!(tpr_at_fpr(&same, &different, 1.0), Some((1.0, 0.0)));
        assert_eq!(tpr_at_fpr(&same, &[], 0.01), None);
    }

    #[test]
    fn scores_that_were_mixed_up_are_caught() {
        let same: Vec<f64> = (0..50).map(|i| 0.7 + f64::from(i) / 200.0).collect();
        let different: Vec<f64> = (0..50).map(|i| 0.2 + f64::from(i) / 200.0).collect();
        let mixed: Vec<f64> =
            same.iter().enumerate().map(|(i, v)| if i % 10 == 0 { 0.1 } else { *v }).collect();
        assert!(auc(&mixed, &different).unwrap() < auc(&same, &different).unwrap());
    }
}
