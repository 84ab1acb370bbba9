//! Keeps the time of a training run: how long, how fast, what is due.

use std::time::{Duration, Instant};

use bifrons_project::Event;

use crate::{Limits, Trainer};

/// The shortest time between two checkpoints.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// At most one part in this many of the time goes into saving (a large model on a slow disk).
const SAVE_SHARE: u32 = 20;
/// Time between two previews.
const PREVIEW_EVERY: Duration = Duration::from_secs(10);
/// Time between two reports.
const REPORT_EVERY: Duration = Duration::from_millis(500);

pub(crate) struct Pace {
    started: Instant,
    secs_before: f64,
    iterations_before: u64,
    reported: Instant,
    previewed: Instant,
    save_at: Instant,
}

impl Pace {
    pub(crate) fn new(trainer: &Trainer) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            secs_before: trainer.meta.trained_secs,
            iterations_before: trainer.iteration,
            reported: now,
            previewed: now,
            save_at: now + SAVE_EVERY,
        }
    }

    pub(crate) fn trained_secs(&self) -> f64 {
        self.secs_before + self.started.elapsed().as_secs_f64()
    }

    pub(crate) fn rate(&self, trainer: &Trainer) -> f64 {
        (trainer.iteration - self.iterations_before) as f64 / self.started.elapsed().as_secs_f64()
    }

    pub(crate) fn report_due(&mut self) -> bool {
        due(&mut self.reported, REPORT_EVERY)
    }

    pub(crate) fn preview_due(&mut self) -> bool {
        due(&mut self.previewed, PREVIEW_EVERY)
    }

    pub(crate) fn save_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = now >= self.save_at;
        if is_due {
            // the time saving takes is measured from here
            self.save_at = now;
        }
        is_due
    }

    pub(crate) fn saved(&mut self) {
        let took = self.save_at.elapsed();
        self.save_at = Instant::now() + SAVE_EVERY.max(took * SAVE_SHARE);
    }

    pub(crate) fn event(&self, trainer: &Trainer, limits: &Limits) -> Event {
        let meta = &trainer.meta;
        let rate = self.rate(trainer);
        let by_time = limits.minutes.map(|minutes| 60.0 * minutes - meta.trained_secs);
        let by_count = limits.iterations.map(|goal| goal.saturating_sub(trainer.iteration) as f64 / rate);
        let named = |losses: &[f64]| meta.people.iter().cloned().zip(losses.iter().copied()).collect();
        Event::Train {
            iteration: trainer.iteration,
            losses: named(&meta.losses),
            held_out: named(&meta.held_out),
            iterations_per_sec: rate,
            images_per_sec: rate * (trainer.learning().len() * meta.preset.training.batch_per_person) as f64,
            trained_secs: meta.trained_secs,
            left_secs: by_time.into_iter().chain(by_count).reduce(f64::min).map(|left| left.max(0.0)),
        }
    }
}

fn due(last: &mut Instant, every: Duration) -> bool {
    let is_due = last.elapsed() >= every;
    if is_due {
        *last = Instant::now();
    }
    is_due
}
