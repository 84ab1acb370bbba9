//! From input to result.

use std::ops::Range;

use super::correlate::{Strips, Window, correlate};
use super::pack::Matrix;
use super::{Conv, Form, Shared, Values, few, pick_layout, with_tile};
use crate::buffer::{Buffer, CacheLine, numbers, numbers_mut};
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::path::Path;
use crate::tile::Tile;

/// Weights as the tiles of a path read them, for a network that learns no more.
#[derive(Clone, Debug)]
pub struct Packed {
    path: Path,
    conv: Conv,
    inputs: usize,
    outputs: usize,
    values: Buffer,
}

impl Packed {
    /// `weights` `[kernel, kernel, inputs, outputs]` for images of any size.
    ///
    /// # Panics
    /// When there are more or fewer weights than that.
    #[must_use]
    pub fn new(path: Path, conv: Conv, weights: &[f32], inputs: usize, outputs: usize) -> Self {
        assert_eq!(weights.len(), conv.weights(inputs, outputs), "weights of another shape");
        let values = with_tile!(path, tile, {
            if few::is_few(&conv, outputs) {
                few::packed(&conv, weights, (inputs, outputs))
            } else {
                matrix(tile, &conv, weights, inputs, outputs).pack(tile)
            }
        });
        Self { path, conv, inputs, outputs, values }
    }
}

/// `shuffle(activation(conv(x, weights) + bias))` in the wanted form.
///
/// `weights` `[kernel, kernel, inputs, outputs]`, `bias` `[outputs]`.
///
/// # Panics
/// When sizes do not agree.
#[must_use]
pub fn forward(
    path: Path,
    conv: &Conv,
    x: &[CacheLine],
    layout: Layout,
    weights: &[f32],
    bias: &[f32],
    to: Form,
) -> Values {
    let (inputs, outputs) = (layout.dims.channels, bias.len());
    if few::is_few(conv, outputs) {
        return forward_packed(&Packed::new(path, *conv, weights, inputs, outputs), x, layout, bias, to);
    }
    assert_eq!(weights.len(), conv.weights(inputs, outputs), "weights of another shape");
    assert!(layout.pad >= conv.border, "the layout was made for another convolution");
    with_tile!(path, tile, {
        let matrix = matrix(tile, conv, weights, inputs, outputs);
        run(tile, conv, numbers(x), layout, Strips::Of(&matrix), bias, to)
    })
}

/// The same with weights that were packed before.
///
/// # Panics
/// When sizes do not agree.
#[must_use]
pub fn forward_packed(packed: &Packed, x: &[CacheLine], layout: Layout, bias: &[f32], to: Form) -> Values {
    let Packed { path, conv, inputs, outputs, values } = packed;
    assert_eq!((*inputs, *outputs), (layout.dims.channels, bias.len()), "weights of another shape");
    assert!(layout.pad >= conv.border, "the layout was made for another convolution");
    with_tile!(*path, tile, {
        if few::is_few(conv, *outputs) {
            few::forward(tile, conv, (numbers(x), layout), numbers(values), bias, to)
        } else {
            run(tile, conv, numbers(x), layout, Strips::Packed(values), bias, to)
        }
    })
}

/// The weights as a matrix: places of the window by outputs.
fn matrix<'a, T: Tile>(_: T, conv: &Conv, weights: &'a [f32], inputs: usize, outputs: usize) -> Matrix<'a> {
    // how deep a window is depends on nothing but the channels
    let one = Dims { images: 1, height: conv.kernel, width: conv.kernel, channels: inputs };
    let window = window(conv, pick_layout(T::GROUP, T::K_STEP, one, conv.border));
    let depth = window.depth(T::K_STEP);
    let depth = depth
        .map(|place| place.map(|(y, x, channel)| ((y * conv.kernel + x) * inputs + channel) * outputs))
        .collect();
    Matrix { weights, depth, columns: outputs, step: 1 }
}

/// The window that the kernel sees.
fn window(conv: &Conv, layout: Layout) -> Window {
    let (lines, columns) = conv.grid(layout.dims);
    let border = conv.border as isize;
    Window {
        layout,
        lines,
        columns,
        stride: conv.stride,
        taps_y: (0..conv.kernel).map(|tap| tap as isize - border).collect(),
        first_x: -border,
        taps_x: conv.kernel,
    }
}

fn run<T: Tile>(
    tile: T,
    conv: &Conv,
    x: &[T::E],
    layout: Layout,
    strips: Strips<'_>,
    bias: &[f32],
    to: Form,
) -> Values {
    let outputs = bias.len();
    let window = window(conv, layout);
    let result = conv.result(layout.dims, outputs);
    let shuffle = Shuffle::new(conv.shuffle, result.channels);
    let finish = |first: usize, sums: &mut [f32]| {
        let bias = &bias[first..first + sums.len()];
        for (sum, bias) in sums.iter_mut().zip(bias) {
            *sum = conv.activation.apply(*sum + bias);
        }
    };
    match to {
        Form::Packed(to) => {
            assert_eq!(to.dims, result, "the result has other sizes");
            let mut values = Buffer::packed::<T::E>(to);
            let out = Shared(numbers_mut::<T::E>(&mut values).as_mut_ptr());
            let put = |image: usize, part: Part, values: &[f32]| {
                let at = to.offset(image, part.y, part.x) + part.channel;
                // SAFETY: channels of one pixel of the result, within `to.len()`; no other position and no
                // other 32 outputs have these.
                let to = unsafe { std::slice::from_raw_parts_mut(out.at(at), values.len()) };
                T::E::from_all(values, to);
            };
            correlate(
                tile,
                x,
                &window,
                strips,
                outputs,
                #[inline(always)]
                |image, line, column, first, sums| {
                    finish(first, sums);
                    shuffle.each(line, column, first..first + sums.len(), |part, place| {
                        put(image, part, &sums[place]);
                    });
                },
            );
            Values::Packed(values)
        }
        Form::Planar(dims) => {
            assert_eq!(dims, result, "the result has other sizes");
            let mut values = vec![0.0_f32; dims.count()];
            let out = Shared(values.as_mut_ptr());
            let put = |image: usize, part: Part, values: &[f32]| {
                for (i, value) in values.iter().enumerate() {
                    let at = planar(dims, image, part.channel + i, part.y, part.x);
                    // SAFETY: one number of the result, which nobody else writes.
                    unsafe { out.at(at).write(*value) };
                }
            };
            correlate(
                tile,
                x,
                &window,
                strips,
                outputs,
                #[inline(always)]
                |image, line, column, first, sums| {
                    finish(first, sums);
                    shuffle.each(line, column, first..first + sums.len(), |part, place| {
                        put(image, part, &sums[place]);
                    });
                },
            );
            Values::Planar(values)
        }
    }
}

/// Index in `[image, channel, y, x]`.
#[inline(always)]
pub(super) fn planar(dims: Dims, image: usize, channel: usize, y: usize, x: usize) -> usize {
    ((image * dims.channels + channel) * dims.height + y) * dims.width + x
}

/// Which pixel and channel an output becomes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shuffle {
    side: usize,
    channels: usize,
}

/// Where a stretch of outputs goes: a pixel of the result, and its first channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) y: usize,
    pub(super) x: usize,
    pub(super) channel: usize,
}

impl Shuffle {
    pub(super) fn new(side: usize, channels: usize) -> Self {
        Self { side, channels }
    }

    /// Calls `with(part, place)` for each stretch of the outputs of a position that goes to one pixel; `place`
    /// is counted from the first output.
    #[inline(always)]
    pub(super) fn each(
        self,
        line: usize,
        column: usize,
        outputs: Range<usize>,
        mut with: impl FnMut(Part, Range<usize>),
    ) {
        let mut output = outputs.start;
        while output < outputs.end {
            let (number, channel) = (output / self.channels, output % self.channels);
            let end = outputs.end.min(output + self.channels - channel);
            let (y, x) = (line * self.side + number / self.side, column * self.side + number % self.side);
            with(Part { y, x, channel }, output - outputs.start..end - outputs.start);
            output = end;
        }
    }
}
