//! Small views of a frame: for the face detector and for finding cuts.

use crate::RgbImage;
use crate::color::{Conversion, Range};
use crate::frame::{Frame, Samples, YuvFormat};
use crate::layout::{OneByte, Rotation, SampleFormat, TwoBytes};

/// Longest side of [`LumaThumbnail`], in pixels.
const THUMBNAIL_SIDE_PX: usize = 64;

/// A small grey picture of a frame, in displayed orientation, for comparing frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LumaThumbnail {
    /// Columns, in pixels; at most 64.
    pub width: usize,
    /// Rows, in pixels; at most 64.
    pub height: usize,
    /// Luma, `[height][width]`, 0 for black to 255 for white.
    pub data: Vec<u8>,
}

impl LumaThumbnail {
    /// Mean absolute difference of luma between two frames, 0 to 255; `None` when the sizes
    /// differ.
    #[must_use]
    pub fn mean_difference(&self, other: &Self) -> Option<f32> {
        if (self.width, self.height) != (other.width, other.height) {
            return None;
        }
        let sum: u64 = self.data.iter().zip(&other.data).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
        Some(sum as f32 / self.data.len().max(1) as f32)
    }
}

impl Frame {
    /// The whole frame as RGB, made smaller so that its long side is `size_px` (never larger than
    /// the frame), and the scale: `view = frame * scale` on the continuous plane, in both
    /// directions alike. A last row or column that the frame only partly covers shows what there
    /// is.
    #[must_use]
    pub fn rgb_long_side(&self, size_px: usize) -> (RgbImage, f32) {
        let long_side = self.width_px().max(self.height_px());
        if size_px == 0 || size_px >= long_side {
            return (self.rgb(self.whole()), 1.0);
        }
        let scale = size_px as f64 / long_side as f64;
        let image = match &self.samples {
            Samples::Yuv { format, planes } => small_rgb(format, planes, scale),
            Samples::Picture(picture) => {
                let (width, height) = picture.size();
                let size = small_size(width, height, scale);
                let columns = windows(width as f64, scale, size.0, false);
                let rows = windows(height as f64, scale, size.1, false);
                let planes: [Vec<f32>; 3] = std::array::from_fn(|channel| {
                    shrink(width, &columns, &rows, |y, weight, sums| {
                        picture.add_row(channel, y, weight, sums);
                    })
                });
                interleave(&planes, size)
            }
        };
        (image, scale as f32)
    }

    /// A small grey picture of the frame, for finding cuts. Contrast is as filmed; limited range
    /// is stretched to 0 to 255.
    #[must_use]
    pub fn luma_thumbnail(&self) -> LumaThumbnail {
        let long_side = self.width_px().max(self.height_px());
        let scale = (THUMBNAIL_SIDE_PX as f64 / long_side as f64).min(1.0);
        let byte = |v: f32| (v * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
        match &self.samples {
            Samples::Yuv { format, planes } => {
                let layout = &format.layout;
                let (width, height) = small_size(layout.width, layout.height, scale);
                let luma = shrink_plane(format, planes, 0, scale, (width, height));
                let grey = luma.into_iter().map(|code| byte(format.conversion.luma(code))).collect();
                let data = format.rotation.displayed_from_stored(grey, width, height, 1);
                let (width, height) = format.rotation.displayed_size(width, height);
                LumaThumbnail { width, height, data }
            }
            Samples::Picture(_) => {
                let (small, _) = self.rgb_long_side(THUMBNAIL_SIDE_PX);
                let weights = Conversion::new(crate::Matrix::Bt709, Range::Full, 8);
                let data = small
                    .data
                    .chunks_exact(3)
                    .map(|p| byte(weights.codes([p[0], p[1], p[2]])[0] / 255.0))
                    .collect();
                LumaThumbnail { width: small.width, height: small.height, data }
            }
        }
    }
}

/// Size of a view: the last pixel may be covered in part only, but for rounding.
fn small_size(width: usize, height: usize, scale: f64) -> (usize, usize) {
    let side = |size: usize| ((size as f64 * scale - 1e-6).ceil() as usize).max(1);
    (side(width), side(height))
}

/// The frame made smaller while still in planes, then converted: one look at each sample.
fn small_rgb(format: &YuvFormat, planes: &[u8], scale: f64) -> RgbImage {
    let layout = &format.layout;
    let (width, height) = small_size(layout.width, layout.height, scale);
    let [luma, cb, cr]: [Vec<f32>; 3] =
        std::array::from_fn(|plane| shrink_plane(format, planes, plane, scale, (width, height)));
    let mut data = Vec::with_capacity(width * height * 3);
    for ((y, cb), cr) in luma.into_iter().zip(cb).zip(cr) {
        let term = format.conversion.chroma_term(cb, cr);
        data.extend_from_slice(&Conversion::rgb(format.conversion.luma(y), term));
    }
    let data = format.rotation.displayed_from_stored(data, width, height, 3);
    let (width, height) = format.rotation.displayed_size(width, height);
    RgbImage { width, height, data }
}

fn shrink_plane(
    format: &YuvFormat,
    planes: &[u8],
    plane: usize,
    scale: f64,
    (target_width, target_height): (usize, usize),
) -> Vec<f32> {
    let layout = &format.layout;
    let width = layout.plane_size(plane).0;
    let start = layout.plane_start(plane);
    let (span_x, span_y) = if plane == 0 {
        (1.0, 1.0)
    } else {
        (f64::from(1u32 << layout.chroma_shift_x), f64::from(1u32 << layout.chroma_shift_y))
    };
    // The displayed origin must fall on a pixel corner of the view, so an axis that turning runs
    // backwards is divided from its end.
    let backwards_x = matches!(format.rotation, Rotation::Half | Rotation::Clockwise270);
    let backwards_y = matches!(format.rotation, Rotation::Half | Rotation::Clockwise90);
    let columns = windows(layout.width as f64 / span_x, scale * span_x, target_width, backwards_x);
    let rows = windows(layout.height as f64 / span_y, scale * span_y, target_height, backwards_y);
    fn add<S: SampleFormat>(planes: &[u8], at: usize, weight: f32, sums: &mut [f32]) {
        let count = sums.len();
        for (sum, code) in sums.iter_mut().zip(S::run(planes, at, count)) {
            *sum += weight * code;
        }
    }
    shrink(width, &columns, &rows, |y, weight, sums| {
        if layout.depth_bits == 8 {
            add::<OneByte>(planes, start + y * width, weight, sums);
        } else {
            add::<TwoBytes>(planes, start + y * width, weight, sums);
        }
    })
}

/// Source samples `first..` and their weights (which sum to 1) for one target sample.
struct Window {
    first: usize,
    weights: Vec<f32>,
}

/// The part of the source that each of `target` samples covers when `target = source * scale`.
/// `extent` is the length of the source in samples, the last of which may count in part only.
fn windows(extent: f64, scale: f64, target: usize, backwards: bool) -> Vec<Window> {
    (0..target)
        .map(|i| {
            let (from, to) = if backwards {
                (extent - (target - i) as f64 / scale, extent - (target - i - 1) as f64 / scale)
            } else {
                (i as f64 / scale, (i + 1) as f64 / scale)
            };
            let from = from.clamp(0.0, extent - 1e-6);
            let to = to.clamp(from + 1e-6, extent);
            let first = from as usize;
            let last = (to.ceil() as usize).max(first + 1);
            let cover: Vec<f64> =
                (first..last).map(|s| ((s + 1) as f64).min(to) - (s as f64).max(from)).collect();
            let sum: f64 = cover.iter().sum();
            Window { first, weights: cover.iter().map(|c| (c / sum) as f32).collect() }
        })
        .collect()
}

/// Mean over the covered area, rows first, then columns. `add_row` adds row `y` times a weight to
/// sums, one a column.
fn shrink(
    width: usize,
    columns: &[Window],
    rows: &[Window],
    mut add_row: impl FnMut(usize, f32, &mut [f32]),
) -> Vec<f32> {
    let mut mean = vec![0.0f32; width];
    let mut target = Vec::with_capacity(columns.len() * rows.len());
    for window in rows {
        mean.fill(0.0);
        for (y, &weight) in (window.first..).zip(&window.weights) {
            add_row(y, weight, &mut mean);
        }
        target.extend(columns.iter().map(|column| {
            mean[column.first..]
                .iter()
                .zip(&column.weights)
                .map(|(sample, weight)| sample * weight)
                .sum::<f32>()
        }));
    }
    target
}

fn interleave(planes: &[Vec<f32>; 3], (width, height): (usize, usize)) -> RgbImage {
    let data = (0..width * height).flat_map(|i| [planes[0][i], planes[1][i], planes[2][i]]).collect();
    RgbImage { width, height, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_by_two_is_the_mean_of_four() {
        let source = [[0.0, 2.0, 10.0, 10.0], [4.0, 2.0, 10.0, 30.0]];
        let small =
            shrink(4, &windows(4.0, 0.5, 2, false), &windows(2.0, 0.5, 1, false), |y, weight, sums| {
                for (sum, v) in sums.iter_mut().zip(source[y]) {
                    *sum += weight * v;
                }
            });
        assert_eq!(small, [2.0, 15.0]);
    }

    #[test]
    fn windows_cover_the_source_once_with_fractional_edges() {
        let w = windows(5.0, 0.4, 2, false);
        assert_eq!((w[0].first, w[1].first), (0, 2));
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-6);
        assert!(close(&w[0].weights, &[0.4, 0.4, 0.2]));
        assert!(close(&w[1].weights, &[0.2, 0.4, 0.4]));
    }

    #[test]
    fn a_backwards_axis_is_divided_from_its_end() {
        let w = windows(5.0, 0.5, 3, true);
        let parts: Vec<_> = w.iter().map(|w| (w.first, w.weights.len())).collect();
        assert_eq!(parts, [(0, 1), (1, 2), (3, 2)]);
        let half_sample = windows(2.5, 1.0, 3, false);
        assert_eq!((half_sample[2].first, half_sample[2].weights.len()), (2, 1));
    }

    #[test]
    fn the_last_pixel_may_be_covered_in_part() {
        assert_eq!(small_size(1920, 1080, 640.0 / 1920.0), (640, 360));
        assert_eq!(small_size(101, 75, 50.0 / 101.0), (50, 38));
    }
}
