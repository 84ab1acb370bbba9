//! What the networks look at: a whole frame, read only where needed.

use bifrons_media::{Frame, LumaThumbnail, PixelRect, ResizeFilter, RgbImage};

use crate::VisionError;

/// A frame or a still, in displayed orientation, from which parts can be read.
pub trait Picture {
    /// Columns, in pixels.
    fn width_px(&self) -> usize;
    /// Rows, in pixels.
    fn height_px(&self) -> usize;
    /// The pixels of a part that lies inside the picture.
    fn rgb(&self, rect: PixelRect) -> RgbImage;
    /// The whole picture, reduced so that its long side has `size_px` pixels (never enlarged), and
    /// the pixels of this view a pixel of the picture along each axis.
    ///
    /// # Errors
    /// [`VisionError::Picture`] when the picture has no pixels.
    fn view(&self, size_px: usize) -> Result<(RgbImage, f64, f64), VisionError>;
    /// A small grey picture for comparing frames; the same size for all frames of a clip.
    ///
    /// # Errors
    /// [`VisionError::Picture`] when the picture has no pixels.
    fn luma_thumbnail(&self) -> Result<LumaThumbnail, VisionError>;
}

impl<P: Picture + ?Sized> Picture for &P {
    fn width_px(&self) -> usize {
        (**self).width_px()
    }

    fn height_px(&self) -> usize {
        (**self).height_px()
    }

    fn rgb(&self, rect: PixelRect) -> RgbImage {
        (**self).rgb(rect)
    }

    fn view(&self, size_px: usize) -> Result<(RgbImage, f64, f64), VisionError> {
        (**self).view(size_px)
    }

    fn luma_thumbnail(&self) -> Result<LumaThumbnail, VisionError> {
        (**self).luma_thumbnail()
    }
}

impl Picture for Frame {
    fn width_px(&self) -> usize {
        Self::width_px(self)
    }

    fn height_px(&self) -> usize {
        Self::height_px(self)
    }

    fn rgb(&self, rect: PixelRect) -> RgbImage {
        Self::rgb(self, rect)
    }

    fn view(&self, size_px: usize) -> Result<(RgbImage, f64, f64), VisionError> {
        let (image, scale) = self.rgb_long_side(size_px);
        Ok((image, f64::from(scale), f64::from(scale)))
    }

    fn luma_thumbnail(&self) -> Result<LumaThumbnail, VisionError> {
        Ok(Self::luma_thumbnail(self))
    }
}

/// Long side of the thumbnail of a still, in pixels: that of a frame's.
const THUMBNAIL_SIDE_PX: usize = 64;

impl Picture for RgbImage {
    fn width_px(&self) -> usize {
        self.width
    }

    fn height_px(&self) -> usize {
        self.height
    }

    fn rgb(&self, rect: PixelRect) -> RgbImage {
        self.crop(rect)
    }

    fn view(&self, size_px: usize) -> Result<(RgbImage, f64, f64), VisionError> {
        let scale = (size_px as f64 / self.width.max(self.height).max(1) as f64).min(1.0);
        let side = |px: usize| ((px as f64 * scale).round() as usize).max(1);
        let (width, height) = (side(self.width), side(self.height));
        let view = self.resize(width, height, ResizeFilter::Area)?;
        Ok((view, width as f64 / self.width as f64, height as f64 / self.height as f64))
    }
    fn luma_thumbnail(&self) -> Result<LumaThumbnail, VisionError> {
        let (view, ..) = self.view(THUMBNAIL_SIDE_PX)?;
        let code = |luma: f32| (luma * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
        let data = view.lumas().into_iter().map(code).collect();
        Ok(LumaThumbnail { width: view.width, height: view.height, data })
    }
}
