//! Convolutions with few outputs, such as the last one of a decoder, which paints three colours.
//!
//! A block of 32 columns would be mostly empty, and everything around the sums would cost more than they do. So these
//! are summed in vectors of channels, in f32, from lines that were unpacked (and given their border of zeros) first.

mod backward;
mod forward;
mod lines;

pub(in crate::conv) use backward::backward;
pub(in crate::conv) use forward::forward;

use super::Conv;
use crate::buffer::{Buffer, Kind, numbers_mut};
use crate::element::Element;
use crate::layout::Layout;
use lines::{Lines, Room};

/// The most outputs that are few.
const MOST: usize = 4;
/// Channels that the forward pass sums apart: as many as the longest vectors have numbers.
const LANES: usize = 16;
/// Lines done together: their neighbours are unpacked once for all of them.
const LINES: usize = 16;

/// Whether a convolution is done so.
pub(super) fn is_few(conv: &Conv, outputs: usize) -> bool {
    (2..=5).contains(&conv.kernel)
        && conv.border < conv.kernel
        && (conv.stride, conv.shuffle) == (1, 1)
        && outputs <= MOST
}

/// Calls `$run` with `$name` a constant that equals `$value`, one of the numbers.
macro_rules! with_constant {
    ($name:ident = $value:expr, [$($number:literal),*], $run:expr) => {
        match $value {
            $($number => {
                const $name: usize = $number;
                $run
            })*
            other => unreachable!("{other} was refused by `is_few`"),
        }
    };
}
use with_constant;

/// In which order a pass goes through the weights.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// `[line, column, vector, output, channel]`.
    Forward,
    /// `[vector, line, column, output, channel]`, lines and columns from the last to the first.
    Backward,
}

/// Weights as vectors of `lanes` channels.
fn vectors_of(
    lanes: usize,
    conv: &Conv,
    weights: &[f32],
    (inputs, outputs): (usize, usize),
    reading: Reading,
) -> Vec<f32> {
    let (kernel, vectors) = (conv.kernel, inputs.div_ceil(lanes));
    let mut packed = vec![0.0; kernel * kernel * vectors * outputs * lanes];
    for (place, weight) in weights.iter().enumerate() {
        let (output, rest) = (place % outputs, place / outputs);
        let (input, tap) = (rest % inputs, rest / inputs);
        let (vector, channel) = (input / lanes, input % lanes);
        let row = match reading {
            Reading::Forward => (tap * vectors + vector) * outputs + output,
            Reading::Backward => (vector * kernel * kernel + kernel * kernel - 1 - tap) * outputs + output,
        };
        packed[row * lanes + channel] = *weight;
    }
    packed
}

/// First line of a unit of work and its image, and the number of its lines.
fn unit(number: usize, units: usize, height: usize) -> (usize, usize, usize) {
    let (image, first) = (number / units, number % units * LINES);
    (image, first, LINES.min(height - first))
}

/// Weights for [`forward`].
pub(super) fn packed(conv: &Conv, weights: &[f32], (inputs, outputs): (usize, usize)) -> Buffer {
    let vectors = vectors_of(LANES, conv, weights, (inputs, outputs), Reading::Forward);
    let mut packed = Buffer::new::<f32>(Kind::Filled, vectors.len());
    numbers_mut::<f32>(&mut packed)[..vectors.len()].copy_from_slice(&vectors);
    packed
}

/// Lines of one image of an input.
#[inline(always)]
fn unpacked<E: Element>((from, layout): (&[E], Layout), image: usize, room: Room) -> Lines {
    Lines::new(room, layout.dims.height, |y, to| {
        for (x, to) in to.chunks_exact_mut(room.pixel).take(layout.dims.width).enumerate() {
            let from = &from[layout.offset(image, y, x)..][..layout.dims.channels];
            to.iter_mut().zip(from).for_each(|(to, value)| *to = value.to_f32());
        }
    })
}
