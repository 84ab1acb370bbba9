//! What the identity looks like.

use std::path::Path;

use bifrons_media::{Clip, ClipKind};
use bifrons_vision::{DetectorOptions, Picture, Vision, pose};

use super::IdentityInfo;
use crate::MeasureError;
use crate::face::{Likeness, Networks};
use crate::statistics::mean;

/// Frames looked at, spread evenly.
const FRAMES: usize = 150;
/// Faces turned further to the side count for nobody, in degrees.
const MOST_YAW_DEG: f32 = 45.0;
/// The mean is made of this share of the faces, the first ones; the rest is held out. A split in the middle of a clip,
/// never frame by frame: neighbouring frames are the same picture.
const MEAN_SHARE: f64 = 2.0 / 3.0;
/// What counts as a face, as in [`bifrons_vision::TrackerOptions`].
const LEAST_SCORE: f32 = 0.6;
const LEAST_PRESENCE: f32 = 0.5;

/// The identity, as the network that scores sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Direction of the mean.
    pub mean: Likeness,
    /// What it was made of.
    pub info: IdentityInfo,
}

impl Reference {
    /// Looks at a clip of the identity: a video, a picture, a folder of pictures or the faceset of a project. In each
    /// frame the largest face counts.
    ///
    /// # Errors
    /// [`MeasureError::Media`], [`MeasureError::Vision`]; [`MeasureError::Nothing`] when no face is seen.
    pub fn read(vision: &Vision, networks: &Networks, path: &Path) -> Result<Self, MeasureError> {
        let clip = Clip::open(path)?;
        let count = clip.frame_count();
        let step = count.div_ceil(FRAMES).max(1);
        let mut faces = Vec::new();
        let mut reader = clip.read(0)?;
        while let Some(frame) = reader.next_frame()? {
            if frame.index() % step == 0 {
                faces.extend(largest_face(vision, networks, &frame)?);
            }
        }
        // stills need not be in order of time, yet neighbours by name are often one take
        let split = if clip.kind() == ClipKind::Picture {
            faces.len()
        } else {
            (faces.len() as f64 * MEAN_SHARE).ceil() as usize
        };
        let Some(mean_face) = Likeness::mean(&faces[..split]) else {
            return Err(MeasureError::Nothing {
                path: path.to_owned(),
                what: "no face of the identity is seen",
            });
        };
        let held_out: Vec<f64> = faces[split..].iter().map(|face| face.cosine(&mean_face)).collect();
        let info = IdentityInfo {
            name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            faces_mean: split,
            faces_held_out: held_out.len(),
            likeness_to_itself: mean(&held_out),
        };
        Ok(Self { mean: mean_face, info })
    }
}

fn largest_face(
    vision: &Vision,
    networks: &Networks,
    picture: &dyn Picture,
) -> Result<Option<Likeness>, MeasureError> {
    let mut faces = vision.detect(picture, &DetectorOptions::default())?;
    faces.retain(|face| face.score >= LEAST_SCORE);
    faces.sort_by(|a, b| b.bbox.area().total_cmp(&a.bbox.area()));
    let Some(face) = faces.first() else { return Ok(None) };
    let Some(fit) = vision.mesh(picture, face)? else { return Ok(None) };
    if fit.presence < LEAST_PRESENCE || pose(&fit.mesh).yaw_deg.abs() > MOST_YAW_DEG {
        return Ok(None);
    }
    Ok(networks.likeness(picture, &fit.mesh)?)
}
