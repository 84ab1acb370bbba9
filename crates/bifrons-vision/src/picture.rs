//! What the networks look at: a whole frame, read only where needed.

use bifrons_media::{PixelRect, ResizeFilter, RgbImage};

use crate::VisionError;

/// Columns of the luma thumbnail.
pub const THUMBNAIL_WIDTH_PX: usize = 48;
/// Rows of the luma thumbnail.
pub const THUMBNAIL_HEIGHT_PX: usize = 32;

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
}

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
        Ok((
            view,
            width as f64 / self.width as f64,
            height as f64 / self.height as f64,
        ))
    }
}
