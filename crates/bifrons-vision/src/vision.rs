//! The networks together.

use crate::detect::{self, BoundingBox, Detection, DetectorOptions};
use crate::embed::{self, Embedding};
use crate::mesh::{self, Mesh, MeshFit};
use crate::network::{Network, NetworkFile, load_network};

use crate::{Picture, VisionError};

/// The pretrained networks, loaded from inside the program. Share one between threads: runs do not
/// disturb one another, and results do not depend on how many run at once.
pub struct Vision {
    detector: Box<dyn Network>,
    mesh: Box<dyn Network>,
    embedding: Box<dyn Network>,
}

impl std::fmt::Debug for Vision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vision").finish_non_exhaustive()
    }
}

impl Vision {
    /// Loads the networks (some 12 MB, well under a second).
    ///
    /// # Errors
    /// [`VisionError::Network`] when the program file is damaged.
    pub fn load() -> Result<Self, VisionError> {
        let [detector, mesh, embedding] = Self::networks();
        Ok(Self::with_networks(load_network(detector)?, load_network(mesh)?, load_network(embedding)?))
    }

    /// The files of the networks inside the program: detector, mesh, embedding.
    #[must_use]
    pub fn networks() -> [NetworkFile; 3] {
        [
            NetworkFile { name: "centerface", bytes: include_bytes!("../../../models/centerface.onnx") },
            NetworkFile { name: "face_mesh", bytes: include_bytes!("../../../models/face_mesh.onnx") },
            NetworkFile {
                name: "face_embedding",
                bytes: include_bytes!("../../../models/face_embedding.onnx"),
            },
        ]
    }

    /// Other ways to run the same three networks (inputs and outputs as in `models/README.md`).
    #[must_use]
    pub fn with_networks(
        detector: Box<dyn Network>,
        mesh: Box<dyn Network>,
        embedding: Box<dyn Network>,
    ) -> Self {
        Self { detector, mesh, embedding }
    }

    /// All faces of a picture, the surest first.
    ///
    /// # Errors
    /// [`VisionError`] when the picture has no pixels or the network fails.
    pub fn detect(
        &self,
        picture: &dyn Picture,
        options: &DetectorOptions,
    ) -> Result<Vec<Detection>, VisionError> {
        detect::detect(self.detector.as_ref(), picture, options, None)
    }

    /// Like [`Vision::detect`], but where tiles are looked at, only those near some places.
    ///
    /// # Errors
    /// As [`Vision::detect`].
    pub fn detect_near(
        &self,
        picture: &dyn Picture,
        options: &DetectorOptions,
        near: &[BoundingBox],
    ) -> Result<Vec<Detection>, VisionError> {
        detect::detect(self.detector.as_ref(), picture, options, Some(near))
    }

    /// The mesh of a detected face, in two passes; `None` when the box lies outside the picture.
    ///
    /// # Errors
    /// [`VisionError::Network`] when the network fails.
    pub fn mesh(&self, picture: &dyn Picture, face: &Detection) -> Result<Option<MeshFit>, VisionError> {
        mesh::fit_detection(self.mesh.as_ref(), picture, face)
    }

    /// The mesh of a face that lay at `previous` in the frame before (or in a first pass), in one
    /// pass; `None` when it has left the picture.
    ///
    /// # Errors
    /// [`VisionError::Network`] when the network fails.
    pub fn mesh_from(&self, picture: &dyn Picture, previous: &Mesh) -> Result<Option<MeshFit>, VisionError> {
        mesh::fit_tracked(self.mesh.as_ref(), picture, previous)
    }

    /// The embedding of the face under a mesh; `None` when it lies outside the picture.
    ///
    /// # Errors
    /// [`VisionError::Network`] when the network fails.
    pub fn embed(&self, picture: &dyn Picture, mesh: &Mesh) -> Result<Option<Embedding>, VisionError> {
        embed::embed(self.embedding.as_ref(), picture, mesh)
    }
}
