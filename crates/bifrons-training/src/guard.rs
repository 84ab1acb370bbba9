//! Notices when training goes wrong although nothing is infinite.

use crate::trainer::UNHEARD;

/// A loss this many times the lowest smoothed one so far, and this much above it, is a collapse: a decoder that draws one
/// grey for every face costs 0.1 to 0.3, one that has learnt anything less than a third of that.
const WORSE_TIMES: f64 = 2.0;
const WORSE_BY: f64 = 0.05;

/// Hears the smoothed losses of one iteration and keeps the lowest; who collapsed, if anybody.
pub(crate) fn hear(lowest: &mut Vec<f64>, losses: &[f64]) -> Option<usize> {
    lowest.resize(losses.len(), UNHEARD);
    let mut collapsed = None;
    for (person, (lowest, &loss)) in lowest.iter_mut().zip(losses).enumerate() {
        if *lowest == UNHEARD {
            *lowest = loss;
        }
        if is_bad(*lowest, loss) {
            collapsed.get_or_insert(person);
        }
        *lowest = lowest.min(loss);
    }
    collapsed
}

/// Whether the losses of one batch look like a collapse that smoothing does not show yet: no time to save.
pub(crate) fn is_suspicious(lowest: &[f64], people: &[usize], losses: &[f32]) -> bool {
    people.iter().zip(losses).any(|(&person, &loss)| {
        lowest.get(person).is_some_and(|&lowest| lowest != UNHEARD && is_bad(lowest, f64::from(loss)))
    })
}

fn is_bad(lowest: f64, loss: f64) -> bool {
    loss > (WORSE_TIMES * lowest).max(lowest + WORSE_BY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_a_collapse_and_noise_is_not() {
        let mut lowest = Vec::new();
        for step in 0..100 {
            let noise = f64::from(step % 3) * 0.01;
            assert_eq!(hear(&mut lowest, &[0.3 / f64::from(step + 1) + noise, 0.04 + noise]), None);
        }
        assert_eq!(hear(&mut lowest, &[0.04, 0.085]), None);
        assert_eq!(hear(&mut lowest, &[0.04, 0.095]), Some(1));
        assert_eq!(hear(&mut lowest, &[0.06, 0.04]), Some(0));
        assert!(is_suspicious(&lowest, &[1], &[0.2]) && !is_suspicious(&lowest, &[1], &[0.08]));
    }

    #[test]
    fn somebody_new_begins_where_they_are() {
        let mut lowest = vec![0.02, UNHEARD];
        assert!(!is_suspicious(&lowest, &[0, 1], &[0.03, 0.4]));
        assert_eq!(hear(&mut lowest, &[0.02, UNHEARD]), None);
        assert_eq!(hear(&mut lowest, &[0.02, 0.4]), None);
        assert_eq!(hear(&mut lowest, &[0.02, 0.3]), None);
        assert_eq!(lowest, [0.02, 0.3]);
    }
}
