//! Whether the faces that should be replaced were, and nothing else was.

use bifrons_media::{Frame, PixelRect, RgbImage};
use bifrons_vision::{BoundingBox, Mesh};
use serde::{Deserialize, Serialize};

/// Faces replaced and not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Frames of the footage.
    pub frames: usize,
    /// Frames in which the person is seen.
    pub frames_with_person: usize,
    /// Frames in which the person is seen and was not replaced. Work that is to make somebody unrecognisable must have
    /// none.
    pub not_replaced: Vec<usize>,
    /// Frames in which the picture was changed where no face is.
    pub changed_elsewhere: Vec<usize>,
    /// Frames in which the person was replaced and no face is found there any more.
    pub face_lost: Vec<usize>,
}

/// Encoding alone changes a face by less than this, mean over the face, samples in `[0, 1]`.
const LEAST_CHANGE: f64 = 0.012;
/// And the face changes more than so many times as much as what is round it.
const TIMES_SURROUNDINGS: f64 = 1.5;

/// Whether a face was replaced, from the mean absolute differences of result and footage inside the face and round it.
pub(super) fn is_replaced(inside: f64, around: f64) -> bool {
    inside > LEAST_CHANGE + TIMES_SURROUNDINGS * around
}

/// Long side of the small pictures in which changes elsewhere are looked for, in pixels.
const VIEW_PX: usize = 320;
/// Side of the blocks compared there, in pixels.
const BLOCK_PX: usize = 8;
/// Mean absolute difference of a block that encoding does not make.
const CHANGED_BLOCK: f32 = 0.06;
/// How much the box of a face is enlarged on each side, in shares of it: masks reach up to the hair.
const FACE_ROOM: f32 = 0.35;

/// The box of a face with room for hair and soft masks, in frame pixels.
pub(super) fn with_room(mesh: &Mesh) -> BoundingBox {
    let b = mesh.bounding_box();
    let (x, y) = (b.width() * FACE_ROOM, b.height() * FACE_ROOM);
    BoundingBox { left: b.left - x, top: b.top - y, right: b.right + x, bottom: b.bottom + y }
}

/// Whether a result differs from its footage outside of all `faces`.
pub(super) fn changed_elsewhere(footage: &Frame, result: &Frame, faces: &[Mesh]) -> bool {
    let (before, scale) = footage.rgb_long_side(VIEW_PX);
    let (after, _) = result.rgb_long_side(VIEW_PX);
    let rooms: Vec<BoundingBox> = faces
        .iter()
        .map(with_room)
        .map(|b| BoundingBox {
            left: b.left * scale,
            top: b.top * scale,
            right: b.right * scale,
            bottom: b.bottom * scale,
        })
        .collect();
    changed_block(&before, &after, &rooms).is_some()
}

/// The first block outside of all rooms in which two pictures differ.
fn changed_block(before: &RgbImage, after: &RgbImage, rooms: &[BoundingBox]) -> Option<PixelRect> {
    if (before.width, before.height) != (after.width, after.height) {
        return None;
    }
    let blocks = (0..before.height / BLOCK_PX).flat_map(|y| {
        (0..before.width / BLOCK_PX)
            .map(move |x| PixelRect::new(x * BLOCK_PX, y * BLOCK_PX, BLOCK_PX, BLOCK_PX))
    });
    blocks.into_iter().find(|block| {
        let touches = |room: &BoundingBox| {
            room.left < block.end_x() as f32
                && room.right > block.x as f32
                && room.top < block.end_y() as f32
                && room.bottom > block.y as f32
        };
        if rooms.iter().any(touches) {
            return false;
        }
        let (p, q) = (before.crop(*block), after.crop(*block));
        let sum: f32 = p.data.iter().zip(&q.data).map(|(p, q)| (p - q).abs()).sum();
        sum / p.data.len() as f32 > CHANGED_BLOCK
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_no_replacement_and_a_face_is() {
        assert!(!is_replaced(0.0, 0.0) && !is_replaced(0.01, 0.004) && !is_replaced(0.05, 0.04));
        assert!(is_replaced(0.05, 0.005));
    }

    #[test]
    fn a_change_where_no_face_is_is_caught() {
        let before = RgbImage::filled(64, 48, [0.4; 3]);
        let mut after = before.clone();
        after.paste(&RgbImage::filled(12, 12, [0.6; 3]), 40, 20);
        assert_eq!(changed_block(&before, &before, &[]), None);
        assert!(changed_block(&before, &after, &[]).is_some());
        let face = BoundingBox { left: 38.0, top: 18.0, right: 56.0, bottom: 36.0 };
        assert_eq!(changed_block(&before, &after, &[face]), None);
    }
}
