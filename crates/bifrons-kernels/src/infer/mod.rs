//! Networks that are only run: what the pretrained perception networks are made of.
//!
//! Everything is f32. Activations of one image lie as `[y][x][channel]`, a pixel's channels filled up to whole vectors
//! ([`stored`]); what fills them up is zero, or whatever an activation makes of zero. So a convolution over all channels is
//! a product of pixels and weights ([`Product`]), one over each channel alone goes through memory in vectors of channels
//! ([`Depthwise`]).
//!
//! Each number of a result is its bias plus its products, one after the other in one order (lines of the window, pixels of
//! a line, channels of a pixel), each rounded once. So it is the same to the last bit on every path that fuses the product
//! with the sum, and for any division of the work. One call runs on one thread: frames run beside one another.

mod depthwise;
mod lanes;
mod pool;
mod product;
#[cfg(test)]
mod tests;

pub use depthwise::Depthwise;
pub use pool::{halve, mean};
pub use product::{Product, Steps};

use crate::path::Path;

/// What follows the sums of a channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    Linear,
    /// x above zero, zero below.
    Relu,
    /// x between zero and this, which is above zero.
    Clipped(f32),
    /// x above zero, below it x times the channel's own slope: a slope for each channel.
    Leaky(Vec<f32>),
}

/// Numbers of a pixel of `channels` in memory on this path.
#[must_use]
pub fn stored(path: Path, channels: usize) -> usize {
    crate::tile::with_f32_tile!(path, tile, lanes::whole(tile, channels))
}
