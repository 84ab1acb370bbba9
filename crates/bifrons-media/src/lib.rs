//! Film and pictures in and out, by way of FFmpeg as a child process.
//!
//! [`Clip::open`] reads what a film is made of without decoding it; [`Clip::read`] gives its
//! [`Frame`]s; [`FrameSink`] writes a range of them as a chunk; [`join`] makes a film of the
//! chunks, with the footage's sound, timing and tags.
//!
//! Pixel `(0, 0)` of a frame covers `[0, 1) x [0, 1)` of the continuous image plane and its centre
//! is `(0.5, 0.5)`. Everything is in displayed orientation; frames stay stored as filmed.

mod clip;
mod color;
mod decoder;
mod encoder;
mod encoding;
mod error;
mod exr_file;
mod frame;
#[cfg(test)]
mod frame_tests;
mod ivf;
mod join;
mod layout;
mod light;
mod linear_picture;
mod luma;
mod picture_frame;
mod picture_sink;
mod pictures;
mod probe;
mod reader;
mod rect;
mod rescale;
mod rgb_image;
mod sink;
mod slideshow;
mod tools;
mod verify;
mod video;
mod view;

pub use clip::{Clip, ClipKind, FrameTime, Rational, SoundStream};
pub use color::{ColorInfo, Matrix, Range};
pub use encoding::Encoding;
pub use error::MediaError;
pub use frame::Frame;
pub use join::{Kept, check_output, join};
pub use layout::Rotation;
pub use light::{encoded_from_linear, linear_from_encoded};
pub use luma::LumaPlane;
pub use reader::FrameReader;
pub use rect::PixelRect;
pub use rescale::rescale;
pub use rgb_image::{ImageError, MAX_SIDE_PX, ResizeFilter, RgbImage, luma};
pub use sink::FrameSink;
pub use slideshow::slideshow;
pub use tools::{Tools, Version, ffmpeg_version};
pub use verify::sound_hashes;
pub use view::LumaThumbnail;
