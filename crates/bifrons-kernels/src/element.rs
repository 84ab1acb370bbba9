//! The two number types of activations: f32, and bf16 kept as its bits.

use bytemuck::Pod;

/// A number that activations are stored as. Sums are always f32.
pub trait Element: Pod + Send + Sync + std::fmt::Debug {
    /// Rounds to the nearest, ties to even; NaN stays NaN.
    fn from_f32(value: f32) -> Self;
    /// Exact.
    fn to_f32(self) -> f32;

    /// [`from_f32`](Self::from_f32) of each number. Whole vectors, the usual case, without a call and a loop.
    #[inline(always)]
    fn from_all(from: &[f32], to: &mut [Self]) {
        #[inline(always)]
        fn some<E: Element, const N: usize>(from: &[f32], to: &mut [E]) -> bool {
            let is_whole = from.len() == N && to.len() == N;
            if let (true, Some(from), Some(to)) =
                (is_whole, from.first_chunk::<N>(), to.first_chunk_mut::<N>())
            {
                *to = from.map(E::from_f32);
            }
            is_whole
        }
        if !some::<Self, 32>(from, to) && !some::<Self, 16>(from, to) {
            to.iter_mut().zip(from).for_each(|(to, value)| *to = Self::from_f32(*value));
        }
    }
}

impl Element for f32 {
    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

/// bf16 as bits: the upper half of an f32.
impl Element for u16 {
    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
        // rounding up could carry a NaN's payload away into the sign
        let kept = if value.is_nan() { bits | 0x0040_0000 } else { rounded };
        (kept >> 16) as u16
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self) << 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_rounds_to_the_nearest_even() {
        assert_eq!(u16::from_f32(1.0), 0x3f80);
        // 1 + 2⁻⁸ lies halfway between 1 and 1 + 2⁻⁷: to the even one
        assert_eq!(u16::from_f32(1.0 + 0.003_906_25), 0x3f80);
        assert_eq!(u16::from_f32(1.0 + 3.0 * 0.003_906_25), 0x3f82);
        assert_eq!(u16::from_f32(f32::NEG_INFINITY).to_f32(), f32::NEG_INFINITY);
        assert!(u16::from_f32(f32::from_bits(0x7fff_ffff)).to_f32().is_nan());
        assert_eq!(u16::from_f32(0.1).to_f32(), 0.100_097_656);
    }
}
