//! Weights in the order in which tiles read them: strips of 32 columns, as deep as the whole sum.

use rayon::prelude::*;

use crate::buffer::{Buffer, Kind, numbers_mut};
use crate::element::Element;
use crate::tile::{COLUMNS, Tile};

/// One number for each place of the inner dimension, or `None` where it is padding.
pub(crate) type Depth = Vec<Option<usize>>;

/// Weights, and how they are to be read.
#[derive(Debug)]
pub(crate) struct Matrix<'a> {
    pub(crate) weights: &'a [f32],
    /// Where each row of the matrix begins.
    pub(crate) depth: Depth,
    pub(crate) columns: usize,
    /// From a column to the next.
    pub(crate) step: usize,
}

impl Matrix<'_> {
    /// Numbers of one strip.
    pub(crate) fn strip(&self) -> usize {
        self.depth.len() * COLUMNS
    }

    /// All strips, one after the other.
    pub(crate) fn pack<T: Tile>(&self, tile: T) -> Buffer {
        let (strip, blocks) = (self.strip(), self.columns.div_ceil(COLUMNS));
        let mut packed = Buffer::new::<T::E>(Kind::Filled, blocks * strip);
        // pieces that all threads can share, of whole steps
        let piece = self.depth.len().div_ceil(ROWS).div_ceil(8) * ROWS;
        let work = numbers_mut::<T::E>(&mut packed)[..blocks * strip].par_chunks_mut(strip);
        work.enumerate().for_each(|(block, strip)| {
            strip.par_chunks_mut(piece * COLUMNS).enumerate().for_each(|(number, part)| {
                tile.run(
                    #[inline(always)]
                    || self.write(tile, block, number * piece, part),
                );
            });
        });
        packed
    }

    /// Rows of one strip from `first_row` on, a multiple of [`ROWS`].
    ///
    /// To be called inside [`Tile::run`].
    #[inline(always)]
    pub(crate) fn write<T: Tile>(&self, tile: T, block: usize, first_row: usize, to: &mut [T::E]) {
        for (step, to) in to.chunks_mut(ROWS * COLUMNS).enumerate() {
            let places = &self.depth[first_row + step * ROWS..][..to.len() / COLUMNS];
            if self.step == 1 {
                self.write_rows::<T>(places, block * COLUMNS, to);
            } else {
                self.write_columns(tile, places, block * COLUMNS, to);
            }
        }
    }

    #[inline(always)]
    fn write_rows<T: Tile>(&self, places: &[Option<usize>], first: usize, to: &mut [T::E]) {
        let row = |place: Option<usize>| -> [f32; COLUMNS] {
            let mut row = [0.0; COLUMNS];
            if let Some(start) = place {
                let from = &self.weights[start + first..start + self.columns.min(first + COLUMNS)];
                match from.first_chunk::<COLUMNS>() {
                    Some(whole) => row = *whole,
                    None => row[..from.len()].copy_from_slice(from),
                }
            }
            row
        };
        if T::K_STEP == 1 {
            for (place, to) in places.iter().zip(to.chunks_exact_mut(COLUMNS)) {
                T::E::from_all(&row(*place), to);
            }
            return;
        }
        let (left, right) = to.split_at_mut(TILE);
        let pairs = left.chunks_exact_mut(COLUMNS).zip(right.chunks_exact_mut(COLUMNS));
        for (places, (left, right)) in places.chunks_exact(2).zip(pairs) {
            let (a, b) = (row(places[0]), row(places[1]));
            for i in 0..COLUMNS / 2 {
                left[2 * i] = T::E::from_f32(a[i]);
                left[2 * i + 1] = T::E::from_f32(b[i]);
                right[2 * i] = T::E::from_f32(a[COLUMNS / 2 + i]);
                right[2 * i + 1] = T::E::from_f32(b[COLUMNS / 2 + i]);
            }
        }
    }

    #[inline(always)]
    fn write_columns<T: Tile>(&self, tile: T, places: &[Option<usize>], first: usize, to: &mut [T::E]) {
        let Self { weights, columns, step, .. } = *self;
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
            if let (1, Some(to)) = (T::K_STEP, to.first_chunk_mut::<{ ROWS * COLUMNS }>()) {
                for column in 0..COLUMNS {
                    let from = &weights[start + (first + column) * step..][..ROWS];
                    for (k, value) in from.iter().enumerate() {
                        to[k * COLUMNS + column] = T::E::from_f32(*value);
                    }
                }
                return;
            }
        }
        for (k, place) in places.iter().enumerate() {
            for column in 0..COLUMNS {
                let is_inside = first + column < columns;
                let value =
                    place.filter(|_| is_inside).map_or(0.0, |start| weights[start + (first + column) * step]);
                to[index::<T>(k, column)] = T::E::from_f32(value);
            }
        }
    }
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
