//! Finding faces: CenterFace.
//!
//! The network gives one value for each 4x4 cell of its input: how sure it is that a face is
//! centred there, the face's size and offset, and five rough points (decode rules in
//! `models/README.md`). Several cells answer for one face and differ by up to 14 px on a face of
//! 300 px, so the boxes are fused, weighted by score, and no crop is ever taken from a box: boxes
//! only say where the mesh starts.
//!
//! Limits: with the view at a long side of 448 px, faces down to about 3 % of the long side are
//! found (12-16 px in the view); smaller ones need a larger view, [`DetectorOptions::long_side_px`], or
//! large frames looked at in tiles as well, [`DetectorOptions::least_face_px`].

mod tiles;

use bifrons_media::RgbImage;
use serde::{Deserialize, Serialize};

use crate::geometry::Point;
use crate::network::{Array, Network};
use crate::{Picture, VisionError};

/// A box along the axes, in displayed frame pixels (may reach out of the frame).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Lower edge.
    pub bottom: f32,
}

impl BoundingBox {
    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// Centre.
    #[must_use]
    pub fn centre(&self) -> Point {
        Point::new(f64::from(self.left + self.right) * 0.5, f64::from(self.top + self.bottom) * 0.5)
    }

    /// Area in square pixels; 0 for a box turned inside out.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// Area of what two boxes have in common, in square pixels.
    #[must_use]
    pub fn common_area(&self, other: &Self) -> f32 {
        let common = Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        common.area()
    }

    /// Intersection over union, in `[0, 1]`.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let common = self.common_area(other);
        let union = self.area() + other.area() - common;
        if union > 0.0 { common / union } else { 0.0 }
    }

    /// The smallest box around some points; empty at the origin for none.
    #[must_use]
    pub fn around(points: impl IntoIterator<Item = Point>) -> Self {
        let mut points = points.into_iter();
        let Some(first) = points.next() else {
            return Self::default();
        };
        let (x, y) = (first.x as f32, first.y as f32);
        let start = Self { left: x, top: y, right: x, bottom: y };
        points.fold(start, |b, p| Self {
            left: b.left.min(p.x as f32),
            top: b.top.min(p.y as f32),
            right: b.right.max(p.x as f32),
            bottom: b.bottom.max(p.y as f32),
        })
    }
}

/// A face as the detector sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Where the face is, forehead to chin.
    pub bbox: BoundingBox,
    /// How sure the detector is, in `[0, 1]`.
    pub score: f32,
    /// Rough points in frame pixels: eye on the picture's left, eye on its right, nose, mouth
    /// corner on its left, on its right.
    pub points: [Point; 5],
}

/// How to detect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DetectorOptions {
    /// Long side of the view the detector gets, in pixels; time grows with its square. 448 is right
    /// for faces that are to be replaced, 640 finds smaller ones.
    pub long_side_px: usize,
    /// Least score of a cell, in `[0, 1]`.
    pub min_score: f32,
    /// Boxes that overlap at least so much (intersection over union) are one face.
    pub fuse_iou: f32,
    /// Height of the smallest faces to be found, in pixels of the picture: where the view is too small for them, the
    /// picture is also looked at in overlapping tiles, each the time of a view. 0: the view is enough.
    #[serde(default)]
    pub least_face_px: f32,
}

impl Default for DetectorOptions {
    fn default() -> Self {
        Self { long_side_px: 448, min_score: 0.35, fuse_iou: 0.3, least_face_px: 0.0 }
    }
}

/// The sides of the network's input must be multiples of this.
const INPUT_STEP_PX: usize = 32;
/// Pixels a cell covers along an axis.
const STRIDE_PX: f32 = 4.0;
/// More cells than this never answer for real faces: keeps the fusing fast on a hostile picture.
const MAX_CELLS: usize = 4096;

/// All faces of a picture, the surest first. Tiles are looked at where they meet one of the boxes of `near`, and all
/// of them without.
pub(crate) fn detect(
    network: &dyn Network,
    picture: &dyn Picture,
    options: &DetectorOptions,
    near: Option<&[BoundingBox]>,
) -> Result<Vec<Detection>, VisionError> {
    let (view, scale_x, scale_y) = picture.view(options.long_side_px)?;
    let mut found = detect_in(network, &view, options)?;
    for face in &mut found {
        to_frame(face, scale_x, scale_y);
    }
    if options.least_face_px > 0.0 {
        found.extend(tiles::detect(network, picture, options, scale_x.min(scale_y) as f32, near)?);
        found = tiles::once_each(found);
    }
    Ok(found)
}

/// The faces of a view, in its pixels.
fn detect_in(
    network: &dyn Network,
    view: &RgbImage,
    options: &DetectorOptions,
) -> Result<Vec<Detection>, VisionError> {
    let input = Array::from_picture(&pad(view));
    let outputs = network.run(&[("image", &input)], &["heatmap", "scale", "offset", "landmarks"])?;
    Ok(fuse(decode(&outputs, options.min_score), options.fuse_iou))
}

/// Black added on the right and below up to the next multiple of [`INPUT_STEP_PX`].
pub(crate) fn pad(view: &RgbImage) -> RgbImage {
    let side = |px: usize| px.div_ceil(INPUT_STEP_PX) * INPUT_STEP_PX;
    let mut padded = RgbImage::new(side(view.width), side(view.height));
    padded.paste(view, 0, 0);
    padded
}

/// Every cell that is sure enough, as a face in view pixels, the surest first.
fn decode(outputs: &[Array], min_score: f32) -> Vec<Detection> {
    let [heatmap, scale, offset, landmarks] = outputs else {
        return Vec::new();
    };
    let (rows, columns) = match heatmap.shape[..] {
        [1, 1, rows, columns] => (rows, columns),
        _ => return Vec::new(),
    };
    let cells = rows * columns;
    if scale.data.len() != 2 * cells || offset.data.len() != 2 * cells || landmarks.data.len() != 10 * cells {
        return Vec::new();
    }
    let mut sure: Vec<usize> = (0..cells).filter(|&i| heatmap.data[i] >= min_score).collect();
    // Equal scores keep the order of the cells: the result does not depend on the sort.
    sure.sort_by(|&a, &b| heatmap.data[b].total_cmp(&heatmap.data[a]).then(a.cmp(&b)));
    sure.truncate(MAX_CELLS);
    sure.into_iter()
        .map(|i| {
            let (row, column) = ((i / columns) as f32, (i % columns) as f32);
            let height = scale.data[i].exp() * STRIDE_PX;
            let width = scale.data[cells + i].exp() * STRIDE_PX;
            let top = (row + offset.data[i] + 0.5) * STRIDE_PX - height / 2.0;
            let left = (column + offset.data[cells + i] + 0.5) * STRIDE_PX - width / 2.0;
            let point = |j: usize| {
                Point::new(
                    f64::from(left + landmarks.data[(2 * j + 1) * cells + i] * width),
                    f64::from(top + landmarks.data[2 * j * cells + i] * height),
                )
            };
            Detection {
                bbox: BoundingBox { left, top, right: left + width, bottom: top + height },
                score: heatmap.data[i],
                points: [point(0), point(1), point(2), point(3), point(4)],
            }
        })
        .collect()
}

/// Weighted non-maximum suppression: the surest box takes all boxes that overlap it, and becomes
/// their mean weighted by score; its score stays the highest.
fn fuse(mut candidates: Vec<Detection>, min_iou: f32) -> Vec<Detection> {
    let mut fused = Vec::new();
    while let Some(best) = candidates.first().cloned() {
        let (same, rest): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|c| c.bbox == best.bbox || c.bbox.iou(&best.bbox) >= min_iou);
        candidates = rest;
        let total: f32 = same.iter().map(|c| c.score).sum();
        let mean =
            |value: &dyn Fn(&Detection) -> f32| same.iter().map(|c| c.score * value(c)).sum::<f32>() / total;
        let point = |j: usize| {
            Point::new(f64::from(mean(&|c| c.points[j].x as f32)), f64::from(mean(&|c| c.points[j].y as f32)))
        };
        fused.push(Detection {
            bbox: BoundingBox {
                left: mean(&|c| c.bbox.left),
                top: mean(&|c| c.bbox.top),
                right: mean(&|c| c.bbox.right),
                bottom: mean(&|c| c.bbox.bottom),
            },
            score: best.score,
            points: [point(0), point(1), point(2), point(3), point(4)],
        });
    }
    fused
}

/// From pixels of the view to pixels of the frame.
fn to_frame(face: &mut Detection, scale_x: f64, scale_y: f64) {
    let (x, y) = (scale_x as f32, scale_y as f32);
    face.bbox = BoundingBox {
        left: face.bbox.left / x,
        top: face.bbox.top / y,
        right: face.bbox.right / x,
        bottom: face.bbox.bottom / y,
    };
    face.points = face.points.map(|p| Point::new(p.x / scale_x, p.y / scale_y));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, score: f32) -> Detection {
        Detection {
            bbox: BoundingBox { left, top: 0.0, right: left + 10.0, bottom: 10.0 },
            score,
            points: [Point::new(f64::from(left), 1.0); 5],
        }
    }

    #[test]
    fn iou_of_half_shifted_boxes_is_a_third() {
        assert!((face(0.0, 1.0).bbox.iou(&face(5.0, 1.0).bbox) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(face(0.0, 1.0).bbox.iou(&face(20.0, 1.0).bbox), 0.0);
    }

    #[test]
    fn fusing_is_the_mean_weighted_by_score() {
        let fused = fuse(vec![face(0.0, 0.75), face(4.0, 0.25), face(50.0, 0.2)], 0.3);
        assert_eq!(fused.len(), 2);
        assert!((fused[0].bbox.left - 1.0).abs() < 1e-6);
        assert!((fused[0].points[3].x - 1.0).abs() < 1e-6);
        assert_eq!(fused[0].score, 0.75);
        assert_eq!(fused[1].bbox.left, 50.0);
    }

    #[test]
    fn a_cell_is_decoded_by_the_rule_of_the_model_card() {
        // 2 rows, 3 columns; the cell in row 1, column 2 fires.
        let plane = |channels: usize, values: &[f32]| {
            let mut data = vec![0.0; channels * 6];
            for (c, v) in values.iter().enumerate() {
                data[c * 6 + 5] = *v;
            }
            Array { shape: vec![1, channels, 2, 3], data }
        };
        let points: Vec<f32> = (0..10).map(|i| i as f32 / 10.0).collect();
        let outputs = [
            plane(1, &[0.9]),
            plane(2, &[2.0f32.ln(), 3.0f32.ln()]),
            plane(2, &[0.25, -0.5]),
            plane(10, &points),
        ];
        let found = decode(&outputs, 0.35);
        assert_eq!(found.len(), 1);
        // Height 8, width 12, centre (8, 7).
        let b = found[0].bbox;
        assert!((b.top - 3.0).abs() < 1e-5 && (b.bottom - 11.0).abs() < 1e-5);
        assert!((b.left - 2.0).abs() < 1e-5 && (b.right - 14.0).abs() < 1e-5);
        // Point 1: y = top + 0.2 * 8, x = left + 0.3 * 12.
        let p = found[0].points[1];
        assert!((p.y - 4.6).abs() < 1e-5 && (p.x - 5.6).abs() < 1e-5);
    }
}
