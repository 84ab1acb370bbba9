//! Dense motion between two pictures of a face.
//!
//! Inverse search (Kroeger, Timofte, Dai and Van Gool 2016): small patches, each moved until it fits (Gauss and Newton, the
//! slopes taken from the picture that stays), from coarse to fine; a pixel moves as the patches over it do, the better
//! fitting ones counting more. Patches are compared less their means, so that light that changes is no motion.

use crate::planes::halved;

/// Side of a patch, and how far apart patches begin, in pixels.
const PATCH_PX: usize = 8;
const STRIDE_PX: usize = 4;
/// Side of the coarsest picture at most, in pixels.
const COARSEST_PX: usize = 31;
/// Times a patch is moved on each level.
const STEPS: usize = 5;
/// A step shorter than this, in pixels of its level, is the last.
const SHORT_PX: f32 = 0.02;
/// A patch does not move farther on one level, in pixels of it.
const FARTHEST_PX: f32 = 4.0;
/// Added to the squared slopes of a pixel: where there is no texture nothing moves.
const DAMPING: f32 = 2e-5;
/// Added to a patch's mean squared difference, whose inverse is how much it counts.
const FITS: f32 = 1e-5;

/// Where each pixel of a square picture is in another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    size_px: usize,
    /// Columns and rows to go, in pixels.
    steps: Vec<[f32; 2]>,
}

impl Flow {
    /// How `here` moves to `there`: lumas in `[0, 1]`, `size_px` squared; `size_px` is at least 16 and can be halved until
    /// it is below 32. Motion is found where `wanted` is above 0 (and around it); elsewhere it is that of what lies near, or
    /// none. On textured skin that moves by up to a tenth of the side, exact to a tenth of a pixel where all of it moves alike, to a
    /// quarter where it turns by three degrees.
    ///
    /// # Panics
    /// When sizes do not fit.
    #[must_use]
    pub fn between(here: &[f32], there: &[f32], wanted: &[f32], size_px: usize) -> Self {
        assert_eq!([here.len(), there.len(), wanted.len()], [size_px * size_px; 3], "squares of one size");
        let mut levels = vec![(size_px, here.to_vec(), there.to_vec(), wanted.to_vec())];
        while let Some((size_px, here, there, wanted)) = levels.last()
            && *size_px > COARSEST_PX
        {
            assert!(size_px.is_multiple_of(2), "a side that can be halved");
            let half = [here, there, wanted].map(|plane| halved(plane, *size_px));
            let [here, there, wanted] = half;
            levels.push((size_px / 2, here, there, wanted));
        }
        let mut flow: Option<Self> = None;
        for (size_px, here, there, wanted) in levels.iter().rev() {
            let start = flow.map_or_else(|| Self::still(*size_px), |coarse| coarse.doubled());
            flow = Some(start.refined(here, there, wanted));
        }
        flow.unwrap_or_else(|| Self::still(size_px))
    }

    /// No motion.
    #[must_use]
    pub fn still(size_px: usize) -> Self {
        Self { size_px, steps: vec![[0.0; 2]; size_px * size_px] }
    }

    /// Columns and rows to go for each pixel, row by row.
    #[must_use]
    pub fn steps(&self) -> &[[f32; 2]] {
        &self.steps
    }

    /// Motion at a point in pixels (the first pixel's middle is `(0.5, 0.5)`), linear between pixels.
    #[must_use]
    pub fn at(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let last = (self.size_px - 1) as f32;
        let [x, y] = [x, y].map(|v| (v - 0.5).clamp(0.0, last));
        let (column, row) = ((x as usize).min(self.size_px - 2), (y as usize).min(self.size_px - 2));
        let (fx, fy) = (x - column as f32, y - row as f32);
        let at = |dx: usize, dy: usize| self.steps[(row + dy) * self.size_px + column + dx];
        let [a, b, c, d] = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
        [0, 1].map(|i| {
            let (top, bottom) = (a[i] + fx * (b[i] - a[i]), c[i] + fx * (d[i] - c[i]));
            top + fy * (bottom - top)
        })
    }

    /// This motion and then another one, which begins where this one ends.
    ///
    /// # Panics
    /// When sizes differ.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        assert_eq!(self.size_px, next.size_px, "motions of one size");
        let steps = self.steps.iter().enumerate().map(|(at, &[dx, dy])| {
            let [x, y] = middle_of(at, self.size_px);
            let [nx, ny] = next.at([x + dx, y + dy]);
            [dx + nx, dy + ny]
        });
        Self { size_px: self.size_px, steps: steps.collect() }
    }

    /// For a picture of twice the side.
    fn doubled(&self) -> Self {
        let size_px = 2 * self.size_px;
        let steps = (0..size_px * size_px).map(|at| {
            let [x, y] = middle_of(at, size_px);
            self.at([x / 2.0, y / 2.0]).map(|step| 2.0 * step)
        });
        Self { size_px, steps: steps.collect() }
    }

    fn refined(&self, here: &[f32], there: &[f32], wanted: &[f32]) -> Self {
        let size = self.size_px;
        let mut sums = vec![[0.0_f32; 3]; size * size];
        for top in (0..=size - PATCH_PX).step_by(STRIDE_PX) {
            for left in (0..=size - PATCH_PX).step_by(STRIDE_PX) {
                let rows = (top..top + PATCH_PX).map(|y| y * size + left..y * size + left + PATCH_PX);
                if !rows.clone().any(|row| wanted[row].iter().any(|&wanted| wanted > 0.0)) {
                    continue;
                }
                let middle = [left, top].map(|v| (v + PATCH_PX / 2) as f32);
                let (step, weight) = moved(here, there, size, [left, top], self.at(middle));
                for at in rows.flatten() {
                    let sum = &mut sums[at];
                    sum[0] += weight * step[0];
                    sum[1] += weight * step[1];
                    sum[2] += weight;
                }
            }
        }
        let both = sums.iter().zip(&self.steps);
        let steps = both.map(|(&[x, y, total], &start)| match total > 0.0 {
            true => [x / total, y / total],
            false => start,
        });
        Self { size_px: size, steps: steps.collect() }
    }
}

fn middle_of(at: usize, size_px: usize) -> [f32; 2] {
    [at % size_px, at / size_px].map(|v| v as f32 + 0.5)
}

/// Where a patch of `here` is in `there`, searched from `start`, and how much that counts.
fn moved(
    here: &[f32],
    there: &[f32],
    size: usize,
    [left, top]: [usize; 2],
    start: [f32; 2],
) -> ([f32; 2], f32) {
    const AREA: f32 = (PATCH_PX * PATCH_PX) as f32;
    let pixel = |x: usize, y: usize| here[y * size + x];
    let mut patch = [[0.0_f32; 3]; PATCH_PX * PATCH_PX];
    for (number, sample) in patch.iter_mut().enumerate() {
        let (x, y) = (left + number % PATCH_PX, top + number / PATCH_PX);
        let next = [x, y].map(|v| (v + 1).min(size - 1));
        let before = [x, y].map(|v| v.saturating_sub(1));
        let across = (pixel(next[0], y) - pixel(before[0], y)) / (next[0] - before[0]) as f32;
        let down = (pixel(x, next[1]) - pixel(x, before[1])) / (next[1] - before[1]) as f32;
        *sample = [pixel(x, y), across, down];
    }
    let mean = patch.map(|sample| sample[0]).iter().sum::<f32>() / AREA;
    let mean_slope = [1, 2].map(|i| patch.iter().map(|sample| sample[i]).sum::<f32>() / AREA);
    let [mut xx, mut xy, mut yy] = [DAMPING * AREA, 0.0, DAMPING * AREA];
    for [_, across, down] in &patch {
        let (across, down) = (across - mean_slope[0], down - mean_slope[1]);
        xx += across * across;
        xy += across * down;
        yy += down * down;
    }
    let determinant = xx * yy - xy * xy;
    let mut samples = [0.0_f32; PATCH_PX * PATCH_PX];
    // differences of the patch there from here, both less their means
    let mut compare = |[dx, dy]: [f32; 2]| {
        square_at(there, size, [left as f32 + dx, top as f32 + dy], &mut samples);
        let brighter = samples.iter().sum::<f32>() / AREA - mean;
        let [mut x, mut y, mut square] = [0.0_f32; 3];
        for (there, [here, across, down]) in samples.iter().zip(&patch) {
            let difference = there - brighter - here;
            x += across * difference;
            y += down * difference;
            square += difference * difference;
        }
        (x, y, square / AREA)
    };
    let mut step = start;
    for _ in 0..STEPS {
        let (x, y, _) = compare(step);
        let by = [(yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant];
        step = [step[0] - by[0], step[1] - by[1]];
        if (step[0] - start[0]).abs().max((step[1] - start[1]).abs()) > FARTHEST_PX {
            step = start;
            break;
        }
        if by[0].abs().max(by[1].abs()) < SHORT_PX {
            break;
        }
    }
    let (_, _, square) = compare(step);
    (step, 1.0 / (square + FITS))
}

/// A patch of a picture that begins between pixels, linear between them; beyond the picture its border goes on.
fn square_at(plane: &[f32], size: usize, corner: [f32; 2], samples: &mut [f32; PATCH_PX * PATCH_PX]) {
    let last = (size - 1) as f32;
    let whole = corner.map(f32::floor);
    let (fx, fy) = (corner[0] - whole[0], corner[1] - whole[1]);
    let column = |x: usize| (whole[0] + x as f32).clamp(0.0, last) as usize;
    let columns: [usize; PATCH_PX + 1] = std::array::from_fn(column);
    let row = |y: usize| (whole[1] + y as f32).clamp(0.0, last) as usize * size;
    let across = |y: usize| -> [f32; PATCH_PX] {
        let row = &plane[row(y)..][..size];
        std::array::from_fn(|x| row[columns[x]] + fx * (row[columns[x + 1]] - row[columns[x]]))
    };
    let mut above = across(0);
    for (y, samples) in samples.chunks_exact_mut(PATCH_PX).enumerate() {
        let below = across(y + 1);
        for ((sample, above), below) in samples.iter_mut().zip(above).zip(below) {
            *sample = above + fy * (below - above);
        }
        above = below;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 128;

    /// Waves of many lengths, seen from a place that each pixel is moved to.
    fn waves(place: impl Fn([f32; 2]) -> [f32; 2]) -> Vec<f32> {
        (0..SIZE * SIZE)
            .map(|at| {
                let [x, y] = place(middle_of(at, SIZE));
                0.5 + 0.1 * (0.31 * x + 0.17 * y).sin()
                    + 0.1 * (0.23 * y - 0.11 * x).sin()
                    + 0.05 * (0.7 * x).sin() * (0.6 * y).cos()
            })
            .collect()
    }

    /// The largest error well inside.
    fn off(flow: &Flow, truth: impl Fn([f32; 2]) -> [f32; 2]) -> f32 {
        let inside = (0..SIZE * SIZE).filter(|at| (16..SIZE - 16).contains(&(at % SIZE)));
        let inside = inside.filter(|at| (16..SIZE - 16).contains(&(at / SIZE)));
        inside
            .map(|at| {
                let ([x, y], [dx, dy]) = (flow.steps()[at], truth(middle_of(at, SIZE)));
                (x - dx).hypot(y - dy)
            })
            .fold(0.0, f32::max)
    }

    #[test]
    fn a_shift_is_found_and_light_is_no_motion() {
        let here = waves(|p| p);
        let there: Vec<f32> = waves(|[x, y]| [x - 5.3, y + 3.4]).iter().map(|v| v + 0.1).collect();
        let flow = Flow::between(&here, &there, &vec![1.0; SIZE * SIZE], SIZE);
        let found = off(&flow, |_| [5.3, -3.4]);
        assert!(found < 0.1, "{found}");
    }

    #[test]
    fn a_turn_is_found() {
        let (sin, cos) = 0.05_f32.sin_cos();
        let turned = |[x, y]: [f32; 2], sin: f32| {
            let (x, y) = (x - 64.0, y - 64.0);
            [64.0 + cos * x - sin * y, 64.0 + sin * x + cos * y]
        };
        let flow = Flow::between(&waves(|p| p), &waves(|p| turned(p, -sin)), &vec![1.0; SIZE * SIZE], SIZE);
        let found = off(&flow, |p| {
            let to = turned(p, sin);
            [to[0] - p[0], to[1] - p[1]]
        });
        assert!(found < 0.3, "{found}");
        // and back again
        let back = Flow::between(&waves(|p| turned(p, -sin)), &waves(|p| p), &vec![1.0; SIZE * SIZE], SIZE);
        let found = off(&flow.then(&back), |_| [0.0; 2]);
        assert!(found < 0.4, "{found}");
    }

    #[test]
    fn nothing_moves_where_there_is_nothing_to_see() {
        let even = vec![0.5; SIZE * SIZE];
        let flow = Flow::between(&even, &even, &vec![1.0; SIZE * SIZE], SIZE);
        assert_eq!(flow, Flow::still(SIZE));
        let unwanted =
            Flow::between(&waves(|p| p), &waves(|[x, y]| [x + 2.0, y]), &vec![0.0; SIZE * SIZE], SIZE);
        assert_eq!(unwanted, Flow::still(SIZE));
    }
}
