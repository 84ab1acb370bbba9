//! The inspector: tells drawn faces from filmed ones, patch by patch, so that a decoder can learn to draw what it misses.
//!
//! A patch discriminator (Isola et al. 2017) with the squared loss of Mao et al. 2017. It sees 45 × 45 pixels at a time:
//! texture, not who it is. And each person has one of their own, which only ever sees that person's faces: so what it asks
//! for can never be somebody else's look.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::layers::{Conv, Initializer, chain};

/// Channels of the convolutions, each of which halves the side.
const CHANNELS: [usize; 3] = [16, 32, 64];
/// Pixels of a face for one verdict, along each side.
const PATCH_PX: usize = 1 << CHANNELS.len();

/// Judges the faces of one person.
#[derive(Module, Debug)]
pub struct Inspector {
    shrink: Vec<Conv>,
    judge: Conv,
}

/// The inspectors of all people.
#[derive(Module, Debug)]
pub struct Inspectors {
    /// One for each person, in the order of the decoders.
    pub people: Vec<Inspector>,
}

impl Inspectors {
    /// Inspectors with fresh weights from `seed`.
    #[must_use]
    pub fn new(people: usize, seed: u64, device: &Device) -> Self {
        let mut init = Initializer { rng: ChaCha8Rng::seed_from_u64(seed), device, next_id: 0 };
        Self { people: (0..people).map(|_| Inspector::new(&mut init)).collect() }
    }
}

impl Inspector {
    fn new(init: &mut Initializer<'_>) -> Self {
        let mut inputs = 3;
        let mut shrink = Vec::new();
        for outputs in CHANNELS {
            shrink.push(Conv::shrinking(init, inputs, outputs));
            inputs = outputs;
        }
        Self { shrink, judge: Conv::judging(init, inputs) }
    }

    /// Verdicts `[n, 1, s/8, s/8]` on faces `[n, 3, s, s]`, of which only what `seen` `[n, 1, s, s]` in `[0, 1]` shows: about
    /// 1 where a patch looks filmed, about 0 where it looks drawn.
    ///
    /// # Panics
    /// When `s` is not divisible by 8.
    #[must_use]
    pub fn forward(&self, faces: Tensor<4>, seen: Tensor<4>) -> Tensor<4> {
        assert!(faces.dims()[3].is_multiple_of(PATCH_PX), "a side that can be halved three times");
        chain(faces * seen, self.shrink.iter().chain([&self.judge]))
    }
}

/// How far verdicts are from `wanted`, 0 to about 1: the mean of squares, each patch counting by how much of it is seen.
#[must_use]
pub fn verdict_loss(verdicts: Tensor<4>, wanted: f32, seen: Tensor<4>) -> Tensor<1> {
    mean_verdict((verdicts - wanted).powi_scalar(2), seen)
}

/// The mean of verdicts, each patch counting by how much of it is seen.
#[must_use]
pub fn mean_verdict(verdicts: Tensor<4>, seen: Tensor<4>) -> Tensor<1> {
    let [count, _, size, _] = seen.dims();
    let side = size / PATCH_PX;
    let share = seen.reshape([count, side, PATCH_PX, side, PATCH_PX]).mean_dim(4).mean_dim(2);
    let share = share.reshape([count, 1, side, side]);
    let total = share.clone().sum().add_scalar(1e-6);
    (verdicts * share).sum() / total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Adam, Preset};

    fn faces(value: impl Fn(usize) -> f32, device: &Device) -> Tensor<4> {
        let values: Vec<f32> = (0..2 * 3 * 64 * 64).map(value).collect();
        Tensor::<1>::from_floats(values.as_slice(), device).reshape([2, 3, 64, 64])
    }

    #[test]
    fn it_learns_to_tell_sharp_from_flat() {
        let device = Device::flex().autodiff();
        let sharp = faces(|i| if i % 2 == 0 { 0.2 } else { 0.8 }, &device);
        let flat = faces(|_| 0.5, &device);
        let seen = Tensor::<4>::ones([2, 1, 64, 64], &device);
        let mut inspectors = Inspectors::new(2, 3, &device);
        let mut adam = Adam::new(&Preset::named("quick").unwrap().training);
        for iteration in 0..60 {
            let judge = |faces: &Tensor<4>, wanted| {
                verdict_loss(inspectors.people[1].forward(faces.clone(), seen.clone()), wanted, seen.clone())
            };
            let loss = judge(&sharp, 1.0) + judge(&flat, 0.0);
            inspectors = adam.step(inspectors, &loss, iteration);
        }
        let verdict = |faces: &Tensor<4>| {
            let verdicts = inspectors.people[1].forward(faces.clone(), seen.clone());
            assert_eq!(verdicts.dims(), [2, 1, 8, 8]);
            verdicts.mean().into_scalar::<f32>()
        };
        assert!(verdict(&sharp) > 0.8 && verdict(&flat) < 0.2, "{} {}", verdict(&sharp), verdict(&flat));
    }

    #[test]
    fn only_what_is_seen_counts() {
        let device = Device::flex();
        let verdicts = faces(|i| if i % 8 < 4 { 1.0 } else { 0.5 }, &device).slice([0..1, 0..1, 0..8, 0..8]);
        let half: Vec<f32> = (0..64 * 64).map(|i| f32::from(u8::from(i % 64 < 32))).collect();
        let seen = Tensor::<1>::from_floats(half.as_slice(), &device).reshape([1, 1, 64, 64]);
        let loss = |wanted| verdict_loss(verdicts.clone(), wanted, seen.clone()).into_scalar::<f32>();
        assert!(loss(1.0).abs() < 1e-6 && (loss(0.0) - 1.0).abs() < 1e-5);
        let all = verdict_loss(verdicts.clone(), 1.0, Tensor::ones([1, 1, 64, 64], &device));
        assert!((all.into_scalar::<f32>() - 0.125).abs() < 1e-5);
    }
}
