//! Faces that the project has cut out, as they are flattened.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bifrons_media::RgbImage;
use bifrons_project::{ClipId, Face};
use bifrons_vision::Mesh;
use bifrons_vision::align::{crop_from_canonical, crop_from_frame, flatten};
use bifrons_vision::geometry::Point;

/// A face's crop and where its mesh's points lie in it.
pub(crate) struct Crop {
    picture: RgbImage,
    points: Vec<Point>,
}

impl Crop {
    /// The crop of a face; `folders` is where those of each clip lie. `None` when it was not kept or cannot be read: crops are
    /// derived, so one that is gone is one face less.
    pub(crate) fn of(face: &Face, folders: &BTreeMap<ClipId, PathBuf>) -> Option<Self> {
        let path = folders.get(&face.clip)?.join(face.record.crop.as_ref()?);
        let picture = RgbImage::decode(&std::fs::read(path).ok()?).ok()?;
        let mesh = Mesh::try_from(face.record.points.clone()).ok()?;
        Some(Self { picture, points: mesh.points_in(&crop_from_frame(&mesh)) })
    }

    /// Flattened, `size_px` squared, and how well each pixel was seen.
    pub(crate) fn flattened(&self, size_px: usize) -> (RgbImage, Vec<f32>) {
        flatten(&self.picture, &self.points, crop_from_canonical().scale(), size_px, 1.0)
    }
}
