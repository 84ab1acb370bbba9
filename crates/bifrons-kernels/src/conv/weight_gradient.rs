//! Weight gradients: products of input and gradient, summed over every position of every image.

use std::ops::Range;

use rayon::prelude::*;

use super::{Conv, Shared};
use crate::buffer::{Buffer, Kind, numbers, numbers_mut};
use crate::element::Element;
use crate::layout::{Dims, Layout};
use crate::tile::{Block, COLUMNS, MOST_ROWS, OuterTile, Tile};

/// A tile that can find weight gradients.
pub(crate) trait Weighing: Tile {
    /// `[kernel, kernel, inputs, outputs]` from the input and the gradient before the activation.
    fn weigh(self, conv: &Conv, x: &[Self::E], layout: Layout, before: &[Self::E], sums: Layout) -> Buffer;
}

impl<T: OuterTile> Weighing for T {
    fn weigh(self, conv: &Conv, x: &[f32], layout: Layout, before: &[f32], sums: Layout) -> Buffer {
        let bytes_of_line = 4 * (conv.stride * layout.line() + sums.line());
        let weigh = |lines| outer(self, conv, (x, layout), (before, sums), lines);
        let weights = conv.weights(layout.dims.channels, sums.dims.channels);
        in_pieces::<f32>(weights, sums.dims, bytes_of_line, weigh)
            .unwrap_or_else(|| weigh(0..sums.dims.height))
    }
}

/// Bytes of input and gradient that stay in the second cache while all taps go through them. Little in tests, whose images
/// are small, so that they have pieces too.
const PIECE_BYTES: usize = if cfg!(test) { 1 << 12 } else { 1 << 20 };
/// Weights whose gradients, one set for each piece, cost less than reading the input again for each tap.
const FEW_WEIGHTS: usize = 1 << 17;

/// The sum of what `weigh(lines)` finds for pieces of the lines: where there are few weights and many lines, so that
/// each line comes from memory once. `None` where all lines are one piece.
///
/// `weigh` gives `weights` numbers in f32. Pieces depend on sizes alone and are added up in their order: the same for any
/// number of threads.
pub(super) fn in_pieces<E: Element>(
    weights: usize,
    sums: Dims,
    bytes_of_line: usize,
    weigh: impl Fn(Range<usize>) -> Buffer + Sync,
) -> Option<Buffer> {
    let lines = if weights > FEW_WEIGHTS { sums.height } else { (PIECE_BYTES / bytes_of_line).max(4) };
    if lines >= sums.height {
        return None;
    }
    let pieces = (0..sums.height.div_ceil(lines)).into_par_iter();
    let pieces: Vec<Buffer> =
        pieces.map(|piece| weigh(piece * lines..sums.height.min((piece + 1) * lines))).collect();
    let pieces: Vec<&[f32]> = pieces.iter().map(|piece| &numbers::<f32>(piece)[..weights]).collect();
    let mut found = Buffer::new::<E>(Kind::Filled, weights);
    const STRETCH: usize = 1024;
    let stretches = numbers_mut::<E>(&mut found)[..weights].par_chunks_mut(STRETCH).enumerate();
    stretches.for_each(|(number, to)| {
        let from = number * STRETCH..number * STRETCH + to.len();
        let mut sums = [0.0_f32; STRETCH];
        for piece in &pieces {
            sums.iter_mut().zip(&piece[from.clone()]).for_each(|(sum, value)| *sum += value);
        }
        E::from_all(&sums[..to.len()], to);
    });
    Some(found)
}

/// Blocks of rows that a task sums side by side while a line is in the cache.
const BLOCKS_OF_TASK: usize = 8;

/// f32: inputs by outputs, position after position of some lines.
fn outer<T: OuterTile>(
    tile: T,
    conv: &Conv,
    (x, layout): (&[f32], Layout),
    (before, sums): (&[f32], Layout),
    lines: Range<usize>,
) -> Buffer {
    let Dims { images, height, width, channels: outputs } = sums.dims;
    let inputs = layout.dims.channels;
    let mut found = Buffer::new::<f32>(Kind::Filled, conv.weights(inputs, outputs));
    let out = Shared(numbers_mut::<f32>(&mut found).as_mut_ptr());
    let rows = 2 * T::GROUP;
    let strips = outputs.div_ceil(COLUMNS);
    let parts = inputs.div_ceil(rows * BLOCKS_OF_TASK);
    let border = conv.border;
    // the pixels of this place's taps that lie inside the image
    let inside = |tap: usize, places: usize, side: usize| {
        let first = border.saturating_sub(tap).div_ceil(conv.stride);
        let last = (side + border).saturating_sub(tap).div_ceil(conv.stride).min(places);
        first..last.max(first)
    };
    let task = |number: usize| {
        let (strip, rest) = (number % strips, number / strips);
        let (part, tap) = (rest % parts, rest / parts);
        let (tap_y, tap_x) = (tap / conv.kernel, tap % conv.kernel);
        let first_input = part * rows * BLOCKS_OF_TASK;
        let blocks = (inputs - first_input).div_ceil(rows).min(BLOCKS_OF_TASK);
        let mut totals: [Block; BLOCKS_OF_TASK] = std::array::from_fn(|_| Block([0.0; MOST_ROWS * COLUMNS]));
        let columns = inside(tap_x, width, layout.dims.width);
        // along the images or along the line, whichever is longer
        let along_images = images >= columns.len();
        let (stretches, count) = if along_images { (columns.len(), images) } else { (images, columns.len()) };
        let (x_step, before_step) = if along_images {
            (layout.image_step(), sums.image_step())
        } else {
            (conv.stride * layout.x_step(), sums.x_step())
        };
        let seen = inside(tap_y, height, layout.dims.height);
        for line in seen.start.max(lines.start)..seen.end.min(lines.end) {
            let y = line * conv.stride + tap_y - border;
            for stretch in 0..stretches {
                let (image, column) =
                    if along_images { (0, columns.start + stretch) } else { (stretch, columns.start) };
                let from = layout.offset(image, y, column * conv.stride + tap_x - border) + first_input;
                let other = sums.offset(image, line, column) + strip * COLUMNS;
                assert!(from + (count - 1) * x_step + rows * blocks <= x.len());
                assert!(other + (count - 1) * before_step + COLUMNS <= before.len());
                for (block, total) in totals[..blocks].iter_mut().enumerate() {
                    // SAFETY: the assertions cover every index; this is called inside `run`. Channels beyond
                    // the last are numbers of other pixels: their sums are not written.
                    unsafe {
                        let a = x.as_ptr().add(from + block * rows);
                        tile.outer(a, x_step, before.as_ptr().add(other), before_step, count, total);
                    }
                }
            }
        }
        let width = COLUMNS.min(outputs - strip * COLUMNS);
        for input in first_input..inputs.min(first_input + blocks * rows) {
            let (block, row) = ((input - first_input) / rows, (input - first_input) % rows);
            let at = (tap * inputs + input) * outputs + strip * COLUMNS;
            // SAFETY: `width` weights of one tap and input, which only this task writes.
            let to = unsafe { std::slice::from_raw_parts_mut(out.at(at), width) };
            let from = &totals[block].0[row * COLUMNS..row * COLUMNS + width];
            // a length known beforehand needs no call
            match (to.first_chunk_mut::<COLUMNS>(), from.first_chunk::<COLUMNS>()) {
                (Some(to), Some(from)) => *to = *from,
                _ => to.copy_from_slice(from),
            }
        }
    };
    (0..conv.kernel * conv.kernel * parts * strips).into_par_iter().for_each(|number| {
        tile.run(
            #[inline(always)]
            || task(number),
        );
    });
    found
}
