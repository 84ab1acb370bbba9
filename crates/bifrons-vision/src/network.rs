//! Running the pretrained networks.

use std::sync::Arc;

use bifrons_media::RgbImage;
use rten_tensor::Tensor;
use rten_tensor::prelude::*;

use crate::VisionError;

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

/// Loads a network of an ONNX file inside the program, for whoever needs another one than [`crate::Vision`] has.
///
/// # Errors
/// [`VisionError::Network`] when the file is damaged.
pub fn load_network(file: NetworkFile) -> Result<Box<dyn Network>, VisionError> {
    Ok(Box::new(OnnxNetwork::load(file)?))
}

/// A network of an ONNX file inside the program, run by rten on one thread of its own for each
/// calling thread: frames run beside one another, so more threads for one frame would only wait for
/// each other, and sums in one fixed order give the same bits on every machine of one kind.
pub(crate) struct OnnxNetwork {
    name: &'static str,
    model: rten::Model,
}

thread_local! {
    static ONE_THREAD: Arc<rten::ThreadPool> = Arc::new(rten::ThreadPool::with_num_threads(1));
}

impl OnnxNetwork {
    pub(crate) fn load(file: NetworkFile) -> Result<Self, VisionError> {
        let mut options = rten::ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load_static_slice(file.bytes).map_err(|error| VisionError::Network {
            network: file.name,
            expected: "an ONNX file that loads".to_owned(),
            found: error.to_string(),
        })?;
        Ok(Self { name: file.name, model })
    }

    fn error(&self, expected: &str, found: impl ToString) -> VisionError {
        VisionError::Network { network: self.name, expected: expected.to_owned(), found: found.to_string() }
    }
}

impl Network for OnnxNetwork {
    fn run(&self, inputs: &[(&str, &Array)], outputs: &[&str]) -> Result<Vec<Array>, VisionError> {
        let node = |name: &str| {
            self.model.node_id(name).map_err(|error| self.error(&format!("an array named {name}"), error))
        };
        let mut given = Vec::with_capacity(inputs.len());
        for (name, array) in inputs {
            let tensor = Tensor::from_data(array.shape.as_slice(), array.data.clone());
            given.push((node(name)?, tensor.into()));
        }
        let wanted = outputs.iter().map(|n| node(n)).collect::<Result<Vec<_>, _>>()?;
        let pool = ONE_THREAD.with(Arc::clone);
        let options = rten::RunOptions::default().with_thread_pool(Some(pool));
        let values = self
            .model
            .run(given, &wanted, Some(options))
            .map_err(|error| self.error("a run without fault", error))?;
        values
            .into_iter()
            .map(|value| {
                let tensor: Tensor<f32> =
                    value.into_tensor().ok_or_else(|| self.error("an output of f32", "another type"))?;
                Ok(Array { shape: tensor.shape().to_vec(), data: tensor.to_vec() })
            })
            .collect()
    }
}

impl std::fmt::Debug for OnnxNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxNetwork").field("name", &self.name).finish_non_exhaustive()
    }
}
