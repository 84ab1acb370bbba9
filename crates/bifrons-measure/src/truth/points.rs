//! The files of a rendered pair, and where its true points lie.

use std::path::{Path, PathBuf};

use bifrons_vision::Mesh;
use bifrons_vision::align::{Framing, canonical_point3, crop_from_canonical};
use bifrons_vision::geometry::{Point, Similarity, umeyama};
use serde::Deserialize;

use crate::MeasureError;
use crate::face::{LANDMARKS, landmarks};

/// Largest file of points read, in bytes.
const MAX_POINTS_BYTES: u64 = 64 << 20;
/// Points that move little with the expression, of the 68: ridge and base of the nose, eye corners.
const STABLE: [usize; 11] = [27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45];

/// The films of a pair, as its makers name them: they call the filmed person "A" and the identity "B".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TruthFiles {
    /// Name of the pair.
    pub name: String,
    /// Footage of the filmed person to train on.
    pub train_footage: PathBuf,
    /// Footage of the identity to train on.
    pub train_identity: PathBuf,
    /// The film to convert, of which training sees nothing.
    pub footage: PathBuf,
    /// The identity giving the same performance.
    pub identity_truth: PathBuf,
    /// The perfect swap: the filmed head with the identity's inner face.
    pub swap_truth: PathBuf,
    /// The 68 points of each frame.
    pub points: PathBuf,
}

impl TruthFiles {
    /// The first pair of a folder, by name: `NAME_truth.json` and the films beside it.
    ///
    /// # Errors
    /// [`MeasureError::Io`]; [`MeasureError::Nothing`] when there is none or a film is missing.
    pub fn find(dir: &Path) -> Result<Self, MeasureError> {
        let io = |source| MeasureError::Io { path: dir.to_owned(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(io)? {
            let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_suffix("_truth.json").map(str::to_owned));
        }
        names.sort();
        let nothing = |what| MeasureError::Nothing { path: dir.to_owned(), what };
        let name = names.into_iter().next().ok_or_else(|| nothing("no NAME_truth.json"))?;
        let file = |ending: &str| dir.join(format!("{name}_{ending}"));
        let files = Self {
            train_footage: file("train_A.mp4"),
            train_identity: file("train_B.mp4"),
            footage: file("eval_A.mp4"),
            identity_truth: file("eval_B_truth.mp4"),
            swap_truth: file("eval_swap_truth.mp4"),
            points: file("truth.json"),
            name,
        };
        let films = [
            &files.train_footage,
            &files.train_identity,
            &files.footage,
            &files.identity_truth,
            &files.swap_truth,
        ];
        if films.iter().all(|film| film.is_file()) {
            Ok(files)
        } else {
            Err(nothing("a film of the pair is missing"))
        }
    }
}

/// The true 68 points of each frame of the performance, in frame pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct TruePoints {
    /// On the filmed person.
    pub footage: Vec<Vec<Point>>,
    /// On the identity giving the same performance.
    pub identity: Vec<Vec<Point>>,
    /// On the perfect swap.
    pub swap: Vec<Vec<Point>>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    #[serde(rename = "eval_A")]
    footage: Vec<Vec<[f64; 2]>>,
    #[serde(default)]
    #[serde(rename = "eval_B")]
    identity: Vec<Vec<[f64; 2]>>,
    #[serde(default)]
    #[serde(rename = "eval_hybrid")]
    swap: Vec<Vec<[f64; 2]>>,
}

impl TruePoints {
    /// Reads the points of a pair.
    ///
    /// # Errors
    /// [`MeasureError::Io`]; [`MeasureError::Label`] when frames have not 68 points each.
    pub fn read(path: &Path) -> Result<Self, MeasureError> {
        let io = |source| MeasureError::Io { path: path.to_owned(), source };
        let wrong = |found: String| MeasureError::Label {
            path: path.to_owned(),
            expected: "68 points for each frame",
            found,
        };
        let bytes = std::fs::metadata(path).map_err(io)?.len();
        if bytes > MAX_POINTS_BYTES {
            return Err(wrong(format!("{bytes} bytes")));
        }
        let file: File =
            serde_json::from_slice(&std::fs::read(path).map_err(io)?).map_err(|e| wrong(e.to_string()))?;
        let frames = |list: Vec<Vec<[f64; 2]>>| -> Vec<Vec<Point>> {
            list.into_iter()
                .map(|points| points.into_iter().map(|[x, y]| Point::new(x, y)).collect())
                .collect()
        };
        let points =
            Self { footage: frames(file.footage), identity: frames(file.identity), swap: frames(file.swap) };
        let sides = [&points.footage, &points.identity, &points.swap];
        let all_68 =
            sides.iter().all(|side| !side.is_empty() && side.iter().all(|points| points.len() == LANDMARKS));
        if all_68 { Ok(points) } else { Err(wrong("another number".to_owned())) }
    }
}

/// The similarity from frame pixels to an aligned square of `size_px`, by the points that move little with the
/// expression. `None` for anything but 68 points of a face.
pub(super) fn square_from_frame(points: &[Point], size_px: usize) -> Option<Similarity> {
    if points.len() != LANDMARKS {
        return None;
    }
    let canonical: Vec<[f32; 3]> = (0..478).map(|i| canonical_point3(i).map(|v| v as f32)).collect();
    let canonical = landmarks(&Mesh::try_from(canonical).ok()?);
    let canonical_from_frame = umeyama(&STABLE.map(|i| points[i]), &STABLE.map(|i| canonical[i]))?;
    Some(Framing::Face.from_crop(size_px) * crop_from_canonical() * canonical_from_frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignment_takes_a_face_anywhere_to_the_same_place() {
        let canonical: Vec<[f32; 3]> = (0..478).map(|i| canonical_point3(i).map(|v| v as f32)).collect();
        let face = landmarks(&Mesh::try_from(canonical).unwrap());
        let place = Similarity::about(Point::default(), Point::new(200.0, 150.0), 80.0, 0.3);
        let moved: Vec<Point> = face.iter().map(|&p| place.apply(p)).collect();
        let (one, other) = (square_from_frame(&face, 64).unwrap(), square_from_frame(&moved, 64).unwrap());
        for (a, b) in face.iter().zip(&moved) {
            assert!(one.apply(*a).distance(other.apply(*b)) < 1e-3);
        }
        assert_eq!(square_from_frame(&face[..51], 64), None);
    }

    #[test]
    fn a_folder_without_a_pair_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(TruthFiles::find(dir.path()), Err(MeasureError::Nothing { .. })));
    }
}
