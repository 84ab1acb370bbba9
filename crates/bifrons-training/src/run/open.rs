//! Where a run begins: at the newest checkpoint, at another project's encoder, or anew.

use std::path::Path;

use bifrons_net::Preset;
use bifrons_project::{Checkpoint, Checkpoints, Event, Layout};

use super::Job;
use crate::{CheckpointMeta, Faceset, Trainer, TrainingError};

/// The trainer of the project's newest good checkpoint, or a new one.
pub(super) fn open(job: &Job<'_>, facesets: &[Faceset]) -> Result<Trainer, TrainingError> {
    let people: Vec<String> = facesets.iter().map(|set| set.person.clone()).collect();
    let mut trainer = match newest(job, &job.project.checkpoints())? {
        Some(checkpoint) => {
            if job.start_from.is_some() {
                job.reporter.report(&Event::warning(
                    "there is a model already: it does not begin with another's encoder",
                ));
            }
            go_on(job, &checkpoint, people)?
        }
        None => match job.start_from {
            Some(path) => start_from(job, path, people)?,
            None if job.only.is_some() => return Err(TrainingError::NothingToKeep),
            None => Trainer::new(job.preset.clone(), people, job.seed, job.device),
        },
    };
    trainer.meta.shapes = facesets.iter().map(|set| set.shape.clone()).collect();
    if let Some(person) = job.only {
        trainer.learn_only(person)?;
    }
    trainer.sharpen(job.sharpen);
    Ok(trainer)
}

/// The newest good checkpoint; the damaged ones before it are named.
fn newest(job: &Job<'_>, checkpoints: &Checkpoints) -> Result<Option<Checkpoint>, TrainingError> {
    let newest = checkpoints.newest()?;
    for damaged in &newest.damaged {
        job.reporter.report(&Event::Warning {
            text: format!("the checkpoint {} is damaged ({})", damaged.path.display(), damaged.reason),
            hint: Some("training goes on from the one before it".to_owned()),
        });
    }
    Ok(newest.checkpoint)
}

fn go_on(job: &Job<'_>, checkpoint: &Checkpoint, people: Vec<String>) -> Result<Trainer, TrainingError> {
    let meta: CheckpointMeta = checkpoint.meta()?;
    let describe = |preset: &Preset, people: &[String], seed: u64| {
        format!("preset `{}`, seed {seed}, {}", preset.name, people.join(" and "))
    };
    let mut found = describe(&meta.preset, &meta.people, meta.seed);
    if meta.preset.name == job.preset.name && meta.preset.network != job.preset.network {
        found.push_str(", as another version of Bifrons made it");
    }
    let joining: Vec<&String> = people.iter().filter(|name| !meta.people.contains(name)).collect();
    let is_subset = meta.people.iter().all(|name| people.contains(name));
    // the same people in another order are the same people
    let known = if is_subset { &meta.people } else { &people };
    if found != describe(job.preset, known, job.seed) {
        let expected = describe(job.preset, &people, job.seed);
        return Err(TrainingError::OtherModel { found, expected });
    }
    let trainer = if meta.people == people {
        Trainer::resume(checkpoint, job.device)?
    } else if joining.is_empty() {
        Trainer::resume_with(checkpoint, people, job.device)?
    } else {
        let names: Vec<&str> = joining.iter().map(|name| name.as_str()).collect();
        job.reporter.report(&Event::message(format!("{} joins the model", names.join(" and "))));
        Trainer::resume_with(checkpoint, people, job.device)?
    };
    job.reporter.report(&Event::message(format!("training goes on from iteration {}", trainer.iteration)));
    Ok(trainer)
}

fn start_from(job: &Job<'_>, path: &Path, people: Vec<String>) -> Result<Trainer, TrainingError> {
    let nothing = |reason: String| TrainingError::NothingToStartFrom { path: path.to_owned(), reason };
    let layout = Layout::new(path);
    let Some(checkpoint) = newest(job, &Checkpoints::new(layout.model()))? else {
        return Err(nothing("there is no good checkpoint in its model/ folder".to_owned()));
    };
    let meta: CheckpointMeta = checkpoint.meta()?;
    if meta.preset.network != job.preset.network {
        let older =
            if meta.preset.name == job.preset.name { ", as another version of Bifrons made it" } else { "" };
        return Err(nothing(format!(
            "it is of the preset `{}`{older}, this project of `{}`",
            meta.preset.name, job.preset.name
        )));
    }
    let text = format!("begins with the encoder of {}, iteration {}", path.display(), checkpoint.step());
    job.reporter.report(&Event::message(text));
    Trainer::with_encoder_of(&checkpoint, job.preset.clone(), people, job.seed, job.device)
}
