//! From input to result.

use rayon::prelude::*;

use super::lines::{Lines, Room};
use super::{LINES, unit, unpacked, with_constant};
use crate::buffer::{Buffer, numbers_mut};
use crate::conv::forward::planar;
use crate::conv::{Conv, Form, Shared, Values};
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::tile::{Tile, Vector};

/// Pixels summed at once, with a sum for each output.
const PIXELS: usize = 4;

/// As [`forward_packed`](crate::conv::forward_packed).
pub(in crate::conv) fn forward<T: Tile>(
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
            let room = Room {
                first: first as isize - conv.border as isize,
                count: lines + conv.kernel - 1,
                before: conv.border,
                pixels: columns + conv.kernel - 1,
                pixel,
            };
            let rows = unpacked((x, layout), image, room);
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
    rows: &Lines,
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
