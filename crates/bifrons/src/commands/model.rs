//! `bifrons model`: what was trained, as a file, and how it came to be.

use std::path::Path;

use bifrons_media::{RgbImage, slideshow};
use bifrons_net::Device;
use bifrons_project::{Checkpoint, Event, Project, atomic};
use bifrons_seal::{Kind, Making, format_of};
use bifrons_training::{CheckpointMeta, portable, previews};

use super::Context;
use super::finish::publish_sealed;
use super::project::check_output;
use crate::arguments::ModelCommand;
use crate::failure::{Finished, Unusable};

/// Pictures of a timelapse in one second.
const PER_SEC: u32 = 12;
/// The last one stays for this many pictures.
const LAST: usize = 24;

pub(super) fn run(what: &ModelCommand, context: &Context) -> anyhow::Result<Finished> {
    match what {
        ModelCommand::Inspect { file: Some(file), .. } => inspect_file(file, context),
        ModelCommand::Inspect { file: None, project } => inspect(&Project::open(&project.project)?, context),
        ModelCommand::Export { output, project } => export(&Project::open(&project.project)?, output),
        ModelCommand::Import { file, project } => import(&Project::open(&project.project)?, file, context),
        ModelCommand::Timelapse { output, project } => timelapse(&Project::open(&project.project)?, output),
    }
}

fn inspect(project: &Project, context: &Context) -> anyhow::Result<Finished> {
    let checkpoints = project.checkpoints();
    let mut finished = Finished::default();
    for step in checkpoints.steps()? {
        let dir = checkpoints.dir_of(step);
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let described = Checkpoint::open(&dir).and_then(|checkpoint| Ok(describe(step, &checkpoint.meta()?)));
        match described {
            Ok(text) => context.reporter.report(&Event::message(format!("{name}: {text}"))),
            Err(error) => {
                finished.failures += 1;
                context.reporter.report(&Event::warning(format!("{name}: {error}")));
            }
        }
    }
    let newest = newest(project)?;
    let meta: CheckpointMeta = newest.meta()?;
    figures(newest.step(), &meta, &mut finished);
    Ok(finished)
}

fn inspect_file(file: &Path, context: &Context) -> anyhow::Result<Finished> {
    let (iteration, meta) = portable::inspect(file)?;
    context.reporter.report(&Event::message(describe(iteration, &meta)));
    let mut finished = Finished::default();
    figures(iteration, &meta, &mut finished);
    Ok(finished)
}

fn describe(iteration: u64, meta: &CheckpointMeta) -> String {
    let minutes = meta.trained_secs / 60.0;
    let people = meta.people.join(", ");
    format!("preset {}, {people}, {iteration} iterations in {minutes:.1} minutes", meta.preset.name)
}

fn figures(iteration: u64, meta: &CheckpointMeta, finished: &mut Finished) {
    let measured = &mut finished.measured;
    measured.insert("iterations".to_owned(), iteration as f64);
    measured.insert("trained_secs".to_owned(), meta.trained_secs);
    for (person, loss) in meta.people.iter().zip(&meta.losses) {
        measured.insert(format!("loss_of_{person}"), *loss);
    }
    for (person, loss) in meta.people.iter().zip(&meta.held_out) {
        measured.insert(format!("held_out_loss_of_{person}"), *loss);
    }
}

fn export(project: &Project, output: &Path) -> anyhow::Result<Finished> {
    check_output(project, output)?;
    portable::export(&newest(project)?, output)?;
    Ok(Finished { outputs: vec![output.to_owned()], ..Finished::default() })
}

fn import(project: &Project, file: &Path, context: &Context) -> anyhow::Result<Finished> {
    let checkpoint = portable::import(file, &project.checkpoints(), &Device::flex())?;
    let meta: CheckpointMeta = checkpoint.meta()?;
    // so that training goes on with what the model was made with
    project.update_config(|config| {
        config.preset = meta.preset.name.clone();
        config.seed = meta.seed;
    })?;
    context.reporter.report(&Event::message(describe(checkpoint.step(), &meta)));
    Ok(Finished { outputs: vec![checkpoint.dir().to_owned()], ..Finished::default() })
}

fn timelapse(project: &Project, output: &Path) -> anyhow::Result<Finished> {
    check_output(project, output)?;
    format_of(output)?;
    let pictures = previews(project)?;
    let read = |path: &Path| std::fs::read(path).map_err(anyhow::Error::from);
    let Some((_, last)) = pictures.last() else {
        let reason = format!("{} has no previews yet", project.layout().root().display());
        return Err(Unusable { reason, hint: Some("train first: `bifrons train`".to_owned()) }.into());
    };
    // when somebody joined, the sheet grew: the film is of the people that are there now
    let size = |bytes: &[u8]| RgbImage::decode(bytes).map(|image| (image.width, image.height));
    let last = read(last)?;
    let last_size = size(&last)?;
    let mut shown = Vec::new();
    for (_, path) in &pictures {
        let bytes = read(path)?;
        if size(&bytes)? == last_size {
            shown.push(bytes);
        }
    }
    let count = shown.len();
    shown.extend(std::iter::repeat_n(last, LAST));
    let shown_frames = shown.len();
    let part = atomic::part_path(output);
    let made = slideshow(shown, PER_SEC, &part);
    if made.is_err() {
        // the first error is the one to tell
        let _ = std::fs::remove_file(&part);
    }
    made?;
    publish_sealed(&part, output, Making::new(Kind::Timelapse, shown_frames), Vec::new())?;
    let mut finished = Finished { outputs: vec![output.to_owned()], ..Finished::default() };
    finished.measured.insert("previews".to_owned(), count as f64);
    Ok(finished)
}

pub(super) fn newest(project: &Project) -> anyhow::Result<Checkpoint> {
    project.checkpoints().newest()?.checkpoint.ok_or_else(|| {
        let reason = format!("{} has no trained model", project.layout().root().display());
        Unusable { reason, hint: Some("train first: `bifrons train`".to_owned()) }.into()
    })
}
