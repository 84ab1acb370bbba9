//! The forger and the inspector: a decoder sharpens what an inspector can tell from film.

use bifrons_net::{Adam, Device, Inspectors, Schedule, Tensor, verdict_loss, weights};
use bifrons_project::Checkpoint;
use serde::{Deserialize, Serialize};

use crate::TrainingError;

pub(crate) const INSPECTORS: &str = "inspectors.safetensors";
pub(crate) const INSPECTORS_OPTIMIZER: &str = "inspectors.bpk";

/// What the inspector's opinion weighs at first, against the loss (0 to 1).
const WEIGHT: f64 = 0.05;
/// Iterations in which only the inspectors learn, and those after them in which their weight grows from nothing.
const LOOKING: u64 = 60;
const GROWING: u64 = 200;
/// Step size of the inspectors, as a share of the network's: they must not win.
const RATE_SHARE: f64 = 0.4;
/// Identity that may be lost before the weight is halved, and the share by which it is.
const MOST_LOST: f64 = 0.05;
const BACK_OFF: f64 = 0.5;

/// How sharpening stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharpeningMeta {
    /// The iteration at which it began.
    pub begun_at: u64,
    /// What the inspectors' opinion weighs, against the loss (0 to 1).
    pub weight: f64,
    /// How much of the identity the swaps had when it began ([`SharpeningMeta::hear`]).
    pub transfer_before: Option<f64>,
}

impl SharpeningMeta {
    /// Sharpening that begins now.
    #[must_use]
    pub fn begun(iteration: u64) -> Self {
        Self { begun_at: iteration, weight: WEIGHT, transfer_before: None }
    }

    fn weight_at(&self, iteration: u64) -> f64 {
        let grown = (iteration - self.begun_at).saturating_sub(LOOKING) as f64 / GROWING as f64;
        self.weight * grown.min(1.0)
    }

    /// Hears how much of the identity the swaps have now, 0 to 1. When that is less than it was, the inspectors weigh less
    /// from here on; gives the weight then.
    pub fn hear(&mut self, transfer: f64) -> Option<f64> {
        let before = *self.transfer_before.get_or_insert(transfer);
        if before - transfer <= MOST_LOST {
            return None;
        }
        self.weight *= BACK_OFF;
        Some(self.weight)
    }
}

/// The inspectors, learning.
#[derive(Debug)]
pub(crate) struct Sharpening {
    /// `None` only while the optimiser has them.
    inspectors: Option<Inspectors>,
    adam: Adam,
}

/// Faces of one person that were drawn, what was filmed, and which part of both is seen, `[n, 1, s, s]` in `[0, 1]`.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) person: usize,
    pub(crate) drawn: Tensor<4>,
    pub(crate) filmed: Tensor<4>,
    pub(crate) seen: Tensor<4>,
}

fn schedule(training: &Schedule) -> Schedule {
    let learning_rate = training.learning_rate * RATE_SHARE;
    Schedule { learning_rate, warmup_iterations: 0, ..training.clone() }
}

impl Sharpening {
    pub(crate) fn new(people: usize, seed: u64, training: &Schedule, device: &Device) -> Self {
        let inspectors = Inspectors::new(people, seed, device);
        Self { inspectors: Some(inspectors), adam: Adam::new(&schedule(training)) }
    }

    pub(crate) fn resume(
        checkpoint: &Checkpoint,
        people: usize,
        training: &Schedule,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let fresh = Inspectors::new(people, 0, device);
        Ok(Self {
            inspectors: Some(weights::from_safetensors(fresh, &checkpoint.read(INSPECTORS)?)?),
            adam: Adam::from_bytes(&schedule(training), checkpoint.read(INSPECTORS_OPTIMIZER)?)?,
        })
    }

    /// What it takes to go on: [`INSPECTORS`] and [`INSPECTORS_OPTIMIZER`].
    pub(crate) fn files(&self) -> Result<[(&'static str, Vec<u8>); 2], TrainingError> {
        let inspectors = weights::to_safetensors(self.inspectors())?;
        Ok([(INSPECTORS, inspectors), (INSPECTORS_OPTIMIZER, self.adam.to_bytes()?.to_vec())])
    }

    fn inspectors(&self) -> &Inspectors {
        self.inspectors.as_ref().expect("the optimiser gives them back within the step")
    }

    /// What the drawing of a person costs because it is seen through; the inspector does not learn from it.
    pub(crate) fn cost(
        &self,
        meta: &SharpeningMeta,
        iteration: u64,
        person: usize,
        drawn: Tensor<4>,
        seen: &Tensor<4>,
    ) -> Option<Tensor<1>> {
        use bifrons_net::Module as _;
        let weight = meta.weight_at(iteration);
        if weight <= 0.0 {
            return None;
        }
        let inspector = self.inspectors().people[person].clone().no_grad();
        Some(verdict_loss(inspector.forward(drawn, seen.clone()), 1.0, seen.clone()) * weight)
    }

    /// One step of the inspectors: drawn faces are 0, filmed ones 1.
    pub(crate) fn learn(&mut self, faces: Vec<Drawn>, step: u64) {
        let inspectors = self.inspectors();
        let judged = faces.into_iter().map(|Drawn { person, drawn, filmed, seen }| {
            let judge = |faces: Tensor<4>, wanted| {
                verdict_loss(inspectors.people[person].forward(faces, seen.clone()), wanted, seen.clone())
            };
            (judge(filmed, 1.0) + judge(drawn.detach(), 0.0)) * 0.5
        });
        let loss = Tensor::cat(judged.collect(), 0).sum();
        self.inspectors = self.inspectors.take().map(|inspectors| self.adam.step(inspectors, &loss, step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_grows_late_and_backs_off_when_identity_is_lost() {
        let mut meta = SharpeningMeta::begun(1000);
        assert_eq!(meta.weight_at(1000 + LOOKING), 0.0);
        assert_eq!(meta.weight_at(1000 + LOOKING + GROWING / 2), WEIGHT / 2.0);
        assert_eq!(meta.weight_at(99_000), WEIGHT);
        assert_eq!((meta.hear(0.80), meta.hear(0.79), meta.hear(0.95)), (None, None, None));
        assert_eq!(meta.hear(0.79 - MOST_LOST), Some(WEIGHT / 2.0));
        assert_eq!(meta.weight_at(99_000), WEIGHT / 2.0);
    }
}
