//! Faces that are never trained on: how well they are drawn tells how well the film will be.

use std::ops::Range;

use bifrons_net::{Device, Hourglass, LossTerms, Preset, Tensor};

use crate::Faceset;
use crate::augment::Filmed;

/// With fewer faces than this nothing can be done without.
pub(crate) const ENOUGH_FACES: usize = 160;
/// One face in this many is held out, but not more than [`MOST_FACES`].
const ONE_IN: usize = 16;
const MOST_FACES: usize = 64;
/// Faces that are looked at each time, spread over those held out.
const LOOKED_AT: usize = 16;

/// Which of a person's faces (in the order of the film) are held out: one stretch, two thirds in, so that neighbours of
/// nearly the same look are not trained on.
#[must_use]
pub fn held_out(faces: usize) -> Range<usize> {
    let count = if faces < ENOUGH_FACES { 0 } else { (faces / ONE_IN).min(MOST_FACES) };
    let first = faces * 2 / 3;
    first..first + count
}

/// The same faces each time, as they were filmed.
#[derive(Clone, Debug)]
pub(crate) struct HeldOut {
    /// For each person input, truth and weight; `None` where there are too few faces.
    people: Vec<Option<[Tensor<4>; 3]>>,
}

impl HeldOut {
    pub(crate) fn new(facesets: &[Faceset], preset: &Preset, device: &Device) -> Self {
        let px = preset.network.output_px;
        let of = |faceset: &Faceset| {
            let range = faceset.held_out.clone();
            let count = range.len().min(LOOKED_AT);
            let faces = (0..count).map(|number| &faceset.faces[range.start + number * range.len() / count]);
            let filmed = Filmed::new(&faces.collect::<Vec<_>>(), &preset.network, device);
            let tensor = |values: &[f32], channels: usize| {
                Tensor::<1>::from_floats(values, device).reshape([count, channels, px, px])
            };
            (count > 0).then(|| [filmed.input, tensor(&filmed.truth, 3), tensor(&filmed.weight, 1)])
        };
        Self { people: facesets.iter().map(of).collect() }
    }

    /// The loss of each person, 0 to 1.
    pub(crate) fn losses(&self, net: &Hourglass) -> Vec<Option<f64>> {
        let loss = |(person, faces): (usize, &Option<[Tensor<4>; 3]>)| {
            let [input, truth, weight] = faces.clone()?;
            let terms = LossTerms::new(net.forward(input, person), truth, weight);
            Some(f64::from(terms.total().into_scalar::<f32>()))
        };
        self.people.iter().enumerate().map(loss).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_long_clips_is_held_out() {
        assert!(held_out(0).is_empty() && held_out(159).is_empty());
        assert_eq!(held_out(160), 106..116);
        assert_eq!(held_out(300), 200..218);
        assert_eq!(held_out(6000), 4000..4064);
    }
}
