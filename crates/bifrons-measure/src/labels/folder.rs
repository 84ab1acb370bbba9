//! Folders of labelled photographs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bifrons_vision::BoundingBox;
use bifrons_vision::geometry::Point;

use super::{HeadPose, read_boxes, read_head_pose, read_points};
use crate::MeasureError;

/// What is known about a face.
#[derive(Debug, Clone, PartialEq)]
pub enum FaceLabel {
    /// Its 68 points, in pixels.
    Points(Vec<Point>),
    /// A box around it, in pixels.
    Box(BoundingBox),
    /// How it is turned; it is the only one that counts in its picture, place unknown.
    Pose(HeadPose),
}

impl FaceLabel {
    /// The box around the face; `None` when its place is unknown.
    #[must_use]
    pub fn bounding_box(&self) -> Option<BoundingBox> {
        match self {
            Self::Points(points) => Some(BoundingBox::around(points.iter().copied())),
            Self::Box(bounds) => Some(*bounds),
            Self::Pose(_) => None,
        }
    }
}

/// A photograph and the faces that are known to be on it.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledPicture {
    /// The file.
    pub path: PathBuf,
    /// Its faces.
    pub faces: Vec<FaceLabel>,
}

/// The labelled photographs of one folder.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureSet {
    /// Name of the folder.
    pub name: String,
    /// The photographs with labels, sorted by name.
    pub pictures: Vec<LabelledPicture>,
}

/// The labelled photographs (JPEG, PNG) in `dir` and in the folders inside it, one set a folder, sorted by name.
///
/// A face's `.pts` belongs to the photograph of the same name or, where several faces are numbered (`street_2.pts`), to
/// the one with the same name before the number (`street_1.jpg`). A `.mat` of AFLW2000-3D belongs to the photograph of
/// the same name. dlib's `*.xml` name theirs; if one list names the same photographs as another with points
/// (`*_with_face_landmarks.xml`), only the boxes count, since those points were made by a program.
///
/// # Errors
/// [`MeasureError::Io`], [`MeasureError::Label`]; [`MeasureError::Nothing`] when no photograph has a label.
pub fn picture_sets(dir: &Path) -> Result<Vec<PictureSet>, MeasureError> {
    let mut folders = vec![dir.to_owned()];
    folders.extend(entries(dir)?.into_iter().filter(|path| path.is_dir()));
    let mut sets = Vec::new();
    for folder in folders {
        let pictures = pictures_of(&folder)?;
        if !pictures.is_empty() {
            let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
            sets.push(PictureSet { name, pictures });
        }
    }
    if sets.is_empty() {
        return Err(MeasureError::Nothing { path: dir.to_owned(), what: "no photographs with labels" });
    }
    Ok(sets)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, MeasureError> {
    let io = |source| MeasureError::Io { path: dir.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io)? {
        paths.push(entry.map_err(io)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Photographs of a folder, sorted by name.
pub(super) fn photographs(dir: &Path) -> Result<Vec<PathBuf>, MeasureError> {
    let mut files = entries(dir)?;
    files.retain(|path| path.is_file() && ["jpg", "jpeg", "png"].contains(&ending(path).as_str()));
    Ok(files)
}

/// Folders of a folder, sorted by name.
pub(super) fn folders(dir: &Path) -> Result<Vec<PathBuf>, MeasureError> {
    Ok(entries(dir)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn pictures_of(dir: &Path) -> Result<Vec<LabelledPicture>, MeasureError> {
    let photographs = photographs(dir)?;
    let mut faces: BTreeMap<PathBuf, Vec<FaceLabel>> = BTreeMap::new();
    let files = entries(dir)?;
    for file in &files {
        match ending(file).as_str() {
            "pts" => {
                if let Some(picture) = picture_for(&photographs, &stem(file)) {
                    faces.entry(picture).or_default().push(FaceLabel::Points(read_points(file)?));
                }
            }
            "mat" => {
                if let Some(picture) = photographs.iter().find(|picture| stem(picture) == stem(file)) {
                    faces.entry(picture.clone()).or_default().push(FaceLabel::Pose(read_head_pose(file)?));
                }
            }
            "xml" if !stem(file).ends_with("_with_face_landmarks") => {
                for (name, boxes) in read_boxes(file)? {
                    let picture =
                        photographs.iter().find(|path| path.file_name().is_some_and(|n| *n == *name));
                    if let Some(picture) = picture {
                        faces
                            .entry(picture.clone())
                            .or_default()
                            .extend(boxes.into_iter().map(FaceLabel::Box));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(faces.into_iter().map(|(path, faces)| LabelledPicture { path, faces }).collect())
}

/// The photograph a face belongs to.
fn picture_for(photographs: &[PathBuf], face: &str) -> Option<PathBuf> {
    let numbered = |name: &str| {
        let (before, number) = name.rsplit_once('_')?;
        number.chars().all(|c| c.is_ascii_digit()).then(|| before.to_owned())
    };
    let same = photographs.iter().find(|path| stem(path) == face);
    let sibling =
        || photographs.iter().find(|path| numbered(&stem(path)).is_some_and(|p| Some(p) == numbered(face)));
    same.or_else(sibling).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_faces_belong_to_the_photograph_of_their_name() {
        let photographs = ["17_1.jpg", "17_9.jpg", "23_1.jpg"].map(PathBuf::from);
        assert_eq!(picture_for(&photographs, "17_9"), Some("17_9.jpg".into()));
        assert_eq!(picture_for(&photographs, "23_4"), Some("23_1.jpg".into()));
        assert_eq!(picture_for(&photographs, "99_1"), None);
    }

    #[test]
    fn a_folder_without_labels_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(picture_sets(dir.path()), Err(MeasureError::Nothing { .. })));
        assert!(matches!(picture_sets(&dir.path().join("none")), Err(MeasureError::Io { .. })));
    }
}
