//! Drawn faces in time. On the flattened face the same skin lies at the same place in every frame, so what differs a little
//! from frame to frame is the network's unrest; what differs much (a lid, a lip) is the performance.
//!
//! A bilateral filter (Tomasi & Manduchi 1998) along time: a neighbour counts by how near it is, and at each place by how
//! alike both look around there. Both directions count, so nothing lags.

use bifrons_media::RgbImage;
use bifrons_vision::averaged;

/// Frames before and after that count, and the deviation of their Gaussian weight.
pub(crate) const REACH: usize = 6;
const SIGMA_FRAMES: f32 = 3.0;
/// Root of the mean squared difference (values 0 to 1) beyond which a neighbour hardly counts.
const SIGMA_COLOUR: f32 = 0.055;
/// Pixels on each side over which the difference is averaged.
const AROUND: usize = 2;

/// `face`, steadied by its neighbours in time: pictures of the same size, each so many frames away.
///
/// # Panics
/// When sizes differ.
pub(crate) fn steadied<'a>(
    face: &RgbImage,
    neighbours: impl IntoIterator<Item = (usize, &'a RgbImage)>,
) -> RgbImage {
    let mut sum = face.data.clone();
    let mut total = vec![1.0_f32; face.width * face.height];
    for (frames, other) in neighbours {
        assert_eq!((face.width, face.height), (other.width, other.height), "drawings of two sizes");
        let distance = frames as f32 / SIGMA_FRAMES;
        let nearness = -0.5 * distance * distance;
        let squares: Vec<f32> = face
            .data
            .chunks_exact(3)
            .zip(other.data.chunks_exact(3))
            .map(|(a, b)| (0..3).map(|c| (a[c] - b[c]).powi(2)).sum::<f32>() / 3.0)
            .collect();
        let around = averaged(&squares, face.width, AROUND);
        for (pixel, square) in around.into_iter().enumerate() {
            let weight = (nearness - 0.5 * square / (SIGMA_COLOUR * SIGMA_COLOUR)).exp();
            total[pixel] += weight;
            for c in 0..3 {
                sum[3 * pixel + c] += weight * other.data[3 * pixel + c];
            }
        }
    }
    for (pixel, total) in sum.chunks_exact_mut(3).zip(total) {
        pixel.iter_mut().for_each(|value| *value /= total);
    }
    RgbImage { data: sum, ..*face }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unrest_is_averaged_and_a_performance_stays() {
        let face = |value: f32| RgbImage::filled(16, 16, [value; 3]);
        let steady = |center: f32, others: &[f32]| {
            let others: Vec<_> = others.iter().map(|&value| face(value)).collect();
            let near = others.iter().enumerate().map(|(number, other)| (number / 2 + 1, other));
            steadied(&face(center), near).get(8, 8)[0]
        };
        // trembling between 0.49 and 0.51
        let found = steady(0.51, &[0.49, 0.49, 0.51, 0.51, 0.49, 0.49]);
        assert!((found - 0.5).abs() < 0.003, "{found}");
        // a lid that has just closed
        let found = steady(0.2, &[0.6, 0.6, 0.6, 0.6, 0.6, 0.6]);
        assert!((found - 0.2).abs() < 1e-4, "{found}");
        assert_eq!(steady(0.3, &[]), 0.3);
    }

    #[test]
    fn what_changes_in_one_place_does_not_keep_the_rest_from_being_steadied() {
        let mut other = RgbImage::filled(32, 32, [0.52; 3]);
        for y in 0..8 {
            for x in 0..8 {
                other.set(x, y, [0.9; 3]);
            }
        }
        let found = steadied(&RgbImage::filled(32, 32, [0.5; 3]), [(1, &other)]);
        assert!((found.get(2, 2)[0] - 0.5).abs() < 1e-3);
        assert!(found.get(24, 24)[0] > 0.505);
    }
}
