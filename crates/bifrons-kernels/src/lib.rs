//! What training and looking at pictures spend their time in, written for the processors that people have.
//!
//! - [`conv`]: convolution, bias, activation and pixel shuffle as one operator, forward and backward.
//! - [`loss`]: DSSIM and MSE inside a mask.
//! - [`adam`]: the optimiser.
//! - [`infer`]: networks that are only run, such as those that find faces.
//! - [`Path`]: which instructions do it, chosen when the program runs.
//!   `BIFRONS_KERNELS=plain|neon|avx2|avx512bf16|avx512|amx` asks for one.
//! - [`layout`]: how activations lie in memory, so that nothing is ever copied into patches.
//!
//! In training, on [`Path::Avx512Bf16`] and [`Path::Amx`] activations and gradients are bf16, all sums, weights and moments
//! f32; on the others, and in [`infer`], everything is f32.
//! A path gives the same result for any number of threads. Knows nothing of faces or of Burn.

pub mod adam;
pub mod buffer;
pub mod conv;
mod element;
#[cfg(test)]
mod guarded;
pub mod infer;
pub mod layout;
pub mod loss;
mod path;
mod tile;

pub use element::Element;
pub use path::Path;
