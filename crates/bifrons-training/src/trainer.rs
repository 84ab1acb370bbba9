//! The network, its optimiser, and one step of training.

use bifrons_net::{Adam, Device, Hourglass, LossTerms, Preset, Tensor, weights};
use bifrons_project::{Checkpoint, Checkpoints};
use bifrons_vision::align::Shape;
use serde::{Deserialize, Serialize};

use crate::{Batch, TrainingError};

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.bpk";
/// The newest preview lies in the checkpoint too, so that old checkpoints can be told apart by looking.
const PREVIEW: &str = "preview.png";
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
    /// Smoothed loss of each person, 0 to 1; empty before the first iteration.
    pub losses: Vec<f64>,
    /// What the people's faces are shaped like.
    #[serde(default)]
    pub shapes: Vec<Shape>,
}

/// The loss of each person in one iteration, 0 (the same image) to 1 (the opposite).
pub type StepLosses = Vec<f32>;

/// A network in training.
#[derive(Debug)]
pub struct Trainer {
    /// `None` only while the optimiser has it.
    net: Option<Hourglass>,
    adam: Adam,
    device: Device,
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
        Self {
            net: Some(Hourglass::new(&preset.network, people.len(), seed, &device)),
            adam: Adam::new(&preset.training),
            device,
            iteration: 0,
            meta: CheckpointMeta {
                preset,
                people,
                seed,
                trained_secs: 0.0,
                losses: Vec::new(),
                shapes: Vec::new(),
            },
        }
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
        Ok(Self {
            net: Some(weights::from_safetensors(fresh, &checkpoint.read(MODEL)?)?),
            adam: Adam::from_bytes(&meta.preset.training, checkpoint.read(OPTIMIZER)?)?,
            device,
            iteration: checkpoint.step(),
            meta,
        })
    }

    /// One iteration: everybody's faces through the one encoder, each person's through their own decoder,
    /// how far off that is, and one step downhill.
    ///
    /// # Errors
    /// [`TrainingError::BrokeDown`] when a loss is not a finite number; the network is then as it was.
    pub fn step(&mut self, batch: &Batch) -> Result<StepLosses, TrainingError> {
        let size = self.meta.preset.network.output_px;
        let each = self.meta.preset.training.batch_per_person;
        let net = self.net();
        let unfolded = net.encoder.forward(self.tensor(&batch.input, 3, size));
        let truth = self.tensor(&batch.truth, 3, size);
        let weight = self.tensor(&batch.weight, 1, size);

        let mut losses = Vec::new();
        for (person, decoder) in net.decoders.iter().enumerate() {
            let own = |faces: &Tensor<4>| faces.clone().narrow(0, person * each, each);
            let drawn = decoder.forward(own(&unfolded));
            let terms = LossTerms::new(drawn, own(&truth), own(&weight));
            losses.push(terms.total());
        }
        let values: StepLosses = losses.iter().map(|loss| loss.clone().into_scalar::<f32>()).collect();
        self.check(&values)?;
        let total = Tensor::cat(losses, 0).sum();
        self.net = self.net.take().map(|net| self.adam.step(net, &total, self.iteration));
        self.iteration += 1;
        self.smooth(&values);
        Ok(values)
    }

    /// The network as it is now, without gradients.
    #[must_use]
    pub fn inference_net(&self) -> Hourglass {
        use bifrons_net::Module as _;
        self.net().valid()
    }

    /// Saves everything that it takes to go on, and removes old checkpoints.
    ///
    /// # Errors
    /// [`TrainingError::Project`] when the disk is full; earlier checkpoints stay.
    pub fn save(&self, checkpoints: &Checkpoints, preview: &[u8]) -> Result<(), TrainingError> {
        let model = weights::to_safetensors(self.net())?;
        let optimizer = self.adam.to_bytes()?;
        let files = [(MODEL, model.as_slice()), (OPTIMIZER, &optimizer), (PREVIEW, preview)];
        let worst = self.meta.losses.iter().copied().reduce(f64::max);
        checkpoints.save(self.iteration, worst, &files, &self.meta)?;
        checkpoints.prune(Checkpoints::KEEP_NEWEST)?;
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

    fn check(&self, values: &[f32]) -> Result<(), TrainingError> {
        match values.iter().position(|loss| !loss.is_finite()) {
            None => Ok(()),
            Some(person) => Err(TrainingError::BrokeDown {
                iteration: self.iteration,
                person: self.meta.people[person].clone(),
                loss: values[person],
            }),
        }
    }

    fn smooth(&mut self, values: &[f32]) {
        // while there is little to average over, the plain mean
        let share = SMOOTHING.max(1.0 / self.iteration as f64);
        self.meta.losses.resize(values.len(), 0.0);
        for (smoothed, &value) in self.meta.losses.iter_mut().zip(values) {
            *smoothed += share * (f64::from(value) - *smoothed);
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
    use crate::{Faceset, Sampler, TrainingFace};

    /// Two people of two faces each: a bright disc high or low, in the colour of the person.
    fn facesets() -> Vec<Faceset> {
        let face = |person: usize, number: usize| {
            let inside = |p: usize| {
                let (x, y) = ((p % 84) as f32 - 42.0, (p / 84) as f32 - 36.0 - 12.0 * number as f32);
                x * x + y * y < 400.0
            };
            let rgb =
                (0..84 * 84 * 3).map(|i| if inside(i / 3) && i % 3 != person { 220 } else { 60 }).collect();
            TrainingFace::new(84, rgb, vec![255; 84 * 84], vec![0; 84 * 84])
        };
        let people = ["alice", "bob"].iter().enumerate();
        let faceset = |(person, name): (usize, &&str)| Faceset {
            person: (*name).to_owned(),
            faces: vec![face(person, 0), face(person, 1)],
            poses: vec![(0.0, 0.0); 2],
            shape: Shape::of([]),
        };
        people.map(faceset).collect()
    }

    fn preset() -> Preset {
        let mut preset = Preset::named("quick").unwrap();
        preset.training.batch_per_person = 2;
        preset.training.warmup_iterations = 0;
        preset
    }

    /// Trains to an iteration; gives the losses of the last one.
    fn trained(trainer: &mut Trainer, to: u64) -> StepLosses {
        let facesets = facesets();
        let poses: Vec<_> = facesets.iter().map(|set| set.poses.clone()).collect();
        let sampler = Sampler::new(7, &poses);
        let mut losses = Vec::new();
        while trainer.iteration < to {
            losses = trainer.step(&Batch::of(trainer.iteration, &sampler, &facesets, &preset())).unwrap();
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
        trained(&mut straight, 6);

        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path());
        let mut first = new_trainer();
        trained(&mut first, 3);
        first.save(&checkpoints, b"preview").unwrap();
        drop(first);
        let saved = checkpoints.newest().unwrap().checkpoint.unwrap();
        let mut resumed = Trainer::resume(&saved, &Device::flex()).unwrap();
        trained(&mut resumed, 6);

        assert_eq!(resumed.meta.losses, straight.meta.losses);
        let bytes = |trainer: &Trainer| weights::to_safetensors(trainer.net()).unwrap();
        assert!(bytes(&resumed) == bytes(&straight), "bit-equal weights");
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
    fn a_broken_number_is_named_and_costs_nothing() {
        let mut trainer = new_trainer();
        trained(&mut trainer, 1);
        let area = 64 * 64;
        let mut truth = vec![0.5; 4 * 3 * area];
        truth[3 * 3 * area] = f32::NAN;
        let batch =
            Batch { iteration: 1, input: vec![0.5; 4 * 3 * area], truth, weight: vec![1.0; 4 * area] };
        let before = weights::to_safetensors(trainer.net()).unwrap();
        let error = trainer.step(&batch).unwrap_err().to_string();
        assert!(error.contains("iteration 1") && error.contains("bob"), "{error}");
        assert!(weights::to_safetensors(trainer.net()).unwrap() == before);
    }
}
