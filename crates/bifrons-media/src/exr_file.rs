//! OpenEXR files: one layer of R, G and B, with A or without, as half or float.
//!
//! Other channels are refused instead of being passed on: whatever shows the face (another layer, its light alone, its
//! depth) would go on showing the old one. Everything else of a file is kept: each sample that is not painted over, bit
//! for bit and in its own type, both windows, and all attributes but a preview, which shows the footage.

use std::io::{Cursor, Read};

use exr::meta::MetaData;
use exr::meta::header::{Header, ImageAttributes, LayerAttributes};
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
    Ok(LinearPicture::new(image, places))
}

/// The picture as a file: scan lines, compressed without loss (ZIP).
///
/// # Errors
/// [`ImageError::EncodeExr`].
pub(crate) fn encode(picture: &LinearPicture) -> std::result::Result<Vec<u8>, ImageError> {
    write(picture.image())
}

/// The same file with nothing of its attributes but what places and colours its pixels: others may say who was filmed.
///
/// # Errors
/// Those of [`decode`] and [`encode`].
pub(crate) fn without_attributes(bytes: &[u8]) -> std::result::Result<Vec<u8>, ImageError> {
    let mut image = decode(bytes)?.image().clone();
    let ImageAttributes { display_window, pixel_aspect, chromaticities, .. } = image.attributes;
    image.attributes =
        ImageAttributes { pixel_aspect, chromaticities, ..ImageAttributes::new(display_window) };
    let of = &image.layer_data.attributes;
    image.layer_data.attributes = LayerAttributes {
        layer_position: of.layer_position,
        screen_window_center: of.screen_window_center,
        screen_window_width: of.screen_window_width,
        white_luminance: of.white_luminance,
        adopted_neutral: of.adopted_neutral,
        frames_per_second: of.frames_per_second,
        ..LayerAttributes::default()
    };
    write(&image)
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
    if (stored.area() * bytes_per_pixel) as u64 > MAX_DECODE_BYTES {
        return Err(ImageError::TooLarge { width: stored.width(), height: stored.height() });
    }
    Ok(())
}

fn unreadable(error: Error) -> ImageError {
    ImageError::NotExr(error.to_string())
}
