//! Small faces in large pictures: overlapping tiles, each looked at as closely as the smallest face needs.

use bifrons_media::{PixelRect, ResizeFilter};

use super::{BoundingBox, Detection, DetectorOptions, detect_in, to_frame};
use crate::geometry::Point;
use crate::network::Network;
use crate::{Picture, VisionError};

/// Height in the view from which the detector finds faces.
const FOUND_FROM_PX: f32 = 14.0;
/// Share of the smaller of two boxes from which they are one face seen in two views.
const SAME_FACE_SHARE: f32 = 0.6;

/// Faces that lie whole in a tile. `view_scale`: pixels of the view of the whole picture for one of the picture. Only tiles
/// that meet one of the boxes of `near` are looked at, all of them without.
pub(super) fn detect(
    network: &dyn Network,
    picture: &dyn Picture,
    options: &DetectorOptions,
    view_scale: f32,
    near: Option<&[BoundingBox]>,
) -> Result<Vec<Detection>, VisionError> {
    let size = [picture.width_px(), picture.height_px()];
    let mut found = Vec::new();
    for rect in tiles(size, options, view_scale) {
        let tile = box_of(&rect);
        if near.is_some_and(|near| near.iter().all(|place| place.common_area(&tile) <= 0.0)) {
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
    Ok(found)
}

/// Faces that were found in several views, once each, the surest first.
pub(super) fn once_each(mut found: Vec<Detection>) -> Vec<Detection> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for face in found {
        let is_same = |other: &Detection| {
            let smaller = other.bbox.area().min(face.bbox.area()).max(f32::MIN_POSITIVE);
            other.bbox.common_area(&face.bbox) >= SAME_FACE_SHARE * smaller
        };
        if !kept.iter().any(is_same) {
            kept.push(face);
        }
    }
    kept
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

#[cfg(test)]
mod tests {
    use super::*;

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
                        tile.common_area(&face) >= 0.999 * face.area() && is_whole(&face, &tile, size)
                    }),
                    "{x} {y}"
                );
            }
        }
        assert!(super::tiles([640, 480], &options, 448.0 / 640.0).is_empty());
        assert!(super::tiles(size, &DetectorOptions::default(), view_scale).is_empty());
    }
}
