//! The innermost loops: a block of the result from rows of one matrix and a packed strip of the other.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512bf16;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod plain;
#[cfg(target_arch = "x86_64")]
pub(crate) mod turn;

use crate::element::Element;

/// Columns of a block, for every kind of tile.
pub(crate) const COLUMNS: usize = 32;
/// The most rows a block has.
pub(crate) const MOST_ROWS: usize = 32;

/// A block's sums: row after row of [`COLUMNS`].
#[repr(C, align(64))]
pub(crate) struct Block(pub(crate) [f32; MOST_ROWS * COLUMNS]);

/// A stretch of the inner dimension that lies together in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Where it begins, counted from each row's own start.
    pub(crate) offset: isize,
    /// Its length in numbers, a multiple of [`Tile::K_STEP`].
    pub(crate) len: usize,
    /// Where its part of the packed strip begins.
    pub(crate) packed: usize,
}

/// A way to multiply: which vectors, how many rows at once.
///
/// A block has two groups of `GROUP` rows; the rows of a group lie `row_step` numbers apart.
pub(crate) trait Tile: Copy + Send + Sync {
    /// What activations are stored as.
    type E: Element;
    /// Vectors of f32 that run wherever this tile does.
    type V: Vector;
    /// Rows of a group.
    const GROUP: usize;
    /// The inner dimension is a multiple of this in packed strips.
    const K_STEP: usize;

    /// Writes the strip of one step of 32 rows by 16 columns from columns that lie `step` numbers apart, if the
    /// tile has a faster way than one number after the other.
    ///
    /// # Safety
    /// Called inside [`run`](Self::run). `from + c · step ..+ 32` is readable for `c < 16`, `to ..+ 512`
    /// writable.
    #[inline(always)]
    unsafe fn turn_weights(self, _from: *const f32, _step: usize, _to: *mut Self::E) -> bool {
        false
    }

    /// Runs `work` compiled for this tile's instructions, and with its registers set up.
    fn run<R>(self, work: impl FnOnce() -> R) -> R;

    /// `block = Σ_runs rows · strip`.
    ///
    /// # Safety
    /// Called inside [`run`](Self::run). For both groups, every row and every run,
    /// `start + row · row_step + offset .. + len` lies in one allocation that `start` points into, and
    /// `strip + packed ..+ len · COLUMNS` in another.
    unsafe fn multiply(
        self,
        starts: [*const Self::E; 2],
        row_step: usize,
        runs: &[Run],
        strip: *const Self::E,
        block: &mut Block,
    );
}

/// A tile that can also sum products of columns: what weight gradients are made of.
pub(crate) trait OuterTile: Tile<E = f32> {
    /// `block[i][j] += Σ_k a[k · a_step + i] · b[k · b_step + j]` for `i < 2 · GROUP`.
    ///
    /// # Safety
    /// Called inside [`run`](Tile::run); all indices named above lie in the allocations `a` and `b` point to.
    unsafe fn outer(
        self,
        a: *const f32,
        a_step: usize,
        b: *const f32,
        b_step: usize,
        count: usize,
        block: &mut Block,
    );
}

/// Two tiles side by side, and where the next two are.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    /// First byte of each tile.
    pub(crate) at: [*const u16; 2],
    /// From a row of a tile to the next.
    pub(crate) row_bytes: usize,
    /// From a step of the inner dimension to the next.
    pub(crate) step_bytes: usize,
}

/// A tile that sums bf16 products, 32 × 32 sums and 32 products at a time: what weight gradients in bf16 are made of. Sums
/// are in registers between [`begin`](Self::begin) and [`end`](Self::end), if the tile has room for them.
#[cfg(target_arch = "x86_64")]
pub(crate) trait MatrixTile: Tile<E = u16> {
    /// Begins with the 32 × 32 sums of `block`.
    ///
    /// # Safety
    /// Called inside [`run`](Tile::run); `block` has 1024 numbers.
    unsafe fn begin(block: *const f32);

    /// `sums += rows · columns`, `steps` times 32 products deep.
    ///
    /// # Safety
    /// Called inside [`run`](Tile::run) after [`begin`](Self::begin) with the same `block`, which can be written; each
    /// operand has 16 readable rows of 64 bytes at both places, in every step.
    unsafe fn accumulate(rows: &Operand, columns: &Operand, steps: usize, block: *mut f32);

    /// Now the sums are in `block`.
    ///
    /// # Safety
    /// As for [`accumulate`](Self::accumulate).
    unsafe fn end(block: *mut f32);
}

/// Implements [`Tile`] and [`OuterTile`] for an f32 tile of `2 · $group` rows by `$vectors` vectors; `$run` runs
/// work compiled for the instructions of `$vector`.
macro_rules! f32_tile {
    ($tile:ty, $vector:ty, $group:literal, $vectors:literal, $run:ident) => {
        impl $crate::tile::Tile for $tile {
            type E = f32;
            type V = $vector;
            const GROUP: usize = $group;
            const K_STEP: usize = 1;

            #[inline(always)]
            fn run<R>(self, work: impl FnOnce() -> R) -> R {
                $run(work)
            }

            #[inline(always)]
            unsafe fn multiply(
                self,
                starts: [*const f32; 2],
                row_step: usize,
                runs: &[$crate::tile::Run],
                strip: *const f32,
                block: &mut $crate::tile::Block,
            ) {
                // SAFETY: the caller's promise, inside `run`.
                unsafe {
                    $crate::tile::multiply_f32::<$vector, $group, $vectors>(
                        starts, row_step, runs, strip, block,
                    )
                }
            }
        }

        impl $crate::tile::OuterTile for $tile {
            #[inline(always)]
            unsafe fn outer(
                self,
                a: *const f32,
                a_step: usize,
                b: *const f32,
                b_step: usize,
                count: usize,
                block: &mut $crate::tile::Block,
            ) {
                // SAFETY: the caller's promise, inside `run`.
                unsafe {
                    $crate::tile::outer_f32::<$vector, $group, $vectors>(a, a_step, b, b_step, count, block)
                }
            }
        }
    };
}
use f32_tile;

/// Calls `$body` with `$tile` being the f32 tile of a path; those that multiply bf16 have that of AVX-512.
macro_rules! with_f32_tile {
    ($path:expr, $tile:ident, $body:expr) => {
        match $path {
            #[cfg(target_arch = "x86_64")]
            $crate::path::Path::Avx512 | $crate::path::Path::Avx512Bf16 | $crate::path::Path::Amx => {
                let $tile = $crate::tile::avx512::Avx512;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            $crate::path::Path::Avx2 => {
                let $tile = $crate::tile::avx2::Avx2;
                $body
            }
            #[cfg(target_arch = "aarch64")]
            $crate::path::Path::Neon => {
                let $tile = $crate::tile::neon::Neon;
                $body
            }
            _ if $crate::tile::plain::is_fused() => {
                let $tile = $crate::tile::plain::Plain::<true>;
                $body
            }
            _ => {
                let $tile = $crate::tile::plain::Plain::<false>;
                $body
            }
        }
    };
}
pub(crate) use with_f32_tile;

/// What vectors the f32 tiles are made of.
///
/// # Safety
/// All of these: the processor has the vector's instructions; pointers have [`LEN`](Self::LEN) numbers.
pub(crate) trait Vector: Copy {
    const LEN: usize;
    unsafe fn zero() -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self · b + c`, rounded once where the processor can.
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    /// All numbers added up: the upper half to the lower half, until one is left. The same order on every path.
    unsafe fn sum(self) -> f32;
}

/// [`Tile::multiply`] for f32, `2 · GROUP` rows by `V` vectors at a time.
///
/// # Safety
/// As there; and the processor has the vectors' instructions.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn multiply_f32<V: Vector, const GROUP: usize, const VECTORS: usize>(
    starts: [*const f32; 2],
    row_step: usize,
    runs: &[Run],
    strip: *const f32,
    block: &mut Block,
) {
    let strips = COLUMNS / (V::LEN * VECTORS);
    for part in 0..strips {
        let column = part * V::LEN * VECTORS;
        // SAFETY: the caller promises the rows and the strip; `column + V::LEN * VECTORS <= COLUMNS`,
        // and the block has `MOST_ROWS >= 2 * GROUP` rows of `COLUMNS`.
        unsafe {
            let mut sums = [[[V::zero(); VECTORS]; GROUP]; 2];
            for run in runs {
                let rows = [starts[0].offset(run.offset), starts[1].offset(run.offset)];
                let mut b = strip.add(run.packed + column);
                for k in 0..run.len {
                    let mut across = [V::zero(); VECTORS];
                    for (v, vector) in across.iter_mut().enumerate() {
                        *vector = V::load(b.add(v * V::LEN));
                    }
                    for group in 0..2 {
                        for row in 0..GROUP {
                            let a = V::splat(*rows[group].add(row * row_step + k));
                            for v in 0..VECTORS {
                                sums[group][row][v] = a.multiply_add(across[v], sums[group][row][v]);
                            }
                        }
                    }
                    b = b.add(COLUMNS);
                }
            }
            for group in 0..2 {
                for row in 0..GROUP {
                    for v in 0..VECTORS {
                        let at = (group * GROUP + row) * COLUMNS + column + v * V::LEN;
                        sums[group][row][v].store(block.0.as_mut_ptr().add(at));
                    }
                }
            }
        }
    }
}

/// [`OuterTile::outer`], `2 · GROUP` rows by `V` vectors at a time.
///
/// # Safety
/// As there; and the processor has the vectors' instructions.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn outer_f32<V: Vector, const GROUP: usize, const VECTORS: usize>(
    a: *const f32,
    a_step: usize,
    b: *const f32,
    b_step: usize,
    count: usize,
    block: &mut Block,
) {
    let strips = COLUMNS / (V::LEN * VECTORS);
    for part in 0..strips {
        let column = part * V::LEN * VECTORS;
        // SAFETY: as in `multiply_f32`.
        unsafe {
            let sums_at = block.0.as_mut_ptr().add(column);
            let mut sums = [[[V::zero(); VECTORS]; GROUP]; 2];
            for row in 0..2 * GROUP {
                for v in 0..VECTORS {
                    sums[row / GROUP][row % GROUP][v] = V::load(sums_at.add(row * COLUMNS + v * V::LEN));
                }
            }
            let (mut a, mut b) = (a, b.add(column));
            for _ in 0..count {
                let mut across = [V::zero(); VECTORS];
                for (v, vector) in across.iter_mut().enumerate() {
                    *vector = V::load(b.add(v * V::LEN));
                }
                for row in 0..2 * GROUP {
                    let value = V::splat(*a.add(row));
                    for v in 0..VECTORS {
                        let sum = &mut sums[row / GROUP][row % GROUP][v];
                        *sum = value.multiply_add(across[v], *sum);
                    }
                }
                a = a.wrapping_add(a_step);
                b = b.wrapping_add(b_step);
            }
            for row in 0..2 * GROUP {
                for v in 0..VECTORS {
                    sums[row / GROUP][row % GROUP][v].store(sums_at.add(row * COLUMNS + v * V::LEN));
                }
            }
        }
    }
}
