//! What vectors must be able to do here, and how many sums fit their registers.

use crate::infer::Activation;
use crate::tile::{Tile, Vector};

/// The most vectors of outputs that are ever summed at once.
const MOST_VECTORS: usize = 3;

/// Vectors with what activations need.
///
/// # Safety
/// All of these: the processor has the vector's instructions.
pub(crate) trait Lanes: Vector {
    /// The most vectors of outputs that are summed at once.
    const VECTORS: usize;
    /// Pixels summed at once with one, two and three vectors of outputs: as many sums as the registers hold.
    const PIXELS: [usize; MOST_VECTORS];

    /// The larger of a number and a constant; NaN stays.
    unsafe fn at_least(self, least: Self) -> Self;
    /// The smaller; NaN stays.
    unsafe fn at_most(self, most: Self) -> Self;
}

macro_rules! lanes {
    ($vector:ty, $vectors:literal, $pixels:expr, $larger:expr, $smaller:expr $(, $constant:ident)?) => {
        impl$(<const $constant: bool>)? Lanes for $vector {
            const VECTORS: usize = $vectors;
            const PIXELS: [usize; MOST_VECTORS] = $pixels;

            #[inline(always)]
            unsafe fn at_least(self, least: Self) -> Self {
                // SAFETY: the caller's processor has the instruction, as for all of these.
                unsafe { $larger(least, self) }
            }

            #[inline(always)]
            unsafe fn at_most(self, most: Self) -> Self {
                // SAFETY: see `at_least`.
                unsafe { $smaller(most, self) }
            }
        }
    };
}

// x86 takes the second number when one is NaN: the one that is not the constant.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::*;

    lanes!(__m512, 3, [16, 12, 8], _mm512_max_ps, _mm512_min_ps);
    // three vectors and what they are multiplied with would take all 16 registers: half the speed
    lanes!(__m256, 2, [8, 6, 4], _mm256_max_ps, _mm256_min_ps);
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::*;
    use std::arch::aarch64::*;

    lanes!(float32x4_t, 3, [16, 12, 8], vmaxq_f32, vminq_f32);
}

mod plain {
    use super::*;
    use crate::tile::plain::Four;

    #[inline(always)]
    unsafe fn each<const FUSED: bool>(
        a: Four<FUSED>,
        b: Four<FUSED>,
        with: impl Fn(f32, f32) -> f32,
    ) -> Four<FUSED> {
        let (mut left, mut right) = ([0.0; 4], [0.0; 4]);
        // SAFETY: both have room for four numbers, and so has what is loaded.
        unsafe {
            a.store(left.as_mut_ptr());
            b.store(right.as_mut_ptr());
            let both: [f32; 4] = std::array::from_fn(|i| with(left[i], right[i]));
            Four::load(both.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn larger<const FUSED: bool>(least: Four<FUSED>, value: Four<FUSED>) -> Four<FUSED> {
        // SAFETY: every processor can.
        unsafe { each(least, value, |least, value| if least > value { least } else { value }) }
    }

    #[inline(always)]
    unsafe fn smaller<const FUSED: bool>(most: Four<FUSED>, value: Four<FUSED>) -> Four<FUSED> {
        // SAFETY: every processor can.
        unsafe { each(most, value, |most, value| if most < value { most } else { value }) }
    }

    lanes!(Four<FUSED>, 2, [8, 6, 4], larger, smaller, FUSED);
}

/// Channels filled up to whole vectors of a tile.
pub(super) fn whole<T: Tile>(_: T, channels: usize) -> usize {
    channels.next_multiple_of(T::V::LEN)
}

/// Numbers of a tile's vector, and how many are summed at once at most.
pub(super) fn widths<T: Tile>(_: T) -> (usize, usize)
where
    T::V: Lanes,
{
    (T::V::LEN, T::V::VECTORS)
}

/// An activation as the loops want it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act<'a> {
    Linear,
    Relu,
    Clipped(f32),
    /// A slope for each stored channel.
    Leaky(&'a [f32]),
}

impl<'a> Act<'a> {
    /// `activation` as [`filled`] left it.
    pub(super) fn of(activation: &'a Activation) -> Self {
        match activation {
            Activation::Linear => Self::Linear,
            Activation::Relu => Self::Relu,
            Activation::Clipped(most) => Self::Clipped(*most),
            Activation::Leaky(slopes) => Self::Leaky(slopes),
        }
    }

    /// Does it to `sums`, vectors of channels from `first` on, of some pixels.
    ///
    /// # Safety
    /// As for the vectors. Slopes reach to `first + VECTORS · V::LEN`.
    #[allow(
        clippy::needless_range_loop,
        reason = "indices are constants once unrolled: sums stay in registers"
    )]
    #[inline(always)]
    pub(super) unsafe fn apply<V: Lanes, const PIXELS: usize, const VECTORS: usize>(
        self,
        sums: &mut [[V; VECTORS]; PIXELS],
        first: usize,
    ) {
        // SAFETY: the caller's promise; slopes are read `V::LEN` at a time from `first` on.
        unsafe {
            let zero = V::zero();
            match self {
                Self::Linear => {}
                Self::Relu => {
                    for sum in sums.as_flattened_mut() {
                        *sum = sum.at_least(zero);
                    }
                }
                Self::Clipped(most) => {
                    let most = V::splat(most);
                    for sum in sums.as_flattened_mut() {
                        *sum = sum.at_least(zero).at_most(most);
                    }
                }
                Self::Leaky(slopes) => {
                    for v in 0..VECTORS {
                        let slope = V::load(slopes.as_ptr().add(first + v * V::LEN));
                        for p in 0..PIXELS {
                            let sum = &mut sums[p][v];
                            *sum = slope.multiply_add(sum.at_most(zero), sum.at_least(zero));
                        }
                    }
                }
            }
        }
    }
}

/// An activation whose slopes are filled up with zeros.
///
/// # Panics
/// When there is not one slope for each channel.
pub(super) fn filled(mut activation: Activation, channels: usize, stored: usize) -> Activation {
    if let Activation::Leaky(slopes) = &mut activation {
        assert_eq!(slopes.len(), channels, "not one slope for each channel");
        slopes.resize(stored, 0.0);
    }
    activation
}
