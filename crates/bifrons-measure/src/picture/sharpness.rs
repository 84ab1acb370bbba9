//! How much fine detail a picture has.

use super::{LEAST_WEIGHT, Plane};

/// Mean of the squared Laplacian (4 neighbours) over a mask of `height * width` weights: what blur
/// lowers and ringing raises. The ratio of two pictures of the same face at the same scale is 1
/// when they are equally sharp; a blurred swap has 0.2 to 0.5.
///
/// `None` when the mask holds less than one pixel.
///
/// # Panics
/// When the mask has another length.
#[must_use]
pub fn laplacian_energy(luma: &Plane, mask: &[f32]) -> Option<f64> {
    assert_eq!(mask.len(), luma.data.len(), "a weight for each pixel");
    let (mut sum, mut total) = (0.0, 0.0);
    for (i, &weight) in mask.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let (x, y) = ((i % luma.width) as isize, (i / luma.width) as isize);
        let around = luma.at(x - 1, y) + luma.at(x + 1, y) + luma.at(x, y - 1) + luma.at(x, y + 1);
        let laplacian = f64::from(around - 4.0 * luma.at(x, y));
        sum += f64::from(weight) * laplacian * laplacian;
        total += f64::from(weight);
    }
    (total >= LEAST_WEIGHT).then(|| sum / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chequers(amplitude: f32) -> Plane {
        Plane::from_fn(16, 16, |x, y| if (x + y) % 2 == 0 { 0.5 - amplitude } else { 0.5 + amplitude })
    }

    fn inner() -> Vec<f32> {
        (0..256).map(|i| f32::from((1..15).contains(&(i % 16)) && (1..15).contains(&(i / 16)))).collect()
    }

    #[test]
    fn a_chequerboard_has_64_times_its_amplitude_squared() {
        // The Laplacian of +-v is -+8 v.
        assert!((laplacian_energy(&chequers(0.1), &inner()).unwrap() - 0.64).abs() < 1e-5);
        let ratio = laplacian_energy(&chequers(0.05), &inner()).unwrap()
            / laplacian_energy(&chequers(0.1), &inner()).unwrap();
        assert!((ratio - 0.25).abs() < 1e-4);
    }

    #[test]
    fn even_planes_and_ramps_have_none() {
        let ramp = Plane::from_fn(16, 16, |x, y| x as f32 / 64.0 + y as f32 / 32.0);
        assert!(laplacian_energy(&ramp, &inner()).unwrap() < 1e-10);
        assert_eq!(laplacian_energy(&ramp, &[0.0; 256]), None);
    }

    #[test]
    fn blur_is_caught() {
        let sharp = Plane::from_fn(32, 32, |x, y| ((x * 7 + y * 13) % 11) as f32 / 11.0);
        let all = vec![1.0; 32 * 32];
        let ratio =
            laplacian_energy(&sharp.blurred(1.0, 4), &all).unwrap() / laplacian_energy(&sharp, &all).unwrap();
        assert!(ratio < 0.1, "{ratio}");
    }
}
