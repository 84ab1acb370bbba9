//! From the gradient of the result to those of input, weights and bias.

use rayon::prelude::*;

use super::correlate::{Strips, Window, correlate};
use super::forward::{Part, Shuffle, planar};
use super::pack::Matrix;
use super::weight_gradient::Weighing;
use super::{Activation, Conv, Form, Shared, ValuesRef, few, pick_layout, with_tile};
use crate::buffer::{Buffer, CacheLine, numbers, numbers_mut};
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::path::Path;
use crate::tile::Tile;

/// What [`backward`] finds.
#[derive(Clone, Debug)]
pub struct Gradients {
    /// In the layout of the input, where it was asked for.
    pub input: Option<Buffer>,
    /// `[kernel, kernel, inputs, outputs]`, summed in f32 and kept as the path keeps activations; the last cache line may
    /// hold more.
    pub weights: Buffer,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// What [`forward`](super::forward()) was given and gave.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    /// Which convolution.
    pub conv: Conv,
    /// Its input,
    pub x: &'a [CacheLine],
    /// and how that lies.
    pub layout: Layout,
    /// `[kernel, kernel, inputs, outputs]`.
    pub weights: &'a [f32],
    /// What it gave,
    pub result: ValuesRef<'a>,
    /// and the form of that.
    pub form: Form,
}

/// Gradients of [`forward`](super::forward()): `gradient` is that of the loss with respect to the result, in the
/// same form.
///
/// # Panics
/// When sizes do not agree.
#[must_use]
pub fn backward(path: Path, done: &Done<'_>, gradient: ValuesRef<'_>, with_input: bool) -> Gradients {
    with_tile!(path, tile, run(tile, done, gradient, with_input))
}

fn run<T: Tile + Weighing>(tile: T, done: &Done<'_>, gradient: ValuesRef<'_>, with_input: bool) -> Gradients {
    let Done { conv, x, layout, weights, result, form } = *done;
    let conv = &conv;
    let inputs = layout.dims.channels;
    let outputs = weights.len() / (conv.kernel * conv.kernel * inputs);
    if few::is_few(conv, outputs) {
        return few::backward(tile, done, gradient, outputs, with_input);
    }
    let (height, width) = conv.grid(layout.dims);
    // a full connection is one product, without phases
    let count = if is_whole(conv, layout.dims) { 0 } else { conv.stride * conv.stride };
    let phases: Vec<Phase> = (0..count).map(|number| Phase::new(conv, layout.dims, number)).collect();
    let pad = phases.iter().map(|phase| phase.pad(width)).max().unwrap_or(0);
    let dims = Dims { images: layout.dims.images, height, width, channels: outputs };
    let sums = pick_layout(T::GROUP, T::K_STEP, dims, pad);
    let (before, bias) = before_activation(tile, conv, sums, result, gradient, form);
    let before = numbers::<T::E>(&before);
    let weights_gradient = tile.weigh(conv, numbers(x), layout, before, sums);
    let input = with_input.then(|| {
        let mut found = Buffer::packed::<T::E>(layout);
        let out = Shared(numbers_mut::<T::E>(&mut found).as_mut_ptr());
        if phases.is_empty() {
            whole_input_gradient(tile, conv, weights, (before, sums), (out, layout));
        }
        for phase in &phases {
            phase.input_gradient(tile, conv, weights, (before, sums), (out, layout));
        }
        found
    });
    Gradients { input, weights: weights_gradient, bias }
}

/// Whether the kernel sees the whole image from its one place.
fn is_whole(conv: &Conv, input: Dims) -> bool {
    conv.border == 0 && (input.height, input.width) == (conv.kernel, conv.kernel)
}

/// The input gradient of a full connection: every number of the image is a column of one matrix product.
fn whole_input_gradient<T: Tile>(
    tile: T,
    conv: &Conv,
    weights: &[f32],
    (before, sums): (&[T::E], Layout),
    (out, layout): (Shared<T::E>, Layout),
) {
    let (inputs, outputs) = (layout.dims.channels, sums.dims.channels);
    let window =
        Window { layout: sums, lines: 1, columns: 1, stride: 1, taps_y: vec![0], first_x: 0, taps_x: 1 };
    let depth = window.depth(T::K_STEP).map(|place| place.map(|(_, _, output)| output)).collect();
    let columns = conv.kernel * conv.kernel * inputs;
    let matrix = Matrix { weights, depth, columns, step: outputs };
    // columns go through the image pixel by pixel, which is what a shuffle does with outputs
    let pixels = Shuffle::new(conv.kernel, inputs);
    correlate(
        tile,
        before,
        &window,
        Strips::Of(&matrix),
        columns,
        #[inline(always)]
        |image, _, _, first, found| {
            pixels.each(0, 0, first..first + found.len(), |Part { y, x, channel }, place| {
                let at = layout.offset(image, y, x) + channel;
                // SAFETY: channels of one pixel of the input, within `layout.len()`; each column is one number of the
                // image, and comes once.
                let to = unsafe { std::slice::from_raw_parts_mut(out.at(at), place.len()) };
                T::E::from_all(&found[place], to);
            });
        },
    );
}

/// Gradient of the sums before the activation, and of the bias.
fn before_activation<T: Tile>(
    tile: T,
    conv: &Conv,
    sums: Layout,
    result: ValuesRef<'_>,
    gradient: ValuesRef<'_>,
    form: Form,
) -> (Buffer, Vec<f32>) {
    let Dims { images, height, width, channels: outputs } = sums.dims;
    let shuffle = Shuffle::new(conv.shuffle, outputs / (conv.shuffle * conv.shuffle));
    let mut found = Buffer::packed::<T::E>(sums);
    let length = sums.line();
    // the sums of a line are added up in the order of the lines: the same for any number of threads
    let lines = numbers_mut::<T::E>(&mut found)[..height * length].par_chunks_mut(length).enumerate();
    let line = |(line, to): (usize, &mut [T::E])| -> Vec<f32> {
        let mut bias = vec![0.0_f32; outputs];
        for column in 0..width {
            for image in 0..images {
                let at = sums.offset(image, 0, column);
                let to = &mut to[at..at + outputs];
                shuffle.each(
                    line,
                    column,
                    0..outputs,
                    #[inline(always)]
                    |Part { y, x, channel }, place| {
                        let count = place.len();
                        let to = to[place.clone()].iter_mut().zip(&mut bias[place]);
                        match (form, result, gradient) {
                            (
                                Form::Packed(layout),
                                ValuesRef::Packed(result),
                                ValuesRef::Packed(gradient),
                            ) => {
                                let at = layout.offset(image, y, x) + channel;
                                let result = &numbers::<T::E>(result)[at..at + count];
                                let gradient = &numbers::<T::E>(gradient)[at..at + count];
                                let found =
                                    result.iter().zip(gradient).map(|(r, g)| (r.to_f32(), g.to_f32()));
                                undo(conv.activation, found, to);
                            }
                            (Form::Planar(dims), ValuesRef::Planar(result), ValuesRef::Planar(gradient)) => {
                                let places = (0..count).map(|i| planar(dims, image, channel + i, y, x));
                                undo(conv.activation, places.map(|at| (result[at], gradient[at])), to);
                            }
                            _ => panic!("result and gradient are not in the form they are said to have"),
                        }
                    },
                );
            }
        }
        bias
    };
    let biases: Vec<Vec<f32>> = lines
        .map(|work| {
            tile.run(
                #[inline(always)]
                || line(work),
            )
        })
        .collect();
    let mut bias = vec![0.0_f32; outputs];
    for line in biases {
        for (sum, value) in bias.iter_mut().zip(line) {
            *sum += value;
        }
    }
    (found, bias)
}

/// `gradient · slope(result)` to `to` and added to the bias. One loop for each activation, so that each is
/// compiled to vectors.
#[inline(always)]
fn undo<'a, E: Element>(
    activation: Activation,
    found: impl Iterator<Item = (f32, f32)>,
    to: impl Iterator<Item = (&'a mut E, &'a mut f32)>,
) {
    match activation {
        Activation::Linear => each(found, to, |_| 1.0),
        Activation::Leaky => each(found, to, |result| Activation::Leaky.slope(result)),
        Activation::Sigmoid => each(found, to, |result| Activation::Sigmoid.slope(result)),
    }
}

#[inline(always)]
fn each<'a, E: Element>(
    found: impl Iterator<Item = (f32, f32)>,
    to: impl Iterator<Item = (&'a mut E, &'a mut f32)>,
    slope: impl Fn(f32) -> f32,
) {
    for ((result, gradient), (to, bias)) in found.zip(to) {
        let value = gradient * slope(result);
        *to = E::from_f32(value);
        *bias += value;
    }
}

/// The input pixels that meet the same taps: with stride 2, every second one of every second line.
#[derive(Debug)]
struct Phase {
    /// First line and column.
    y: usize,
    x: usize,
    /// How many lines and columns.
    lines: usize,
    columns: usize,
    /// Taps of the kernel, each with the place of the kernel it comes from, relative to the pixel.
    taps_y: Vec<(usize, isize)>,
    taps_x: Vec<(usize, isize)>,
}

impl Phase {
    fn new(conv: &Conv, input: Dims, number: usize) -> Self {
        let (y, x) = (number / conv.stride, number % conv.stride);
        let taps = |first: usize| {
            let reach = |tap: usize| (first + conv.border) as isize - tap as isize;
            let stride = conv.stride as isize;
            let mut taps: Vec<_> = (0..conv.kernel)
                .filter(|&tap| reach(tap).rem_euclid(stride) == 0)
                .map(|tap| (tap, reach(tap).div_euclid(stride)))
                .collect();
            taps.sort_by_key(|tap| tap.1);
            taps
        };
        let count = |side: usize, first: usize| side.saturating_sub(first).div_ceil(conv.stride);
        Self {
            y,
            x,
            lines: count(input.height, y),
            columns: count(input.width, x),
            taps_y: taps(y),
            taps_x: taps(x),
        }
    }

    /// Zeros needed beside a line of `width` sums.
    fn pad(&self, width: usize) -> usize {
        let (Some(first), Some(last)) = (self.taps_x.first(), self.taps_x.last()) else { return 0 };
        let right = self.columns as isize - 1 + last.1 - (width as isize - 1);
        (-first.1).max(right).max(0) as usize
    }

    fn input_gradient<T: Tile>(
        &self,
        tile: T,
        conv: &Conv,
        weights: &[f32],
        (before, sums): (&[T::E], Layout),
        (out, layout): (Shared<T::E>, Layout),
    ) {
        let (inputs, outputs) = (layout.dims.channels, sums.dims.channels);
        let place = |image: usize, line: usize, column: usize| {
            layout.offset(image, line * conv.stride + self.y, column * conv.stride + self.x)
        };
        if self.taps_x.is_empty() || self.taps_y.is_empty() {
            // nothing sees these pixels, and the buffer may have held another gradient
            for (line, column) in (0..self.lines).flat_map(|y| (0..self.columns).map(move |x| (y, x))) {
                for image in 0..layout.dims.images {
                    let at = place(image, line, column);
                    // SAFETY: channels of one pixel of the input; one thread goes through all phases.
                    unsafe { std::slice::from_raw_parts_mut(out.at(at), inputs) }.fill(T::E::from_f32(0.0));
                }
            }
            return;
        }
        let window = Window {
            layout: sums,
            lines: self.lines,
            columns: self.columns,
            stride: 1,
            taps_y: self.taps_y.iter().map(|tap| tap.1).collect(),
            first_x: self.taps_x[0].1,
            taps_x: self.taps_x.len(),
        };
        let depth = window
            .depth(T::K_STEP)
            .map(|place| {
                place.map(|(y, x, output)| {
                    (self.taps_y[y].0 * conv.kernel + self.taps_x[x].0) * inputs * outputs + output
                })
            })
            .collect();
        let matrix = Matrix { weights, depth, columns: inputs, step: outputs };
        correlate(
            tile,
            before,
            &window,
            Strips::Of(&matrix),
            inputs,
            #[inline(always)]
            |image, line, column, first, found| {
                let at = place(image, line, column) + first;
                // SAFETY: channels of one pixel of the input, within `layout.len()`; each pixel belongs to
                // one phase and one position, and other channels to other calls.
                let to = unsafe { std::slice::from_raw_parts_mut(out.at(at), found.len()) };
                T::E::from_all(found, to);
            },
        );
    }
}
