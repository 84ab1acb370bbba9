//! `bifrons measure`: figures that anyone can recompute.

mod labels;
mod landmarks;
mod speed;
mod swap;
mod truth;

use std::path::Path;

use bifrons_project::atomic;
use serde::Serialize;

use super::Context;
use crate::arguments::MeasureCommand;
use crate::failure::Finished;

pub(super) fn run(what: &MeasureCommand, context: &Context) -> anyhow::Result<Finished> {
    match what {
        MeasureCommand::Swap { footage, result, identity, reports, html } => {
            swap::run(footage, result, identity, reports.write.as_deref(), html.as_deref(), context)
        }
        MeasureCommand::Detect { dir, empty, reports } => {
            labels::detect(dir, empty, reports.write.as_deref(), context)
        }
        MeasureCommand::Truth { dir, work, preset, limits, seed, device, reports } => {
            let job = truth::Job { dir, work: work.as_deref(), preset, limits: *limits, seed: *seed, device };
            truth::run(&job, reports.write.as_deref(), context)
        }
        MeasureCommand::Speed { clip, preset, rounds, baseline, reports } => {
            let job = speed::Job { clip, preset, rounds: *rounds, baseline: baseline.as_deref() };
            speed::run(&job, reports.write.as_deref(), context)
        }
        MeasureCommand::Landmarks { project, reports } => {
            landmarks::run(&project.project, reports.write.as_deref(), context)
        }
        MeasureCommand::Identity { dir, reports } => labels::identity(dir, reports.write.as_deref(), context),
    }
}

/// Writes a report as JSON where that was asked for.
fn write_json(report: &impl Serialize, path: Option<&Path>, finished: &mut Finished) -> anyhow::Result<()> {
    if let Some(path) = path {
        atomic::write(path, &serde_json::to_vec_pretty(report)?)?;
        finished.outputs.push(path.to_owned());
    }
    Ok(())
}
