//! Which detection is which face.

use crate::{BoundingBox, Detection};

/// A detection and the track it belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) track: usize,
    pub(super) detection: usize,
    pub(super) iou: f32,
}

/// Pairs of tracks (those with a box) and detections that overlap by at least `min_iou`, the
/// largest overlap first, each track and each detection once. Equal overlaps go to the older track
/// and the surer detection, so the result does not depend on chance.
pub(super) fn best_pairs(
    tracks: &[Option<BoundingBox>],
    detections: &[Detection],
    min_iou: f32,
) -> Vec<Pair> {
    let mut candidates = Vec::new();
    for (track, bbox) in tracks.iter().enumerate() {
        let Some(bbox) = bbox else { continue };
        for (detection, d) in detections.iter().enumerate() {
            let iou = bbox.iou(&d.bbox);
            if iou >= min_iou {
                candidates.push(Pair { track, detection, iou });
            }
        }
    }
    candidates.sort_by(|a, b| {
        b.iou.total_cmp(&a.iou).then(a.track.cmp(&b.track)).then(a.detection.cmp(&b.detection))
    });
    let mut pairs: Vec<Pair> = Vec::new();
    for c in candidates {
        if pairs.iter().all(|p| p.track != c.track && p.detection != c.detection) {
            pairs.push(c);
        }
    }
    pairs
}

/// The tracks (number and box, oldest first) that overlap an older one by at least `min_iou`.
pub(super) fn duplicates(seen: &[(u32, BoundingBox)], min_iou: f32) -> Vec<u32> {
    let mut younger: Vec<u32> = Vec::new();
    for (i, (id, bbox)) in seen.iter().enumerate() {
        let is_double =
            seen[..i].iter().any(|(older, other)| !younger.contains(older) && other.iou(bbox) >= min_iou);
        if is_double {
            younger.push(*id);
        }
    }
    younger
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Point;

    fn bbox(left: f32) -> BoundingBox {
        BoundingBox { left, top: 0.0, right: left + 10.0, bottom: 10.0 }
    }

    fn detection(left: f32) -> Detection {
        Detection { bbox: bbox(left), score: 0.9, points: [Point::default(); 5] }
    }

    #[test]
    fn the_largest_overlap_wins() {
        let tracks = [Some(bbox(0.0)), None, Some(bbox(3.0))];
        let detections = [detection(2.0), detection(-4.0), detection(80.0)];
        let pairs = best_pairs(&tracks, &detections, 0.3);
        let found: Vec<_> = pairs.iter().map(|p| (p.track, p.detection)).collect();
        assert_eq!(found, [(2, 0), (0, 1)]);
    }

    #[test]
    fn the_younger_of_two_on_one_face_is_a_duplicate() {
        let seen = [(0, bbox(0.0)), (3, bbox(1.0)), (5, bbox(40.0)), (6, bbox(2.0))];
        assert_eq!(duplicates(&seen, 0.5), [3, 6]);
        assert!(duplicates(&seen[..1], 0.5).is_empty());
    }
}
