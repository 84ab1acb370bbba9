//! What a face does: eyes, brows, mouth.

use bifrons_vision::{Mesh, head_rotation};

/// Names of the distances of [`readout`], in its order.
pub const READOUT: [&str; 7] = [
    "eye_open_right",
    "eye_open_left",
    "mouth_open",
    "mouth_width",
    "mouth_corners",
    "brow_right",
    "brow_left",
];

/// Distances that expression changes, in distances of the outer eye corners, measured in space so that turning the
/// head changes little: [`READOUT`].
pub type Readout = [f64; 7];

/// Reads the distances of a mesh. "Right" and "left" are those of the person.
///
/// Opening of each eye (mean over three pairs of lid points), opening of the inner lips, width of the mouth, height of
/// the corners of the mouth above the middle of the lips (positive: a smile), height of each brow above its eye.
#[must_use]
pub fn readout(mesh: &Mesh) -> Readout {
    use bifrons_vision::mesh_points as at;
    let unit = distance(mesh, at::EYE_OUTER_RIGHT, at::EYE_OUTER_LEFT).max(f64::EPSILON);
    let lids =
        |pairs: [(usize, usize); 3]| pairs.iter().map(|&(a, b)| distance(mesh, a, b)).sum::<f64>() / 3.0;
    let rows =
        head_rotation(mesh).map_or([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], |r| r.inverse().rows);
    // height on the face itself, upwards
    let height = |i: usize| {
        let p = mesh.point3(i);
        -(rows[1][0] * p[0] + rows[1][1] * p[1] + rows[1][2] * p[2])
    };
    let middle = f64::midpoint(height(at::LIP_INNER_TOP), height(at::LIP_INNER_BOTTOM));
    let corners = f64::midpoint(height(at::MOUTH_RIGHT), height(at::MOUTH_LEFT));
    let brow =
        |brow: usize, outer: usize, inner: usize| height(brow) - f64::midpoint(height(outer), height(inner));
    [
        lids(at::LIDS_RIGHT),
        lids(at::LIDS_LEFT),
        distance(mesh, at::LIP_INNER_TOP, at::LIP_INNER_BOTTOM),
        distance(mesh, at::MOUTH_RIGHT, at::MOUTH_LEFT),
        corners - middle,
        brow(BROW_RIGHT, at::EYE_OUTER_RIGHT, at::EYE_INNER_RIGHT),
        brow(BROW_LEFT, at::EYE_OUTER_LEFT, at::EYE_INNER_LEFT),
    ]
    .map(|v| v / unit)
}

/// Middle of the brow on the person's right and left.
const BROW_RIGHT: usize = 105;
const BROW_LEFT: usize = 334;

fn distance(mesh: &Mesh, a: usize, b: usize) -> f64 {
    let (a, b) = (mesh.point3(a), mesh.point3(b));
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::head::tests::turned;
    use super::*;

    fn moved(mesh: &Mesh, points: &[usize], by: [f32; 3]) -> Mesh {
        let mut all = mesh.points().to_vec();
        for &i in points {
            for (v, by) in all[i].iter_mut().zip(by) {
                *v += by;
            }
        }
        Mesh::try_from(all).unwrap()
    }

    #[test]
    fn an_opened_mouth_is_read_in_eye_distances() {
        let closed = turned(0.0, 0.0);
        // 80 px between the eye corners
        let open = moved(&closed, &[14], [0.0, 16.0, 0.0]);
        let (before, after) = (readout(&closed), readout(&open));
        assert!((after[2] - before[2] - 0.2).abs() < 0.01);
        assert_eq!((after[0], after[3]), (before[0], before[3]));
    }

    #[test]
    fn turning_the_head_changes_nothing() {
        let (front, side) = (readout(&turned(0.0, 0.0)), readout(&turned(35.0, 20.0)));
        for (name, (a, b)) in READOUT.iter().zip(front.iter().zip(side)) {
            assert!((a - b).abs() < 1e-3, "{name}: {a} {b}");
        }
    }

    #[test]
    fn brows_and_corners_count_upwards() {
        let face = turned(0.0, 0.0);
        let raised = readout(&moved(&face, &[105], [0.0, -8.0, 0.0]));
        assert!((raised[5] - readout(&face)[5] - 0.1).abs() < 1e-2);
        let smile = readout(&moved(&face, &[61, 291], [0.0, -8.0, 0.0]));
        assert!((smile[4] - readout(&face)[4] - 0.1).abs() < 1e-2);
    }
}
