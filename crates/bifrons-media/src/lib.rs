//! Film and pictures in and out, by way of FFmpeg as a child process.

mod rect;
mod rgb_image;

pub use rect::PixelRect;
pub use rgb_image::{ImageError, MAX_SIDE_PX, ResizeFilter, RgbImage};
