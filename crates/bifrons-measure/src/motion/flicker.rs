//! Colours that do not stay.

use crate::picture::Lab;

/// What a result adds to the footage's mean colour of the face in a frame: result less footage in L*a*b*.
fn added(footage: Lab, result: Lab) -> [f64; 3] {
    [result.l - footage.l, result.a - footage.a, result.b - footage.b]
}

/// Colour flicker of a result at the middle of three neighbouring frames, each given as the mean colour of the face in
/// the footage and in the result: how far the added colour is from the mean of its two neighbours, in L*a*b* units
/// (about 1 is just noticeable), scaled by the root of 2/3 so that independent noise of a deviation gives that
/// deviation.
///
/// A slow change of tone does not flicker; light that flickers in the footage itself does not count.
#[must_use]
pub fn flicker(frames: [(Lab, Lab); 3]) -> f64 {
    let [before, now, after] = frames.map(|(footage, result)| added(footage, result));
    let square: f64 = (0..3).map(|i| (now[i] - f64::midpoint(before[i], after[i])).powi(2)).sum();
    (square * 2.0 / 3.0).sqrt()
}

/// Colour drift over a shot: root of the mean square distance of the added colour from its own mean, in L*a*b* units. 0
/// when the result's tone keeps its distance to the footage's. `None` for no frames.
#[must_use]
pub fn drift(frames: &[(Lab, Lab)]) -> Option<f64> {
    let count = frames.len() as f64;
    let added: Vec<[f64; 3]> = frames.iter().map(|&(footage, result)| added(footage, result)).collect();
    let mean = [0, 1, 2].map(|i| added.iter().map(|v| v[i]).sum::<f64>() / count);
    let square = |v: &[f64; 3]| (0..3).map(|i| (v[i] - mean[i]).powi(2)).sum::<f64>();
    (!frames.is_empty()).then(|| (added.iter().map(square).sum::<f64>() / count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(l: f64) -> Lab {
        Lab { l, a: 0.0, b: 0.0 }
    }

    #[test]
    fn a_constant_tone_and_a_slow_change_do_not_flicker() {
        assert_eq!(flicker([(grey(50.0), grey(60.0)); 3]), 0.0);
        let ramp = [0.0, 1.0, 2.0].map(|t| (grey(50.0), grey(60.0 + t)));
        assert_eq!(flicker(ramp), 0.0);
    }

    #[test]
    fn a_synthetic_flicker_has_its_size() {
        // up and down by 3: 3 - (-3) = 6, times the root of 2/3
        let frames = [-3.0, 3.0, -3.0].map(|v| (grey(50.0), grey(50.0 + v)));
        assert!((flicker(frames) - 6.0 * (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((drift(&frames[..2]).unwrap() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_footage_s_own_flicker_does_not_count() {
        let frames = [-3.0, 3.0, -3.0].map(|v| (grey(50.0 + v), grey(60.0 + v)));
        assert_eq!(flicker(frames), 0.0);
        assert_eq!(drift(&frames), Some(0.0));
        assert_eq!(drift(&[]), None);
    }
}
