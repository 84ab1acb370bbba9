//! What many frames have in common: brightness evened out, summed.

use bifrons_media::LumaPlane;

/// Values beyond this many local deviations say nothing more.
const CLIP: f32 = 3.0;
/// Deviations below this, in codes of 8 bits, are noise of rounding.
const FLOOR: f32 = 0.7;

/// The sum of frames of one film, each freed of what is large and smooth, and made equally busy everywhere: the film's
/// content, which moves, fades, and the mark, which stays, adds up.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<f32>,
    pub(super) frames: usize,
}

impl Sum {
    /// Adds a frame; one of another size begins anew.
    pub(super) fn add(&mut self, luma: &LumaPlane) {
        let (width, height) = (luma.width, luma.height);
        if (self.width, self.height) != (width, height) {
            *self = Self { width, height, data: vec![0.0; width * height], frames: 0 };
        }
        let radius = (width.min(height) / 64).max(8);
        let smooth = blurred(&luma.data, width, radius);
        let rough: Vec<f32> = luma.data.iter().zip(&smooth).map(|(value, mean)| value - mean).collect();
        let squares: Vec<f32> = rough.iter().map(|value| value * value).collect();
        let power = blurred(&squares, width, radius);
        for ((sum, value), power) in self.data.iter_mut().zip(&rough).zip(&power) {
            *sum += (value / (power.max(0.0).sqrt() + FLOOR)).clamp(-CLIP, CLIP);
        }
        self.frames += 1;
    }
}

/// Mean over squares of `2 radius + 1` pixels a side, cut off at the edges.
fn blurred(plane: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let height = plane.len() / width;
    let mut across = vec![0.0; plane.len()];
    for (row, out) in plane.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        let mut sum: f64 = row[..radius.min(width)].iter().map(|&value| f64::from(value)).sum();
        for x in 0..width {
            if x + radius < width {
                sum += f64::from(row[x + radius]);
            }
            if x > radius {
                sum -= f64::from(row[x - radius - 1]);
            }
            let count = (x + radius + 1).min(width) - x.saturating_sub(radius);
            out[x] = (sum / count as f64) as f32;
        }
    }
    let mut sums = vec![0.0f64; width];
    let add = |sums: &mut [f64], y: usize, sign: f64| {
        let row = &across[y * width..][..width];
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += sign * f64::from(value));
    };
    let mut both = vec![0.0; plane.len()];
    (0..radius.min(height)).for_each(|y| add(&mut sums, y, 1.0));
    for y in 0..height {
        if y + radius < height {
            add(&mut sums, y + radius, 1.0);
        }
        if y > radius {
            add(&mut sums, y - radius - 1, -1.0);
        }
        let count = (y + radius + 1).min(height) - y.saturating_sub(radius);
        let out = &mut both[y * width..][..width];
        out.iter_mut().zip(&sums).for_each(|(out, sum)| *out = (sum / count as f64) as f32);
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_is_the_mean_of_what_is_there() {
        let plane: Vec<f32> = (0..35).map(|value| (value * value % 17) as f32).collect();
        let (width, height, radius): (usize, usize, usize) = (7, 5, 2);
        let found = blurred(&plane, width, radius);
        for y in 0..height {
            for x in 0..width {
                let (mut sum, mut count) = (0.0, 0.0);
                for v in y.saturating_sub(radius)..(y + radius + 1).min(height) {
                    for u in x.saturating_sub(radius)..(x + radius + 1).min(width) {
                        sum += plane[v * width + u];
                        count += 1.0;
                    }
                }
                assert!((found[y * width + x] - sum / count).abs() < 1e-4, "at {x}, {y}");
            }
        }
    }
}
