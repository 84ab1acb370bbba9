//! Convolutions of each channel alone.

use super::Activation;
use super::lanes::{Act, Lanes, filled, whole};
use crate::path::Path;
use crate::tile::{Tile, with_f32_tile};

/// Pixels summed at once.
const PIXELS: usize = 4;

/// A convolution of each channel alone with its bias and activation, for one path.
#[derive(Clone, Debug)]
pub struct Depthwise {
    path: Path,
    kernel: usize,
    stride: usize,
    /// Columns of zeros assumed left of the image.
    left: usize,
    stored: usize,
    /// `[line][column][channel]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

impl Depthwise {
    /// Whether a convolution with a square window of `kernel` can be done so.
    #[must_use]
    pub fn can(kernel: usize, stride: usize, left: usize) -> bool {
        matches!(kernel, 3 | 5) && matches!(stride, 1 | 2) && left < kernel
    }

    /// `weights` `[channel][line][column]`, `bias` `[channel]`.
    ///
    /// # Panics
    /// When the lengths do not agree, or [`can`](Self::can) does not hold.
    #[must_use]
    pub fn new(
        path: Path,
        (kernel, stride, left): (usize, usize, usize),
        weights: &[f32],
        bias: &[f32],
        activation: Activation,
    ) -> Self {
        assert!(Self::can(kernel, stride, left), "no such convolution");
        let (channels, taps) = (bias.len(), kernel * kernel);
        assert_eq!(weights.len(), channels * taps, "weights of another shape");
        let stored = with_f32_tile!(path, tile, whole(tile, channels));
        let mut packed = vec![0.0; taps * stored];
        for (place, weight) in weights.iter().enumerate() {
            packed[place % taps * stored + place / taps] = *weight;
        }
        let mut bias = bias.to_vec();
        bias.resize(stored, 0.0);
        let activation = filled(activation, weights.len() / taps, stored);
        Self { path, kernel, stride, left, stored, weights: packed, bias, activation }
    }

    /// Numbers of a pixel, of the input as of the result.
    #[must_use]
    pub fn stored(&self) -> usize {
        self.stored
    }

    /// Lines of the window.
    #[must_use]
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    /// One line of the result from the lines of its window, which are `width` pixels long: one slice each, a line of zeros
    /// beyond the image.
    ///
    /// # Panics
    /// When there are not as many lines as the window has, or one is shorter than `width`.
    pub fn line(&self, lines: &[&[f32]], width: usize, output: &mut [f32]) {
        assert_eq!(lines.len(), self.kernel, "not the lines of the window");
        let lines: [&[f32]; 5] = std::array::from_fn(|i| {
            let line = lines[i.min(self.kernel - 1)];
            &line[..width * self.stored]
        });
        let Self { path, kernel, stride, .. } = *self;
        with_f32_tile!(path, tile, {
            tile.run(
                #[inline(always)]
                || {
                    // SAFETY: inside `run`; each line has `width` pixels, as just cut.
                    unsafe {
                        match (kernel, stride) {
                            (3, 1) => fill::<_, 3, 1>(tile, self, &lines, width, output),
                            (3, _) => fill::<_, 3, 2>(tile, self, &lines, width, output),
                            (_, 1) => fill::<_, 5, 1>(tile, self, &lines, width, output),
                            (_, _) => fill::<_, 5, 2>(tile, self, &lines, width, output),
                        }
                    }
                },
            );
        });
    }
}

/// One line of the result.
///
/// # Safety
/// Called inside [`Tile::run`] of the path that `of` was made for; the first `K` lines have `width` pixels.
#[inline(always)]
unsafe fn fill<T: Tile, const K: usize, const S: usize>(
    _: T,
    of: &Depthwise,
    lines: &[&[f32]; 5],
    width: usize,
    output: &mut [f32],
) where
    T::V: Lanes,
{
    assert!(output.len().is_multiple_of(of.stored), "no whole pixels");
    let count = output.len() / of.stored;
    // pixels whose whole window lies within the lines
    let start = of.left.div_ceil(S).min(count);
    let end = if width + of.left < K { start } else { ((width + of.left - K) / S + 1).clamp(start, count) };
    // SAFETY: the caller's promise; windows of `start..end` lie within the lines, and every pixel in `output`.
    unsafe {
        for pixel in (0..start).chain(end..count) {
            border::<T::V, K, S>(of, lines, width, pixel, output);
        }
        if end - start < PIXELS {
            for pixel in start..end {
                block::<T::V, K, S, 1>(of, lines, pixel, output);
            }
        } else {
            // the last ones go back as far as needed: some are done twice, to the same numbers
            for pixel in (start..end).step_by(PIXELS) {
                block::<T::V, K, S, PIXELS>(of, lines, pixel.min(end - PIXELS), output);
            }
        }
    }
}

/// `P` pixels whose windows lie within the lines.
///
/// # Safety
/// As for [`fill`]; `pixel · S - left ..` has `(P - 1) · S + K` pixels in each line, `pixel ..+ P` lies in `output`.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn block<V: Lanes, const K: usize, const S: usize, const P: usize>(
    of: &Depthwise,
    lines: &[&[f32]; 5],
    pixel: usize,
    output: &mut [f32],
) {
    let stored = of.stored;
    let act = Act::of(&of.activation);
    let from = (pixel * S - of.left) * stored;
    for channel in (0..stored).step_by(V::LEN) {
        // SAFETY: the caller's promise; `stored` is a multiple of `V::LEN`, and weights, biases and slopes have as many
        // numbers for each tap.
        unsafe {
            let mut sums = [[V::load(of.bias.as_ptr().add(channel)); 1]; P];
            let weights = of.weights.as_ptr().add(channel);
            for line in 0..K {
                let row = lines[line].as_ptr().add(from + channel);
                let taps: [V; K] = std::array::from_fn(|tap| V::load(weights.add((line * K + tap) * stored)));
                // each pixel is loaded once and used in all windows that see it
                for x in 0..(P - 1) * S + K {
                    let value = V::load(row.add(x * stored));
                    for p in 0..P {
                        if x >= p * S && x - p * S < K {
                            sums[p][0] = value.multiply_add(taps[x - p * S], sums[p][0]);
                        }
                    }
                }
            }
            act.apply(&mut sums, channel);
            let to = output.as_mut_ptr().add(pixel * stored + channel);
            for p in 0..P {
                sums[p][0].store(to.add(p * stored));
            }
        }
    }
}

/// A pixel whose window reaches beyond the lines.
///
/// # Safety
/// As for [`fill`]; `pixel` lies in `output`.
#[inline(always)]
unsafe fn border<V: Lanes, const K: usize, const S: usize>(
    of: &Depthwise,
    lines: &[&[f32]; 5],
    width: usize,
    pixel: usize,
    output: &mut [f32],
) {
    let stored = of.stored;
    let act = Act::of(&of.activation);
    for channel in (0..stored).step_by(V::LEN) {
        // SAFETY: as for `block`; only pixels within the lines are read.
        unsafe {
            let mut sums = [[V::load(of.bias.as_ptr().add(channel))]];
            for (line, tap) in (0..K * K).map(|i| (i / K, i % K)) {
                let x = (pixel * S + tap).wrapping_sub(of.left);
                if x < width {
                    let value = V::load(lines[line].as_ptr().add(x * stored + channel));
                    let weight = V::load(of.weights.as_ptr().add((line * K + tap) * stored + channel));
                    sums[0][0] = value.multiply_add(weight, sums[0][0]);
                }
            }
            act.apply(&mut sums, channel);
            sums[0][0].store(output.as_mut_ptr().add(pixel * stored + channel));
        }
    }
}
