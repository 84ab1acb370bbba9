//! Convolutions with few outputs, whose tiles would be mostly empty.
//!
//! A block has 32 columns whatever there is to sum; a picture has three channels. So the columns of the kernel become
//! outputs too: a window one pixel wide sums `kernel · outputs` numbers for each pixel of the input, and those that
//! belong to one pixel of the result are then added up along the line. A 5×5 kernel is so five times less deep.

use rayon::prelude::*;

use super::correlate::{Window, correlate};
use super::{Conv, Shape, Shared, pack};
use crate::buffer::{Buffer, Kind, numbers, numbers_mut};
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::tile::{COLUMNS, Tile};

/// Whether a convolution is done so.
pub(super) fn is_wide(conv: &Conv, outputs: usize) -> bool {
    conv.kernel > 1 && conv.stride == 1 && conv.shuffle == 1 && conv.kernel * outputs <= COLUMNS
}

/// The window one pixel wide.
pub(super) fn shape(conv: &Conv) -> Shape {
    Shape { kernel: [conv.kernel, 1], border: [conv.border, 0], stride: 1 }
}

/// Weights `[line, column, input, output]` as `[line, input, (column, output)]`.
pub(super) fn weights_in(conv: &Conv, weights: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let mut turned = vec![0.0; weights.len()];
    for (place, number) in places(conv.kernel, inputs, outputs) {
        turned[number] = weights[place];
    }
    turned
}

/// And back.
pub(super) fn weights_out(conv: &Conv, turned: &[f32], inputs: usize, outputs: usize) -> Buffer {
    let count = conv.weights(inputs, outputs);
    let mut weights = Buffer::new::<f32>(Kind::Filled, count);
    let to = numbers_mut::<f32>(&mut weights);
    for (place, number) in places(conv.kernel, inputs, outputs) {
        to[place] = turned[number];
    }
    weights
}

/// The index of each weight in both orders.
fn places(kernel: usize, inputs: usize, outputs: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..kernel * kernel * inputs * outputs).map(move |place| {
        let (output, rest) = (place % outputs, place / outputs);
        let (input, rest) = (rest % inputs, rest / inputs);
        let (column, line) = (rest % kernel, rest / kernel);
        (place, ((line * inputs + input) * kernel + column) * outputs + output)
    })
}

/// As [`correlate`] for the whole window: `sink(image, line, column, 0, sums)` for every position.
pub(super) fn sums<T: Tile>(
    tile: T,
    conv: &Conv,
    (x, layout): (&[T::E], Layout),
    weights: &[f32],
    outputs: usize,
    sink: impl Fn(usize, usize, usize, usize, &mut [f32]) + Sync,
) {
    let Dims { images, width, channels: inputs, .. } = layout.dims;
    let (lines, columns) = conv.grid(layout.dims);
    let wide = conv.kernel * outputs;
    let window = Window::new(shape(conv), layout, lines, width);
    let weights = weights_in(conv, weights, inputs, outputs);
    let depth = window.depth(T::K_STEP);
    let depth: pack::Depth =
        depth.map(|place| place.map(|(y, _, channel)| (y * inputs + channel) * wide)).collect();
    let strips = pack::from_rows(tile, &weights, &depth, wide);
    let mut parts = Buffer::new::<f32>(Kind::Filled, lines * images * width * wide);
    let out = Shared(numbers_mut::<f32>(&mut parts).as_mut_ptr());
    correlate(
        tile,
        x,
        &window,
        numbers(&strips),
        wide,
        #[inline(always)]
        |image, line, column, _, sums| {
            let at = ((line * images + image) * width + column) * wide;
            // SAFETY: `wide` numbers within the buffer, which no other position has.
            unsafe { std::slice::from_raw_parts_mut(out.at(at), wide) }.copy_from_slice(sums);
        },
    );
    let parts = numbers::<f32>(&parts);
    let add = |number: usize| {
        let (line, image) = (number / images, number % images);
        let parts = &parts[number * width * wide..][..width * wide];
        for column in 0..columns {
            let mut sums = [0.0_f32; COLUMNS];
            for tap in 0..conv.kernel {
                let Some(from) = (column + tap).checked_sub(conv.border).filter(|x| *x < width) else {
                    continue;
                };
                let part = &parts[from * wide + tap * outputs..][..outputs];
                sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            sink(image, line, column, 0, &mut sums[..outputs]);
        }
    };
    (0..lines * images).into_par_iter().for_each(|number| {
        tile.run(
            #[inline(always)]
            || add(number),
        );
    });
}

/// The gradient before the activation for each pixel of the input instead of the result: `(column, output)` is that of
/// the pixel which sees this one through that column of the kernel.
pub(super) fn spread<T: Tile>(
    tile: T,
    conv: &Conv,
    width: usize,
    (before, from): (&[T::E], Layout),
    to: Layout,
) -> Buffer {
    let Dims { images, height, width: columns, channels: outputs } = from.dims;
    let mut spread = Buffer::packed::<T::E>(to);
    let line = |(line, values): (usize, &mut [T::E])| {
        for image in 0..images {
            for x in 0..width {
                let at = to.offset(image, 0, x);
                let parts = values[at..at + conv.kernel * outputs].chunks_exact_mut(outputs);
                for (tap, part) in parts.enumerate() {
                    match (x + conv.border).checked_sub(tap).filter(|column| *column < columns) {
                        Some(column) => {
                            part.copy_from_slice(&before[from.offset(image, line, column)..][..outputs]);
                        }
                        None => part.fill(T::E::from_f32(0.0)),
                    }
                }
            }
        }
    };
    let lines = numbers_mut::<T::E>(&mut spread)[..height * to.line()].par_chunks_mut(to.line()).enumerate();
    lines.for_each(|work| {
        tile.run(
            #[inline(always)]
            || line(work),
        );
    });
    spread
}
