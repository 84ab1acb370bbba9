//! Colours as people see them: CIE L*a*b* and the distance CIEDE2000.

use bifrons_media::RgbImage;

use super::LEAST_WEIGHT;

/// A colour: lightness 0 to 100, green to red, blue to yellow.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Lab {
    /// Lightness, 0 to 100.
    pub l: f64,
    /// Green (negative) to red.
    pub a: f64,
    /// Blue (negative) to yellow.
    pub b: f64,
}

/// White of D65, as the sum of the rows of the matrix.
const WHITE: [f64; 3] = [0.950_47, 1.0, 1.088_83];

/// L*a*b* of a colour in `[0, 1]` encoded as sRGB (IEC 61966-2-1), against D65.
#[must_use]
pub fn lab_from_encoded(rgb: [f32; 3]) -> Lab {
    let [r, g, b] = rgb.map(|v| {
        let v = f64::from(v).clamp(0.0, 1.0);
        if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    });
    let xyz = [
        0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b,
        0.212_672_9 * r + 0.715_152_2 * g + 0.072_175_0 * b,
        0.019_333_9 * r + 0.119_192_0 * g + 0.950_304_1 * b,
    ];
    let [x, y, z] = [0, 1, 2].map(|i| {
        let t = xyz[i] / WHITE[i];
        if t > (6.0_f64 / 29.0).powi(3) { t.cbrt() } else { t * 841.0 / 108.0 + 4.0 / 29.0 }
    });
    Lab { l: 116.0 * y - 16.0, a: 500.0 * (x - y), b: 200.0 * (y - z) }
}

/// Mean colour of a picture in L*a*b*, weighted by a mask of `height * width` values; `None` when
/// it holds less than one pixel.
///
/// # Panics
/// When the mask has another length.
#[must_use]
pub fn mean_lab(picture: &RgbImage, mask: &[f32]) -> Option<Lab> {
    assert_eq!(mask.len(), picture.width * picture.height, "a weight for each pixel");
    let (mut sum, mut total) = (Lab::default(), 0.0);
    for (rgb, &weight) in picture.data.chunks_exact(3).zip(mask).filter(|(_, weight)| **weight > 0.0) {
        let (colour, weight) = (lab_from_encoded([rgb[0], rgb[1], rgb[2]]), f64::from(weight));
        sum.l += weight * colour.l;
        sum.a += weight * colour.a;
        sum.b += weight * colour.b;
        total += weight;
    }
    (total >= LEAST_WEIGHT).then(|| Lab { l: sum.l / total, a: sum.a / total, b: sum.b / total })
}

/// Distance of two colours, CIEDE2000 with all three factors 1 (Sharma, Wu, Dalal 2005): about 1 is
/// just noticeable side by side.
#[must_use]
pub fn delta_e_2000(one: Lab, other: Lab) -> f64 {
    const TO_SEVENTH: f64 = 6_103_515_625.0; // 25^7
    let (c1, c2) = (one.a.hypot(one.b), other.a.hypot(other.b));
    let mean_c = f64::midpoint(c1, c2).powi(7);
    let g = 0.5 * (1.0 - (mean_c / (mean_c + TO_SEVENTH)).sqrt());
    let (a1, a2) = ((1.0 + g) * one.a, (1.0 + g) * other.a);
    let (c1, c2) = (a1.hypot(one.b), a2.hypot(other.b));
    let hue = |a: f64, b: f64| {
        if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) }
    };
    let (h1, h2) = (hue(a1, one.b), hue(a2, other.b));

    let grey = c1 * c2 == 0.0;
    let turn = match h2 - h1 {
        _ if grey => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let delta_h = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin();
    let (delta_l, delta_c) = (other.l - one.l, c2 - c1);

    let mean_l = f64::midpoint(one.l, other.l);
    let mean_c = f64::midpoint(c1, c2);
    let mean_h = match (h1 - h2).abs() {
        _ if grey => h1 + h2,
        apart if apart <= 180.0 => f64::midpoint(h1, h2),
        _ if h1 + h2 < 360.0 => f64::midpoint(h1, h2) + 180.0,
        _ => f64::midpoint(h1, h2) - 180.0,
    };
    let cosine = |degrees: f64| degrees.to_radians().cos();
    let t =
        1.0 - 0.17 * cosine(mean_h - 30.0) + 0.24 * cosine(2.0 * mean_h) + 0.32 * cosine(3.0 * mean_h + 6.0)
            - 0.20 * cosine(4.0 * mean_h - 63.0);
    let turned = 30.0 * (-((mean_h - 275.0) / 25.0).powi(2)).exp();
    let seventh = mean_c.powi(7);
    let rotation = -2.0 * (seventh / (seventh + TO_SEVENTH)).sqrt() * (2.0 * turned).to_radians().sin();
    let from_50 = (mean_l - 50.0).powi(2);
    let l = delta_l / (1.0 + 0.015 * from_50 / (20.0 + from_50).sqrt());
    let c = delta_c / (1.0 + 0.045 * mean_c);
    let h = delta_h / (1.0 + 0.015 * mean_c * t);
    (l * l + c * c + h * h + rotation * c * h).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(l: f64, a: f64, b: f64) -> Lab {
        Lab { l, a, b }
    }

    #[test]
    fn white_black_and_red_are_where_they_should_be() {
        let near =
            |x: Lab, y: Lab| (x.l - y.l).abs() < 0.02 && (x.a - y.a).abs() < 0.02 && (x.b - y.b).abs() < 0.02;
        assert!(near(lab_from_encoded([1.0; 3]), lab(100.0, 0.0, 0.0)));
        assert!(near(lab_from_encoded([0.0; 3]), lab(0.0, 0.0, 0.0)));
        assert!(near(lab_from_encoded([1.0, 0.0, 0.0]), lab(53.24, 80.09, 67.20)));
    }

    /// From the table of Sharma, Wu and Dalal (2005), chosen so that every branch is taken.
    #[test]
    fn distances_are_those_of_the_published_table() {
        let pairs = [
            (lab(50.0, 2.6772, -79.7751), lab(50.0, 0.0, -82.7485), 2.0425),
            (lab(50.0, -1.3802, -84.2814), lab(50.0, 0.0, -82.7485), 1.0),
            (lab(50.0, 0.0, 0.0), lab(50.0, -1.0, 2.0), 2.3669),
            (lab(50.0, 2.49, -0.001), lab(50.0, -2.49, 0.0009), 7.1792),
            (lab(50.0, 2.49, -0.001), lab(50.0, -2.49, 0.0011), 7.2195),
            (lab(50.0, 2.5, 0.0), lab(50.0, 0.0, -2.5), 4.3065),
            (lab(50.0, 2.5, 0.0), lab(73.0, 25.0, -18.0), 27.1492),
            (lab(60.2574, -34.0099, 36.2677), lab(60.4626, -34.1751, 39.4387), 1.2644),
            (lab(22.7233, 20.0904, -46.694), lab(23.0331, 14.973, -42.5619), 2.0373),
            (lab(90.8027, -2.0831, 1.441), lab(91.1528, -1.6435, 0.0447), 1.4441),
            (lab(2.0776, 0.0795, -1.135), lab(0.9033, -0.0636, -0.5514), 0.9082),
        ];
        for (one, other, expected) in pairs {
            assert!((delta_e_2000(one, other) - expected).abs() < 1e-4, "{one:?} {other:?}");
            assert!((delta_e_2000(other, one) - expected).abs() < 1e-4, "symmetric");
        }
    }

    #[test]
    fn the_mean_colour_is_that_of_the_mask() {
        let mut picture = RgbImage::filled(2, 1, [1.0; 3]);
        picture.set(1, 0, [0.0; 3]);
        assert!((mean_lab(&picture, &[1.0, 0.0]).unwrap().l - 100.0).abs() < 0.01);
        assert!((mean_lab(&picture, &[1.0, 1.0]).unwrap().l - 50.0).abs() < 0.01);
        assert_eq!(mean_lab(&picture, &[0.0, 0.0]), None);
    }
}
