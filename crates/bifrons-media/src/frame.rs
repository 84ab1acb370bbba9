//! One decoded frame: samples as they were filmed, RGB on request.

use std::sync::Arc;

use crate::clip::{Clip, VideoDetails};
use crate::color::Conversion;
use crate::layout::{OneByte, PlaneLayout, Rotation, SampleFormat, TwoBytes};
use crate::{MediaError, PixelRect, RgbImage, picture_frame::PictureFrame};

/// How every YUV frame of a clip is to be read.
#[derive(Debug, Clone)]
pub(crate) struct YuvFormat {
    pub(crate) layout: PlaneLayout,
    pub(crate) rotation: Rotation,
    pub(crate) conversion: Conversion,
}

impl YuvFormat {
    pub(crate) fn of(clip: &Clip, details: &VideoDetails) -> Self {
        Self {
            layout: details.layout,
            rotation: clip.rotation,
            conversion: Conversion::new(clip.color.matrix, clip.color.range, details.layout.depth_bits),
        }
    }
}

/// The samples of a frame.
#[derive(Debug, Clone)]
pub(crate) enum Samples {
    /// Planes of a video frame, as stored.
    Yuv { format: Arc<YuvFormat>, planes: Vec<u8> },
    /// A picture, upright.
    Picture(PictureFrame),
}

/// One frame of a clip.
///
/// It keeps the samples as they were filmed; what [`Frame::set_rgb`] does not touch stays
/// bit-identical. Positions are in displayed orientation.
#[derive(Debug, Clone)]
pub struct Frame {
    pub(crate) index: usize,
    pub(crate) pts_ticks: i64,
    pub(crate) repeated: bool,
    pub(crate) samples: Samples,
}

impl Frame {
    /// Number of the frame in its clip, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Presentation time in ticks of the clip's time base.
    #[must_use]
    pub fn pts_ticks(&self) -> i64 {
        self.pts_ticks
    }

    /// Whether this frame could not be decoded and a neighbour stands in for it.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// Displayed width in pixels.
    #[must_use]
    pub fn width_px(&self) -> usize {
        self.size().0
    }

    /// Displayed height in pixels.
    #[must_use]
    pub fn height_px(&self) -> usize {
        self.size().1
    }

    /// The whole frame.
    #[must_use]
    pub fn whole(&self) -> PixelRect {
        let (width, height) = self.size();
        PixelRect::whole(width, height)
    }

    fn size(&self) -> (usize, usize) {
        match &self.samples {
            Samples::Yuv { format, .. } => {
                format.rotation.displayed_size(format.layout.width, format.layout.height)
            }
            Samples::Picture(picture) => picture.size(),
        }
    }

    /// The part inside `rect` (clipped to the frame) as RGB in `[0, 1]`, gamma-encoded as filmed; by the curve of sRGB where
    /// the clip holds amounts of light (OpenEXR).
    ///
    /// A colour-difference sample counts for the whole block of pixels it spans, so that
    /// [`Frame::set_rgb`] of the same colours changes nothing. Codes beyond black and white are
    /// clamped.
    #[must_use]
    pub fn rgb(&self, rect: PixelRect) -> RgbImage {
        self.rgb_in(rect, true)
    }

    /// As [`Frame::rgb`], for what is mixed with something else and written back: amounts of light beyond black and white
    /// keep their values instead of being clamped. Not for networks.
    #[must_use]
    pub fn rgb_unclamped(&self, rect: PixelRect) -> RgbImage {
        self.rgb_in(rect, false)
    }

    fn rgb_in(&self, rect: PixelRect, clamped: bool) -> RgbImage {
        let (width, height) = self.size();
        let rect = rect.clipped(width, height);
        let data = match &self.samples {
            Samples::Yuv { format, planes } => {
                let layout = &format.layout;
                let stored = format.rotation.stored_rect(rect, layout.width, layout.height);
                let data = if layout.depth_bits == 8 {
                    read_rgb::<OneByte>(format, planes, stored)
                } else {
                    read_rgb::<TwoBytes>(format, planes, stored)
                };
                format.rotation.displayed_from_stored(data, stored.width, stored.height, 3)
            }
            Samples::Picture(picture) => picture.rgb(rect, clamped),
        };
        RgbImage { width: rect.width, height: rect.height, data }
    }

    /// Whether the samples are amounts of light (OpenEXR), not picture values.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        matches!(&self.samples, Samples::Picture(PictureFrame::Linear(_)))
    }

    /// Writes composed colours into the frame.
    ///
    /// `image` covers `rect`, row by row, as [`Frame::rgb`] gives it; `alpha` has one value a
    /// pixel and only tells which pixels are touched: those above 0. Luma of any other pixel stays
    /// bit-identical, of a picture all of it. Where a colour-difference sample spans several pixels it is rewritten if any
    /// of them is touched, as the mean over its block: the new value for touched pixels, the old
    /// one for the others.
    ///
    /// # Errors
    /// [`MediaError::PatchMismatch`] when `rect` reaches out of the frame or `image` or `alpha`
    /// have another size.
    pub fn set_rgb(&mut self, rect: PixelRect, image: &RgbImage, alpha: &[f32]) -> Result<(), MediaError> {
        let (width, height) = self.size();
        let mismatch = |detail: String| MediaError::PatchMismatch { detail };
        if rect.clipped(width, height) != rect {
            return Err(mismatch(format!("{rect:?} reaches out of a frame of {width}x{height} pixels")));
        }
        if (image.width, image.height) != (rect.width, rect.height) || image.data.len() != rect.area_px() * 3
        {
            return Err(mismatch(format!(
                "a picture of {}x{} pixels for a rectangle of {}x{}",
                image.width, image.height, rect.width, rect.height
            )));
        }
        if alpha.len() != rect.area_px() {
            return Err(mismatch(format!("{} alpha values for {} pixels", alpha.len(), rect.area_px())));
        }
        match &mut self.samples {
            Samples::Yuv { format, planes } => {
                let patch = Patch { rect, image, alpha };
                if format.layout.depth_bits == 8 {
                    write_rgb::<OneByte>(format, planes, &patch);
                } else {
                    write_rgb::<TwoBytes>(format, planes, &patch);
                }
            }
            Samples::Picture(picture) => picture.set_rgb(rect, image, alpha),
        }
        Ok(())
    }

    /// One plane as bytes as stored: 0 is luma, 1 and 2 are the colour differences. `None` for
    /// pictures.
    #[must_use]
    pub fn plane_bytes(&self, plane: usize) -> Option<&[u8]> {
        match &self.samples {
            Samples::Yuv { format, planes } if plane < 3 => {
                let layout = &format.layout;
                let (width, height) = layout.plane_size(plane);
                let start = layout.plane_start(plane) * layout.sample_bytes();
                Some(&planes[start..start + width * height * layout.sample_bytes()])
            }
            _ => None,
        }
    }
}

/// RGB of a rectangle in stored orientation.
fn read_rgb<S: SampleFormat>(format: &YuvFormat, planes: &[u8], rect: PixelRect) -> Vec<f32> {
    let layout = &format.layout;
    let (shift_x, shift_y) = (layout.chroma_shift_x, layout.chroma_shift_y);
    let (cb_start, cr_start) = (layout.plane_start(1), layout.plane_start(2));
    let mut data = vec![0.0; rect.area_px() * 3];
    if rect.is_empty() {
        return data;
    }
    let conversion = &format.conversion;
    let first_block = rect.x >> shift_x;
    let blocks = ((rect.end_x() - 1) >> shift_x) - first_block + 1;
    // What chroma adds to each pixel of a row, repeated over its block.
    let mut terms = Vec::with_capacity(rect.width);
    let mut terms_row = None;
    for (y, row) in (rect.y..).zip(data.chunks_exact_mut(rect.width * 3)) {
        let chroma_row = y >> shift_y;
        if terms_row != Some(chroma_row) {
            let at = chroma_row * layout.chroma_width() + first_block;
            let cb = S::run(planes, cb_start + at, blocks);
            let cr = S::run(planes, cr_start + at, blocks);
            terms.clear();
            for (block, (cb, cr)) in (first_block..).zip(cb.zip(cr)) {
                let term = conversion.chroma_term(cb, cr);
                let from = (block << shift_x).max(rect.x);
                let to = ((block + 1) << shift_x).min(rect.end_x());
                terms.extend(std::iter::repeat_n(term, to - from));
            }
            terms_row = Some(chroma_row);
        }
        let luma = S::run(planes, y * layout.width + rect.x, rect.width);
        for ((pixel, code), term) in row.chunks_exact_mut(3).zip(luma).zip(&terms) {
            pixel.copy_from_slice(&Conversion::rgb(conversion.luma(code), *term));
        }
    }
    data
}

/// What is written into a frame, in displayed orientation.
struct Patch<'a> {
    rect: PixelRect,
    image: &'a RgbImage,
    alpha: &'a [f32],
}

fn write_rgb<S: SampleFormat>(format: &YuvFormat, planes: &mut [u8], patch: &Patch<'_>) {
    let layout = &format.layout;
    if patch.rect.is_empty() {
        return;
    }
    let stored = format.rotation.stored_rect(patch.rect, layout.width, layout.height);
    let (shift_x, shift_y) = (layout.chroma_shift_x, layout.chroma_shift_y);
    let first_block = stored.x >> shift_x;
    let blocks = ((stored.end_x() - 1) >> shift_x) - first_block + 1;
    let mut sums = vec![BlockSum::default(); blocks];
    for block_y in stored.y >> shift_y..=(stored.end_y() - 1) >> shift_y {
        let rows = block_y << shift_y..((block_y + 1) << shift_y).min(layout.height);
        sums.fill(BlockSum::default());
        for y in rows.start.max(stored.y)..rows.end.min(stored.end_y()) {
            let (first, step) = format.rotation.displayed_run(stored, y - stored.y);
            let mut next = first as isize;
            for x in stored.x..stored.end_x() {
                let i = next as usize;
                next += step;
                if patch.alpha[i] > 0.0 {
                    let rgb = &patch.image.data[3 * i..3 * i + 3];
                    let [luma, cb, cr] = format.conversion.codes([rgb[0], rgb[1], rgb[2]]);
                    S::store(planes, y * layout.width + x, format.conversion.quantise(luma));
                    let sum = &mut sums[(x >> shift_x) - first_block];
                    sum.cb += cb;
                    sum.cr += cr;
                    sum.touched += 1;
                }
            }
        }
        for (block_x, sum) in (first_block..).zip(&sums).filter(|(_, s)| s.touched > 0) {
            let columns = block_x << shift_x..((block_x + 1) << shift_x).min(layout.width);
            let count = rows.len() * columns.len();
            for (plane, new) in [(1, sum.cb), (2, sum.cr)] {
                let at = layout.plane_start(plane) + block_y * layout.chroma_width() + block_x;
                let old = f32::from(S::load(planes, at)) * (count - sum.touched) as f32;
                let mean = (new + old) / count as f32;
                S::store(planes, at, format.conversion.quantise(mean));
            }
        }
    }
}

/// New colour differences of the touched pixels of one block.
#[derive(Debug, Clone, Copy, Default)]
struct BlockSum {
    cb: f32,
    cr: f32,
    touched: usize,
}
