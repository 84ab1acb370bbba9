//! Weight gradients in tiles of bf16. They sum over positions, so positions must lie together: the input is
//! turned (`[channel][position]`), the gradient interleaved two positions at a time.

#![cfg(target_arch = "x86_64")]

use std::ops::Range;

use rayon::prelude::*;

use super::weight_gradient::{Weighing, in_pieces};
use super::{Conv, Shared};
use crate::buffer::{Buffer, Kind, numbers, numbers_mut};
use crate::element::Element;
use crate::layout::{Dims, Layout, Order};
use crate::tile::amx::Amx;
use crate::tile::avx512bf16::Avx512Bf16;
use crate::tile::{Block, COLUMNS, MOST_ROWS, MatrixTile, Operand, turn};

/// Rows of one tile.
const TILE_ROWS: usize = 16;
/// Positions of one step.
const STEP: usize = 32;
/// Numbers of input and gradient that should stay in the cache while all weights are gone through.
const CHUNK: usize = 1 << 18;

impl Weighing for Amx {
    fn weigh(self, conv: &Conv, x: &[u16], layout: Layout, before: &[u16], sums: Layout) -> Buffer {
        weigh(self, conv, (x, layout), (before, sums))
    }
}

impl Weighing for Avx512Bf16 {
    fn weigh(self, conv: &Conv, x: &[u16], layout: Layout, before: &[u16], sums: Layout) -> Buffer {
        weigh(self, conv, (x, layout), (before, sums))
    }
}

fn weigh<T: MatrixTile>(
    tile: T,
    conv: &Conv,
    (x, layout): (&[u16], Layout),
    (before, sums): (&[u16], Layout),
) -> Buffer {
    let shape = Shape::new(conv, layout, sums.dims);
    let outputs = sums.dims.channels.next_multiple_of(COLUMNS);
    let bytes_of_line = 2 * (conv.stride * shape.rows * shape.row + shape.numbering.count * outputs);
    let factors = |lines: Range<usize>| {
        let turned = Turned::new(tile, conv, (x, layout), (shape, sums.dims), lines.clone());
        (turned, Paired::new(tile, shape.numbering, (before, sums), lines))
    };
    let weights = conv.weights(layout.dims.channels, sums.dims.channels);
    let found = in_pieces::<u16>(weights, sums.dims, bytes_of_line, |lines| {
        multiply::<T, f32>(tile, conv, &factors(lines.clone()), layout, (sums.dims, lines))
    });
    found.unwrap_or_else(|| {
        let lines = 0..sums.dims.height;
        multiply::<T, u16>(tile, conv, &factors(lines.clone()), layout, (sums.dims, lines))
    })
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

/// How the rows of a turned line lie.
#[derive(Clone, Copy, Debug)]
struct Shape {
    numbering: Numbering,
    /// Few channels: rows are (tap, channel) and nothing is shifted. Otherwise rows are (phase, channel), and
    /// a tap is a phase and a shift.
    is_merged: bool,
    /// The furthest that a tap is shifted, in positions of one image.
    shifts: usize,
    /// Rows of a line, whole tiles.
    rows: usize,
    /// Numbers of a row.
    row: usize,
}

impl Shape {
    fn new(conv: &Conv, layout: Layout, sums: Dims) -> Self {
        let images = layout.dims.images;
        let is_merged = layout.stored < STEP;
        let shifts = if is_merged { 0 } else { (conv.kernel - 1) / conv.stride };
        // positions are interleaved in pairs, which no image shares with another
        let pitch = (sums.width + shifts).next_multiple_of(2);
        let count = match layout.order {
            Order::Pixels => images * pitch,
            Order::Images => images * sums.width,
        };
        let numbering = Numbering { order: layout.order, images, pitch, count: count.next_multiple_of(STEP) };
        let seen = if is_merged { conv.kernel } else { conv.stride };
        let rows = (seen * layout.stored).next_multiple_of(2 * TILE_ROWS);
        // an odd number of cache lines, so that the rows of a tile do not meet in one set of the cache
        let reach = numbering.count + shifts * if layout.order == Order::Images { images } else { 1 };
        let row = STEP * ((reach.div_ceil(STEP) + 1) | 1);
        Self { numbering, is_merged, shifts, rows, row }
    }
}

/// The input, `[line][row][position]`: a row is a channel seen through one or several taps.
#[derive(Debug)]
struct Turned {
    values: Buffer,
    shape: Shape,
    /// The first line of the image that is here.
    first: usize,
}

impl Turned {
    /// The lines of the input that `lines` of the sums see.
    fn new<T: MatrixTile>(
        tile: T,
        conv: &Conv,
        (x, layout): (&[u16], Layout),
        (shape, sums): (Shape, Dims),
        lines: Range<usize>,
    ) -> Self {
        let Dims { images, height, width, .. } = layout.dims;
        let Shape { numbering, is_merged, shifts, rows, row } = shape;
        let first = (lines.start * conv.stride).saturating_sub(conv.border).min(height);
        let end = ((lines.end - 1) * conv.stride + conv.kernel).saturating_sub(conv.border).min(height);
        let height = end.saturating_sub(first);
        let kind = Kind::Turned(layout, [conv.kernel, conv.stride, conv.border]);
        let mut values = Buffer::new::<u16>(kind, height * rows * row + STEP);
        // pads are zeros to read like any pixel; what lies beyond them no tap sees
        let columns = |phase: usize| {
            (width + 2 * conv.border).saturating_sub(phase).div_ceil(conv.stride).min(sums.width + shifts)
        };
        let line = |y: usize, to: &mut [u16]| {
            // a window of few channels lies together in memory: its numbers are the rows
            let phases = if is_merged { 1 } else { conv.stride };
            let channels = if is_merged { rows } else { layout.stored };
            for phase in 0..phases {
                let start = phase * layout.stored * row;
                let columns = if is_merged { sums.width } else { columns(phase) };
                let first = layout.offset(0, y, phase) - conv.border * layout.x_step();
                match layout.order {
                    Order::Images => {
                        for column in 0..columns {
                            let from = first + column * conv.stride * layout.x_step();
                            let to = &mut to[start + numbering.of(0, column)..];
                            turn(x, (from, layout.stored), images, channels, to, row);
                        }
                    }
                    Order::Pixels => {
                        for image in 0..images {
                            let from = first + image * layout.image_step();
                            let to = &mut to[start + numbering.of(image, 0)..];
                            turn(x, (from, conv.stride * layout.stored), columns, channels, to, row);
                        }
                    }
                }
            }
        };
        let lines = numbers_mut::<u16>(&mut values)[..height * rows * row].par_chunks_mut(rows * row);
        lines.enumerate().for_each(|(number, to)| {
            tile.run(
                #[inline(always)]
                || line(first + number, to),
            );
        });
        Self { values, shape, first }
    }
}

/// `count` positions, `step` numbers apart from `from` on, each of `channels` numbers, to `channels` rows of
/// `count`.
#[inline(always)]
fn turn(x: &[u16], (from, step): (usize, usize), count: usize, channels: usize, to: &mut [u16], row: usize) {
    let whole = if channels.is_multiple_of(TILE_ROWS) { count / STEP * STEP } else { 0 };
    for position in (0..whole).step_by(STEP) {
        for channel in (0..channels).step_by(TILE_ROWS) {
            let (source, target) = (from + position * step + channel, channel * row + position);
            assert!(source + (STEP - 1) * step + TILE_ROWS <= x.len());
            assert!(target + (TILE_ROWS - 1) * row + STEP <= to.len());
            // SAFETY: as just asserted; called inside `run`, whose processor has the instructions.
            unsafe { turn::turn(x.as_ptr().add(source), step, to.as_mut_ptr().add(target), row) };
        }
    }
    for position in whole..count {
        let values = &x[from + position * step..][..channels];
        for (channel, value) in values.iter().enumerate() {
            to[channel * row + position] = *value;
        }
    }
}

/// The gradient as tiles: `[line][16 pairs of positions][16 outputs]`, and in each `[pair][output][2]`.
#[derive(Debug)]
struct Paired {
    values: Buffer,
    /// Outputs in memory, whole blocks.
    outputs: usize,
}

impl Paired {
    fn new<T: MatrixTile>(
        tile: T,
        numbering: Numbering,
        (before, sums): (&[u16], Layout),
        lines: Range<usize>,
    ) -> Self {
        let Dims { images, width, channels, .. } = sums.dims;
        let outputs = channels.next_multiple_of(COLUMNS);
        let length = numbering.count * outputs;
        let kind = Kind::Paired(sums, numbering.order, numbering.count);
        let mut values = Buffer::new::<u16>(kind, lines.len() * length);
        let line = |y: usize, to: &mut [u16]| {
            let mut pair = |position: usize, first: usize, second: Option<usize>| {
                let at = position / STEP * STEP * outputs + position % STEP * TILE_ROWS;
                let first = before[first..first + channels].chunks(TILE_ROWS);
                let tiles = to[at..].chunks_mut(STEP * TILE_ROWS).map(|tile| &mut tile[..2 * TILE_ROWS]);
                match second.map(|second| before[second..second + channels].chunks(TILE_ROWS)) {
                    Some(second) => {
                        for ((to, first), second) in tiles.zip(first).zip(second) {
                            for ((to, first), second) in to.chunks_exact_mut(2).zip(first).zip(second) {
                                to[0] = *first;
                                to[1] = *second;
                            }
                        }
                    }
                    None => {
                        for (to, first) in tiles.zip(first) {
                            to.chunks_exact_mut(2).zip(first).for_each(|(to, first)| to[0] = *first);
                        }
                    }
                }
            };
            match numbering.order {
                // the number of images is even
                Order::Images => {
                    for (column, image) in
                        (0..width).flat_map(|c| (0..images).step_by(2).map(move |i| (c, i)))
                    {
                        let second = sums.offset(image + 1, y, column);
                        pair(numbering.of(image, column), sums.offset(image, y, column), Some(second));
                    }
                }
                // and so is the pitch
                Order::Pixels => {
                    for (image, column) in
                        (0..images).flat_map(|i| (0..width).step_by(2).map(move |c| (i, c)))
                    {
                        let second = (column + 1 < width).then(|| sums.offset(image, y, column + 1));
                        pair(numbering.of(image, column), sums.offset(image, y, column), second);
                    }
                }
            }
        };
        let work = numbers_mut::<u16>(&mut values)[..lines.len() * length].par_chunks_mut(length);
        work.enumerate().for_each(|(number, to)| {
            tile.run(
                #[inline(always)]
                || line(lines.start + number, to),
            );
        });
        Self { values, outputs }
    }
}

/// The products, as `E`.
fn multiply<T: MatrixTile, E: Element>(
    tile: T,
    conv: &Conv,
    (turned, paired): &(Turned, Paired),
    layout: Layout,
    (sums, lines): (Dims, Range<usize>),
) -> Buffer {
    let Shape { numbering, is_merged, rows, row, .. } = turned.shape;
    let (inputs, outputs) = (layout.dims.channels, sums.channels);
    let mut found = Buffer::new::<E>(Kind::Filled, conv.weights(inputs, outputs));
    let out = Shared(numbers_mut::<E>(&mut found).as_mut_ptr());
    let (x, before) = (numbers::<u16>(&turned.values), numbers::<u16>(&paired.values));
    // tiles of rows for each line of the kernel
    let taps = if is_merged { 1 } else { conv.kernel };
    let tiles_of_tap = if is_merged { rows } else { layout.stored } / TILE_ROWS;
    let tiles = taps * tiles_of_tap;
    let strips = paired.outputs / COLUMNS;
    let blocks_of_tap_line = tiles.div_ceil(2) * strips;
    let blocks = conv.kernel * blocks_of_tap_line;
    let steps = numbering.count / STEP;
    let line_of_x = rows * row;
    let line_of_before = numbering.count * paired.outputs;
    let lines_of_chunk = (CHUNK / (line_of_x + line_of_before)).max(1);
    // where a tile's rows begin within a line
    let tile_start = |number: usize| {
        let (tap, first) = (number / tiles_of_tap, number % tiles_of_tap * TILE_ROWS);
        if is_merged {
            return first * row;
        }
        let (phase, shift) = (tap % conv.stride, tap / conv.stride);
        let shift = if layout.order == Order::Images { shift * layout.dims.images } else { shift };
        (phase * layout.stored + first) * row + shift
    };
    let task = |range: Range<usize>| {
        let mut totals: Vec<Block> = range.clone().map(|_| Block([0.0; MOST_ROWS * COLUMNS])).collect();
        for chunk in lines.clone().step_by(lines_of_chunk) {
            let chunk = chunk..lines.end.min(chunk + lines_of_chunk);
            for (block, total) in range.clone().zip(&mut totals) {
                let (tap_y, rest) = (block / blocks_of_tap_line, block % blocks_of_tap_line);
                let (strip, first) = (rest % strips, rest / strips * 2);
                let starts = [first, (first + 1).min(tiles - 1)].map(tile_start);
                // SAFETY: inside `run`; a block has 1024 numbers.
                unsafe { T::begin(total.0.as_ptr()) };
                for line in chunk.clone() {
                    let y = (line * conv.stride + tap_y).wrapping_sub(conv.border);
                    if y >= layout.dims.height {
                        continue;
                    }
                    let from = starts.map(|start| (y - turned.first) * line_of_x + start);
                    let other = (line - lines.start) * line_of_before + strip * STEP * COLUMNS;
                    for from in from {
                        assert!(from + (TILE_ROWS - 1) * row + steps * STEP <= x.len());
                    }
                    assert!(other + (steps - 1) * STEP * paired.outputs + STEP * COLUMNS <= before.len());
                    // SAFETY: inside `run`; the assertions cover the last row of the last step of each tile.
                    unsafe {
                        let rows = Operand {
                            at: from.map(|from| x.as_ptr().add(from)),
                            row_bytes: row * 2,
                            step_bytes: STEP * 2,
                        };
                        let columns = Operand {
                            at: [0, STEP * TILE_ROWS].map(|tile| before.as_ptr().add(other + tile)),
                            row_bytes: STEP * 2,
                            step_bytes: STEP * paired.outputs * 2,
                        };
                        T::accumulate(&rows, &columns, steps, total.0.as_mut_ptr());
                    }
                }
                // SAFETY: as for `begin`.
                unsafe { T::end(total.0.as_mut_ptr()) };
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
                let (tap_x, input) =
                    if is_merged { (within / layout.stored, within % layout.stored) } else { (tap, within) };
                if tap_x >= conv.kernel || input >= inputs {
                    continue;
                }
                let at = ((tap_y * conv.kernel + tap_x) * inputs + input) * outputs + strip * COLUMNS;
                // SAFETY: `width` weights of one tap and input, which belong to one block only.
                let to = unsafe { std::slice::from_raw_parts_mut(out.at(at), width) };
                E::from_all(&total.0[row * COLUMNS..row * COLUMNS + width], to);
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
