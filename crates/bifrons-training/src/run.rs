//! The loop around the step: until when, saved how often, shown how often.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bifrons_net::{Device, Preset};
use bifrons_project::{Event, Project, Reporter, Stop, atomic};

use crate::preview::draw_preview;
use crate::{Faceset, Loader, Sampler, Trainer, TrainingError};

/// When training ends: at whichever comes first. With none, when the user stops it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Minutes trained, earlier runs included.
    pub minutes: Option<f64>,
    /// Iterations, earlier runs included.
    pub iterations: Option<u64>,
    /// When everybody's smoothed loss is at or below this.
    pub loss: Option<f64>,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A limit was reached: the model is finished, for now.
    Limit,
    /// The user asked to stop; the same command goes on.
    Stopped,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Why it ended.
    pub ending: Ending,
    /// Iterations since the model was new.
    pub iteration: u64,
    /// Seconds trained since the model was new.
    pub trained_secs: f64,
    /// Smoothed loss of each person.
    pub losses: Vec<(String, f64)>,
    /// Iterations per second in this run; 0 when there was nothing left to do.
    pub iterations_per_sec: f64,
}

/// The shortest time between two checkpoints.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// At most one part in this many of the time goes into saving (a large model on a slow disk).
const SAVE_SHARE: u32 = 20;
/// Time between two previews.
const PREVIEW_EVERY: Duration = Duration::from_secs(10);
/// Time between two reports.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// Trains (or trains on) the project's model on `facesets`, one for each person in the order of the decoders.
///
/// The newest good checkpoint is continued; damaged ones are named in a warning. A checkpoint is always saved
/// at the end.
///
/// # Errors
/// [`TrainingError::OtherModel`] when the project's model is of another preset, seed or people;
/// [`TrainingError::BrokeDown`]; an error of the disk.
#[expect(clippy::too_many_arguments, reason = "each is a separate decision of the user's command")]
pub fn train(
    project: &Project,
    facesets: Vec<Faceset>,
    preset: &Preset,
    seed: u64,
    limits: &Limits,
    device: &Device,
    reporter: &dyn Reporter,
    stop: &Stop,
) -> Result<Trained, TrainingError> {
    let mut trainer = open(project, &facesets, preset, seed, device, reporter)?;
    trainer.meta.shapes = facesets.iter().map(|set| set.shape.clone()).collect();
    let poses: Vec<_> = facesets.iter().map(|set| set.poses.clone()).collect();
    let facesets = Arc::new(facesets);
    // a model goes on as it began, even when a newer program's preset of that name trains otherwise
    let model_preset = trainer.meta.preset.clone();
    let loader =
        Loader::start(trainer.iteration, Sampler::new(seed, &poses), Arc::clone(&facesets), model_preset);

    let mut pace = Pace::new(&trainer);
    let mut unsaved = false;
    let mut ending = ended(&trainer, limits, stop);
    while ending.is_none() {
        trainer.step(&loader.next_batch())?;
        unsaved = true;
        trainer.meta.trained_secs = pace.trained_secs();
        ending = ended(&trainer, limits, stop);

        if pace.report_due() || ending.is_some() {
            reporter.report(&pace.event(&trainer, limits));
        }
        if pace.preview_due() {
            preview(project, &trainer, &facesets, device, reporter)?;
        }
        if pace.save_due() && ending.is_none() {
            save(project, &trainer, &facesets, device, reporter)?;
            pace.saved();
            unsaved = false;
        }
    }
    if unsaved {
        save(project, &trainer, &facesets, device, reporter)?;
    }
    Ok(Trained {
        ending: ending.unwrap_or(Ending::Stopped),
        iteration: trainer.iteration,
        trained_secs: trainer.meta.trained_secs,
        losses: trainer.meta.people.iter().cloned().zip(trainer.meta.losses.iter().copied()).collect(),
        iterations_per_sec: pace.rate(&trainer),
    })
}

fn open(
    project: &Project,
    facesets: &[Faceset],
    preset: &Preset,
    seed: u64,
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Trainer, TrainingError> {
    let newest = project.checkpoints().newest()?;
    for damaged in &newest.damaged {
        reporter.report(&Event::Warning {
            text: format!("the checkpoint {} is damaged ({})", damaged.path.display(), damaged.reason),
            hint: Some("training goes on from the one before it".to_owned()),
        });
    }
    let people: Vec<String> = facesets.iter().map(|set| set.person.clone()).collect();
    let Some(checkpoint) = newest.checkpoint else {
        return Ok(Trainer::new(preset.clone(), people, seed, device));
    };
    let trainer = Trainer::resume(&checkpoint, device)?;
    let describe = |preset: &Preset, people: &[String], seed: u64| {
        format!("preset `{}`, seed {seed}, {}", preset.name, people.join(" and "))
    };
    let mut found = describe(&trainer.meta.preset, &trainer.meta.people, trainer.meta.seed);
    let expected = describe(preset, &people, seed);
    if trainer.meta.preset.name == preset.name && trainer.meta.preset.network != preset.network {
        found.push_str(", as another version of Bifrons made it");
    }
    if found != expected {
        return Err(TrainingError::OtherModel { found, expected });
    }
    reporter.report(&Event::message(format!("training goes on from iteration {}", trainer.iteration)));
    Ok(trainer)
}

fn ended(trainer: &Trainer, limits: &Limits, stop: &Stop) -> Option<Ending> {
    let meta = &trainer.meta;
    let long_enough = limits.minutes.is_some_and(|minutes| meta.trained_secs >= 60.0 * minutes)
        || limits.iterations.is_some_and(|iterations| trainer.iteration >= iterations)
        || limits
            .loss
            .is_some_and(|loss| !meta.losses.is_empty() && meta.losses.iter().all(|&now| now <= loss));
    if long_enough {
        Some(Ending::Limit)
    } else if stop.is_requested() {
        Some(Ending::Stopped)
    } else {
        None
    }
}

fn preview(
    project: &Project,
    trainer: &Trainer,
    facesets: &[Faceset],
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<Vec<u8>, TrainingError> {
    let picture = draw_preview(&trainer.inference_net(), facesets, &trainer.meta.preset, device)?;
    let bytes = picture.encode_png()?;
    let path = project.layout().preview();
    atomic::create_dir_all(&project.layout().model())?;
    atomic::write(&path, &bytes)?;
    reporter.report(&Event::Preview { path });
    Ok(bytes)
}

fn save(
    project: &Project,
    trainer: &Trainer,
    facesets: &[Faceset],
    device: &Device,
    reporter: &dyn Reporter,
) -> Result<(), TrainingError> {
    let picture = preview(project, trainer, facesets, device, reporter)?;
    trainer.save(&project.checkpoints(), &picture)
}

/// Keeps the time: how long, how fast, what is due.
struct Pace {
    started: Instant,
    secs_before: f64,
    iterations_before: u64,
    reported: Instant,
    previewed: Instant,
    save_at: Instant,
}

impl Pace {
    fn new(trainer: &Trainer) -> Self {
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

    fn trained_secs(&self) -> f64 {
        self.secs_before + self.started.elapsed().as_secs_f64()
    }

    fn rate(&self, trainer: &Trainer) -> f64 {
        (trainer.iteration - self.iterations_before) as f64 / self.started.elapsed().as_secs_f64()
    }

    fn report_due(&mut self) -> bool {
        due(&mut self.reported, REPORT_EVERY)
    }

    fn preview_due(&mut self) -> bool {
        due(&mut self.previewed, PREVIEW_EVERY)
    }

    fn save_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = now >= self.save_at;
        if is_due {
            // the time saving takes is measured from here
            self.save_at = now;
        }
        is_due
    }

    fn saved(&mut self) {
        let took = self.save_at.elapsed();
        self.save_at = Instant::now() + SAVE_EVERY.max(took * SAVE_SHARE);
    }

    fn event(&self, trainer: &Trainer, limits: &Limits) -> Event {
        let meta = &trainer.meta;
        let rate = self.rate(trainer);
        let by_time = limits.minutes.map(|minutes| 60.0 * minutes - meta.trained_secs);
        let by_count = limits.iterations.map(|goal| goal.saturating_sub(trainer.iteration) as f64 / rate);
        Event::Train {
            iteration: trainer.iteration,
            losses: meta.people.iter().cloned().zip(meta.losses.iter().copied()).collect(),
            iterations_per_sec: rate,
            images_per_sec: rate * (meta.people.len() * meta.preset.training.batch_per_person) as f64,
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
