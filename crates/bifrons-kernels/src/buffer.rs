//! Memory that begins on a cache line and is used again.
//!
//! A training step needs the same buffers as the one before. Fresh memory would have to be fetched from the
//! system and cleared each time; a buffer that is dropped waits here instead, and its next user finds zeros where
//! its kind has zeros (the pads of a layout) because nobody ever writes there.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Deref, DerefMut};
use std::sync::{LazyLock, Mutex, PoisonError};

use bytemuck::{Pod, Zeroable};

use crate::layout::{Layout, Order};

/// One cache line. Tiles are read a line at a time; a row that straddles two costs twice.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct CacheLine([u8; 64]);

// SAFETY: 64 bytes, alignment 64, so no padding; every bit pattern is a value.
unsafe impl Zeroable for CacheLine {}
// SAFETY: as above; it holds no pointers and is `Copy + 'static`.
unsafe impl Pod for CacheLine {}

/// What a buffer holds, and so where it may have anything but zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Activations or their gradients.
    Packed(Layout),
    /// An input turned for a convolution of this kernel, stride and border.
    #[cfg(target_arch = "x86_64")]
    Turned(Layout, [usize; 3]),
    /// A gradient interleaved in that many positions of a line, in that order.
    Paired(Layout, Order, usize),
    /// All of it is written each time.
    Filled,
}

/// Cache lines that go back to the pool.
#[derive(Debug)]
pub struct Buffer {
    lines: Vec<CacheLine>,
    /// How many of them are used.
    length: usize,
    kind: Kind,
}

/// Buffers that wait, by kind and length.
type Pool = HashMap<Kind, BTreeMap<usize, Vec<Vec<CacheLine>>>>;

static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);

/// How many times its length a buffer may be that serves where zeros do not matter: packed weights go where gradients of
/// weights were.
const SPARE: usize = 2;

impl Buffer {
    /// Room for `count` numbers. Those that users of this kind never write are zero.
    pub(crate) fn new<E: Pod>(kind: Kind, count: usize) -> Self {
        let length = (count * size_of::<E>()).div_ceil(64);
        // a pool that a panic left half-way still holds whole buffers
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        let most = if kind == Kind::Filled { SPARE * length } else { length };
        let waiting = pool
            .get_mut(&kind)
            .and_then(|lengths| lengths.range_mut(length..=most).find_map(|(_, waiting)| waiting.pop()));
        drop(pool);
        Self { lines: waiting.unwrap_or_else(|| vec![CacheLine([0; 64]); length]), length, kind }
    }

    /// Room for activations.
    pub(crate) fn packed<E: Pod>(layout: Layout) -> Self {
        Self::new::<E>(Kind::Packed(layout), layout.len())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.entry(self.kind).or_default().entry(lines.len()).or_default().push(lines);
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self { lines: self.to_vec(), length: self.length, kind: self.kind }
    }
}

impl Deref for Buffer {
    type Target = [CacheLine];

    fn deref(&self) -> &[CacheLine] {
        &self.lines[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [CacheLine] {
        &mut self.lines[..self.length]
    }
}

/// `count` numbers, all zero, as cache lines (the last one filled up), outside the pool.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Dims;

    #[test]
    fn a_buffer_is_used_again() {
        // no other test has a buffer of this size
        let mut first = Buffer::new::<u16>(Kind::Filled, 1_234_500);
        numbers_mut::<u16>(&mut first)[7] = 9;
        let place = first.as_ptr();
        drop(first);
        let second = Buffer::new::<u16>(Kind::Filled, 1_234_500);
        assert_eq!((second.as_ptr(), numbers::<u16>(&second)[7]), (place, 9));
        let third = Buffer::new::<u16>(Kind::Filled, 1_234_500);
        assert!(third.as_ptr() != place && numbers::<u16>(&third)[7] == 0);
        assert_eq!(second.len(), (1_234_500 * 2_usize).div_ceil(64));

        // a smaller one fits in it, one of half its length and less is not worth it
        drop(second);
        let smaller = Buffer::new::<u16>(Kind::Filled, 700_000);
        assert_eq!((smaller.as_ptr(), smaller.len()), (place, (700_000 * 2_usize).div_ceil(64)));
        drop(smaller);
        assert!(Buffer::new::<u16>(Kind::Filled, 600_000).as_ptr() != place);
        assert_eq!(Buffer::new::<u16>(Kind::Filled, 1_234_500).as_ptr(), place);
    }

    #[test]
    fn zeros_stay_with_their_kind() {
        let dims = Dims { images: 77, height: 1, width: 1, channels: 1001 };
        let layout = Layout { dims, stored: 1024, order: Order::Images, pad: 3 };
        let place = Buffer::packed::<u16>(layout).as_ptr();
        let other = Buffer::new::<u16>(Kind::Paired(layout, Order::Images, 2), layout.len());
        assert!(other.as_ptr() != place);
        assert_eq!(Buffer::packed::<u16>(layout).as_ptr(), place);
    }
}
