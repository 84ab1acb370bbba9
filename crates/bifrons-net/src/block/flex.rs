//! The operators on the processor.

use std::borrow::Cow;

use bifrons_kernels::buffer::{self, Buffer, CacheLine};
use bifrons_kernels::conv::{self, Form, Values, ValuesRef};
use bifrons_kernels::layout::{Dims, Layout};
use bifrons_kernels::{Path, adam, loss};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{AllocationProperty, Bytes, DType, Shape};
use burn_flex::FlexTensor;

use super::{Block, Kernels};
use crate::profile::{convolution, timed};

impl Kernels for Flex {
    fn enter(images: FlexTensor, path: Path, layout: Layout) -> FlexTensor {
        let enter = || packed(path, conv::enter(path, numbers(&images.to_contiguous()), layout));
        timed(|| ("images to the first layout".to_owned(), 0.0), enter)
    }

    fn leave(packed: FlexTensor, path: Path, layout: Layout) -> FlexTensor {
        let leave = || planar(conv::leave(path, &cache_lines(&packed), layout), layout.dims);
        timed(|| ("gradients from the first layout".to_owned(), 0.0), leave)
    }

    fn block(x: FlexTensor, weights: FlexTensor, bias: FlexTensor, block: Block) -> FlexTensor {
        let (bias, x) = (bias.to_contiguous(), cache_lines(&x));
        let (bias, form) = (numbers(&bias), block.form);
        let forward = || match &block.packed {
            Some(packed) => conv::forward_packed(packed, &x, block.input, bias, form),
            None => {
                let weights = weights.to_contiguous();
                conv::forward(block.path, &block.conv, &x, block.input, numbers(&weights), bias, form)
            }
        };
        let found = timed(|| convolution(&block.conv, block.input.dims, bias.len(), "forward", 1), forward);
        match (found, form) {
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
        let x = cache_lines(&x);
        let done = conv::Done {
            conv: block.conv,
            x: &x,
            layout: block.input,
            weights: numbers(&weights),
            result,
            form: block.form,
        };
        let outputs = weights.shape().dims::<4>()[3];
        let products = if with_input { 2 } else { 1 };
        let found = timed(
            || convolution(&block.conv, block.input.dims, outputs, "back", products),
            || conv::backward(block.path, &done, gradient, with_input),
        );
        let bias = Shape::new([found.bias.len()]);
        let input =
            found.input.map_or_else(|| plain(Vec::new(), Shape::new([0])), |lines| packed(block.path, lines));
        (input, shared(found.weights, weights.shape(), number_type(block.path)), plain(found.bias, bias))
    }

    fn compare(drawn: FlexTensor, truth: FlexTensor, weight: FlexTensor, path: Path) -> FlexTensor {
        let [drawn, truth, weight] = [drawn, truth, weight].map(|tensor| tensor.to_contiguous());
        let compare = || loss::compare(path, &faces(&drawn, &truth, &weight)).to_vec();
        plain(timed(|| ("loss, forward".to_owned(), 0.0), compare), Shape::new([2]))
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
        let gradient = || loss::gradient(path, &faces(&drawn, &truth, &weight), outer);
        plain(timed(|| ("loss, back".to_owned(), 0.0), gradient), drawn.shape())
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
        let bits =
            (gradient.dtype() == DType::BF16).then(|| bytemuck::cast_slice::<u8, u16>(gradient.bytes()));
        let of_weights = weights.storage_mut::<f32>();
        let (of_mean, of_square) = (mean.storage_mut::<f32>(), square.storage_mut::<f32>());
        let apply = || match bits {
            Some(bits) => settings.apply(of_weights, bits, of_mean, of_square),
            None => settings.apply(of_weights, numbers(&gradient), of_mean, of_square),
        };
        timed(|| ("Adam".to_owned(), 0.0), apply);
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

struct Lines(Buffer);

impl AsRef<[u8]> for Lines {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// What activations and gradients of weights are kept as.
fn number_type(path: Path) -> DType {
    if path.is_bf16() { DType::BF16 } else { DType::F32 }
}

/// Without a copy: Burn's own allocations begin at any 16 bytes, ours at a cache line.
fn packed(path: Path, lines: Buffer) -> FlexTensor {
    let dtype = number_type(path);
    let shape = Shape::new([lines.len() * size_of::<CacheLine>() / dtype.size()]);
    shared(lines, shape, dtype)
}

/// The first numbers of a buffer, as many as the shape has.
fn shared(lines: Buffer, shape: Shape, dtype: DType) -> FlexTensor {
    let length = shape.num_elements() * dtype.size();
    let bytes = bytes::Bytes::from_owner(Lines(lines)).slice(..length);
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
