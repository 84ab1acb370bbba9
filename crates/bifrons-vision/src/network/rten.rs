//! Networks run by rten.

use std::sync::Arc;

use rten_tensor::Tensor;
use rten_tensor::prelude::*;

use super::{Array, Network, NetworkFile};
use crate::VisionError;

/// A network of an ONNX file inside the program, run by rten on one thread of its own for each
/// calling thread: frames run beside one another, so more threads for one frame would only wait for
/// each other, and sums in one fixed order give the same bits on every machine of one kind.
pub(crate) struct OnnxNetwork {
    file: NetworkFile,
    model: ::rten::Model,
}

thread_local! {
    static ONE_THREAD: Arc<::rten::ThreadPool> = Arc::new(::rten::ThreadPool::with_num_threads(1));
}

impl OnnxNetwork {
    pub(crate) fn load(file: NetworkFile) -> Result<Self, VisionError> {
        let mut options = ::rten::ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load_static_slice(file.bytes);
        let model = model.map_err(|error| file.error("an ONNX file that loads", error))?;
        Ok(Self { file, model })
    }
}

impl Network for OnnxNetwork {
    fn run(&self, inputs: &[(&str, &Array)], outputs: &[&str]) -> Result<Vec<Array>, VisionError> {
        let node = |name: &str| {
            let found = self.model.node_id(name);
            found.map_err(|error| self.file.error(&format!("an array named {name}"), error))
        };
        let mut given = Vec::with_capacity(inputs.len());
        for (name, array) in inputs {
            let tensor = Tensor::from_data(array.shape.as_slice(), array.data.clone());
            given.push((node(name)?, tensor.into()));
        }
        let wanted = outputs.iter().map(|n| node(n)).collect::<Result<Vec<_>, _>>()?;
        let pool = ONE_THREAD.with(Arc::clone);
        let options = ::rten::RunOptions::default().with_thread_pool(Some(pool));
        let values = self.model.run(given, &wanted, Some(options));
        let values = values.map_err(|error| self.file.error("a run without fault", error))?;
        values
            .into_iter()
            .map(|value| {
                let tensor: Tensor<f32> =
                    value.into_tensor().ok_or_else(|| self.file.error("an output of f32", "another type"))?;
                Ok(Array { shape: tensor.shape().to_vec(), data: tensor.to_vec() })
            })
            .collect()
    }
}

impl std::fmt::Debug for OnnxNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxNetwork").field("name", &self.file.name).finish_non_exhaustive()
    }
}
