//! Which way a head looks, and how far eyes and mouth are open.

use serde::{Deserialize, Serialize};

use crate::Mesh;
use crate::align::{STABLE_POINTS, canonical_point3};
use crate::geometry::{Rotation, rotation_between};
use crate::mesh_points::{
    EYE_INNER_LEFT, EYE_INNER_RIGHT, EYE_OUTER_LEFT, EYE_OUTER_RIGHT, LIDS_LEFT, LIDS_RIGHT,
    LIP_INNER_BOTTOM, LIP_INNER_TOP,
};

/// Where a head looks, in degrees; all 0 for a face that looks into the camera.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Pose {
    /// Turned to the picture's right (positive) or left, -90 to 90.
    pub yaw_deg: f32,
    /// Looking up (positive) or down, -180 to 180.
    pub pitch_deg: f32,
    /// Tilted clockwise on the picture (positive) or the other way, -180 to 180.
    pub roll_deg: f32,
}

/// The turn of a head against a face that looks into the camera: the rotation (Horn 1987) that takes the stable points of the
/// canonical face, which move little with the expression, to those of the mesh in space. `None` for a mesh that is no face.
#[must_use]
pub fn head_rotation(mesh: &Mesh) -> Option<Rotation> {
    rotation_between(&STABLE_POINTS.map(canonical_point3), &STABLE_POINTS.map(|i| mesh.point3(i)))
}

/// The pose of a mesh: its [`head_rotation`], taken apart as `roll * yaw * pitch` (pitch acts first).
///
/// The network's depth is only roughly true, so a full profile reads as some 60 degrees; the order
/// of poses, which is what sampling needs, is right.
#[must_use]
pub fn pose(mesh: &Mesh) -> Pose {
    let Some(rotation) = head_rotation(mesh) else { return Pose::default() };
    let m = rotation.rows;
    // With y down and z away, a positive turn about y looks to the left, about x downwards.
    Pose {
        yaw_deg: m[2][0].clamp(-1.0, 1.0).asin().to_degrees() as f32,
        pitch_deg: -m[2][1].atan2(m[2][2]).to_degrees() as f32,
        roll_deg: m[1][0].atan2(m[0][0]).to_degrees() as f32,
    }
}

/// How far the eyes are open: mean height of the opening over its width, both eyes, about 0.05
/// (closed) to 0.4 (wide).
#[must_use]
pub fn eye_openness(mesh: &Mesh) -> f32 {
    let openness = |lids: [(usize, usize); 3], outer, inner| {
        let height: f64 = lids.iter().map(|&(a, b)| distance(mesh, a, b)).sum::<f64>() / 3.0;
        height / distance(mesh, outer, inner).max(f64::EPSILON)
    };
    let right = openness(LIDS_RIGHT, EYE_OUTER_RIGHT, EYE_INNER_RIGHT);
    let left = openness(LIDS_LEFT, EYE_OUTER_LEFT, EYE_INNER_LEFT);
    ((right + left) / 2.0) as f32
}

/// How far the mouth is open: distance of the lips' inner edges in eye distances, 0 (closed) to
/// about 0.6 (as wide as it goes).
#[must_use]
pub fn mouth_openness(mesh: &Mesh) -> f32 {
    let eyes = distance(mesh, EYE_OUTER_RIGHT, EYE_OUTER_LEFT).max(f64::EPSILON);
    (distance(mesh, LIP_INNER_TOP, LIP_INNER_BOTTOM) / eyes) as f32
}

/// Distance in space, so that turning the head changes little.
fn distance(mesh: &Mesh, a: usize, b: usize) -> f64 {
    let (a, b) = (mesh.point3(a), mesh.point3(b));
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::MESH_POINTS;
    use proptest::prelude::*;

    /// The canonical face, pitched first, then turned, then tilted.
    fn turned(yaw_deg: f64, pitch_deg: f64, roll_deg: f64) -> Mesh {
        let points: Vec<[f32; 3]> = (0..MESH_POINTS)
            .map(|i| {
                let [x, y, z] = canonical_point3(i);
                let (s, c) = pitch_deg.to_radians().sin_cos();
                // Looking up: what faces the camera (z < 0) rises (y smaller).
                let (y, z) = (y * c + z * s, z * c - y * s);
                let (s, c) = yaw_deg.to_radians().sin_cos();
                // To the right: what faces the camera goes right.
                let (x, z) = (x * c - z * s, z * c + x * s);
                let (s, c) = roll_deg.to_radians().sin_cos();
                let (x, y) = (x * c - y * s, x * s + y * c);
                [x, y, z].map(|v| (v * 80.0 + 300.0) as f32)
            })
            .collect();
        Mesh::try_from(points).unwrap()
    }

    #[test]
    fn the_canonical_face_looks_into_the_camera() {
        let p = pose(&turned(0.0, 0.0, 0.0));
        assert!(p.yaw_deg.abs() < 1e-3 && p.pitch_deg.abs() < 1e-3 && p.roll_deg.abs() < 1e-3);
    }

    #[test]
    fn the_nose_points_where_the_head_looks() {
        let right = turned(30.0, 0.0, 0.0);
        assert!(right.point(1).x > right.point(33).midpoint(right.point(263)).x + 5.0);
        let (up, down) = (turned(0.0, 20.0, 0.0), turned(0.0, -20.0, 0.0));
        assert!(up.point(1).y < down.point(1).y);
    }

    proptest! {
        #[test]
        fn pose_is_what_the_head_was_turned_by(
            yaw in -60.0..60.0, pitch in -40.0..40.0, roll in -80.0..80.0
        ) {
            let p = pose(&turned(yaw, pitch, roll));
            prop_assert!((f64::from(p.yaw_deg) - yaw).abs() < 0.01, "{p:?}");
            prop_assert!((f64::from(p.pitch_deg) - pitch).abs() < 0.01, "{p:?}");
            prop_assert!((f64::from(p.roll_deg) - roll).abs() < 0.01, "{p:?}");
        }
    }
}
