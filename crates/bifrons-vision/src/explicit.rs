//! Whether a picture is sexual: nsfwjs, a MobileNet V2.

use bifrons_media::{ResizeFilter, RgbImage};

use crate::network::{Array, Network, NetworkFile, OnnxNetwork};
use crate::{Picture, VisionError};

/// Side of the network's input in pixels.
const INPUT_PX: usize = 224;
/// Long side to which a frame is reduced while it is read: enough for the input.
const READ_PX: usize = 448;
/// Places of drawn and of filmed pornography among the five kinds.
const SEXUAL: [usize; 2] = [1, 3];
/// Kinds of pictures: drawing, hentai, neutral, porn, sexy.
const KINDS: usize = 5;

/// The network that tells sexual pictures. One picture is not to be judged by it: it errs.
pub struct Explicit {
    network: Box<dyn Network>,
}

impl std::fmt::Debug for Explicit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Explicit").finish_non_exhaustive()
    }
}

impl Explicit {
    /// Loads the network from inside the program (4 MB).
    ///
    /// # Errors
    /// [`VisionError::Network`] when the program file is damaged.
    pub fn load() -> Result<Self, VisionError> {
        Ok(Self { network: Box::new(OnnxNetwork::load(Self::file())?) })
    }

    /// Its file inside the program.
    #[must_use]
    pub fn file() -> NetworkFile {
        NetworkFile { name: "explicit", bytes: include_bytes!("../../../models/explicit.onnx") }
    }

    /// What the network sees of a picture: all of it, pressed into a square of 224 pixels.
    ///
    /// # Errors
    /// [`VisionError::Picture`] when the picture has no pixels.
    pub fn view(picture: &dyn Picture) -> Result<RgbImage, VisionError> {
        let (view, ..) = picture.view(READ_PX)?;
        Ok(view.resize(INPUT_PX, INPUT_PX, ResizeFilter::Area)?)
    }

    /// How sure the network is that a [`Self::view`] is pornographic, filmed or drawn: 0 to 1.
    ///
    /// # Errors
    /// [`VisionError::Network`] when the network fails.
    pub fn strength(&self, view: &RgbImage) -> Result<f32, VisionError> {
        let outputs = self.network.run(&[("image", &Array::from_picture(view))], &["kinds"])?;
        let kinds = outputs.into_iter().next().map(|array| array.data).unwrap_or_default();
        if kinds.len() != KINDS {
            return Err(VisionError::Network {
                network: "explicit",
                expected: format!("{KINDS} numbers"),
                found: kinds.len().to_string(),
            });
        }
        Ok(SEXUAL.iter().map(|&kind| kinds[kind]).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_pictures_are_not_sexual_and_their_strength_is_the_published_network_s() {
        // by onnxruntime, from weights unpacked by another program
        for (colour, expected) in PLAIN {
            let picture = RgbImage::filled(640, 360, colour);
            let view = Explicit::view(&picture).unwrap();
            assert_eq!((view.width, view.height), (INPUT_PX, INPUT_PX));
            let strength = Explicit::load().unwrap().strength(&view).unwrap();
            assert!((strength - expected).abs() < 1e-4, "{colour:?}: {strength}");
        }
    }

    const PLAIN: [([f32; 3], f32); 3] =
        [([0.0; 3], 0.023_638), ([0.5; 3], 0.043_571), ([0.8, 0.6, 0.5], 0.076_601)];
}
