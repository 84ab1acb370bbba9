//! The pattern into a frame: strong where the picture is busy, weak where it is smooth or dark.

use bifrons_media::Frame;

use super::pattern;

/// Gain is chosen for squares of so many pixels a side.
const BLOCK: usize = 8;
/// Weakest and strongest gain, in codes of 8 bits (root mean square). The strongest keeps every frame above 42 dB:
/// `20 log10(255 / 1.95) = 42.3`.
const GAIN: std::ops::RangeInclusive<f32> = 0.85..=1.95;
/// Gain per code of mean difference between neighbours.
const GAIN_OF_ACTIVITY: f32 = 0.16;
/// Frames whose shorter side is smaller hold no whole tile.
const MIN_SIDE_PX: usize = 128;

/// Marks the frames of one film with one number.
#[derive(Debug)]
pub struct Marker {
    tile: Vec<f32>,
    period: usize,
}

/// Side of the tile in pixels: 128, doubled for each doubling of the frame beyond 720 lines, so that a large film can be
/// shown small without losing the mark.
fn period_of(width: usize, height: usize) -> usize {
    let doublings = (width.min(height) as f32 / 720.0).log2().round().max(0.0);
    128 << doublings as u32
}

impl Marker {
    /// For frames of `width x height` pixels; `None` when they are too small to be marked (shorter side below 128).
    #[must_use]
    pub fn new(id: u64, width: usize, height: usize) -> Option<Self> {
        if width.min(height) < MIN_SIDE_PX {
            return None;
        }
        let period = period_of(width, height);
        Some(Self { tile: pattern::tile(id, period), period })
    }

    /// Marks one frame. Luma alone is changed, by at most 1.95 codes of 255 in root mean square, depending on nothing but
    /// the frame and the number.
    pub fn mark(&self, frame: &mut Frame) {
        let mut gains = Vec::new();
        frame.change_luma(BLOCK, |first_row, width, stripe| {
            gains_of(stripe, width, &mut gains);
            for (row, y) in stripe.chunks_exact_mut(width).zip(first_row..) {
                let line = &self.tile[y % self.period * self.period..][..self.period];
                // tiles begin where blocks do
                for (row, gains) in row.chunks_mut(self.period).zip(gains.chunks(self.period / BLOCK)) {
                    let blocks = row.chunks_mut(BLOCK).zip(line.chunks_exact(BLOCK));
                    for ((pixels, pattern), gain) in blocks.zip(gains) {
                        pixels.iter_mut().zip(pattern).for_each(|(pixel, value)| *pixel += gain * value);
                    }
                }
            }
        });
    }
}

/// Gain of each block of a stripe.
fn gains_of(stripe: &[f32], width: usize, gains: &mut Vec<f32>) {
    gains.clear();
    let rows = stripe.len() / width;
    for left in (0..width).step_by(BLOCK) {
        let columns = BLOCK.min(width - left);
        let (mut sum, mut steps) = (0.0, 0.0);
        for y in 0..rows {
            let row = &stripe[y * width + left..][..columns];
            sum += row.iter().sum::<f32>();
            steps += row.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f32>();
            if y > 0 {
                let above = &stripe[(y - 1) * width + left..][..columns];
                steps += row.iter().zip(above).map(|(one, other)| (one - other).abs()).sum::<f32>();
            }
        }
        let area = (rows * columns) as f32;
        let (mean, activity) = (sum / area, steps / area);
        // in the dark the same step is seen more easily
        let light = ((mean - 10.0) / 30.0).clamp(0.5, 1.0);
        let gain = (GAIN.start() + GAIN_OF_ACTIVITY * activity).min(*GAIN.end());
        gains.push(gain * light);
    }
}
