//! The loop around the step: until when, saved how often, shown how often, and what happens when it goes wrong.

mod open;

use std::path::Path;
use std::sync::Arc;

use bifrons_net::{Device, Preset};
use bifrons_project::index::CurvePoint;
use bifrons_project::{Event, Project, Reporter, Stop};

use crate::bleed::Bleed;
use crate::guard;
use crate::held_out::{self, HeldOut};
use crate::history::History;
use crate::limits::mean;
use crate::pace::Pace;
use crate::trainer::UNHEARD;
use crate::{Faceset, Limits, Loader, Plateau, Sampler, Trainer, TrainingError};

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
    /// Loss of each person on faces that are never trained on; empty where there are too few.
    pub held_out: Vec<(String, f64)>,
    /// Iterations per second in this run; 0 when there was nothing left to do.
    pub iterations_per_sec: f64,
}

/// What to train, and how.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "listeners are not")]
pub struct Job<'a> {
    /// Where the model is, or will be.
    pub project: &'a Project,
    /// Shape and schedule of a new model; one that is there must have been made with it.
    pub preset: &'a Preset,
    /// Seed of weights and samples.
    pub seed: u64,
    /// When it ends.
    pub limits: &'a Limits,
    /// Where it computes.
    pub device: &'a Device,
    /// Another project, whose encoder a new model begins with.
    pub start_from: Option<&'a Path>,
    /// The one person whose decoder learns; everything else stays as it is.
    pub only: Option<&'a str>,
    /// Whether inspectors sharpen the decoders.
    pub sharpen: bool,
    /// Threads that make batches.
    pub loader_threads: usize,
    /// Who listens.
    pub reporter: &'a dyn Reporter,
    /// Who may ask to stop.
    pub stop: &'a Stop,
}

/// Iterations between two looks at whose face the decoders draw: counted, not timed, so that a run that was killed goes on
/// as if it had not been.
const BLEED_EVERY: u64 = 50;
/// How often a run that breaks down goes back to the last good checkpoint and tries again.
const MOST_RETRIES: u32 = 4;
/// Iterations after which a breakdown is not counted with the one before.
const GOOD_STRETCH: u64 = 2000;

/// Trains (or trains on) the project's model on `facesets`, one for each person in the order of the decoders.
///
/// The newest good checkpoint is continued; damaged ones are named in a warning. When a loss is no longer a number or
/// jumps, training goes back to the last good checkpoint and on at half the rate. A checkpoint is always saved at the
/// end.
///
/// # Errors
/// [`TrainingError::OtherModel`] when the project's model is of another preset, seed or people;
/// [`TrainingError::BrokeDown`] when it does so again and again; [`TrainingError::Unknown`],
/// [`TrainingError::NothingToStartFrom`]; an error of the disk.
pub fn train(job: &Job<'_>, facesets: Vec<Faceset>) -> Result<Trained, TrainingError> {
    let facesets = Arc::new(facesets);
    let (mut retries, mut slower, mut broken_at) = (0, None, 0);
    loop {
        let mut trainer = open::open(job, &facesets)?;
        if let Some(rate_share) = slower {
            trainer.slow_down(rate_share)?;
        }
        match until_the_end(job, &mut trainer, &facesets) {
            Err(broken @ TrainingError::BrokeDown { .. }) => {
                // after a long good stretch it is another matter
                if trainer.iteration > broken_at + GOOD_STRETCH {
                    retries = 0;
                }
                if retries == MOST_RETRIES {
                    return Err(broken);
                }
                retries += 1;
                broken_at = trainer.iteration;
                slower = Some(trainer.meta.rate_share / 2.0);
                job.reporter.report(&Event::Warning {
                    text: broken.to_string(),
                    hint: Some(
                        "training goes back to the last good checkpoint and on at half the rate".into(),
                    ),
                });
            }
            other => return other,
        }
    }
}

fn until_the_end(
    job: &Job<'_>,
    trainer: &mut Trainer,
    facesets: &Arc<Vec<Faceset>>,
) -> Result<Trained, TrainingError> {
    let index = job.project.index();
    index.cut_curve(trainer.iteration)?;
    let mut plateau = Plateau::of(&curve_that_counts(&index.curve()?, trainer));
    check_plateau(job, trainer, facesets)?;
    let mut view = View {
        job,
        held_out: HeldOut::new(facesets, &trainer.meta.preset, job.device),
        bleed: match trainer.meta.sharpening {
            Some(_) => Some(Bleed::new(facesets, &trainer.meta.preset.network, job.device)?),
            None => None,
        },
        history: History::open(job.project)?,
        facesets,
    };
    let sampler = Sampler::new(job.seed, facesets.iter().map(|set| (&*set.looks, set.held_out.clone())));
    // a model goes on as it began, even when a newer program's preset of that name trains otherwise
    let preset = trainer.meta.preset.clone();
    let people = trainer.learning().to_vec();
    let mut loader =
        Loader::start(trainer.iteration, job.loader_threads, people, sampler, Arc::clone(facesets), preset);

    let mut pace = Pace::new(trainer);
    let mut unsaved = false;
    let mut ending = ended(trainer, job, &plateau);
    if ending == Some(Ending::Limit) {
        let (iterations, minutes) = (trainer.iteration, trainer.meta.trained_secs / 60.0);
        let text = format!(
            "the model has {iterations} iterations in {minutes:.1} minutes: a limit is reached already"
        );
        job.reporter.report(&Event::message(text));
    }
    while ending.is_none() {
        view.check_bleed(trainer)?;
        let batch = loader.next_batch();
        let losses = trainer.step(&batch)?;
        let suspicious = guard::is_suspicious(&trainer.meta.lowest_losses, &batch.people, &losses);
        unsaved = true;
        trainer.meta.trained_secs = pace.trained_secs();
        let meta = &mut trainer.meta;
        if let Some(person) = guard::hear(&mut meta.lowest_losses, &meta.losses) {
            return Err(TrainingError::BrokeDown {
                iteration: trainer.iteration,
                person: trainer.meta.people[person].clone(),
                term: "smoothed loss",
                value: trainer.meta.losses[person],
            });
        }
        // what may be a collapse is neither saved nor the end
        ending = if suspicious { None } else { ended(trainer, job, &plateau) };

        if pace.report_due() || ending.is_some() {
            job.reporter.report(&pace.event(trainer, job.limits));
        }
        let save_due = !suspicious && ending.is_none() && pace.save_due();
        if pace.preview_due() || save_due {
            let picture = view.look(trainer, &mut plateau)?;
            if save_due {
                trainer.save(&job.project.checkpoints(), &picture)?;
                pace.saved();
                unsaved = false;
            }
        }
    }
    if unsaved {
        let picture = view.look(trainer, &mut plateau)?;
        trainer.save(&job.project.checkpoints(), &picture)?;
    }
    let meta = &trainer.meta;
    let named = |losses: &[f64]| meta.people.iter().cloned().zip(losses.iter().copied()).collect();
    Ok(Trained {
        ending: ending.unwrap_or(Ending::Stopped),
        iteration: trainer.iteration,
        trained_secs: meta.trained_secs,
        losses: named(&meta.losses),
        held_out: named(&meta.held_out),
        iterations_per_sec: pace.rate(trainer),
    })
}

/// What is looked at from time to time.
struct View<'a> {
    job: &'a Job<'a>,
    facesets: &'a [Faceset],
    held_out: HeldOut,
    bleed: Option<Bleed>,
    history: History,
}

impl View<'_> {
    /// While inspectors sharpen: whether swaps still look like the identity.
    fn check_bleed(&self, trainer: &mut Trainer) -> Result<(), TrainingError> {
        let Some(bleed) = self.bleed.as_ref().filter(|_| trainer.iteration.is_multiple_of(BLEED_EVERY))
        else {
            return Ok(());
        };
        if let Some(transfer) = bleed.transfer(&trainer.inference_net())?
            && let Some(sharpening) = &mut trainer.meta.sharpening
            && let Some(weight) = sharpening.hear(transfer)
        {
            self.job.reporter.report(&Event::message(format!(
                "identity in swaps {transfer:.3}, {:.3} before sharpening: inspectors weigh {weight:.4} now",
                sharpening.transfer_before.unwrap_or_default()
            )));
        }
        Ok(())
    }

    /// Draws the preview and the held-out faces, and notes how good these are. Gives the preview as PNG.
    fn look(&mut self, trainer: &mut Trainer, plateau: &mut Plateau) -> Result<Vec<u8>, TrainingError> {
        let net = trainer.inference_net();
        let held_out = self.held_out.losses(&net);
        if let Some(loss) = mean(trainer.learning().iter().map(|&person| held_out[person])) {
            plateau.heard(trainer.meta.trained_secs, loss);
        }
        let all_known = held_out.iter().copied().collect::<Option<Vec<f64>>>().unwrap_or_default();
        trainer.meta.held_out =
            if all_known.iter().all(|loss| loss.is_finite()) { all_known } else { Vec::new() };
        let meta = &trainer.meta;
        let held_out = held_out.into_iter().map(|loss| loss.filter(|loss| loss.is_finite()));
        let points =
            meta.people.iter().zip(&meta.losses).zip(held_out).map(|((person, loss), held_out)| CurvePoint {
                iteration: trainer.iteration,
                person: person.clone(),
                trained_secs: meta.trained_secs,
                loss: *loss,
                held_out,
            });
        self.job.project.index().extend_curve(&points.collect::<Vec<_>>())?;

        let picture = crate::draw_preview(&net, self.facesets, &meta.preset, self.job.device)?;
        let bytes = self.history.show(trainer.iteration, &picture)?;
        self.job.reporter.report(&Event::Preview { path: self.job.project.layout().preview() });
        Ok(bytes)
    }
}

/// The part of a curve that tells whether the people who learn now still do.
fn curve_that_counts(curve: &[CurvePoint], trainer: &Trainer) -> Vec<CurvePoint> {
    let meta = &trainer.meta;
    let since = meta.sharpening.map_or(meta.begun_at, |sharpening| sharpening.begun_at.max(meta.begun_at));
    let learns = |name: &String| trainer.learning().iter().any(|&person| meta.people[person] == *name);
    curve.iter().filter(|point| point.iteration > since && learns(&point.person)).cloned().collect()
}

/// A plateau can only be told where faces are held out.
fn check_plateau(job: &Job<'_>, trainer: &Trainer, facesets: &[Faceset]) -> Result<(), TrainingError> {
    let Limits { minutes, iterations, loss, plateau } = *job.limits;
    let without =
        trainer.learning().iter().map(|&person| &facesets[person]).find(|set| set.held_out.is_empty());
    let Some(set) = without.filter(|_| plateau) else { return Ok(()) };
    let (person, found) = (set.person.clone(), set.faces.len());
    let error = TrainingError::NoPlateau { person, found, needed: held_out::ENOUGH_FACES };
    if minutes.is_none() && iterations.is_none() && loss.is_none() {
        return Err(error);
    }
    job.reporter.report(&Event::Warning { text: error.to_string(), hint: None });
    Ok(())
}

fn ended(trainer: &Trainer, job: &Job<'_>, plateau: &Plateau) -> Option<Ending> {
    let (meta, limits) = (&trainer.meta, job.limits);
    let learning = || trainer.learning().iter().map(|&person| meta.losses[person]);
    let long_enough = limits.minutes.is_some_and(|minutes| meta.trained_secs >= 60.0 * minutes)
        || limits.iterations.is_some_and(|iterations| trainer.iteration >= iterations)
        || limits.loss.is_some_and(|loss| {
            !meta.losses.is_empty() && learning().all(|now| now <= loss && now != UNHEARD)
        })
        || limits.plateau && plateau.is_reached();
    if long_enough {
        Some(Ending::Limit)
    } else if job.stop.is_requested() {
        Some(Ending::Stopped)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
