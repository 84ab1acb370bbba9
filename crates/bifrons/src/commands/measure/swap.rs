//! `bifrons measure swap`.

use std::path::Path;

use bifrons_measure::MeasureError;
use bifrons_measure::face::Networks;
use bifrons_measure::film::{SwapJob, SwapReport, measure_swap};
use bifrons_measure::report::html as page;
use bifrons_project::{Event, atomic};
use bifrons_vision::Vision;

use super::write_json;
use crate::commands::Context;
use crate::failure::Finished;

/// Frames between two messages of progress.
const MESSAGE_FRAMES: usize = 100;

pub(super) fn run(
    footage: &Path,
    result: &Path,
    identity: &Path,
    json: Option<&Path>,
    html: Option<&Path>,
    context: &Context,
) -> anyhow::Result<Finished> {
    let (vision, networks) = (Vision::load()?, Networks::load()?);
    let mut progress = |done: usize, all: usize| {
        if done.is_multiple_of(MESSAGE_FRAMES) {
            context.reporter.report(&Event::message(format!("measured {done} of {all} frames")));
        }
        !context.stop.is_requested()
    };
    let job = SwapJob { footage, result, identity };
    let measured = match measure_swap(&vision, &networks, &job, &mut progress) {
        Err(MeasureError::Stopped) => return Ok(Finished { stopped: true, ..Finished::default() }),
        measured => measured?,
    };
    let mut finished = Finished::default();
    say(&measured.report, context, &mut finished);
    write_json(&measured.report, json, &mut finished)?;
    if let Some(path) = html {
        atomic::write(path, page(&measured)?.as_bytes())?;
        finished.outputs.push(path.to_owned());
    }
    Ok(finished)
}

fn say(report: &SwapReport, context: &Context, finished: &mut Finished) {
    let message = |text: String| context.reporter.report(&Event::message(text));
    for figure in &report.figures {
        let Some(value) = figure.value else { continue };
        let interval =
            figure.interval.map_or_else(String::new, |i| format!(" ({:.3} to {:.3})", i.low, i.high));
        message(format!("{}: {value:.3} {}{interval}", figure.title, figure.unit));
        finished.measured.insert(figure.name.clone(), value);
    }
    message(format!("blinks kept: {} of {}", report.blinks.kept, report.blinks.filmed));
    for check in &report.integrity {
        let verdict = if check.passed { "as in the footage" } else { "NOT as in the footage" };
        message(format!("{}: {verdict} ({}; {})", check.name, check.expected, check.found));
    }
    let coverage = &report.coverage;
    message(format!(
        "the person is seen in {} of {} frames; not replaced in {}; changed elsewhere in {}; face lost in {}",
        coverage.frames_with_person,
        coverage.frames,
        coverage.not_replaced.len(),
        coverage.changed_elsewhere.len(),
        coverage.face_lost.len()
    ));
    finished.measured.insert("frames_not_replaced".to_owned(), coverage.not_replaced.len() as f64);
}
