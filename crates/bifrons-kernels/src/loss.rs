//! Structural dissimilarity and mean squared difference of faces inside a mask, in one go.
//!
//! With `x` the drawn and `y` the true face, both multiplied by `min(weight, 1)`:
//! - MSE: mean of (x − y)² over the pixels, each counting by its weight, all channels alike;
//! - DSSIM: mean of (1 − SSIM) / 2 (Wang et al. 2004: Gaussian window 11 × 11, σ = 1.5, only where the window
//!   fits), each place counting by the weight seen through the window.

use rayon::prelude::*;

use crate::conv::with_tile;
use crate::path::Path;
use crate::tile::Tile;

/// Side of SSIM's window, in pixels.
pub const WINDOW_PX: usize = 11;
const SIGMA_PX: f64 = 1.5;
/// SSIM's constants (K·L)² for L = 1.
pub const C1: f32 = 0.01 * 0.01;
/// See [`C1`].
pub const C2: f32 = 0.03 * 0.03;

/// Faces to compare. All `[image, channel, y, x]`, square, values in `[0, 1]`.
#[derive(Clone, Copy, Debug)]
pub struct Faces<'a> {
    /// What the decoder drew.
    pub drawn: &'a [f32],
    /// What it should have drawn.
    pub truth: &'a [f32],
    /// One channel, not negative.
    pub weight: &'a [f32],
    /// Channels of a face.
    pub channels: usize,
    /// Side in pixels, at least [`WINDOW_PX`].
    pub side: usize,
}

/// `[DSSIM, MSE]`, each 0 for equal faces and at most 1.
///
/// # Panics
/// When sizes do not agree.
#[must_use]
pub fn compare(path: Path, faces: &Faces<'_>) -> [f32; 2] {
    let window = Window::new(faces);
    let planes = with_tile!(path, tile, {
        let plane = |number| {
            tile.run(
                #[inline(always)]
                || faces.plane(&window, number).compare(),
            )
        };
        (0..faces.planes()).into_par_iter().map(plane).collect::<Vec<[f64; 2]>>()
    });
    // in the order of the planes: the same for any number of threads
    let total = planes.iter().fold([0.0; 2], |sum, plane| [sum[0] + plane[0], sum[1] + plane[1]]);
    total.map(|sum| (sum / faces.channels as f64) as f32)
}

/// Gradient with respect to `drawn` of `outer[0] · DSSIM + outer[1] · MSE`.
///
/// # Panics
/// When sizes do not agree.
#[must_use]
pub fn gradient(path: Path, faces: &Faces<'_>, outer: [f32; 2]) -> Vec<f32> {
    let window = Window::new(faces);
    let mut found = vec![0.0_f32; faces.drawn.len()];
    let outer = outer.map(|factor| factor / faces.channels as f32);
    with_tile!(path, tile, {
        let planes = found.par_chunks_mut(faces.side * faces.side).enumerate();
        planes.for_each(|(number, to)| {
            tile.run(
                #[inline(always)]
                || faces.plane(&window, number).gradient(outer, to),
            );
        });
    });
    found
}

/// SSIM's window along one axis; its sum is 1.
#[must_use]
pub fn window() -> [f32; WINDOW_PX] {
    let raw: [f64; WINDOW_PX] = std::array::from_fn(|i| {
        let x = (i as f64 - (WINDOW_PX / 2) as f64) / SIGMA_PX;
        (-0.5 * x * x).exp()
    });
    let sum: f64 = raw.iter().sum();
    raw.map(|value| (value / sum) as f32)
}

/// What all planes share.
#[derive(Debug)]
struct Window {
    taps: [f32; WINDOW_PX],
    /// 1 / Σ weight.
    of_pixels: f32,
    /// Weight seen through the window, for each image, divided by its sum over all.
    seen: Vec<f32>,
}

impl Window {
    fn new(faces: &Faces<'_>) -> Self {
        let (side, area) = (faces.side, faces.side * faces.side);
        let images = faces.weight.len() / area;
        assert!(side >= WINDOW_PX && faces.weight.len() == images * area);
        assert!(
            faces.drawn.len() == images * faces.channels * area && faces.truth.len() == faces.drawn.len()
        );
        let taps = window();
        let kept = side - WINDOW_PX + 1;
        let mut seen = vec![0.0_f32; images * kept * kept];
        seen.par_chunks_mut(kept * kept).zip(faces.weight.par_chunks(area)).for_each(|(to, weight)| {
            blur(&taps, weight, side, to, &mut vec![0.0; side * kept]);
        });
        let total = |values: &[f32]| values.iter().map(|value| f64::from(*value)).sum::<f64>().max(1e-6);
        let scale = (1.0 / total(&seen)) as f32;
        seen.iter_mut().for_each(|value| *value *= scale);
        Self { taps, of_pixels: (1.0 / total(faces.weight)) as f32, seen }
    }
}

impl<'a> Faces<'a> {
    fn planes(&self) -> usize {
        self.drawn.len() / (self.side * self.side)
    }

    #[inline(always)]
    fn plane(&self, window: &'a Window, number: usize) -> Plane<'a> {
        let area = self.side * self.side;
        let image = number / self.channels;
        let kept = self.side - WINDOW_PX + 1;
        let weight = &self.weight[image * area..(image + 1) * area];
        let inside = |values: &[f32]| -> Vec<f32> {
            let values = &values[number * area..(number + 1) * area];
            values.iter().zip(weight).map(|(value, weight)| value * weight.min(1.0)).collect()
        };
        Plane {
            x: inside(self.drawn),
            y: inside(self.truth),
            weight,
            seen: &window.seen[image * kept * kept..(image + 1) * kept * kept],
            taps: &window.taps,
            of_pixels: window.of_pixels,
            side: self.side,
        }
    }
}

/// One channel of one face.
struct Plane<'a> {
    x: Vec<f32>,
    y: Vec<f32>,
    weight: &'a [f32],
    seen: &'a [f32],
    taps: &'a [f32; WINDOW_PX],
    of_pixels: f32,
    side: usize,
}

/// What SSIM is made of, at one place.
struct Similarity {
    luminance: f32,
    structure: f32,
    below_luminance: f32,
    below_structure: f32,
}

impl Similarity {
    #[inline(always)]
    fn new(mean_x: f32, mean_y: f32, squares: f32, product: f32) -> Self {
        let means = mean_x * mean_y;
        let mean_squares = mean_x * mean_x + mean_y * mean_y;
        Self {
            luminance: 2.0 * means + C1,
            structure: 2.0 * (product - means) + C2,
            below_luminance: mean_squares + C1,
            below_structure: squares - mean_squares + C2,
        }
    }

    #[inline(always)]
    fn value(&self) -> f32 {
        (self.luminance * self.structure) / (self.below_luminance * self.below_structure)
    }
}

impl Plane<'_> {
    fn kept(&self) -> usize {
        self.side - WINDOW_PX + 1
    }

    /// Means of x, of y, of x² + y² and of x·y through the window.
    #[inline(always)]
    fn statistics(&self) -> [Vec<f32>; 4] {
        let mut scratch = vec![0.0; self.side * self.kept()];
        let pairs = || self.x.iter().zip(&self.y);
        let squares: Vec<f32> = pairs().map(|(x, y)| x * x + y * y).collect();
        let products: Vec<f32> = pairs().map(|(x, y)| x * y).collect();
        let mut found: [Vec<f32>; 4] = std::array::from_fn(|_| vec![0.0; self.kept() * self.kept()]);
        for (to, values) in found.iter_mut().zip([&self.x, &self.y, &squares, &products]) {
            blur(self.taps, values, self.side, to, &mut scratch);
        }
        found
    }

    /// Sums that the channels' mean is taken of.
    #[inline(always)]
    fn compare(&self) -> [f64; 2] {
        let [mean_x, mean_y, squares, products] = self.statistics();
        let mut dssim = 0.0;
        for (i, seen) in self.seen.iter().enumerate() {
            let ssim = Similarity::new(mean_x[i], mean_y[i], squares[i], products[i]).value();
            dssim += f64::from(seen * (1.0 - ssim) * 0.5);
        }
        let mut mse = 0.0;
        for (i, weight) in self.weight.iter().enumerate() {
            let difference = self.x[i] - self.y[i];
            mse += f64::from(difference * difference * weight);
        }
        [dssim, mse * f64::from(self.of_pixels)]
    }

    #[inline(always)]
    fn gradient(&self, outer: [f32; 2], to: &mut [f32]) {
        let [mut mean_x, mean_y, mut squares, mut products] = self.statistics();
        // turned into the gradients with respect to the mean of x, of x² + y² and of x·y
        for (i, seen) in self.seen.iter().enumerate() {
            let at = Similarity::new(mean_x[i], mean_y[i], squares[i], products[i]);
            let ssim = at.value();
            let factor = -0.5 * seen * outer[0];
            let below = 1.0 / (at.below_luminance * at.below_structure);
            let of_means = 2.0 * mean_y[i] * (at.structure - at.luminance) * below;
            let of_below = 2.0 * mean_x[i] * ssim * (1.0 / at.below_luminance - 1.0 / at.below_structure);
            mean_x[i] = factor * (of_means - of_below);
            squares[i] = -factor * ssim / at.below_structure;
            products[i] = factor * 2.0 * at.luminance * below;
        }
        let mut scratch = vec![0.0; self.side * self.kept()];
        let mut back: [Vec<f32>; 3] = std::array::from_fn(|_| vec![0.0; self.side * self.side]);
        for (to, values) in back.iter_mut().zip([&mean_x, &squares, &products]) {
            spread(self.taps, values, self.side, to, &mut scratch);
        }
        let [of_mean, of_squares, of_products] = back;
        let of_mse = 2.0 * outer[1] * self.of_pixels;
        for (i, to) in to.iter_mut().enumerate() {
            let weight = self.weight[i];
            let structural = of_mean[i] + 2.0 * self.x[i] * of_squares[i] + self.y[i] * of_products[i];
            let squared = of_mse * weight * (self.x[i] - self.y[i]);
            *to = weight.min(1.0) * (structural + squared);
        }
    }
}

/// The window over both axes where it fits: `side` × `side` to `kept` × `kept`.
#[inline(always)]
fn blur(taps: &[f32; WINDOW_PX], from: &[f32], side: usize, to: &mut [f32], scratch: &mut [f32]) {
    let kept = side - WINDOW_PX + 1;
    for (from, to) in from.chunks_exact(side).zip(scratch.chunks_exact_mut(kept)) {
        to.fill(0.0);
        for (tap, factor) in taps.iter().enumerate() {
            for (to, from) in to.iter_mut().zip(&from[tap..tap + kept]) {
                *to += factor * from;
            }
        }
    }
    for (y, to) in to.chunks_exact_mut(kept).enumerate() {
        to.fill(0.0);
        for (tap, factor) in taps.iter().enumerate() {
            for (to, from) in to.iter_mut().zip(&scratch[(y + tap) * kept..(y + tap + 1) * kept]) {
                *to += factor * from;
            }
        }
    }
}

/// The adjoint of [`blur`]: `kept` × `kept` to `side` × `side`.
#[inline(always)]
fn spread(taps: &[f32; WINDOW_PX], from: &[f32], side: usize, to: &mut [f32], scratch: &mut [f32]) {
    let kept = side - WINDOW_PX + 1;
    scratch.fill(0.0);
    for (y, from) in from.chunks_exact(kept).enumerate() {
        for (tap, factor) in taps.iter().enumerate() {
            for (to, from) in scratch[(y + tap) * kept..(y + tap + 1) * kept].iter_mut().zip(from) {
                *to += factor * from;
            }
        }
    }
    for (from, to) in scratch.chunks_exact(kept).zip(to.chunks_exact_mut(side)) {
        to.fill(0.0);
        for (tap, factor) in taps.iter().enumerate() {
            for (to, from) in to[tap..tap + kept].iter_mut().zip(from) {
                *to += factor * from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 16;
    const AREA: usize = SIDE * SIDE;

    fn wave(count: usize, speed: f32) -> Vec<f32> {
        (0..count).map(|i| 0.5 + 0.4 * (i as f32 * speed).sin()).collect()
    }

    #[test]
    fn the_gradient_is_the_slope() {
        let (drawn, truth) = (wave(2 * 3 * AREA, 0.37), wave(2 * 3 * AREA, 0.11));
        let weight: Vec<f32> =
            wave(2 * AREA, 0.05).iter().map(|value| (3.0 * value - 1.0).max(0.0)).collect();
        for path in Path::available() {
            for outer in [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]] {
                let value = |drawn: &[f32]| {
                    let faces = Faces { drawn, truth: &truth, weight: &weight, channels: 3, side: SIDE };
                    let [dssim, mse] = compare(path, &faces);
                    f64::from(outer[0] * dssim + outer[1] * mse)
                };
                let faces = Faces { drawn: &drawn, truth: &truth, weight: &weight, channels: 3, side: SIDE };
                let found = gradient(path, &faces, outer);
                // along the gradient itself, where the slope is steepest
                let length = found.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
                let step = 1e-2;
                let along = |sign: f64| -> Vec<f32> {
                    let move_by = |(x, g): (&f32, &f32)| x + (sign * step * f64::from(*g) / length) as f32;
                    drawn.iter().zip(&found).map(move_by).collect()
                };
                let slope = (value(&along(1.0)) - value(&along(-1.0))) / (2.0 * step);
                assert!((slope / length - 1.0).abs() < 1e-2, "{path:?} {outer:?} {slope} {length}");
                // and at single pixels
                for pixel in [AREA / 2 + 7, 3 * AREA + 100, 5 * AREA + 130] {
                    let moved = |by: f32| {
                        let mut drawn = drawn.clone();
                        drawn[pixel] += by;
                        value(&drawn)
                    };
                    let slope = (moved(0.02) - moved(-0.02)) / 0.04;
                    assert!(
                        (slope - f64::from(found[pixel])).abs() < 0.05 * length / 10.0,
                        "{path:?} {pixel}"
                    );
                }
            }
        }
    }

    #[test]
    fn blur_and_spread_are_adjoint() {
        let faces =
            Faces { drawn: &[0.0; AREA], truth: &[0.0; AREA], weight: &[1.0; AREA], channels: 1, side: SIDE };
        let window = Window::new(&faces);
        let kept = SIDE - WINDOW_PX + 1;
        let (a, b) = (wave(AREA, 0.3), wave(kept * kept, 0.7));
        let mut scratch = vec![0.0; SIDE * kept];
        let (mut blurred, mut spreaded) = (vec![0.0; kept * kept], vec![0.0; AREA]);
        blur(&window.taps, &a, SIDE, &mut blurred, &mut scratch);
        spread(&window.taps, &b, SIDE, &mut spreaded, &mut scratch);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        assert!((dot(&blurred, &b) - dot(&a, &spreaded)).abs() < 1e-4);
    }
}
