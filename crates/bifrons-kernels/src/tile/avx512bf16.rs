//! Tiles of 32 rows by 32 columns in AVX-512 with products of bf16 pairs (AMD since 2022, Intel servers since 2020): what
//! [`Amx`](super::amx::Amx) reads and writes, without its registers. 8 rows by 32 columns of sums are in flight at a time.

use std::arch::x86_64::*;

use super::{Block, COLUMNS, MatrixTile, Operand, Run, Tile};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512Bf16;

/// Rows whose sums are in registers.
const ROWS: usize = 8;
/// Rows of a group.
const GROUP: usize = 16;
/// Numbers of a tile of columns: 16 pairs of rows, 16 columns.
const TILE: usize = 512;
/// Numbers of one pair of rows of it.
const PAIR: usize = 32;

type Sums = [[__m512; 2]; ROWS];

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")]
pub(super) fn compiled_for<R>(work: impl FnOnce() -> R) -> R {
    work()
}

impl Tile for Avx512Bf16 {
    type E = u16;
    type V = __m512;
    const GROUP: usize = GROUP;
    const K_STEP: usize = 32;

    #[inline(always)]
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        // SAFETY: the tile is only chosen where `Path` found these instructions.
        unsafe { compiled_for(work) }
    }

    #[inline(always)]
    unsafe fn turn_weights(self, from: *const f32, step: usize, to: *mut u16) -> bool {
        // SAFETY: the caller's promise; `Path` has looked for the instructions.
        unsafe { super::turn::turn_weights(from, step, to) };
        true
    }

    #[inline(always)]
    unsafe fn multiply(
        self,
        starts: [*const u16; 2],
        row_step: usize,
        runs: &[Run],
        strip: *const u16,
        block: &mut Block,
    ) {
        for part in 0..2 * GROUP / ROWS {
            let (group, first) = (part * ROWS / GROUP, part * ROWS % GROUP);
            // SAFETY: the caller promises rows and strip for whole runs; a strip holds two tiles for each 32 numbers of
            // a run, and the block 32 rows.
            unsafe {
                let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
                for run in runs {
                    let rows = starts[group].offset(run.offset).add(first * row_step);
                    let columns = strip.add(run.packed);
                    for step in 0..run.len / 32 {
                        let columns = columns.add(step * 2 * TILE);
                        products(&mut sums, (rows.add(step * 32), row_step), [columns, columns.add(TILE)]);
                    }
                }
                store(&sums, block.0.as_mut_ptr().add(part * ROWS * COLUMNS));
            }
        }
    }
}

impl MatrixTile for Avx512Bf16 {
    #[inline(always)]
    unsafe fn begin(_: *const f32) {}

    #[inline(always)]
    unsafe fn accumulate(rows: &Operand, columns: &Operand, steps: usize, block: *mut f32) {
        let row_step = rows.row_bytes / 2;
        for part in 0..2 * GROUP / ROWS {
            let (tile, first) = (part * ROWS / GROUP, part * ROWS % GROUP);
            // SAFETY: the caller promises 16 rows of 32 numbers at both places in every step, and the block.
            unsafe {
                let block = block.add(part * ROWS * COLUMNS);
                let mut sums = load(block);
                for step in 0..steps {
                    let rows = rows.at[tile].byte_add(step * rows.step_bytes).add(first * row_step);
                    let columns = columns.at.map(|at| at.byte_add(step * columns.step_bytes));
                    products(&mut sums, (rows, row_step), columns);
                }
                store(&sums, block);
            }
        }
    }

    #[inline(always)]
    unsafe fn end(_: *mut f32) {}
}

/// `sums += rows · columns` for 8 rows of 32 numbers, `row_step` apart, and two tiles of 16 pairs of rows by 16 columns.
///
/// # Safety
/// All of these can be read; the processor has the instructions.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn products(sums: &mut Sums, (rows, row_step): (*const u16, usize), columns: [*const u16; 2]) {
    for pair in 0..TILE / PAIR {
        // SAFETY: the caller's promise; a pair of numbers is one of 32 bits, wherever it begins.
        unsafe {
            let across = columns.map(|at| as_bf16(_mm512_loadu_si512(at.add(pair * PAIR).cast())));
            for row in 0..ROWS {
                let both = rows.add(row * row_step + 2 * pair).cast::<i32>().read_unaligned();
                let both = as_bf16(_mm512_set1_epi32(both));
                for tile in 0..2 {
                    sums[row][tile] = _mm512_dpbf16_ps(sums[row][tile], both, across[tile]);
                }
            }
        }
    }
}

#[inline(always)]
fn as_bf16(bits: __m512i) -> __m512bh {
    // SAFETY: both are 512 bits, any of which are 32 bf16.
    unsafe { std::mem::transmute(bits) }
}

/// # Safety
/// 8 rows of 32 numbers can be read.
#[inline(always)]
unsafe fn load(block: *const f32) -> Sums {
    std::array::from_fn(|row| {
        // SAFETY: the caller's promise.
        std::array::from_fn(|tile| unsafe { _mm512_loadu_ps(block.add(row * COLUMNS + tile * 16)) })
    })
}

/// # Safety
/// 8 rows of 32 numbers can be written.
#[inline(always)]
unsafe fn store(sums: &Sums, block: *mut f32) {
    for (row, sums) in sums.iter().enumerate() {
        for (tile, sum) in sums.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm512_storeu_ps(block.add(row * COLUMNS + tile * 16), *sum) };
        }
    }
}
