//! Trembling of points.

use bifrons_vision::geometry::Point;

/// Second difference of points over three neighbouring frames, root of the mean square over the points, in eye
/// distances (`eye_distance_px` of the middle frame): `|L(t+1) - 2 L(t) + L(t-1)| / d`. 0 for a steady or evenly moving
/// face. The result's over the footage's is 1 when the face trembles no more than the filmed one.
///
/// `None` when the lists differ in length or are empty, or the eye distance is not above 0.
#[must_use]
pub fn jitter(before: &[Point], now: &[Point], after: &[Point], eye_distance_px: f64) -> Option<f64> {
    let alike = before.len() == now.len() && now.len() == after.len() && !now.is_empty();
    if !alike || eye_distance_px.is_nan() || eye_distance_px <= 0.0 {
        return None;
    }
    let square = |i: usize| {
        let bend = after[i] - now[i] * 2.0 + before[i];
        bend.x * bend.x + bend.y * bend.y
    };
    let mean = (0..now.len()).map(square).sum::<f64>() / now.len() as f64;
    Some(mean.sqrt() / eye_distance_px)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(dx: f64, dy: f64) -> Vec<Point> {
        (0..51).map(|i| Point::new(f64::from(i % 7) * 9.0 + dx, f64::from(i / 7) * 8.0 + dy)).collect()
    }

    #[test]
    fn even_motion_does_not_tremble() {
        assert_eq!(jitter(&face(0.0, 0.0), &face(2.0, 1.0), &face(4.0, 2.0), 60.0), Some(0.0));
    }

    #[test]
    fn a_jump_to_and_fro_is_twice_its_size() {
        let value = jitter(&face(0.0, 0.0), &face(3.0, 0.0), &face(0.0, 0.0), 60.0).unwrap();
        assert!((value - 0.1).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_compared_is_none() {
        assert_eq!(jitter(&[], &[], &[], 60.0), None);
        assert_eq!(jitter(&face(0.0, 0.0), &face(0.0, 0.0), &face(0.0, 0.0), 0.0), None);
        assert_eq!(jitter(&face(0.0, 0.0)[1..], &face(0.0, 0.0), &face(0.0, 0.0), 60.0), None);
    }
}
