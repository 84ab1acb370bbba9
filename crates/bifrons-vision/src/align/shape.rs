//! What a person's face is shaped like, apart from pose and expression.

use serde::{Deserialize, Serialize};

use super::{STABLE_POINTS, canonical_point, canonical_point3, smooth_step};
use crate::Mesh;
use crate::geometry::{Rotation, mean, rotation_between};
use crate::mesh_points::{FACE_OVAL, FACE_POINTS};
use crate::pose::{eye_openness, mouth_openness, pose};

/// Heads turned less than this show their shape best.
const AHEAD_DEGREES: f32 = 20.0;
/// Fewer faces than these looking ahead, and all are taken.
const ENOUGH: usize = 10;
/// How far mouth and eyes are open at rest ([`mouth_openness`], [`eye_openness`]).
const AT_REST: [f64; 2] = [0.02, 0.28];
/// Standard deviation of either below which nothing can be learnt from it.
const STEADY: f64 = 0.01;
/// Distance from the outline over which a shape fades in, in eye distances: the outline itself stays the footage's, so
/// that the face still fits into its head.
const FADE: f64 = 0.3;

/// The 468 skin points of somebody's face at rest, looking into the camera, in units of the canonical face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape {
    points: Vec<[f32; 3]>,
}

impl Shape {
    /// From the faces of one person: each coordinate as it would be with mouth and eyes at rest, by linear regression
    /// on how far they are open (a film in which somebody shouts shows the same shape as one in which they listen).
    /// Without faces the canonical one.
    #[must_use]
    pub fn of<'a>(meshes: impl IntoIterator<Item = &'a Mesh>) -> Self {
        let meshes: Vec<&Mesh> = meshes.into_iter().collect();
        let looks_ahead = |mesh: &&&Mesh| {
            let pose = pose(mesh);
            pose.yaw_deg.abs() < AHEAD_DEGREES && pose.pitch_deg.abs() < AHEAD_DEGREES
        };
        let ahead: Vec<&Mesh> = meshes.iter().filter(looks_ahead).copied().collect();
        let chosen = if ahead.len() >= ENOUGH { ahead } else { meshes };
        if chosen.is_empty() {
            let points = (0..FACE_POINTS).map(|i| canonical_point3(i).map(|value| value as f32));
            return Self { points: points.collect() };
        }
        let openness: Vec<[f64; 2]> = chosen
            .iter()
            .map(|mesh| [f64::from(mouth_openness(mesh)), f64::from(eye_openness(mesh))])
            .collect();
        let weights = weights_at_rest(&openness);
        let mut sums = vec![[0.0_f64; 3]; FACE_POINTS];
        for (mesh, weight) in chosen.into_iter().zip(weights) {
            for (sum, point) in sums.iter_mut().zip(upright(mesh)) {
                sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        Self { points: sums.into_iter().map(|point| point.map(|value| value as f32)).collect() }
    }

    /// The mesh of a face of somebody `from`-shaped as if it were `to`-shaped: pose and expression stay, and so does
    /// the outline.
    #[must_use]
    pub fn moved(mesh: &Mesh, from: &Self, to: &Self) -> Mesh {
        let Some(head) = Head::of(mesh) else { return mesh.clone() };
        let mut points = mesh.points().to_vec();
        for (i, (from, to)) in from.points.iter().zip(&to.points).enumerate() {
            let share = share(i) * head.scale;
            let by = head.rotation.apply([0, 1, 2].map(|axis| share * f64::from(to[axis] - from[axis])));
            points[i].iter_mut().zip(by).for_each(|(value, by)| *value += by as f32);
        }
        Mesh::try_from(points).unwrap_or_else(|_| mesh.clone())
    }
}

/// How much each face counts for what a linear regression on `openness` says about [`AT_REST`]; the sum is 1.
fn weights_at_rest(openness: &[[f64; 2]]) -> Vec<f64> {
    let count = openness.len() as f64;
    let mean = [0, 1].map(|axis| openness.iter().map(|o| o[axis]).sum::<f64>() / count);
    let apart: Vec<[f64; 2]> = openness.iter().map(|o| [o[0] - mean[0], o[1] - mean[1]]).collect();
    let product = |one: usize, other: usize| apart.iter().map(|o| o[one] * o[other]).sum::<f64>() / count;
    // ridge: what hardly varies explains nothing
    let ridge = STEADY * STEADY;
    let (a, b, c) = (product(0, 0) + ridge, product(0, 1), product(1, 1) + ridge);
    let determinant = a * c - b * b;
    let rest = [AT_REST[0] - mean[0], AT_REST[1] - mean[1]];
    let slope = [(c * rest[0] - b * rest[1]) / determinant, (a * rest[1] - b * rest[0]) / determinant];
    apart.iter().map(|o| (1.0 + slope[0] * o[0] + slope[1] * o[1]) / count).collect()
}

/// How much of a shape a point takes on: 0 on the outline, 1 inside.
fn share(index: usize) -> f64 {
    let point = canonical_point(index);
    let to_outline =
        FACE_OVAL.iter().map(|&i| canonical_point(i).distance(point)).fold(f64::INFINITY, f64::min);
    smooth_step(to_outline / FADE)
}

/// Where a head is: `scale · rotation · (p - from) + to` takes the canonical face to the mesh, in space.
struct Head {
    scale: f64,
    rotation: Rotation,
    from: [f64; 3],
    to: [f64; 3],
}

impl Head {
    /// By the stable points: rotation (Horn 1987) and the ratio of their spreads.
    fn of(mesh: &Mesh) -> Option<Self> {
        let (from, to) = (STABLE_POINTS.map(canonical_point3), STABLE_POINTS.map(|i| mesh.point3(i)));
        let rotation = rotation_between(&from, &to)?;
        let spread = |points: &[[f64; 3]], mean: [f64; 3]| {
            let squares = points.iter().flat_map(|p| (0..3).map(move |axis| (p[axis] - mean[axis]).powi(2)));
            squares.sum::<f64>().sqrt()
        };
        let (from_mean, to_mean) = (mean(&from), mean(&to));
        let scale = spread(&to, to_mean) / spread(&from, from_mean);
        Some(Self { scale, rotation, from: from_mean, to: to_mean })
    }
}

/// Skin points in units of the canonical face, turned so that the face looks into the camera.
fn upright(mesh: &Mesh) -> Vec<[f64; 3]> {
    let points = (0..FACE_POINTS).map(|i| mesh.point3(i));
    let Some(head) = Head::of(mesh) else { return points.collect() };
    let back = head.rotation.inverse();
    let upright = |p: [f64; 3]| {
        let turned = back.apply([0, 1, 2].map(|axis| (p[axis] - head.to[axis]) / head.scale));
        [0, 1, 2].map(|axis| turned[axis] + head.from[axis])
    };
    points.map(upright).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::MESH_POINTS;
    use crate::mesh_points::{LIP_INNER_BOTTOM, LIP_INNER_TOP};

    /// The middle of the upper lip's outer edge: inside the face, and none of the stable points.
    const LIP: usize = 0;

    /// The canonical face with its upper lip `longer`, turned about the vertical axis and put into a frame.
    fn turned(longer: f64, yaw: f64) -> Mesh {
        let (sin, cos) = yaw.sin_cos();
        let points: Vec<[f32; 3]> = (0..MESH_POINTS)
            .map(|i| {
                let [x, y, z] = canonical_point3(i);
                let y = if i == LIP { y + longer } else { y };
                [(x * cos + z * sin) * 80.0 + 300.0, y * 80.0 + 200.0, (z * cos - x * sin) * 80.0]
                    .map(|value| value as f32)
            })
            .collect();
        Mesh::try_from(points).unwrap()
    }

    #[test]
    fn the_shape_is_found_whichever_way_the_head_is_turned() {
        let faces: Vec<Mesh> = (-10..=10).map(|i| turned(0.1, f64::from(i) * 0.02)).collect();
        let shape = Shape::of(&faces);
        let others = Shape::of(std::iter::empty::<&Mesh>());
        for (i, (found, canonical)) in shape.points.iter().zip(&others.points).enumerate() {
            let expected = if i == LIP { canonical[1] + 0.1 } else { canonical[1] };
            assert!((found[1] - expected).abs() < 0.005, "{i}: {found:?} {canonical:?}");
        }
    }

    #[test]
    fn an_open_mouth_is_no_shape() {
        // the lower lip 0.05 to 0.5 below the upper one
        let speaking: Vec<Mesh> = (1..=20)
            .map(|i| {
                let mut points = turned(0.0, 0.0).points().to_vec();
                points[LIP_INNER_BOTTOM][1] = points[LIP_INNER_TOP][1] + 80.0 * 0.025 * i as f32;
                points[LIP_INNER_BOTTOM][2] = points[LIP_INNER_TOP][2];
                Mesh::try_from(points).unwrap()
            })
            .collect();
        let shape = Shape::of(&speaking);
        let gap = shape.points[LIP_INNER_BOTTOM][1] - shape.points[LIP_INNER_TOP][1];
        assert!((f64::from(gap) - AT_REST[0]).abs() < 0.02, "{gap}");
        // one face says nothing about how a mouth moves
        let one = weights_at_rest(&[[0.3, 0.2]]);
        assert_eq!(one, [1.0]);
    }

    #[test]
    fn a_moved_mesh_has_the_other_shape_and_its_own_pose_and_outline() {
        let shape = |longer| Shape::of(&[turned(longer, 0.0)]);
        let (plain, long) = (shape(0.0), shape(0.2));
        let mesh = turned(0.0, 0.3);
        let moved = Shape::moved(&mesh, &plain, &long);
        for i in 0..MESH_POINTS {
            let by = moved.point(i) - mesh.point(i);
            let expected = if i == LIP { 0.2 * 80.0 } else { 0.0 };
            assert!(by.x.abs() < 0.5 && (by.y - expected).abs() < 0.5, "{i}: {by:?}");
        }
        assert!(FACE_OVAL.iter().all(|&i| moved.point(i) == mesh.point(i)));
        assert!(Shape::moved(&mesh, &plain, &plain).point(1).distance(mesh.point(1)) < 1e-3);
    }
}
