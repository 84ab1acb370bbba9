//! Tiles of 8 rows by 8 columns in NEON, which every ARM64 processor has: 16 sums in flight, half of its registers.

use std::arch::aarch64::*;

use super::{Vector, f32_tile};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon;

impl Vector for float32x4_t {
    const LEN: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: every ARM64 processor has the instruction, as for all of these.
        unsafe { vdupq_n_f32(0.0) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 4 readable numbers.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see `zero`.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises 4 writable numbers.
        unsafe { vst1q_f32(to, self) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        // SAFETY: see `zero`.
        unsafe { vfmaq_f32(c, self, b) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see `zero`.
        unsafe { vaddq_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        // SAFETY: see `zero`.
        unsafe { vaddv_f32(vadd_f32(vget_low_f32(self), vget_high_f32(self))) }
    }
}

#[inline(always)]
fn run<R>(work: impl FnOnce() -> R) -> R {
    work()
}

f32_tile!(Neon, float32x4_t, 4, 2, run);
