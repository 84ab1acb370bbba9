//! The pattern into a frame: strong where the picture is busy, weak where it is smooth or dark.

use bifrons_media::{Frame, RgbImage, luma};

use super::pattern;

/// Gain is chosen for squares of so many pixels a side.
const BLOCK: usize = 8;
/// Gain where nothing happens, in codes of 8 bits (root mean square), in frames of 720 lines.
const LEAST: f32 = 0.5;
/// The strongest gain. It keeps every frame above 42 dB: `20 log10(255 / 1.95) = 42.3`.
const MOST: f32 = 1.95;
/// Gain per code of mean difference between neighbours.
const GAIN_OF_ACTIVITY: f32 = 0.16;
/// Frames whose shorter side is smaller hold no whole tile.
const MIN_SIDE_PX: usize = 128;

/// Marks the frames of one film with one number.
#[derive(Debug)]
pub struct Marker {
    tile: Vec<f32>,
    period: usize,
    /// Small frames show less of the pattern and are marked more strongly, large ones show more and less strongly.
    scale: f32,
}

/// What one frame after the other needs.
#[derive(Default)]
struct Room {
    gains: Vec<f32>,
    sums: Vec<f32>,
    steps: Vec<f32>,
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
        let smaller = 720.0 / width.min(height) as f32;
        let scale = if smaller > 1.0 { smaller.sqrt().min(1.6) } else { smaller.max(0.5) };
        Some(Self { tile: pattern::tile(id, period), period, scale })
    }

    /// Marks one frame. Luma alone is changed, by at most 1.95 codes of 255 in root mean square, depending on nothing but
    /// the frame and the number.
    pub fn mark(&self, frame: &mut Frame) {
        let mut room = Room::default();
        frame.change_luma(BLOCK, |first_row, width, stripe| {
            gains_of(stripe, width, self.scale, &mut room);
            for (row, y) in stripe.chunks_exact_mut(width).zip(first_row..) {
                let line = &self.tile[y % self.period * self.period..][..self.period];
                // tiles begin where blocks do
                for (row, gains) in row.chunks_mut(self.period).zip(room.gains.chunks(self.period / BLOCK)) {
                    let blocks = row.chunks_mut(BLOCK).zip(line.chunks_exact(BLOCK));
                    for ((pixels, pattern), gain) in blocks.zip(gains) {
                        pixels.iter_mut().zip(pattern).for_each(|(pixel, value)| *pixel += gain * value);
                    }
                }
            }
        });
    }
}

impl Marker {
    /// Marks a picture in `[0, 1]` of the size this was made for: the same change of luma, on all three channels alike.
    ///
    /// # Panics
    /// When the picture is empty.
    pub fn mark_picture(&self, picture: &mut RgbImage) {
        let (width, mut room) = (picture.width, Room::default());
        for (number, rows) in picture.data.chunks_mut(3 * width * BLOCK).enumerate() {
            let lumas = rows.as_chunks::<3>().0.iter().map(|&rgb| 255.0 * luma(rgb));
            let stripe: Vec<f32> = lumas.collect();
            gains_of(&stripe, width, self.scale, &mut room);
            for (row, y) in rows.chunks_exact_mut(3 * width).zip(number * BLOCK..) {
                let line = &self.tile[y % self.period * self.period..][..self.period];
                for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                    let change = room.gains[x / BLOCK] * line[x % self.period] / 255.0;
                    pixel.iter_mut().for_each(|value| *value = (*value + change).clamp(0.0, 1.0));
                }
            }
        }
    }
}

/// Gain of each block of a stripe.
fn gains_of(stripe: &[f32], width: usize, scale: f32, room: &mut Room) {
    let Room { gains, sums, steps } = room;
    gains.clear();
    sums.clear();
    steps.clear();
    sums.resize(width, 0.0);
    steps.resize(width, 0.0);
    let mut above: Option<&[f32]> = None;
    for row in stripe.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        // across, within a block or not: it makes no difference to how busy it is
        let pairs = row.iter().zip(&row[1..]);
        steps.iter_mut().zip(pairs).for_each(|(step, (one, next))| *step += (one - next).abs());
        if let Some(above) = above {
            let pairs = row.iter().zip(above);
            steps.iter_mut().zip(pairs).for_each(|(step, (one, other))| *step += (one - other).abs());
        }
        above = Some(row);
    }
    let rows = stripe.len() / width;
    for (sums, steps) in sums.chunks(BLOCK).zip(steps.chunks(BLOCK)) {
        let area = (rows * sums.len()) as f32;
        let (mean, activity) = (sums.iter().sum::<f32>() / area, steps.iter().sum::<f32>() / area);
        // in the dark the same step is seen more easily
        let light = ((mean - 10.0) / 30.0).clamp(0.5, 1.0);
        let gain = (scale * (LEAST + GAIN_OF_ACTIVITY * activity)).min(MOST);
        gains.push(gain * light);
    }
}
