//! Tiles of 4 rows by 16 columns in AVX2: 8 sums in flight, and what they need fits the 16 registers.

use std::arch::x86_64::*;

use super::{Vector, f32_tile};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2;

impl Vector for __m256 {
    const LEN: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's processor has the instruction, as for all of these.
        unsafe { _mm256_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 8 readable numbers.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see `zero`.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises 8 writable numbers.
        unsafe { _mm256_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
        // SAFETY: see `zero`.
        unsafe { _mm256_fmadd_ps(self, b, c) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see `zero`.
        unsafe { _mm256_add_ps(self, other) }
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        // SAFETY: see `zero`.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(self), _mm256_extractf128_ps::<1>(self));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn compiled_for<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[inline(always)]
fn run<R>(work: impl FnOnce() -> R) -> R {
    // SAFETY: the tile is only chosen where `Path` found these instructions.
    unsafe { compiled_for(work) }
}

f32_tile!(Avx2, __m256, 2, 2, run);
