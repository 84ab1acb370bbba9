//! Tiles in Rust that every processor runs, in vectors of four, for which compilers have instructions nearly everywhere.
//!
//! Where the processor has fused multiply-add, so do these tiles: then every f32 path gives the same bits. Without the
//! instruction a fused product would be a call, so products are rounded before they are added.

use super::{Vector, f32_tile};

/// `FUSED`: for processors with fused multiply-add.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain<const FUSED: bool>;

#[derive(Clone, Copy)]
pub(crate) struct Four<const FUSED: bool>([f32; 4]);

/// Whether this processor has fused multiply-add.
pub(crate) fn is_fused() -> bool {
    #[cfg(target_arch = "x86_64")]
    let is_fused = is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let is_fused = cfg!(target_arch = "aarch64");
    is_fused
}

impl<const FUSED: bool> Vector for Four<FUSED> {
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
        Self(std::array::from_fn(|i| match FUSED {
            true => self.0[i].mul_add(b.0[i], c.0[i]),
            false => self.0[i] * b.0[i] + c.0[i],
        }))
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        (self.0[0] + self.0[2]) + (self.0[1] + self.0[3])
    }
}

#[inline(always)]
fn run<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "fma")]
fn compiled_for_fused<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[inline(always)]
fn run_fused<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the tile is only chosen where `is_fused` found the instruction.
    return unsafe { compiled_for_fused(work) };
    #[cfg(not(target_arch = "x86_64"))]
    return work();
}

f32_tile!(Plain<false>, Four<false>, 2, 2, run);
f32_tile!(Plain<true>, Four<true>, 2, 2, run_fused);
