//! The inspectors of a sharpened model, asked about faces in a film.

use bifrons_media::RgbImage;
use bifrons_net::{Device, Geometry, Inspectors, Network, Tensor, weights};
use bifrons_project::Checkpoint;
use bifrons_vision::Mesh;
use bifrons_vision::align::{
    CROP_SIZE_PX, FlatMask, Framing, crop_from_canonical, crop_from_frame, flatten, hull_mask,
};
use bifrons_vision::geometry::{Border, warp};

use crate::sharpening::INSPECTORS;
use crate::{CheckpointMeta, TrainingError};

/// Inspectors that no longer learn.
#[derive(Debug)]
pub struct Inspection {
    inspectors: Inspectors,
    network: Network,
    /// Where a flattened face is one; `None` for a network of aligned faces.
    flat: Option<FlatMask>,
    people: Vec<String>,
    device: Device,
}

impl Inspection {
    /// The inspectors of a checkpoint; `None` when the model was never sharpened.
    ///
    /// # Errors
    /// [`TrainingError::Project`] when the checkpoint changed since it was opened, [`TrainingError::Net`] when the weights do
    /// not fit.
    pub fn load(checkpoint: &Checkpoint, device: &Device) -> Result<Option<Self>, TrainingError> {
        if !checkpoint.manifest().files.contains_key(INSPECTORS) {
            return Ok(None);
        }
        let CheckpointMeta { preset, people, .. } = checkpoint.meta()?;
        let fresh = Inspectors::new(people.len(), 0, device);
        let inspectors = weights::from_safetensors(fresh, &checkpoint.read(INSPECTORS)?)?;
        let network = preset.network;
        let flat = match network.geometry {
            Geometry::Flattened => Some(FlatMask::new(network.output_px, 1.0)),
            Geometry::Aligned => None,
        };
        Ok(Some(Self { inspectors, network, flat, people, device: device.clone() }))
    }

    /// Whose faces they know, in the order of the verdicts.
    #[must_use]
    pub fn people(&self) -> &[String] {
        &self.people
    }

    /// What each person's inspector says of the face under `mesh`, were it that person's: about 1 filmed, about 0 drawn, the
    /// mean over the patches that are seen.
    #[must_use]
    pub fn verdicts(&self, picture: &RgbImage, mesh: &Mesh) -> Vec<f64> {
        let size_px = self.network.output_px;
        let crop_from_frame = crop_from_frame(mesh);
        let (face, seen) = match &self.flat {
            Some(flat) => {
                let crop = warp(picture, &crop_from_frame, CROP_SIZE_PX, CROP_SIZE_PX, Border::Replicate);
                let points = mesh.points_in(&crop_from_frame);
                let (face, seen) = flatten(&crop, &points, crop_from_canonical().scale(), size_px, 1.0);
                let seen = seen.iter().zip(flat.inside()).map(|(seen, inside)| seen * inside).collect();
                (face, seen)
            }
            None => {
                let place = Framing::Face.from_crop(size_px) * crop_from_frame;
                let seen = hull_mask(&mesh.points_in(&place), size_px, 0.0);
                (warp(picture, &place, size_px, size_px, Border::Replicate), seen)
            }
        };
        let tensor = |values: &[f32], channels: usize| {
            Tensor::<1>::from_floats(values, &self.device).reshape([1, channels, size_px, size_px])
        };
        let (face, seen) = (tensor(&face.to_planes(), 3), tensor(&seen, 1));
        let judge = |inspector: &bifrons_net::Inspector| {
            let verdicts = inspector.forward(face.clone(), seen.clone());
            f64::from(bifrons_net::mean_verdict(verdicts, seen.clone()).into_scalar::<f32>())
        };
        self.inspectors.people.iter().map(judge).collect()
    }
}
