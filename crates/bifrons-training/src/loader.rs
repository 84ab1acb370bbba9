//! Batches made ready ahead of the step, in their own thread.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use bifrons_net::Preset;
use rand::Rng;

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
    /// Whose faces these are, in their order: numbers of decoders.
    pub people: Vec<usize>,
    /// `[people · batch, 3, s, s]`, s the side the encoder sees.
    pub input: Vec<f32>,
    /// `[people · batch, 3, t, t]`, t the side the decoder draws.
    pub truth: Vec<f32>,
    /// `[people · batch, 1, t, t]`.
    pub weight: Vec<f32>,
}

impl Batch {
    /// Memory that the batch of so many people takes.
    #[must_use]
    pub fn bytes(preset: &Preset, people: usize) -> usize {
        let [seen_area, area] = [preset.network.input_px, preset.network.output_px].map(|side| side * side);
        people * preset.training.batch_per_person * (3 * seen_area + 4 * area) * size_of::<f32>()
    }

    /// The batch of one iteration, of these people: always the same for the same sampler, faces and preset.
    #[must_use]
    pub fn of(
        iteration: u64,
        people: &[usize],
        sampler: &Sampler,
        facesets: &[Faceset],
        preset: &Preset,
    ) -> Self {
        let [seen_area, area] = [preset.network.input_px, preset.network.output_px].map(|side| side * side);
        let slots = preset.training.batch_per_person;
        let count = people.len() * slots;
        let mut batch = Self {
            iteration,
            people: people.to_vec(),
            input: vec![0.0; count * 3 * seen_area],
            truth: vec![0.0; count * 3 * area],
            weight: vec![0.0; count * area],
        };
        let samples = batch
            .input
            .chunks_exact_mut(3 * seen_area)
            .zip(batch.truth.chunks_exact_mut(3 * area))
            .zip(batch.weight.chunks_exact_mut(area));
        for (index, ((input, truth), weight)) in samples.enumerate() {
            let (person, slot) = (people[index / slots], index % slots);
            let mut rng = sampler.rng(iteration, person, slot);
            let face = &facesets[person].faces[sampler.draw(person, &mut rng)];
            let variation = Variation::random(&preset.augmentation, &mut rng);
            let borrows =
                preset.augmentation.mouths > 0.0 && rng.random::<f32>() < preset.augmentation.mouths;
            let face = if borrows {
                let other = rng.random_range(0..facesets.len());
                face.with_mouth_of(&facesets[other].faces[sampler.draw(other, &mut rng)])
            } else {
                Cow::Borrowed(face)
            };
            let mut sample = Sample { input, truth, weight };
            write_sample(&face, &variation, &preset.network, &mut sample);
        }
        batch
    }
}

/// Threads that make batches; they end when the loader is dropped.
#[derive(Debug)]
pub struct Loader {
    /// One for each thread; batches come from them in turn.
    batches: Vec<Receiver<Batch>>,
    next: usize,
}

impl Loader {
    /// Starts making the batches of `first_iteration` and those after it, of these people. What is made does not depend on
    /// the number of threads.
    ///
    /// # Panics
    /// With no threads.
    #[must_use]
    pub fn start(
        first_iteration: u64,
        threads: usize,
        people: Vec<usize>,
        sampler: Sampler,
        facesets: Arc<Vec<Faceset>>,
        preset: Preset,
    ) -> Self {
        assert!(threads > 0, "somebody must make batches");
        let work = Arc::new((people, sampler, facesets, preset));
        let start = |thread: usize| {
            let (sender, batches) = sync_channel(AHEAD);
            let work = Arc::clone(&work);
            thread::spawn(move || {
                let (people, sampler, facesets, preset) = &*work;
                let own = (first_iteration + thread as u64..).step_by(threads);
                let made = own.map(|iteration| Batch::of(iteration, people, sampler, facesets, preset));
                // sending fails once nobody waits for batches any more
                let _ = { made }.try_for_each(|batch| sender.send(batch));
            });
            batches
        };
        Self { batches: (0..threads).map(start).collect(), next: 0 }
    }

    /// The next batch.
    ///
    /// # Panics
    /// When the thread that makes them has panicked.
    #[must_use]
    pub fn next_batch(&mut self) -> Batch {
        let thread = self.next;
        self.next = (thread + 1) % self.batches.len();
        self.batches[thread].recv().expect("batches are made as long as they are asked for")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{facesets, preset};

    #[test]
    fn one_thread_and_two_make_the_same_batches() {
        let facesets = Arc::new(facesets(&["alice".to_owned(), "bob".to_owned()]));
        let batches = |threads: usize| {
            let sampler = Sampler::new(5, facesets.iter().map(|set| (&*set.looks, 0..0)));
            let people = vec![0, 1];
            let mut loader = Loader::start(7, threads, people, sampler, Arc::clone(&facesets), preset());
            (0..10).map(|_| loader.next_batch()).collect::<Vec<_>>()
        };
        let one = batches(1);
        assert!(one == batches(2) && one == batches(3));
        assert_eq!((one[0].iteration, one[9].iteration), (7, 16));
        assert_ne!(one[0].input, one[1].input);
    }
}
