//! The one operator that our networks are made of: convolution, bias, activation and pixel shuffle in one.
//!
//! A full connection is a convolution whose kernel is the whole image; an enlargement shuffles channels to
//! pixels. Weights are `[kernel, kernel, inputs, outputs]`, so that gradients come out as tiles write them.

mod backward;
mod correlate;
mod few;
mod forward;
mod images;
mod pack;
mod roof;
#[cfg(test)]
mod tests;
mod weight_gradient;
mod weight_gradient_bf16;

pub use backward::{Done, Gradients, backward};
pub use forward::{Packed, forward, forward_packed};
pub use images::{enter, leave};
pub use roof::roof;

use crate::buffer::{Buffer, CacheLine};
use crate::layout::{Dims, Layout, Order};
use crate::path::Path;

/// What follows a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    Linear,
    /// x above zero, 0.1 · x below.
    Leaky,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
}

/// Slope of [`Activation::Leaky`] below zero.
pub const LEAK: f32 = 0.1;

impl Activation {
    #[inline(always)]
    fn apply(self, value: f32) -> f32 {
        match self {
            Self::Linear => value,
            // written so that NaN stays NaN
            Self::Leaky => {
                if value < 0.0 {
                    LEAK * value
                } else {
                    value
                }
            }
            Self::Sigmoid => 1.0 / (1.0 + exp(-value)),
        }
    }

    /// Adds a bias to sums, then the activation. One loop for each, so that each is compiled to vectors.
    #[inline(always)]
    fn finish(self, bias: f32, sums: &mut [f32]) {
        match self {
            Self::Linear => sums.iter_mut().for_each(|sum| *sum += bias),
            Self::Leaky => sums.iter_mut().for_each(|sum| *sum = Self::Leaky.apply(*sum + bias)),
            Self::Sigmoid => sums.iter_mut().for_each(|sum| *sum = Self::Sigmoid.apply(*sum + bias)),
        }
    }

    /// Derivative from the result.
    #[inline(always)]
    fn slope(self, result: f32) -> f32 {
        match self {
            Self::Linear => 1.0,
            Self::Leaky => {
                if result < 0.0 {
                    LEAK
                } else {
                    1.0
                }
            }
            Self::Sigmoid => result * (1.0 - result),
        }
    }
}

/// eˣ to 3·10⁻⁷ of itself, between e⁻⁸⁷ and e⁸⁸; without calls and branches, so that loops become vectors. NaN stays NaN.
///
/// eˣ = 2ⁿ · eʳ with n whole and |r| ≤ ln 2 / 2; eʳ by its series to r⁶.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // so large that adding it rounds to whole numbers, which then are its last bits
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, so that n · ln 2 loses nothing
    const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2.0) - n * LN_2.1;
    let series = [1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0];
    let sum = series.iter().rev().fold(0.0, |sum, c| (sum + c) * r);
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    (1.0 + sum) * f32::from_bits(power)
}

/// A square convolution and what follows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Side of the kernel.
    pub kernel: usize,
    /// Pixels from one place of the kernel to the next.
    pub stride: usize,
    /// Lines of zeros assumed beyond each border.
    pub border: usize,
    /// What follows.
    pub activation: Activation,
    /// Each pixel of the result becomes `shuffle` × `shuffle`; channels are numbered `(line, column, channel)`.
    pub shuffle: usize,
}

impl Conv {
    /// Places of the kernel: height and width before the shuffle.
    ///
    /// # Panics
    /// When the kernel does not fit.
    #[must_use]
    pub fn grid(&self, input: Dims) -> (usize, usize) {
        let places = |side: usize| (side + 2 * self.border - self.kernel) / self.stride + 1;
        (places(input.height), places(input.width))
    }

    /// Sizes of the result for `outputs` channels before the shuffle.
    ///
    /// # Panics
    /// When `outputs` cannot be shuffled, or the kernel does not fit.
    #[must_use]
    pub fn result(&self, input: Dims, outputs: usize) -> Dims {
        let parts = self.shuffle * self.shuffle;
        assert!(outputs.is_multiple_of(parts), "{outputs} channels cannot be shuffled by {}", self.shuffle);
        let (height, width) = self.grid(input);
        Dims {
            images: input.images,
            height: height * self.shuffle,
            width: width * self.shuffle,
            channels: outputs / parts,
        }
    }

    /// Numbers of the weights.
    #[must_use]
    pub fn weights(&self, inputs: usize, outputs: usize) -> usize {
        self.kernel * self.kernel * inputs * outputs
    }
}

/// Where a result goes, or a gradient comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// For the next convolution.
    Packed(Layout),
    /// `[image, channel, y, x]` in f32: for everything else.
    Planar(Dims),
}

/// How images of these sizes lie in memory when `consumer` reads them on this path.
#[must_use]
pub fn layout(path: Path, dims: Dims, consumer: &Conv) -> Layout {
    let (group, k_step) = shape_of(path);
    pick_layout(group, k_step, dims, consumer.border)
}

fn pick_layout(group: usize, k_step: usize, dims: Dims, pad: usize) -> Layout {
    // tiles are 32 deep in bf16; fewer channels share a step with their right neighbours
    let stored = match dims.channels {
        channels if k_step == 1 => channels,
        ..=4 => 4,
        5..=8 => 8,
        9..=16 => 16,
        channels => channels.next_multiple_of(32),
    };
    let together = dims.images.is_multiple_of(group) && stored.is_multiple_of(k_step);
    Layout { dims, stored, order: if together { Order::Images } else { Order::Pixels }, pad }
}

/// Rows of a group and depth of a step on a path.
fn shape_of(path: Path) -> (usize, usize) {
    match path {
        Path::Plain | Path::Avx2 => (2, 1),
        Path::Neon | Path::Avx512 => (4, 1),
        Path::Avx512Bf16 | Path::Amx => (16, 32),
    }
}

/// A result or a gradient in one of the two forms.
#[derive(Clone, Debug)]
pub enum Values {
    /// As [`Form::Packed`].
    Packed(Buffer),
    /// As [`Form::Planar`].
    Planar(Vec<f32>),
}

/// Borrowed [`Values`].
#[derive(Clone, Copy, Debug)]
pub enum ValuesRef<'a> {
    /// As [`Form::Packed`].
    Packed(&'a [CacheLine]),
    /// As [`Form::Planar`].
    Planar(&'a [f32]),
}

impl Values {
    /// The same, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> ValuesRef<'_> {
        match self {
            Self::Packed(packed) => ValuesRef::Packed(packed),
            Self::Planar(planes) => ValuesRef::Planar(planes),
        }
    }
}

/// A pointer that threads share; each writes places of its own.
#[derive(Clone, Copy)]
struct Shared<E>(*mut E);

// SAFETY: whoever dereferences it proves that no two threads touch the same place.
unsafe impl<E: Send> Send for Shared<E> {}
// SAFETY: as above.
unsafe impl<E: Send> Sync for Shared<E> {}

impl<E> Shared<E> {
    #[inline(always)]
    fn at(self, index: usize) -> *mut E {
        self.0.wrapping_add(index)
    }
}

/// Calls `$body` with `$tile` being the path's tile.
macro_rules! with_tile {
    ($path:expr, $tile:ident, $body:expr) => {
        match $path {
            #[cfg(target_arch = "x86_64")]
            $crate::path::Path::Amx => {
                let $tile = $crate::tile::amx::Amx;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            $crate::path::Path::Avx512Bf16 => {
                let $tile = $crate::tile::avx512bf16::Avx512Bf16;
                $body
            }
            path => $crate::tile::with_f32_tile!(path, $tile, $body),
        }
    };
}
pub(crate) use with_tile;
