//! Structural similarity.

use super::{LEAST_WEIGHT, Plane};

const SIGMA_PX: f32 = 1.5;
/// Half of the 11 pixel window.
const REACH_PX: usize = 5;
/// `(0.01 L)^2` and `(0.03 L)^2` with a range `L` of 1.
const C1: f32 = 1e-4;
const C2: f32 = 9e-4;

/// Structural similarity of two planes in `[0, 1]` (Wang, Bovik, Sheikh, Simoncelli 2004: Gaussian
/// window of 11 pixels, deviation 1.5), the mean over a mask of `height * width` weights or over
/// all pixels. 1 for identical planes, about 0 for planes that have nothing in common, -1 at least.
///
/// `None` when the sizes differ or the mask holds less than one pixel.
#[must_use]
pub fn ssim(one: &Plane, other: &Plane, mask: Option<&[f32]>) -> Option<f64> {
    let alike = (one.width, one.height) == (other.width, other.height);
    if !alike || mask.is_some_and(|mask| mask.len() != one.data.len()) {
        return None;
    }
    let product = |a: &Plane, b: &Plane| Plane {
        width: a.width,
        height: a.height,
        data: a.data.iter().zip(&b.data).map(|(a, b)| a * b).collect(),
    };
    let blur = |plane: &Plane| plane.blurred(SIGMA_PX, REACH_PX).data;
    let (mean_1, mean_2) = (blur(one), blur(other));
    let (square_1, square_2) = (blur(&product(one, one)), blur(&product(other, other)));
    let cross = blur(&product(one, other));

    let (mut sum, mut total) = (0.0, 0.0);
    for i in 0..one.data.len() {
        let weight = mask.map_or(1.0, |mask| f64::from(mask[i]));
        if weight <= 0.0 {
            continue;
        }
        let (m1, m2) = (mean_1[i], mean_2[i]);
        let (v1, v2) = ((square_1[i] - m1 * m1).max(0.0), (square_2[i] - m2 * m2).max(0.0));
        let covariance = cross[i] - m1 * m2;
        let value =
            (2.0 * m1 * m2 + C1) * (2.0 * covariance + C2) / ((m1 * m1 + m2 * m2 + C1) * (v1 + v2 + C2));
        sum += weight * f64::from(value);
        total += weight;
    }
    (total >= LEAST_WEIGHT).then(|| sum / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texture() -> Plane {
        Plane::from_fn(48, 48, |x, y| 0.5 + 0.3 * (x as f32 * 0.7).sin() * (y as f32 * 0.5).cos())
    }

    #[test]
    fn identical_planes_have_one() {
        assert!((ssim(&texture(), &texture(), None).unwrap() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn two_even_planes_have_the_luminance_term() {
        // (2 a b + C1) / (a^2 + b^2 + C1) with a = 0.2, b = 0.4
        let value = ssim(&Plane::filled(16, 16, 0.2), &Plane::filled(16, 16, 0.4), None).unwrap();
        assert!((value - 0.1601 / 0.2001).abs() < 1e-3, "{value}");
    }

    #[test]
    fn a_negative_has_less_than_nothing_in_common() {
        let texture = texture();
        let negative = Plane::from_fn(48, 48, |x, y| 1.0 - texture.at(x as isize, y as isize));
        assert!(ssim(&texture, &negative, None).unwrap() < -0.5);
    }

    #[test]
    fn blur_and_offset_are_caught() {
        let texture = texture();
        let blurred = ssim(&texture, &texture.blurred(2.0, 6), None).unwrap();
        let shifted = Plane::from_fn(48, 48, |x, y| texture.at(x as isize - 3, y as isize));
        let shifted = ssim(&texture, &shifted, None).unwrap();
        assert!(blurred < 0.9 && shifted < 0.5, "{blurred} {shifted}");
    }

    #[test]
    fn the_mask_chooses_where() {
        let texture = texture();
        let spoilt =
            Plane::from_fn(48, 48, |x, y| if x < 12 { 0.0 } else { texture.at(x as isize, y as isize) });
        let right: Vec<f32> = (0..48 * 48).map(|i| f32::from(i % 48 >= 24)).collect();
        assert!((ssim(&texture, &spoilt, Some(&right)).unwrap() - 1.0).abs() < 1e-6);
        assert!(ssim(&texture, &spoilt, None).unwrap() < 0.9);
    }
}
