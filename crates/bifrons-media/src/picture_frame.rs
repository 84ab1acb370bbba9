//! A picture as a frame: interleaved samples of 8 or 16 bits or amounts of light, transparency kept.

use image::DynamicImage;

use crate::linear_picture::LinearPicture;
use crate::{PixelRect, RgbImage};

/// An upright picture.
#[derive(Debug, Clone)]
pub(crate) enum PictureFrame {
    /// Picture values, as nearly every kind of file holds them.
    Encoded(EncodedPicture),
    /// Amounts of light: OpenEXR.
    Linear(Box<LinearPicture>),
}

/// A picture of 8 or 16 bits, with the colour profile it came with.
#[derive(Debug, Clone)]
pub(crate) struct EncodedPicture {
    /// `Rgb8`, `Rgba8`, `Rgb16` or `Rgba16`; nothing else.
    pub(crate) picture: DynamicImage,
    pub(crate) icc_profile: Option<Vec<u8>>,
}

impl PictureFrame {
    pub(crate) fn size(&self) -> (usize, usize) {
        match self {
            Self::Encoded(EncodedPicture { picture, .. }) => {
                (picture.width() as usize, picture.height() as usize)
            }
            Self::Linear(picture) => picture.size(),
        }
    }

    /// RGB in `[0, 1]`; with `clamped` false, values beyond where the picture has them.
    pub(crate) fn rgb(&self, rect: PixelRect, clamped: bool) -> Vec<f32> {
        match self {
            Self::Encoded(picture) => picture.rgb(rect),
            Self::Linear(picture) => picture.rgb(rect, clamped),
        }
    }

    /// Adds one channel (0 to 2, in `[0, 1]`) of one row, times a weight, to sums.
    pub(crate) fn add_row(&self, channel: usize, y: usize, weight: f32, sums: &mut [f32]) {
        match self {
            Self::Encoded(picture) => {
                for (x, sum) in sums.iter_mut().enumerate() {
                    *sum += weight * picture.pixel(x, y)[channel];
                }
            }
            Self::Linear(picture) => picture.add_row(channel, y, weight, sums),
        }
    }

    pub(crate) fn set_rgb(&mut self, rect: PixelRect, image: &RgbImage, alpha: &[f32]) {
        match self {
            Self::Encoded(picture) => picture.set_rgb(rect, image, alpha),
            Self::Linear(picture) => picture.set_rgb(rect, image, alpha),
        }
    }

    /// Adds to each channel of a pixel, in codes of 8 bits.
    pub(crate) fn brighten(&mut self, x: usize, y: usize, by: f32) {
        match self {
            Self::Encoded(picture) => picture.brighten(x as u32, y as u32, by),
            Self::Linear(picture) => picture.brighten(x, y, by / 255.0),
        }
    }

    /// The picture as it is seen: light becomes 16 bits of sRGB, clipped at white, over black.
    pub(crate) fn into_encoded(self) -> EncodedPicture {
        match self {
            Self::Encoded(picture) => picture,
            Self::Linear(picture) => {
                let (width, height) = picture.size();
                let samples = picture.rgb(PixelRect::whole(width, height), true).into_iter().map(sixteen);
                let samples = image::ImageBuffer::from_raw(width as u32, height as u32, samples.collect());
                // as many samples as pixels ask for
                let picture = DynamicImage::ImageRgb16(samples.unwrap_or_default());
                EncodedPicture { picture, icc_profile: None }
            }
        }
    }
}

// Float to integer casts saturate, and give 0 for NaN.
fn eight(value: f32) -> u8 {
    (value * 255.0 + 0.5) as u8
}

fn sixteen(value: f32) -> u16 {
    (value * 65535.0 + 0.5) as u16
}

impl EncodedPicture {
    /// Grey, palette and float pictures become RGB of the nearest depth.
    pub(crate) fn new(picture: DynamicImage, icc_profile: Option<Vec<u8>>) -> Self {
        use DynamicImage as D;
        let picture = match picture {
            D::ImageRgb8(_) | D::ImageRgba8(_) | D::ImageRgb16(_) | D::ImageRgba16(_) => picture,
            D::ImageLumaA8(_) => D::ImageRgba8(picture.into_rgba8()),
            D::ImageLuma16(_) | D::ImageRgb32F(_) => D::ImageRgb16(picture.into_rgb16()),
            D::ImageLumaA16(_) | D::ImageRgba32F(_) => D::ImageRgba16(picture.into_rgba16()),
            _ => D::ImageRgb8(picture.into_rgb8()),
        };
        Self { picture, icc_profile }
    }

    fn rgb(&self, rect: PixelRect) -> Vec<f32> {
        let mut data = Vec::with_capacity(rect.area_px() * 3);
        for y in rect.y..rect.end_y() {
            for x in rect.x..rect.end_x() {
                data.extend_from_slice(&self.pixel(x, y));
            }
        }
        data
    }

    #[inline]
    fn pixel(&self, x: usize, y: usize) -> [f32; 3] {
        let (x, y) = (x as u32, y as u32);
        let eight = |p: &[u8]| [p[0], p[1], p[2]].map(|v| f32::from(v) / 255.0);
        let sixteen = |p: &[u16]| [p[0], p[1], p[2]].map(|v| f32::from(v) / 65535.0);
        match &self.picture {
            DynamicImage::ImageRgb8(p) => eight(&p.get_pixel(x, y).0),
            DynamicImage::ImageRgba8(p) => eight(&p.get_pixel(x, y).0),
            DynamicImage::ImageRgb16(p) => sixteen(&p.get_pixel(x, y).0),
            DynamicImage::ImageRgba16(p) => sixteen(&p.get_pixel(x, y).0),
            // `new` lets no other kind in.
            _ => [0.0; 3],
        }
    }

    fn set_rgb(&mut self, rect: PixelRect, image: &RgbImage, alpha: &[f32]) {
        for (i, _) in alpha.iter().enumerate().filter(|(_, a)| **a > 0.0) {
            let x = (rect.x + i % rect.width) as u32;
            let y = (rect.y + i / rect.width) as u32;
            let rgb = &image.data[3 * i..3 * i + 3];
            for (channel, &value) in rgb.iter().enumerate() {
                match &mut self.picture {
                    DynamicImage::ImageRgb8(p) => p.get_pixel_mut(x, y).0[channel] = eight(value),
                    DynamicImage::ImageRgba8(p) => p.get_pixel_mut(x, y).0[channel] = eight(value),
                    DynamicImage::ImageRgb16(p) => {
                        p.get_pixel_mut(x, y).0[channel] = sixteen(value);
                    }
                    DynamicImage::ImageRgba16(p) => {
                        p.get_pixel_mut(x, y).0[channel] = sixteen(value);
                    }
                    _ => {}
                }
            }
        }
    }

    fn brighten(&mut self, x: u32, y: u32, by: f32) {
        let eight = |v: &mut u8| *v = (f32::from(*v) + by + 0.5) as u8;
        let sixteen = |v: &mut u16| *v = (f32::from(*v) + by * 257.0 + 0.5) as u16;
        match &mut self.picture {
            DynamicImage::ImageRgb8(p) => p.get_pixel_mut(x, y).0.iter_mut().for_each(eight),
            DynamicImage::ImageRgba8(p) => p.get_pixel_mut(x, y).0[..3].iter_mut().for_each(eight),
            DynamicImage::ImageRgb16(p) => p.get_pixel_mut(x, y).0.iter_mut().for_each(sixteen),
            DynamicImage::ImageRgba16(p) => p.get_pixel_mut(x, y).0[..3].iter_mut().for_each(sixteen),
            _ => {}
        }
    }
}
