//! `bifrons measure swap`.

use std::path::Path;

use bifrons_measure::MeasureError;
use bifrons_measure::face::Networks;
use bifrons_measure::film::{SwapJob, SwapReport, measure_swap};
use bifrons_measure::report::html as page;
use bifrons_media::{Clip, Frame};
use bifrons_project::{Event, atomic};
use bifrons_seal::format_of;
use bifrons_seal::mark::Marker;
use bifrons_seal::verify::credentials;
use bifrons_vision::Vision;

use super::write_json;
use crate::commands::Context;
use crate::commands::finish::add_to;
use crate::commands::verify::mark_in;
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
    let (marker, labelled) = finishing(result, context)?;
    let finish = |frame: &mut Frame| {
        // it cannot fail: the line lies in the frame
        let _ = add_to(frame, labelled, marker.as_ref());
    };
    let finish: Option<&(dyn Fn(&mut Frame) + Sync)> =
        if labelled || marker.is_some() { Some(&finish) } else { None };
    let job = SwapJob { footage, result, identity, finish };
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

/// What a result carries beside the new face: the mark that is found in its picture, and whether its credentials say that
/// a line stands in its corner.
fn finishing(result: &Path, context: &Context) -> anyhow::Result<(Option<Marker>, bool)> {
    let clip = Clip::open(result)?;
    let (width, height) = clip.stored_size_px();
    let marker = mark_in(&clip, context)?.and_then(|found| Marker::new(found.id, width, height));
    // films of other programs have none, or none that is understood
    let credentials = format_of(result).and_then(|format| credentials(result, format, None)).unwrap_or(None);
    let making = credentials.and_then(|credentials| credentials.making);
    let labelled = making.is_some_and(|making| making.consent.iter().any(|note| note.basis.is_none()));
    Ok((marker, labelled))
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
