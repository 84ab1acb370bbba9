//! The kernels of `bifrons-kernels` as operators of Burn's, with gradients. Networks call them alike on every device; where
//! the kernels do not run, Burn's own operators do the same ([`operators`]).
//!
//! Between the blocks of a chain, activations lie as the kernels want them, in tensors that nothing else may
//! look into ([`Activations`]).

mod autodiff;
mod flex;
mod operators;

use std::sync::Arc;

use bifrons_kernels::conv::{self, Conv, Form, Packed};
use bifrons_kernels::layout::{Dims, Layout};
use bifrons_kernels::{Path, adam};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, backend_extension};
use burn::tensor::{Device, Tensor};

/// One convolution with what follows, on images of known size.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    path: Path,
    conv: Conv,
    input: Layout,
    form: Form,
    /// The weights once more, packed, where they no longer change.
    packed: Option<Arc<Packed>>,
}

/// A convolution of a chain: what it does, its weights `[kernel, kernel, in, out]` (also packed, where they no
/// longer change) and its bias `[out]`.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) conv: Conv,
    pub(crate) weights: Tensor<4>,
    pub(crate) bias: Tensor<1>,
    pub(crate) packed: Option<Arc<Packed>>,
}

/// Whether the kernels run there, with or without gradients.
fn is_processor(device: Device) -> bool {
    matches!(device.inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// Weights `[kernel, kernel, in, out]` as the processor's kernels read them; `None` on other devices.
pub(crate) fn pack(conv: Conv, weights: Tensor<4>) -> Option<Arc<Packed>> {
    if !is_processor(weights.device()) {
        return None;
    }
    let [_, _, inputs, outputs] = weights.dims();
    let weights: Vec<f32> = weights.into_data().iter::<f32>().collect();
    Some(Arc::new(Packed::new(Path::best(), conv, &weights, inputs, outputs)))
}

/// Activations between two blocks.
#[derive(Clone, Debug)]
pub(crate) struct Activations {
    values: Tensor<1>,
    layout: Layout,
}

/// Images `[n, channels, height, width]` through a chain of convolutions, back to `[n, channels, height, width]`.
pub(crate) fn chain(images: Tensor<4>, links: &[Link]) -> Tensor<4> {
    if !is_processor(images.device()) {
        return operators::chain(images, links);
    }
    let path = Path::best();
    let [count, channels, height, width] = images.dims();
    let dims = Dims { images: count, height, width, channels };
    let layout = conv::layout(path, dims, &links[0].conv);
    let values = Dispatch::enter(images.into_dispatch(), path, layout);
    let mut x = Activations { values: Tensor::from_dispatch(values), layout };
    for (number, link) in links.iter().enumerate() {
        let Link { conv, weights, bias, packed } = link.clone();
        let result = conv.result(x.layout.dims, bias.dims()[0]);
        let form = match links.get(number + 1) {
            Some(next) => Form::Packed(conv::layout(path, result, &next.conv)),
            None => Form::Planar(result),
        };
        let block = Block { path, conv, input: x.layout, form, packed };
        let found =
            Dispatch::block(x.values.into_dispatch(), weights.into_dispatch(), bias.into_dispatch(), block);
        match form {
            Form::Packed(layout) => x = Activations { values: Tensor::from_dispatch(found), layout },
            Form::Planar(_) => return Tensor::from_dispatch(found),
        }
    }
    unreachable!("the last block's form is planar")
}

/// `[DSSIM, MSE]` of images `[n, channels, side, side]` under `weight` `[n, 1, side, side]`; the gradient goes
/// to `drawn` alone.
pub(crate) fn compare(drawn: Tensor<4>, truth: Tensor<4>, weight: Tensor<4>) -> Tensor<1> {
    if !is_processor(drawn.device()) {
        return operators::compare(drawn, truth, weight);
    }
    let (truth, weight) = (truth.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::compare(drawn.into_dispatch(), truth, weight, Path::best()))
}

/// One step of Adam; gives back weights and both moments.
pub(crate) fn adam_step<const D: usize>(
    settings: adam::Adam,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    [mean, square]: [Tensor<D>; 2],
) -> (Tensor<D>, [Tensor<D>; 2]) {
    if !is_processor(weights.device()) {
        return operators::adam_step(settings, weights, gradient, [mean, square]);
    }
    let (mean, square) = (mean.into_dispatch(), square.into_dispatch());
    let (weights, mean, square) =
        Dispatch::adam_step(weights.into_dispatch(), gradient.into_dispatch(), mean, square, settings);
    (Tensor::from_dispatch(weights), [Tensor::from_dispatch(mean), Tensor::from_dispatch(square)])
}

/// What a device must be able to do to train our networks.
#[backend_extension(Autodiff, Flex)]
pub(crate) trait Kernels: Backend {
    /// Images `[n, channels, height, width]` to a layout.
    fn enter(images: FloatTensor<Self>, path: Path, layout: Layout) -> FloatTensor<Self>;

    /// Back.
    fn leave(packed: FloatTensor<Self>, path: Path, layout: Layout) -> FloatTensor<Self>;

    /// One block of a chain.
    fn block(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        block: Block,
    ) -> FloatTensor<Self>;

    /// Gradients of input (empty unless asked for), weights and bias.
    fn block_backward(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        result: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        block: Block,
        with_input: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// `[DSSIM, MSE]`.
    fn compare(
        drawn: FloatTensor<Self>,
        truth: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        path: Path,
    ) -> FloatTensor<Self>;

    /// Gradient of `drawn` from that of both numbers.
    fn compare_backward(
        drawn: FloatTensor<Self>,
        truth: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        path: Path,
    ) -> FloatTensor<Self>;

    /// New weights and moments.
    fn adam_step(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        settings: adam::Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}
