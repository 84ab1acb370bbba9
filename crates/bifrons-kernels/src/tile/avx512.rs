//! Tiles of 8 rows by 32 columns in AVX-512: 16 sums in flight hide the latency of both multipliers.

use std::arch::x86_64::*;

use super::{Vector, f32_tile};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512;

impl Vector for __m512 {
    const LEN: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's processor has the instruction, as for all of these.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 16 readable numbers.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see `zero`.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises 16 writable numbers.
        unsafe { _mm512_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        // SAFETY: see `zero`.
        unsafe { _mm512_fmadd_ps(self, b, c) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see `zero`.
        unsafe { _mm512_add_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        // SAFETY: see `zero`; its processors have the shorter vector's instructions too.
        unsafe { _mm256_add_ps(_mm512_castps512_ps256(self), _mm512_extractf32x8_ps::<1>(self)).sum() }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma")]
fn compiled_for<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[inline(always)]
fn run<R>(work: impl FnOnce() -> R) -> R {
    // SAFETY: the tile is only chosen where `Path` found these instructions.
    unsafe { compiled_for(work) }
}

f32_tile!(Avx512, __m512, 4, 2, run);
