//! The networks that only measure.

use bifrons_vision::{
    Blendshapes, ExpressionReader, Mesh, Network, NetworkFile, Picture, VisionError, load_network,
};

use super::Likeness;

/// Whom a face looks like and what it does, read by networks that take no part in training. Share one between threads.
pub struct Networks {
    likeness: Box<dyn Network>,
    expressions: ExpressionReader,
}

impl std::fmt::Debug for Networks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Networks").finish_non_exhaustive()
    }
}

impl Networks {
    /// Loads them from inside the program (some 12 MB).
    ///
    /// # Errors
    /// [`VisionError::Network`] when the program file is damaged.
    pub fn load() -> Result<Self, VisionError> {
        let likeness = NetworkFile {
            name: "dlib_embedding",
            bytes: include_bytes!("../../../../models/dlib_embedding.onnx"),
        };
        Ok(Self { likeness: load_network(likeness)?, expressions: ExpressionReader::load()? })
    }

    /// Whom the face under a mesh looks like; `None` when it lies outside the picture.
    ///
    /// # Errors
    /// [`VisionError::Network`] when the network fails.
    pub fn likeness(&self, picture: &dyn Picture, mesh: &Mesh) -> Result<Option<Likeness>, VisionError> {
        Likeness::read(self.likeness.as_ref(), picture, mesh)
    }

    /// What the face does; `None` for a mesh that is no face.
    ///
    /// # Errors
    /// [`VisionError::Network`] when the network fails.
    pub fn blendshapes(&self, mesh: &Mesh) -> Result<Option<Blendshapes>, VisionError> {
        self.expressions.blendshapes(mesh)
    }
}

#[cfg(test)]
mod tests {
    use super::super::head::tests::turned;
    use super::*;

    #[test]
    fn expression_does_not_change_with_the_head() {
        let networks = Networks::load().unwrap();
        let front = networks.blendshapes(&turned(0.0, 0.0)).unwrap().unwrap();
        let side = networks.blendshapes(&turned(25.0, 15.0)).unwrap().unwrap();
        assert_eq!(front.as_slice().len(), 52);
        assert!(front.difference(&side) < 0.01, "{}", front.difference(&side));
    }

    #[test]
    fn an_open_jaw_is_seen() {
        let networks = Networks::load().unwrap();
        let face = turned(0.0, 0.0);
        let mut open = face.points().to_vec();
        // lower lip and chin, by a fifth of the eye distance
        for i in [
            14, 87, 317, 178, 402, 88, 318, 17, 84, 314, 181, 405, 152, 148, 377, 176, 400, 149, 378, 15, 16,
            18,
        ] {
            open[i][1] += 24.0;
        }
        let open = Mesh::try_from(open).unwrap();
        let (rest, open) =
            (networks.blendshapes(&face).unwrap().unwrap(), networks.blendshapes(&open).unwrap().unwrap());
        assert!(open.as_slice()[25] > rest.as_slice()[25] + 0.2);
        assert!(open.difference(&rest) > 0.005);
    }

    #[test]
    fn a_face_outside_the_picture_looks_like_nobody() {
        let networks = Networks::load().unwrap();
        let picture = bifrons_media::RgbImage::filled(20, 20, [0.5; 3]);
        let mut far = turned(0.0, 0.0).points().to_vec();
        far.iter_mut().for_each(|p| p[0] += 4000.0);
        assert_eq!(networks.likeness(&picture, &Mesh::try_from(far).unwrap()).unwrap(), None);
    }
}
