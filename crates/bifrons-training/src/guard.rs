//! Notices when training goes wrong although nothing is infinite.

/// A smoothed loss this many times the lowest one so far, and this much above it, is a collapse: a decoder that draws one
/// grey for every face costs 0.1 to 0.3, one that has learnt anything less than a third of that.
const WORSE_TIMES: f64 = 2.0;
const WORSE_BY: f64 = 0.05;

/// Watches the smoothed loss of each person.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    lowest: Vec<f64>,
}

impl Guard {
    /// Hears the losses of one iteration; who collapsed, if anybody.
    pub(crate) fn hear(&mut self, losses: &[f64]) -> Option<usize> {
        self.lowest.resize(losses.len(), f64::INFINITY);
        let mut collapsed = None;
        for (person, (lowest, &loss)) in self.lowest.iter_mut().zip(losses).enumerate() {
            if loss > (WORSE_TIMES * *lowest).max(*lowest + WORSE_BY) {
                collapsed.get_or_insert(person);
            }
            *lowest = lowest.min(loss);
        }
        collapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_a_collapse_and_noise_is_not() {
        let mut guard = Guard::default();
        for step in 0..100 {
            let noise = f64::from(step % 3) * 0.01;
            assert_eq!(guard.hear(&[0.3 / f64::from(step + 1) + noise, 0.04 + noise]), None);
        }
        assert_eq!(guard.hear(&[0.04, 0.085]), None);
        assert_eq!(guard.hear(&[0.04, 0.095]), Some(1));
        assert_eq!(guard.hear(&[0.06, 0.04]), Some(0));
    }
}
