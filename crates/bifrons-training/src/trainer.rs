//! The network, its optimiser, and one step of training.

use bifrons_net::{
    Adam, Decoder, Device, Hourglass, LossTerms, Module as _, Preset, Schedule, Tensor, averaged, weights,
};
use bifrons_project::{Checkpoint, Checkpoints, Mark, Retention};
use bifrons_vision::align::Shape;
use serde::{Deserialize, Serialize};

use crate::sharpening::{Drawn, Sharpening};
use crate::{Batch, SharpeningMeta, TrainingError};

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
    fn schedule(&self) -> Schedule {
        let schedule = self.preset.training.clone();
        Schedule { learning_rate: schedule.learning_rate * self.rate_share, ..schedule }
    }
}

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

    /// A new network with the encoder of another one, which has learnt what faces do.
    ///
    /// # Errors
    /// As [`resume`](Self::resume); [`TrainingError::Net`] when the encoders are of different shapes.
    pub fn with_encoder_of(
        checkpoint: &Checkpoint,
        preset: Preset,
        people: Vec<String>,
        seed: u64,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let (other, _) = load_net(checkpoint, device)?;
        let mut trainer = Self::new(preset, people, seed, device);
        trainer.graft(other, |_| None)?;
        Ok(trainer)
    }

    /// The network as it was saved, with decoders for more people; those begin anew, as the optimiser does.
    ///
    /// # Errors
    /// As [`resume`](Self::resume).
    pub fn resume_with(
        checkpoint: &Checkpoint,
        people: Vec<String>,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let (mut other, meta) = load_net(checkpoint, device)?;
        let mut known: Vec<_> = meta.people.iter().zip(other.decoders.drain(..)).collect();
        let mut trainer = Self::new(meta.preset.clone(), people.clone(), meta.seed, device);
        trainer.graft(other, |person| {
            let place = known.iter().position(|(name, _)| **name == people[person])?;
            Some(known.swap_remove(place).1)
        })?;
        trainer.iteration = checkpoint.step();
        let begun_at = trainer.iteration;
        // of somebody who joins nothing is known yet
        let of = |values: &[f64], name: &String| {
            let place = meta.people.iter().position(|known| known == name);
            place.and_then(|place| values.get(place)).copied().unwrap_or(UNHEARD)
        };
        let losses = people.iter().map(|name| of(&meta.losses, name)).collect();
        let lowest_losses = people.iter().map(|name| of(&meta.lowest_losses, name)).collect();
        let held_out = Vec::new();
        trainer.meta =
            CheckpointMeta { people, begun_at, losses, lowest_losses, held_out, sharpening: None, ..meta };
        trainer.adam = Adam::new(&trainer.meta.schedule());
        Ok(trainer)
    }

    /// Takes over the encoder of another network, and its decoders for the people that `decoder` knows.
    fn graft(
        &mut self,
        other: Hourglass,
        mut decoder: impl FnMut(usize) -> Option<Decoder>,
    ) -> Result<(), TrainingError> {
        let fresh = self.net();
        let own = fresh.clone().decoders.into_iter().enumerate();
        let decoders = own.map(|(person, own)| decoder(person).unwrap_or(own)).collect();
        let both = weights::to_safetensors(&Hourglass { encoder: other.encoder, decoders })?;
        // through the file's form: weights change, the numbers that the optimiser knows them by do not
        let net = weights::from_safetensors(fresh.clone(), &both)?;
        self.average = self.average.as_ref().map(|_| net.valid());
        self.net = Some(net);
        Ok(())
    }

    /// Lets one decoder alone learn: whoever else is drawn is drawn as before, to the last bit.
    ///
    /// # Errors
    /// [`TrainingError::Unknown`].
    pub fn learn_only(&mut self, person: &str) -> Result<(), TrainingError> {
        let Some(place) = self.meta.people.iter().position(|name| name == person) else {
            let (person, known) = (person.to_owned(), self.meta.people.join(", "));
            return Err(TrainingError::Unknown { person, known });
        };
        self.learning = vec![place];
        // what no longer learns stays as it draws: the mean
        if let Some(average) = self.average.clone() {
            let learning = self.net().decoders[place].clone();
            let mut others = average.decoders.clone().into_iter().map(Some).collect::<Vec<_>>();
            others[place] = Some(learning);
            self.graft(average.clone(), |person| others[person].take())?;
            self.average = Some(average);
        }
        Ok(())
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
mod tests {
    use super::*;
    use crate::Sampler;
    use crate::made_up::{facesets, preset};

    /// Trains to an iteration; gives the losses of the last one.
    fn trained(trainer: &mut Trainer, to: u64) -> StepLosses {
        let facesets = facesets(&trainer.meta.people);
        let sampler = Sampler::new(7, facesets.iter().map(|set| (&*set.looks, 0..0)));
        let mut losses = Vec::new();
        while trainer.iteration < to {
            let people = trainer.learning().to_vec();
            let batch = Batch::of(trainer.iteration, &people, &sampler, &facesets, &preset());
            losses = trainer.step(&batch).unwrap();
        }
        losses
    }

    fn new_trainer() -> Trainer {
        let people = vec!["alice".to_owned(), "bob".to_owned()];
        Trainer::new(preset(), people, 7, &Device::flex())
    }

    #[test]
    fn a_run_that_was_interrupted_ends_in_the_same_weights() {
        let mut straight = new_trainer();
        trained(&mut straight, 24);

        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path());
        let mut first = new_trainer();
        trained(&mut first, 13);
        first.save(&checkpoints, b"preview").unwrap();
        drop(first);
        let saved = checkpoints.newest().unwrap().checkpoint.unwrap();
        let mut resumed = Trainer::resume(&saved, &Device::flex()).unwrap();
        trained(&mut resumed, 24);

        assert_eq!(resumed.meta.losses, straight.meta.losses);
        let bytes = |trainer: &Trainer| weights::to_safetensors(trainer.net()).unwrap();
        assert!(bytes(&resumed) == bytes(&straight), "bit-equal weights");
        let drawing = |trainer: &Trainer| weights::to_safetensors(&trainer.inference_net()).unwrap();
        assert!(drawing(&resumed) == drawing(&straight), "bit-equal means");
        assert!(drawing(&resumed) != bytes(&resumed), "a mean is not the newest");
    }

    #[test]
    fn it_learns_and_the_people_are_told_apart() {
        let mut trainer = new_trainer();
        let start = trained(&mut trainer, 1);
        let end = trained(&mut trainer, 60);
        assert!(end.iter().zip(&start).all(|(end, start)| *end < 0.8 * start), "{start:?} {end:?}");
        // the same face drawn by both: person 0 has no red, person 1 no green
        let face = Tensor::<4>::full([1, 3, 64, 64], 0.5, &Device::flex());
        let net = trainer.inference_net();
        let mean = |person: usize, channel: usize| {
            let drawn = net.forward(face.clone(), person).narrow(1, channel, 1);
            drawn.mean().into_scalar::<f32>()
        };
        assert!(mean(0, 0) < mean(0, 1) && mean(1, 1) < mean(1, 0));
    }

    #[test]
    fn somebody_joins_and_the_others_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path());
        let mut first = new_trainer();
        trained(&mut first, 4);
        first.save(&checkpoints, b"preview").unwrap();
        let saved = checkpoints.newest().unwrap().checkpoint.unwrap();

        // in front of the others, so that everybody's number changes
        let people = ["carol", "alice", "bob"].map(str::to_owned).to_vec();
        let mut three = Trainer::resume_with(&saved, people, &Device::flex()).unwrap();
        three.learn_only("carol").unwrap();
        let bytes = |part: &Decoder| weights::to_safetensors(part).unwrap();
        let encoder = |trainer: &Trainer| weights::to_safetensors(&trainer.inference_net().encoder).unwrap();
        let drawing = |trainer: &Trainer, place: usize| bytes(&trainer.inference_net().decoders[place]);
        let begun = bytes(&three.net().decoders[0]);
        assert_eq!(trained(&mut three, 12).len(), 1);
        assert!(bytes(&three.net().decoders[0]) != begun);
        assert!(drawing(&three, 1) == drawing(&first, 0));
        assert!(drawing(&three, 2) == drawing(&first, 1));
        assert!(encoder(&three) == encoder(&first));

        // as it is saved and gone on from, with everybody
        three.save(&checkpoints, b"preview").unwrap();
        let saved = checkpoints.newest().unwrap().checkpoint.unwrap();
        let mut all = Trainer::resume(&saved, &Device::flex()).unwrap();
        assert_eq!(trained(&mut all, 14).len(), 3);
        assert!(encoder(&all) != encoder(&first));
        assert!(all.learn_only("dave").unwrap_err().to_string().contains("carol, alice, bob"));

        let other = vec!["eve".to_owned(), "frank".to_owned()];
        let begun = Trainer::with_encoder_of(&saved, preset(), other, 9, &Device::flex()).unwrap();
        assert!(encoder(&begun) == encoder(&three) && begun.iteration == 0);
    }

    #[test]
    fn a_broken_number_is_named_and_costs_nothing() {
        let mut trainer = new_trainer();
        trained(&mut trainer, 1);
        let area = 64 * 64;
        let mut truth = vec![0.5; 4 * 3 * area];
        truth[3 * 3 * area] = f32::NAN;
        let (input, weight) = (vec![0.5; 4 * 3 * area], vec![1.0; 4 * area]);
        let batch = Batch { iteration: 1, people: vec![0, 1], input, truth, weight };
        let before = weights::to_safetensors(trainer.net()).unwrap();
        let error = trainer.step(&batch).unwrap_err().to_string();
        assert!(error.contains("iteration 1") && error.contains("DSSIM of bob is NaN"), "{error}");
        assert!(weights::to_safetensors(trainer.net()).unwrap() == before);
    }
}
