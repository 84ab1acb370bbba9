//! How fast the innermost loop is when nothing holds it up.

use crate::buffer::{CacheLine, numbers, zeros};
use crate::path::Path;
use crate::tile::{Block, COLUMNS, MOST_ROWS, Run, Tile};

/// Depth of the product: rows and strip fit the first cache together.
const DEPTH: usize = 128;

/// Multiplies one block `repeats` times on this thread, with data in its first cache. Returns the floating-point
/// operations of *one* block; `repeats` of 0 does nothing else.
#[must_use]
pub fn roof(path: Path, repeats: usize) -> usize {
    super::with_tile!(path, tile, run(tile, repeats))
}

fn run<T: Tile>(tile: T, repeats: usize) -> usize {
    let rows: Vec<CacheLine> = zeros::<T::E>(2 * T::GROUP * DEPTH);
    let strip: Vec<CacheLine> = zeros::<T::E>(DEPTH * COLUMNS);
    let (rows, strip) = (numbers::<T::E>(&rows), numbers::<T::E>(&strip));
    let mut sums = Block([0.0; MOST_ROWS * COLUMNS]);
    let runs = [Run { offset: 0, len: DEPTH, packed: 0 }];
    tile.run(
        #[inline(always)]
        || {
            for _ in 0..repeats {
                let starts = [rows.as_ptr(), rows[T::GROUP * DEPTH..].as_ptr()];
                // SAFETY: both groups have `GROUP` rows of `DEPTH`, the strip `DEPTH` rows of 32; inside `run`.
                unsafe {
                    tile.multiply(starts, DEPTH, &runs, strip.as_ptr(), std::hint::black_box(&mut sums))
                };
            }
        },
    );
    2 * 2 * T::GROUP * COLUMNS * DEPTH
}
