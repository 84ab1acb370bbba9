//! The part of MATLAB's level 5 files that AFLW2000-3D uses: named matrices of numbers, compressed.
//!
//! Format: "MAT-File Format", The MathWorks, chapter 1. Sizes are checked before memory is taken.

use std::path::Path;

use bifrons_vision::geometry::Rotation;

use super::read_label;
use crate::MeasureError;

const HEADER_BYTES: usize = 128;
const COMPRESSED: u32 = 15;
const MATRIX: u32 = 14;
const SINGLE: u32 = 7;
const DOUBLE: u32 = 9;
/// Most bytes a compressed matrix may unfold to.
const MAX_MATRIX_BYTES: usize = 16 << 20;

/// How a head is turned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadPose {
    /// The turn against a head that looks into the camera; axes as everywhere: x to the right, y down, z away.
    pub rotation: Rotation,
}

impl HeadPose {
    /// From three angles in radians as AFLW2000-3D gives them: `R_x(pitch) R_y(yaw) R_z(roll)` in a space whose y points
    /// upwards and whose z points to the camera (Zhu et al. 2016, 3DDFA).
    #[must_use]
    pub fn from_angles(pitch: f64, yaw: f64, roll: f64) -> Self {
        let ((sp, cp), (sy, cy), (sr, cr)) = (pitch.sin_cos(), yaw.sin_cos(), roll.sin_cos());
        let x = [[1.0, 0.0, 0.0], [0.0, cp, sp], [0.0, -sp, cp]];
        let y = [[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]];
        let z = [[cr, sr, 0.0], [-sr, cr, 0.0], [0.0, 0.0, 1.0]];
        let product = |a: [[f64; 3]; 3], b: [[f64; 3]; 3]| {
            a.map(|row| [0, 1, 2].map(|column| (0..3).map(|k| row[k] * b[k][column]).sum::<f64>()))
        };
        let theirs = product(product(x, y), z);
        // y and z the other way round, on both sides
        let sign = [1.0, -1.0, -1.0];
        let rows = [0, 1, 2].map(|i| [0, 1, 2].map(|j| sign[i] * sign[j] * theirs[i][j]));
        Self { rotation: Rotation { rows } }
    }

    /// Yaw, pitch and roll in degrees, taken apart as [`bifrons_vision::pose()`] does and in its signs.
    #[must_use]
    pub fn angles_deg(&self) -> [f64; 3] {
        let m = &self.rotation.rows;
        [m[2][0].clamp(-1.0, 1.0).asin(), -m[2][1].atan2(m[2][2]), m[1][0].atan2(m[0][0])]
            .map(f64::to_degrees)
    }
}

/// Reads the `Pose_Para` of a file of AFLW2000-3D.
///
/// # Errors
/// [`MeasureError::Io`]; [`MeasureError::Label`] when the file is no MATLAB file with such a matrix.
pub fn read_head_pose(path: &Path) -> Result<HeadPose, MeasureError> {
    let values = matrix(&read_label(path)?, "Pose_Para");
    let [pitch, yaw, roll, ..] = values.as_deref().unwrap_or_default() else {
        let found = "none".to_owned();
        return Err(MeasureError::Label { path: path.to_owned(), expected: "a matrix Pose_Para", found });
    };
    Ok(HeadPose::from_angles(*pitch, *yaw, *roll))
}

/// The numbers of a named matrix, column by column; `None` when there is none of floating-point numbers.
fn matrix(file: &[u8], name: &str) -> Option<Vec<f64>> {
    let mut rest = file.get(HEADER_BYTES..)?;
    while let Some((kind, content, after)) = element(rest) {
        rest = after;
        let unfolded;
        let body = if kind == COMPRESSED {
            unfolded =
                miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(content, MAX_MATRIX_BYTES).ok()?;
            match element(&unfolded) {
                Some((MATRIX, body, _)) => body,
                _ => continue,
            }
        } else if kind == MATRIX {
            content
        } else {
            continue;
        };
        let Some((flags, dimensions, found, numbers)) = parts(body) else { continue };
        let _ = (flags, dimensions);
        if found == name.as_bytes() {
            return floats(numbers);
        }
    }
    None
}

type Parts<'a> = (&'a [u8], &'a [u8], &'a [u8], (u32, &'a [u8]));

/// Flags, dimensions, name and numbers of a matrix.
fn parts(body: &[u8]) -> Option<Parts<'_>> {
    let (_, flags, rest) = element(body)?;
    let (_, dimensions, rest) = element(rest)?;
    let (_, name, rest) = element(rest)?;
    let (kind, numbers, _) = element(rest)?;
    Some((flags, dimensions, name, (kind, numbers)))
}

/// Kind and content of the first element, and what follows it: elements begin at multiples of 8 bytes, except after
/// compressed ones; small ones keep their content in the second half of their tag.
fn element(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let first = word(0)?;
    if first >> 16 != 0 {
        let length = (first >> 16) as usize;
        return Some((first & 0xffff, bytes.get(4..4 + length)?, bytes.get(8..)?));
    }
    let length = word(4)? as usize;
    let content = bytes.get(8..8usize.checked_add(length)?)?;
    let step = if first == COMPRESSED { length } else { length.next_multiple_of(8) };
    Some((first, content, bytes.get(8 + step..).unwrap_or_default()))
}

fn floats((kind, bytes): (u32, &[u8])) -> Option<Vec<f64>> {
    match kind {
        SINGLE => Some(
            bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect(),
        ),
        DOUBLE => {
            let eight = |b: &[u8]| <[u8; 8]>::try_from(b).ok().map(f64::from_le_bytes);
            bytes.chunks_exact(8).map(eight).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(kind: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = [kind.to_le_bytes(), (content.len() as u32).to_le_bytes()].concat();
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn file(name: &str, values: [f32; 3], compress: bool) -> Vec<u8> {
        let body = [
            tagged(6, &[7, 0, 0, 0, 0, 0, 0, 0]),
            tagged(5, &[1, 0, 0, 0, 3, 0, 0, 0]),
            tagged(1, name.as_bytes()),
            tagged(SINGLE, &values.map(f32::to_le_bytes).concat()),
        ]
        .concat();
        let matrix = tagged(MATRIX, &body);
        let mut file = vec![b' '; HEADER_BYTES];
        if compress {
            let packed = miniz_oxide::deflate::compress_to_vec_zlib(&matrix, 6);
            file.extend([COMPRESSED.to_le_bytes(), (packed.len() as u32).to_le_bytes()].concat());
            file.extend(packed);
        } else {
            file.extend(matrix);
        }
        file
    }

    #[test]
    fn a_matrix_is_found_by_its_name_packed_or_not() {
        for compress in [false, true] {
            let bytes = file("Pose_Para", [0.5, -0.25, 1.0], compress);
            assert_eq!(matrix(&bytes, "Pose_Para"), Some(vec![0.5, -0.25, 1.0]));
            assert_eq!(matrix(&bytes, "Shape_Para"), None);
        }
    }

    #[test]
    fn each_angle_has_our_sign() {
        let near = |pose: HeadPose, expected: [f64; 3]| {
            pose.angles_deg()
                .iter()
                .zip(expected)
                .for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{pose:?}"));
        };
        near(HeadPose::from_angles(0.0, 0.0, 0.0), [0.0; 3]);
        near(HeadPose::from_angles(0.5, 0.0, 0.0), [0.0, 0.5_f64.to_degrees(), 0.0]);
        near(HeadPose::from_angles(0.0, 0.5, 0.0), [-0.5_f64.to_degrees(), 0.0, 0.0]);
        near(HeadPose::from_angles(0.0, 0.0, 0.5), [0.0, 0.0, 0.5_f64.to_degrees()]);
    }

    #[test]
    fn cut_off_files_give_nothing() {
        let bytes = file("Pose_Para", [0.5, -0.25, 1.0], true);
        for length in 0..bytes.len() {
            assert_eq!(matrix(&bytes[..length], "Pose_Para"), None);
        }
    }
}
