//! The network, its optimiser, and one step of training.

mod joining;

use bifrons_net::{Adam, Device, Hourglass, LossTerms, Module as _, Preset, Tensor, averaged, weights};
use bifrons_project::{Checkpoint, Checkpoints, Mark, Retention};

use crate::sharpening::{Drawn, Sharpening};
use crate::{Batch, CheckpointMeta, SharpeningMeta, TrainingError};

pub(crate) const MODEL: &str = "model.safetensors";
/// The newest weights, where [`MODEL`] is a mean.
const NEWEST: &str = "newest.safetensors";
pub(crate) const OPTIMIZER: &str = "optimizer.bpk";
/// The newest preview lies in the checkpoint too, so that old checkpoints can be told apart by looking.
pub(crate) const PREVIEW: &str = "preview.png";
/// The smoothed loss of somebody of whom there was none yet.
pub(crate) const UNHEARD: f64 = 0.0;
/// How much of the smoothed loss a new iteration makes up.
const SMOOTHING: f64 = 0.02;

/// The loss of each person of the batch in one iteration, 0 (the same image) to 1 (the opposite).
pub type StepLosses = Vec<f32>;

/// A network in training.
#[derive(Debug)]
pub struct Trainer {
    /// `None` only while the optimiser has it.
    net: Option<Hourglass>,
    /// The mean of recent weights, where the preset says so; without gradients.
    average: Option<Hourglass>,
    adam: Adam,
    device: Device,
    /// There while `meta.sharpening` is.
    sharpening: Option<Sharpening>,
    /// Decoders that learn. The encoder learns when all of them do.
    learning: Vec<usize>,
    /// Iterations done since the network was new.
    pub iteration: u64,
    /// What is known about it.
    pub meta: CheckpointMeta,
}

impl Trainer {
    /// A new network for these people.
    #[must_use]
    pub fn new(preset: Preset, people: Vec<String>, seed: u64, device: &Device) -> Self {
        let device = device.clone().autodiff();
        let net = Hourglass::new(&preset.network, people.len(), seed, &device);
        Self {
            average: preset.training.averaging.then(|| net.valid()),
            net: Some(net),
            adam: Adam::new(&preset.training),
            device,
            sharpening: None,
            learning: (0..people.len()).collect(),
            iteration: 0,
            meta: CheckpointMeta {
                preset,
                people,
                seed,
                trained_secs: 0.0,
                losses: Vec::new(),
                lowest_losses: Vec::new(),
                held_out: Vec::new(),
                shapes: Vec::new(),
                begun_at: 0,
                sharpening: None,
                rate_share: 1.0,
            },
        }
    }

    /// Lets inspectors sharpen the decoders from here on, or no longer. Those that are at work go on.
    pub fn sharpen(&mut self, on: bool) {
        if !on {
            (self.sharpening, self.meta.sharpening) = (None, None);
        } else if self.sharpening.is_none() {
            let (people, seed) = (self.meta.people.len(), self.meta.seed.wrapping_add(1));
            self.sharpening = Some(Sharpening::new(people, seed, &self.meta.preset.training, &self.device));
            self.meta.sharpening = Some(SharpeningMeta::begun(self.iteration));
        }
    }

    /// The decoders that learn.
    #[must_use]
    pub fn learning(&self) -> &[usize] {
        &self.learning
    }

    /// Learns at this share of the preset's rate from here on.
    ///
    /// # Errors
    /// [`TrainingError::Net`] when the optimiser's memory cannot be read from the device.
    pub fn slow_down(&mut self, rate_share: f64) -> Result<(), TrainingError> {
        self.meta.rate_share = rate_share;
        self.adam = Adam::from_bytes(&self.meta.schedule(), self.adam.to_bytes()?.to_vec())?;
        Ok(())
    }

    /// The network as it was saved.
    ///
    /// # Errors
    /// [`TrainingError::Project`] when the files changed since the checkpoint was opened,
    /// [`TrainingError::Net`] when they do not fit the preset they name.
    pub fn resume(checkpoint: &Checkpoint, device: &Device) -> Result<Self, TrainingError> {
        let meta: CheckpointMeta = checkpoint.meta()?;
        let device = device.clone().autodiff();
        let fresh = Hourglass::new(&meta.preset.network, meta.people.len(), meta.seed, &device);
        let has_newest = checkpoint.manifest().files.contains_key(NEWEST);
        let newest = checkpoint.read(if has_newest { NEWEST } else { MODEL })?;
        let average = meta.preset.training.averaging.then(|| {
            // numbers as the optimiser knows them do not matter here
            Ok::<_, TrainingError>(weights::from_safetensors(fresh.valid(), &checkpoint.read(MODEL)?)?)
        });
        Ok(Self {
            average: average.transpose()?,
            net: Some(weights::from_safetensors(fresh, &newest)?),
            adam: Adam::from_bytes(&meta.schedule(), checkpoint.read(OPTIMIZER)?)?,
            sharpening: match meta.sharpening {
                Some(_) => {
                    Some(Sharpening::resume(checkpoint, meta.people.len(), &meta.preset.training, &device)?)
                }
                None => None,
            },
            device,
            learning: (0..meta.people.len()).collect(),
            iteration: checkpoint.step(),
            meta,
        })
    }

    /// One iteration: the faces of all people of the batch through the one encoder, each person's through their own
    /// decoder, how far off that is, and one step downhill. The encoder learns when the batch has everybody.
    ///
    /// # Errors
    /// [`TrainingError::BrokeDown`] when a loss is not a finite number; the network is then as it was.
    pub fn step(&mut self, batch: &Batch) -> Result<StepLosses, TrainingError> {
        let [seen_px, size] = [self.meta.preset.network.input_px, self.meta.preset.network.output_px];
        let each = self.meta.preset.training.batch_per_person;
        let net = self.net();
        let unfolded = net.encoder.forward(self.tensor(&batch.input, 3, seen_px));
        let truth = self.tensor(&batch.truth, 3, size);
        let weight = self.tensor(&batch.weight, 1, size);

        let is_everybody = batch.people.len() == net.decoders.len();
        let unfolded = if is_everybody { unfolded } else { unfolded.detach() };

        let (mut losses, mut values, mut inspected) = (Vec::new(), StepLosses::new(), Vec::new());
        for (place, &person) in batch.people.iter().enumerate() {
            let own = |faces: &Tensor<4>| faces.clone().narrow(0, place * each, each);
            let drawn = net.decoders[person].forward(own(&unfolded));
            let terms = LossTerms::new(drawn.clone(), own(&truth), own(&weight));
            for (term, value) in [("DSSIM", &terms.dssim), ("MSE", &terms.mse)] {
                self.check(person, term, value.clone().into_scalar::<f32>())?;
            }
            let mut loss = terms.total();
            values.push(loss.clone().into_scalar::<f32>());
            if let (Some(sharpening), Some(meta)) = (&self.sharpening, &self.meta.sharpening) {
                let seen = own(&weight).clamp_max(1.0);
                if let Some(cost) = sharpening.cost(meta, self.iteration, person, drawn.clone(), &seen) {
                    loss = loss + cost;
                }
                inspected.push(Drawn { person, drawn, filmed: own(&truth), seen });
            }
            losses.push(loss);
        }
        let total = Tensor::cat(losses, 0).sum();
        let step = self.iteration - self.meta.begun_at;
        self.net = self.net.take().map(|net| self.adam.step(net, &total, step));
        if let Some(sharpening) = &mut self.sharpening {
            sharpening.learn(inspected, step);
        }
        self.iteration += 1;
        if let Some(average) = self.average.take() {
            let since = self.iteration - self.meta.begun_at;
            self.average = Some(averaged(average, &self.net().valid(), since));
        }
        self.smooth(&batch.people, &values);
        Ok(values)
    }

    /// The network that draws, as it is now, without gradients.
    #[must_use]
    pub fn inference_net(&self) -> Hourglass {
        self.average.clone().unwrap_or_else(|| self.net().valid())
    }

    /// Saves everything that it takes to go on, and removes old checkpoints.
    ///
    /// # Errors
    /// [`TrainingError::Project`] when the disk is full, [`TrainingError::BrokeDown`] when a weight is not a finite number;
    /// earlier checkpoints stay.
    pub fn save(&self, checkpoints: &Checkpoints, preview: &[u8]) -> Result<(), TrainingError> {
        if !weights::are_finite(self.net()) {
            let (iteration, person) = (self.iteration, self.meta.people.join(" and "));
            return Err(TrainingError::BrokeDown { iteration, person, term: "network", value: f64::NAN });
        }
        let newest = self.average.as_ref().map(|_| weights::to_safetensors(self.net())).transpose()?;
        let model = weights::to_safetensors(&self.inference_net())?;
        let optimizer = self.adam.to_bytes()?;
        let inspectors = self.sharpening.as_ref().map(Sharpening::files).transpose()?;
        let mut files = vec![(MODEL, model.as_slice()), (OPTIMIZER, &*optimizer), (PREVIEW, preview)];
        files.extend(newest.iter().map(|bytes| (NEWEST, bytes.as_slice())));
        files.extend(inspectors.iter().flatten().map(|(name, bytes)| (*name, bytes.as_slice())));
        // unseen faces tell better than those that were learnt
        let telling = if self.meta.held_out.is_empty() { &self.meta.losses } else { &self.meta.held_out };
        let loss = telling.iter().copied().reduce(f64::max);
        let mark = Mark { step: self.iteration, trained_secs: self.meta.trained_secs, loss };
        checkpoints.save(&mark, &files, &self.meta)?;
        checkpoints.prune(&Retention::default())?;
        Ok(())
    }

    fn net(&self) -> &Hourglass {
        self.net.as_ref().expect("the optimiser gives the network back within the step")
    }

    fn tensor(&self, values: &[f32], channels: usize, size: usize) -> Tensor<4> {
        let count = values.len() / (channels * size * size);
        let flat = Tensor::<1>::from_floats(values, &self.device);
        flat.reshape([count, channels, size, size])
    }

    fn check(&self, person: usize, term: &'static str, value: f32) -> Result<(), TrainingError> {
        if value.is_finite() {
            return Ok(());
        }
        let (iteration, person) = (self.iteration, self.meta.people[person].clone());
        Err(TrainingError::BrokeDown { iteration, person, term, value: f64::from(value) })
    }

    fn smooth(&mut self, people: &[usize], values: &[f32]) {
        // while there is little to average over, the plain mean
        let share = SMOOTHING.max(1.0 / (self.iteration - self.meta.begun_at) as f64);
        self.meta.losses.resize(self.meta.people.len(), UNHEARD);
        for (&person, &value) in people.iter().zip(values) {
            let (smoothed, value) = (&mut self.meta.losses[person], f64::from(value));
            *smoothed += if *smoothed == UNHEARD { value } else { share * (value - *smoothed) };
        }
    }
}

/// The network of a checkpoint, for conversion, with what is known about it.
///
/// # Errors
/// As [`Trainer::resume`].
pub fn load_net(
    checkpoint: &Checkpoint,
    device: &Device,
) -> Result<(Hourglass, CheckpointMeta), TrainingError> {
    let meta: CheckpointMeta = checkpoint.meta()?;
    let fresh = Hourglass::new(&meta.preset.network, meta.people.len(), meta.seed, device);
    Ok((weights::from_safetensors(fresh, &checkpoint.read(MODEL)?)?, meta))
}

#[cfg(test)]
mod tests;
