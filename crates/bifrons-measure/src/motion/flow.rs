//! Dense optical flow.
//!
//! Lucas and Kanade (1981), solved for every pixel over a Gaussian window, from coarse to fine as Bouguet (2000) does.
//! No network, so nothing that could have been trained on the films it judges.

use super::super::picture::Plane;

/// The smallest side of the coarsest level, in pixels.
const COARSEST_PX: usize = 20;
/// Times the flow is improved on each level.
const ITERATIONS: usize = 4;
/// Standard deviation and reach of the window in which a pixel and its neighbours move alike.
const WINDOW_SIGMA_PX: f32 = 2.5;
const WINDOW_REACH_PX: usize = 5;
/// Added to the diagonal of the equations: where there is no texture nothing moves.
const DAMPING: f32 = 1e-4;
/// A single improvement is not larger than this, in pixels of its level.
const LARGEST_STEP_PX: f32 = 2.0;

/// Where each pixel of a picture was in an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Columns to go, `[height][width]`: pixel `(x, y)` was at `(x + dx, y + dy)`.
    pub dx: Plane,
    /// Rows to go.
    pub dy: Plane,
}

impl Flow {
    /// The earlier picture laid over the later one: what it would look like had only the motion happened.
    #[must_use]
    pub fn warp(&self, earlier: &Plane) -> Plane {
        Plane::from_fn(self.dx.width, self.dx.height, |x, y| {
            let i = y * self.dx.width + x;
            earlier.sample(x as f32 + 0.5 + self.dx.data[i], y as f32 + 0.5 + self.dy.data[i])
        })
    }

    fn still(width: usize, height: usize) -> Self {
        Self { dx: Plane::filled(width, height, 0.0), dy: Plane::filled(width, height, 0.0) }
    }

    /// The flow of a picture of half the size, for one of this size.
    fn doubled(&self, width: usize, height: usize) -> Self {
        let enlarge = |plane: &Plane| {
            Plane::from_fn(width, height, |x, y| {
                2.0 * plane.sample((x as f32 + 0.5) / 2.0, (y as f32 + 0.5) / 2.0)
            })
        };
        Self { dx: enlarge(&self.dx), dy: enlarge(&self.dy) }
    }
}

/// Where each pixel of `later` was in `earlier`, two planes of one size with samples in `[0, 1]`. Accurate to about a
/// tenth of a pixel on textured areas that move by up to a sixth of the picture.
///
/// # Panics
/// When the sizes differ.
#[must_use]
pub fn optical_flow(later: &Plane, earlier: &Plane) -> Flow {
    assert_eq!((later.width, later.height), (earlier.width, earlier.height), "planes of one size");
    let mut levels = vec![(later.clone(), earlier.clone())];
    while let Some((later, earlier)) = levels.last()
        && later.width.min(later.height) >= 2 * COARSEST_PX
    {
        levels.push((later.halved(), earlier.halved()));
    }
    let mut flow: Option<Flow> = None;
    for (later, earlier) in levels.iter().rev() {
        let (width, height) = (later.width, later.height);
        let start = flow.map_or_else(|| Flow::still(width, height), |flow| flow.doubled(width, height));
        flow = Some(refined(later, earlier, start));
    }
    flow.unwrap_or_else(|| Flow::still(later.width, later.height))
}

/// Gauss-Newton steps on `sum over the window of (earlier(p + flow) - later(p))^2`.
fn refined(later: &Plane, earlier: &Plane, mut flow: Flow) -> Flow {
    let (width, height) = (later.width, later.height);
    let blur = |plane: Plane| plane.blurred(WINDOW_SIGMA_PX, WINDOW_REACH_PX).data;
    for _ in 0..ITERATIONS {
        let moved = flow.warp(earlier);
        let slope = |x: usize, y: usize, dx: isize, dy: isize| {
            let (x, y) = (x as isize, y as isize);
            (moved.at(x + dx, y + dy) - moved.at(x - dx, y - dy)) / 2.0
        };
        let ix = Plane::from_fn(width, height, |x, y| slope(x, y, 1, 0));
        let iy = Plane::from_fn(width, height, |x, y| slope(x, y, 0, 1));
        let product = |f: &dyn Fn(usize) -> f32| {
            blur(Plane { width, height, data: (0..width * height).map(f).collect() })
        };
        let xx = product(&|i| ix.data[i] * ix.data[i]);
        let xy = product(&|i| ix.data[i] * iy.data[i]);
        let yy = product(&|i| iy.data[i] * iy.data[i]);
        let xt = product(&|i| ix.data[i] * (later.data[i] - moved.data[i]));
        let yt = product(&|i| iy.data[i] * (later.data[i] - moved.data[i]));
        for i in 0..width * height {
            let (a, b, c) = (xx[i] + DAMPING, xy[i], yy[i] + DAMPING);
            let determinant = a * c - b * b;
            let (mut u, mut v) =
                ((c * xt[i] - b * yt[i]) / determinant, (a * yt[i] - b * xt[i]) / determinant);
            let length = u.hypot(v);
            if length > LARGEST_STEP_PX {
                u *= LARGEST_STEP_PX / length;
                v *= LARGEST_STEP_PX / length;
            }
            flow.dx.data[i] += u;
            flow.dy.data[i] += v;
        }
        // neighbours that were solved on their own are made to agree
        flow = Flow { dx: flow.dx.blurred(1.0, 2), dy: flow.dy.blurred(1.0, 2) };
    }
    flow
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blobs of several sizes without a period that motion could be mistaken by: random values on grids, smooth
    /// between them.
    fn texture(x: f32, y: f32) -> f32 {
        [(24.0, 0.3), (11.0, 0.2), (5.0, 0.1)]
            .iter()
            .map(|&(cell, share)| share * blobs(x / cell, y / cell))
            .sum()
    }

    fn blobs(x: f32, y: f32) -> f32 {
        let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
        let (u, v) = (smooth(x - x.floor()), smooth(y - y.floor()));
        let value = |dx: i32, dy: i32| {
            let (x, y) = (x.floor() as i32 + dx, y.floor() as i32 + dy);
            let mixed = (x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663)) as u32;
            (mixed.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519) >> 8) as f32
                / (1 << 24) as f32
        };
        let upper = value(0, 0) * (1.0 - u) + value(1, 0) * u;
        let lower = value(0, 1) * (1.0 - u) + value(1, 1) * u;
        upper * (1.0 - v) + lower * v
    }

    fn moved_by(dx: f32, dy: f32) -> Plane {
        Plane::from_fn(96, 96, |x, y| texture(x as f32 + dx, y as f32 + dy))
    }

    fn mean_error(flow: &Flow, dx: f32, dy: f32) -> f32 {
        let inner: Vec<usize> =
            (0..96 * 96).filter(|i| (16..80).contains(&(i % 96)) && (16..80).contains(&(i / 96))).collect();
        inner.iter().map(|&i| (flow.dx.data[i] - dx).hypot(flow.dy.data[i] - dy)).sum::<f32>()
            / inner.len() as f32
    }

    #[test]
    fn a_still_picture_does_not_flow() {
        let flow = optical_flow(&moved_by(0.0, 0.0), &moved_by(0.0, 0.0));
        assert!(mean_error(&flow, 0.0, 0.0) < 1e-6);
    }

    #[test]
    fn a_shift_is_found_to_a_fraction_of_a_pixel() {
        for (dx, dy) in [(0.5, 0.0), (-1.25, 2.5), (7.0, -5.0)] {
            // later(p) = earlier(p + d)
            let flow = optical_flow(&moved_by(dx, dy), &moved_by(0.0, 0.0));
            let error = mean_error(&flow, dx, dy);
            assert!(error < 0.1, "({dx}, {dy}): {error}");
        }
    }

    #[test]
    fn a_turn_is_found() {
        let turned = |angle: f32| {
            let (s, c) = angle.sin_cos();
            Plane::from_fn(96, 96, |x, y| {
                let (x, y) = (x as f32 - 48.0, y as f32 - 48.0);
                texture(c * x - s * y + 48.0, s * x + c * y + 48.0)
            })
        };
        let flow = optical_flow(&turned(0.05), &turned(0.0));
        // at (78, 48): x' = c 30, y' = s 30
        let i = 48 * 96 + 78;
        assert!((flow.dy.data[i] - 1.5).abs() < 0.15 && flow.dx.data[i].abs() < 0.15);
    }

    #[test]
    fn warping_the_earlier_picture_gives_the_later() {
        let (later, earlier) = (moved_by(3.0, 1.0), moved_by(0.0, 0.0));
        let warped = optical_flow(&later, &earlier).warp(&earlier);
        let error = |i: usize| (warped.data[i] - later.data[i]).abs();
        let worst = (0..96 * 96)
            .filter(|i| (8..88).contains(&(i % 96)) && (8..88).contains(&(i / 96)))
            .map(error)
            .fold(0.0, f32::max);
        assert!(worst < 0.03, "{worst}");
    }
}
