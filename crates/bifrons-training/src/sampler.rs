//! Which faces an iteration sees.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Width of a pose bin, in degrees.
const BIN_DEGREES: f32 = 10.0;

/// Draws faces evenly over head pose, not over time: a clip that mostly looks into the camera would else
/// hardly ever show a turned head.
#[derive(Clone, Debug)]
pub struct Sampler {
    seed: u64,
    /// For each person the running sum of the faces' weights.
    cumulative: Vec<Vec<f64>>,
}

impl Sampler {
    /// A sampler for people whose faces look in these directions (yaw, pitch in degrees).
    #[must_use]
    pub fn new(seed: u64, poses: &[Vec<(f32, f32)>]) -> Self {
        Self { seed, cumulative: poses.iter().map(|faces| cumulative_weights(faces)).collect() }
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

/// A face weighs 1/√n when n faces share its pose bin: halfway between even over time and even over pose, so
/// that a bin with one blurred face does not fill the batches.
fn cumulative_weights(poses: &[(f32, f32)]) -> Vec<f64> {
    let bin = |(yaw, pitch): (f32, f32)| [yaw, pitch].map(|angle| (angle / BIN_DEGREES).round() as i32);
    let mut counts = std::collections::HashMap::new();
    for &pose in poses {
        *counts.entry(bin(pose)).or_insert(0_u32) += 1;
    }
    let weights = poses.iter().map(|&pose| 1.0 / f64::from(counts[&bin(pose)]).sqrt());
    weights
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_poses_come_more_often_than_their_share() {
        let mut poses = vec![(0.0, 0.0); 99];
        poses.push((40.0, 0.0));
        let sampler = Sampler::new(3, &[poses]);
        let draws = (0..10_000).map(|i| sampler.draw(0, &mut sampler.rng(i, 0, 0)));
        let rare = draws.filter(|&face| face == 99).count();
        // weight 1 against 99/√99 = 9.95: 9.1 %
        assert!((800..1030).contains(&rare), "{rare}");
    }

    #[test]
    fn every_face_is_reached_and_places_differ() {
        let sampler = Sampler::new(3, &[vec![(0.0, 0.0); 7]]);
        let seen: std::collections::HashSet<_> =
            (0..200).map(|i| sampler.draw(0, &mut sampler.rng(i, 0, 0))).collect();
        assert_eq!(seen.len(), 7);
        let first = |i, p, s| sampler.rng(i, p, s).random::<u64>();
        let places = [first(0, 0, 0), first(1, 0, 0), first(0, 1, 0), first(0, 0, 1)];
        assert_eq!(places.iter().collect::<std::collections::HashSet<_>>().len(), 4);
        assert_eq!(places[0], first(0, 0, 0));
    }
}
