//! How the samples of a decoded frame lie in memory, and which way up they are shown.

use serde::{Deserialize, Serialize};

use crate::PixelRect;

/// Planar YUV: three planes one after another, rows without padding; 8-bit samples are bytes,
/// deeper ones little-endian 16-bit words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlaneLayout {
    /// Luma columns, as stored.
    pub(crate) width: usize,
    /// Luma rows, as stored.
    pub(crate) height: usize,
    /// A chroma sample spans `1 << chroma_shift_x` columns.
    pub(crate) chroma_shift_x: u32,
    /// A chroma sample spans `1 << chroma_shift_y` rows.
    pub(crate) chroma_shift_y: u32,
    /// Bits a sample, 8 or 10.
    pub(crate) depth_bits: u32,
}

impl PlaneLayout {
    pub(crate) fn chroma_width(&self) -> usize {
        (self.width + (1 << self.chroma_shift_x) - 1) >> self.chroma_shift_x
    }

    pub(crate) fn chroma_height(&self) -> usize {
        (self.height + (1 << self.chroma_shift_y) - 1) >> self.chroma_shift_y
    }

    pub(crate) fn sample_bytes(&self) -> usize {
        if self.depth_bits > 8 { 2 } else { 1 }
    }

    fn luma_samples(&self) -> usize {
        self.width * self.height
    }

    fn chroma_samples(&self) -> usize {
        self.chroma_width() * self.chroma_height()
    }

    /// Bytes of a whole frame.
    pub(crate) fn frame_bytes(&self) -> usize {
        (self.luma_samples() + 2 * self.chroma_samples()) * self.sample_bytes()
    }

    /// First sample (not byte) of plane 0 (Y), 1 (Cb) or 2 (Cr).
    pub(crate) fn plane_start(&self, plane: usize) -> usize {
        match plane {
            0 => 0,
            1 => self.luma_samples(),
            _ => self.luma_samples() + self.chroma_samples(),
        }
    }

    /// Columns and rows of a plane.
    pub(crate) fn plane_size(&self, plane: usize) -> (usize, usize) {
        if plane == 0 { (self.width, self.height) } else { (self.chroma_width(), self.chroma_height()) }
    }
}

/// How samples become numbers; one type a sample size, so that loops compile for each.
pub(crate) trait SampleFormat {
    /// The sample at a sample index.
    fn load(bytes: &[u8], index: usize) -> u16;
    /// Replaces the sample at a sample index.
    fn store(bytes: &mut [u8], index: usize, value: u16);
    /// `count` samples from a sample index on.
    fn run(bytes: &[u8], start: usize, count: usize) -> impl Iterator<Item = f32>;
}

/// Samples of one byte.
pub(crate) enum OneByte {}

impl SampleFormat for OneByte {
    #[inline]
    fn load(bytes: &[u8], index: usize) -> u16 {
        u16::from(bytes[index])
    }

    #[inline]
    fn store(bytes: &mut [u8], index: usize, value: u16) {
        bytes[index] = value as u8;
    }

    #[inline]
    fn run(bytes: &[u8], start: usize, count: usize) -> impl Iterator<Item = f32> {
        bytes[start..start + count].iter().map(|&v| f32::from(v))
    }
}

/// Samples of two bytes, little-endian.
pub(crate) enum TwoBytes {}

impl SampleFormat for TwoBytes {
    #[inline]
    fn load(bytes: &[u8], index: usize) -> u16 {
        u16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]])
    }

    #[inline]
    fn store(bytes: &mut [u8], index: usize, value: u16) {
        bytes[2 * index..2 * index + 2].copy_from_slice(&value.to_le_bytes());
    }

    #[inline]
    fn run(bytes: &[u8], start: usize, count: usize) -> impl Iterator<Item = f32> {
        bytes[2 * start..2 * (start + count)]
            .chunks_exact(2)
            .map(|v| f32::from(u16::from_le_bytes([v[0], v[1]])))
    }
}

/// How far a stored frame is turned clockwise before it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Rotation {
    /// As stored.
    #[default]
    None,
    /// A quarter turn clockwise.
    Clockwise90,
    /// Half a turn.
    Half,
    /// A quarter turn anticlockwise.
    Clockwise270,
}

impl Rotation {
    /// From degrees clockwise; `None` when it is no multiple of 90.
    #[must_use]
    pub fn from_clockwise_degrees(degrees: i64) -> Option<Self> {
        match degrees.rem_euclid(360) {
            0 => Some(Self::None),
            90 => Some(Self::Clockwise90),
            180 => Some(Self::Half),
            270 => Some(Self::Clockwise270),
            _ => None,
        }
    }

    /// Degrees clockwise: 0, 90, 180 or 270.
    #[must_use]
    pub fn clockwise_degrees(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Clockwise90 => 90,
            Self::Half => 180,
            Self::Clockwise270 => 270,
        }
    }

    /// Whether width and height change places.
    #[must_use]
    pub fn swaps_sides(self) -> bool {
        matches!(self, Self::Clockwise90 | Self::Clockwise270)
    }

    /// The displayed size of a stored size (and the other way round).
    pub(crate) fn displayed_size(self, width: usize, height: usize) -> (usize, usize) {
        if self.swaps_sides() { (height, width) } else { (width, height) }
    }

    /// `stored_from_displayed` for one pixel of a frame stored as `width x height`.
    #[inline]
    pub(crate) fn stored_pixel(self, x: usize, y: usize, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::None => (x, y),
            Self::Clockwise90 => (y, height - 1 - x),
            Self::Half => (width - 1 - x, height - 1 - y),
            Self::Clockwise270 => (width - 1 - y, x),
        }
    }

    /// Where the pixels of a stored row lie in a rectangle of displayed pixels, row by row:
    /// the index of the row's first pixel and the step from one to the next. `stored` is the
    /// rectangle in stored orientation, `row` counts from its top.
    pub(crate) fn displayed_run(self, stored: PixelRect, row: usize) -> (usize, isize) {
        let (width, height) = (stored.width, stored.height);
        match self {
            Self::None => (row * width, 1),
            // Displayed rows are `height` long: a stored row is a displayed column.
            Self::Clockwise90 => (height - 1 - row, height as isize),
            Self::Half => ((height - row) * width - 1, -1),
            Self::Clockwise270 => ((width - 1) * height + row, -(height as isize)),
        }
    }

    /// `stored_from_displayed` for a rectangle inside a frame stored as `width x height`.
    pub(crate) fn stored_rect(self, rect: PixelRect, width: usize, height: usize) -> PixelRect {
        let PixelRect { x, y, width: w, height: h } = rect;
        match self {
            Self::None => rect,
            Self::Clockwise90 => PixelRect::new(y, height - x - w, h, w),
            Self::Half => PixelRect::new(width - x - w, height - y - h, w, h),
            Self::Clockwise270 => PixelRect::new(width - y - h, x, h, w),
        }
    }

    /// Turns interleaved samples (`channels` a pixel) stored as `width x height` to how they are
    /// shown.
    pub(crate) fn displayed_from_stored<T: Copy>(
        self,
        stored: Vec<T>,
        width: usize,
        height: usize,
        channels: usize,
    ) -> Vec<T> {
        if self == Self::None {
            return stored;
        }
        let (shown_width, shown_height) = self.displayed_size(width, height);
        let mut shown = Vec::with_capacity(stored.len());
        for y in 0..shown_height {
            for x in 0..shown_width {
                let (sx, sy) = self.stored_pixel(x, y, width, height);
                let i = (sy * width + sx) * channels;
                shown.extend_from_slice(&stored[i..i + channels]);
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_round_chroma_up() {
        let layout =
            PlaneLayout { width: 101, height: 75, chroma_shift_x: 1, chroma_shift_y: 1, depth_bits: 8 };
        assert_eq!(layout.plane_size(1), (51, 38));
        assert_eq!(layout.frame_bytes(), 101 * 75 + 2 * 51 * 38);
        assert_eq!(layout.plane_start(2), 101 * 75 + 51 * 38);
    }

    #[test]
    fn a_quarter_turn_clockwise_moves_the_first_pixel_to_the_right() {
        // stored 3x2: 0 1 2 / 3 4 5; shown 2x3: 3 0 / 4 1 / 5 2
        let shown = Rotation::Clockwise90.displayed_from_stored(vec![0, 1, 2, 3, 4, 5], 3, 2, 1);
        assert_eq!(shown, [3, 0, 4, 1, 5, 2]);
        let shown = Rotation::Clockwise270.displayed_from_stored(vec![0, 1, 2, 3, 4, 5], 3, 2, 1);
        assert_eq!(shown, [2, 5, 1, 4, 0, 3]);
        let shown = Rotation::Half.displayed_from_stored(vec![0, 1, 2, 3, 4, 5], 3, 2, 1);
        assert_eq!(shown, [5, 4, 3, 2, 1, 0]);
    }

    #[test]
    fn stored_rect_holds_exactly_the_stored_pixels() {
        for rotation in [Rotation::None, Rotation::Clockwise90, Rotation::Half, Rotation::Clockwise270] {
            let (width, height) = (7, 5);
            let (shown_width, shown_height) = rotation.displayed_size(width, height);
            let rect = PixelRect::new(1, 2, 3, 2).clipped(shown_width, shown_height);
            let stored = rotation.stored_rect(rect, width, height);
            assert_eq!(stored.area_px(), rect.area_px());
            for y in rect.y..rect.end_y() {
                for x in rect.x..rect.end_x() {
                    let (sx, sy) = rotation.stored_pixel(x, y, width, height);
                    assert!((stored.x..stored.end_x()).contains(&sx), "{rotation:?}");
                    assert!((stored.y..stored.end_y()).contains(&sy), "{rotation:?}");
                    let (first, step) = rotation.displayed_run(stored, sy - stored.y);
                    let index = first as isize + step * (sx - stored.x) as isize;
                    let expected = (y - rect.y) * rect.width + x - rect.x;
                    assert_eq!(index, expected as isize, "{rotation:?}");
                }
            }
        }
    }
}
