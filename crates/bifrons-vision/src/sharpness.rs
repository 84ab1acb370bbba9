//! How sharp a crop is.

use bifrons_media::RgbImage;

/// Contrast below this (variance of luma in `[0, 1]`) is taken as this, so that a flat picture is
/// not called sharp for its noise.
const LEAST_VARIANCE: f32 = 1e-4;

/// Sharpness of a face crop: variance of the Laplacian (4 neighbours) of luma over the variance of
/// luma, in the middle half of the picture along each axis (in a head crop that is the face without
/// hair and background). 0 for an even picture; dividing by the contrast makes dim and bright faces
/// comparable. Compare crops of one size only: the value falls with enlargement, as it should.
#[must_use]
pub fn sharpness(crop: &RgbImage) -> f32 {
    let (w, h) = (crop.width, crop.height);
    if w < 8 || h < 8 {
        return 0.0;
    }
    let luma = crop.lumas();
    let (mut edges, mut values) = (Moments::default(), Moments::default());
    for y in h / 4..h - h / 4 {
        for x in w / 4..w - w / 4 {
            let i = y * w + x;
            values.add(luma[i]);
            edges.add(luma[i - 1] + luma[i + 1] + luma[i - w] + luma[i + w] - 4.0 * luma[i]);
        }
    }
    edges.variance() / values.variance().max(LEAST_VARIANCE)
}

#[derive(Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f32) {
        self.count += 1.0;
        self.sum += f64::from(value);
        self.squares += f64::from(value) * f64::from(value);
    }

    fn variance(&self) -> f32 {
        let mean = self.sum / self.count;
        (self.squares / self.count - mean * mean).max(0.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(f: impl Fn(usize, usize) -> f32) -> RgbImage {
        let mut image = RgbImage::new(32, 32);
        for y in 0..32 {
            for x in 0..32 {
                image.set(x, y, [f(x, y); 3]);
            }
        }
        image
    }

    #[test]
    fn an_even_picture_is_not_sharp() {
        assert!(sharpness(&grey(|_, _| 0.5)) < 1e-6);
    }

    #[test]
    fn a_chequerboard_is_as_sharp_as_can_be() {
        // The Laplacian of values +-v is -+8v, so its variance is 64 times that of luma.
        let value = sharpness(&grey(|x, y| if (x + y) % 2 == 0 { 0.2 } else { 0.8 }));
        assert!((value - 64.0).abs() < 1e-2, "{value}");
        let dim = sharpness(&grey(|x, y| if (x + y) % 2 == 0 { 0.2 } else { 0.3 }));
        assert!((dim - 64.0).abs() < 1e-1, "{dim}");
    }

    #[test]
    fn blur_lowers_it() {
        let step = |x: usize| if x < 16 { 0.2 } else { 0.8 };
        let sharp = sharpness(&grey(|x, _| step(x)));
        let soft = sharpness(&grey(|x, _| (0..5).map(|d| step(x + d)).sum::<f32>() / 5.0));
        assert!(sharp > 3.0 * soft, "{sharp} {soft}");
    }
}
