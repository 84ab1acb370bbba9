//! The faces of one person in memory, as training wants them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bifrons_media::RgbImage;
use bifrons_net::{Geometry, Network};
use bifrons_project::{ClipId, Face, Meter, Project, Reporter, Review, Stage};
use bifrons_vision::Mesh;
use bifrons_vision::align::{
    FlatMask, Framing, Shape, UsualFace, crop_from_canonical, crop_from_frame, features_mask, flatten,
    hull_mask,
};
use bifrons_vision::geometry::{Border, Similarity, warp};
use bifrons_vision::pose::{eye_openness, mouth_openness};
use rayon::prelude::*;

use crate::augment::MARGIN;
use crate::{Look, TrainingError, held_out};

/// Below this a network learns single pictures by heart.
const FEWEST_FACES: usize = 1;
/// By how much a borrowed mouth may be made brighter or darker: noise is no tooth.
const MOST_BRIGHTER: f32 = 3.0;
/// Faces decoded between two reports.
const PORTION: usize = 64;

/// One face, cut to the framing of the preset with room around it ([`MARGIN`]), 8 bits a sample.
#[derive(Clone, Debug)]
pub struct TrainingFace {
    side_px: usize,
    /// `[side, side, 3]`.
    rgb: Vec<u8>,
    /// `[side, side]`: 255 where the face is.
    mask: Vec<u8>,
    /// `[side, side]`: 255 on eyes and mouth.
    features: Vec<u8>,
    /// Whose it is, where that is asked for.
    whose: Option<Arc<Somebody>>,
}

/// What faces of one person have in common.
#[derive(Clone, Debug)]
pub struct Somebody {
    /// `[side, side, 3]`: what they usually look like, as [`UsualFace::face`].
    pub usual: Vec<u8>,
    /// `[side, side]`: 255 between the lips.
    pub mouth: Vec<u8>,
}

impl TrainingFace {
    /// A face from its planes, each `side_px` squared (`rgb` with three samples a pixel).
    ///
    /// # Panics
    /// When a plane has another size.
    #[must_use]
    pub fn new(side_px: usize, rgb: Vec<u8>, mask: Vec<u8>, features: Vec<u8>) -> Self {
        let area = side_px * side_px;
        assert_eq!([rgb.len(), mask.len(), features.len()], [3 * area, area, area]);
        Self { side_px, rgb, mask, features, whose: None }
    }

    /// The same as a face of somebody, whose planes are as large.
    ///
    /// # Panics
    /// When they are not.
    #[must_use]
    pub fn of(self, whose: &Arc<Somebody>) -> Self {
        let sizes = [whose.usual.len(), whose.mouth.len()];
        assert_eq!(sizes, [self.rgb.len(), self.mask.len()], "planes of the same size");
        Self { whose: Some(Arc::clone(whose)), ..self }
    }

    /// The same with what `other`, a face of the same size, has between its lips, in the colours of this one; as it is where it is
    /// not known whose faces they are.
    #[must_use]
    pub fn with_mouth_of(&self, other: &Self) -> Cow<'_, Self> {
        let (Some(own), Some(others)) = (&self.whose, &other.whose) else { return Cow::Borrowed(self) };
        let mut face = self.clone();
        for (at, &share) in own.mouth.iter().enumerate().filter(|(_, share)| **share > 0) {
            let share = f32::from(share) / 255.0;
            let mixed = |own: u8, other: f32| {
                (f32::from(own) + share * (other - f32::from(own))).round().clamp(0.0, 255.0) as u8
            };
            for at in 3 * at..3 * at + 3 {
                // between the lips a usual face is as bright as the light is
                let brighter = f32::from(own.usual[at]) / f32::from(others.usual[at].max(1));
                let brighter = brighter.clamp(MOST_BRIGHTER.recip(), MOST_BRIGHTER);
                face.rgb[at] = mixed(self.rgb[at], brighter * f32::from(other.rgb[at]));
            }
            face.mask[at] = mixed(self.mask[at], f32::from(other.mask[at]));
        }
        Cow::Owned(face)
    }

    /// Colours, row by row.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Colour, mask and features at a point of the framing (unit square), between pixels linear, beyond the kept
    /// square its border. All in `[0, 1]`.
    #[must_use]
    pub fn at(&self, framing: [f32; 2]) -> ([f32; 3], f32, f32) {
        let [mut mask, mut features] = [0.0; 2];
        for (pixel, weight) in self.around(framing) {
            mask += weight * f32::from(self.mask[pixel]);
            features += weight * f32::from(self.features[pixel]);
        }
        (self.color(&self.rgb, framing), mask, features)
    }

    /// The colour that the person usually has there; black where it is not known whose face it is.
    #[must_use]
    pub fn usual_at(&self, framing: [f32; 2]) -> [f32; 3] {
        self.whose.as_ref().map_or([0.0; 3], |whose| self.color(&whose.usual, framing))
    }

    fn color(&self, rgb: &[u8], framing: [f32; 2]) -> [f32; 3] {
        let mut sum = [0.0; 3];
        for (pixel, weight) in self.around(framing) {
            for (sum, value) in sum.iter_mut().zip(&rgb[3 * pixel..3 * pixel + 3]) {
                *sum += weight * f32::from(*value);
            }
        }
        sum
    }

    /// The four pixels around a point, and how much each counts there: together 1/255.
    fn around(&self, framing: [f32; 2]) -> [(usize, f32); 4] {
        let last = (self.side_px - 1) as f32;
        let at = framing.map(|v| (((v - 0.5) / MARGIN + 0.5) * self.side_px as f32 - 0.5).clamp(0.0, last));
        let cell = at.map(|v| v as usize);
        let next = cell.map(|v| (v + 1).min(self.side_px - 1));
        let [fx, fy] = [at[0] - cell[0] as f32, at[1] - cell[1] as f32];
        [
            (cell[1] * self.side_px + cell[0], (1.0 - fx) * (1.0 - fy)),
            (cell[1] * self.side_px + next[0], fx * (1.0 - fy)),
            (next[1] * self.side_px + cell[0], (1.0 - fx) * fy),
            (next[1] * self.side_px + next[0], fx * fy),
        ]
        .map(|(pixel, weight)| (pixel, weight / 255.0))
    }
}

/// The faces of one person.
#[derive(Clone, Debug)]
pub struct Faceset {
    /// Who.
    pub person: String,
    /// Their faces, in the order of the film.
    pub faces: Vec<TrainingFace>,
    /// What each looks like.
    pub looks: Vec<Look>,
    /// Those that are never trained on.
    pub held_out: Range<usize>,
    /// What their face is shaped like.
    pub shape: Shape,
}

impl Faceset {
    /// `count` faces spread evenly over the film.
    pub(crate) fn spread(&self, count: usize) -> Vec<&TrainingFace> {
        (0..count).map(|number| &self.faces[(2 * number + 1) * self.faces.len() / (2 * count)]).collect()
    }

    /// Memory that one face takes.
    #[must_use]
    pub fn bytes_of_face(network: &Network) -> usize {
        // colours, mask and features
        5 * side_of(network).pow(2)
    }

    /// Reads a person's faces from the project: all but those rejected in review.
    ///
    /// # Errors
    /// [`TrainingError::TooFewFaces`]; [`TrainingError::MissingCrop`] and [`TrainingError::Crop`] when `faces/` was
    /// tampered with; [`TrainingError::Project`].
    pub fn load(
        project: &Project,
        person: &str,
        network: &Network,
        reporter: &dyn Reporter,
    ) -> Result<Self, TrainingError> {
        let faces = project.index().faces_of(person, Review::NotRejected)?;
        if faces.len() < FEWEST_FACES {
            let person = person.to_owned();
            return Err(TrainingError::TooFewFaces { person, found: faces.len(), needed: FEWEST_FACES });
        }
        let side_px = side_of(network);
        let folders = project.index().crop_folders()?;
        let meshes = faces.iter().map(|face| mesh(&folders, face)).collect::<Result<Vec<_>, _>>()?;
        let shape = Shape::of(&meshes);
        let mut meter = Meter::new(Stage::Load, Some(person.to_owned()), 0, Some(faces.len() as u64));
        let flat = match network.geometry {
            Geometry::Aligned => None,
            Geometry::Flattened => Some(FlatMask::new(side_px, f64::from(MARGIN))),
        };
        let mut loaded = Vec::with_capacity(faces.len());
        for (portion, meshes) in faces.chunks(PORTION).zip(meshes.chunks(PORTION)) {
            let both = portion.par_iter().zip(meshes);
            let read = both.map(|(face, mesh)| load_face(&folders, face, mesh, side_px, flat.as_ref()));
            loaded.extend(read.collect::<Result<Vec<_>, _>>()?);
            meter.advance(portion.len() as u64, reporter);
        }
        if let Some(flat) = flat.as_ref().filter(|_| network.centred) {
            let whose = Arc::new(somebody(&loaded, flat, side_px));
            loaded = loaded.into_iter().map(|face| face.of(&whose)).collect();
        }
        Ok(Self {
            person: person.to_owned(),
            looks: faces.iter().zip(&meshes).map(|(face, mesh)| look(face, mesh)).collect(),
            held_out: held_out::held_out(loaded.len()),
            faces: loaded,
            shape,
        })
    }
}

/// The person whose faces these are.
fn somebody(faces: &[TrainingFace], flat: &FlatMask, side_px: usize) -> Somebody {
    let mut usual = UsualFace::new(side_px);
    for face in faces {
        let pixels = face.rgb.as_chunks::<3>().0.iter().zip(&face.mask);
        usual.add(pixels.map(|(rgb, seen)| (rgb.map(|v| f32::from(v) / 255.0), f32::from(*seen) / 255.0)));
    }
    Somebody { usual: usual.face(flat).to_rgb8(), mouth: bytes(flat.mouth()) }
}

/// Side of a kept face, in pixels.
fn side_of(network: &Network) -> usize {
    (network.output_px as f32 * MARGIN).round() as usize
}

fn look(face: &Face, mesh: &Mesh) -> Look {
    Look {
        yaw: face.record.yaw_deg,
        pitch: face.record.pitch_deg,
        mouth: mouth_openness(mesh),
        eyes: eye_openness(mesh),
        sharpness: face.record.sharpness,
    }
}

/// Where crops lie, by clip: a face may have been said to be somebody else's than the clip's person.
type Folders = BTreeMap<ClipId, PathBuf>;

fn path_of(folders: &Folders, face: &Face) -> PathBuf {
    let folder = folders.get(&face.clip).cloned().unwrap_or_default();
    folder.join(face.record.crop.as_deref().unwrap_or_default())
}

fn mesh(folders: &Folders, face: &Face) -> Result<Mesh, TrainingError> {
    Mesh::try_from(face.record.points.clone())
        .map_err(|error| TrainingError::BadMesh { path: path_of(folders, face), reason: error.to_string() })
}

fn load_face(
    folders: &Folders,
    face: &Face,
    mesh: &Mesh,
    side_px: usize,
    flat: Option<&FlatMask>,
) -> Result<TrainingFace, TrainingError> {
    let path = path_of(folders, face);
    let bytes =
        std::fs::read(&path).map_err(|source| TrainingError::MissingCrop { path: path.clone(), source })?;
    let crop =
        RgbImage::decode(&bytes).map_err(|source| TrainingError::Crop { path: path.clone(), source })?;
    Ok(match flat {
        None => aligned(&crop, mesh, side_px),
        Some(flat) => flattened(&crop, mesh, side_px, flat),
    })
}

/// Cuts a training face out of a crop and draws its masks.
fn aligned(crop: &RgbImage, mesh: &Mesh, side_px: usize) -> TrainingFace {
    let side_from_crop = with_margin(side_px) * Framing::Face.from_crop(side_px);
    let image = warp(crop, &side_from_crop, side_px, side_px, Border::Replicate);
    let points = mesh.points_in(&(side_from_crop * crop_from_frame(mesh)));
    TrainingFace::new(
        side_px,
        image.to_rgb8(),
        bytes(&hull_mask(&points, side_px, 0.0)),
        bytes(&features_mask(&points, side_px)),
    )
}

/// Flattens the face of a crop; what was not seen does not count.
fn flattened(crop: &RgbImage, mesh: &Mesh, side_px: usize, flat: &FlatMask) -> TrainingFace {
    let points = mesh.points_in(&crop_from_frame(mesh));
    let scale = crop_from_canonical().scale();
    let (image, seen) = flatten(crop, &points, scale, side_px, f64::from(MARGIN));
    let mask: Vec<f32> = flat.inside().iter().zip(&seen).map(|(inside, seen)| inside * seen).collect();
    TrainingFace::new(side_px, image.to_rgb8(), bytes(&mask), bytes(flat.features()))
}

fn bytes(plane: &[f32]) -> Vec<u8> {
    plane.iter().map(|value| (value * 255.0).round() as u8).collect()
}

/// Shrinks the framing around its centre to leave room for shifts and turns.
fn with_margin(side_px: usize) -> Similarity {
    let centre = side_px as f64 / 2.0;
    let point = bifrons_vision::geometry::Point::new(centre, centre);
    Similarity::about(point, point, 1.0 / f64::from(MARGIN), 0.0)
}
