//! Whole-pixel rectangles in displayed orientation.

use serde::{Deserialize, Serialize};

/// A rectangle of whole pixels in a frame as it is displayed.
///
/// Pixel `(0, 0)` covers `[0, 1) x [0, 1)` of the continuous image plane, so the rectangle covers
/// `[x, x + width) x [y, y + height)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PixelRect {
    /// First column, in pixels.
    pub x: usize,
    /// First row, in pixels.
    pub y: usize,
    /// Number of columns, in pixels; zero for an empty rectangle.
    pub width: usize,
    /// Number of rows, in pixels; zero for an empty rectangle.
    pub height: usize,
}

impl PixelRect {
    /// A rectangle from its corner and size, in pixels.
    #[must_use]
    pub const fn new(x: usize, y: usize, width: usize, height: usize) -> Self {
        Self { x, y, width, height }
    }

    /// The rectangle that covers a whole frame of `width x height` pixels.
    #[must_use]
    pub const fn whole(width: usize, height: usize) -> Self {
        Self::new(0, 0, width, height)
    }

    /// The smallest rectangle of whole pixels that contains the continuous box
    /// `[left, right] x [top, bottom]`, clipped to a frame of `frame_width x frame_height` pixels.
    ///
    /// Empty when the box lies outside the frame, is empty, or holds a value that is not finite.
    #[must_use]
    pub fn covering(
        left: f32,
        top: f32,
        right: f32,
        bottom: f32,
        frame_width: usize,
        frame_height: usize,
    ) -> Self {
        let finite = [left, top, right, bottom].iter().all(|v| v.is_finite());
        if !finite || right <= left || bottom <= top {
            return Self::new(0, 0, 0, 0);
        }
        // `as` saturates at zero for negative values, which is the clipping wanted here.
        let x = (left.floor() as usize).min(frame_width);
        let y = (top.floor() as usize).min(frame_height);
        let end_x = (right.ceil() as usize).min(frame_width);
        let end_y = (bottom.ceil() as usize).min(frame_height);
        Self::new(x, y, end_x.saturating_sub(x), end_y.saturating_sub(y))
    }

    /// The part of this rectangle inside a frame of `frame_width x frame_height` pixels.
    #[must_use]
    pub fn clipped(self, frame_width: usize, frame_height: usize) -> Self {
        let x = self.x.min(frame_width);
        let y = self.y.min(frame_height);
        Self::new(x, y, self.width.min(frame_width - x), self.height.min(frame_height - y))
    }

    /// One past the last column, in pixels.
    #[must_use]
    pub const fn end_x(self) -> usize {
        self.x + self.width
    }

    /// One past the last row, in pixels.
    #[must_use]
    pub const fn end_y(self) -> usize {
        self.y + self.height
    }

    /// Number of pixels.
    #[must_use]
    pub const fn area_px(self) -> usize {
        self.width * self.height
    }

    /// Whether the rectangle holds no pixel.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covering_rounds_outwards_and_clips() {
        assert_eq!(PixelRect::covering(1.2, 2.0, 3.1, 4.0, 10, 10), PixelRect::new(1, 2, 3, 2));
        assert_eq!(PixelRect::covering(-5.0, -0.1, 20.0, 3.5, 10, 3), PixelRect::new(0, 0, 10, 3));
        assert!(PixelRect::covering(11.0, 0.0, 12.0, 1.0, 10, 10).is_empty());
        assert!(PixelRect::covering(-9.0, 0.0, -3.0, 1.0, 10, 10).is_empty());
        assert!(PixelRect::covering(f32::NAN, 0.0, 1.0, 1.0, 10, 10).is_empty());
    }

    #[test]
    fn clipped_keeps_what_lies_inside() {
        assert_eq!(PixelRect::new(8, 8, 5, 1).clipped(10, 20), PixelRect::new(8, 8, 2, 1));
        assert!(PixelRect::new(30, 0, 5, 5).clipped(10, 10).is_empty());
    }
}
