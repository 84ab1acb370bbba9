//! How the skin moves against the mesh, and meshes that move as the skin does.
//!
//! A mesh says where a face is, anew in every frame, and each time a little off. What the skin did between two frames the
//! picture says much more exactly: around each point the gradients of the two (Lucas and Kanade 1981) give by how much
//! the mesh slipped. Slips summed up are what the mesh's error did over time; its mean over some frames is kept and the rest
//! taken out. Motion of the skin is not damped by that, however fast. Hands before a face move otherwise and mislead; how far
//! a mesh can be moved is bounded.

use std::sync::LazyLock;

use bifrons_media::RgbImage;

use crate::Mesh;
use crate::align::{Framing, canonical_point, crop_from_frame};
use crate::geometry::{Point, Similarity};
use crate::mesh::MESH_POINTS;
use crate::mesh_points::{
    EYE_LEFT, EYE_OUTER_LEFT, EYE_OUTER_RIGHT, EYE_RIGHT, FACE_OVAL, FACE_POINTS, LIPS_OUTER,
};

/// Frames before and after over which the mesh's error is averaged.
pub const SLIP_REACH: usize = 8;
const SIGMA_FRAMES: f64 = 4.0;

/// Side of the squares that are compared, in pixels.
pub const SLIP_PX: usize = 256;
/// Pixels on each side of a point that are compared.
const WINDOW_PX: i32 = 7;
const STEPS: usize = 6;
/// A step shorter than this, in pixels, is the last.
const SHORT_PX: f32 = 0.01;
/// A mesh does not slip farther, in pixels: that is something else (a hand, a lid).
const FARTHEST_PX: f32 = 4.0;
/// Mean squared gradient in the direction that has least of it below which a place says little.
const TEXTURE: f32 = 4e-5;
/// Difference of luma that is left, from which on a place is not the same skin.
const LEFT: f32 = 0.03;
/// Skin within this distance slips alike, in eye distances of the canonical face.
const ALIKE: f64 = 0.22;
/// So near to the outline the background is seen, too, in eye distances.
const OUTLINE: f64 = 0.12;
/// A mesh is not off by more than this, in eye distances: more is something else that moves (a hand).
const MOST: f64 = 0.06;
/// Where no place says anything nothing slipped; this counts as much as so much of a place that does.
const STAYS: f32 = 0.1;

/// By how much each point of a mesh slipped over the skin since the frame before, in frame pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Slips(Vec<[f32; 2]>);

/// How much two points share their slip, and whether what is seen at a point counts: not where lids and lips move over what
/// lies behind them, nor at the outline, beyond which the background moves otherwise.
struct Neighbours {
    shares: Vec<f32>,
    counts: Vec<bool>,
}

static NEIGHBOURS: LazyLock<Neighbours> = LazyLock::new(|| {
    let points: Vec<Point> = (0..MESH_POINTS).map(canonical_point).collect();
    let unit = points[EYE_OUTER_LEFT].distance(points[EYE_OUTER_RIGHT]).max(f64::EPSILON);
    let share = |a: Point, b: Point| {
        let apart = a.distance(b) / (ALIKE * unit);
        (-0.5 * apart * apart).exp() as f32
    };
    let shares = points.iter().flat_map(|&a| points.iter().map(move |&b| share(a, b))).collect();
    let moving: Vec<Vec<Point>> =
        [&EYE_RIGHT[..], &EYE_LEFT, &LIPS_OUTER].map(|part| part.iter().map(|&i| points[i]).collect()).into();
    let counts = (0..MESH_POINTS).map(|i| {
        let within = |part: &Vec<Point>| {
            let middle = Point::mean(part);
            let bound = |pick: fn(&Point) -> f64| {
                part.iter().map(|p| (pick(p) - pick(&middle)).abs()).fold(0.0, f64::max).max(f64::EPSILON)
            };
            let [x, y] =
                [(points[i].x - middle.x) / bound(|p| p.x), (points[i].y - middle.y) / bound(|p| p.y)];
            x.hypot(y) < 1.25
        };
        let at_outline = FACE_OVAL.iter().any(|&oval| points[i].distance(points[oval]) < OUTLINE * unit);
        i < FACE_POINTS && !at_outline && !moving.iter().any(within)
    });
    Neighbours { shares, counts: counts.collect() }
});

/// The square in which [`slips`] compares: the face of a frame, `SLIP_PX` squared.
#[must_use]
pub fn slip_square(mesh: &Mesh) -> Similarity {
    Framing::Face.from_crop(SLIP_PX) * crop_from_frame(mesh)
}

/// How the mesh slipped from `earlier` to `later`: each the frame in the [`slip_square`] of the *later* mesh, and the mesh
/// in its own frame.
///
/// # Panics
/// When the pictures are not `SLIP_PX` squared.
#[must_use]
pub fn slips(earlier: (&RgbImage, &Mesh), later: (&RgbImage, &Mesh)) -> Slips {
    let square = slip_square(later.1);
    let [was, is] = [earlier.0, later.0].map(|picture| {
        assert_eq!((picture.width, picture.height), (SLIP_PX, SLIP_PX), "squares of {SLIP_PX} pixels");
        picture.lumas()
    });
    let (from, to) = (earlier.1.points_in(&square), later.1.points_in(&square));
    let neighbours = &*NEIGHBOURS;
    let seen: Vec<([f32; 2], f32)> = (0..MESH_POINTS)
        .map(|i| match neighbours.counts[i] {
            true => slip(&was, from[i], &is, to[i]),
            false => ([0.0; 2], 0.0),
        })
        .collect();
    let frame_from_square = square.inverse();
    let origin = frame_from_square.apply(Point::new(0.0, 0.0));
    let smoothed = (0..MESH_POINTS).map(|i| {
        let (mut sum, mut total) = ([0.0_f32; 2], STAYS);
        for (share, (slip, weight)) in neighbours.shares[i * MESH_POINTS..][..MESH_POINTS].iter().zip(&seen) {
            let weight = share * weight;
            sum[0] += weight * slip[0];
            sum[1] += weight * slip[1];
            total += weight;
        }
        let moved = Point::new(f64::from(sum[0] / total), f64::from(sum[1] / total));
        let moved = frame_from_square.apply(moved) - origin;
        [moved.x as f32, moved.y as f32]
    });
    Slips(smoothed.collect())
}

/// How far beyond `to` the place is that was at `from`, and how much that can be trusted, 0 to 1.
fn slip(was: &[f32], from: Point, is: &[f32], to: Point) -> ([f32; 2], f32) {
    const SIDE: usize = 2 * WINDOW_PX as usize + 1;
    const COUNT: f32 = (SIDE * SIDE) as f32;
    let window = |plane: &[f32], x: f32, y: f32| -> Option<[f32; SIDE * SIDE]> {
        let room = WINDOW_PX as f32 + 2.0;
        let inside = |v: f32| v >= room && v < SLIP_PX as f32 - room;
        (inside(x) && inside(y)).then(|| window_at(plane, x - 0.5, y - 0.5))
    };
    let (fx, fy) = (from.x as f32, from.y as f32);
    let nothing = ([0.0; 2], 0.0);
    let around = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]].map(|[x, y]| window(was, fx + x, fy + y));
    let (Some(here), [Some(right), Some(left), Some(below), Some(above)]) = (window(was, fx, fy), around)
    else {
        return nothing;
    };
    // light may change: what counts is the pattern, so the mean is taken out of everything
    let flat = |values: [f32; SIDE * SIDE]| {
        let mean = values.iter().sum::<f32>() / COUNT;
        values.map(|value| value - mean)
    };
    let here = flat(here);
    let along = flat(std::array::from_fn(|p| 0.5 * (right[p] - left[p])));
    let down = flat(std::array::from_fn(|p| 0.5 * (below[p] - above[p])));
    let sum = |value: &dyn Fn(usize) -> f32| (0..SIDE * SIDE).map(value).sum::<f32>();
    let (xx, xy, yy) =
        (sum(&|p| along[p] * along[p]), sum(&|p| along[p] * down[p]), sum(&|p| down[p] * down[p]));
    let determinant = xx * yy - xy * xy;
    let least = 0.5 * (xx + yy - ((xx - yy) * (xx - yy) + 4.0 * xy * xy).sqrt()) / COUNT;
    if determinant <= 1e-12 {
        return nothing;
    }
    let mut moved = [0.0_f32; 2];
    let mut left = f32::INFINITY;
    for _ in 0..STEPS {
        let Some(there) = window(is, to.x as f32 + moved[0], to.y as f32 + moved[1]) else { return nothing };
        let there = flat(there);
        let difference = |p: usize| there[p] - here[p];
        let (bx, by) = (sum(&|p| along[p] * difference(p)), sum(&|p| down[p] * difference(p)));
        let step = [(yy * bx - xy * by) / determinant, (xx * by - xy * bx) / determinant];
        left = (sum(&|p| difference(p).powi(2)) / COUNT).sqrt();
        moved = [moved[0] - step[0], moved[1] - step[1]];
        if moved[0].hypot(moved[1]) > FARTHEST_PX {
            return nothing;
        }
        if step[0].hypot(step[1]) < SHORT_PX {
            break;
        }
    }
    let trust = least / (least + TEXTURE) * (-(left / LEFT).powi(2)).exp();
    (moved, trust)
}

/// Values around a place, `(0, 0)` being the middle of the first pixel, linear between pixels.
fn window_at<const N: usize>(plane: &[f32], x: f32, y: f32) -> [f32; N] {
    let side = 2 * WINDOW_PX as usize + 1;
    let (left, top) = (x.floor() as usize - WINDOW_PX as usize, y.floor() as usize - WINDOW_PX as usize);
    let (tx, ty) = (x - x.floor(), y - y.floor());
    let mut values = [0.0; N];
    for (row, values) in values.chunks_exact_mut(side).enumerate() {
        let above = &plane[(top + row) * SLIP_PX + left..][..side + 1];
        let below = &plane[(top + row + 1) * SLIP_PX + left..][..side + 1];
        for (column, value) in values.iter_mut().enumerate() {
            let upper = above[column] + tx * (above[column + 1] - above[column]);
            let lower = below[column] + tx * (below[column + 1] - below[column]);
            *value = upper + ty * (lower - upper);
        }
    }
    values
}

/// The mesh of a frame without what it slipped: `before` are the slips from the frame before it to it, from the one before
/// that, and so on; `after` those from it to the next one, and so on. Depth stays.
#[must_use]
pub fn without_slips<'a>(
    mesh: &Mesh,
    before: impl IntoIterator<Item = &'a Slips>,
    after: impl IntoIterator<Item = &'a Slips>,
) -> Mesh {
    let weight = |frames: usize| (-0.5 * (frames as f64 / SIGMA_FRAMES).powi(2)).exp();
    let mut total = 1.0;
    let mut sum = vec![[0.0_f64; 2]; MESH_POINTS];
    // the error of the mesh there, against that of the mesh here
    let mut add = |slips: &mut dyn Iterator<Item = &'a Slips>, sign: f64| {
        let mut error = vec![[0.0_f64; 2]; MESH_POINTS];
        for (frames, slips) in (1..=SLIP_REACH).zip(slips) {
            total += weight(frames);
            for (sum, (error, slip)) in sum.iter_mut().zip(error.iter_mut().zip(&slips.0)) {
                for axis in 0..2 {
                    error[axis] += sign * f64::from(slip[axis]);
                    sum[axis] += weight(frames) * error[axis];
                }
            }
        }
    };
    add(&mut before.into_iter(), 1.0);
    add(&mut after.into_iter(), -1.0);
    let most = MOST * mesh.point(EYE_OUTER_LEFT).distance(mesh.point(EYE_OUTER_RIGHT));
    let points = mesh.points().iter().zip(sum).map(|(&[x, y, z], sum)| {
        let by = sum.map(|sum| sum / total);
        let share = most / by[0].hypot(by[1]).max(most).max(f64::EPSILON);
        [x + (share * by[0]) as f32, y + (share * by[1]) as f32, z]
    });
    Mesh::try_from(points.collect::<Vec<_>>()).unwrap_or_else(|_| mesh.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::align::canonical_point3;

    /// A mesh of a face that fills a frame of 400 pixels, moved.
    fn mesh(x: f64, y: f64) -> Mesh {
        let points = (0..MESH_POINTS).map(canonical_point3).map(|[px, py, pz]| {
            [(px * 80.0 + 200.0 + x) as f32, (py * 80.0 + 160.0 + y) as f32, (pz * 80.0) as f32]
        });
        Mesh::try_from(points.collect::<Vec<_>>()).unwrap()
    }

    /// The textured frame whose skin is moved, in the square of a mesh.
    fn square(skin: (f64, f64), brighter: f32, later: &Mesh) -> RgbImage {
        let frame_from_square = slip_square(later).inverse();
        let mut picture = RgbImage::new(SLIP_PX, SLIP_PX);
        for at in 0..SLIP_PX * SLIP_PX {
            let place = Point::new((at % SLIP_PX) as f64 + 0.5, (at / SLIP_PX) as f64 + 0.5);
            let p = frame_from_square.apply(place);
            let (x, y) = (p.x - skin.0, p.y - skin.1);
            let value = 0.5
                + 0.1 * (x * 0.21 + 0.5 * (y * 0.13).sin()).sin()
                + 0.1 * (y * 0.17 + (x * 0.11).cos()).sin();
            picture.set(at % SLIP_PX, at / SLIP_PX, [value as f32 + brighter; 3]);
        }
        picture
    }

    #[test]
    fn a_slip_is_found_whatever_the_head_and_the_light_do() {
        // the head moves by (5, -2), the mesh by (6, -1.5): it slipped by (-1, -0.5) against the skin
        let (before, after) = (mesh(0.0, 0.0), mesh(6.0, -1.5));
        let was = square((0.0, 0.0), 0.0, &after);
        let is = square((5.0, -2.0), 0.08, &after);
        let Slips(found) = slips((&was, &before), (&is, &after));
        for (i, slip) in found.iter().enumerate().filter(|(i, _)| NEIGHBOURS.counts[*i]) {
            assert!((slip[0] + 1.0).abs() < 0.1 && (slip[1] + 0.5).abs() < 0.08, "{i}: {slip:?}");
        }
        let Slips(none) = slips((&was, &before), (&square((6.0, -1.5), 0.0, &after), &after));
        assert!(none.iter().flatten().all(|slip| slip.abs() < 0.03));
    }

    #[test]
    fn smooth_skin_says_nothing() {
        let (before, after) = (mesh(0.0, 0.0), mesh(3.0, 0.0));
        let grey = RgbImage::filled(SLIP_PX, SLIP_PX, [0.5; 3]);
        let Slips(found) = slips((&grey, &before), (&grey, &after));
        assert!(found.iter().flatten().all(|slip| *slip == 0.0));
    }

    #[test]
    fn trembling_goes_and_motion_stays() {
        // the mesh is off by 1 pixel every other frame, whatever the face does
        let error = |frame: usize| if frame.is_multiple_of(2) { 0.5_f32 } else { -0.5 };
        let slip = |to: usize| Slips(vec![[error(to - 1) - error(to), 0.0]; MESH_POINTS]);
        let all: Vec<Slips> = (1..40).map(slip).collect();
        for frame in [10, 11, 20] {
            let at = 7.0 * (frame * frame) as f64;
            let found = without_slips(
                &mesh(at + f64::from(error(frame)), 0.0),
                all[..frame].iter().rev(),
                &all[frame..],
            );
            assert!((found.point(4).x - mesh(at, 0.0).point(4).x).abs() < 0.1, "{frame}");
        }
        assert_eq!(without_slips(&mesh(3.0, 1.0), [], []), mesh(3.0, 1.0));
    }
}
