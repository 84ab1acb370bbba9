//! What somebody usually looks like.
//!
//! On the flattened face the same skin lies at the same place in every frame, so the mean of somebody's faces is a face: their
//! skin, brows and beard in the light they are usually in. What a single frame differs from it by is what changes: light, gaze,
//! wrinkles. That is much alike from person to person, where looks are not.

use bifrons_media::RgbImage;

use super::FlatMask;

/// How bright the mouth is taken to be, against the face around it.
const MOUTH: f32 = 0.5;

/// The mean of somebody's flattened faces, in the making.
#[derive(Clone, Debug)]
pub struct UsualFace {
    size_px: usize,
    /// Colours by how well they were seen, and how well that was.
    sums: Vec<[f64; 4]>,
}

impl UsualFace {
    /// Of flattened faces of `size_px` squared.
    #[must_use]
    pub fn new(size_px: usize) -> Self {
        Self { size_px, sums: vec![[0.0; 4]; size_px * size_px] }
    }

    /// Counts a face in: colours of the pixels, and how well each was seen, 0 to 1.
    ///
    /// # Panics
    /// When there are not as many as the face has pixels.
    pub fn add(&mut self, pixels: impl ExactSizeIterator<Item = ([f32; 3], f32)>) {
        assert_eq!(pixels.len(), self.sums.len(), "a flattened face of {} px", self.size_px);
        for (sum, (color, seen)) in self.sums.iter_mut().zip(pixels) {
            let seen = f64::from(seen);
            sum.iter_mut().zip(color).for_each(|(sum, value)| *sum += seen * f64::from(value));
            sum[3] += seen;
        }
    }

    /// The mean; black where nothing was seen. The mouth is an even dark instead, `mask` being of the same size: whether it is
    /// open, and teeth show, is no habit of a person, and is seen best against the same for everybody.
    ///
    /// # Panics
    /// When sizes differ.
    #[must_use]
    pub fn face(&self, mask: &FlatMask) -> RgbImage {
        let mean = |[r, g, b, seen]: [f64; 4]| [r, g, b].map(|sum| if seen > 0.0 { sum / seen } else { 0.0 });
        let all = self.sums.iter().fold([0.0; 4], |all, sum| [0, 1, 2, 3].map(|i| all[i] + sum[i]));
        let mouth = mean(all).map(|value| MOUTH * value as f32);
        let data = self.sums.iter().zip(mask.mouth()).flat_map(|(&sum, share)| {
            let own = mean(sum);
            [0, 1, 2].map(|c| own[c] as f32 + share * (mouth[c] - own[c] as f32))
        });
        let data: Vec<f32> = data.collect();
        assert_eq!(data.len(), 3 * self.sums.len(), "a mask of {} px", self.size_px);
        RgbImage { width: self.size_px, height: self.size_px, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 64;

    #[test]
    fn faces_count_where_they_were_seen_and_mouths_are_alike() {
        let mut usual = UsualFace::new(SIZE);
        let area = SIZE * SIZE;
        let left = |at: usize| at % SIZE < SIZE / 2;
        usual.add((0..area).map(|at| ([0.2; 3], if left(at) { 1.0 } else { 0.0 })));
        usual.add((0..area).map(|at| ([0.6, 0.5, 0.4], if left(at) { 0.25 } else { 0.5 })));
        let mask = FlatMask::new(SIZE, 1.0);
        let face = usual.face(&mask);
        let of = |color: [f32; 3], wanted: [f32; 3]| (0..3).all(|c| (color[c] - wanted[c]).abs() < 1e-5);
        assert!(of(face.get(10, 10), [0.28, 0.26, 0.24]), "{:?}", face.get(10, 10));
        assert!(of(face.get(50, 10), [0.6, 0.5, 0.4]));
        let mouth = (0..area).find(|&at| mask.mouth()[at] == 1.0).unwrap();
        // (0.28 · 1.25 + 0.6 · 0.5) / 1.75, and half of that
        let red = face.data[3 * mouth];
        assert!((red - 0.5 * 0.65 / 1.75).abs() < 1e-5, "{red}");
        assert_eq!(UsualFace::new(SIZE).face(&mask), RgbImage::new(SIZE, SIZE));
    }
}
