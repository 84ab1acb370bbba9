//! Whose face is it that the decoders draw? Measured while training, on a few faces of each person.

use bifrons_media::RgbImage;
use bifrons_net::{Device, Geometry, Hourglass, Network, Tensor};
use bifrons_vision::align::{Framing, canonical_point, crop_from_canonical, flat_mesh};
use bifrons_vision::mesh::MESH_POINTS;
use bifrons_vision::mesh_points::FACE_POINTS;
use bifrons_vision::{Embedding, Mesh, Vision};

use crate::augment::Filmed;
use crate::{Faceset, TrainingError};

/// Faces of each person.
const FACES: usize = 8;

/// Measures how much of the identity the swaps of a network have.
pub(crate) struct Bleed {
    vision: Vision,
    /// Where the points of every face lie.
    mesh: Mesh,
    size_px: usize,
    /// For each person the inputs `[n, 3, s, s]`, and the true faces.
    inputs: Vec<Tensor<4>>,
    truths: Vec<Vec<RgbImage>>,
}

impl Bleed {
    pub(crate) fn new(
        facesets: &[Faceset],
        network: &Network,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let size_px = network.output_px;
        let (mut inputs, mut truths) = (Vec::new(), Vec::new());
        for faceset in facesets {
            let filmed = Filmed::new(&faceset.spread(FACES), network, device);
            let faces = filmed.truth.chunks_exact(3 * size_px * size_px);
            let faces = faces.map(|planes| RgbImage::from_planes(size_px, size_px, planes));
            inputs.push(filmed.input);
            truths.push(faces.collect::<Result<Vec<_>, _>>()?);
        }
        let mesh = match network.geometry {
            Geometry::Flattened => flat_mesh(size_px),
            Geometry::Aligned => aligned_mesh(size_px),
        };
        Ok(Self { vision: Vision::load()?, mesh, size_px, inputs, truths })
    }

    /// How much of the drawn person the swaps have, the mean over all pairs: 0 as the person filmed, 1 as the drawn
    /// person's own faces. `None` where two people look the same to the network that judges.
    pub(crate) fn transfer(&self, net: &Hourglass) -> Result<Option<f64>, TrainingError> {
        let own = self.truths.iter().map(|faces| self.embeddings(faces)).collect::<Result<Vec<_>, _>>()?;
        let means: Vec<Embedding> = own.iter().filter_map(|own| Embedding::mean(own)).collect();
        if means.len() != own.len() {
            return Ok(None);
        }
        let likeness = |embeddings: &[Embedding], person: usize| {
            let sum: f64 = embeddings.iter().map(|e| f64::from(e.cosine(&means[person]))).sum();
            sum / embeddings.len() as f64
        };
        let (mut sum, mut pairs) = (0.0, 0);
        for (filmed, input) in self.inputs.iter().enumerate() {
            let unfolded = net.encoder.forward(input.clone());
            for drawn in (0..own.len()).filter(|&drawn| drawn != filmed) {
                let planes = net.decoders[drawn].forward(unfolded.clone()).into_data();
                let planes: Vec<f32> = planes.iter::<f32>().collect();
                let pictures = planes.chunks_exact(3 * self.size_px * self.size_px);
                let pictures = pictures
                    .map(|planes| RgbImage::from_planes(self.size_px, self.size_px, planes))
                    .collect::<Result<Vec<_>, _>>()?;
                let (least, most) = (likeness(&own[filmed], drawn), likeness(&own[drawn], drawn));
                if most - least < 0.02 {
                    return Ok(None);
                }
                sum += (likeness(&self.embeddings(&pictures)?, drawn) - least) / (most - least);
                pairs += 1;
            }
        }
        Ok((pairs > 0).then(|| sum / f64::from(pairs)))
    }

    fn embeddings(&self, faces: &[RgbImage]) -> Result<Vec<Embedding>, TrainingError> {
        let embed = |face: &RgbImage| self.vision.embed(face, &self.mesh).transpose();
        faces.iter().filter_map(embed).collect::<Result<_, _>>().map_err(TrainingError::from)
    }
}

/// Where the canonical face lies in the square that the network sees.
fn aligned_mesh(size_px: usize) -> Mesh {
    let place = Framing::Face.from_crop(size_px) * crop_from_canonical();
    let points = (0..MESH_POINTS).map(|index| place.apply(canonical_point(index.min(FACE_POINTS - 1))));
    let points = points.map(|p| [p.x as f32, p.y as f32, 0.0]).collect::<Vec<_>>();
    Mesh::try_from(points).unwrap_or_else(|error| unreachable!("{error}"))
}
