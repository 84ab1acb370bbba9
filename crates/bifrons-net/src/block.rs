//! The kernels of `bifrons-kernels` as operators of Burn's, with gradients.
//!
//! Between the blocks of a chain, activations lie as the kernels want them, in tensors that nothing else may
//! look into ([`Packed`]).

use std::borrow::Cow;

use bifrons_kernels::buffer::{self, CacheLine};
use bifrons_kernels::conv::{self, Conv, Form, Values, ValuesRef};
use bifrons_kernels::layout::{Dims, Layout};
use bifrons_kernels::{Path, adam, loss};
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{AllocationProperty, Bytes, DType, Shape, Tensor};
use burn_flex::FlexTensor;

/// One convolution with what follows, on images of known size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    path: Path,
    conv: Conv,
    input: Layout,
    form: Form,
}

/// Activations between two blocks.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    values: Tensor<1>,
    layout: Layout,
}

/// Images `[n, channels, height, width]` through a chain of convolutions `(what, weights
/// [kernel, kernel, in, out], bias [out])`, back to `[n, channels, height, width]`.
pub(crate) fn chain(images: Tensor<4>, blocks: &[(Conv, Tensor<4>, Tensor<1>)]) -> Tensor<4> {
    let path = Path::best();
    let [count, channels, height, width] = images.dims();
    let dims = Dims { images: count, height, width, channels };
    let layout = conv::layout(path, dims, &blocks[0].0);
    let values = Dispatch::enter(images.into_dispatch(), path, layout);
    let mut x = Packed { values: Tensor::from_dispatch(values), layout };
    for (number, (conv, weights, bias)) in blocks.iter().enumerate() {
        let result = conv.result(x.layout.dims, bias.dims()[0]);
        let form = match blocks.get(number + 1) {
            Some((next, ..)) => Form::Packed(conv::layout(path, result, next)),
            None => Form::Planar(result),
        };
        let block = Block { path, conv: *conv, input: x.layout, form };
        let (values, weights, bias) = (x.values, weights.clone(), bias.clone());
        let found =
            Dispatch::block(values.into_dispatch(), weights.into_dispatch(), bias.into_dispatch(), block);
        match form {
            Form::Packed(layout) => x = Packed { values: Tensor::from_dispatch(found), layout },
            Form::Planar(_) => return Tensor::from_dispatch(found),
        }
    }
    unreachable!("the last block's form is planar")
}

/// `[DSSIM, MSE]` of images `[n, channels, side, side]` under `weight` `[n, 1, side, side]`; the gradient goes
/// to `drawn` alone.
pub(crate) fn compare(drawn: Tensor<4>, truth: Tensor<4>, weight: Tensor<4>) -> Tensor<1> {
    let (truth, weight) = (truth.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(Dispatch::compare(drawn.into_dispatch(), truth, weight, Path::best()))
}

/// One step of Adam on the processor; gives back weights and both moments.
pub(crate) fn adam_step<const D: usize>(
    settings: adam::Adam,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    [mean, square]: [Tensor<D>; 2],
) -> (Tensor<D>, [Tensor<D>; 2]) {
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

impl Kernels for Flex {
    fn enter(images: FlexTensor, path: Path, layout: Layout) -> FlexTensor {
        packed(path, conv::enter(path, numbers(&images.to_contiguous()), layout))
    }

    fn leave(packed: FlexTensor, path: Path, layout: Layout) -> FlexTensor {
        planar(conv::leave(path, &cache_lines(&packed), layout), layout.dims)
    }

    fn block(x: FlexTensor, weights: FlexTensor, bias: FlexTensor, block: Block) -> FlexTensor {
        let (weights, bias) = (weights.to_contiguous(), bias.to_contiguous());
        let (weights, bias) = (numbers(&weights), numbers(&bias));
        let x = cache_lines(&x);
        match (conv::forward(block.path, &block.conv, &x, block.input, weights, bias, block.form), block.form)
        {
            (Values::Planar(values), Form::Planar(dims)) => planar(values, dims),
            (Values::Packed(lines), _) => packed(block.path, lines),
            (Values::Planar(_), Form::Packed(_)) => {
                unreachable!("the kernels give the form they are asked for")
            }
        }
    }

    fn block_backward(
        x: FlexTensor,
        weights: FlexTensor,
        result: FlexTensor,
        gradient: FlexTensor,
        block: Block,
        with_input: bool,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let weights = weights.to_contiguous();
        let is_planar = matches!(block.form, Form::Planar(_));
        let contiguous = |tensor: FlexTensor| if is_planar { tensor.to_contiguous() } else { tensor };
        let (result, gradient) = (contiguous(result), contiguous(gradient));
        let lines = if is_planar { None } else { Some((cache_lines(&result), cache_lines(&gradient))) };
        let (result, gradient) = match &lines {
            Some((result, gradient)) => (ValuesRef::Packed(result), ValuesRef::Packed(gradient)),
            None => (ValuesRef::Planar(numbers(&result)), ValuesRef::Planar(numbers(&gradient))),
        };
        let x = (&*cache_lines(&x), block.input);
        let found = conv::backward(
            block.path,
            &block.conv,
            x,
            numbers(&weights),
            result,
            gradient,
            block.form,
            with_input,
        );
        let bias = Shape::new([found.bias.len()]);
        let input =
            found.input.map_or_else(|| plain(Vec::new(), Shape::new([0])), |lines| packed(block.path, lines));
        (input, plain(found.weights, weights.shape()), plain(found.bias, bias))
    }

    fn compare(drawn: FlexTensor, truth: FlexTensor, weight: FlexTensor, path: Path) -> FlexTensor {
        let [drawn, truth, weight] = [drawn, truth, weight].map(|tensor| tensor.to_contiguous());
        plain(loss::compare(path, &faces(&drawn, &truth, &weight)).to_vec(), Shape::new([2]))
    }

    fn compare_backward(
        drawn: FlexTensor,
        truth: FlexTensor,
        weight: FlexTensor,
        gradient: FlexTensor,
        path: Path,
    ) -> FlexTensor {
        let [drawn, truth, weight, gradient] =
            [drawn, truth, weight, gradient].map(|tensor| tensor.to_contiguous());
        let outer = [numbers(&gradient)[0], numbers(&gradient)[1]];
        plain(loss::gradient(path, &faces(&drawn, &truth, &weight), outer), drawn.shape())
    }

    fn adam_step(
        weights: FlexTensor,
        gradient: FlexTensor,
        mean: FlexTensor,
        square: FlexTensor,
        settings: adam::Adam,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let gradient = gradient.to_contiguous();
        let [mut weights, mut mean, mut square] =
            [weights, mean, square].map(|tensor| tensor.to_contiguous());
        settings.apply(
            weights.storage_mut::<f32>(),
            numbers(&gradient),
            mean.storage_mut::<f32>(),
            square.storage_mut::<f32>(),
        );
        (weights, mean, square)
    }
}

fn plain(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), burn_flex::Layout::contiguous(shape), DType::F32)
}

fn planar(values: Vec<f32>, dims: Dims) -> FlexTensor {
    plain(values, Shape::new([dims.images, dims.channels, dims.height, dims.width]))
}

fn faces<'a>(drawn: &'a FlexTensor, truth: &'a FlexTensor, weight: &'a FlexTensor) -> loss::Faces<'a> {
    let [_, channels, side, _] = drawn.shape().dims();
    loss::Faces { drawn: numbers(drawn), truth: numbers(truth), weight: numbers(weight), channels, side }
}

/// All numbers of a contiguous f32 tensor.
fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("weights and images are contiguous f32")
}

struct Lines(Vec<CacheLine>);

impl AsRef<[u8]> for Lines {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// Without a copy: Burn's own allocations begin at any 16 bytes, ours at a cache line.
fn packed(path: Path, lines: Vec<CacheLine>) -> FlexTensor {
    let (dtype, of_line) = if path.is_bf16() { (DType::BF16, 32) } else { (DType::F32, 16) };
    let shape = Shape::new([lines.len() * of_line]);
    let bytes = bytes::Bytes::from_owner(Lines(lines));
    let bytes = Bytes::from_shared(bytes, AllocationProperty::Native);
    FlexTensor::new(bytes, burn_flex::Layout::contiguous(shape), dtype)
}

/// Copied only if Burn made the tensor itself (the sum of two gradients).
fn cache_lines(tensor: &FlexTensor) -> Cow<'_, [CacheLine]> {
    match bytemuck::try_cast_slice(tensor.bytes()) {
        Ok(lines) => Cow::Borrowed(lines),
        Err(_) => {
            let mut lines = buffer::zeros::<u8>(tensor.bytes().len());
            buffer::numbers_mut::<u8>(&mut lines)[..tensor.bytes().len()].copy_from_slice(tensor.bytes());
            Cow::Owned(lines)
        }
    }
}

impl<B: Kernels, C: CheckpointStrategy> Kernels for Autodiff<B, C> {
    fn enter(images: FloatTensor<Self>, path: Path, layout: Layout) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Enter;
        impl<B: Kernels> Backward<B, 1> for Enter {
            type State = (Path, Layout);
            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let (path, layout) = ops.state;
                unary::<B, _>(ops.parents, ops.node, gradients, |gradient| B::leave(gradient, path, layout));
            }
        }
        match Enter.prepare::<C>([images.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                prepared.finish((path, layout), B::enter(images.into_primitive(), path, layout))
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::enter(images.into_primitive(), path, layout)),
        }
    }

    fn leave(_: FloatTensor<Self>, _: Path, _: Layout) -> FloatTensor<Self> {
        unreachable!("only called on gradients")
    }

    fn block(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        block: Block,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Blocked;
        impl<B: Kernels> Backward<B, 3> for Blocked {
            type State = (NodeId, NodeId, FloatTensor<B>, Block);
            fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, saved: &mut Checkpointer) {
                let [of_x, of_weights, of_bias] = ops.parents;
                let gradient = gradients.consume::<B>(&ops.node);
                let (x, weights, result, block) = ops.state;
                let x: FloatTensor<B> = saved.retrieve_node_output(x);
                let weights: FloatTensor<B> = saved.retrieve_node_output(weights);
                let (x, weights, bias) =
                    B::block_backward(x, weights, result, gradient, block, of_x.is_some());
                for (node, gradient) in [(of_x, x), (of_weights, weights), (of_bias, bias)] {
                    if let Some(node) = node {
                        gradients.register::<B>(node.id, gradient);
                    }
                }
            }
        }
        match Blocked.prepare::<C>([x.node(), weights.node(), bias.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prepared) => {
                let saved = (prepared.checkpoint(&x), prepared.checkpoint(&weights));
                let result =
                    B::block(x.into_primitive(), weights.into_primitive(), bias.into_primitive(), block);
                prepared.finish((saved.0, saved.1, result.clone(), block), result)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::block(
                x.into_primitive(),
                weights.into_primitive(),
                bias.into_primitive(),
                block,
            )),
        }
    }

    fn block_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Block,
        _: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("only called on gradients")
    }

    fn compare(
        drawn: FloatTensor<Self>,
        truth: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        path: Path,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Compare;
        impl<B: Kernels> Backward<B, 1> for Compare {
            type State = ([FloatTensor<B>; 3], Path);
            fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
                let ([drawn, truth, weight], path) = ops.state;
                unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
                    B::compare_backward(drawn, truth, weight, gradient, path)
                });
            }
        }
        let (truth, weight) = (truth.into_primitive(), weight.into_primitive());
        match Compare.prepare::<C>([drawn.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let drawn = drawn.into_primitive();
                let found = B::compare(drawn.clone(), truth.clone(), weight.clone(), path);
                prepared.finish(([drawn, truth, weight], path), found)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::compare(drawn.into_primitive(), truth, weight, path))
            }
        }
    }

    fn compare_backward(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Path,
    ) -> FloatTensor<Self> {
        unreachable!("only called on gradients")
    }

    fn adam_step(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: adam::Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("weights are updated without gradients")
    }
}
