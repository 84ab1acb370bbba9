//! Luma of a whole frame, for those who look at or change brightness alone.

use crate::frame::{Frame, Samples};

/// Luma of one frame, row by row, in codes of 8 bits (0 to 255, with fractions for deeper samples).
#[derive(Debug, Clone, PartialEq)]
pub struct LumaPlane {
    /// Columns, as stored.
    pub width: usize,
    /// Rows, as stored.
    pub height: usize,
    /// `width * height` values.
    pub data: Vec<f32>,
}

/// Rec. 601: what JPEG and most players make of RGB.
const WEIGHTS: [f32; 3] = [0.299, 0.587, 0.114];

impl Frame {
    /// Luma in stored orientation: a rotation flag is not applied.
    #[must_use]
    pub fn luma(&self) -> LumaPlane {
        match &self.samples {
            Samples::Yuv { format, planes } => {
                let (width, height) = format.layout.plane_size(0);
                let data = if format.layout.depth_bits == 8 {
                    planes[..width * height].iter().map(|&code| f32::from(code)).collect()
                } else {
                    let scale = 1.0 / (1u32 << (format.layout.depth_bits - 8)) as f32;
                    words(&planes[..2 * width * height]).map(|code| f32::from(code) * scale).collect()
                };
                LumaPlane { width, height, data }
            }
            Samples::Picture(picture) => {
                let (width, height) = picture.size();
                let mut data = vec![0.0; width * height];
                for (y, row) in data.chunks_exact_mut(width).enumerate() {
                    for (channel, weight) in WEIGHTS.into_iter().enumerate() {
                        picture.add_row(channel, y, 255.0 * weight, row);
                    }
                }
                LumaPlane { width, height, data }
            }
        }
    }

    /// Gives `change` the luma of `rows` rows at a time (fewer at the end), as [`Frame::luma`] has it, together with
    /// the number of the first row and the width, and stores what it leaves there, rounded and clamped. Colour differences stay
    /// bit-identical; in a picture all three channels move by what luma moves. Light beyond white (OpenEXR) is given as
    /// white, and moves likewise.
    pub fn change_luma(&mut self, rows: usize, mut change: impl FnMut(usize, usize, &mut [f32])) {
        let rows = rows.max(1);
        match &mut self.samples {
            Samples::Yuv { format, planes } => {
                let (width, height) = format.layout.plane_size(0);
                let mut stripe = vec![0.0; rows * width];
                if format.layout.depth_bits == 8 {
                    let stripes = planes[..width * height].chunks_mut(rows * width);
                    for (number, codes) in stripes.enumerate() {
                        let stripe = &mut stripe[..codes.len()];
                        stripe.iter_mut().zip(&*codes).for_each(|(luma, &code)| *luma = f32::from(code));
                        change(number * rows, width, stripe);
                        // casts saturate
                        codes.iter_mut().zip(&*stripe).for_each(|(code, luma)| *code = (luma + 0.5) as u8);
                    }
                    return;
                }
                let depth = (1u32 << (format.layout.depth_bits - 8)) as f32;
                let white = ((1u32 << format.layout.depth_bits) - 1) as f32;
                let stripes = planes[..2 * width * height].chunks_mut(2 * rows * width);
                for (number, bytes) in stripes.enumerate() {
                    let stripe = &mut stripe[..bytes.len() / 2];
                    stripe
                        .iter_mut()
                        .zip(words(bytes))
                        .for_each(|(luma, code)| *luma = f32::from(code) / depth);
                    change(number * rows, width, stripe);
                    for (code, luma) in bytes.chunks_exact_mut(2).zip(&*stripe) {
                        let value = (luma * depth).min(white) + 0.5;
                        code.copy_from_slice(&(value as u16).to_le_bytes());
                    }
                }
            }
            Samples::Picture(picture) => {
                let (width, height) = picture.size();
                let mut before = vec![0.0; rows * width];
                for first in (0..height).step_by(rows) {
                    let count = rows.min(height - first) * width;
                    let before = &mut before[..count];
                    before.fill(0.0);
                    for (row, luma) in before.chunks_exact_mut(width).enumerate() {
                        for (channel, weight) in WEIGHTS.into_iter().enumerate() {
                            picture.add_row(channel, first + row, 255.0 * weight, luma);
                        }
                    }
                    let mut after = before.to_vec();
                    change(first, width, &mut after);
                    for (place, (new, old)) in after.iter().zip(&*before).enumerate() {
                        picture.brighten(place % width, first + place / width, new - old);
                    }
                }
            }
        }
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|word| u16::from_le_bytes(*word))
}
