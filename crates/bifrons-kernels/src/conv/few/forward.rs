//! From input to result.

use rayon::prelude::*;

use super::lines::{Lines, Room};
use super::{LANES, LINES, unit, unpacked, with_constant};
use crate::buffer::{Buffer, numbers_mut};
use crate::conv::forward::planar;
use crate::conv::{Conv, Form, Shared, Values};
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::tile::{Tile, Vector};

/// Pixels summed at once, with a sum for each output, where there are enough registers: sums are kept for each of
/// [`LANES`] channels on every path, so that all add up in the same order.
const PIXELS: usize = 4;
/// Vectors of the shortest kind that hold [`LANES`] numbers.
const MOST_PARTS: usize = 4;

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
    let pixel = inputs.next_multiple_of(LANES);
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
                    let mut put = |pixel: usize, output: usize, sum: f32| {
                        done[output * columns + column + pixel] = sum;
                    };
                    // SAFETY: inside `run`.
                    unsafe {
                        let place = (line, column);
                        match T::V::LEN {
                            16.. => window_sums::<T::V, O, 4>(&rows, place, conv.kernel, weights, &mut put),
                            8.. => window_sums::<T::V, O, 2>(&rows, place, conv.kernel, weights, &mut put),
                            _ => window_sums::<T::V, O, 1>(&rows, place, conv.kernel, weights, &mut put),
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

/// Calls `put(pixel, output, sum)` for [`PIXELS`] neighbouring pixels, `P` of them at once.
///
/// # Safety
/// The processor has the vector's instructions.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn window_sums<V: Vector, const O: usize, const P: usize>(
    rows: &Lines,
    (line, column): (usize, usize),
    kernel: usize,
    weights: &[f32],
    put: &mut impl FnMut(usize, usize, f32),
) {
    let parts = LANES / V::LEN;
    let steps = kernel * rows.pixel / LANES;
    assert!(weights.len() >= kernel * steps * O * LANES);
    for first in (0..PIXELS).step_by(P) {
        // SAFETY: the weights are as long as just asserted; from each line's first pixel on there are `P - 1` pixels and a
        // window, as asserted.
        unsafe {
            let mut sums = [[[V::zero(); MOST_PARTS]; O]; P];
            let mut w = weights.as_ptr();
            for tap in 0..kernel {
                let row = rows.at(line + tap, column + first);
                assert!(row.len() >= (P - 1 + kernel) * rows.pixel);
                let mut row = row.as_ptr();
                for _ in 0..steps {
                    for part in 0..parts {
                        let mut across = [V::zero(); O];
                        for o in 0..O {
                            across[o] = V::load(w.add(o * LANES + part * V::LEN));
                        }
                        for p in 0..P {
                            let value = V::load(row.add(p * rows.pixel + part * V::LEN));
                            for o in 0..O {
                                sums[p][o][part] = value.multiply_add(across[o], sums[p][o][part]);
                            }
                        }
                    }
                    w = w.add(O * LANES);
                    row = row.add(LANES);
                }
            }
            for p in 0..P {
                for o in 0..O {
                    let lanes = &mut sums[p][o];
                    let mut left = parts;
                    while left > 1 {
                        left /= 2;
                        for part in 0..left {
                            lanes[part] = lanes[part].add(lanes[part + left]);
                        }
                    }
                    put(first + p, o, lanes[0].sum());
                }
            }
        }
    }
}
