//! The optimiser and its memory.

use std::ops::Deref;

use bifrons_kernels::adam::Adam as Settings;
use burn::module::Module;
use burn::optim::{
    AdamState, AdaptiveMomentumState, GradientsParams, LearningRate, ModuleOptimizer, Optimizer,
};
use burn::tensor::{Bytes, Device, Tensor};

use crate::{NetError, Schedule, block};

/// Burn's Adam, but every weight is read and written once.
#[derive(Clone)]
struct InOnePass;

impl Optimizer for InOnePass {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        weights: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let zeros = || Tensor::zeros(weights.dims(), &weights.device());
        let (done, moments) = match state.map(|state| state.momentum) {
            Some(state) => (state.time, [state.moment_1, state.moment_2]),
            None => (0, [zeros(), zeros()]),
        };
        let settings =
            Settings { rate: rate as f32, beta_1: 0.5, beta_2: 0.99, epsilon: 1e-7, step: done as i32 + 1 };
        let (weights, [mean, square]) = block::adam_step(settings, weights, gradient, moments);
        (weights, Some(AdamState::new(AdaptiveMomentumState::new(done + 1, mean, square))))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        burn::optim::Adam::to_device(state, device)
    }
}

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
        Self {
            optimizer: ModuleOptimizer::from(InOnePass),
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
    pub fn to_bytes(&self) -> Result<impl Deref<Target = [u8]> + use<>, NetError> {
        self.optimizer.into_bytes().map_err(|error| NetError::Weights { reason: error.to_string() })
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
