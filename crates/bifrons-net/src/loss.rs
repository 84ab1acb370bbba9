//! How far a drawn face is from the true one.
//!
//! Every term is 0 for the same image and at most 1 for the opposite one; the loss is their mean. Only the
//! face counts: pixels weigh what `weight` says (0 outside the mask, more on eyes and mouth).

use burn::tensor::{Device, Tensor, TensorData};

/// Side of SSIM's Gaussian window and its standard deviation, in pixels (Wang et al. 2004).
const WINDOW_PX: usize = 11;
const SIGMA_PX: f64 = 1.5;
/// SSIM's constants (K·L)² for L = 1.
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// The loss of one batch, term by term. Tensors hold one number.
#[derive(Debug)]
pub struct LossTerms {
    /// Structural dissimilarity (1 − SSIM) / 2.
    pub dssim: Tensor<1>,
    /// Mean squared difference.
    pub mse: Tensor<1>,
}

impl LossTerms {
    /// The mean of the terms: what is minimised.
    #[must_use]
    pub fn total(self) -> Tensor<1> {
        (self.dssim + self.mse) * 0.5
    }
}

/// DSSIM and MSE inside a mask, for images of one size.
#[derive(Debug)]
pub struct Loss {
    /// `[size_px, size_px − 10]`: multiplying from the right blurs a row and keeps what the window covers.
    blur: Tensor<2>,
}

impl Loss {
    /// For images of `size_px` × `size_px`, at least 11.
    #[must_use]
    pub fn new(size_px: usize, device: &Device) -> Self {
        let taps: Vec<f64> = (0..WINDOW_PX)
            .map(|i| (i as f64 - (WINDOW_PX / 2) as f64) / SIGMA_PX)
            .map(|x| (-0.5 * x * x).exp())
            .collect();
        let sum: f64 = taps.iter().sum();
        let kept_px = size_px - WINDOW_PX + 1;
        let mut values = vec![0.0_f32; size_px * kept_px];
        for column in 0..kept_px {
            for (tap, value) in taps.iter().enumerate() {
                values[(column + tap) * kept_px + column] = (value / sum) as f32;
            }
        }
        Self { blur: Tensor::from_data(TensorData::new(values, [size_px, kept_px]), device) }
    }

    /// `drawn` and `truth` `[n, 3, s, s]` in `[0, 1]`; `weight` `[n, 1, s, s]`, not negative.
    #[must_use]
    pub fn terms(&self, drawn: Tensor<4>, truth: Tensor<4>, weight: Tensor<4>) -> LossTerms {
        // outside the mask both are black, so that nothing beyond the face leaks into the windows
        let inside = weight.clone().clamp(0.0, 1.0);
        let drawn = drawn * inside.clone();
        let truth = truth * inside;
        let squares = (drawn.clone() - truth.clone()).square();
        let mse = weighted_mean(squares, weight.clone());
        let dssim = weighted_mean(self.dssim_map(drawn, truth), self.blurred(weight));
        LossTerms { dssim, mse }
    }

    /// `[n, 3, s−10, s−10]`, transposed like everything [`blurred`](Self::blurred).
    fn dssim_map(&self, x: Tensor<4>, y: Tensor<4>) -> Tensor<4> {
        let mean_x = self.blurred(x.clone());
        let mean_y = self.blurred(y.clone());
        let mean_xy = mean_x.clone() * mean_y.clone();
        let mean_squares = mean_x.square() + mean_y.square();
        // the variances only occur as a sum: one blur serves both
        let variances = self.blurred(x.clone().square() + y.clone().square()) - mean_squares.clone();
        let covariance = self.blurred(x * y) - mean_xy.clone();
        let ssim =
            ((mean_xy * 2.0 + C1) * (covariance * 2.0 + C2)) / ((mean_squares + C1) * (variances + C2));
        (ssim.neg() + 1.0) * 0.5
    }

    /// The Gaussian window over both axes, without the border it does not fill: `[n, c, s, s]` to
    /// `[n, c, s−10, s−10]`, **transposed** (the window is symmetric and every map takes the same way, so
    /// turning them back would be work for nothing).
    fn blurred(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, c, rows, columns] = x.dims();
        let kept = self.blur.dims()[1];
        let across = x.reshape([n * c * rows, columns]).matmul(self.blur.clone());
        let turned = across.reshape([n * c, rows, kept]).swap_dims(1, 2);
        let down = turned.reshape([n * c * kept, rows]).matmul(self.blur.clone());
        down.reshape([n, c, kept, kept])
    }
}

/// Mean over the batch, each pixel counting by its weight and all channels alike.
fn weighted_mean(values: Tensor<4>, weight: Tensor<4>) -> Tensor<1> {
    let total = weight.clone().sum().clamp_min(1e-6);
    // mean over the channels first: the weight has one
    let per_pixel = values.mean_dim(1);
    (per_pixel * weight).sum() / total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(f: impl Fn(usize, usize, usize) -> f32, size: usize) -> Tensor<4> {
        let mut values = Vec::new();
        for c in 0..3 {
            for y in 0..size {
                for x in 0..size {
                    values.push(f(c, y, x));
                }
            }
        }
        Tensor::from_data(TensorData::new(values, [1, 3, size, size]), &Device::flex())
    }

    fn number(t: Tensor<1>) -> f64 {
        f64::from(t.into_scalar::<f32>())
    }

    fn wave(c: usize, y: usize, x: usize) -> f32 {
        0.5 + 0.4 * ((x as f32 * 0.7 + y as f32 * 0.3 + c as f32).sin())
    }

    /// SSIM written out as in the paper, in f64, for one pixel at a time.
    fn plain_dssim(
        x: impl Fn(usize, usize, usize) -> f32,
        y: impl Fn(usize, usize, usize) -> f32,
        size: usize,
    ) -> f64 {
        let tap = |i: usize| (-0.5 * ((i as f64 - 5.0) / 1.5).powi(2)).exp();
        let norm: f64 = (0..11).map(tap).sum();
        let mut sum = 0.0;
        let kept = size - 10;
        for c in 0..3 {
            for row in 0..kept {
                for column in 0..kept {
                    let (mut mx, mut my, mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
                    for i in 0..11 {
                        for j in 0..11 {
                            let w = tap(i) * tap(j) / (norm * norm);
                            let a = f64::from(x(c, row + i, column + j));
                            let b = f64::from(y(c, row + i, column + j));
                            mx += w * a;
                            my += w * b;
                            xx += w * a * a;
                            yy += w * b * b;
                            xy += w * a * b;
                        }
                    }
                    let ssim = (2.0 * mx * my + C1) * (2.0 * (xy - mx * my) + C2)
                        / ((mx * mx + my * my + C1) * (xx - mx * mx + yy - my * my + C2));
                    sum += (1.0 - ssim) / 2.0;
                }
            }
        }
        sum / (3 * kept * kept) as f64
    }

    #[test]
    fn dssim_equals_the_paper() {
        let other = |c: usize, y: usize, x: usize| 0.3 + 0.5 * wave(c, x, y);
        let terms = Loss::new(24, &Device::flex()).terms(
            image(wave, 24),
            image(other, 24),
            Tensor::ones([1, 1, 24, 24], &Device::flex()),
        );
        assert!((number(terms.dssim) - plain_dssim(wave, other, 24)).abs() < 2e-5);
    }

    #[test]
    fn the_same_is_zero_and_the_opposite_is_one() {
        let loss = Loss::new(16, &Device::flex());
        let all = Tensor::<4>::ones([1, 1, 16, 16], &Device::flex());
        let same = loss.terms(image(wave, 16), image(wave, 16), all.clone()).total();
        assert!(number(same).abs() < 1e-6);
        let check = |_: usize, y: usize, x: usize| ((x + y) % 2) as f32;
        let opposite = loss.terms(image(check, 16), image(|c, y, x| 1.0 - check(c, y, x), 16), all);
        assert!((number(opposite.mse) - 1.0).abs() < 1e-6);
        assert!(number(opposite.dssim) > 0.99);
    }

    #[test]
    fn nothing_outside_the_mask_counts() {
        let loss = Loss::new(32, &Device::flex());
        let half = image(|_, _, x| f32::from(u8::from(x < 16)), 32).slice([0..1, 0..1]);
        let changed = |c: usize, y: usize, x: usize| if x < 16 { wave(c, y, x) } else { 0.9 };
        let value = loss.terms(image(wave, 32), image(changed, 32), half).total();
        assert!(number(value).abs() < 1e-6);
    }

    #[test]
    fn a_known_difference() {
        let half = |_: usize, _: usize, _: usize| 0.5;
        let terms = Loss::new(16, &Device::flex()).terms(
            image(half, 16),
            image(|_, _, _| 0.6, 16),
            Tensor::ones([1, 1, 16, 16], &Device::flex()),
        );
        let mse = number(terms.mse);
        assert!((mse - 0.01).abs() < 1e-6, "{mse}");
        // flat images: SSIM is the luminance term alone
        let expected = (1.0 - (2.0 * 0.3 + C1) / (0.25 + 0.36 + C1)) / 2.0;
        let dssim = number(terms.dssim);
        // E[x²] − E[x]² cancels to 1e-7 in f32, against C2 = 9e-4
        assert!((dssim - expected).abs() < 3e-4, "{dssim} {expected}");
    }
}
