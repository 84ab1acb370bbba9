//! What a face does, as strengths of a few movements; never a named emotion.

use crate::mesh::MESH_POINTS;
use crate::network::{Array, Network, NetworkFile, load_network};
use crate::pose::head_rotation;
use crate::{Mesh, VisionError};

/// Number of strengths that count: all but the first, which stands for "neutral".
const COUNTED: usize = 51;

/// Strengths of 52 movements of a face in `[0, 1]`, MediaPipe's order (`models/README.md`).
#[derive(Debug, Clone, PartialEq)]
pub struct Blendshapes(Vec<f32>);

impl Blendshapes {
    /// All 52 strengths.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Mean absolute difference of the strengths other than "neutral", 0 (the same expression) to 1.
    #[must_use]
    pub fn difference(&self, other: &Self) -> f64 {
        let pairs = self.0.iter().zip(&other.0).skip(1);
        pairs.map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / COUNTED as f64
    }
}

/// The movements that people look for, each in `[0, 1]`; both sides' mean where a movement has two.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Expression {
    /// Corners of the mouth drawn up.
    pub smile: f32,
    /// Jaw dropped.
    pub mouth_open: f32,
    /// Lids closed.
    pub eyes_closed: f32,
    /// Brows raised.
    pub brows_up: f32,
}

/// Places of movements among the strengths.
const BROWS_UP: [usize; 3] = [3, 4, 5];
const BLINK: [usize; 2] = [9, 10];
const JAW_OPEN: [usize; 1] = [25];
const SMILE: [usize; 2] = [44, 45];

impl From<&Blendshapes> for Expression {
    fn from(blendshapes: &Blendshapes) -> Self {
        let mean = |places: &[usize]| {
            let sum: f32 = places.iter().map(|&place| blendshapes.0[place].clamp(0.0, 1.0)).sum();
            sum / places.len() as f32
        };
        Self {
            smile: mean(&SMILE),
            mouth_open: mean(&JAW_OPEN),
            eyes_closed: mean(&BLINK),
            brows_up: mean(&BROWS_UP),
        }
    }
}

/// Reads expressions out of meshes. Share one between threads.
pub struct ExpressionReader {
    network: Box<dyn Network>,
}

impl std::fmt::Debug for ExpressionReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExpressionReader").finish_non_exhaustive()
    }
}

impl ExpressionReader {
    /// Loads the network from inside the program (1 MB).
    ///
    /// # Errors
    /// [`VisionError::Network`] when the program file is damaged.
    pub fn load() -> Result<Self, VisionError> {
        Ok(Self { network: load_network(Self::file())? })
    }

    /// Its file inside the program.
    #[must_use]
    pub fn file() -> NetworkFile {
        let bytes = include_bytes!("../../../models/face_blendshapes.onnx");
        NetworkFile { name: "face_blendshapes", bytes }
    }

    /// What a face does, movement by movement. `None` for a mesh that is no face.
    ///
    /// # Errors
    /// [`VisionError::Network`] when the network fails.
    pub fn blendshapes(&self, mesh: &Mesh) -> Result<Option<Blendshapes>, VisionError> {
        // the network does not know turned heads
        let Some(upright) = head_rotation(mesh).map(|rotation| rotation.inverse()) else { return Ok(None) };
        let data = (0..MESH_POINTS).flat_map(|i| upright.apply(mesh.point3(i))).map(|v| v as f32).collect();
        let input = Array { shape: vec![1, MESH_POINTS, 3], data };
        let outputs = self.network.run(&[("landmarks", &input)], &["blendshapes"])?;
        let values = outputs.into_iter().next().map(|array| array.data).unwrap_or_default();
        Ok((values.len() == COUNTED + 1).then_some(Blendshapes(values)))
    }

    /// What a face does. `None` for a mesh that is no face.
    ///
    /// # Errors
    /// As [`Self::blendshapes`].
    pub fn read(&self, mesh: &Mesh) -> Result<Option<Expression>, VisionError> {
        Ok(self.blendshapes(mesh)?.as_ref().map(Expression::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::align::canonical_point3;
    use crate::mesh_points::{EYE_LEFT, EYE_RIGHT};

    fn face(moved: impl Fn(usize) -> f64) -> Mesh {
        let points: Vec<[f32; 3]> = (0..MESH_POINTS)
            .map(|i| {
                let [x, y, z] = canonical_point3(i);
                [(x * 100.0 + 200.0) as f32, ((y + moved(i)) * 100.0 + 200.0) as f32, (z * 100.0) as f32]
            })
            .collect();
        Mesh::try_from(points).unwrap()
    }

    #[test]
    fn each_movement_is_told_by_itself() {
        let reader = ExpressionReader::load().unwrap();
        let rest = reader.read(&face(|_| 0.0)).unwrap().unwrap();
        // everything below the mouth's middle drops
        let open = face(|i| if canonical_point3(i)[1] > canonical_point3(14)[1] - 1e-9 { 0.25 } else { 0.0 });
        let open = reader.read(&open).unwrap().unwrap();
        assert!(open.mouth_open > rest.mouth_open + 0.2, "{rest:?} {open:?}");
        let lids: Vec<usize> = EYE_RIGHT.into_iter().chain(EYE_LEFT).collect();
        let line = |i: usize| {
            let [x, y, _] = canonical_point3(i);
            let corner = if x < 0.0 { 33 } else { 263 };
            if lids.contains(&i) { canonical_point3(corner)[1] - y } else { 0.0 }
        };
        let closed = reader.read(&face(line)).unwrap().unwrap();
        assert!(closed.eyes_closed > rest.eyes_closed + 0.2, "{rest:?} {closed:?}");
        assert!((closed.smile - rest.smile).abs() < 0.2, "{rest:?} {closed:?}");
    }

    #[test]
    fn the_difference_of_strengths_is_their_mean() {
        let mut raised = vec![0.0; 52];
        raised[25] = 0.51;
        raised[0] = 0.9;
        let (rest, jaw) = (Blendshapes(vec![0.0; 52]), Blendshapes(raised));
        assert!((jaw.difference(&rest) - 0.01).abs() < 1e-7);
        assert_eq!(jaw.difference(&jaw), 0.0);
    }
}
