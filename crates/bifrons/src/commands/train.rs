//! `bifrons train`, and the same step within `bifrons swap`.

use std::path::Path;

use bifrons_extraction::gate;
use bifrons_net::{Device, DeviceName, Preset, device};
use bifrons_project::{Event, Project};
use bifrons_training::{Batch, CheckpointMeta, Ending, Faceset, Job, Limits, TrainingError, train};

use super::consent;
use super::{Context, bench};
use crate::arguments::LimitArguments;
use crate::failure::{Finished, Usage};
use crate::memory;

/// How long training takes when nobody says anything: a look, within a coffee.
const DEFAULT_MINUTES: f64 = 8.0;
/// Threads that make batches: one is enough for two that compute.
const LOADER_THREADS: usize = 1;

impl LimitArguments {
    /// What was typed, or the default when nothing was.
    pub(super) fn or_default(self) -> Limits {
        let Self { minutes, iterations, loss, plateau } = self;
        let minutes = minutes.or(self.is_empty().then_some(DEFAULT_MINUTES));
        Limits { minutes, iterations, loss, plateau }
    }

    fn is_empty(&self) -> bool {
        let Self { minutes, iterations, loss, plateau } = self;
        minutes.is_none() && iterations.is_none() && loss.is_none() && !plateau
    }
}

/// The device a user named.
pub(super) fn named_device(name: &str) -> anyhow::Result<Device> {
    Ok(device(name.parse::<DeviceName>()?)?)
}

/// What else was asked for.
#[derive(Clone, Copy, Default)]
pub(super) struct How<'a> {
    /// Another project, whose encoder a new model begins with.
    pub(super) start_from: Option<&'a Path>,
    /// The one person whose decoder learns.
    pub(super) only: Option<&'a str>,
    /// Whether inspectors sharpen the decoders.
    pub(super) sharpen: bool,
}

pub(super) fn run(
    dir: &Path,
    limits: &LimitArguments,
    how: &How<'_>,
    dry_run: bool,
    device: &str,
    context: &Context,
) -> anyhow::Result<Finished> {
    let device = named_device(device)?;
    let project = Project::open(dir)?;
    let people = project.index().people()?;
    if people.len() < 2 {
        let message = "training takes two people or more; add them with `bifrons add --as NAME CLIP`";
        return Err(Usage(message.to_owned()).into());
    }
    let config = project.config()?;
    let preset = preset_of(&project, &config.preset)?;
    if dry_run {
        return needs(&project, &people, &preset, how, context);
    }
    let limits = if limits.is_empty() && !config.stop.is_empty() {
        let stop = config.stop;
        Limits { minutes: stop.minutes, iterations: stop.iterations, loss: stop.loss, plateau: stop.plateau }
    } else {
        limits_for(&project, &people, limits, how)?
    };
    let mut finished = Finished::default();
    consent::ask(&project, &people, context)?;
    train_people(&project, &people, &preset, config.seed, &limits, how, &device, context, &mut finished)?;
    Ok(finished)
}

/// What was typed. When nothing was, the default; anew for somebody who joins, for one person alone and for sharpening, which
/// come after a training that had its minutes.
pub(super) fn limits_for(
    project: &Project,
    people: &[String],
    typed: &LimitArguments,
    how: &How<'_>,
) -> anyhow::Result<Limits> {
    let limits = typed.or_default();
    let Some(checkpoint) = project.checkpoints().newest()?.checkpoint.filter(|_| typed.is_empty()) else {
        return Ok(limits);
    };
    let meta: CheckpointMeta = checkpoint.meta()?;
    let joins = people.iter().any(|person| !meta.people.contains(person));
    let more = if joins || how.only.is_some() || how.sharpen { meta.trained_secs / 60.0 } else { 0.0 };
    Ok(Limits { minutes: limits.minutes.map(|minutes| minutes + more), ..limits })
}

/// The built-in preset of that name, or as the project's model has it: a model goes on as it began, also in a newer program.
///
/// # Errors
/// When there is no such preset, or the model cannot be read.
pub(super) fn preset_of(project: &Project, name: &str) -> anyhow::Result<Preset> {
    let preset = Preset::named(name)?;
    let Some(checkpoint) = project.checkpoints().newest()?.checkpoint else { return Ok(preset) };
    let known: CheckpointMeta = checkpoint.meta()?;
    Ok(if known.preset.name == name { known.preset } else { preset })
}

/// Trains the project's model on these people. `false` when stopped before a limit.
#[expect(clippy::too_many_arguments, reason = "each is a separate decision of the user's command")]
pub(super) fn train_people(
    project: &Project,
    people: &[String],
    preset: &Preset,
    seed: u64,
    limits: &Limits,
    how: &How<'_>,
    device: &Device,
    context: &Context,
    finished: &mut Finished,
) -> anyhow::Result<bool> {
    let How { start_from, only, sharpen } = *how;
    // before the faces are loaded, which takes a while
    if let Some(person) = only.filter(|name| !people.iter().any(|person| person == name)) {
        let known = people.join(", ");
        return Err(TrainingError::Unknown { person: person.to_owned(), known }.into());
    }
    for person in people {
        project.checked_consent(person, None)?;
        for clip in project.index().clips_of(person)? {
            gate::admit(project.index(), &clip, gate::network, context.reporter.as_ref())?;
        }
    }
    let reporter = context.reporter.as_ref();
    let load = |person: &String| Faceset::load(project, person, &preset.network, reporter);
    let facesets = people.iter().map(load).collect::<Result<Vec<_>, _>>()?;
    let (stop, loader_threads) = (&context.stop, LOADER_THREADS);
    let job = Job {
        project,
        preset,
        seed,
        limits,
        device,
        start_from,
        only,
        sharpen,
        loader_threads,
        reporter,
        stop,
    };
    let trained = train(&job, facesets)?;
    finished.measured.insert("iterations".to_owned(), trained.iteration as f64);
    finished.measured.insert("trained_secs".to_owned(), trained.trained_secs);
    for (person, loss) in &trained.losses {
        finished.measured.insert(format!("loss_of_{person}"), *loss);
    }
    for (person, loss) in &trained.held_out {
        finished.measured.insert(format!("held_out_loss_of_{person}"), *loss);
    }
    if trained.iterations_per_sec > 0.0 {
        finished.measured.insert("iterations_per_sec".to_owned(), trained.iterations_per_sec);
    }
    finished.stopped = trained.ending == Ending::Stopped;
    Ok(!finished.stopped)
}

/// Says how much memory training takes: the faces by their number, everything else by doing it, on faces made up.
fn needs(
    project: &Project,
    people: &[String],
    preset: &Preset,
    how: &How<'_>,
    context: &Context,
) -> anyhow::Result<Finished> {
    const MIB: f64 = 1_048_576.0;
    let mut faces = 0;
    for person in people {
        faces += project.index().faces_of(person, bifrons_project::Review::NotRejected)?.len();
    }
    let of_faces = faces as f64 * Faceset::bytes_of_face(&preset.network) as f64 / MIB;
    // two that lie ready, and one that is being made
    let of_batches = 3.0 * Batch::bytes(preset, people.len()) as f64 / MIB;
    bench::two_steps(preset, people.len(), how.sharpen)?;
    // what judges whose face is drawn
    let judges = how.sharpen.then(bifrons_vision::Vision::load).transpose()?;
    let mut finished = Finished::default();
    let Some(of_training) = memory::peak_mib() else {
        anyhow::bail!("this system does not tell how much memory a program takes");
    };
    drop(judges);
    let needed = of_training + of_faces + of_batches;
    finished.measured.insert("memory_needed_mib".to_owned(), needed);
    let Some(available) = memory::available_mib() else { return Ok(finished) };
    finished.measured.insert("memory_available_mib".to_owned(), available + of_training);
    if needed > available + of_training {
        let smallest = Preset::built_in().into_iter().next().map(|preset| preset.name).unwrap_or_default();
        let text = format!("the preset `{}` does not fit into this machine's memory", preset.name);
        let hint = if smallest == preset.name {
            "close other programs, or throw away some faces".to_owned()
        } else {
            format!("use the preset `{smallest}`")
        };
        context.reporter.report(&Event::Warning { text, hint: Some(hint) });
    }
    Ok(finished)
}
