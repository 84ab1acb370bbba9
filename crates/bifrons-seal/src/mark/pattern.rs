//! The hidden pattern: a square tile, laid over the frame again and again.
//!
//! The tile is built in the frequency domain, of waves that are neither so long that they show nor so short that encoders
//! drop them. A third of the waves is always the same: they tell where the tile lies, how large it is and which way up. The
//! others carry the number. No wave does both, so neither disturbs the other.

use std::f32::consts::{FRAC_1_SQRT_2, TAU};
use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

use super::code;

/// Longest and shortest wave: this many fit into a tile.
const WAVES: std::ops::RangeInclusive<i32> = 7..=25;
/// The waves lie in all directions of half a plane (the other half is their mirror image).
pub(super) const MAX_WAVES: i32 = 25;

/// What decides the pattern. It is the same in every copy of Bifrons, so that anybody can find the mark.
const KEY: &str = "bifrons 2026 the invisible mark of finished frames, version 1";

/// A wave of the tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wave {
    /// Waves in a tile, across and down.
    pub(super) k: [i32; 2],
    /// Its phase, as a unit number.
    pub(super) phase: Complex32,
    /// The two coded bits it carries, on its real and its imaginary part; `None` for one that marks the place.
    pub(super) bits: Option<[usize; 2]>,
}

/// All waves, in an order that only the key knows.
pub(super) fn waves() -> Vec<Wave> {
    let mut stream = blake3::Hasher::new_derive_key(KEY).finalize_xof();
    let mut draw = move || {
        let mut bytes = [0; 8];
        stream.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    };
    let (shortest, longest) = (WAVES.start() * WAVES.start(), WAVES.end() * WAVES.end());
    let mut places: Vec<[i32; 2]> = (-MAX_WAVES..=MAX_WAVES)
        .flat_map(|x| (0..=MAX_WAVES).map(move |y| [x, y]))
        .filter(|&[x, y]| (shortest..=longest).contains(&(x * x + y * y)) && (y > 0 || x > 0))
        .collect();
    for last in (1..places.len()).rev() {
        places.swap(last, (draw() % (last as u64 + 1)) as usize);
    }
    let mut next = 0;
    let mut coded = || {
        next += 1;
        // neighbours in the message lie far apart
        next * 151 % code::CODED_BITS
    };
    places
        .into_iter()
        .enumerate()
        .map(|(number, k)| {
            let phase = Complex32::from_polar(1.0, TAU * (draw() >> 40) as f32 / (1u64 << 24) as f32);
            let bits = (number % 3 != 0).then(|| [coded(), coded()]);
            Wave { k, phase, bits }
        })
        .collect()
}

/// The tile of a number: `period * period` values, row by row, mean 0 and mean square 1.
pub(super) fn tile(id: u64, period: usize) -> Vec<f32> {
    let coded = code::encode(id);
    let mut plane = vec![Complex32::default(); period * period];
    for wave in waves() {
        let value = wave.phase
            * wave.bits.map_or(Complex32::new(1.0, 0.0), |[re, im]| {
                Complex32::new(coded[re], coded[im]) * FRAC_1_SQRT_2
            });
        let at = |k: [i32; 2]| {
            let [x, y] = k.map(|k| k.rem_euclid(period as i32) as usize);
            y * period + x
        };
        plane[at(wave.k)] = value;
        plane[at(wave.k.map(|k| -k))] = value.conj();
    }
    Transform::new(period).inverse(&mut plane);
    let mean_square = plane.iter().map(|value| value.re * value.re).sum::<f32>() / plane.len() as f32;
    plane.iter().map(|value| value.re / mean_square.sqrt()).collect()
}

/// Fourier transform of square planes.
pub(super) struct Transform {
    side: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

impl Transform {
    pub(super) fn new(side: usize) -> Self {
        let mut planner = FftPlanner::new();
        Self { side, forward: planner.plan_fft_forward(side), inverse: planner.plan_fft_inverse(side) }
    }

    /// In place, without scaling: sum over x of `value[x] * exp(-2πi k·x / side)`.
    pub(super) fn forward(&self, plane: &mut [Complex32]) {
        self.both_ways(plane, self.forward.as_ref());
    }

    /// In place, without scaling: sum over k of `value[k] * exp(2πi k·x / side)`.
    pub(super) fn inverse(&self, plane: &mut [Complex32]) {
        self.both_ways(plane, self.inverse.as_ref());
    }

    fn both_ways(&self, plane: &mut [Complex32], fft: &dyn Fft<f32>) {
        for _ in 0..2 {
            fft.process(plane);
            for y in 0..self.side {
                for x in 0..y {
                    plane.swap(y * self.side + x, x * self.side + y);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coded_bit_is_carried_and_the_tile_is_even() {
        let waves = waves();
        let mut carried = vec![0; code::CODED_BITS];
        waves
            .iter()
            .flat_map(|wave| wave.bits.unwrap_or_default().map(|bit| (bit, wave.bits.is_some())))
            .for_each(|(bit, is)| carried[bit] += usize::from(is));
        assert!(carried.iter().all(|&times| times >= 3), "{carried:?}");
        assert!(waves.iter().filter(|wave| wave.bits.is_none()).count() > 280);
        for period in [128, 256] {
            let tile = tile(7, period);
            let mean = tile.iter().sum::<f32>() / tile.len() as f32;
            let peak = tile.iter().fold(0.0f32, |peak, value| peak.max(value.abs()));
            assert!(mean.abs() < 1e-4 && peak < 6.0, "mean {mean}, peak {peak}");
        }
    }
}
