//! Masks drawn from mesh points: the hull of the face, eyes and mouth.

use crate::geometry::Point;
use crate::mesh_points::{
    EYE_LEFT, EYE_OUTER_LEFT, EYE_OUTER_RIGHT, EYE_RIGHT, FACE_OVAL, LIPS_OUTER, NOSE_RIDGE,
};

/// How far the eyes' mask reaches beyond the lids, as a factor on the opening: lashes and lid
/// creases belong to the look.
const EYE_FACTOR: f64 = 1.35;
/// The same for the lips.
const LIPS_FACTOR: f64 = 1.1;

/// Outline of the face: the convex hull of the face oval, the ridge of the nose and the lips (in
/// profile nose and lips stand out of the oval), as a polygon.
///
/// `points` are the 478 points of a mesh in any plane. `forehead_lift` raises the upper half of the
/// oval away from the eyes, in eye distances (0 leaves it; 0.15 reaches most hairlines).
///
/// # Panics
/// With fewer than 478 points.
#[must_use]
pub fn hull(points: &[Point], forehead_lift: f64) -> Vec<Point> {
    let eyes = points[EYE_OUTER_LEFT] - points[EYE_OUTER_RIGHT];
    let middle = points[EYE_OUTER_LEFT].midpoint(points[EYE_OUTER_RIGHT]);
    // Perpendicular to the eye line, towards the forehead, one eye distance long.
    let up = Point::new(eyes.y, -eyes.x);
    let square = eyes.x * eyes.x + eyes.y * eyes.y;
    let reach = (points[FACE_OVAL[0]] - middle).length().max(f64::EPSILON);
    let oval = FACE_OVAL.iter().map(|&i| {
        let p = points[i];
        let from_eyes = p - middle;
        let height = (from_eyes.x * up.x + from_eyes.y * up.y) / square.max(f64::EPSILON).sqrt();
        // The lift grows from the eye line to the top, so that the outline stays smooth.
        p + up * (forehead_lift * (height / reach).clamp(0.0, 1.0))
    });
    let inner = NOSE_RIDGE.iter().chain(&LIPS_OUTER).map(|&i| points[i]);
    convex_hull(oval.chain(inner).collect())
}

/// Mask of the face, `size_px * size_px` values in `[0, 1]`, row by row: [`hull`] without a lift,
/// drawn by [`polygon_mask`].
///
/// `points_in_target` are the mesh's points in the target ([`Mesh::points_in`](crate::Mesh)).
///
/// # Panics
/// With fewer than 478 points.
#[must_use]
pub fn hull_mask(points_in_target: &[Point], size_px: usize, soft_edge_px: f32) -> Vec<f32> {
    polygon_mask(&hull(points_in_target, 0.0), size_px, soft_edge_px)
}

/// Mask of eyes and mouth (with a little skin around), `size_px * size_px` values in `[0, 1]`, row
/// by row, anti-aliased.
///
/// # Panics
/// With fewer than 478 points.
#[must_use]
pub fn features_mask(points_in_target: &[Point], size_px: usize) -> Vec<f32> {
    let mut mask = vec![0.0_f32; size_px * size_px];
    for (contour, factor) in
        [(&EYE_RIGHT[..], EYE_FACTOR), (&EYE_LEFT[..], EYE_FACTOR), (&LIPS_OUTER[..], LIPS_FACTOR)]
    {
        let outline: Vec<Point> = contour.iter().map(|&i| points_in_target[i]).collect();
        let centre = Point::mean(&outline);
        let wider: Vec<Point> = outline.iter().map(|&p| centre + (p - centre) * factor).collect();
        for (to, from) in mask.iter_mut().zip(polygon_mask(&wider, size_px, 0.0)) {
            *to = to.max(from);
        }
    }
    mask
}

/// A filled polygon (even-odd), `size_px * size_px` values in `[0, 1]`, row by row.
///
/// With a `soft_edge_px` of 0 the edge is anti-aliased. Otherwise the mask rises smoothly
/// (`3 t^2 - 2 t^3`) from 0 at the polygon's edge to 1 at `soft_edge_px` inside, so it never spills
/// over the polygon. In either case the outermost pixels are exactly 0, and a soft edge also begins
/// there when the polygon reaches out of the target.
#[must_use]
pub fn polygon_mask(polygon: &[Point], size_px: usize, soft_edge_px: f32) -> Vec<f32> {
    let mut mask = vec![0.0; size_px * size_px];
    if polygon.len() < 3 || polygon.iter().any(|p| !p.x.is_finite() || !p.y.is_finite()) {
        return mask;
    }
    let range = |value: fn(&Point) -> f64| {
        let low = polygon.iter().map(value).fold(f64::INFINITY, f64::min) - 1.0;
        let high = polygon.iter().map(value).fold(f64::NEG_INFINITY, f64::max) + 1.0;
        let size = size_px as f64;
        (low.clamp(0.0, size) as usize, high.clamp(0.0, size).ceil() as usize)
    };
    let (x_start, x_end) = range(|p| p.x);
    let (y_start, y_end) = range(|p| p.y);
    let soft = f64::from(soft_edge_px.max(0.0));
    let side = size_px as f64;
    for y in y_start..y_end {
        let mut x = x_start;
        while x < x_end {
            let p = Point::new(x as f64 + 0.5, y as f64 + 0.5);
            // 0 for the outermost ring of pixels.
            let to_border = p.x.min(p.y).min(side - p.x).min(side - p.y) - 0.5;
            let inside = signed_distance(polygon, p);
            let depth = if soft > 0.0 { inside / soft } else { inside + 0.5 };
            let border_depth = if soft > 0.0 { to_border / soft } else { to_border };
            let t = depth.min(border_depth).clamp(0.0, 1.0) as f32;
            mask[y * size_px + x] = if soft > 0.0 { t * t * (3.0 - 2.0 * t) } else { t };
            // A step changes the distance by one pixel at most: over so many pixels the mask stays
            // what it is.
            let reach = inside.min(to_border) - soft - 1.0;
            let same = if inside < -1.0 { -inside - 1.0 } else { reach.max(0.0) } as usize;
            let value = mask[y * size_px + x];
            let end = (x + 1 + same).min(x_end);
            mask[y * size_px + x + 1..y * size_px + end].fill(value);
            x = end;
        }
    }
    mask
}

/// Distance to the polygon's edge, positive inside.
fn signed_distance(polygon: &[Point], p: Point) -> f64 {
    let mut nearest = f64::INFINITY;
    let mut inside = false;
    let mut a = polygon[polygon.len() - 1];
    for &b in polygon {
        let (edge, from_a) = (b - a, p - a);
        let length = edge.x * edge.x + edge.y * edge.y;
        let along = if length > 0.0 {
            ((from_a.x * edge.x + from_a.y * edge.y) / length).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let (dx, dy) = (from_a.x - along * edge.x, from_a.y - along * edge.y);
        nearest = nearest.min(dx * dx + dy * dy);
        // The edge crosses the ray to the right of p.
        if (a.y > p.y) != (b.y > p.y) && from_a.x < edge.x * from_a.y / edge.y {
            inside = !inside;
        }
        a = b;
    }
    if inside { nearest.sqrt() } else { -nearest.sqrt() }
}

/// Convex hull, clockwise on the picture (Andrew's monotone chain, 1979).
fn convex_hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|p, q| p.x.total_cmp(&q.x).then(p.y.total_cmp(&q.y)));
    let turn = |o: Point, p: Point, q: Point| (p.x - o.x) * (q.y - o.y) - (p.y - o.y) * (q.x - o.x);
    let mut hull: Vec<Point> = Vec::new();
    let mut add_chain = |chain: &mut dyn Iterator<Item = Point>| {
        let start = hull.len();
        for p in chain {
            while hull.len() >= start + 2 && turn(hull[hull.len() - 2], hull[hull.len() - 1], p) <= 0.0 {
                hull.pop();
            }
            hull.push(p);
        }
        // The last point begins the next chain.
        hull.pop();
    };
    add_chain(&mut points.iter().copied());
    add_chain(&mut points.iter().rev().copied());
    hull
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::align::{Framing, canonical_point, crop_from_canonical};
    use crate::mesh::MESH_POINTS;
    use proptest::prelude::*;

    fn square(low: f64, high: f64) -> Vec<Point> {
        vec![Point::new(low, low), Point::new(high, low), Point::new(high, high), Point::new(low, high)]
    }

    fn canonical(size_px: usize) -> Vec<Point> {
        let target = Framing::Face.from_crop(size_px) * crop_from_canonical();
        (0..MESH_POINTS).map(|i| target.apply(canonical_point(i))).collect()
    }

    #[test]
    fn a_square_is_filled_with_its_area() {
        let mask = polygon_mask(&square(4.0, 12.5), 16, 0.0);
        assert_eq!(mask[8 * 16 + 8], 1.0);
        assert_eq!(mask[8 * 16 + 3], 0.0);
        assert_eq!(mask[8 * 16 + 4], 1.0);
        assert_eq!(mask[8 * 16 + 12], 0.5);
        assert_eq!(mask[8 * 16 + 13], 0.0);
    }

    #[test]
    fn a_soft_edge_rises_inside_the_polygon() {
        let mask = polygon_mask(&square(10.0, 50.0), 64, 8.0);
        let at = |x: usize| mask[32 * 64 + x];
        assert_eq!(at(9), 0.0);
        // Half a pixel inside: t = 1/16.
        let t = 0.5f32 / 8.0;
        assert!((at(10) - t * t * (3.0 - 2.0 * t)).abs() < 1e-6);
        assert_eq!(at(18), 1.0);
        assert!(mask.windows(2).all(|w| (w[0] - w[1]).abs() < 0.2));
    }

    #[test]
    fn skipping_changes_nothing() {
        // A star is not convex: every pixel must still be what its own distance says.
        let star: Vec<Point> = (0..10)
            .map(|i| {
                let (radius, angle) = (if i % 2 == 0 { 40.0 } else { 15.0 }, f64::from(i) * 0.6283);
                Point::new(45.3 + radius * angle.sin(), 47.1 + radius * angle.cos())
            })
            .collect();
        for soft in [0.0f32, 5.0] {
            let mask = polygon_mask(&star, 96, soft);
            for (i, value) in mask.iter().enumerate() {
                let p = Point::new((i % 96) as f64 + 0.5, (i / 96) as f64 + 0.5);
                let inside = signed_distance(&star, p);
                let border = p.x.min(p.y).min(96.0 - p.x).min(96.0 - p.y) - 0.5;
                let soft = f64::from(soft);
                let t = if soft > 0.0 { inside.min(border) / soft } else { (inside + 0.5).min(border) };
                let t = t.clamp(0.0, 1.0) as f32;
                let expected = if soft > 0.0 { t * t * (3.0 - 2.0 * t) } else { t };
                assert_eq!(*value, expected, "pixel {i}");
            }
        }
    }

    #[test]
    fn hull_of_a_square_with_a_point_inside_is_the_square() {
        let mut points = square(0.0, 2.0);
        points.push(Point::new(1.0, 1.2));
        let hull = convex_hull(points);
        assert_eq!(hull.len(), 4);
        assert!(!hull.contains(&Point::new(1.0, 1.2)));
    }

    #[test]
    fn features_lie_inside_the_hull() {
        let points = canonical(128);
        let (hull, features) = (hull_mask(&points, 128, 0.0), features_mask(&points, 128));
        assert!(hull.iter().zip(&features).all(|(h, f)| f <= h));
        let area = |mask: &[f32]| mask.iter().sum::<f32>() / mask.len() as f32;
        assert!((0.3..0.6).contains(&area(&hull)), "{}", area(&hull));
        assert!((0.02..0.12).contains(&area(&features)), "{}", area(&features));
    }

    #[test]
    fn the_lift_raises_the_forehead_only() {
        let points = canonical(256);
        let (low, high) = (hull(&points, 0.0), hull(&points, 0.15));
        let top = |h: &[Point]| h.iter().map(|p| p.y).fold(f64::INFINITY, f64::min);
        let bottom = |h: &[Point]| h.iter().map(|p| p.y).fold(0.0, f64::max);
        let eye_distance = points[EYE_OUTER_LEFT].distance(points[EYE_OUTER_RIGHT]);
        assert!((top(&low) - top(&high) - 0.15 * eye_distance).abs() < 0.01 * eye_distance);
        assert_eq!(bottom(&low), bottom(&high));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_mask_is_zero_at_the_border(
            x in -40.0..60.0, y in -40.0..60.0, scale in 0.3..4.0, soft in 0.0f32..12.0
        ) {
            let points: Vec<Point> =
                canonical(32).iter().map(|p| Point::new(p.x * scale + x, p.y * scale + y)).collect();
            let mask = hull_mask(&points, 48, soft);
            for i in 0..48 {
                for at in [i, 47 * 48 + i, i * 48, i * 48 + 47] {
                    prop_assert_eq!(mask[at], 0.0);
                }
            }
            prop_assert!(mask.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }
}
