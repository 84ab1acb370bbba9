//! The convolutions everything is built of.

use std::sync::Arc;

use bifrons_kernels::conv::{self, Activation};
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::block::{self, Link};

/// Makes weights from one seed, so that two runs start alike on every machine.
pub(crate) struct Initializer<'a> {
    pub(crate) rng: ChaCha8Rng,
    pub(crate) device: &'a Device,
    /// Parameters are numbered in the order they are made: the same network has the same numbers every time.
    pub(crate) next_id: u64,
}

impl Initializer<'_> {
    fn id(&mut self) -> ParamId {
        self.next_id += 1;
        ParamId::from(self.next_id)
    }

    /// Uniform in ±√(6/((1+leak²)·fan_in)) (He et al. 2015, for the leaky rectifier), times `gain`.
    fn weight(&mut self, shape: [usize; 4], gain: f32) -> Param<Tensor<4>> {
        let fan_in = shape[0] * shape[1] * shape[2];
        let leak = f64::from(conv::LEAK);
        let bound = gain * (6.0 / ((1.0 + leak * leak) * fan_in as f64)).sqrt() as f32;
        let values: Vec<f32> =
            (0..shape.iter().product()).map(|_| self.rng.random_range(-bound..bound)).collect();
        self.parameter(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    fn bias(&mut self, channels: usize) -> Param<Tensor<1>> {
        self.parameter(Tensor::zeros([channels], self.device))
    }

    /// Trained on a device with gradients; plain numbers on one without.
    fn parameter<const D: usize>(&mut self, tensor: Tensor<D>) -> Param<Tensor<D>> {
        let tensor = if self.device.is_autodiff() { tensor.require_grad() } else { tensor };
        Param::initialized(self.id(), tensor)
    }
}

/// A convolution with bias and what follows it.
#[derive(Module, Debug)]
pub(crate) struct Conv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    what: conv::Conv,
    /// The weights as the kernels read them, once they no longer change.
    #[module(skip)]
    packed: Option<Arc<conv::Packed>>,
}

impl Conv {
    fn new(init: &mut Initializer<'_>, what: conv::Conv, inputs: usize, outputs: usize, gain: f32) -> Self {
        let weight = init.weight([what.kernel, what.kernel, inputs, outputs], gain);
        Self { weight, bias: init.bias(outputs), what, packed: None }
    }

    /// Halves the side: 5×5 with stride 2, leaky.
    pub(crate) fn shrinking(init: &mut Initializer<'_>, inputs: usize, outputs: usize) -> Self {
        let what = conv::Conv { kernel: 5, stride: 2, border: 2, activation: Activation::Leaky, shuffle: 1 };
        Self::new(init, what, inputs, outputs, 1.0)
    }

    /// Doubles the side: 3×3 to four times the channels, leaky, pixel shuffle (Shi et al. 2016).
    pub(crate) fn enlarging(init: &mut Initializer<'_>, inputs: usize, outputs: usize) -> Self {
        let what = conv::Conv { kernel: 3, stride: 1, border: 1, activation: Activation::Leaky, shuffle: 2 };
        Self::new(init, what, inputs, 4 * outputs, 1.0)
    }

    /// A full connection: images of `side` × `side` to one pixel.
    pub(crate) fn gathering(init: &mut Initializer<'_>, side: usize, inputs: usize, outputs: usize) -> Self {
        let what =
            conv::Conv { kernel: side, stride: 1, border: 0, activation: Activation::Linear, shuffle: 1 };
        Self::new(init, what, inputs, outputs, HALF_VARIANCE)
    }

    /// A full connection: one pixel to images of `side` × `side`.
    pub(crate) fn unfolding(init: &mut Initializer<'_>, side: usize, inputs: usize, outputs: usize) -> Self {
        let what =
            conv::Conv { kernel: 1, stride: 1, border: 0, activation: Activation::Linear, shuffle: side };
        Self::new(init, what, inputs, outputs * side * side, HALF_VARIANCE)
    }

    /// Colours in `(0, 1)`: 5×5, sigmoid; `subpixels` times the side.
    pub(crate) fn painting(
        init: &mut Initializer<'_>,
        inputs: usize,
        outputs: usize,
        subpixels: usize,
    ) -> Self {
        let activation = Activation::Sigmoid;
        let what = conv::Conv { kernel: 5, stride: 1, border: 2, activation, shuffle: subpixels };
        // a small gain starts the drawing near mid grey, where the sigmoid is steep
        Self::new(init, what, inputs, outputs * subpixels * subpixels, 0.1)
    }

    /// One number for each place, unbounded: 3×3.
    pub(crate) fn judging(init: &mut Initializer<'_>, inputs: usize) -> Self {
        let what = conv::Conv { kernel: 3, stride: 1, border: 1, activation: Activation::Linear, shuffle: 1 };
        Self::new(init, what, inputs, 1, HALF_VARIANCE)
    }

    /// Packs the weights once instead of each time; they may not change afterwards.
    pub(crate) fn settle(&mut self) {
        self.packed = block::pack(self.what, self.weight.val());
    }

    fn link(&self) -> Link {
        Link {
            conv: self.what,
            weights: self.weight.val(),
            bias: self.bias.val(),
            packed: self.packed.clone(),
        }
    }
}

/// √½: without a rectifier, half of its variance keeps that of the input.
const HALF_VARIANCE: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// Images `[n, channels, height, width]` through one convolution after the other.
pub(crate) fn chain<'a>(images: Tensor<4>, convolutions: impl Iterator<Item = &'a Conv>) -> Tensor<4> {
    block::chain(images, &convolutions.map(Conv::link).collect::<Vec<_>>())
}
