//! Weights in the order in which tiles read them: strips of 32 columns, as deep as the whole sum.

use rayon::prelude::*;

use crate::buffer::{CacheLine, numbers_mut, zeros};
use crate::element::Element;
use crate::tile::{COLUMNS, Tile};

/// One number for each place of the inner dimension, or `None` where it is padding.
pub(crate) type Depth = Vec<Option<usize>>;

/// Strips from rows: number `(k, column)` is `weights[depth[k] + column]`.
pub(crate) fn from_rows<T: Tile>(tile: T, weights: &[f32], depth: &Depth, columns: usize) -> Vec<CacheLine> {
    let place = |k: usize| depth[k].map(|start| &weights[start..start + columns]);
    strips(tile, depth.len(), columns, |k, first, rows| {
        let last = columns.min(first + COLUMNS);
        for (row, values) in rows.iter_mut().enumerate() {
            values.fill(0.0);
            if let Some(from) = place(k + row) {
                values[..last - first].copy_from_slice(&from[first..last]);
            }
        }
    })
}

/// Strips from columns: number `(k, column)` is `weights[depth[k] + column · step]`.
pub(crate) fn from_columns<T: Tile>(
    tile: T,
    weights: &[f32],
    depth: &Depth,
    columns: usize,
    step: usize,
) -> Vec<CacheLine> {
    strips(tile, depth.len(), columns, |k, first, rows| {
        let last = columns.min(first + COLUMNS);
        rows.iter_mut().for_each(|row| row.fill(0.0));
        for column in first..last {
            for (row, values) in rows.iter_mut().enumerate() {
                if let Some(start) = depth[k + row] {
                    values[column - first] = weights[start + column * step];
                }
            }
        }
    })
}

/// Rows gathered at once.
const ROWS: usize = 32;

/// `gather(k, first_column, rows)` fills rows `k..` of the matrix, from that column on.
fn strips<T: Tile>(
    tile: T,
    depth: usize,
    columns: usize,
    gather: impl Fn(usize, usize, &mut [[f32; COLUMNS]]) + Sync,
) -> Vec<CacheLine> {
    let blocks = columns.div_ceil(COLUMNS);
    let mut packed = zeros::<T::E>(blocks * depth * COLUMNS);
    // pieces that both threads can share, of whole steps
    let piece = depth.div_ceil(ROWS).div_ceil(8) * ROWS * COLUMNS;
    let work = numbers_mut::<T::E>(&mut packed)[..blocks * depth * COLUMNS].par_chunks_mut(depth * COLUMNS);
    work.enumerate().for_each(|(block, strip)| {
        strip.par_chunks_mut(piece).enumerate().for_each(|(number, part)| {
            tile.run(
                #[inline(always)]
                || {
                    let mut rows = [[0.0_f32; COLUMNS]; ROWS];
                    let first = number * piece / COLUMNS;
                    for (step, to) in part.chunks_mut(ROWS * COLUMNS).enumerate() {
                        let count = to.len() / COLUMNS;
                        gather(first + step * ROWS, block * COLUMNS, &mut rows[..count]);
                        write::<T>(&rows[..count], to);
                    }
                },
            );
        });
    });
    packed
}

/// f32: row after row. bf16: as the tiles want it, two tiles of 16 columns, two rows interleaved.
#[inline(always)]
fn write<T: Tile>(rows: &[[f32; COLUMNS]], to: &mut [T::E]) {
    if T::K_STEP == 1 {
        for (row, to) in rows.iter().zip(to.chunks_exact_mut(COLUMNS)) {
            for (value, to) in row.iter().zip(to) {
                *to = T::E::from_f32(*value);
            }
        }
        return;
    }
    let (left, right) = to.split_at_mut(512);
    for (half, to) in [left, right].into_iter().enumerate() {
        for (pair, to) in rows.chunks_exact(2).zip(to.chunks_exact_mut(32)) {
            let first = &pair[0][half * 16..half * 16 + 16];
            let second = &pair[1][half * 16..half * 16 + 16];
            for ((to, &first), &second) in to.chunks_exact_mut(2).zip(first).zip(second) {
                to[0] = T::E::from_f32(first);
                to[1] = T::E::from_f32(second);
            }
        }
    }
}
