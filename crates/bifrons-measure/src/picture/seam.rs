//! Whether one sees where the new face ends.
//!
//! The mask of the film is not known here, on purpose: any program's films are measured alike. What is known is the
//! outline of the face in the footage; a seam lies on it or a little inside.

use bifrons_media::RgbImage;
use bifrons_vision::geometry::Point;

use super::{Lab, Plane, delta_e_2000, lab_from_encoded};

/// How far inside the outline a seam is looked for, in face sizes.
const INSETS: [f64; 6] = [0.0, 0.02, 0.04, 0.06, 0.08, 0.1];
/// Rings whose colours are compared, in face sizes inside (positive) and outside (negative) of the outline: the inner
/// one lies deeper than soft edges of masks reach.
const RING_INSIDE: (f64, f64) = (0.10, 0.13);
const RING_OUTSIDE: (f64, f64) = (-0.04, -0.01);
/// Parts of the outline, each with a colour of its own on both sides.
const SECTORS: usize = 32;
/// Steps across a ring.
const RING_STEPS: usize = 4;
/// Added to both gradients, so that the ratio of two flat pictures is 1: a quarter of an 8-bit step.
const GRADIENT_FLOOR: f64 = 0.25 / 255.0;

/// A closed outline in pixels of a picture: places about a pixel apart, each with the direction out of the face.
#[derive(Debug, Clone, PartialEq)]
pub struct Contour {
    /// Places and unit vectors outwards.
    points: Vec<(Point, Point)>,
    /// Square root of the area inside, in pixels.
    size_px: f64,
}

impl Contour {
    /// The outline of a convex polygon with corners in pixels; `None` when it has less than three corners or an area
    /// below 16 square pixels.
    #[must_use]
    pub fn of(polygon: &[Point]) -> Option<Self> {
        let next = |i: usize| polygon[(i + 1) % polygon.len()];
        let twice_area: f64 =
            polygon.iter().enumerate().map(|(i, p)| p.x * next(i).y - next(i).x * p.y).sum();
        if polygon.len() < 3 || !twice_area.is_finite() || twice_area.abs() < 32.0 {
            return None;
        }
        let outward = twice_area.signum();
        let mut points = Vec::new();
        for (i, &from) in polygon.iter().enumerate() {
            let along = next(i) - from;
            let length = along.length();
            let normal = Point::new(along.y, -along.x) * (outward / length.max(f64::EPSILON));
            let steps = length.round().max(1.0) as usize;
            points.extend((0..steps).map(|s| (from + along * ((s as f64 + 0.5) / steps as f64), normal)));
        }
        Some(Self { points, size_px: (twice_area.abs() / 2.0).sqrt() })
    }

    /// Square root of the area inside, in pixels.
    #[must_use]
    pub fn size_px(&self) -> f64 {
        self.size_px
    }

    /// Mean of `|d luma / d normal|` on the outline moved inwards.
    fn gradient(&self, luma: &Plane, inset_px: f64) -> f64 {
        let at = |p: Point| f64::from(luma.sample(p.x as f32, p.y as f32));
        let jump = |&(p, normal): &(Point, Point)| {
            let p = p - normal * inset_px;
            (at(p + normal) - at(p - normal)).abs() / 2.0
        };
        self.points.iter().map(jump).sum::<f64>() / self.points.len() as f64
    }

    /// Mean colour of each sector of a ring.
    fn ring(&self, picture: &RgbImage, (from, to): (f64, f64)) -> Vec<Lab> {
        let sectors = SECTORS.min(self.points.len());
        (0..sectors)
            .map(|sector| {
                let range = sector * self.points.len() / sectors..(sector + 1) * self.points.len() / sectors;
                let (mut sum, mut count) = ([0.0_f64; 3], 0.0);
                for &(p, normal) in &self.points[range] {
                    for step in 0..RING_STEPS {
                        let share = from + (to - from) * (step as f64 + 0.5) / RING_STEPS as f64;
                        let at = p - normal * (share * self.size_px);
                        if let Some(rgb) = pixel(picture, at) {
                            sum.iter_mut().zip(rgb).for_each(|(sum, v)| *sum += f64::from(v));
                            count += 1.0;
                        }
                    }
                }
                lab_from_encoded(sum.map(|v| (v / f64::max(count, 1.0)) as f32))
            })
            .collect()
    }

    /// Mean over the sectors of the colour distance between the two rings.
    fn step(&self, picture: &RgbImage) -> f64 {
        let (inside, outside) = (self.ring(picture, RING_INSIDE), self.ring(picture, RING_OUTSIDE));
        let sum: f64 = inside.iter().zip(&outside).map(|(a, b)| delta_e_2000(*a, *b)).sum();
        sum / inside.len() as f64
    }
}

/// The pixel a place falls on; `None` outside of the picture.
fn pixel(picture: &RgbImage, at: Point) -> Option<[f32; 3]> {
    let (x, y) = (at.x.floor(), at.y.floor());
    let inside = x >= 0.0 && y >= 0.0 && x < picture.width as f64 && y < picture.height as f64;
    inside.then(|| picture.get(x as usize, y as usize))
}

/// What the outline of a face looks like in a result, against the footage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seam {
    /// `S_g`: mean absolute luma gradient across the outline in the result over that in the footage, on the outline or
    /// up to a tenth of the face's size inside, where it is largest. 1: nothing to see; above 1.3 an edge; below 0.7
    /// smeared.
    pub gradient_jump: f64,
    /// `S_c`: mean CIEDE2000 between a ring inside and one outside (32 sectors) in the result, less the same in the
    /// footage. 0: none was added; 1 is just noticeable; below 0 the result is more even than the footage.
    pub colour_step: f64,
}

/// Compares the surroundings of an outline in a result with those in the footage (pictures of the same size).
///
/// `None` when the sizes differ.
#[must_use]
pub fn seam(footage: &RgbImage, result: &RgbImage, contour: &Contour) -> Option<Seam> {
    if (footage.width, footage.height) != (result.width, result.height) {
        return None;
    }
    let (before, after) = (Plane::luma(footage), Plane::luma(result));
    let ratio = |inset: f64| {
        let inset_px = inset * contour.size_px;
        (contour.gradient(&after, inset_px) + GRADIENT_FLOOR)
            / (contour.gradient(&before, inset_px) + GRADIENT_FLOOR)
    };
    Some(Seam {
        gradient_jump: INSETS.iter().map(|&inset| ratio(inset)).fold(0.0, f64::max),
        colour_step: contour.step(result) - contour.step(footage),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(radius: f64) -> Vec<Point> {
        (0..72)
            .map(|i| {
                let (s, c) = (f64::from(i) * 5.0).to_radians().sin_cos();
                Point::new(64.0 + radius * c, 64.0 + radius * s)
            })
            .collect()
    }

    fn skin() -> RgbImage {
        let mut picture = RgbImage::new(128, 128);
        for i in 0..128 * 128 {
            let wave = 0.05 * ((i % 128) as f32 * 0.4).sin();
            picture.set(i % 128, i / 128, [0.6 + wave, 0.45 + wave, 0.4 + wave]);
        }
        picture
    }

    fn with_disc(radius: f64, change: impl Fn([f32; 3]) -> [f32; 3]) -> RgbImage {
        let mut picture = skin();
        for i in 0..128 * 128 {
            let (x, y) = (i % 128, i / 128);
            if (x as f64 + 0.5 - 64.0).hypot(y as f64 + 0.5 - 64.0) < radius {
                picture.set(x, y, change(picture.get(x, y)));
            }
        }
        picture
    }

    #[test]
    fn a_contour_knows_its_size_and_where_out_is() {
        let clockwise = Contour::of(&circle(40.0)).unwrap();
        assert!((clockwise.size_px() - 40.0 * std::f64::consts::PI.sqrt()).abs() < 0.2);
        let mut backwards = circle(40.0);
        backwards.reverse();
        for contour in [clockwise, Contour::of(&backwards).unwrap()] {
            for (p, normal) in &contour.points {
                assert!((*p + *normal).distance(Point::new(64.0, 64.0)) > p.distance(Point::new(64.0, 64.0)));
            }
        }
        assert_eq!(Contour::of(&circle(1.0)), None);
        assert_eq!(Contour::of(&[]), None);
    }

    #[test]
    fn identical_pictures_have_no_seam() {
        let seam = seam(&skin(), &skin(), &Contour::of(&circle(40.0)).unwrap()).unwrap();
        assert_eq!((seam.gradient_jump, seam.colour_step), (1.0, 0.0));
    }

    #[test]
    fn a_hard_edge_is_caught_on_the_outline_and_inside() {
        let contour = Contour::of(&circle(40.0)).unwrap();
        for radius in [40.0, 37.0] {
            let result = with_disc(radius, |rgb| rgb.map(|v| v + 0.1));
            let seam = seam(&skin(), &result, &contour).unwrap();
            assert!(seam.gradient_jump > 1.8, "{radius}: {seam:?}");
        }
    }

    #[test]
    fn a_constant_colour_step_is_its_delta_e() {
        let flat = RgbImage::filled(128, 128, [0.6, 0.45, 0.4]);
        let mut result = flat.clone();
        for i in 0..128 * 128 {
            if ((i % 128) as f64 + 0.5 - 64.0).hypot((i / 128) as f64 + 0.5 - 64.0) < 40.0 {
                result.set(i % 128, i / 128, [0.66, 0.45, 0.4]);
            }
        }
        let expected = delta_e_2000(lab_from_encoded([0.66, 0.45, 0.4]), lab_from_encoded([0.6, 0.45, 0.4]));
        let seam = seam(&flat, &result, &Contour::of(&circle(40.0)).unwrap()).unwrap();
        assert!((seam.colour_step - expected).abs() < 0.02, "{} {expected}", seam.colour_step);
    }

    #[test]
    fn swapped_colours_and_a_smeared_edge_are_caught() {
        let contour = Contour::of(&circle(40.0)).unwrap();
        let swapped = seam(&skin(), &with_disc(40.0, |[r, g, b]| [b, g, r]), &contour).unwrap();
        assert!(swapped.colour_step > 10.0, "{swapped:?}");
        let smeared = seam(&skin(), &RgbImage::filled(128, 128, [0.6, 0.45, 0.4]), &contour).unwrap();
        assert!(smeared.gradient_jump < 0.2, "{smeared:?}");
    }
}
