//! Which faces an iteration sees.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Width of a pose bin, in degrees.
const BIN_DEGREES: f32 = 10.0;
/// Width of a bin of how far mouth and eyes are open, in the units of [`Look`].
const MOUTH_BIN: f32 = 0.1;
const EYE_BIN: f32 = 0.06;
/// The least that a blurred face weighs, against one of ordinary sharpness.
const LEAST_SHARP: f64 = 0.25;

/// What a face looks like, as far as sampling cares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Where it looks, in degrees.
    pub yaw: f32,
    /// Up or down, in degrees.
    pub pitch: f32,
    /// How far the mouth is open, in eye distances.
    pub mouth: f32,
    /// How far the eyes are open, height over width.
    pub eyes: f32,
    /// How sharp the picture is; only compared with the person's other faces.
    pub sharpness: f32,
}

/// Draws faces evenly over head pose and expression, not over time: a clip that mostly looks into the camera with a
/// closed mouth would else hardly ever show anything else. Blurred faces come less often.
#[derive(Clone, Debug)]
pub struct Sampler {
    seed: u64,
    /// For each person the running sum of the faces' weights.
    cumulative: Vec<Vec<f64>>,
}

impl Sampler {
    /// A sampler for people whose faces look like this; those in the range are never drawn.
    #[must_use]
    pub fn new<'a>(seed: u64, people: impl IntoIterator<Item = (&'a [Look], Range<usize>)>) -> Self {
        let cumulative = people.into_iter().map(|(looks, held_out)| cumulative_weights(looks, &held_out));
        Self { seed, cumulative: cumulative.collect() }
    }

    /// The random numbers of one sample: a function of its place alone.
    #[must_use]
    pub fn rng(&self, iteration: u64, person: usize, slot: usize) -> ChaCha8Rng {
        let mut seed = [0; 32];
        let parts = [self.seed, iteration, person as u64, slot as u64];
        for (bytes, part) in seed.chunks_exact_mut(8).zip(parts) {
            bytes.copy_from_slice(&part.to_le_bytes());
        }
        ChaCha8Rng::from_seed(seed)
    }

    /// Draws one of `person`'s faces.
    #[must_use]
    pub fn draw(&self, person: usize, rng: &mut ChaCha8Rng) -> usize {
        let cumulative = &self.cumulative[person];
        let total = cumulative.last().copied().unwrap_or_default();
        let at = rng.random::<f64>() * total;
        cumulative.partition_point(|&sum| sum <= at).min(cumulative.len() - 1)
    }
}

fn cumulative_weights(looks: &[Look], held_out: &Range<usize>) -> Vec<f64> {
    let step = |value: f32, width: f32| (value / width).round() as i32;
    let poses = rarity(looks, |look| [step(look.yaw, BIN_DEGREES), step(look.pitch, BIN_DEGREES)]);
    let expressions = rarity(looks, |look| [step(look.mouth, MOUTH_BIN), step(look.eyes, EYE_BIN)]);
    let mut sharpness: Vec<f32> = looks.iter().map(|look| look.sharpness).collect();
    sharpness.sort_by(f32::total_cmp);
    let usual = f64::from(sharpness.get(sharpness.len() / 2).copied().unwrap_or(1.0)).max(1e-9);
    let mut sum = 0.0;
    let weights = looks.iter().enumerate().map(|(index, look)| {
        if !held_out.contains(&index) {
            let sharp = (f64::from(look.sharpness) / usual).clamp(LEAST_SHARP, 1.0);
            sum += poses[index] * expressions[index] * sharp;
        }
        sum
    });
    weights.collect()
}

/// 1/√n for a face that shares its bin with n: halfway between even over time and even over bins, so that a bin with one
/// odd face does not fill the batches.
fn rarity<K: Hash + Eq>(looks: &[Look], bin: impl Fn(&Look) -> K) -> Vec<f64> {
    let mut counts = HashMap::new();
    for look in looks {
        *counts.entry(bin(look)).or_insert(0_u32) += 1;
    }
    looks.iter().map(|look| 1.0 / f64::from(counts[&bin(look)]).sqrt()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { yaw: 0.0, pitch: 0.0, mouth: 0.0, eyes: 0.3, sharpness: 1.0 };

    /// How often each of `looks` is drawn in 10 000.
    fn drawn(looks: &[Look], held_out: Range<usize>) -> Vec<usize> {
        let sampler = Sampler::new(3, [(looks, held_out)]);
        let mut counts = vec![0; looks.len()];
        (0..10_000).for_each(|i| counts[sampler.draw(0, &mut sampler.rng(i, 0, 0))] += 1);
        counts
    }

    #[test]
    fn rare_poses_and_expressions_come_more_often_than_their_share() {
        for rare in [Look { yaw: 40.0, ..PLAIN }, Look { mouth: 0.5, ..PLAIN }, Look { eyes: 0.05, ..PLAIN }]
        {
            let mut looks = vec![PLAIN; 99];
            looks.push(rare);
            // one bin is shared by all 100: 1/√100 · 1 against 1/√100 · 99/√99, so 1 against 9.95
            let found = drawn(&looks, 0..0)[99];
            assert!((800..1030).contains(&found), "{rare:?} {found}");
        }
    }

    #[test]
    fn blurred_faces_come_less_often_and_held_out_ones_never() {
        let mut looks = vec![PLAIN; 10];
        looks[0].sharpness = 0.5;
        looks[1].sharpness = 0.0;
        looks[2].sharpness = 9.0;
        let counts = drawn(&looks, 8..10);
        // 0.5 + 0.25 + 6 in all
        assert!((640..850).contains(&counts[0]) && (300..450).contains(&counts[1]), "{counts:?}");
        assert!((1350..1620).contains(&counts[2]), "{counts:?}");
        assert_eq!(counts[8..], [0, 0]);
    }

    #[test]
    fn every_face_is_reached_and_places_differ() {
        assert!(drawn(&[PLAIN; 7], 0..0).iter().all(|&count| count > 1000));
        let sampler = Sampler::new(3, [(&[PLAIN; 7][..], 0..0)]);
        let first = |i, p, s| sampler.rng(i, p, s).random::<u64>();
        let places = [first(0, 0, 0), first(1, 0, 0), first(0, 1, 0), first(0, 0, 1)];
        assert_eq!(places.iter().collect::<std::collections::HashSet<_>>().len(), 4);
        assert_eq!(places[0], first(0, 0, 0));
    }
}
