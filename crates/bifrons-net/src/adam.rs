//! The optimiser and its memory.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Bytes, Tensor};

use crate::{NetError, Schedule};

/// Adam (Kingma & Ba 2015) with β = (0.5, 0.99), ε = 1e-7: the field's usual choice for this network.
pub struct Adam {
    optimizer: ModuleOptimizer,
    learning_rate: f64,
    warmup_iterations: u64,
}

impl std::fmt::Debug for Adam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adam").field("learning_rate", &self.learning_rate).finish_non_exhaustive()
    }
}

impl Adam {
    /// An optimiser that has seen nothing yet.
    #[must_use]
    pub fn new(schedule: &Schedule) -> Self {
        let config = AdamConfig::new().with_beta_1(0.5).with_beta_2(0.99).with_epsilon(1e-7);
        Self {
            optimizer: config.init(),
            learning_rate: schedule.learning_rate,
            warmup_iterations: schedule.warmup_iterations,
        }
    }

    /// One step against the gradient of `loss`; `iteration` counts from 0 and sets the warm-up.
    ///
    /// `net` is taken, not borrowed: its weights are changed in place when nobody else holds them.
    #[must_use]
    pub fn step<M: Module>(&mut self, net: M, loss: &Tensor<1>, iteration: u64) -> M {
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        let warm = (iteration + 1) as f64 / (self.warmup_iterations + 1) as f64;
        self.optimizer.step(self.learning_rate * warm.min(1.0), net, gradients)
    }

    /// Both moments of every weight, as burnpack.
    ///
    /// # Errors
    /// [`NetError::Weights`] when a moment cannot be read back from the device.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NetError> {
        let bytes = self.optimizer.into_bytes();
        Ok(bytes.map_err(|error| NetError::Weights { reason: error.to_string() })?.to_vec())
    }

    /// The optimiser that wrote `bytes`, for a network of the same shape.
    ///
    /// # Errors
    /// [`NetError::Weights`] when the bytes are not what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(schedule: &Schedule, bytes: Vec<u8>) -> Result<Self, NetError> {
        let fresh = Self::new(schedule);
        let optimizer = fresh.optimizer.from_bytes(Bytes::from_bytes_vec(bytes));
        let optimizer = optimizer.map_err(|error| NetError::Weights { reason: error.to_string() })?;
        Ok(Self { optimizer, ..fresh })
    }
}
