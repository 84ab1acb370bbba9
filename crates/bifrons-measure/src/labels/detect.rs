//! How well faces are found, and their points and pose.

use bifrons_vision::{BoundingBox, Mesh, Tracker, TrackerOptions, Vision, VisionError, head_rotation, pose};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{FaceLabel, HeadPose, LabelledPicture, PictureSet, Spread, read_picture};
use crate::MeasureError;
use crate::face::{INNER_51, LANDMARKS, angle_between, landmark_error, landmarks};

/// Overlap (intersection over union) of the box around the 68 found points with the labelled one from which on the face
/// counts as found.
const FOUND_IOU: f32 = 0.4;

/// Figures of a set of photographs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetFigures {
    /// Name of the folder.
    pub name: String,
    /// Photographs.
    pub pictures: usize,
    /// Labelled faces.
    pub faces: usize,
    /// Labelled faces that were found.
    pub found: usize,
    /// Faces found where none is labelled, for each photograph. An upper limit: many sets leave small faces out.
    pub unlabelled_per_picture: f64,
    /// Error of the inner 51 of 68 points over the true distance of the outer eye corners.
    pub inner_landmark_error: Option<Spread>,
    /// Error of all 68 points. The mesh's jaw is another one than the labels', so only for comparison with itself.
    pub landmark_error: Option<Spread>,
    /// Error of the pose.
    pub pose: Option<PoseFigures>,
    /// Photographs in which a face was missed, one name for each face.
    pub missed: Vec<String>,
}

/// Mean absolute errors of the angles, in degrees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoseFigures {
    /// Of the turn to the side.
    pub yaw_deg: Spread,
    /// Of looking up and down.
    pub pitch_deg: Spread,
    /// Of the tilt.
    pub roll_deg: Spread,
    /// Of the three together.
    pub mean_deg: Spread,
    /// The angle of the turn between found and true.
    pub angle_deg: Spread,
}

/// `bifrons measure detect`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectReport {
    /// `bifrons.measure.detect`.
    pub schema: String,
    /// Version of the schema.
    pub version: u32,
    /// One for each folder.
    pub sets: Vec<SetFigures>,
    /// Films that show no face.
    pub empty: Vec<super::EmptyClip>,
}

/// What was found on a photograph.
struct Found {
    faces: Vec<Mesh>,
}

/// Finds the faces of labelled photographs exactly as extraction does, and compares.
///
/// # Errors
/// [`MeasureError::Io`], [`MeasureError::Picture`], [`MeasureError::Vision`].
pub fn detect(vision: &Vision, sets: &[PictureSet]) -> Result<Vec<SetFigures>, MeasureError> {
    let figures = |set: &PictureSet| {
        let found: Result<Vec<Found>, MeasureError> =
            set.pictures.par_iter().map(|picture| find(vision, picture)).collect();
        Ok(compare(&set.name, &set.pictures, &found?))
    };
    sets.iter().map(figures).collect()
}

fn find(vision: &Vision, picture: &LabelledPicture) -> Result<Found, MeasureError> {
    let image = read_picture(&picture.path)?;
    Ok(Found { faces: faces_of(vision, &image)? })
}

/// The faces of a still, as extraction finds them.
pub(crate) fn faces_of(vision: &Vision, image: &bifrons_media::RgbImage) -> Result<Vec<Mesh>, VisionError> {
    let mut tracker = Tracker::with_options(vision, TrackerOptions::stills());
    let mut known = tracker.next(image)?;
    let (rest, ended) = tracker.finish();
    known.extend(rest);
    let accepted: Vec<u32> = ended.into_iter().filter(|end| end.accepted).map(|end| end.track).collect();
    let faces = known.into_iter().flat_map(|known| known.step.observations);
    let faces = faces.filter(|face| accepted.contains(&face.track));
    Ok(faces.map(|face| face.mesh).collect())
}

fn landmark_box(mesh: &Mesh) -> BoundingBox {
    BoundingBox::around(landmarks(mesh))
}

fn compare(name: &str, pictures: &[LabelledPicture], found: &[Found]) -> SetFigures {
    let (mut faces, mut hits, mut unlabelled) = (0, 0, 0);
    let mut missed = Vec::new();
    let (mut inner, mut all, mut poses) = (Vec::new(), Vec::new(), Vec::new());
    for (picture, found) in pictures.iter().zip(found) {
        let matches = matched(&picture.faces, &found.faces);
        unlabelled += found.faces.len() - matches.iter().flatten().count();
        for (label, mesh) in picture.faces.iter().zip(&matches) {
            faces += 1;
            let Some(mesh) = mesh.map(|i| &found.faces[i]) else {
                let name = picture.path.file_name().unwrap_or_default();
                missed.push(name.to_string_lossy().into_owned());
                continue;
            };
            hits += 1;
            match label {
                FaceLabel::Points(truth) => {
                    inner.extend(landmark_error(&landmarks(mesh), truth, INNER_51));
                    all.extend(landmark_error(&landmarks(mesh), truth, 0..LANDMARKS));
                }
                FaceLabel::Pose(truth) => poses.push(pose_errors(mesh, truth)),
                FaceLabel::Box(_) => {}
            }
        }
    }
    SetFigures {
        name: name.to_owned(),
        pictures: pictures.len(),
        faces,
        found: hits,
        unlabelled_per_picture: unlabelled as f64 / pictures.len().max(1) as f64,
        inner_landmark_error: Spread::of(&inner),
        landmark_error: Spread::of(&all),
        pose: pose_figures(&poses),
        missed,
    }
}

/// For each label the face that was found there, each face at most once, the best overlap first.
fn matched(labels: &[FaceLabel], faces: &[Mesh]) -> Vec<Option<usize>> {
    let mut matches = vec![None; labels.len()];
    let boxes: Vec<BoundingBox> = faces.iter().map(landmark_box).collect();
    let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
    for (l, label) in labels.iter().enumerate() {
        match label.bounding_box() {
            Some(bounds) => {
                pairs.extend(boxes.iter().enumerate().map(|(f, found)| (bounds.iou(found), l, f)))
            }
            // the largest face is the one meant
            None => {
                let largest = (0..boxes.len()).max_by(|&a, &b| boxes[a].area().total_cmp(&boxes[b].area()));
                pairs.extend(largest.map(|f| (1.0, l, f)));
            }
        }
    }
    pairs.retain(|pair| pair.0 >= FOUND_IOU);
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut taken = vec![false; faces.len()];
    for (_, label, face) in pairs {
        if matches[label].is_none() && !taken[face] {
            matches[label] = Some(face);
            taken[face] = true;
        }
    }
    matches
}

/// Absolute errors of yaw, pitch and roll, their mean, and the angle between, in degrees.
fn pose_errors(mesh: &Mesh, truth: &HeadPose) -> [f64; 5] {
    let (found, angles) = (pose(mesh), truth.angles_deg());
    let apart = |a: f32, b: f64| {
        let turn = (f64::from(a) - b).rem_euclid(360.0);
        turn.min(360.0 - turn)
    };
    let [yaw, pitch, roll] = [
        apart(found.yaw_deg, angles[0]),
        apart(found.pitch_deg, angles[1]),
        apart(found.roll_deg, angles[2]),
    ];
    let angle = head_rotation(mesh).map_or(180.0, |rotation| angle_between(&rotation, &truth.rotation));
    [yaw, pitch, roll, (yaw + pitch + roll) / 3.0, angle]
}

fn pose_figures(errors: &[[f64; 5]]) -> Option<PoseFigures> {
    let figure = |i: usize| Spread::of(&errors.iter().map(|error| error[i]).collect::<Vec<_>>());
    Some(PoseFigures {
        yaw_deg: figure(0)?,
        pitch_deg: figure(1)?,
        roll_deg: figure(2)?,
        mean_deg: figure(3)?,
        angle_deg: figure(4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifrons_vision::align::canonical_point3;

    fn face_at(x: f64) -> Mesh {
        let points: Vec<[f32; 3]> = (0..478)
            .map(|i| {
                let p = canonical_point3(i).map(|v| v * 50.0);
                [(p[0] + x) as f32, (p[1] + 100.0) as f32, p[2] as f32]
            })
            .collect();
        Mesh::try_from(points).unwrap()
    }

    fn picture(faces: Vec<FaceLabel>) -> Vec<LabelledPicture> {
        vec![LabelledPicture { path: "street.jpg".into(), faces }]
    }

    fn points(x: f64) -> FaceLabel {
        FaceLabel::Points(landmarks(&face_at(x)))
    }

    #[test]
    fn all_found_in_place_is_perfect() {
        let found = [Found { faces: vec![face_at(300.0), face_at(100.0)] }];
        let figures = compare("set", &picture(vec![points(100.0), points(300.0)]), &found);
        assert_eq!((figures.faces, figures.found, figures.unlabelled_per_picture), (2, 2, 0.0));
        assert_eq!(figures.inner_landmark_error.unwrap().largest, 0.0);
        assert!(figures.missed.is_empty());
    }

    #[test]
    fn missed_invented_and_moved_faces_are_caught() {
        // 1.5 px of 50 between the eyes
        let found = [Found { faces: vec![face_at(101.5), face_at(700.0)] }];
        let figures = compare("set", &picture(vec![points(100.0), points(300.0)]), &found);
        assert_eq!((figures.found, figures.unlabelled_per_picture), (1, 1.0));
        assert_eq!(figures.missed, ["street.jpg"]);
        assert!((figures.inner_landmark_error.unwrap().mean - 0.03).abs() < 1e-4);
    }

    #[test]
    fn one_face_does_not_count_for_two_labels() {
        let found = [Found { faces: vec![face_at(100.0)] }];
        let figures = compare("set", &picture(vec![points(100.0), points(102.0)]), &found);
        assert_eq!(figures.found, 1);
    }

    #[test]
    fn the_pose_of_the_largest_face_is_compared() {
        let truth = HeadPose::from_angles(0.0, 10.0_f64.to_radians(), 0.0);
        let small =
            Mesh::try_from(face_at(0.0).points().iter().map(|p| p.map(|v| v / 3.0)).collect::<Vec<_>>());
        let found = Found { faces: vec![small.unwrap(), face_at(100.0)] };
        let figures = compare("set", &picture(vec![FaceLabel::Pose(truth)]), &[found]);
        let pose = figures.pose.unwrap();
        assert!(
            (pose.yaw_deg.mean - 10.0).abs() < 1e-2
                && pose.pitch_deg.mean < 1e-2
                && pose.roll_deg.mean < 1e-2
        );
        assert!((pose.mean_deg.mean - 10.0 / 3.0).abs() < 1e-2 && (pose.angle_deg.mean - 10.0).abs() < 1e-2);
    }
}
