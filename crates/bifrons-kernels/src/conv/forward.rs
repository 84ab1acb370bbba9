//! From input to result.

use super::correlate::{Window, correlate};
use super::{Conv, Form, Shared, Values, pack, with_tile};
use crate::buffer::{CacheLine, numbers, numbers_mut, zeros};
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::path::Path;
use crate::tile::Tile;

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
    with_tile!(path, tile, run(tile, conv, numbers(x), layout, weights, bias, to))
}

/// The window that the kernel sees.
pub(super) fn window(conv: &Conv, layout: Layout) -> Window {
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
    weights: &[f32],
    bias: &[f32],
    to: Form,
) -> Values {
    let (inputs, outputs) = (layout.dims.channels, bias.len());
    assert!(layout.pad >= conv.border, "the layout was made for another convolution");
    assert_eq!(weights.len(), conv.weights(inputs, outputs), "weights of another shape");
    let window = window(conv, layout);
    let depth = window.depth(T::K_STEP);
    let depth: pack::Depth = depth
        .map(|place| place.map(|(y, x, channel)| ((y * conv.kernel + x) * inputs + channel) * outputs))
        .collect();
    let strips = pack::from_rows(tile, weights, &depth, outputs);
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
            let mut values = zeros::<T::E>(to.len());
            let out = Shared(numbers_mut::<T::E>(&mut values).as_mut_ptr());
            correlate(
                tile,
                x,
                &window,
                numbers(&strips),
                outputs,
                #[inline(always)]
                |image, line, column, first, sums| {
                    finish(first, sums);
                    shuffle.each(
                        first,
                        sums.len(),
                        #[inline(always)]
                        |part, from, count| {
                            let (y, x) =
                                (line * conv.shuffle + part.line, column * conv.shuffle + part.column);
                            let at = to.offset(image, y, x) + part.channel;
                            // SAFETY: `at..at + count` are channels of one pixel of the result, within
                            // `to.len()`; no other position and no other 32 outputs have these.
                            let to = unsafe { std::slice::from_raw_parts_mut(out.at(at), count) };
                            for (to, sum) in to.iter_mut().zip(&sums[from..from + count]) {
                                *to = T::E::from_f32(*sum);
                            }
                        },
                    );
                },
            );
            Values::Packed(values)
        }
        Form::Planar(dims) => {
            assert_eq!(dims, result, "the result has other sizes");
            let mut values = vec![0.0_f32; dims.count()];
            let out = Shared(values.as_mut_ptr());
            correlate(
                tile,
                x,
                &window,
                numbers(&strips),
                outputs,
                #[inline(always)]
                |image, line, column, first, sums| {
                    finish(first, sums);
                    shuffle.each(
                        first,
                        sums.len(),
                        #[inline(always)]
                        |part, from, count| {
                            let (y, x) =
                                (line * conv.shuffle + part.line, column * conv.shuffle + part.column);
                            for i in 0..count {
                                let at = planar(dims, image, part.channel + i, y, x);
                                // SAFETY: one number of the result, which nobody else writes.
                                unsafe { out.at(at).write(sums[from + i]) };
                            }
                        },
                    );
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

/// Where a stretch of outputs goes: pixel within the `shuffle` × `shuffle` of its position, first channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) channel: usize,
}

impl Shuffle {
    pub(super) fn new(side: usize, channels: usize) -> Self {
        Self { side, channels }
    }

    /// Calls `with(part, offset, count)` for each stretch of `first..first + count` that stays together.
    #[inline(always)]
    pub(super) fn each(self, first: usize, count: usize, mut with: impl FnMut(Part, usize, usize)) {
        let mut done = 0;
        while done < count {
            let output = first + done;
            let (number, channel) = (output / self.channels, output % self.channels);
            let together = (self.channels - channel).min(count - done);
            with(Part { line: number / self.side, column: number % self.side, channel }, done, together);
            done += together;
        }
    }
}
