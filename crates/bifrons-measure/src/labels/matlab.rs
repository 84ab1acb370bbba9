//! The part of MATLAB's level 5 files that AFLW2000-3D uses: named matrices of numbers, compressed.
//!
//! Format: "MAT-File Format", The MathWorks, chapter 1. Sizes are checked before memory is taken.

use std::path::Path;

use super::read_label;
use crate::MeasureError;

const HEADER_BYTES: usize = 128;
const COMPRESSED: u32 = 15;
const MATRIX: u32 = 14;
const SINGLE: u32 = 7;
const DOUBLE: u32 = 9;
/// Most bytes a compressed matrix may unfold to.
const MAX_MATRIX_BYTES: usize = 16 << 20;

/// How a head is turned, in degrees, in the signs of [`bifrons_vision::Pose`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadPose {
    /// To the picture's right (positive) or left.
    pub yaw_deg: f64,
    /// Up (positive) or down.
    pub pitch_deg: f64,
    /// Tilted clockwise on the picture (positive) or the other way.
    pub roll_deg: f64,
}

/// Reads the `Pose_Para` of a file of AFLW2000-3D: pitch, yaw, roll in radians, in a space whose y points upwards.
///
/// # Errors
/// [`MeasureError::Io`]; [`MeasureError::Label`] when the file is no MATLAB file with such a matrix.
pub fn read_head_pose(path: &Path) -> Result<HeadPose, MeasureError> {
    let values = matrix(&read_label(path)?, "Pose_Para");
    let [pitch, yaw, roll, ..] = values.as_deref().unwrap_or_default() else {
        let found = "none".to_owned();
        return Err(MeasureError::Label { path: path.to_owned(), expected: "a matrix Pose_Para", found });
    };
    Ok(HeadPose { yaw_deg: yaw.to_degrees(), pitch_deg: pitch.to_degrees(), roll_deg: -roll.to_degrees() })
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
    fn cut_off_files_give_nothing() {
        let bytes = file("Pose_Para", [0.5, -0.25, 1.0], true);
        for length in 0..bytes.len() {
            assert_eq!(matrix(&bytes[..length], "Pose_Para"), None);
        }
    }
}
