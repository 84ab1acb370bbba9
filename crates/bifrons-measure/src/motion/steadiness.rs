//! What steadying landmarks in time takes away: trembling, and nothing of what a face does.

use bifrons_vision::{Mesh, Seen, eye_openness, mouth_openness, steadied};
use serde::Serialize;

use super::jitter;
use crate::face::{INNER_51, eye_distance, landmarks};

/// Frames on each side over which a lid or a lip must be at its farthest to count as a movement.
const PEAK_FRAMES: usize = 3;
/// Frames on each side in which a movement begins and ends.
const MOVEMENT_FRAMES: usize = 8;
/// Least size of a movement, as openness of eyes or mouth.
const LEAST_MOVEMENT: f32 = 0.08;

/// How much is kept of the fast movements of a part of the face.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Kept {
    /// Movements that were found.
    pub movements: usize,
    /// Mean share of their size that is kept; 1 is all.
    pub mean: f64,
    /// The least share.
    pub least: f64,
}

/// Landmarks of a track as found and as steadied. Jitter is [`jitter`]'s mean over the frames, of the inner 51 points.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Steadiness {
    /// Moments that were compared.
    pub moments: usize,
    /// Jitter as found.
    pub found: f64,
    /// Jitter as steadied.
    pub steadied: f64,
    /// The same in the quarter of the moments in which the head moves least.
    pub found_at_rest: f64,
    /// See `found_at_rest`.
    pub steadied_at_rest: f64,
    /// Blinks: how far the lids still close.
    pub eyes: Kept,
    /// How far the mouth still opens.
    pub mouth: Kept,
}

/// Measures a track. `None` where it has no three frames in a row.
#[must_use]
pub fn steadiness(track: &[Seen]) -> Option<Steadiness> {
    let after: Vec<Mesh> = (0..track.len()).map(|place| steadied(track, place)).collect();
    let before: Vec<&Mesh> = track.iter().map(|seen| &seen.mesh).collect();
    let after: Vec<&Mesh> = after.iter().collect();
    let trembling = |meshes: &[&Mesh], n: usize| {
        let three = [n - 1, n, n + 1].map(|n| landmarks(meshes[n]));
        let eyes_px = eye_distance(&three[1])?;
        let [a, b, c] = three.each_ref().map(|points| &points[INNER_51]);
        jitter(a, b, c, eyes_px)
    };
    // speed of the head, jitter before, jitter after
    let mut moments: Vec<[f64; 3]> = (1..track.len().saturating_sub(1))
        .filter(|&n| track[n + 1].frame - track[n - 1].frame == 2)
        .filter_map(|n| {
            let moved = before[n + 1].bounding_box().centre().distance(before[n - 1].bounding_box().centre());
            let eyes_px = eye_distance(&landmarks(before[n]))?.max(f64::EPSILON);
            Some([moved / eyes_px, trembling(&before, n)?, trembling(&after, n)?])
        })
        .collect();
    if moments.is_empty() {
        return None;
    }
    let mean = |of: &[[f64; 3]], which: usize| of.iter().map(|m| m[which]).sum::<f64>() / of.len() as f64;
    let (found, steadied) = (mean(&moments, 1), mean(&moments, 2));
    moments.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let rest = &moments[..moments.len().div_ceil(4)];
    let series =
        |meshes: &[&Mesh], of: &dyn Fn(&Mesh) -> f32| meshes.iter().map(|mesh| of(mesh)).collect::<Vec<_>>();
    let closed = |mesh: &Mesh| -eye_openness(mesh);
    Some(Steadiness {
        moments: moments.len(),
        found,
        steadied,
        found_at_rest: mean(rest, 1),
        steadied_at_rest: mean(rest, 2),
        eyes: kept(&series(&before, &closed), &series(&after, &closed)),
        mouth: kept(&series(&before, &mouth_openness), &series(&after, &mouth_openness)),
    })
}

/// Compares the peaks of `before` with the same moments of `after`.
fn kept(before: &[f32], after: &[f32]) -> Kept {
    let mut shares: Vec<f64> = Vec::new();
    let most = |values: &[f32]| values.iter().copied().fold(f32::MIN, f32::max);
    let least = |values: &[f32]| values.iter().copied().fold(f32::MAX, f32::min);
    for n in PEAK_FRAMES..before.len().saturating_sub(PEAK_FRAMES) {
        if before[n] < most(&before[n - PEAK_FRAMES..=n + PEAK_FRAMES]) {
            continue;
        }
        let end = (n + MOVEMENT_FRAMES).min(before.len() - 1);
        let base = least(&before[n.saturating_sub(MOVEMENT_FRAMES)..=n]).max(least(&before[n..=end]));
        if before[n] - base >= LEAST_MOVEMENT {
            shares.push(f64::from((most(&after[n - 1..=n + 1]) - base) / (before[n] - base)));
        }
    }
    let count = shares.len();
    if count == 0 {
        return Kept::default();
    }
    Kept {
        movements: count,
        mean: shares.iter().sum::<f64>() / count as f64,
        least: shares.iter().copied().fold(f64::MAX, f64::min),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_peak_is_half_kept() {
        let bump = |size: f32| -> Vec<f32> {
            (0..30).map(|n: i32| size * (1.0 - (n - 15).abs() as f32 / 3.0).max(0.0)).collect()
        };
        let half = kept(&bump(0.3), &bump(0.15));
        assert_eq!(half.movements, 1);
        assert!((half.mean - 0.5).abs() < 1e-6 && (half.least - 0.5).abs() < 1e-6);
        assert_eq!(kept(&bump(0.05), &bump(0.05)), Kept::default());
    }
}
