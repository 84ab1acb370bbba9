//! What lies in front of a face: a network of our own (`tools/occlusion/`).

use bifrons_media::RgbImage;

use crate::VisionError;
use crate::network::{Array, Network, NetworkFile, OnnxNetwork};

/// The network that tells what covers a face: a hand, a microphone, glasses, hair that fell into it. It compares a
/// flattened face with what the same face usually looks like.
pub struct Occlusion {
    network: Box<dyn Network>,
}

impl std::fmt::Debug for Occlusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Occlusion").finish_non_exhaustive()
    }
}

impl Occlusion {
    /// Side of the flattened faces that it compares, in pixels.
    pub const SIZE_PX: usize = 128;

    /// Loads the network from inside the program (0.7 MB).
    ///
    /// # Errors
    /// [`VisionError::Network`] when the program file is damaged.
    pub fn load() -> Result<Self, VisionError> {
        Ok(Self { network: Box::new(OnnxNetwork::load(Self::file())?) })
    }

    /// Its file inside the program.
    #[must_use]
    pub fn file() -> NetworkFile {
        NetworkFile { name: "occlusion", bytes: include_bytes!("../../../models/occlusion.onnx") }
    }

    /// Share of each pixel of `face` that something covers, row by row, 0 to 1. `face` and `usual`, what it usually looks
    /// like, are flattened, [`Self::SIZE_PX`] squared and black where `face` was not seen; there the answer means nothing.
    ///
    /// # Errors
    /// [`VisionError::Network`] when the sizes are others or the network fails.
    pub fn cover(&self, face: &RgbImage, usual: &RgbImage) -> Result<Vec<f32>, VisionError> {
        let inputs = [("face", &Array::from_picture(face)), ("usual", &Array::from_picture(usual))];
        let outputs = self.network.run(&inputs, &["cover"])?;
        let cover = outputs.into_iter().next().map(|array| array.data).unwrap_or_default();
        if cover.len() != Self::SIZE_PX * Self::SIZE_PX {
            return Err(VisionError::Network {
                network: "occlusion",
                expected: format!("{} numbers", Self::SIZE_PX * Self::SIZE_PX),
                found: cover.len().to_string(),
            });
        }
        Ok(cover)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unusual_covers_and_its_strength_is_onnxruntime_s() {
        let last = (Occlusion::SIZE_PX - 1) as f32;
        let mut usual = RgbImage::new(Occlusion::SIZE_PX, Occlusion::SIZE_PX);
        for at in 0..Occlusion::SIZE_PX * Occlusion::SIZE_PX {
            let (x, y) = (at % Occlusion::SIZE_PX, at / Occlusion::SIZE_PX);
            usual.set(x, y, [0.3 + 0.4 * x as f32 / last, 0.5, 0.2 + 0.3 * y as f32 / last]);
        }
        let mut face = usual.clone();
        for y in 50..90 {
            (40..80).for_each(|x| face.set(x, y, [0.1, 0.8, 0.2]));
        }
        let network = Occlusion::load().unwrap();
        let cover = network.cover(&face, &usual).unwrap();
        for ([x, y], expected) in [
            ([60, 70], 0.999_992),
            ([60, 49], 0.015_983),
            ([60, 48], 0.000_289),
            ([20, 20], 0.001_157),
            ([81, 70], 0.000_686),
        ] {
            let found: f32 = cover[y * Occlusion::SIZE_PX + x];
            assert!((found - expected).abs() < 2e-4, "{x} {y}: {found}");
        }
        assert!(network.cover(&usual, &usual).unwrap().iter().all(|share| *share < 0.5));
        assert!(network.cover(&RgbImage::new(64, 64), &RgbImage::new(64, 64)).is_err());
    }
}
