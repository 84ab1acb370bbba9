//! Grain and compression noise.

use super::Plane;

/// Share of the residuals that count: the largest are edges, not noise.
const KEPT: f64 = 0.8;
/// Fewer pixels say nothing about noise.
const LEAST_PIXELS: usize = 32;

/// Noise of a plane where a mask of `height * width` weights is above one half: the mean of the
/// smallest 80 % of `|y - median3x3(y)|`, in the unit of the samples.
///
/// A trimmed mean rather than the median: 8-bit footage has so many residuals of exactly 0 that
/// their median is 0 for clean and noisy pictures alike. Of two pictures only the ratio matters.
/// `None` with fewer than 32 pixels.
///
/// # Panics
/// When the mask has another length.
#[must_use]
pub fn noise(luma: &Plane, mask: &[f32]) -> Option<f64> {
    assert_eq!(mask.len(), luma.data.len(), "a weight for each pixel");
    let mut residuals: Vec<f32> = (0..mask.len())
        .filter(|&i| mask[i] > 0.5)
        .map(|i| {
            let (x, y) = ((i % luma.width) as isize, (i / luma.width) as isize);
            let mut window = [0.0; 9];
            for (j, value) in window.iter_mut().enumerate() {
                *value = luma.at(x + j as isize % 3 - 1, y + j as isize / 3 - 1);
            }
            window.sort_by(f32::total_cmp);
            (luma.data[i] - window[4]).abs()
        })
        .collect();
    if residuals.len() < LEAST_PIXELS {
        return None;
    }
    residuals.sort_by(f32::total_cmp);
    residuals.truncate((residuals.len() as f64 * KEPT).ceil() as usize);
    Some(residuals.iter().map(|&v| f64::from(v)).sum::<f64>() / residuals.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values in `[-1, 1]` without order.
    fn grain(x: usize, y: usize) -> f32 {
        let mixed = ((x as u32).wrapping_mul(73_856_093) ^ (y as u32).wrapping_mul(19_349_663))
            .wrapping_mul(2_654_435_761)
            .rotate_left(13)
            .wrapping_mul(2_246_822_519);
        (mixed >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    #[test]
    fn even_planes_and_ramps_have_none() {
        let all = vec![1.0; 32 * 32];
        assert_eq!(noise(&Plane::filled(32, 32, 0.3), &all), Some(0.0));
        assert!(noise(&Plane::from_fn(32, 32, |x, _| x as f32 / 32.0), &all).unwrap() < 1e-7);
        assert_eq!(noise(&Plane::filled(32, 32, 0.3), &[0.0; 1024]), None);
    }

    #[test]
    fn it_is_proportional_to_the_grain() {
        let all = vec![1.0; 64 * 64];
        let of = |amplitude: f32| {
            noise(&Plane::from_fn(64, 64, |x, y| 0.5 + amplitude * grain(x, y)), &all).unwrap()
        };
        assert!((of(0.04) / of(0.02) - 2.0).abs() < 1e-3);
        assert!(of(0.02) > 0.004);
    }

    #[test]
    fn a_smoothed_face_is_caught() {
        let all = vec![1.0; 64 * 64];
        let grainy = Plane::from_fn(64, 64, |x, y| 0.5 + 0.02 * grain(x, y));
        assert!(noise(&grainy.blurred(1.5, 4), &all).unwrap() < 0.3 * noise(&grainy, &all).unwrap());
    }
}
