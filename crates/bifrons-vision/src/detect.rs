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

use bifrons_media::{PixelRect, ResizeFilter, RgbImage};
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

    /// Intersection over union, in `[0, 1]`.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let common = Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
        .area();
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

/// Height in the view from which the detector finds faces.
const FOUND_FROM_PX: f32 = 14.0;
/// Share of the smaller of two boxes from which they are one face seen in two views.
const SAME_FACE_SHARE: f32 = 0.6;

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
    let size = [picture.width_px(), picture.height_px()];
    for rect in tiles(size, options, scale_x.min(scale_y) as f32) {
        let tile = box_of(&rect);
        if near.is_some_and(|near| near.iter().all(|place| common_area(place, &tile) <= 0.0)) {
            continue;
        }
        let scale = FOUND_FROM_PX / options.least_face_px;
        let side = |px: usize| ((px as f32 * scale).round() as usize).max(1);
        let view = picture.rgb(rect).resize(side(rect.width), side(rect.height), ResizeFilter::Area)?;
        let (x, y) = (view.width as f64 / rect.width as f64, view.height as f64 / rect.height as f64);
        for mut face in detect_in(network, &view, options)? {
            to_frame(&mut face, x, y);
            moved(&mut face, rect.x as f32, rect.y as f32);
            // what an inner edge cuts is whole in the next tile
            if is_whole(&face.bbox, &tile, size) {
                found.push(face);
            }
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for face in found {
        let is_same = |other: &Detection| {
            let smaller = other.bbox.area().min(face.bbox.area()).max(f32::MIN_POSITIVE);
            common_area(&other.bbox, &face.bbox) >= SAME_FACE_SHARE * smaller
        };
        // one view never gives a face twice
        if options.least_face_px <= 0.0 || !kept.iter().any(is_same) {
            kept.push(face);
        }
    }
    Ok(kept)
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

/// Squares that cover a picture of this size and overlap by more than the largest face that the view, which has
/// `view_scale` of its pixels, misses. None where the view misses nothing that is wanted.
fn tiles(size: [usize; 2], options: &DetectorOptions, view_scale: f32) -> Vec<PixelRect> {
    let scale = FOUND_FROM_PX / options.least_face_px;
    if options.least_face_px <= 0.0 || scale <= view_scale {
        return Vec::new();
    }
    let side = (options.long_side_px as f32 / scale) as usize;
    let overlap = ((1.5 * FOUND_FROM_PX / view_scale) as usize).min(side / 2);
    let starts = |length: usize| -> Vec<usize> {
        let room = length.saturating_sub(side);
        let steps = room.div_ceil((side - overlap).max(1));
        (0..=steps).map(|n| room * n / steps.max(1)).collect()
    };
    let columns = starts(size[0]);
    let tile =
        |x: usize, y: usize| PixelRect { x, y, width: side.min(size[0] - x), height: side.min(size[1] - y) };
    starts(size[1]).iter().flat_map(|&y| columns.iter().map(move |&x| tile(x, y))).collect()
}

fn box_of(rect: &PixelRect) -> BoundingBox {
    let (left, top) = (rect.x as f32, rect.y as f32);
    BoundingBox { left, top, right: left + rect.width as f32, bottom: top + rect.height as f32 }
}

fn common_area(a: &BoundingBox, b: &BoundingBox) -> f32 {
    let (left, right) = (a.left.max(b.left), a.right.min(b.right));
    let (top, bottom) = (a.top.max(b.top), a.bottom.min(b.bottom));
    BoundingBox { left, top, right, bottom }.area()
}

/// Whether no edge of a tile cuts a box but those of the picture.
fn is_whole(bbox: &BoundingBox, tile: &BoundingBox, [width, height]: [usize; 2]) -> bool {
    (bbox.left > tile.left + 1.0 || tile.left <= 0.0)
        && (bbox.top > tile.top + 1.0 || tile.top <= 0.0)
        && (bbox.right < tile.right - 1.0 || tile.right >= width as f32)
        && (bbox.bottom < tile.bottom - 1.0 || tile.bottom >= height as f32)
}

fn moved(face: &mut Detection, right_px: f32, down_px: f32) {
    let BoundingBox { left, top, right, bottom } = face.bbox;
    face.bbox = BoundingBox {
        left: left + right_px,
        top: top + down_px,
        right: right + right_px,
        bottom: bottom + down_px,
    };
    let by = Point::new(f64::from(right_px), f64::from(down_px));
    face.points = face.points.map(|p| p + by);
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
    fn tiles_cover_the_picture_and_whatever_the_view_misses_lies_whole_in_one() {
        let options = DetectorOptions { least_face_px: 24.0, ..DetectorOptions::default() };
        let size = [3840, 2160];
        let view_scale = 448.0 / 3840.0;
        let tiles = tiles(size, &options, view_scale);
        assert!((12..60).contains(&tiles.len()), "{}", tiles.len());
        let missed = FOUND_FROM_PX / view_scale;
        for x in (0..size[0] - 130).step_by(37) {
            for y in (0..size[1] - 130).step_by(41) {
                let (left, top) = (x as f32, y as f32);
                let face = BoundingBox { left, top, right: left + missed, bottom: top + missed };
                assert!(
                    tiles.iter().any(|tile| {
                        let tile = box_of(tile);
                        common_area(&tile, &face) >= 0.999 * face.area() && is_whole(&face, &tile, size)
                    }),
                    "{x} {y}"
                );
            }
        }
        assert!(super::tiles([640, 480], &options, 448.0 / 640.0).is_empty());
        assert!(super::tiles(size, &DetectorOptions::default(), view_scale).is_empty());
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
