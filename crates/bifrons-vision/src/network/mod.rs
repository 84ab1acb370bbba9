//! Running the pretrained networks.
//!
//! Those that find faces are run by our own kernels ([`Planned`], `bifrons-kernels::infer`). Networks with operators that
//! those do not know are run by rten ([`OnnxNetwork`]).

mod build;
mod onnx;
mod planned;
mod rten;
mod steps;
#[cfg(test)]
mod tests;

use bifrons_media::RgbImage;

use crate::VisionError;
pub(crate) use planned::Planned;
pub(crate) use rten::OnnxNetwork;

/// An array of numbers with its shape, row by row, the last axis fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// `shape.iter().product()` values.
    pub data: Vec<f32>,
}

impl Array {
    /// A picture as the networks want it: `[1, 3, height, width]`, RGB in `[0, 1]`.
    #[must_use]
    pub fn from_picture(image: &RgbImage) -> Self {
        let pixels = image.width * image.height;
        let mut data = vec![0.0; 3 * pixels];
        let (red, rest) = data.split_at_mut(pixels);
        let (green, blue) = rest.split_at_mut(pixels);
        for (i, rgb) in image.data.chunks_exact(3).enumerate() {
            red[i] = rgb[0];
            green[i] = rgb[1];
            blue[i] = rgb[2];
        }
        Self { shape: vec![1, 3, image.height, image.width], data }
    }
}

/// A pretrained network: named arrays in, named arrays out. Whatever runs it must give the same
/// numbers for the same input, whichever thread asks.
pub trait Network: Send + Sync {
    /// Runs the network once and gives the wanted outputs in the order they were asked for.
    ///
    /// # Errors
    /// [`VisionError::Network`] when a name is unknown, a shape does not fit or the run fails.
    fn run(&self, inputs: &[(&str, &Array)], outputs: &[&str]) -> Result<Vec<Array>, VisionError>;
}

/// A network's file inside the program.
#[derive(Debug, Clone, Copy)]
pub struct NetworkFile {
    /// Name of the network, that of its file in `models/`.
    pub name: &'static str,
    /// The ONNX file.
    pub bytes: &'static [u8],
}

impl NetworkFile {
    fn error(self, expected: &str, found: impl ToString) -> VisionError {
        VisionError::Network { network: self.name, expected: expected.to_owned(), found: found.to_string() }
    }
}

/// Loads a network of an ONNX file inside the program, for whoever needs another one than [`crate::Vision`] has.
///
/// # Errors
/// [`VisionError::Network`] when the file is damaged.
pub fn load_network(file: NetworkFile) -> Result<Box<dyn Network>, VisionError> {
    match Planned::load(file, bifrons_kernels::Path::best()) {
        Ok(network) => Ok(Box::new(network)),
        // operators that only rten knows; a damaged file is one for rten as well
        Err(_) => load_network_in_rten(file),
    }
}

/// The same, run by rten in any case: to compare with.
///
/// # Errors
/// [`VisionError::Network`] when the file is damaged.
pub fn load_network_in_rten(file: NetworkFile) -> Result<Box<dyn Network>, VisionError> {
    Ok(Box::new(OnnxNetwork::load(file)?))
}
