//! Rotations in space: the least-squares turn between two clouds of points.

/// A rotation in space, `target = matrix * source`, row by row. Axes are those of the picture: x to
/// the right, y downwards, z away from the camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotation {
    /// Rows of the matrix.
    pub rows: [[f64; 3]; 3],
}

impl Rotation {
    /// Where a vector goes.
    #[must_use]
    pub fn apply(&self, v: [f64; 3]) -> [f64; 3] {
        self.rows.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
    }

    /// The way back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let m = &self.rows;
        Self { rows: [0, 1, 2].map(|i| [m[0][i], m[1][i], m[2][i]]) }
    }
}

/// The rotation that best takes the directions of `from` onto `to` (both are centred first; scale
/// does not matter), in the least-squares sense. `None` for fewer than three points, lists of
/// different length or values that are not finite.
///
/// B. K. P. Horn, "Closed-form solution of absolute orientation using unit quaternions", J. Opt.
/// Soc. Am. A 4(4), 1987: the unit quaternion is the eigenvector of the largest eigenvalue of the
/// symmetric 4x4 matrix `N` (section 4.A) made from the sums of products of coordinates.
#[must_use]
pub fn rotation_between(from: &[[f64; 3]], to: &[[f64; 3]]) -> Option<Rotation> {
    if from.len() != to.len() || from.len() < 3 {
        return None;
    }
    let (from_mean, to_mean) = (mean(from), mean(to));
    let mut s = [[0.0; 3]; 3];
    for (p, q) in from.iter().zip(to) {
        for (i, row) in s.iter_mut().enumerate() {
            for (j, sum) in row.iter_mut().enumerate() {
                *sum += (p[i] - from_mean[i]) * (q[j] - to_mean[j]);
            }
        }
    }
    if s.iter().flatten().any(|v| !v.is_finite()) {
        return None;
    }
    let n = [
        [s[0][0] + s[1][1] + s[2][2], s[1][2] - s[2][1], s[2][0] - s[0][2], s[0][1] - s[1][0]],
        [s[1][2] - s[2][1], s[0][0] - s[1][1] - s[2][2], s[0][1] + s[1][0], s[2][0] + s[0][2]],
        [s[2][0] - s[0][2], s[0][1] + s[1][0], -s[0][0] + s[1][1] - s[2][2], s[1][2] + s[2][1]],
        [s[0][1] - s[1][0], s[2][0] + s[0][2], s[1][2] + s[2][1], -s[0][0] - s[1][1] + s[2][2]],
    ];
    let [w, x, y, z] = largest_eigenvector(n);
    Some(Rotation {
        rows: [
            [w * w + x * x - y * y - z * z, 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
            [2.0 * (x * y + w * z), w * w - x * x + y * y - z * z, 2.0 * (y * z - w * x)],
            [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ],
    })
}

pub(crate) fn mean(points: &[[f64; 3]]) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for p in points {
        for (s, v) in sum.iter_mut().zip(p) {
            *s += v;
        }
    }
    sum.map(|v| v / points.len() as f64)
}

/// Unit eigenvector of the largest eigenvalue of a symmetric matrix, by cyclic Jacobi rotations
/// (they converge quadratically: 12 sweeps are more than a 4x4 matrix needs).
fn largest_eigenvector(mut m: [[f64; 4]; 4]) -> [f64; 4] {
    let mut vectors = [[0.0; 4]; 4];
    for (i, row) in vectors.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    for _ in 0..12 {
        for p in 0..3 {
            for q in p + 1..4 {
                if m[p][q] == 0.0 {
                    continue;
                }
                let theta = (m[q][q] - m[p][p]) / (2.0 * m[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for row in &mut m {
                    let (mp, mq) = (row[p], row[q]);
                    row[p] = c * mp - s * mq;
                    row[q] = s * mp + c * mq;
                }
                let (row_p, row_q) = (m[p], m[q]);
                m[p] = std::array::from_fn(|k| c * row_p[k] - s * row_q[k]);
                m[q] = std::array::from_fn(|k| s * row_p[k] + c * row_q[k]);
                for row in &mut vectors {
                    let (vp, vq) = (row[p], row[q]);
                    row[p] = c * vp - s * vq;
                    row[q] = s * vp + c * vq;
                }
            }
        }
    }
    let mut best = 0;
    for i in 1..4 {
        if m[i][i] > m[best][best] {
            best = i;
        }
    }
    [0, 1, 2, 3].map(|row| vectors[row][best])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turn(axis: usize, angle: f64) -> Rotation {
        let (s, c) = angle.sin_cos();
        let rows = match axis {
            0 => [[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]],
            1 => [[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]],
            _ => [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]],
        };
        Rotation { rows }
    }

    #[test]
    fn too_few_points_have_no_rotation() {
        let p = [[0.0; 3], [1.0, 0.0, 0.0]];
        assert!(rotation_between(&p, &p).is_none());
    }

    proptest! {
        #[test]
        fn finds_the_rotation_again(x in -1.5..1.5, y in -1.5..1.5, z in -3.0..3.0) {
            let from = [[1.0, 0.0, 0.3], [-1.0, 0.2, 0.1], [0.0, 1.5, -0.4], [0.3, -1.2, 0.9]];
            let to = from.map(|p| {
                turn(2, z).apply(turn(0, x).apply(turn(1, y).apply(p))).map(|v| 7.0 * v + 3.0)
            });
            let found = rotation_between(&from, &to).unwrap();
            for p in from {
                let expected = turn(2, z).apply(turn(0, x).apply(turn(1, y).apply(p)));
                let got = found.apply(p);
                for i in 0..3 {
                    prop_assert!((expected[i] - got[i]).abs() < 1e-9, "{expected:?} {got:?}");
                }
                let back = found.inverse().apply(got);
                prop_assert!((0..3).all(|i| (back[i] - p[i]).abs() < 1e-9));
            }
        }
    }
}
