//! Maxima and means, in Rust that the compiler makes vectors of.

use crate::path::Path;
use crate::tile::{Tile, with_f32_tile};

/// The largest of every 2 × 2 pixels: one line from two, with `stored` numbers a pixel. An odd last pixel is left out.
///
/// # Panics
/// When the lines are shorter than what they are asked for.
pub fn halve(path: Path, lines: [&[f32]; 2], stored: usize, output: &mut [f32]) {
    assert!(stored > 0, "pixels without channels");
    with_f32_tile!(path, tile, {
        tile.run(
            #[inline(always)]
            || {
                for (x, to) in output.chunks_exact_mut(stored).enumerate() {
                    let [above, below] = lines.map(|line| &line[2 * x * stored..][..2 * stored]);
                    let (a, b) = above.split_at(stored);
                    let (c, d) = below.split_at(stored);
                    for ((((to, a), b), c), d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                        *to = larger(larger(*a, *b), larger(*c, *d));
                    }
                }
            },
        );
    });
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The mean of all pixels for each of `channels`.
///
/// # Panics
/// When a pixel has fewer numbers than that.
#[must_use]
pub fn mean(pixels: &[f32], stored: usize, channels: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f32; channels];
    for pixel in pixels.chunks_exact(stored) {
        sums.iter_mut().zip(&pixel[..channels]).for_each(|(sum, value)| *sum += value);
    }
    let count = (pixels.len() / stored) as f32;
    sums.iter_mut().for_each(|sum| *sum /= count);
    sums
}
