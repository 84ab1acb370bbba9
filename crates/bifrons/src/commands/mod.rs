//! What each command does: it checks what was typed, calls the stages in order and says what came of it.

mod bench;
mod consent;
mod convert;
mod doctor;
mod extract;
mod faces;
mod finish;
mod inspect;
mod measure;
mod model;
mod patches;
mod project;
mod seal;
mod shots;
mod studio;
mod swap;
mod train;
mod veil;
mod verify;

use bifrons_extraction::ExtractOptions;
use std::sync::Arc;

use bifrons_project::{Reporter, Stop};

use crate::arguments::{BenchCommand, Command, SealCommand};
use crate::failure::Finished;
use crate::sheet;

pub(crate) use finish::publish_sealed;

/// Who listens, and who may ask to stop.
pub(crate) struct Context {
    pub(crate) reporter: Arc<dyn Reporter>,
    pub(crate) stop: Stop,
    /// Whether programs listen, not people.
    pub(crate) json: bool,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("json", &self.json).finish_non_exhaustive()
    }
}

/// Runs one command.
pub(crate) fn run(command: &Command, context: &Context) -> anyhow::Result<Finished> {
    match command {
        Command::Swap(arguments) => swap::run(arguments, context),
        Command::New { project, preset, seed } => project::new(project, preset, *seed, context),
        Command::Add { name, clips, project } => project::add(&project.project, name, clips, context),
        Command::Extract { least_face, project } => {
            let options = ExtractOptions { least_face_px: least_face.unwrap_or_default() as f32 };
            extract::run(&project.project, &options, context)
        }
        Command::Faces { what } => faces::run(what, context),
        Command::Studio { project, port, no_open } => studio::run(&project.project, *port, *no_open, context),
        Command::Train { project, limits, start_from, only, sharpen, dry_run, device } => {
            let how =
                train::How { start_from: start_from.as_deref(), only: only.as_deref(), sharpen: *sharpen };
            train::run(&project.project, limits, &how, *dry_run, device, context)
        }
        Command::Inspect { film, project } => inspect::run(film, &project.project, context),
        Command::Model { what } => model::run(what, context),
        Command::Convert {
            face,
            onto,
            replacing,
            output,
            matte,
            patches,
            project,
            shard,
            veil,
            over_everything,
            device,
        } => {
            let wanted = convert::Wanted {
                film: output.as_deref(),
                matte: matte.as_deref(),
                patches: patches.as_deref(),
            };
            let how = convert::How {
                replacing: replacing.as_deref(),
                shard: *shard,
                veil: *veil,
                over_everything: *over_everything,
                device,
            };
            convert::run(&project.project, face, onto, wanted, how, context)
        }
        Command::Shots(arguments) => shots::run(arguments, context),
        Command::Sheet { footage, result, output, project } => {
            sheet::run(footage, result, project.as_deref(), output)
        }
        Command::Bench { what: BenchCommand::Train { preset, warm, iterations, device, profile } } => {
            bench::train(preset, (*warm, *iterations), device, *profile, context)
        }
        Command::Bench { what: BenchCommand::Draw { preset, batch, iterations, device } } => {
            bench::draw(preset, usize::from(*batch), *iterations, device, context)
        }
        Command::Measure { what } => measure::run(what, context),
        Command::Consent { what } => consent::run(what, context),
        Command::Seal { what: SealCommand::Init { certificate, key } } => {
            seal::init(certificate.as_deref().zip(key.as_deref()), context)
        }
        Command::Verify { file } => verify::run(file, context),
        Command::Doctor => doctor::run(),
    }
}
