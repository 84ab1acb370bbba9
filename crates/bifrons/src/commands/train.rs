//! `bifrons train`, and the same step within `bifrons swap`.

use std::path::Path;

use bifrons_net::{Device, DeviceName, Preset, device};
use bifrons_project::Project;
use bifrons_training::{Ending, Faceset, Limits, train};

use super::Context;
use crate::arguments::LimitArguments;
use crate::failure::{Finished, Usage};

/// How long `quick` trains when nobody says anything: a look, within a coffee.
const DEFAULT_MINUTES: f64 = 8.0;

impl LimitArguments {
    /// What was typed, or the default when nothing was.
    pub(super) fn or_default(self) -> Limits {
        let Self { minutes, iterations, loss } = self;
        let nothing = minutes.is_none() && iterations.is_none() && loss.is_none();
        Limits { minutes: minutes.or(nothing.then_some(DEFAULT_MINUTES)), iterations, loss }
    }
}

/// The device a user named.
pub(super) fn named_device(name: &str) -> anyhow::Result<Device> {
    Ok(device(name.parse::<DeviceName>()?))
}

pub(super) fn run(
    dir: &Path,
    limits: &LimitArguments,
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
    let preset = Preset::named(&config.preset)?;
    let mut limits = limits.or_default();
    let typed_nothing = limits == LimitArguments { minutes: None, iterations: None, loss: None }.or_default();
    if typed_nothing && !config.stop.is_empty() {
        let stop = config.stop;
        limits = Limits { minutes: stop.minutes, iterations: stop.iterations, loss: stop.loss };
    }
    let mut finished = Finished::default();
    train_people(&project, &people, &preset, config.seed, &limits, &device, context, &mut finished)?;
    Ok(finished)
}

/// Trains the project's model on these people. `false` when stopped before a limit.
#[expect(clippy::too_many_arguments, reason = "each is a separate decision of the user's command")]
pub(super) fn train_people(
    project: &Project,
    people: &[String],
    preset: &Preset,
    seed: u64,
    limits: &Limits,
    device: &Device,
    context: &Context,
    finished: &mut Finished,
) -> anyhow::Result<bool> {
    let reporter = context.reporter.as_ref();
    let facesets = people
        .iter()
        .map(|person| Faceset::load(project, person, &preset.network, reporter))
        .collect::<Result<Vec<_>, _>>()?;
    let trained = train(project, facesets, preset, seed, limits, device, reporter, &context.stop)?;
    finished.measured.insert("iterations".to_owned(), trained.iteration as f64);
    finished.measured.insert("trained_secs".to_owned(), trained.trained_secs);
    for (person, loss) in &trained.losses {
        finished.measured.insert(format!("loss_of_{person}"), *loss);
    }
    if trained.iterations_per_sec > 0.0 {
        finished.measured.insert("iterations_per_sec".to_owned(), trained.iterations_per_sec);
    }
    finished.stopped = trained.ending == Ending::Stopped;
    Ok(!finished.stopped)
}
