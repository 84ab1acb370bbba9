//! From the gradient of the result to those of input, weights and bias.

use rayon::prelude::*;

use super::lines::{Lines, Room};
use super::{LINES, MOST, Reading, unit, unpacked, vectors_of, with_constant};
use crate::buffer::{Buffer, Kind, numbers, numbers_mut};
use crate::conv::forward::planar;
use crate::conv::{Done, Form, Gradients, Shared, ValuesRef};
use crate::element::Element;
use crate::layout::Dims;
use crate::tile::{Tile, Vector};

/// Pixels of the input whose gradients are summed at once.
const PIXELS: usize = 8;

/// As [`backward`](crate::conv::backward()).
pub(in crate::conv) fn backward<T: Tile>(
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
        let room = Room {
            first: first as isize - conv.border as isize,
            count: lines + K - 1,
            before: conv.border,
            pixels: width + K - 1,
            pixel,
        };
        let rows = unpacked((x, layout), image, room);
        let mut sums = vec![0.0; K * vectors * outputs * K * T::V::LEN];
        for line in 0..lines {
            let before = &before[(image * height + first + line) * width * outputs..][..width * outputs];
            for tap in 0..K {
                let row = rows.at(line + tap, 0);
                for vector in 0..vectors {
                    let row = (&row[vector * T::V::LEN..], pixel);
                    let at = (tap * vectors + vector) * outputs * K * T::V::LEN;
                    // SAFETY: inside `run`.
                    unsafe { add_all::<T::V, K>(row, (before, outputs), width, &mut sums[at..]) };
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
    let mut found = Buffer::new::<T::E>(Kind::Filled, conv.weights(inputs, outputs));
    let to = numbers_mut::<T::E>(&mut found);
    for (place, to) in to[..conv.weights(inputs, outputs)].iter_mut().enumerate() {
        let (output, rest) = (place % outputs, place / outputs);
        let (input, rest) = (rest % inputs, rest / inputs);
        let (column, tap) = (rest % K, rest / K);
        let row = ((tap * vectors + input / T::V::LEN) * outputs + output) * K + column;
        // in the order of the units: the same for any number of threads
        let sum = parts.iter().map(|part| part[row * T::V::LEN + input % T::V::LEN]).sum();
        *to = T::E::from_f32(sum);
    }
    found
}

/// [`add_products`] for all outputs, as many at once as there are registers for.
///
/// # Safety
/// The processor has the vector's instructions.
#[inline(always)]
unsafe fn add_all<V: Vector, const K: usize>(
    row: (&[f32], usize),
    (before, outputs): (&[f32], usize),
    width: usize,
    sums: &mut [f32],
) {
    let at_once = if V::LEN >= 16 { MOST } else { 2 };
    let mut first = 0;
    while first < outputs {
        let (before, sums) = ((&before[first..], outputs), &mut sums[first * K * V::LEN..]);
        let count = at_once.min(outputs - first);
        // SAFETY: the caller's promise.
        unsafe {
            match count {
                1 => add_products::<V, K, 1>(row, before, width, sums),
                2 => add_products::<V, K, 2>(row, before, width, sums),
                3 => add_products::<V, K, 3>(row, before, width, sums),
                _ => add_products::<V, K, MOST>(row, before, width, sums),
            }
        }
        first += count;
    }
}

/// `sums[o][k] += Σ_x row[x + k] · before[x][o]` for one vector of channels, `O` outputs and the `K` columns of the
/// kernel.
///
/// # Safety
/// The processor has the vector's instructions.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn add_products<V: Vector, const K: usize, const O: usize>(
    (row, pixel): (&[f32], usize),
    (before, outputs): (&[f32], usize),
    width: usize,
    sums: &mut [f32],
) {
    assert!(row.len() >= (width + K - 2) * pixel + V::LEN && sums.len() >= O * K * V::LEN);
    assert!(before.len() >= (width - 1) * outputs + O);
    // SAFETY: as just asserted.
    unsafe {
        let mut totals = [[V::zero(); K]; O];
        for o in 0..O {
            for k in 0..K {
                totals[o][k] = V::load(sums.as_ptr().add((o * K + k) * V::LEN));
            }
        }
        for x in 0..width {
            let mut factors = [V::zero(); O];
            for o in 0..O {
                factors[o] = V::splat(*before.as_ptr().add(x * outputs + o));
            }
            for k in 0..K {
                let value = V::load(row.as_ptr().add((x + k) * pixel));
                for o in 0..O {
                    totals[o][k] = value.multiply_add(factors[o], totals[o][k]);
                }
            }
        }
        for o in 0..O {
            for k in 0..K {
                totals[o][k].store(sums.as_mut_ptr().add((o * K + k) * V::LEN));
            }
        }
    }
}

fn input_gradient<T: Tile>(tile: T, done: &Done<'_>, (before, dims): (&[f32], Dims)) -> Buffer {
    let Done { conv, layout, .. } = *done;
    let outputs = dims.channels;
    let Dims { images, height, width, channels: inputs } = layout.dims;
    let weights = vectors_of(T::V::LEN, &conv, done.weights, (inputs, outputs), Reading::Backward);
    let vectors = inputs.div_ceil(T::V::LEN);
    let taps = conv.kernel * outputs;
    let units = height.div_ceil(LINES);
    let margin = conv.kernel - 1 - conv.border;
    let pixels = (width + margin).max(dims.width + margin).next_multiple_of(PIXELS) + conv.kernel + PIXELS;
    let mut found = Buffer::packed::<T::E>(layout);
    let out = Shared(numbers_mut::<T::E>(&mut found).as_mut_ptr());
    let work = |number: usize| {
        let (image, first, lines) = unit(number, units, height);
        let room = Room {
            first: first as isize - margin as isize,
            count: lines + conv.kernel - 1,
            before: margin,
            pixels,
            pixel: outputs,
        };
        let length = dims.width * outputs;
        let rows = Lines::new(room, dims.height, |y, to| {
            to[..length].copy_from_slice(&before[(image * dims.height + y) * length..][..length]);
        });
        let mut pixel = [0.0_f32; 64];
        for line in 0..lines {
            for column in (0..width).step_by(PIXELS) {
                let count = PIXELS.min(width - column);
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
                        T::E::from_all(&pixel[..channels], to);
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
    rows: &Lines,
    (line, column): (usize, usize),
    kernel: usize,
    weights: &[f32],
) -> [V; PIXELS] {
    let taps = kernel * rows.pixel;
    assert!(weights.len() >= kernel * taps * V::LEN);
    // SAFETY: the weights are as long as just asserted, and so is each line from its first pixel on.
    unsafe {
        let mut sums = [V::zero(); PIXELS];
        let mut w = weights.as_ptr();
        for tap in 0..kernel {
            let row = rows.at(line + tap, column);
            assert!(row.len() >= (PIXELS - 1) * rows.pixel + taps);
            let mut row = row.as_ptr();
            for _ in 0..taps {
                let weight = V::load(w);
                for p in 0..PIXELS {
                    sums[p] = V::splat(*row.add(p * rows.pixel)).multiply_add(weight, sums[p]);
                }
                w = w.add(V::LEN);
                row = row.add(1);
            }
        }
        sums
    }
}
