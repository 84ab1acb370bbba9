//! What is known about a model besides its weights.

use bifrons_net::{Preset, Schedule};
use bifrons_vision::align::Shape;
use serde::{Deserialize, Serialize};

use crate::SharpeningMeta;

/// What a checkpoint says about itself besides the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointMeta {
    /// The preset, whole: a checkpoint can be used without knowing the program's presets.
    pub preset: Preset,
    /// Names, in the order of the decoders.
    pub people: Vec<String>,
    /// Seed of weights and samples.
    pub seed: u64,
    /// Seconds trained so far.
    pub trained_secs: f64,
    /// Smoothed loss of each person, 0 to 1; empty before the first iteration, 0 for somebody of whom there was none yet.
    pub losses: Vec<f64>,
    /// The lowest that `losses` have been.
    #[serde(default)]
    pub lowest_losses: Vec<f64>,
    /// Loss of each person on faces that are never trained on, 0 to 1; empty where there are too few faces.
    #[serde(default)]
    pub held_out: Vec<f64>,
    /// What the people's faces are shaped like.
    #[serde(default)]
    pub shapes: Vec<Shape>,
    /// The iteration at which the optimiser began anew (somebody joined).
    #[serde(default)]
    pub begun_at: u64,
    /// Whether inspectors sharpen the decoders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharpening: Option<SharpeningMeta>,
    /// Share of the preset's learning rate: halved each time training broke down.
    #[serde(default = "whole")]
    pub rate_share: f64,
}

fn whole() -> f64 {
    1.0
}

impl CheckpointMeta {
    /// The preset's schedule at the rate that training has come down to.
    pub(crate) fn schedule(&self) -> Schedule {
        let schedule = self.preset.training.clone();
        Schedule { learning_rate: schedule.learning_rate * self.rate_share, ..schedule }
    }
}
