//! Memory whose beginning lies on a cache line.

use bytemuck::{Pod, Zeroable};

/// One cache line. Tiles are read a line at a time; a row that straddles two costs twice.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct CacheLine([u8; 64]);

// SAFETY: 64 bytes, alignment 64, so no padding; every bit pattern is a value.
unsafe impl Zeroable for CacheLine {}
// SAFETY: as above; it holds no pointers and is `Copy + 'static`.
unsafe impl Pod for CacheLine {}

/// `count` numbers, all zero, as cache lines (the last one filled up).
#[must_use]
pub fn zeros<E: Pod>(count: usize) -> Vec<CacheLine> {
    vec![CacheLine([0; 64]); (count * size_of::<E>()).div_ceil(64)]
}

/// The numbers in a buffer.
#[must_use]
pub fn numbers<E: Pod>(lines: &[CacheLine]) -> &[E] {
    bytemuck::cast_slice(lines)
}

/// The numbers in a buffer, to be written.
#[must_use]
pub fn numbers_mut<E: Pod>(lines: &mut [CacheLine]) -> &mut [E] {
    bytemuck::cast_slice_mut(lines)
}
