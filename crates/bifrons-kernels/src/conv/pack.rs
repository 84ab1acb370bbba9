//! Weights in the order in which tiles read them: strips of 32 columns, as deep as the whole sum.

use rayon::prelude::*;

use crate::buffer::{Buffer, Kind, numbers_mut};
use crate::element::Element;
use crate::tile::{COLUMNS, Tile};

/// One number for each place of the inner dimension, or `None` where it is padding.
pub(crate) type Depth = Vec<Option<usize>>;

/// Strips from rows: number `(k, column)` is `weights[depth[k] + column]`.
pub(crate) fn from_rows<T: Tile>(tile: T, weights: &[f32], depth: &Depth, columns: usize) -> Buffer {
    let row = |place: Option<usize>, first: usize| -> [f32; COLUMNS] {
        let mut row = [0.0; COLUMNS];
        if let Some(start) = place {
            let from = &weights[start + first..start + columns.min(first + COLUMNS)];
            match from.first_chunk::<COLUMNS>() {
                Some(whole) => row = *whole,
                None => row[..from.len()].copy_from_slice(from),
            }
        }
        row
    };
    strips(
        tile,
        depth.len(),
        columns,
        #[inline(always)]
        |first_row, first, to: &mut [T::E]| {
            if T::K_STEP == 1 {
                for (k, to) in to.chunks_exact_mut(COLUMNS).enumerate() {
                    T::E::from_all(&row(depth[first_row + k], first), to);
                }
                return;
            }
            let (left, right) = to.split_at_mut(TILE);
            let pairs = left.chunks_exact_mut(COLUMNS).zip(right.chunks_exact_mut(COLUMNS)).enumerate();
            for (pair, (left, right)) in pairs {
                let (a, b) =
                    (row(depth[first_row + 2 * pair], first), row(depth[first_row + 2 * pair + 1], first));
                for i in 0..COLUMNS / 2 {
                    left[2 * i] = T::E::from_f32(a[i]);
                    left[2 * i + 1] = T::E::from_f32(b[i]);
                    right[2 * i] = T::E::from_f32(a[COLUMNS / 2 + i]);
                    right[2 * i + 1] = T::E::from_f32(b[COLUMNS / 2 + i]);
                }
            }
        },
    )
}

/// Strips from columns: number `(k, column)` is `weights[depth[k] + column · step]`.
pub(crate) fn from_columns<T: Tile>(
    tile: T,
    weights: &[f32],
    depth: &Depth,
    columns: usize,
    step: usize,
) -> Buffer {
    strips(
        tile,
        depth.len(),
        columns,
        #[inline(always)]
        |first_row, first, to: &mut [T::E]| {
            let places = &depth[first_row..first_row + to.len() / COLUMNS];
            // a stretch of outputs of one tap, as everywhere but at the edges of odd sizes
            if let (Some(Some(start)), Some(Some(end))) = (places.first(), places.last())
                && places.len() == ROWS
                && end - start == ROWS - 1
                && columns - first >= COLUMNS
                && start + (first + COLUMNS - 1) * step + ROWS <= weights.len()
            {
                let from = weights[start + first * step..].as_ptr();
                // SAFETY: the last column's 32 numbers end within the weights, as just checked; `to` has
                // room for two tiles.
                let is_done = unsafe {
                    tile.turn_weights(from, step, to.as_mut_ptr())
                        && tile.turn_weights(from.add(step * COLUMNS / 2), step, to.as_mut_ptr().add(TILE))
                };
                if is_done {
                    return;
                }
            }
            for (k, place) in places.iter().enumerate() {
                for column in 0..COLUMNS {
                    let is_inside = first + column < columns;
                    let value = place
                        .filter(|_| is_inside)
                        .map_or(0.0, |start| weights[start + (first + column) * step]);
                    to[index::<T>(k, column)] = T::E::from_f32(value);
                }
            }
        },
    )
}

/// Rows written at once: a whole step of every tile.
const ROWS: usize = 32;
/// Numbers of one bf16 tile.
const TILE: usize = 512;

/// Where number `(k, column)` lies within a step. f32: row after row. bf16: as the tiles want it, two tiles of
/// 16 columns, two rows interleaved.
#[inline(always)]
fn index<T: Tile>(k: usize, column: usize) -> usize {
    if T::K_STEP == 1 {
        return k * COLUMNS + column;
    }
    column / 16 * TILE + k / 2 * 32 + column % 16 * 2 + k % 2
}

/// `write(first_row, first_column, to)` fills up to [`ROWS`] rows of one strip, each exactly once.
fn strips<T: Tile>(
    tile: T,
    depth: usize,
    columns: usize,
    write: impl Fn(usize, usize, &mut [T::E]) + Sync,
) -> Buffer {
    let blocks = columns.div_ceil(COLUMNS);
    let mut packed = Buffer::new::<T::E>(Kind::Filled, blocks * depth * COLUMNS);
    // pieces that all threads can share, of whole steps
    let piece = depth.div_ceil(ROWS).div_ceil(8) * ROWS * COLUMNS;
    let work = numbers_mut::<T::E>(&mut packed)[..blocks * depth * COLUMNS].par_chunks_mut(depth * COLUMNS);
    work.enumerate().for_each(|(block, strip)| {
        strip.par_chunks_mut(piece).enumerate().for_each(|(number, part)| {
            tile.run(
                #[inline(always)]
                || {
                    for (step, to) in part.chunks_mut(ROWS * COLUMNS).enumerate() {
                        write(number * piece / COLUMNS + step * ROWS, block * COLUMNS, to);
                    }
                },
            );
        });
    });
    packed
}
