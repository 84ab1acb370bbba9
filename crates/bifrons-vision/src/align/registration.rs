//! Laying one picture of a face exactly onto another.
//!
//! Flattened faces lie the same way as far as their meshes are right, which is to a pixel or two. Where pictures of one person
//! are averaged or compared, that blurs what is finer. Here the rest is found in the pictures themselves, and taken out.

use bifrons_media::RgbImage;
use rayon::prelude::*;

use crate::geometry::cubic;
use crate::{Flow, averaged};

/// What a mesh may be off by, as a share of the side. Farther is no error of a mesh: it is cut short, and twice as far does not
/// count at all.
const FARTHEST: f32 = 0.025;
/// Pixels on each side over which motion is averaged, as a share of the side: a mesh is wrong smoothly.
const AROUND: f32 = 0.025;
/// Weight of no motion, where others weigh up to 1.
const STILL: f32 = 0.02;

/// Where in a picture lies what a reference shows.
#[derive(Clone, Debug)]
pub struct Registration {
    size_px: usize,
    /// Columns and rows to go from each pixel of the reference, as shares of the side.
    steps: Vec<[f32; 2]>,
}

impl Registration {
    /// Registers `picture` to `reference`: lumas in `[0, 1]`, `size_px` squared (a size that [`Flow::between`] takes); `weight`
    /// says where, 0 to 1. Where it is 0 the picture moves as what lies near, or not.
    ///
    /// # Panics
    /// As [`Flow::between`].
    #[must_use]
    pub fn between(reference: &[f32], picture: &[f32], weight: &[f32], size_px: usize) -> Self {
        let side = size_px as f32;
        let flow = Flow::between(reference, picture, weight, size_px);
        let steps = || flow.steps().iter().map(|step| step.map(|v| v / side)).zip(weight);
        let weight = |[x, y]: [f32; 2], weight: f32| if x.hypot(y) > 2.0 * FARTHEST { 0.0 } else { weight };
        let around = (AROUND * side).round() as usize;
        let smooth = |plane: Vec<f32>| averaged(&averaged(&plane, size_px, around), size_px, around);
        let total = smooth(steps().map(|(step, &w)| weight(step, w)).collect());
        let [across, down] =
            [0, 1].map(|axis| smooth(steps().map(|(step, &w)| weight(step, w) * step[axis]).collect()));
        let means = total.iter().zip(across.iter().zip(&down)).map(|(total, (x, y))| {
            let [x, y] = [x, y].map(|sum| sum / (total + STILL));
            let shorter = (FARTHEST / x.hypot(y).max(f32::EPSILON)).min(1.0);
            [x * shorter, y * shorter]
        });
        Self { size_px, steps: means.collect() }
    }

    /// The picture (of any square size) as it lies on the reference.
    #[must_use]
    pub fn apply(&self, picture: &RgbImage) -> RgbImage {
        let side = picture.width;
        let mut moved = picture.clone();
        moved.data.par_chunks_exact_mut(3 * side).enumerate().for_each(|(y, row)| {
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let [column, row] = [x, y].map(|v| (2 * v + 1) * self.size_px / (2 * side));
                let [dx, dy] = self.steps[row * self.size_px + column].map(|v| v * side as f32);
                *pixel = cubic(picture, [x as f32 + 0.5 + dx, y as f32 + 0.5 + dy]);
            }
        });
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 160;

    /// Skin with texture, so many pixels further to the right.
    fn skin(size_px: usize, shift: f32) -> RgbImage {
        let scale = SIZE as f32 / size_px as f32;
        let data = (0..size_px * size_px).flat_map(|at| {
            let (x, y) = ((at % size_px) as f32 * scale - shift, (at / size_px) as f32 * scale);
            [0.5 + 0.1 * (0.31 * x + 0.17 * y).sin() + 0.1 * (0.23 * y - 0.11 * x).sin(); 3]
        });
        RgbImage { width: size_px, height: size_px, data: data.collect() }
    }

    /// The largest difference well inside.
    fn off(one: &RgbImage, other: &RgbImage) -> f32 {
        let margin = one.width / 8;
        let inside =
            (margin..one.width - margin).flat_map(|y| (margin..one.width - margin).map(move |x| (x, y)));
        inside.map(|(x, y)| (one.get(x, y)[0] - other.get(x, y)[0]).abs()).fold(0.0, f32::max)
    }

    fn registered(shift: f32) -> Registration {
        Registration::between(&skin(SIZE, 0.0).lumas(), &skin(SIZE, shift).lumas(), &[1.0; SIZE * SIZE], SIZE)
    }

    #[test]
    fn the_error_of_a_mesh_is_taken_out_at_any_size() {
        let found = registered(2.0);
        for size_px in [SIZE, 2 * SIZE] {
            let (before, wanted) = (skin(size_px, 2.0), skin(size_px, 0.0));
            let after = found.apply(&before);
            assert!(off(&before, &wanted) > 0.05, "{}", off(&before, &wanted));
            // at half a pixel the curve itself changes by 0.02
            assert!(off(&after, &wanted) < 0.012, "{}", off(&after, &wanted));
        }
    }

    #[test]
    fn what_is_farther_is_another_picture() {
        let moved = |shift| registered(shift).steps[SIZE * SIZE / 2 + SIZE / 2][0];
        assert!((moved(3.0) * SIZE as f32 - 3.0).abs() < 0.2, "{}", moved(3.0));
        assert!((moved(6.0) - FARTHEST).abs() < 1e-3, "cut short: {}", moved(6.0));
        assert!(moved(11.0).abs() < 0.005, "not at all: {}", moved(11.0));
    }

    #[test]
    fn what_does_not_count_moves_with_what_does() {
        let mut weight = vec![1.0; SIZE * SIZE];
        let hole = |at: &usize| (70..90).contains(&(at % SIZE)) && (70..90).contains(&(at / SIZE));
        (0..SIZE * SIZE).filter(hole).for_each(|at| weight[at] = 0.0);
        // another picture there
        let mut picture = skin(SIZE, 2.0);
        (0..SIZE * SIZE).filter(hole).for_each(|at| picture.set(at % SIZE, at / SIZE, [0.1; 3]));
        let found = Registration::between(&skin(SIZE, 0.0).lumas(), &picture.lumas(), &weight, SIZE);
        let step = found.steps[75 * SIZE + 75][0] * SIZE as f32;
        // patches over its edge see both
        assert!((step - 2.0).abs() < 1.0, "{step}");
    }
}
