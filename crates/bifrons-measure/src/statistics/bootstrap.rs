//! How much a figure would differ had we filmed another day: the bootstrap.

use serde::{Deserialize, Serialize};

use super::{mean, percentile};

/// Times the sample is drawn anew.
const RESAMPLES: usize = 1000;

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

/// 95 % interval of any figure of `count` items by the circular block bootstrap (Politis and Romano 1992), percentile method, 1000
/// resamples: blocks of `block` neighbouring items are drawn, because neighbouring frames resemble one another and
/// drawing them one by one would promise too much. The last item is followed by the first, so that every item is
/// drawn equally often. A block of 1 is the ordinary bootstrap.
///
/// `figure` gets indices into the sample. The draw is the same each time for one `count` and `block`, so a report can
/// be recomputed to the last digit. `None` when there are no items or the figure exists for no resample.
#[must_use]
pub fn bootstrap(count: usize, block: usize, figure: impl Fn(&[usize]) -> Option<f64>) -> Option<Interval> {
    if count == 0 {
        return None;
    }
    let block = block.clamp(1, count);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ count as u64;
    let mut drawn = Vec::with_capacity(count + block);
    let mut values = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        drawn.clear();
        while drawn.len() < count {
            let first = (split_mix(&mut state) % count as u64) as usize;
            drawn.extend((first..first + block).map(|i| i % count));
        }
        drawn.truncate(count);
        values.extend(figure(&drawn));
    }
    Some(Interval { low: percentile(&values, 0.025)?, high: percentile(&values, 0.975)? })
}

/// [`bootstrap`] of the mean of some values.
#[must_use]
pub fn mean_interval(values: &[f64], block: usize) -> Option<Interval> {
    bootstrap(values.len(), block, |drawn| mean(&drawn.iter().map(|&i| values[i]).collect::<Vec<_>>()))
}

/// `SplitMix64` (Steele, Lea, Flood 2014): good enough to draw with, and the same everywhere.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_has_no_width() {
        assert_eq!(mean_interval(&[3.0; 50], 5), Some(Interval { low: 3.0, high: 3.0 }));
        assert_eq!(mean_interval(&[], 5), None);
        assert_eq!(mean_interval(&[7.0], 25), Some(Interval { low: 7.0, high: 7.0 }));
    }

    #[test]
    fn a_fair_coin_has_the_interval_of_the_textbook() {
        // 400 throws: 0.5 +- 1.96 * 0.5 / 20 = 0.451 to 0.549.
        let mut state = 7;
        let mut throws: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
        for i in (1..400).rev() {
            throws.swap(i, (split_mix(&mut state) % (i as u64 + 1)) as usize);
        }
        let interval = mean_interval(&throws, 1).unwrap();
        assert!(
            (interval.low - 0.451).abs() < 0.006 && (interval.high - 0.549).abs() < 0.006,
            "{interval:?}"
        );
    }

    #[test]
    fn neighbours_that_resemble_one_another_widen_it() {
        let steps: Vec<f64> = (0..400).map(|i| f64::from((i / 40) % 2)).collect();
        let width = |block| mean_interval(&steps, block).map(|i| i.high - i.low).unwrap();
        assert!(width(40) > 2.0 * width(1));
    }

    #[test]
    fn first_and_last_items_count_as_much_as_those_between() {
        let ends: Vec<f64> = (0..60).map(|i| f64::from(u8::from(!(10..50).contains(&i)))).collect();
        let drawn =
            bootstrap(60, 25, |drawn| mean(&drawn.iter().map(|&i| ends[i]).collect::<Vec<_>>())).unwrap();
        assert!(drawn.low < 1.0 / 3.0 && drawn.high > 1.0 / 3.0 + 0.1, "{drawn:?}");
    }

    #[test]
    fn it_can_be_recomputed() {
        let values: Vec<f64> = (0..90).map(|i| f64::from(i * i % 17)).collect();
        assert_eq!(mean_interval(&values, 9), mean_interval(&values, 9));
    }
}
