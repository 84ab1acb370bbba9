//! OpenEXR files: one layer of R, G and B, with A or without, as half or float.
//!
//! Other channels are refused instead of being passed on: whatever shows the face (another layer, its light alone, its
//! depth) would go on showing the old one. Everything else of a file is kept: each sample that is not painted over, bit
//! for bit and in its own type, the display window, and all attributes but a preview, which shows the footage.

use std::io::{Cursor, Read};

use exr::meta::MetaData;
use exr::meta::header::Header;
use exr::prelude::*;

use crate::linear_picture::{ExrImage, LinearPicture};
use crate::rgb_image::{ImageError, MAX_DECODE_BYTES, check_size};

/// Bytes of a file in which its header must end.
const MAX_HEADER_BYTES: u64 = 1 << 24;

/// Whether a file that begins so is OpenEXR.
pub(crate) fn is_exr(head: &[u8]) -> bool {
    head.starts_with(&exr::meta::magic_number::BYTES)
}

/// Size in pixels of what is shown, from the beginning of a file; no pixel is read.
///
/// # Errors
/// As [`decode`].
pub(crate) fn size(file: impl Read) -> std::result::Result<(usize, usize), ImageError> {
    let about = MetaData::read_from_buffered(file.take(MAX_HEADER_BYTES), false).map_err(unreadable)?;
    supported(&about)?;
    let size = about.headers[0].shared_attributes.display_window.size;
    Ok((size.width(), size.height()))
}

/// Reads a file. Header and sizes are checked before memory for the pixels is taken.
///
/// # Errors
/// [`ImageError::NotExr`] for a damaged file, [`ImageError::ExrKind`] for one that holds something else,
/// [`ImageError::BadSize`], [`ImageError::TooLarge`].
pub(crate) fn decode(bytes: &[u8]) -> std::result::Result<LinearPicture, ImageError> {
    let about = MetaData::read_from_buffered(bytes, false).map_err(unreadable)?;
    let places = supported(&about)?;
    let mut image: ExrImage = read()
        .no_deep_data()
        .largest_resolution_level()
        .all_channels()
        .first_valid_layer()
        .all_attributes()
        .from_buffered(Cursor::new(bytes))
        .map_err(unreadable)?;
    let layer = &mut image.layer_data;
    // lossless, whatever the footage had: what is kept bit for bit must stay so
    layer.encoding = Encoding {
        compression: Compression::ZIP16,
        blocks: Blocks::ScanLines,
        line_order: LineOrder::Increasing,
    };
    layer.attributes.preview = None;
    show_alone(&mut image);
    Ok(LinearPicture::new(image, places))
}

/// Makes the data window the display window: what lies beyond is cut off, as nobody looks there for a face, and what is missing is
/// black, so that marks find room.
fn show_alone(image: &mut ExrImage) {
    let (shown, layer) = (image.attributes.display_window, &mut image.layer_data);
    let (from, size) = (layer.attributes.layer_position, layer.size);
    if (from, size) == (shown.position, shown.size) {
        return;
    }
    // where a row or column that is shown was stored; windows may lie anywhere in the range of i32
    let stored = |at: usize, shown: i32, from: i32, side: usize| {
        let at = at as i64 + i64::from(shown) - i64::from(from);
        usize::try_from(at).ok().filter(|at| *at < side)
    };
    let places: Vec<Option<usize>> = (0..shown.size.area())
        .map(|at| {
            let x = stored(at % shown.size.width(), shown.position.x(), from.x(), size.width())?;
            let y = stored(at / shown.size.width(), shown.position.y(), from.y(), size.height())?;
            Some(y * size.width() + x)
        })
        .collect();
    fn picked<T: Copy + Default>(samples: &[T], places: &[Option<usize>]) -> Vec<T> {
        places.iter().map(|place| place.map_or_else(T::default, |place| samples[place])).collect()
    }
    for channel in &mut layer.channel_data.list {
        channel.sample_data = match &channel.sample_data {
            FlatSamples::F16(samples) => FlatSamples::F16(picked(samples, &places)),
            FlatSamples::F32(samples) => FlatSamples::F32(picked(samples, &places)),
            FlatSamples::U32(samples) => FlatSamples::U32(picked(samples, &places)),
        };
    }
    layer.attributes.layer_position = shown.position;
    layer.size = shown.size;
}

/// The picture as a file: scan lines, compressed without loss (ZIP).
///
/// # Errors
/// [`ImageError::EncodeExr`].
pub(crate) fn encode(picture: &LinearPicture) -> std::result::Result<Vec<u8>, ImageError> {
    write(picture.image())
}

fn write(image: &ExrImage) -> std::result::Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    image.write().to_buffered(&mut bytes).map_err(|error| ImageError::EncodeExr(error.to_string()))?;
    Ok(bytes.into_inner())
}

/// Whether it is a file this program reads: then the places of R, G and B among its channels.
fn supported(about: &MetaData) -> std::result::Result<[usize; 3], ImageError> {
    let kind = |found: String| Err(ImageError::ExrKind { found });
    let header = match about.headers.as_slice() {
        _ if about.requirements.has_deep_data => return kind("deep pixels".to_owned()),
        [header] => header,
        layers => return kind(format!("{} layers", layers.len())),
    };
    let channels = &header.channels.list;
    let names: Vec<String> = channels.iter().map(|channel| channel.name.to_string()).collect();
    let places = ["R", "G", "B"].map(|wanted| names.iter().position(|name| name == wanted));
    let ([Some(r), Some(g), Some(b)], true) =
        (places, names.iter().all(|name| matches!(name.as_str(), "R" | "G" | "B" | "A")))
    else {
        return kind(format!("the channels {}", names.join(", ")));
    };
    if let Some(channel) = channels.iter().find(|channel| channel.sample_type == SampleType::U32) {
        return kind(format!("whole numbers in channel {}", channel.name));
    }
    if let Some(channel) = channels.iter().find(|channel| channel.sampling != Vec2(1, 1)) {
        return kind(format!("fewer samples than pixels in channel {}", channel.name));
    }
    check_memory(header)?;
    Ok([r, g, b])
}

fn check_memory(header: &Header) -> std::result::Result<(), ImageError> {
    let shown = header.shared_attributes.display_window.size;
    let stored = header.layer_size;
    for size in [shown, stored] {
        check_size(size.width(), size.height())?;
    }
    let bytes_per_pixel: usize = header.channels.list.iter().map(|c| c.sample_type.bytes_per_sample()).sum();
    for size in [shown, stored] {
        if (size.area() * bytes_per_pixel) as u64 > MAX_DECODE_BYTES {
            return Err(ImageError::TooLarge { width: size.width(), height: size.height() });
        }
    }
    Ok(())
}

fn unreadable(error: Error) -> ImageError {
    ImageError::NotExr(error.to_string())
}
