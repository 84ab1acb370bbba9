//! Batches made ready ahead of the step, in their own thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use bifrons_net::Preset;

use crate::augment::{Sample, Variation, write_sample};
use crate::{Faceset, Sampler};

/// How many batches lie ready: enough to hide a slow one, few enough to waste no memory.
const AHEAD: usize = 2;

/// What one iteration sees: the faces of all people one after the other, `batch_per_person` each.
/// Planes as the networks want them, values in `[0, 1]` (weights up to 3).
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The iteration it belongs to.
    pub iteration: u64,
    /// `[people · batch, 3, s, s]`.
    pub input: Vec<f32>,
    /// `[people · batch, 3, s, s]`.
    pub truth: Vec<f32>,
    /// `[people · batch, 1, s, s]`.
    pub weight: Vec<f32>,
}

impl Batch {
    /// The batch of one iteration: always the same for the same sampler, faces and preset.
    #[must_use]
    pub fn of(iteration: u64, sampler: &Sampler, facesets: &[Faceset], preset: &Preset) -> Self {
        let size_px = preset.network.output_px;
        let area = size_px * size_px;
        let slots = preset.training.batch_per_person;
        let count = facesets.len() * slots;
        let mut batch = Self {
            iteration,
            input: vec![0.0; count * 3 * area],
            truth: vec![0.0; count * 3 * area],
            weight: vec![0.0; count * area],
        };
        let samples = batch
            .input
            .chunks_exact_mut(3 * area)
            .zip(batch.truth.chunks_exact_mut(3 * area))
            .zip(batch.weight.chunks_exact_mut(area));
        for (index, ((input, truth), weight)) in samples.enumerate() {
            let (person, slot) = (index / slots, index % slots);
            let mut rng = sampler.rng(iteration, person, slot);
            let face = &facesets[person].faces[sampler.draw(person, &mut rng)];
            let variation = Variation::random(&preset.augmentation, &mut rng);
            write_sample(face, &variation, size_px, &mut Sample { input, truth, weight });
        }
        batch
    }
}

/// A thread that makes batches; it ends when the loader is dropped.
#[derive(Debug)]
pub struct Loader {
    batches: Receiver<Batch>,
}

impl Loader {
    /// Starts making the batches of `first_iteration` and those after it.
    #[must_use]
    pub fn start(
        first_iteration: u64,
        sampler: Sampler,
        facesets: Arc<Vec<Faceset>>,
        preset: Preset,
    ) -> Self {
        let (sender, batches) = sync_channel(AHEAD);
        thread::spawn(move || {
            let made = (first_iteration..).map(|i| Batch::of(i, &sampler, &facesets, &preset));
            // sending fails once nobody waits for batches any more
            let _ = { made }.try_for_each(|batch| sender.send(batch));
        });
        Self { batches }
    }

    /// The next batch.
    ///
    /// # Panics
    /// When the thread that makes them has panicked.
    #[must_use]
    pub fn next_batch(&self) -> Batch {
        self.batches.recv().expect("batches are made as long as they are asked for")
    }
}
