//! Similarity transforms of the plane and their least-squares fit.

use std::ops::{Add, Mul, Sub};

use serde::{Deserialize, Serialize};

/// A point or a vector of the image plane, in the unit of its space (pixels for frames and crops).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

impl Point {
    /// A point from its coordinates.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// Length of the vector.
    #[must_use]
    pub fn length(self) -> f64 {
        self.x.hypot(self.y)
    }

    /// Distance to another point.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        (self - other).length()
    }

    /// Half way to another point.
    #[must_use]
    pub fn midpoint(self, other: Self) -> Self {
        (self + other) * 0.5
    }

    /// Mean of some points; the origin for none.
    #[must_use]
    pub fn mean(points: &[Self]) -> Self {
        if points.is_empty() {
            return Self::default();
        }
        let sum = points.iter().fold(Self::default(), |sum, &p| sum + p);
        sum * (1.0 / points.len() as f64)
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f64> for Point {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self::new(self.x * factor, self.y * factor)
    }
}

/// Rotation, uniform scale and shift, without reflection:
/// `x' = a x - b y + tx`, `y' = b x + a y + ty`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Similarity {
    /// `scale * cos(rotation)`.
    pub a: f64,
    /// `scale * sin(rotation)`.
    pub b: f64,
    /// Shift to the right, in target units.
    pub tx: f64,
    /// Shift downwards, in target units.
    pub ty: f64,
}

impl Similarity {
    /// Leaves every point where it is.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0, tx: 0.0, ty: 0.0 };

    /// Shifts by `(tx, ty)`.
    #[must_use]
    pub const fn translation(tx: f64, ty: f64) -> Self {
        Self { a: 1.0, b: 0.0, tx, ty }
    }

    /// Scales about the origin.
    #[must_use]
    pub const fn scaling(factor: f64) -> Self {
        Self { a: factor, b: 0.0, tx: 0.0, ty: 0.0 }
    }

    /// Rotates by `rotation_rad` (positive turns x towards y, clockwise on screen), scales by
    /// `scale`, and takes `source` to `target`.
    #[must_use]
    pub fn about(source: Point, target: Point, scale: f64, rotation_rad: f64) -> Self {
        let (a, b) = (scale * rotation_rad.cos(), scale * rotation_rad.sin());
        Self {
            a,
            b,
            tx: target.x - (a * source.x - b * source.y),
            ty: target.y - (b * source.x + a * source.y),
        }
    }

    /// Where a point goes.
    #[must_use]
    pub fn apply(&self, p: Point) -> Point {
        Point::new(self.a * p.x - self.b * p.y + self.tx, self.b * p.x + self.a * p.y + self.ty)
    }

    /// The way back. A transform of scale zero has none: the result then holds values that are
    /// not finite.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        Self { a, b, tx: -(a * self.tx - b * self.ty), ty: -(b * self.tx + a * self.ty) }
    }

    /// Target units a source unit.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }

    /// Rotation in `(-pi, pi]`, positive from x towards y (clockwise on screen).
    #[must_use]
    pub fn rotation_rad(&self) -> f64 {
        self.b.atan2(self.a)
    }

    /// Whether all four numbers are finite and the scale is above zero.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        [self.a, self.b, self.tx, self.ty].iter().all(|v| v.is_finite()) && self.scale() > 0.0
    }
}

impl Mul for Similarity {
    type Output = Self;

    /// First `source`, then `self`: `c_from_a = c_from_b * b_from_a`.
    fn mul(self, source: Self) -> Self {
        let shift = self.apply(Point::new(source.tx, source.ty));
        Self {
            a: self.a * source.a - self.b * source.b,
            b: self.a * source.b + self.b * source.a,
            tx: shift.x,
            ty: shift.y,
        }
    }
}

/// The similarity that takes `from` to `to` with the least sum of squared distances; `None` with
/// fewer than two points, with lists of different length, when all points of `from` coincide, or
/// when a coordinate is not finite.
///
/// S. Umeyama, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns",
/// IEEE PAMI 13(4), 1991, eqs. 40-42, without reflection. In the plane his singular value
/// decomposition has a closed form: with centred points `p` (from) and `q` (to),
///
/// `a = sum(px qx + py qy) / sum |p|^2`, `b = sum(px qy - py qx) / sum |p|^2`,
/// `t = mean(to) - [a -b; b a] mean(from)`.
#[must_use]
pub fn umeyama(from: &[Point], to: &[Point]) -> Option<Similarity> {
    if from.len() != to.len() || from.len() < 2 {
        return None;
    }
    let (from_mean, to_mean) = (Point::mean(from), Point::mean(to));
    let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
    for (&p, &q) in from.iter().zip(to) {
        let (p, q) = (p - from_mean, q - to_mean);
        along += p.x * q.x + p.y * q.y;
        across += p.x * q.y - p.y * q.x;
        spread += p.x * p.x + p.y * p.y;
    }
    let (a, b) = (along / spread, across / spread);
    let fit = Similarity {
        a,
        b,
        tx: to_mean.x - (a * from_mean.x - b * from_mean.y),
        ty: to_mean.y - (b * from_mean.x + a * from_mean.y),
    };
    fit.is_valid().then_some(fit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: Point, b: Point, tolerance: f64) -> bool {
        a.distance(b) <= tolerance
    }

    fn similarity() -> impl Strategy<Value = Similarity> {
        (0.05..20.0, -3.1..3.1, -900.0..900.0, -900.0..900.0)
            .prop_map(|(s, r, x, y)| Similarity::about(Point::default(), Point::new(x, y), s, r))
    }

    #[test]
    fn umeyama_of_a_quarter_turn_is_exact() {
        let from = [Point::new(0.0, 0.0), Point::new(2.0, 0.0), Point::new(0.0, 2.0)];
        // Turned by 90 degrees clockwise, twice as large, shifted by (10, 20).
        let to = [Point::new(10.0, 20.0), Point::new(10.0, 24.0), Point::new(6.0, 20.0)];
        let fit = umeyama(&from, &to).unwrap();
        assert!((fit.a - 0.0).abs() < 1e-15 && (fit.b - 2.0).abs() < 1e-15);
        assert!((fit.tx - 10.0).abs() < 1e-14 && (fit.ty - 20.0).abs() < 1e-14);
        assert!((fit.scale() - 2.0).abs() < 1e-15);
        assert!((fit.rotation_rad() - std::f64::consts::FRAC_PI_2).abs() < 1e-15);
    }

    #[test]
    fn umeyama_matches_the_worked_example_of_the_paper() {
        // Umeyama 1991, section III: the same triangle mirrored has no good similarity; without
        // reflection the fit has cos = 0.832, sin = 0.555, scale 0.721, shift (-0.8, 0.4).
        let from = [Point::new(0.0, 0.0), Point::new(1.0, 0.0), Point::new(0.0, 2.0)];
        let to = [Point::new(0.0, 0.0), Point::new(-1.0, 0.0), Point::new(0.0, 2.0)];
        let fit = umeyama(&from, &to).unwrap();
        assert!((fit.scale() - 0.721).abs() < 5e-4, "{fit:?}");
        assert!((fit.a / fit.scale() - 0.832).abs() < 5e-4);
        assert!((fit.b.abs() / fit.scale() - 0.555).abs() < 5e-4);
        assert!((fit.tx + 0.8).abs() < 1e-12 && (fit.ty - 0.4).abs() < 1e-12);
    }

    #[test]
    fn umeyama_refuses_what_has_no_answer() {
        let p = [Point::new(1.0, 1.0), Point::new(1.0, 1.0)];
        assert!(umeyama(&p, &p).is_none());
        assert!(umeyama(&p[..1], &p[..1]).is_none());
        assert!(umeyama(&p, &p[..1]).is_none());
        let bad = [Point::new(f64::NAN, 1.0), Point::new(1.0, 2.0)];
        assert!(umeyama(&bad, &p).is_none());
    }

    #[test]
    fn about_takes_the_centre_to_the_centre() {
        let t = Similarity::about(Point::new(3.0, 4.0), Point::new(50.0, 60.0), 2.5, 0.3);
        assert!(close(t.apply(Point::new(3.0, 4.0)), Point::new(50.0, 60.0), 1e-12));
    }

    proptest! {
        #[test]
        fn inverse_comes_back(t in similarity(), x in -500.0..500.0, y in -500.0..500.0) {
            let p = Point::new(x, y);
            prop_assert!(close(t.inverse().apply(t.apply(p)), p, 1e-7));
        }

        #[test]
        fn product_is_one_after_the_other(
            t in similarity(), u in similarity(), x in -500.0..500.0, y in -500.0..500.0
        ) {
            let p = Point::new(x, y);
            let one_by_one = t.apply(u.apply(p));
            prop_assert!(close((t * u).apply(p), one_by_one, 1e-9 * (1.0 + one_by_one.length())));
        }

        #[test]
        fn umeyama_finds_the_transform_again(
            t in similarity(),
            points in prop::collection::vec((-300.0..300.0, -300.0..300.0), 3..30),
        ) {
            let from: Vec<Point> = points.iter().map(|&(x, y)| Point::new(x, y)).collect();
            let to: Vec<Point> = from.iter().map(|&p| t.apply(p)).collect();
            let fit = umeyama(&from, &to).unwrap();
            for (&p, &q) in from.iter().zip(&to) {
                prop_assert!(close(fit.apply(p), q, 1e-6));
            }
        }

        #[test]
        fn umeyama_is_the_least_squares_fit(
            pairs in prop::collection::vec(
                ((-9.0..9.0, -9.0..9.0), (-9.0..9.0, -9.0..9.0)), 4..12),
            step in prop::array::uniform4(-1e-3..1e-3),
        ) {
            let from: Vec<Point> = pairs.iter().map(|p| Point::new(p.0.0, p.0.1)).collect();
            let to: Vec<Point> = pairs.iter().map(|p| Point::new(p.1.0, p.1.1)).collect();
            let Some(fit) = umeyama(&from, &to) else { return Ok(()) };
            let cost = |t: &Similarity| -> f64 {
                from.iter().zip(&to).map(|(&p, &q)| t.apply(p).distance(q).powi(2)).sum()
            };
            let moved = Similarity {
                a: fit.a + step[0], b: fit.b + step[1],
                tx: fit.tx + step[2], ty: fit.ty + step[3],
            };
            prop_assert!(cost(&fit) <= cost(&moved) + 1e-9);
        }
    }
}
