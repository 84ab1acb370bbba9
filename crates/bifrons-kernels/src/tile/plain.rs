//! Tiles in Rust that every processor runs. Where the compiler may assume vectors of four (SSE2 on x86-64,
//! NEON on ARM64), it uses them.

use super::{Block, OuterTile, Run, Tile, Vector, multiply_f32, outer_f32};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

#[derive(Clone, Copy)]
struct Four([f32; 4]);

impl Vector for Four {
    const LEN: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises four readable numbers; the array needs no more alignment than one.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises four writable numbers.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        let mut sum = c.0;
        for i in 0..4 {
            // without the instruction, a fused product would be a call
            sum[i] += self.0[i] * b.0[i];
        }
        Self(sum)
    }
}

impl Tile for Plain {
    type E = f32;
    const GROUP: usize = 2;
    const K_STEP: usize = 1;

    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }

    #[inline(always)]
    unsafe fn multiply(
        self,
        starts: [*const f32; 2],
        row_step: usize,
        runs: &[Run],
        strip: *const f32,
        block: &mut Block,
    ) {
        // SAFETY: the caller's promise; no special instructions.
        unsafe { multiply_f32::<Four, 2, 2>(starts, row_step, runs, strip, block) }
    }
}

impl OuterTile for Plain {
    #[inline(always)]
    unsafe fn outer(
        self,
        a: *const f32,
        a_step: usize,
        b: *const f32,
        b_step: usize,
        count: usize,
        block: &mut Block,
    ) {
        // SAFETY: the caller's promise; no special instructions.
        unsafe { outer_f32::<Four, 2, 2>(a, a_step, b, b_step, count, block) }
    }
}
