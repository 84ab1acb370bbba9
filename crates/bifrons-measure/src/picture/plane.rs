//! One sample a pixel.

use bifrons_media::RgbImage;

/// A grey picture, `height * width` samples row by row, nominally in `[0, 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Columns, in pixels.
    pub width: usize,
    /// Rows, in pixels.
    pub height: usize,
    /// Samples, `[height][width]`.
    pub data: Vec<f32>,
}

impl Plane {
    /// A plane of one value.
    #[must_use]
    pub fn filled(width: usize, height: usize, value: f32) -> Self {
        Self { width, height, data: vec![value; width * height] }
    }

    /// A plane from a function of column and row.
    #[must_use]
    pub fn from_fn(width: usize, height: usize, f: impl Fn(usize, usize) -> f32) -> Self {
        let data = (0..width * height).map(|i| f(i % width, i / width)).collect();
        Self { width, height, data }
    }

    /// Luma of a picture, gamma-encoded as filmed ([`bifrons_media::luma`]).
    #[must_use]
    pub fn luma(picture: &RgbImage) -> Self {
        Self { width: picture.width, height: picture.height, data: picture.lumas() }
    }

    /// The sample at a place; outside, that of the nearest pixel inside. 0 for a plane without pixels.
    #[must_use]
    pub fn at(&self, x: isize, y: isize) -> f32 {
        if self.data.is_empty() {
            return 0.0;
        }
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        self.data[y * self.width + x]
    }

    /// The value at a place of the continuous plane (pixel centres at `.5`), bilinear, the border going on.
    #[must_use]
    pub fn sample(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (u, v) = (x - left, y - top);
        let (left, top) = (left as isize, top as isize);
        let upper = self.at(left, top) * (1.0 - u) + self.at(left + 1, top) * u;
        let lower = self.at(left, top + 1) * (1.0 - u) + self.at(left + 1, top + 1) * u;
        upper * (1.0 - v) + lower * v
    }

    /// The plane convolved with a Gaussian of a standard deviation in pixels, cut off at `reach`
    /// pixels from its centre and normalised; the border going on.
    #[must_use]
    pub fn blurred(&self, sigma_px: f32, reach: usize) -> Self {
        let reach = reach as isize;
        let weights: Vec<f32> =
            (-reach..=reach).map(|d| (-0.5 * (d as f32 / sigma_px).powi(2)).exp()).collect();
        let sum: f32 = weights.iter().sum();
        let weights: Vec<f32> = weights.iter().map(|w| w / sum).collect();
        let rows = self.convolved(&weights, reach, |x, d| x + d, |y, _| y);
        rows.convolved(&weights, reach, |x, _| x, |y, d| y + d)
    }

    fn convolved(
        &self,
        weights: &[f32],
        reach: isize,
        column: impl Fn(isize, isize) -> isize,
        row: impl Fn(isize, isize) -> isize,
    ) -> Self {
        Self::from_fn(self.width, self.height, |x, y| {
            let (x, y) = (x as isize, y as isize);
            (-reach..=reach).zip(weights).map(|(d, w)| w * self.at(column(x, d), row(y, d))).sum()
        })
    }

    /// The plane at half the size: means of 2 x 2 pixels (a last odd row or column counts twice).
    #[must_use]
    pub fn halved(&self) -> Self {
        Self::from_fn(self.width.div_ceil(2), self.height.div_ceil(2), |x, y| {
            let (x, y) = (2 * x as isize, 2 * y as isize);
            (self.at(x, y) + self.at(x + 1, y) + self.at(x, y + 1) + self.at(x + 1, y + 1)) / 4.0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_of_white_is_one_and_of_green_its_share() {
        let mut picture = RgbImage::filled(2, 1, [1.0; 3]);
        picture.set(1, 0, [0.0, 1.0, 0.0]);
        let luma = Plane::luma(&picture);
        assert!((luma.data[0] - 1.0).abs() < 1e-6 && (luma.data[1] - 0.7152).abs() < 1e-6);
    }

    #[test]
    fn sampling_is_exact_at_centres_and_linear_between() {
        let ramp = Plane::from_fn(4, 2, |x, _| x as f32);
        assert_eq!(ramp.sample(2.5, 0.5), 2.0);
        assert_eq!(ramp.sample(3.0, 1.0), 2.5);
        assert_eq!(ramp.sample(-9.0, 0.5), 0.0);
    }

    #[test]
    fn blurring_keeps_an_even_plane_and_spreads_a_point() {
        assert!(Plane::filled(9, 9, 0.25).blurred(1.5, 5).data.iter().all(|v| (v - 0.25).abs() < 1e-6));
        let point = Plane::from_fn(21, 21, |x, y| f32::from(x == 10 && y == 10));
        let spread = point.blurred(1.5, 5);
        assert!((spread.data.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(spread.at(10, 10) < 0.1 && spread.at(10, 10) > spread.at(11, 10));
    }

    #[test]
    fn halving_is_the_mean_of_four() {
        let half = Plane::from_fn(3, 2, |x, y| (x + 3 * y) as f32).halved();
        assert_eq!((half.width, half.height), (2, 1));
        assert_eq!(half.data, [2.0, 3.5]);
    }
}
