//! A picture as a frame: interleaved samples of 8 or 16 bits, transparency kept.

use image::DynamicImage;

use crate::{PixelRect, RgbImage};

/// An upright picture, with the colour profile it came with.
#[derive(Debug, Clone)]
pub(crate) struct PictureFrame {
    /// `Rgb8`, `Rgba8`, `Rgb16` or `Rgba16`; nothing else.
    pub(crate) picture: DynamicImage,
    pub(crate) icc_profile: Option<Vec<u8>>,
}

impl PictureFrame {
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

    pub(crate) fn size(&self) -> (usize, usize) {
        (self.picture.width() as usize, self.picture.height() as usize)
    }

    pub(crate) fn rgb(&self, rect: PixelRect) -> Vec<f32> {
        let mut data = Vec::with_capacity(rect.area_px() * 3);
        for y in rect.y..rect.end_y() {
            for x in rect.x..rect.end_x() {
                data.extend_from_slice(&self.pixel(x, y));
            }
        }
        data
    }

    /// Adds one channel (0 to 2, in `[0, 1]`) of one row, times a weight, to sums.
    pub(crate) fn add_row(&self, channel: usize, y: usize, weight: f32, sums: &mut [f32]) {
        for (x, sum) in sums.iter_mut().enumerate() {
            *sum += weight * self.pixel(x, y)[channel];
        }
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

    pub(crate) fn set_rgb(&mut self, rect: PixelRect, image: &RgbImage, alpha: &[f32]) {
        for (i, _) in alpha.iter().enumerate().filter(|(_, a)| **a > 0.0) {
            let x = (rect.x + i % rect.width) as u32;
            let y = (rect.y + i / rect.width) as u32;
            let rgb = &image.data[3 * i..3 * i + 3];
            // Float to integer casts saturate, and give 0 for NaN.
            let eight = |v: f32| (v * 255.0 + 0.5) as u8;
            let sixteen = |v: f32| (v * 65535.0 + 0.5) as u16;
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
}
