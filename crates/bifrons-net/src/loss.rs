//! How far a drawn face is from the true one.
//!
//! Every term is 0 for the same image and at most 1 for the opposite one; the loss is their mean. Only the
//! face counts: pixels weigh what `weight` says (0 outside the mask, more on eyes and mouth).

use bifrons_kernels::loss::WINDOW_PX;
use burn::tensor::Tensor;

use crate::block;

/// The loss of one batch, term by term. Tensors hold one number.
#[derive(Debug)]
pub struct LossTerms {
    /// Structural dissimilarity (1 − SSIM) / 2 (Wang et al. 2004), where its window of 11 × 11 fits.
    pub dssim: Tensor<1>,
    /// Mean squared difference.
    pub mse: Tensor<1>,
}

impl LossTerms {
    /// DSSIM and MSE of `drawn` and `truth` `[n, 3, s, s]` in `[0, 1]` where `weight` `[n, 1, s, s]` says, not
    /// negative. Outside the mask both count as black, so that nothing beyond the face leaks into the windows.
    ///
    /// # Panics
    /// When the images are smaller than the window.
    #[must_use]
    pub fn new(drawn: Tensor<4>, truth: Tensor<4>, weight: Tensor<4>) -> Self {
        assert!(drawn.dims()[3] >= WINDOW_PX, "SSIM needs {WINDOW_PX} pixels");
        let both = block::compare(drawn, truth, weight);
        Self { dssim: both.clone().narrow(0, 0, 1), mse: both.narrow(0, 1, 1) }
    }

    /// The mean of the terms: what is minimised.
    #[must_use]
    pub fn total(self) -> Tensor<1> {
        (self.dssim + self.mse) * 0.5
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    const C1: f64 = 0.01 * 0.01;
    const C2: f64 = 0.03 * 0.03;

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
        let terms =
            LossTerms::new(image(wave, 24), image(other, 24), Tensor::ones([1, 1, 24, 24], &Device::flex()));
        assert!((number(terms.dssim) - plain_dssim(wave, other, 24)).abs() < 2e-5);
    }

    #[test]
    fn the_same_is_zero_and_the_opposite_is_one() {
        let all = Tensor::<4>::ones([1, 1, 16, 16], &Device::flex());
        let same = LossTerms::new(image(wave, 16), image(wave, 16), all.clone()).total();
        assert!(number(same).abs() < 1e-6);
        let check = |_: usize, y: usize, x: usize| ((x + y) % 2) as f32;
        let opposite = LossTerms::new(image(check, 16), image(|c, y, x| 1.0 - check(c, y, x), 16), all);
        assert!((number(opposite.mse) - 1.0).abs() < 1e-6);
        assert!(number(opposite.dssim) > 0.99);
    }

    #[test]
    fn nothing_outside_the_mask_counts() {
        let half = image(|_, _, x| f32::from(u8::from(x < 16)), 32).slice([0..1, 0..1]);
        let changed = |c: usize, y: usize, x: usize| if x < 16 { wave(c, y, x) } else { 0.9 };
        let value = LossTerms::new(image(wave, 32), image(changed, 32), half).total();
        assert!(number(value).abs() < 1e-6);
    }

    #[test]
    fn a_known_difference() {
        let half = |_: usize, _: usize, _: usize| 0.5;
        let terms = LossTerms::new(
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
