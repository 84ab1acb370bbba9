//! Weight gradients in matrix tiles. They sum over positions, so positions must lie together: the input is
//! turned (`[channel][position]`), the gradient interleaved two positions at a time.

#![cfg(target_arch = "x86_64")]

use rayon::prelude::*;

use super::weight_gradient::Weighing;
use super::{Conv, Shared};
use crate::buffer::{numbers, numbers_mut, zeros};
use crate::layout::{Dims, Layout, Order};
use crate::tile::amx::{self, Amx, Operand};
use crate::tile::{Block, COLUMNS, MOST_ROWS, Tile};

/// Rows of one tile.
const TILE_ROWS: usize = 16;
/// Positions of one step.
const STEP: usize = 32;
/// Numbers of input and gradient that should stay in the cache while all weights are gone through.
const CHUNK: usize = 1 << 18;

impl Weighing for Amx {
    fn weigh(self, conv: &Conv, x: &[u16], layout: Layout, before: &[u16], sums: Layout) -> Vec<f32> {
        let turned = Turned::new(self, conv, x, layout, sums.dims);
        let paired = Paired::new(self, &turned, before, sums);
        multiply(self, conv, &turned, &paired, layout, sums.dims)
    }
}

/// How the positions of a line of sums are numbered, for both factors.
#[derive(Clone, Copy, Debug)]
struct Numbering {
    order: Order,
    images: usize,
    /// From an image to the next ([`Order::Pixels`]).
    pitch: usize,
    /// Positions, in whole steps.
    count: usize,
}

impl Numbering {
    #[inline(always)]
    fn of(&self, image: usize, column: usize) -> usize {
        match self.order {
            Order::Pixels => image * self.pitch + column,
            Order::Images => column * self.images + image,
        }
    }
}

/// The input, `[line][row][position]`: a row is a channel seen through one or several taps.
#[derive(Debug)]
struct Turned {
    values: Vec<crate::buffer::CacheLine>,
    numbering: Numbering,
    /// Few channels: rows are (tap, channel) and nothing is shifted. Otherwise rows are (phase, channel), and
    /// a tap is a phase and a shift.
    is_merged: bool,
    /// Rows of a line, whole tiles.
    rows: usize,
    /// Numbers of a row.
    row: usize,
}

impl Turned {
    fn new(tile: Amx, conv: &Conv, x: &[u16], layout: Layout, sums: Dims) -> Self {
        let Dims { images, height, width, .. } = layout.dims;
        let is_merged = layout.stored < STEP;
        let shifts = if is_merged { 0 } else { (conv.kernel - 1) / conv.stride };
        let pitch = sums.width + shifts;
        let count = match layout.order {
            Order::Pixels => images * pitch,
            Order::Images => images * sums.width,
        };
        let numbering = Numbering { order: layout.order, images, pitch, count: count.next_multiple_of(STEP) };
        let phases = if is_merged { conv.kernel } else { conv.stride };
        let rows = (phases * layout.stored).next_multiple_of(2 * TILE_ROWS);
        // an odd number of cache lines, so that the rows of a tile do not meet in one set of the cache
        let reach = numbering.count + shifts * if layout.order == Order::Images { images } else { 1 };
        let row = STEP * ((reach.div_ceil(STEP) + 1) | 1);
        let mut values = zeros::<u16>(height * rows * row + STEP);
        let line = |y: usize, to: &mut [u16]| {
            for phase in 0..phases {
                for image in 0..images {
                    for column in 0..sums.width + shifts {
                        let at = column * conv.stride + phase;
                        if at < conv.border || at - conv.border >= width {
                            continue;
                        }
                        let from = layout.offset(image, y, at - conv.border);
                        let position = numbering.of(image, column);
                        let start = phase * layout.stored * row + position;
                        for (channel, value) in x[from..from + layout.stored].iter().enumerate() {
                            to[start + channel * row] = *value;
                        }
                    }
                }
            }
        };
        let lines = numbers_mut::<u16>(&mut values)[..height * rows * row].par_chunks_mut(rows * row);
        lines.enumerate().for_each(|(y, to)| {
            tile.run(
                #[inline(always)]
                || line(y, to),
            );
        });
        Self { values, numbering, is_merged, rows, row }
    }
}

/// The gradient, `[line][pair of positions][output][2]`.
#[derive(Debug)]
struct Paired {
    values: Vec<crate::buffer::CacheLine>,
    /// Outputs in memory, whole blocks.
    outputs: usize,
}

impl Paired {
    fn new(tile: Amx, turned: &Turned, before: &[u16], sums: Layout) -> Self {
        let Dims { images, height, width, channels } = sums.dims;
        let outputs = channels.next_multiple_of(COLUMNS);
        let length = turned.numbering.count * outputs;
        let mut values = zeros::<u16>(height * length);
        let line = |y: usize, to: &mut [u16]| {
            for image in 0..images {
                for column in 0..width {
                    let from = sums.offset(image, y, column);
                    let position = turned.numbering.of(image, column);
                    let to = &mut to[position / 2 * 2 * outputs..][..2 * outputs];
                    for (pair, value) in to.chunks_exact_mut(2).zip(&before[from..from + channels]) {
                        pair[position % 2] = *value;
                    }
                }
            }
        };
        numbers_mut::<u16>(&mut values)[..height * length].par_chunks_mut(length).enumerate().for_each(
            |(y, to)| {
                tile.run(
                    #[inline(always)]
                    || line(y, to),
                );
            },
        );
        Self { values, outputs }
    }
}

fn multiply(
    tile: Amx,
    conv: &Conv,
    turned: &Turned,
    paired: &Paired,
    layout: Layout,
    sums: Dims,
) -> Vec<f32> {
    let (inputs, outputs) = (layout.dims.channels, sums.channels);
    let mut found = vec![0.0_f32; conv.weights(inputs, outputs)];
    let out = Shared(found.as_mut_ptr());
    let (x, before) = (numbers::<u16>(&turned.values), numbers::<u16>(&paired.values));
    // tiles of rows for each line of the kernel
    let taps = if turned.is_merged { 1 } else { conv.kernel };
    let tiles_of_tap = if turned.is_merged { turned.rows } else { layout.stored } / TILE_ROWS;
    let tiles = taps * tiles_of_tap;
    let strips = paired.outputs / COLUMNS;
    let blocks_of_tap_line = tiles.div_ceil(2) * strips;
    let blocks = conv.kernel * blocks_of_tap_line;
    let steps = turned.numbering.count / STEP;
    let line_of_x = turned.rows * turned.row;
    let line_of_before = turned.numbering.count * paired.outputs;
    let lines_of_chunk = (CHUNK / (line_of_x + line_of_before)).max(1);
    // where a tile's rows begin within a line
    let tile_start = |number: usize| {
        let (tap, rows) = (number / tiles_of_tap, number % tiles_of_tap * TILE_ROWS);
        if turned.is_merged {
            return rows * turned.row;
        }
        let (phase, shift) = (tap % conv.stride, tap / conv.stride);
        let shift = if layout.order == Order::Images { shift * layout.dims.images } else { shift };
        (phase * layout.stored + rows) * turned.row + shift
    };
    let task = |range: std::ops::Range<usize>| {
        let mut totals: Vec<Block> = range.clone().map(|_| Block([0.0; MOST_ROWS * COLUMNS])).collect();
        for chunk in (0..sums.height).step_by(lines_of_chunk) {
            let lines = chunk..sums.height.min(chunk + lines_of_chunk);
            for (block, total) in range.clone().zip(&mut totals) {
                let (tap_y, rest) = (block / blocks_of_tap_line, block % blocks_of_tap_line);
                let (strip, first) = (rest % strips, rest / strips * 2);
                let starts = [first, (first + 1).min(tiles - 1)].map(tile_start);
                // SAFETY: inside `run`; a block has 1024 numbers.
                unsafe { amx::load(total.0.as_ptr()) };
                for line in lines.clone() {
                    let y = (line * conv.stride + tap_y).wrapping_sub(conv.border);
                    if y >= layout.dims.height {
                        continue;
                    }
                    let from = starts.map(|start| y * line_of_x + start);
                    let other = line * line_of_before + strip * 2 * COLUMNS;
                    for from in from {
                        assert!(from + (TILE_ROWS - 1) * turned.row + steps * STEP <= x.len());
                    }
                    assert!(other + (steps * 16 - 1) * 2 * paired.outputs + 2 * COLUMNS <= before.len());
                    // SAFETY: inside `run`; the assertions cover the last row of the last step of each tile.
                    unsafe {
                        let rows = Operand {
                            at: from.map(|from| x.as_ptr().add(from)),
                            row_bytes: turned.row * 2,
                            step_bytes: STEP * 2,
                        };
                        let columns = Operand {
                            at: [before.as_ptr().add(other), before.as_ptr().add(other + STEP)],
                            row_bytes: paired.outputs * 4,
                            step_bytes: paired.outputs * 4 * 16,
                        };
                        amx::accumulate(&rows, &columns, steps);
                    }
                }
                // SAFETY: as for `load`.
                unsafe { amx::store(total.0.as_mut_ptr()) };
            }
        }
        for (block, total) in range.zip(&totals) {
            let (tap_y, rest) = (block / blocks_of_tap_line, block % blocks_of_tap_line);
            let (strip, first) = (rest % strips, rest / strips * 2);
            let width = COLUMNS.min(outputs - strip * COLUMNS);
            for row in 0..2 * TILE_ROWS {
                let number = first + row / TILE_ROWS;
                if number >= tiles {
                    break;
                }
                let (tap, within) =
                    (number / tiles_of_tap, number % tiles_of_tap * TILE_ROWS + row % TILE_ROWS);
                let (tap_x, input) = if turned.is_merged {
                    (within / layout.stored, within % layout.stored)
                } else {
                    (tap, within)
                };
                if tap_x >= conv.kernel || input >= inputs {
                    continue;
                }
                let at = ((tap_y * conv.kernel + tap_x) * inputs + input) * outputs + strip * COLUMNS;
                // SAFETY: `width` weights of one tap and input, which belong to one block only.
                let to = unsafe { std::slice::from_raw_parts_mut(out.at(at), width) };
                to.copy_from_slice(&total.0[row * COLUMNS..row * COLUMNS + width]);
            }
        }
    };
    // how the work is cut depends on the network alone, so that sums are the same for any number of threads
    let piece = blocks.div_ceil(16).clamp(1, 64);
    (0..blocks.div_ceil(piece)).into_par_iter().for_each(|number| {
        tile.run(
            #[inline(always)]
            || task(number * piece..blocks.min((number + 1) * piece)),
        );
    });
    found
}
