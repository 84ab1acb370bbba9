//! The three layers everything is built of.

use burn::module::{Module, Param, ParamId};
use burn::nn::PixelShuffleConfig;
use burn::tensor::activation::leaky_relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Slope of the leaky rectifier below zero, the value the field uses.
pub(crate) const LEAK: f64 = 0.1;

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
    fn weight<const D: usize>(&mut self, shape: [usize; D], fan_in: usize, gain: f32) -> Param<Tensor<D>> {
        let bound = gain * (6.0 / ((1.0 + LEAK * LEAK) * fan_in as f64)).sqrt() as f32;
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

/// A convolution with bias.
#[derive(Module, Debug)]
pub(crate) struct Conv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    stride: usize,
}

impl Conv {
    pub(crate) fn new(
        init: &mut Initializer<'_>,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        gain: f32,
    ) -> Self {
        Self {
            weight: init.weight([outputs, inputs, kernel, kernel], inputs * kernel * kernel, gain),
            bias: init.bias(outputs),
            stride,
        }
    }

    /// `[n, inputs, h, w]` to `[n, outputs, h/stride, w/stride]`, zeros beyond the border.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let border = self.weight.dims()[2] / 2;
        let options = ConvOptions::new([self.stride; 2], [border; 2], [1; 2], 1);
        conv2d(x, self.weight.val(), Some(self.bias.val()), options)
    }
}

/// Enlarges twofold: 3×3 convolution to four times the channels, leaky rectifier, pixel shuffle
/// (Shi et al. 2016).
#[derive(Module, Debug)]
pub(crate) struct Enlarge {
    conv: Conv,
}

impl Enlarge {
    pub(crate) fn new(init: &mut Initializer<'_>, inputs: usize, outputs: usize) -> Self {
        Self { conv: Conv::new(init, inputs, 4 * outputs, 3, 1, 1.0) }
    }

    /// `[n, inputs, h, w]` to `[n, outputs, 2h, 2w]`.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        PixelShuffleConfig::new(2).init().forward(leaky_relu(self.conv.forward(x), LEAK))
    }
}

/// A full connection without activation.
#[derive(Module, Debug)]
pub(crate) struct Dense {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Dense {
    pub(crate) fn new(init: &mut Initializer<'_>, inputs: usize, outputs: usize) -> Self {
        // no rectifier follows: half of its variance keeps that of the input
        let gain = (0.5_f32).sqrt();
        Self { weight: init.weight([inputs, outputs], inputs, gain), bias: init.bias(outputs) }
    }

    /// `[n, inputs]` to `[n, outputs]`.
    pub(crate) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }
}
