//! Still pictures in memory: interleaved RGB in `[0, 1]`.

use std::io::Cursor;

use fast_image_resize as fir;
use image::{ImageDecoder, ImageEncoder};

use crate::PixelRect;

/// Longest side accepted when a picture is decoded, in pixels.
pub const MAX_SIDE_PX: usize = 16_384;
/// Largest memory a decoder may use for one picture, in bytes.
pub(crate) const MAX_DECODE_BYTES: u64 = 1 << 30;

/// Why a picture could not be made, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Sample count and size disagree.
    #[error("picture of {width}x{height} needs {expected} samples, got {found}")]
    WrongLength {
        /// Columns, in pixels.
        width: usize,
        /// Rows, in pixels.
        height: usize,
        /// Samples the size asks for (`width * height * 3`).
        expected: usize,
        /// Samples given.
        found: usize,
    },
    /// The picture has no pixel or a side is longer than [`MAX_SIDE_PX`].
    #[error("picture of {width}x{height} pixels; sides must be 1 to {MAX_SIDE_PX}")]
    BadSize {
        /// Columns, in pixels.
        width: usize,
        /// Rows, in pixels.
        height: usize,
    },
    /// The bytes are no picture this program reads.
    #[error("not a readable picture: {0}")]
    Decode(#[source] image::ImageError),
    /// The picture could not be encoded.
    #[error("could not encode the picture: {0}")]
    Encode(#[source] image::ImageError),
    /// All pixels together take more memory than a picture may.
    #[error("picture of {width}x{height} pixels takes more than {} MiB of memory", MAX_DECODE_BYTES >> 20)]
    TooLarge {
        /// Columns, in pixels.
        width: usize,
        /// Rows, in pixels.
        height: usize,
    },
    /// The bytes are no OpenEXR file, or a damaged one.
    #[error("not a readable OpenEXR picture: {0}")]
    NotExr(String),
    /// An OpenEXR file of a kind that is not read.
    #[error(
        "OpenEXR with {found}; what is read is one layer with R, G, B and at most A besides, as half or float"
    )]
    ExrKind {
        /// What it holds.
        found: String,
    },
    /// The picture could not be encoded as OpenEXR.
    #[error("could not encode the OpenEXR picture: {0}")]
    EncodeExr(String),
    /// The picture could not be resized.
    #[error("could not resize the picture: {0}")]
    Resize(String),
}

impl ImageError {
    /// What the user can do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Decode(_) => Some("convert it with: ffmpeg -i PICTURE picture.png".to_owned()),
            Self::NotExr(_) => Some("copy the file again from where it came".to_owned()),
            Self::ExrKind { .. } => Some(
                "write these channels alone, for example: oiiotool PICTURE --ch R,G,B -o picture.exr"
                    .to_owned(),
            ),
            Self::BadSize { .. } | Self::TooLarge { .. } => {
                Some(format!("scale it down with: ffmpeg -i PICTURE -vf scale={MAX_SIDE_PX}:-1 smaller.png"))
            }
            Self::WrongLength { .. } | Self::Encode(_) | Self::EncodeExr(_) | Self::Resize(_) => None,
        }
    }
}

/// How a picture is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResizeFilter {
    /// Mean over the covered area (with fractional edges); the fast choice for making smaller.
    Area,
    /// Lanczos with three lobes (support is widened when making smaller); the sharp choice.
    Lanczos,
    /// Linear interpolation (support is widened when making smaller).
    Bilinear,
}

/// A picture: interleaved RGB, `height * width * 3` samples row by row, nominally in `[0, 1]`,
/// gamma-encoded as it was filmed.
///
/// Pixel `(x, y)` covers `[x, x + 1) x [y, y + 1)` of the continuous image plane; its centre is
/// `(x + 0.5, y + 0.5)`.
#[derive(Debug, Clone, PartialEq)]
pub struct RgbImage {
    /// Columns, in pixels.
    pub width: usize,
    /// Rows, in pixels.
    pub height: usize,
    /// Samples, `[height][width][3]`.
    pub data: Vec<f32>,
}

/// Luma of a picture value, gamma-encoded as filmed, with the weights of BT.709: how bright eyes find it.
#[must_use]
pub fn luma([red, green, blue]: [f32; 3]) -> f32 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

impl RgbImage {
    /// A black picture.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, data: vec![0.0; width * height * 3] }
    }

    /// A picture of one colour, samples in `[0, 1]`.
    #[must_use]
    pub fn filled(width: usize, height: usize, colour: [f32; 3]) -> Self {
        Self { width, height, data: colour.repeat(width * height) }
    }

    /// A picture from its samples, `[height][width][3]`.
    ///
    /// # Errors
    /// [`ImageError::WrongLength`] when `data.len() != width * height * 3`.
    pub fn from_data(width: usize, height: usize, data: Vec<f32>) -> Result<Self, ImageError> {
        check_length(width, height, data.len())?;
        Ok(Self { width, height, data })
    }

    /// A picture from planes as networks have them, `[3][height][width]`.
    ///
    /// # Errors
    /// [`ImageError::WrongLength`] when `planes.len() != 3 * height * width`.
    pub fn from_planes(width: usize, height: usize, planes: &[f32]) -> Result<Self, ImageError> {
        check_length(width, height, planes.len())?;
        let area = width * height;
        let data = (0..3 * area).map(|place| planes[place % 3 * area + place / 3]).collect();
        Ok(Self { width, height, data })
    }

    /// The samples as planes, `[3][height][width]`.
    #[must_use]
    pub fn to_planes(&self) -> Vec<f32> {
        let area = self.width * self.height;
        (0..3 * area).map(|place| self.data[3 * (place % area) + place / area]).collect()
    }

    /// A picture from 8-bit samples, `[height][width][3]`; 255 becomes 1.
    ///
    /// # Errors
    /// [`ImageError::WrongLength`] when `bytes.len() != width * height * 3`.
    pub fn from_rgb8(width: usize, height: usize, bytes: &[u8]) -> Result<Self, ImageError> {
        check_length(width, height, bytes.len())?;
        Ok(Self { width, height, data: bytes.iter().map(|&b| f32::from(b) / 255.0).collect() })
    }

    /// The samples as 8 bits, `[height][width][3]`: clamped to `[0, 1]`, scaled by 255, rounded to
    /// the nearest.
    #[must_use]
    pub fn to_rgb8(&self) -> Vec<u8> {
        self.data.iter().map(|&v| (v * 255.0 + 0.5).clamp(0.0, 255.0) as u8).collect()
    }

    /// [`luma`] of every pixel, row by row.
    #[must_use]
    pub fn lumas(&self) -> Vec<f32> {
        self.data.as_chunks::<3>().0.iter().map(|&rgb| luma(rgb)).collect()
    }

    /// The pixel in column `x`, row `y`.
    ///
    /// # Panics
    /// When `(x, y)` lies outside the picture.
    #[must_use]
    pub fn get(&self, x: usize, y: usize) -> [f32; 3] {
        let i = self.index(x, y);
        [self.data[i], self.data[i + 1], self.data[i + 2]]
    }

    /// Sets the pixel in column `x`, row `y`.
    ///
    /// # Panics
    /// When `(x, y)` lies outside the picture.
    pub fn set(&mut self, x: usize, y: usize, rgb: [f32; 3]) {
        let i = self.index(x, y);
        self.data[i..i + 3].copy_from_slice(&rgb);
    }

    fn index(&self, x: usize, y: usize) -> usize {
        assert!(x < self.width && y < self.height, "pixel ({x}, {y}) outside {}x{}", self.width, self.height);
        (y * self.width + x) * 3
    }

    /// One row, `[width][3]`.
    ///
    /// # Panics
    /// When `y` lies outside the picture.
    #[must_use]
    pub fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width * 3..(y + 1) * self.width * 3]
    }

    /// A copy of the part inside `rect`, which is clipped to the picture first.
    #[must_use]
    pub fn crop(&self, rect: PixelRect) -> Self {
        let rect = rect.clipped(self.width, self.height);
        let mut data = Vec::with_capacity(rect.area_px() * 3);
        for y in rect.y..rect.end_y() {
            data.extend_from_slice(&self.row(y)[rect.x * 3..rect.end_x() * 3]);
        }
        Self { width: rect.width, height: rect.height, data }
    }

    /// Copies `other` into this picture with its corner at column `x`, row `y`; what would lie
    /// outside is left out.
    pub fn paste(&mut self, other: &Self, x: usize, y: usize) {
        let rect = PixelRect::new(x, y, other.width, other.height).clipped(self.width, self.height);
        for row in 0..rect.height {
            let to = ((rect.y + row) * self.width + rect.x) * 3;
            self.data[to..to + rect.width * 3].copy_from_slice(&other.row(row)[..rect.width * 3]);
        }
    }

    /// This picture at another size. The centres of the corner pixels keep their place in the
    /// continuous plane: `x_target = x_source * width_target / width_source`.
    ///
    /// # Errors
    /// [`ImageError::BadSize`] when one of the pictures has no pixel or is larger than
    /// [`MAX_SIDE_PX`].
    pub fn resize(&self, width: usize, height: usize, filter: ResizeFilter) -> Result<Self, ImageError> {
        check_size(self.width, self.height)?;
        check_size(width, height)?;
        if (width, height) == (self.width, self.height) {
            return Ok(self.clone());
        }
        let failed = |error: &dyn std::fmt::Display| ImageError::Resize(error.to_string());
        let filter = match filter {
            ResizeFilter::Area => fir::FilterType::Box,
            ResizeFilter::Lanczos => fir::FilterType::Lanczos3,
            ResizeFilter::Bilinear => fir::FilterType::Bilinear,
        };
        let options = fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(filter));
        let mut target = Self::new(width, height);
        // The typed call compiles for one pixel type; the untyped one for all of them, in minutes.
        let from = fir::images::TypedImageRef::<fir::pixels::F32x3>::from_buffer(
            self.width as u32,
            self.height as u32,
            bytemuck::cast_slice(&self.data),
        )
        .map_err(|e| failed(&e))?;
        let mut to = fir::images::TypedImage::<fir::pixels::F32x3>::from_buffer(
            width as u32,
            height as u32,
            bytemuck::cast_slice_mut(&mut target.data),
        )
        .map_err(|e| failed(&e))?;
        fir::Resizer::new().resize_typed(&from, &mut to, &options).map_err(|e| failed(&e))?;
        Ok(target)
    }

    /// The picture as a PNG file with 8 bits a sample.
    ///
    /// # Errors
    /// [`ImageError::BadSize`] or [`ImageError::Encode`].
    pub fn encode_png(&self) -> Result<Vec<u8>, ImageError> {
        check_size(self.width, self.height)?;
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes)
            .write_image(
                &self.to_rgb8(),
                self.width as u32,
                self.height as u32,
                image::ExtendedColorType::Rgb8,
            )
            .map_err(ImageError::Encode)?;
        Ok(bytes)
    }

    /// The picture as a PNG file with 16 bits a sample and `alpha`, one value in `[0, 1]` for each pixel, straight: colours
    /// are not multiplied by it.
    ///
    /// # Errors
    /// [`ImageError::BadSize`] or [`ImageError::Encode`].
    ///
    /// # Panics
    /// When there is not one alpha for each pixel.
    pub fn encode_png16(&self, alpha: &[f32]) -> Result<Vec<u8>, ImageError> {
        check_size(self.width, self.height)?;
        assert_eq!(alpha.len(), self.width * self.height, "an alpha for each pixel");
        let sample = |value: f32| (value.clamp(0.0, 1.0) * 65535.0).round() as u16;
        let pixels = self.data.as_chunks::<3>().0.iter().zip(alpha);
        let samples: Vec<u16> =
            pixels.flat_map(|(&[r, g, b], &alpha)| [r, g, b, alpha].map(sample)).collect();
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes)
            .write_image(
                bytemuck::cast_slice(&samples),
                self.width as u32,
                self.height as u32,
                image::ExtendedColorType::Rgba16,
            )
            .map_err(ImageError::Encode)?;
        Ok(bytes)
    }

    /// The picture as a JPEG file; `quality` from 1 (small) to 100 (good).
    ///
    /// # Errors
    /// [`ImageError::BadSize`] or [`ImageError::Encode`].
    pub fn encode_jpeg(&self, quality: u8) -> Result<Vec<u8>, ImageError> {
        check_size(self.width, self.height)?;
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
            .write_image(
                &self.to_rgb8(),
                self.width as u32,
                self.height as u32,
                image::ExtendedColorType::Rgb8,
            )
            .map_err(ImageError::Encode)?;
        Ok(bytes)
    }

    /// Reads a picture file (PNG, JPEG, WebP, BMP or TIFF) from memory, upright (an EXIF
    /// orientation is applied), transparency left out. The size is checked against
    /// [`MAX_SIDE_PX`] before memory for the pixels is taken.
    ///
    /// # Errors
    /// [`ImageError::Decode`] or [`ImageError::BadSize`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        let (picture, _) = decode_upright(bytes)?;
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        Ok(Self { width, height, data: picture.into_rgb32f().into_raw() })
    }
}

/// Decodes a picture file, applies its EXIF orientation and gives its ICC profile.
pub(crate) fn decode_upright(bytes: &[u8]) -> Result<(image::DynamicImage, Option<Vec<u8>>), ImageError> {
    let mut decoder = open_decoder(bytes)?;
    let orientation = decoder.orientation().map_err(ImageError::Decode)?;
    let icc_profile = decoder.icc_profile().map_err(ImageError::Decode)?;
    let mut picture = image::DynamicImage::from_decoder(decoder).map_err(ImageError::Decode)?;
    picture.apply_orientation(orientation);
    Ok((picture, icc_profile))
}

/// Upright size in pixels from a picture file's header; no pixel is decoded.
pub(crate) fn upright_size(bytes: &[u8]) -> Result<(usize, usize), ImageError> {
    use image::metadata::Orientation as O;
    let mut decoder = open_decoder(bytes)?;
    let (width, height) = decoder.dimensions();
    let turned = matches!(
        decoder.orientation().map_err(ImageError::Decode)?,
        O::Rotate90 | O::Rotate270 | O::Rotate90FlipH | O::Rotate270FlipH
    );
    let (width, height) = (width as usize, height as usize);
    Ok(if turned { (height, width) } else { (width, height) })
}

/// A decoder whose header has been read and whose size is within bounds.
fn open_decoder(bytes: &[u8]) -> Result<impl ImageDecoder + '_, ImageError> {
    let mut reader = image::ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| ImageError::Decode(image::ImageError::IoError(e)))?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PX as u32);
    limits.max_image_height = Some(MAX_SIDE_PX as u32);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(ImageError::Decode)?;
    let (width, height) = decoder.dimensions();
    check_size(width as usize, height as usize)?;
    Ok(decoder)
}

fn check_length(width: usize, height: usize, found: usize) -> Result<(), ImageError> {
    match width.checked_mul(height).and_then(|n| n.checked_mul(3)) {
        Some(expected) if expected == found => Ok(()),
        expected => {
            Err(ImageError::WrongLength { width, height, expected: expected.unwrap_or(usize::MAX), found })
        }
    }
}

pub(crate) fn check_size(width: usize, height: usize) -> Result<(), ImageError> {
    let side = 1..=MAX_SIDE_PX;
    if side.contains(&width) && side.contains(&height) {
        Ok(())
    } else {
        Err(ImageError::BadSize { width, height })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checkered(width: usize, height: usize) -> RgbImage {
        let bytes: Vec<u8> = (0..width * height * 3).map(|i| (i * 37 % 256) as u8).collect();
        RgbImage::from_rgb8(width, height, &bytes).unwrap()
    }

    #[test]
    fn png_gives_back_every_sample() {
        let image = checkered(13, 7);
        let back = RgbImage::decode(&image.encode_png().unwrap()).unwrap();
        assert_eq!(back.to_rgb8(), image.to_rgb8());
    }

    #[test]
    fn planes_are_the_channels_one_after_another() {
        let image = RgbImage::from_data(2, 1, vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).unwrap();
        assert_eq!(image.to_planes(), [0.1, 0.4, 0.2, 0.5, 0.3, 0.6]);
        assert_eq!(RgbImage::from_planes(2, 1, &image.to_planes()).unwrap(), image);
        assert!(RgbImage::from_planes(2, 2, &image.to_planes()).is_err());
    }

    #[test]
    fn jpeg_of_one_colour_stays_close() {
        let image = RgbImage::filled(32, 16, [0.2, 0.5, 0.8]);
        let back = RgbImage::decode(&image.encode_jpeg(95).unwrap()).unwrap();
        assert_eq!((back.width, back.height), (32, 16));
        assert!(back.data.iter().zip(&image.data).all(|(a, b)| (a - b).abs() < 0.02));
    }

    #[test]
    fn a_header_that_claims_too_much_is_refused_before_memory_is_taken() {
        let mut bytes = checkered(4, 4).encode_png().unwrap();
        // IHDR holds width and height at bytes 16 to 24; its checksum follows the 13 bytes.
        bytes[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
        let checksum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        let error = RgbImage::decode(&bytes).unwrap_err();
        assert!(matches!(error, ImageError::BadSize { .. } | ImageError::Decode(_)), "{error}");
        assert!(error.hint().is_some());
        assert!(RgbImage::decode(b"no picture").is_err());
        assert!(RgbImage::decode(&[]).is_err());
    }

    /// The checksum of PNG chunks (ISO 3309), bit by bit.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        })
    }

    #[test]
    fn area_resize_by_whole_numbers_is_the_mean() {
        let mut image = RgbImage::new(4, 2);
        image.set(0, 0, [1.0, 0.0, 0.5]);
        image.set(1, 1, [1.0, 1.0, 0.5]);
        let small = image.resize(2, 1, ResizeFilter::Area).unwrap();
        let close = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-6);
        assert!(close(small.get(0, 0), [0.5, 0.25, 0.25]));
        assert!(close(small.get(1, 0), [0.0; 3]));
        assert!(image.resize(0, 1, ResizeFilter::Area).is_err());
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(RgbImage::from_data(2, 2, vec![0.0; 11]).is_err());
        assert!(RgbImage::from_rgb8(2, 2, &[0; 12]).is_ok());
        assert!(RgbImage::from_rgb8(usize::MAX, 2, &[0; 12]).is_err());
    }

    #[test]
    fn eight_bits_round_to_the_nearest_and_clamp() {
        let image = RgbImage::from_data(1, 1, vec![-0.5, 0.5, 7.0]).unwrap();
        assert_eq!(image.to_rgb8(), [0, 128, 255]);
    }

    proptest! {
        #[test]
        fn one_colour_stays_one_colour_at_any_size(
            colour in prop::array::uniform3(0.0f32..=1.0),
            (w, h, to_w, to_h) in (1usize..20, 1usize..20, 1usize..30, 1usize..30),
            filter in prop_oneof![
                Just(ResizeFilter::Area), Just(ResizeFilter::Lanczos), Just(ResizeFilter::Bilinear)
            ],
        ) {
            let image = RgbImage::filled(w, h, colour).resize(to_w, to_h, filter).unwrap();
            prop_assert_eq!((image.width, image.height), (to_w, to_h));
            for pixel in image.data.chunks_exact(3) {
                for (found, wanted) in pixel.iter().zip(colour) {
                    prop_assert!((found - wanted).abs() < 1e-5);
                }
            }
        }

        #[test]
        fn what_is_pasted_can_be_cropped_out(
            (x, y) in (0usize..12, 0usize..12),
            (w, h) in (1usize..8, 1usize..8),
        ) {
            let mut image = RgbImage::new(10, 9);
            let part = checkered(w, h);
            image.paste(&part, x, y);
            let rect = PixelRect::new(x, y, w, h).clipped(10, 9);
            let inside = PixelRect::whole(rect.width, rect.height);
            prop_assert_eq!(image.crop(rect), part.crop(inside));
        }
    }
}
