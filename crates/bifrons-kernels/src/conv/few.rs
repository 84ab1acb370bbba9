//! Convolutions with few outputs, such as the last one of a decoder, which paints three colours.
//!
//! A block of 32 columns would be mostly empty, and everything around the sums would cost more than they do. So these
//! are summed in vectors of channels, in f32, from lines that were unpacked (and given their border of zeros) first.

use rayon::prelude::*;

use super::forward::planar;
use super::{Conv, Done, Form, Gradients, Shared, Values, ValuesRef};
use crate::buffer::{Buffer, Kind, numbers, numbers_mut};
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::tile::{Tile, Vector};

/// The most outputs that are few.
const MOST: usize = 4;
/// Lines done together: their neighbours are unpacked once for all of them.
const LINES: usize = 16;
/// Pixels summed at once: forward, with a sum for each output, and for the gradient of the input.
const PIXELS: usize = 4;
const PIXELS_BACK: usize = 8;

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

/// Lines of one image in f32 with zeros around them.
struct Unpacked {
    values: Vec<f32>,
    /// Numbers of a pixel and of a line.
    pixel: usize,
    line: usize,
}

impl Unpacked {
    /// `count` lines from `first` on (beyond the image: zeros), `before` pixels of zeros on the left and enough on
    /// the right for `pixels` pixels in all.
    fn new<E: Element>(
        (from, layout): (&[E], Layout),
        image: usize,
        (first, count): (isize, usize),
        (before, pixels): (usize, usize),
        pixel: usize,
    ) -> Self {
        let line = pixels * pixel;
        let mut values = vec![0.0; count * line];
        for (number, to) in values.chunks_exact_mut(line).enumerate() {
            let y = first + number as isize;
            if y < 0 || y >= layout.dims.height as isize {
                continue;
            }
            let to = to[before * pixel..].chunks_exact_mut(pixel);
            for (x, to) in to.take(layout.dims.width).enumerate() {
                let from = &from[layout.offset(image, y as usize, x)..][..layout.dims.channels];
                to.iter_mut().zip(from).for_each(|(to, value)| *to = value.to_f32());
            }
        }
        Self { values, pixel, line }
    }

    /// Lines of an image `[line, column, number]`.
    fn plain(
        from: &[f32],
        dims: Dims,
        (first, count): (isize, usize),
        (before, pixels): (usize, usize),
    ) -> Self {
        let (pixel, line) = (dims.channels, pixels * dims.channels);
        let mut values = vec![0.0; count * line];
        for (number, to) in values.chunks_exact_mut(line).enumerate() {
            let y = first + number as isize;
            if y >= 0 && y < dims.height as isize {
                let from = &from[y as usize * dims.width * pixel..][..dims.width * pixel];
                to[before * pixel..][..from.len()].copy_from_slice(from);
            }
        }
        Self { values, pixel, line }
    }

    /// All numbers from a pixel on.
    #[inline(always)]
    fn at(&self, line: usize, x: usize) -> &[f32] {
        &self.values[line * self.line + x * self.pixel..]
    }
}

/// Weights as vectors of channels: `[line, column, vector, output, channel]`; with `is_turned` lines and columns from
/// the last to the first, and outputs before vectors' places: `[vector, line, column, output, channel]`.
fn vectors_of<V: Vector>(
    conv: &Conv,
    weights: &[f32],
    (inputs, outputs): (usize, usize),
    is_turned: bool,
) -> Vec<f32> {
    let (kernel, vectors) = (conv.kernel, inputs.div_ceil(V::LEN));
    let mut packed = vec![0.0; kernel * kernel * vectors * outputs * V::LEN];
    for (place, weight) in weights.iter().enumerate() {
        let (output, rest) = (place % outputs, place / outputs);
        let (input, tap) = (rest % inputs, rest / inputs);
        let (vector, channel) = (input / V::LEN, input % V::LEN);
        let row = if is_turned {
            (vector * kernel * kernel + kernel * kernel - 1 - tap) * outputs + output
        } else {
            (tap * vectors + vector) * outputs + output
        };
        packed[row * V::LEN + channel] = *weight;
    }
    packed
}

/// First line of a unit of work and its image, and the number of its lines.
fn unit(number: usize, units: usize, height: usize) -> (usize, usize, usize) {
    let (image, first) = (number / units, number % units * LINES);
    (image, first, LINES.min(height - first))
}

/// Weights for [`forward`].
pub(super) fn packed<V: Vector>(conv: &Conv, weights: &[f32], (inputs, outputs): (usize, usize)) -> Buffer {
    let vectors = vectors_of::<V>(conv, weights, (inputs, outputs), false);
    let mut packed = Buffer::new::<f32>(Kind::Filled, vectors.len());
    numbers_mut::<f32>(&mut packed)[..vectors.len()].copy_from_slice(&vectors);
    packed
}

/// As [`forward_packed`](super::forward_packed).
pub(super) fn forward<T: Tile>(
    tile: T,
    conv: &Conv,
    input: (&[T::E], Layout),
    weights: &[f32],
    bias: &[f32],
    to: Form,
) -> Values {
    with_constant!(O = bias.len(), [1, 2, 3, 4], forward_of::<T, O>(tile, conv, input, weights, bias, to))
}

fn forward_of<T: Tile, const O: usize>(
    tile: T,
    conv: &Conv,
    (x, layout): (&[T::E], Layout),
    weights: &[f32],
    bias: &[f32],
    to: Form,
) -> Values {
    let inputs = layout.dims.channels;
    let dims = conv.result(layout.dims, O);
    let Dims { height, width, .. } = dims;
    let pixel = inputs.next_multiple_of(T::V::LEN);
    let columns = width.next_multiple_of(PIXELS);
    let units = height.div_ceil(LINES);
    // `put(image, line, rows)` takes each line of the result once, `columns` numbers for each output
    let lines = |put: &(dyn Fn(usize, usize, &[f32]) + Sync)| {
        let work = |number: usize| {
            let (image, first, lines) = unit(number, units, height);
            let seen = (first as isize - conv.border as isize, lines + conv.kernel - 1);
            let around = (conv.border, columns + conv.kernel - 1);
            let rows = Unpacked::new((x, layout), image, seen, around, pixel);
            let mut done = vec![0.0; O * columns];
            for line in 0..lines {
                for column in (0..columns).step_by(PIXELS) {
                    // SAFETY: inside `run`.
                    let sums = unsafe { window_sums::<T::V, O>(&rows, (line, column), conv.kernel, weights) };
                    for (pixel, sums) in sums.iter().enumerate() {
                        for (output, sum) in sums.iter().enumerate() {
                            done[output * columns + column + pixel] = *sum;
                        }
                    }
                }
                for (row, bias) in done.chunks_exact_mut(columns).zip(bias) {
                    conv.activation.finish(*bias, row);
                }
                put(image, first + line, &done);
            }
        };
        (0..dims.images * units).into_par_iter().for_each(|number| {
            tile.run(
                #[inline(always)]
                || work(number),
            );
        });
    };
    match to {
        Form::Packed(to) => {
            assert_eq!(to.dims, dims, "the result has other sizes");
            let mut values = Buffer::packed::<T::E>(to);
            let out = Shared(numbers_mut::<T::E>(&mut values).as_mut_ptr());
            lines(&|image, line, rows| {
                for x in 0..width {
                    let at = to.offset(image, line, x);
                    // SAFETY: the channels of one pixel, which no other line has.
                    let to = unsafe { std::slice::from_raw_parts_mut(out.at(at), O) };
                    for (to, row) in to.iter_mut().zip(rows.chunks_exact(columns)) {
                        *to = T::E::from_f32(row[x]);
                    }
                }
            });
            Values::Packed(values)
        }
        Form::Planar(to) => {
            assert_eq!(to, dims, "the result has other sizes");
            let mut values = vec![0.0_f32; to.count()];
            let out = Shared(values.as_mut_ptr());
            lines(&|image, line, rows| {
                for (output, row) in rows.chunks_exact(columns).enumerate() {
                    let at = planar(to, image, output, line, 0);
                    // SAFETY: one line of one channel, which nobody else writes.
                    unsafe { std::slice::from_raw_parts_mut(out.at(at), width) }
                        .copy_from_slice(&row[..width]);
                }
            });
            Values::Planar(values)
        }
    }
}

/// The sums of neighbouring pixels.
///
/// # Safety
/// The processor has the vector's instructions.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn window_sums<V: Vector, const O: usize>(
    rows: &Unpacked,
    (line, column): (usize, usize),
    kernel: usize,
    weights: &[f32],
) -> [[f32; O]; PIXELS] {
    let steps = kernel * rows.pixel / V::LEN;
    assert!(weights.len() >= kernel * steps * O * V::LEN);
    // SAFETY: the weights are as long as just asserted; from each line's first pixel on there are `PIXELS - 1` pixels
    // and a window, as asserted.
    unsafe {
        let mut sums = [[V::zero(); O]; PIXELS];
        let mut w = weights.as_ptr();
        for tap in 0..kernel {
            let row = rows.at(line + tap, column);
            assert!(row.len() >= (PIXELS - 1 + kernel) * rows.pixel);
            let mut row = row.as_ptr();
            for _ in 0..steps {
                let mut across = [V::zero(); O];
                for o in 0..O {
                    across[o] = V::load(w.add(o * V::LEN));
                }
                for p in 0..PIXELS {
                    let value = V::load(row.add(p * rows.pixel));
                    for o in 0..O {
                        sums[p][o] = value.multiply_add(across[o], sums[p][o]);
                    }
                }
                w = w.add(O * V::LEN);
                row = row.add(V::LEN);
            }
        }
        let mut found = [[0.0; O]; PIXELS];
        for p in 0..PIXELS {
            for o in 0..O {
                found[p][o] = sums[p][o].sum();
            }
        }
        found
    }
}

/// As [`backward`](super::backward()).
pub(super) fn backward<T: Tile>(
    tile: T,
    done: &Done<'_>,
    gradient: ValuesRef<'_>,
    outputs: usize,
    with_input: bool,
) -> Gradients {
    let conv = &done.conv;
    let (height, width) = conv.grid(done.layout.dims);
    let dims = Dims { images: done.layout.dims.images, height, width, channels: outputs };
    let (before, bias) = before_activation(tile, done, gradient, dims);
    let before = (numbers::<f32>(&before), dims);
    let weights = with_constant!(K = conv.kernel, [2, 3, 4, 5], weight_gradient::<T, K>(tile, done, before));
    let input = with_input.then(|| input_gradient(tile, done, before));
    Gradients { input, weights, bias }
}

/// Gradient of the sums before the activation `[image, line, column, output]`, and of the bias.
fn before_activation<T: Tile>(
    tile: T,
    done: &Done<'_>,
    gradient: ValuesRef<'_>,
    dims: Dims,
) -> (Buffer, Vec<f32>) {
    let Dims { height, width, channels: outputs, .. } = dims;
    let mut found = Buffer::new::<f32>(Kind::Filled, dims.count());
    let line = |(number, to): (usize, &mut [f32])| -> [f32; MOST] {
        let (image, y) = (number / height, number % height);
        let mut bias = [0.0; MOST];
        let mut put = |x: usize, output: usize, result: f32, gradient: f32| {
            let value = gradient * done.conv.activation.slope(result);
            to[x * outputs + output] = value;
            bias[output] += value;
        };
        match (done.form, done.result, gradient) {
            (Form::Packed(layout), ValuesRef::Packed(result), ValuesRef::Packed(gradient)) => {
                let (result, gradient) = (numbers::<T::E>(result), numbers::<T::E>(gradient));
                for x in 0..width {
                    for output in 0..outputs {
                        let at = layout.offset(image, y, x) + output;
                        put(x, output, result[at].to_f32(), gradient[at].to_f32());
                    }
                }
            }
            (Form::Planar(dims), ValuesRef::Planar(result), ValuesRef::Planar(gradient)) => {
                for output in 0..outputs {
                    let at = planar(dims, image, output, y, 0);
                    let pairs = result[at..at + width].iter().zip(&gradient[at..at + width]);
                    for (x, (result, gradient)) in pairs.enumerate() {
                        put(x, output, *result, *gradient);
                    }
                }
            }
            _ => panic!("result and gradient are not in the form they are said to have"),
        }
        bias
    };
    let lines = numbers_mut::<f32>(&mut found)[..dims.count()].par_chunks_exact_mut(width * outputs);
    let work = lines.enumerate().map(|work| {
        tile.run(
            #[inline(always)]
            || line(work),
        )
    });
    // added up in the order of the lines: the same for any number of threads
    let biases: Vec<[f32; MOST]> = work.collect();
    let bias = (0..outputs).map(|output| biases.iter().map(|line| line[output]).sum()).collect();
    (found, bias)
}

fn weight_gradient<T: Tile, const K: usize>(
    tile: T,
    done: &Done<'_>,
    (before, dims): (&[f32], Dims),
) -> Buffer {
    let Done { conv, layout, .. } = *done;
    let x = numbers::<T::E>(done.x);
    let Dims { images, height, width, channels: outputs } = dims;
    let inputs = layout.dims.channels;
    let pixel = inputs.next_multiple_of(T::V::LEN);
    let vectors = pixel / T::V::LEN;
    let units = height.div_ceil(LINES);
    let work = |number: usize| {
        let (image, first, lines) = unit(number, units, height);
        let seen = (first as isize - conv.border as isize, lines + K - 1);
        let rows = Unpacked::new((x, layout), image, seen, (conv.border, width + K - 1), pixel);
        let mut sums = vec![0.0; K * vectors * outputs * K * T::V::LEN];
        for line in 0..lines {
            let before = &before[(image * height + first + line) * width * outputs..][..width * outputs];
            for tap in 0..K {
                let row = rows.at(line + tap, 0);
                for vector in 0..vectors {
                    for output in 0..outputs {
                        let at = ((tap * vectors + vector) * outputs + output) * K * T::V::LEN;
                        let row = (&row[vector * T::V::LEN..], pixel);
                        // SAFETY: inside `run`.
                        unsafe {
                            add_products::<T::V, K>(
                                row,
                                (&before[output..], outputs),
                                width,
                                &mut sums[at..],
                            );
                        }
                    }
                }
            }
        }
        sums
    };
    let parts = (0..images * units).into_par_iter().map(|number| {
        tile.run(
            #[inline(always)]
            || work(number),
        )
    });
    let parts: Vec<Vec<f32>> = parts.collect();
    let mut found = Buffer::new::<f32>(Kind::Filled, conv.weights(inputs, outputs));
    let to = numbers_mut::<f32>(&mut found);
    for (place, to) in to[..conv.weights(inputs, outputs)].iter_mut().enumerate() {
        let (output, rest) = (place % outputs, place / outputs);
        let (input, rest) = (rest % inputs, rest / inputs);
        let (column, tap) = (rest % K, rest / K);
        let row = ((tap * vectors + input / T::V::LEN) * outputs + output) * K + column;
        // in the order of the units: the same for any number of threads
        *to = parts.iter().map(|part| part[row * T::V::LEN + input % T::V::LEN]).sum();
    }
    found
}

/// `sums[k] += Σ_x row[x + k] · before[x]` for one vector of channels and the `K` columns of the kernel.
///
/// # Safety
/// The processor has the vector's instructions.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn add_products<V: Vector, const K: usize>(
    (row, pixel): (&[f32], usize),
    (before, outputs): (&[f32], usize),
    width: usize,
    sums: &mut [f32],
) {
    assert!(row.len() >= (width + K - 2) * pixel + V::LEN && sums.len() >= K * V::LEN);
    assert!(before.len() > (width - 1) * outputs);
    // SAFETY: as just asserted.
    unsafe {
        let mut totals = [V::zero(); K];
        for k in 0..K {
            totals[k] = V::load(sums.as_ptr().add(k * V::LEN));
        }
        for x in 0..width {
            let factor = V::splat(*before.as_ptr().add(x * outputs));
            for k in 0..K {
                totals[k] = V::load(row.as_ptr().add((x + k) * pixel)).multiply_add(factor, totals[k]);
            }
        }
        for k in 0..K {
            totals[k].store(sums.as_mut_ptr().add(k * V::LEN));
        }
    }
}

fn input_gradient<T: Tile>(tile: T, done: &Done<'_>, (before, dims): (&[f32], Dims)) -> Buffer {
    let Done { conv, layout, .. } = *done;
    let outputs = dims.channels;
    let Dims { images, height, width, channels: inputs } = layout.dims;
    let weights = vectors_of::<T::V>(&conv, done.weights, (inputs, outputs), true);
    let vectors = inputs.div_ceil(T::V::LEN);
    let taps = conv.kernel * outputs;
    let units = height.div_ceil(LINES);
    let margin = conv.kernel - 1 - conv.border;
    let pixels =
        (width + margin).max(dims.width + margin).next_multiple_of(PIXELS_BACK) + conv.kernel + PIXELS_BACK;
    let mut found = Buffer::packed::<T::E>(layout);
    let out = Shared(numbers_mut::<T::E>(&mut found).as_mut_ptr());
    let work = |number: usize| {
        let (image, first, lines) = unit(number, units, height);
        let seen = (first as isize - margin as isize, lines + conv.kernel - 1);
        let own = &before[image * dims.height * dims.width * outputs..];
        let rows = Unpacked::plain(own, dims, seen, (margin, pixels));
        let mut pixel = [0.0_f32; 64];
        for line in 0..lines {
            for column in (0..width).step_by(PIXELS_BACK) {
                let count = PIXELS_BACK.min(width - column);
                for vector in 0..vectors {
                    let from = vector * T::V::LEN;
                    let weights = &weights[from * conv.kernel * taps..][..conv.kernel * taps * T::V::LEN];
                    // SAFETY: inside `run`.
                    let sums = unsafe { pixel_sums::<T::V>(&rows, (line, column), conv.kernel, weights) };
                    let channels = T::V::LEN.min(inputs - from);
                    for (i, sums) in sums.iter().take(count).enumerate() {
                        // SAFETY: inside `run`; 64 is longer than any vector.
                        unsafe { sums.store(pixel.as_mut_ptr()) };
                        let at = layout.offset(image, first + line, column + i) + from;
                        // SAFETY: channels of one pixel of the input, which nobody else writes.
                        let to = unsafe { std::slice::from_raw_parts_mut(out.at(at), channels) };
                        to.iter_mut().zip(&pixel).for_each(|(to, sum)| *to = T::E::from_f32(*sum));
                    }
                }
            }
        }
    };
    (0..images * units).into_par_iter().for_each(|number| {
        tile.run(
            #[inline(always)]
            || work(number),
        );
    });
    found
}

/// For neighbouring pixels of the input, one vector of channels: the gradients that see them, times the weights.
///
/// # Safety
/// The processor has the vector's instructions.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn pixel_sums<V: Vector>(
    rows: &Unpacked,
    (line, column): (usize, usize),
    kernel: usize,
    weights: &[f32],
) -> [V; PIXELS_BACK] {
    let taps = kernel * rows.pixel;
    assert!(weights.len() >= kernel * taps * V::LEN);
    // SAFETY: the weights are as long as just asserted, and so is each line from its first pixel on.
    unsafe {
        let mut sums = [V::zero(); PIXELS_BACK];
        let mut w = weights.as_ptr();
        for tap in 0..kernel {
            let row = rows.at(line + tap, column);
            assert!(row.len() >= (PIXELS_BACK - 1) * rows.pixel + taps);
            let mut row = row.as_ptr();
            for _ in 0..taps {
                let weight = V::load(w);
                for p in 0..PIXELS_BACK {
                    sums[p] = V::splat(*row.add(p * rows.pixel)).multiply_add(weight, sums[p]);
                }
                w = w.add(V::LEN);
                row = row.add(1);
            }
        }
        sums
    }
}
