//! The flattened face: every face laid out the same way, mesh point by mesh point.
//!
//! A face that is flattened looks into the camera with open eyes and a slightly open mouth, whatever it did in the
//! film: pose and expression are taken out by the mesh, triangle by triangle, and what is left is what it looks like
//! (skin, light, gaze, teeth). Going back, the mesh of the footage gives both back exactly, also those that were never
//! filmed of the person who is drawn.

use std::sync::LazyLock;

use bifrons_media::RgbImage;

use super::{
    FACE_CENTRE, FACE_SIDE, canonical_point, features_mask, hull_mask, polygon_mask, smooth_step,
    square_from_canonical,
};
use crate::Mesh;
use crate::geometry::{Point, bilinear, each_pixel, twice_area};
use crate::mesh::MESH_POINTS;
use crate::mesh_points::{
    EYE_LEFT, EYE_RIGHT, FACE_OVAL, FACE_POINTS, LIP_INNER_BOTTOM, LIP_INNER_TOP, LIPS_INNER,
};

/// How far the jaw of the flattened face is dropped, in eye distances: room for teeth and tongue.
const JAW_DROP: f64 = 0.14;
/// How much higher its eyes are than those of the mean face: room for the gaze.
const EYE_HEIGHT: f64 = 1.4;
/// How far the ring around the oval lies outside, as a factor on the distance from the oval's centre. It carries what
/// lies at the outline a little beyond it.
const RING: f64 = 1.2;
/// Share of a triangle's usual area below which it is too squeezed to show anything (closed lips, the far cheek), and
/// from which on it counts in full.
const SQUEEZED: [f64; 2] = [0.06, 0.25];
/// Samples on each side of a pixel of the flattened face.
const SAMPLES: usize = 3;

struct Flat {
    /// Skin points and ring, in units of the canonical face.
    points: Vec<Point>,
    triangles: Vec<[usize; 3]>,
}

static FLAT: LazyLock<Flat> = LazyLock::new(|| {
    let points = with_ring(&skin());
    let sites: Vec<_> = points.iter().map(|p| delaunator::Point { x: p.x, y: p.y }).collect();
    let found = delaunator::triangulate(&sites).triangles;
    let triangles = found.as_chunks::<3>().0.iter().map(|&[a, b, c]| {
        // one orientation for all
        if area(&points, [a, b, c]) > 0.0 { [a, b, c] } else { [a, c, b] }
    });
    Flat { triangles: triangles.collect(), points }
});

/// The canonical face with open eyes and a dropped jaw.
fn skin() -> Vec<Point> {
    let mut points: Vec<Point> = (0..FACE_POINTS).map(canonical_point).collect();
    for eye in [EYE_RIGHT, EYE_LEFT] {
        let middle = Point::mean(&eye.map(|i| points[i])).y;
        for i in eye {
            points[i].y = middle + EYE_HEIGHT * (points[i].y - middle);
        }
    }
    let (top, bottom) = (canonical_point(LIP_INNER_TOP).y, canonical_point(LIP_INNER_BOTTOM).y);
    for point in &mut points {
        let below = smooth_step((point.y - top) / (bottom - top));
        let middle = 1.0 - 0.8 * smooth_step((point.x.abs() - 0.3) / 0.5);
        point.y += JAW_DROP * below * middle;
    }
    points
}

/// Skin points, then the ring around them.
fn with_ring(points: &[Point]) -> Vec<Point> {
    let oval = FACE_OVAL.map(|i| points[i]);
    let centre = Point::mean(&oval);
    let ring = oval.iter().map(|&p| centre + (p - centre) * RING);
    points[..FACE_POINTS].iter().copied().chain(ring).collect()
}

/// Twice the area of a triangle; above 0 when it turns as on the flattened face.
fn area(points: &[Point], triangle: [usize; 3]) -> f64 {
    twice_area(triangle.map(|i| points[i]))
}

/// The skin points of the flattened face in a square of `size_px` with the framing of [`Framing::Face`](super::Framing),
/// shrunk around its centre by `margin` (1 for none).
fn flat_points(size_px: usize, margin: f64) -> Vec<Point> {
    let target = square_from_canonical(FACE_CENTRE, FACE_SIDE * margin, size_px);
    FLAT.points[..FACE_POINTS].iter().map(|&p| target.apply(p)).collect()
}

/// A mesh that lies where the points of a flattened face of `size_px` do (pupils amid their eyes), without depth: for
/// whatever wants a mesh of a flattened face.
#[must_use]
pub fn flat_mesh(size_px: usize) -> Mesh {
    let points = flat_points(size_px, 1.0);
    let pupil = |eye: &[usize]| Point::mean(&eye.iter().map(|&i| points[i]).collect::<Vec<_>>());
    let place = |index: usize| match points.get(index) {
        Some(point) => *point,
        // five points each: the right iris comes first
        None if index < FACE_POINTS + 5 => pupil(&EYE_RIGHT),
        None => pupil(&EYE_LEFT),
    };
    let points = (0..MESH_POINTS).map(place).map(|p| [p.x as f32, p.y as f32, 0.0]);
    Mesh::try_from(points.collect::<Vec<_>>()).unwrap_or_else(|error| unreachable!("{error}"))
}

/// A face flattened, `size_px` squared, and how well each pixel was seen, 0 (turned away or squeezed) to 1.
///
/// `points` are the mesh's points in the picture, `scale` the picture's pixels for one unit of the canonical face.
/// Beyond the ring around the face the picture is black and not seen.
///
/// # Panics
/// With fewer than 468 points.
#[must_use]
pub fn flatten(
    picture: &RgbImage,
    points: &[Point],
    scale: f64,
    size_px: usize,
    margin: f64,
) -> (RgbImage, Vec<f32>) {
    let fine_px = size_px * SAMPLES;
    let to = square_from_canonical(FACE_CENTRE, FACE_SIDE * margin, fine_px);
    let target: Vec<Point> = FLAT.points.iter().map(|&p| to.apply(p)).collect();
    let source = with_ring(points);
    let usual = (scale / to.scale()).powi(2);
    let seen = |triangle: [usize; 3]| {
        let share = area(&source, triangle) / (area(&target, triangle) * usual);
        smooth_step((share - SQUEEZED[0]) / (SQUEEZED[1] - SQUEEZED[0])) as f32
    };
    let mut fine = vec![[0.0_f32; 4]; fine_px * fine_px];
    for &triangle in &FLAT.triangles {
        let seen = seen(triangle);
        let [from, to] = [&source, &target].map(|points| triangle.map(|i| points[i]));
        each_pixel(from, to, (fine_px, fine_px), |at, from| {
            let [r, g, b] = bilinear(picture, from);
            fine[at] = [r, g, b, seen];
        });
    }
    let mut face = RgbImage::new(size_px, size_px);
    let mut seen = vec![0.0; size_px * size_px];
    for (pixel, (rgb, seen)) in face.data.as_chunks_mut::<3>().0.iter_mut().zip(&mut seen).enumerate() {
        let (x, y) = (pixel % size_px * SAMPLES, pixel / size_px * SAMPLES);
        let mut sum = [0.0; 4];
        for row in 0..SAMPLES {
            for value in &fine[(y + row) * fine_px + x..][..SAMPLES] {
                sum.iter_mut().zip(value).for_each(|(sum, value)| *sum += value);
            }
        }
        let mean = sum.map(|sum| sum / (SAMPLES * SAMPLES) as f32);
        *rgb = [mean[0], mean[1], mean[2]];
        *seen = mean[3];
    }
    (face, seen)
}

/// A flattened face laid onto a mesh: the reverse of [`flatten`], `size_px` squared, black where there is no face.
///
/// `points` are the mesh's points in the target and `depths` how far away each is: what is nearer covers what is
/// farther. `flat` has no margin.
///
/// # Panics
/// With fewer than 468 points or depths.
#[must_use]
pub fn unflatten(flat: &RgbImage, points: &[Point], depths: &[f32], size_px: usize) -> RgbImage {
    let from = square_from_canonical(FACE_CENTRE, FACE_SIDE, flat.width);
    let source: Vec<Point> = FLAT.points.iter().map(|&p| from.apply(p)).collect();
    let target = with_ring(points);
    // the ring is as deep as its oval
    let depth = |i: usize| depths[if i < FACE_POINTS { i } else { FACE_OVAL[i - FACE_POINTS] }];
    let mut order: Vec<_> =
        FLAT.triangles.iter().map(|&t| (t.iter().map(|&i| depth(i)).sum::<f32>(), t)).collect();
    order.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut face = RgbImage::new(size_px, size_px);
    let pixels = face.data.as_chunks_mut::<3>().0;
    for (_, triangle) in order {
        let [from, to] = [&source, &target].map(|points| triangle.map(|i| points[i]));
        each_pixel(from, to, (size_px, size_px), |at, from| pixels[at] = bilinear(flat, from));
    }
    face
}

/// Which pixels of a flattened face of one size are face.
#[derive(Clone, Debug)]
pub struct FlatMask {
    inside: Vec<f32>,
    features: Vec<f32>,
    mouth: Vec<f32>,
    /// For each pixel the one inside whose colour continues there.
    continues: Vec<usize>,
}

impl FlatMask {
    /// For a square of `size_px` whose framing is shrunk by `margin` (1 for none).
    #[must_use]
    pub fn new(size_px: usize, margin: f64) -> Self {
        let points = flat_points(size_px, margin);
        let inside = hull_mask(&points, size_px, 0.0);
        let half = size_px as f64 / 2.0;
        let middle = Point::new(half, half);
        let index = |p: Point| p.y as usize * size_px + p.x as usize;
        let continues = (0..size_px * size_px).map(|at| {
            let mut p = Point::new((at % size_px) as f64 + 0.5, (at / size_px) as f64 + 0.5);
            let step = (middle - p) * (1.0 / (middle - p).length().max(1.0));
            while inside[index(p)] < 0.99 && (middle - p).length() > 1.0 {
                p = p + step;
            }
            index(p)
        });
        let lips = LIPS_INNER.map(|i| points[i]);
        Self {
            continues: continues.collect(),
            features: features_mask(&points, size_px),
            mouth: polygon_mask(&lips, size_px, 0.0),
            inside,
        }
    }

    /// The face, 0 to 1, row by row.
    #[must_use]
    pub fn inside(&self) -> &[f32] {
        &self.inside
    }

    /// Eyes and mouth, 0 to 1.
    #[must_use]
    pub fn features(&self) -> &[f32] {
        &self.features
    }

    /// What lies between the lips, 0 to 1.
    #[must_use]
    pub fn mouth(&self) -> &[f32] {
        &self.mouth
    }

    /// A drawn face continued beyond its outline: a pixel outside takes the colour where the line to the middle of the
    /// face enters it.
    ///
    /// # Panics
    /// When the picture has another size.
    #[must_use]
    pub fn continued(&self, flat: &RgbImage) -> RgbImage {
        let pixels = flat.data.as_chunks::<3>().0;
        assert_eq!(pixels.len(), self.continues.len(), "a picture of the mask's size");
        let data = self.continues.iter().flat_map(|&from| pixels[from]).collect();
        RgbImage { width: flat.width, height: flat.height, data }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::Similarity;
    use crate::mesh_points::{LIPS_OUTER, NOSE_TIP};

    /// A picture whose red is its column and whose green is its row.
    fn ramp(side: usize) -> RgbImage {
        let unit = |v: usize| (v as f32 + 0.5) / side as f32;
        let data = (0..side * side).flat_map(|p| [unit(p % side), unit(p / side), 0.5]).collect();
        RgbImage { width: side, height: side, data }
    }

    /// The flattened face's own points in a picture of 256 px, which 100 px of are one unit.
    fn own() -> (Vec<Point>, Similarity) {
        let place = Similarity::about(FACE_CENTRE, Point::new(128.0, 128.0), 100.0, 0.0);
        (skin().into_iter().map(|p| place.apply(p)).collect(), place)
    }

    fn middle_of(points: &[Point], indices: &[usize]) -> Point {
        Point::mean(&indices.iter().map(|&i| points[i]).collect::<Vec<_>>())
    }

    #[test]
    fn triangles_cover_the_face_once() {
        let sum: f64 = FLAT.triangles.iter().map(|&t| area(&FLAT.points, t)).sum();
        let ring = &FLAT.points[FACE_POINTS..];
        let outline: f64 = (0..ring.len())
            .map(|i| (ring[i], ring[(i + 1) % ring.len()]))
            .map(|(p, q)| p.x * q.y - p.y * q.x)
            .sum();
        assert!(FLAT.triangles.iter().all(|&t| area(&FLAT.points, t) > 0.0));
        assert!((sum / outline - 1.0).abs() < 0.03, "{sum} {outline}");
    }

    #[test]
    fn a_flattened_face_stays_as_it_is() {
        let (points, place) = own();
        let (face, seen) = flatten(&ramp(256), &points, place.scale(), 64, 1.0);
        let flat = flat_points(64, 1.0);
        let nose = flat[NOSE_TIP];
        let at = nose.y as usize * 64 + nose.x as usize;
        assert_eq!(seen[at], 1.0);
        // the square's pixel in the picture, by the definition of the framing
        let expected = (place * square_from_canonical(FACE_CENTRE, FACE_SIDE, 64).inverse())
            .apply(Point::new(nose.x.floor() + 0.5, nose.y.floor() + 0.5));
        let red = face.data[3 * at] * 256.0;
        assert!((f64::from(red) - expected.x).abs() < 0.2, "{red} {expected:?}");
        assert_eq!(seen[0], 0.0);
    }

    #[test]
    fn closed_lips_show_no_mouth_and_a_face_turned_away_no_cheek() {
        let (mut points, place) = own();
        let inner = middle_of(&flat_points(64, 1.0), &[LIP_INNER_TOP, LIP_INNER_BOTTOM]);
        let at = inner.y as usize * 64 + inner.x as usize;
        assert_eq!(flatten(&ramp(256), &points, place.scale(), 64, 1.0).1[at], 1.0);
        let (top, bottom) = (points[LIP_INNER_TOP].y, points[LIP_INNER_BOTTOM].y);
        for point in points.iter_mut().filter(|p| p.y > top) {
            point.y -= bottom - top;
        }
        assert!(flatten(&ramp(256), &points, place.scale(), 64, 1.0).1[at] < 0.1);

        // a mirrored face shows its back everywhere
        let (points, place) = own();
        let back: Vec<Point> = points.iter().map(|p| Point::new(256.0 - p.x, p.y)).collect();
        assert!(flatten(&ramp(256), &back, place.scale(), 64, 1.0).1.iter().all(|&seen| seen == 0.0));
    }

    #[test]
    fn what_is_nearer_covers_what_is_farther() {
        // all lips lie on one spot, the nose tip in front of or behind them
        let (mut points, _) = own();
        let spot = points[NOSE_TIP];
        for i in LIPS_OUTER {
            points[i] = spot;
        }
        let mut flat = RgbImage::new(64, 64);
        let nose = flat_points(64, 1.0)[NOSE_TIP];
        for (at, pixel) in flat.data.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let p = Point::new((at % 64) as f64, (at / 64) as f64);
            *pixel = if p.distance(nose) < 5.0 { [1.0, 0.0, 0.0] } else { [0.0, 0.0, 1.0] };
        }
        let reds = |nose_tip: f32| -> f32 {
            let mut depths = vec![0.0; FACE_POINTS];
            depths[NOSE_TIP] = nose_tip;
            let face = unflatten(&flat, &points, &depths, 256);
            face.data.as_chunks::<3>().0.iter().map(|pixel| pixel[0]).sum()
        };
        // without an order both would be the same
        assert!(reds(-100.0) > reds(100.0) + 15.0, "{} {}", reds(-100.0), reds(100.0));
    }

    #[test]
    fn the_outline_goes_on_outwards() {
        let (mask, flat) = (FlatMask::new(64, 1.0), ramp(64));
        let found = mask.continued(&flat);
        let (pixels, found) = (flat.data.as_chunks::<3>().0, found.data.as_chunks::<3>().0);
        let row = 32 * 64..33 * 64;
        let first = row.clone().find(|&at| mask.inside()[at] >= 0.99).unwrap();
        // straight to the side nothing else lies on the way
        assert!(first > row.start && found[row.start].map(|v| (v - pixels[first][0]).abs() < 0.02)[0]);
        for at in 0..64 * 64 {
            assert!(mask.inside()[at] < 0.99 || found[at] == pixels[at]);
            assert!(mask.features()[at] <= mask.inside()[at] + 1e-6);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// There and back again: where the face was seen, the picture comes back.
        #[test]
        fn unflattening_is_the_reverse(turn in -0.4..0.4, open in -0.1..0.2, x in -10.0..10.0) {
            let place = Similarity::about(FACE_CENTRE, Point::new(128.0 + x, 128.0), 90.0, turn);
            let points: Vec<Point> = skin().into_iter().map(|p| {
                // the jaw moves, as a mouth opens
                place.apply(Point::new(p.x, p.y + open * smooth_step((p.y - 0.8) / 0.3)))
            }).collect();
            let picture = ramp(256);
            let (flat, seen) = flatten(&picture, &points, place.scale(), 256, 1.0);
            let back = unflatten(&flat, &points, &[0.0; FACE_POINTS], 256);
            let flat_points = flat_points(256, 1.0);
            for i in 0..FACE_POINTS {
                if FACE_OVAL.contains(&i) || seen[flat_points[i].y as usize * 256 + flat_points[i].x as usize] < 1.0 {
                    continue;
                }
                let at = points[i].y as usize * 256 + points[i].x as usize;
                for c in 0..2 {
                    let (found, expected) = (back.data[3 * at + c], picture.data[3 * at + c]);
                    prop_assert!((found - expected).abs() < 0.012, "point {}: {} {}", i, found, expected);
                }
            }
        }
    }
}
