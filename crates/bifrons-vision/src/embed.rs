//! Who it is: FaceRes, a unit vector of 1024 numbers.

use serde::{Deserialize, Serialize};

use crate::geometry::{Border, Point, Similarity, umeyama};
use crate::mesh::{Mesh, cut};
use crate::mesh_points::{
    EYE_INNER_LEFT, EYE_INNER_RIGHT, EYE_OUTER_LEFT, EYE_OUTER_RIGHT, MOUTH_LEFT, MOUTH_RIGHT, NOSE_TIP,
};
use crate::network::{Array, Network};
use crate::{Picture, VisionError};

/// Numbers in an embedding.
pub const EMBEDDING_LEN: usize = 1024;

/// Cosine from which two faces count as one person: over 22 people and 196 faces same pairs had
/// 0.88 +- 0.07, different ones 0.37 +- 0.08 (0.58 at most).
pub const SAME_PERSON_COSINE: f32 = 0.62;

/// Side of the network's input in pixels.
const INPUT_PX: usize = 224;

/// A unit vector of 1024 numbers; one person's vectors point the same way.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f32>", into = "Vec<f32>")]
pub struct Embedding {
    values: Vec<f32>,
}

impl std::fmt::Debug for Embedding {
    /// The first numbers only: a thousand of them hide what surrounds them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Embedding({:?}, ...)", &self.values[..4])
    }
}

/// A list of numbers that is no embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an embedding has {EMBEDDING_LEN} finite numbers that are not all zero, found {0}")]
pub struct NotAnEmbedding(pub usize);

impl TryFrom<Vec<f32>> for Embedding {
    type Error = NotAnEmbedding;

    /// Takes a vector as it is when its length is 1 to rounding (so that a saved one comes back
    /// bit for bit), else scales it to length 1.
    fn try_from(mut values: Vec<f32>) -> Result<Self, NotAnEmbedding> {
        let square: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        if values.len() != EMBEDDING_LEN || !square.is_finite() || square <= 0.0 {
            return Err(NotAnEmbedding(values.len()));
        }
        if (square - 1.0).abs() > 1e-5 {
            let scale = (1.0 / square.sqrt()) as f32;
            values.iter_mut().for_each(|v| *v *= scale);
        }
        Ok(Self { values })
    }
}

impl From<Embedding> for Vec<f32> {
    fn from(embedding: Embedding) -> Self {
        embedding.values
    }
}

impl Embedding {
    /// The numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.values
    }

    /// Cosine of the angle to another embedding, in `[-1, 1]` (in practice above 0): 1 is the same
    /// direction; see [`SAME_PERSON_COSINE`].
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f32 {
        self.values.iter().zip(&other.values).map(|(a, b)| a * b).sum()
    }

    /// The direction of the mean of some embeddings; `None` for none.
    #[must_use]
    pub fn mean(embeddings: &[Self]) -> Option<Self> {
        let mut sum = vec![0.0; EMBEDDING_LEN];
        for embedding in embeddings {
            for (s, v) in sum.iter_mut().zip(&embedding.values) {
                *s += v;
            }
        }
        Self::try_from(sum).ok()
    }
}

/// Eyes, tip of the nose and corners of the mouth in the 112 px crop of ArcFace (Deng et al.,
/// 2019, insightface, MIT), from the picture's left to its right: how this network's training
/// faces were laid.
const TEMPLATE_112: [(f64, f64); 5] =
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)];

/// The 224 px crop: the template's field widened by a third on every side,
/// `(t - 56) * 1.5 + 112`.
fn crop_from_frame(mesh: &Mesh) -> Option<Similarity> {
    let eye = |outer, inner| mesh.point(outer).midpoint(mesh.point(inner));
    let from = [
        eye(EYE_OUTER_RIGHT, EYE_INNER_RIGHT),
        eye(EYE_OUTER_LEFT, EYE_INNER_LEFT),
        mesh.point(NOSE_TIP),
        mesh.point(MOUTH_RIGHT),
        mesh.point(MOUTH_LEFT),
    ];
    let to = TEMPLATE_112.map(|(x, y)| Point::new((x - 56.0) * 1.5 + 112.0, (y - 56.0) * 1.5 + 112.0));
    umeyama(&from, &to)
}

/// The embedding of the face under a mesh; `None` when the mesh lies outside the picture.
pub(crate) fn embed(
    network: &dyn Network,
    picture: &dyn Picture,
    mesh: &Mesh,
) -> Result<Option<Embedding>, VisionError> {
    let Some(crop_from_frame) = crop_from_frame(mesh) else {
        return Ok(None);
    };
    let Some(crop) = cut(picture, &crop_from_frame, INPUT_PX, Border::Replicate) else {
        return Ok(None);
    };
    let input = Array::from_picture(&crop);
    let outputs = network.run(&[("image", &input)], &["embedding"])?;
    let values = outputs.into_iter().next().map(|a| a.data).unwrap_or_default();
    Ok(Embedding::try_from(values).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_have_length_one_and_a_cosine() {
        let mut a = vec![0.0; 1024];
        let mut b = vec![0.0; 1024];
        a[3] = 2.0;
        b[3] = 3.0;
        b[5] = 4.0;
        let (a, b) = (Embedding::try_from(a).unwrap(), Embedding::try_from(b).unwrap());
        assert!((a.cosine(&a) - 1.0).abs() < 1e-6);
        assert!((a.cosine(&b) - 0.6).abs() < 1e-6);
        let again = Embedding::try_from(b.as_slice().to_vec()).unwrap();
        assert_eq!(again, b);
    }

    #[test]
    fn zeros_and_short_vectors_are_refused() {
        assert_eq!(Embedding::try_from(vec![0.0; 1024]), Err(NotAnEmbedding(1024)));
        assert_eq!(Embedding::try_from(vec![1.0; 3]), Err(NotAnEmbedding(3)));
        assert!(Embedding::mean(&[]).is_none());
    }
}
