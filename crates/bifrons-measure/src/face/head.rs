//! Where a head is turned.

use bifrons_vision::geometry::Rotation;

/// Angle of the turn that takes one direction of a head to another, in degrees, 0 to 180:
/// `acos((tr(R1^T R2) - 1) / 2)`.
#[must_use]
pub fn angle_between(one: &Rotation, other: &Rotation) -> f64 {
    let trace: f64 = one.rows.iter().flatten().zip(other.rows.iter().flatten()).map(|(a, b)| a * b).sum();
    ((trace - 1.0) / 2.0).clamp(-1.0, 1.0).acos().to_degrees()
}

#[cfg(test)]
pub(crate) mod tests {
    use bifrons_vision::align::canonical_point3;
    use bifrons_vision::{Mesh, head_rotation};

    use super::*;

    /// The canonical face, turned by an angle about the vertical, then tilted.
    pub(crate) fn turned(yaw_deg: f64, roll_deg: f64) -> Mesh {
        let (sy, cy) = yaw_deg.to_radians().sin_cos();
        let (sr, cr) = roll_deg.to_radians().sin_cos();
        let points: Vec<[f32; 3]> = (0..478)
            .map(|i| {
                let [x, y, z] = canonical_point3(i);
                let (x, z) = (x * cy - z * sy, z * cy + x * sy);
                [x * cr - y * sr, x * sr + y * cr, z].map(|v| (v * 80.0 + 200.0) as f32)
            })
            .collect();
        Mesh::try_from(points).unwrap()
    }

    fn between(one: &Mesh, other: &Mesh) -> f64 {
        angle_between(&head_rotation(one).unwrap(), &head_rotation(other).unwrap())
    }

    #[test]
    fn a_known_turn_is_its_angle() {
        assert!(between(&turned(10.0, 0.0), &turned(10.0, 0.0)) < 1e-3);
        assert!((between(&turned(0.0, 0.0), &turned(25.0, 0.0)) - 25.0).abs() < 0.01);
        assert!((between(&turned(-10.0, 0.0), &turned(20.0, 0.0)) - 30.0).abs() < 0.01);
        assert!((between(&turned(0.0, 0.0), &turned(0.0, -40.0)) - 40.0).abs() < 0.01);
        // yaw and tilt together: cos(angle / 2) = cos(15) cos(10)
        let half = (15.0_f64.to_radians().cos() * 10.0_f64.to_radians().cos()).acos().to_degrees();
        assert!((between(&turned(0.0, 0.0), &turned(30.0, 20.0)) - 2.0 * half).abs() < 0.01);
    }

    #[test]
    fn place_and_size_do_not_count() {
        let mesh = turned(12.0, 5.0);
        let moved: Vec<[f32; 3]> =
            mesh.points().iter().map(|p| [p[0] * 2.0 + 9.0, p[1] * 2.0, p[2] * 2.0]).collect();
        assert!(between(&mesh, &Mesh::try_from(moved).unwrap()) < 1e-2);
    }
}
