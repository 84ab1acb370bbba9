//! What changes from frame to frame beyond what the scene itself moves.

use bifrons_media::RgbImage;

use super::Flow;
use crate::picture::{LEAST_WEIGHT, Plane};

/// `W`: mean absolute difference between a frame and the one before it laid over it by `flow`, over all channels with
/// samples in `[0, 1]`, weighted by a mask of `height * width` values (Lai et al. 2018, here with the flow of the
/// *footage* and L1). The result's over the footage's is 1 when the result is as steady as what was filmed.
///
/// `None` when the sizes differ or the mask holds less than one pixel.
#[must_use]
pub fn warp_error(later: &RgbImage, earlier: &RgbImage, flow: &Flow, mask: &[f32]) -> Option<f64> {
    let size = (flow.dx.width, flow.dx.height);
    if (later.width, later.height) != size
        || (earlier.width, earlier.height) != size
        || mask.len() != size.0 * size.1
    {
        return None;
    }
    let total: f64 = mask.iter().map(|&weight| f64::from(weight)).sum();
    let mut sum = 0.0;
    for channel in 0..3 {
        let plane = |picture: &RgbImage| Plane {
            width: size.0,
            height: size.1,
            data: picture.data.iter().skip(channel).step_by(3).copied().collect(),
        };
        let (is, was) = (plane(later), flow.warp(&plane(earlier)));
        let differences = is.data.iter().zip(&was.data).zip(mask);
        sum += differences.map(|((is, was), weight)| f64::from(weight * (is - was).abs())).sum::<f64>();
    }
    (total >= LEAST_WEIGHT).then(|| sum / 3.0 / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::optical_flow;

    fn face(shift: f32, gain: f32) -> RgbImage {
        let mut picture = RgbImage::new(64, 64);
        for i in 0..64 * 64 {
            let (x, y) = ((i % 64) as f32 + shift, (i / 64) as f32);
            let v = 0.5 + 0.2 * (x * 0.3).sin() * (y * 0.21).cos() + 0.1 * (x * 0.11 + y * 0.5).sin();
            picture.set(i % 64, i / 64, [v * gain, v * gain * 0.8, v * gain * 0.7]);
        }
        picture
    }

    fn inner() -> Vec<f32> {
        (0..64 * 64)
            .map(|i| f32::from((10..54).contains(&(i % 64)) && (10..54).contains(&(i / 64))))
            .collect()
    }

    fn flow_of(later: &RgbImage, earlier: &RgbImage) -> Flow {
        optical_flow(&Plane::luma(later), &Plane::luma(earlier))
    }

    #[test]
    fn what_only_moves_has_next_to_none() {
        let (later, earlier) = (face(2.0, 1.0), face(0.0, 1.0));
        let flow = flow_of(&later, &earlier);
        assert!(warp_error(&later, &earlier, &flow, &inner()).unwrap() < 0.004);
        assert_eq!(warp_error(&earlier, &earlier, &flow_of(&earlier, &earlier), &inner()), Some(0.0));
    }

    #[test]
    fn a_constant_step_of_brightness_is_its_size() {
        let still = RgbImage::filled(64, 64, [0.4; 3]);
        let brighter = RgbImage::filled(64, 64, [0.45; 3]);
        let flow = flow_of(&still, &still);
        assert!((warp_error(&brighter, &still, &flow, &inner()).unwrap() - 0.05).abs() < 1e-6);
    }

    #[test]
    fn a_dropped_frame_of_a_swap_is_caught() {
        // the footage moves; the result flashes back to another look for one frame
        let flow = flow_of(&face(1.0, 1.0), &face(0.0, 1.0));
        let steady = warp_error(&face(1.0, 1.0), &face(0.0, 1.0), &flow, &inner()).unwrap();
        let dropped = warp_error(&face(1.0, 0.85), &face(0.0, 1.0), &flow, &inner()).unwrap();
        assert!(dropped > 5.0 * steady.max(0.005), "{steady} {dropped}");
    }
}
