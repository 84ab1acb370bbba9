//! The mean face that crops are aligned to, as `examples/canonical_face.rs` made it.

use std::sync::LazyLock;

use crate::geometry::Point;
use crate::mesh::MESH_POINTS;

struct Canonical {
    points: Vec<[f64; 3]>,
    mirror: Vec<usize>,
}

/// Unit: the distance between the outer eye corners. Origin: half way between them. x to the
/// picture's right, y down, z away from the camera. Symmetric.
static CANONICAL: LazyLock<Canonical> = LazyLock::new(|| parse(include_str!("../canonical_face.tsv")));

/// The table is part of the program and a test reads it, so what cannot be read is left out.
fn parse(table: &str) -> Canonical {
    let mut points = vec![[0.0; 3]; MESH_POINTS];
    let mut mirror: Vec<usize> = (0..MESH_POINTS).collect();
    for line in table.lines() {
        let fields: Vec<f64> = line.split('\t').map_while(|f| f.parse().ok()).collect();
        if let [i, x, y, z, j] = fields[..]
            && (i as usize) < MESH_POINTS
        {
            points[i as usize] = [x, y, z];
            mirror[i as usize] = j as usize;
        }
    }
    Canonical { points, mirror }
}

/// A point of the canonical face in the plane, in distances of its outer eye corners; the origin is
/// half way between them.
///
/// # Panics
/// When `index >= 478`.
#[must_use]
pub fn canonical_point(index: usize) -> Point {
    let p = CANONICAL.points[index];
    Point::new(p[0], p[1])
}

/// A point of the canonical face in space (z away from the camera), looking into the camera.
///
/// # Panics
/// When `index >= 478`.
#[must_use]
pub fn canonical_point3(index: usize) -> [f64; 3] {
    CANONICAL.points[index]
}

/// The mesh point that takes the place of another when the picture is mirrored left to right.
///
/// # Panics
/// When `index >= 478`.
#[must_use]
pub fn mirror_index(index: usize) -> usize {
    CANONICAL.mirror[index]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh_points::{EYE_LEFT, EYE_OUTER_LEFT, EYE_OUTER_RIGHT, EYE_RIGHT, FACE_OVAL};

    #[test]
    fn the_eyes_are_one_apart_around_the_origin() {
        assert_eq!(canonical_point(EYE_OUTER_RIGHT), Point::new(-0.5, 0.0));
        assert_eq!(canonical_point(EYE_OUTER_LEFT), Point::new(0.5, 0.0));
    }

    #[test]
    fn the_face_is_its_own_mirror_image() {
        for i in 0..MESH_POINTS {
            let j = mirror_index(i);
            assert_eq!(mirror_index(j), i);
            let (p, q) = (canonical_point3(i), canonical_point3(j));
            assert!((p[0] + q[0]).abs() < 2e-5 && (p[1] - q[1]).abs() < 2e-5 && (p[2] - q[2]).abs() < 2e-5);
        }
        assert_eq!(EYE_RIGHT.map(mirror_index), EYE_LEFT);
        assert!(FACE_OVAL.iter().all(|&i| FACE_OVAL.contains(&mirror_index(i))));
    }
}
