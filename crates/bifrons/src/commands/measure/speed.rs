//! `bifrons measure speed`: every stage as a user runs it, in a process of its own, so that its memory can be told.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use bifrons_measure::speed::{Middle, Round, SpeedReport};
use bifrons_media::rescale;
use bifrons_net::Preset;
use bifrons_project::Event;
use serde_json::Value;

use super::write_json;
use crate::commands::Context;
use crate::failure::{Finished, Unusable};

/// Heights of the films, in pixels.
const HEIGHTS_PX: [usize; 2] = [540, 1080];
/// Length of the films.
const FRAMES: usize = 96;
/// How long training is measured.
const TRAIN_MINUTES: f64 = 0.25;

/// What was typed.
pub(super) struct Job<'a> {
    pub(super) clip: &'a Path,
    pub(super) preset: &'a str,
    pub(super) rounds: u64,
    pub(super) baseline: Option<&'a str>,
}

pub(super) fn run(job: &Job<'_>, json: Option<&Path>, context: &Context) -> anyhow::Result<Finished> {
    let preset = Preset::named(job.preset)?;
    let films = tempfile::tempdir()?;
    for height in HEIGHTS_PX {
        rescale(job.clip, height, FRAMES, &films.path().join(format!("{height}.mp4")))?;
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=job.rounds {
        context.reporter.report(&Event::message(format!("round {round} of {}", job.rounds)));
        let Some(found) = our_round(&preset, films.path(), context)? else {
            return Ok(Finished { stopped: true, ..Finished::default() });
        };
        ours.push(found);
        if let Some(command) = job.baseline {
            theirs.push(their_round(command)?);
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let report = SpeedReport::new(&preset.name, threads, &ours, &theirs);
    let mut finished = Finished::default();
    let spread = |m: &Middle| format!("{:.1} ({:.1} to {:.1})", m.median, m.low, m.high);
    for (name, figure) in &report.figures {
        let against = figure.baseline.zip(figure.ratio).map_or_else(String::new, |(baseline, ratio)| {
            let Middle { median, low, high } = ratio;
            format!("; baseline {}, ratio {median:.2} ({low:.2} to {high:.2})", spread(&baseline))
        });
        context.reporter.report(&Event::message(format!("{name}: {}{against}", spread(&figure.ours))));
        finished.measured.insert(name.clone(), figure.ours.median);
        if let Some(ratio) = figure.ratio {
            finished.measured.insert(format!("{name}_ratio"), ratio.median);
        }
    }
    write_json(&report, json, &mut finished)?;
    Ok(finished)
}

/// Both sizes through all stages. `None` when stopped.
fn our_round(preset: &Preset, films: &Path, context: &Context) -> anyhow::Result<Option<Round>> {
    let mut round = Round::new();
    for height in HEIGHTS_PX {
        let film = films.join(format!("{height}.mp4"));
        // a clip belongs to one person only, so the identity has a copy
        let copy = films.join(format!("{height}-identity.mp4"));
        std::fs::copy(&film, &copy)?;
        let dir = tempfile::tempdir()?;
        let project = dir.path().join("speed.bifrons");
        let out = dir.path().join("out.mp4");
        let own = |arguments: &[&str], last: &[&Path]| {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(arguments).args(last).arg("--json");
            measured_by(command, context)
        };
        let measured = [
            own(&["new", "--preset", &preset.name], &[&project])?,
            own(&["add", "--as", "identity"], &[&copy, Path::new("--project"), &project])?,
            own(&["add", "--as", "filmed"], &[&film, Path::new("--project"), &project])?,
            own(&["extract", "--project"], &[&project])?,
            if height == HEIGHTS_PX[0] {
                own(&["train", "--minutes", &TRAIN_MINUTES.to_string(), "--project"], &[&project])?
            } else {
                own(&["train", "--iterations", "1", "--project"], &[&project])?
            },
            own(
                &["convert", "--face", "identity", "--onto"],
                &[&film, Path::new("-o"), &out, Path::new("--project"), &project],
            )?,
        ];
        let [Some(_), Some(_), Some(_), Some(extract), Some(train), Some(convert)] = measured else {
            return Ok(None);
        };
        let mut keep = |stage: &str, from: &Round, rate: &str, factor: f64| {
            let rate = from.get(rate).with_context(|| format!("{stage} told no {rate}"))?;
            let unit = if stage == "train" { "images" } else { "frames" };
            round.insert(format!("{stage}_{unit}_per_sec"), factor * rate);
            if let Some(peak) = from.get("peak_memory_mib") {
                round.insert(format!("{stage}_peak_mib"), *peak);
            }
            anyhow::Ok(())
        };
        keep(&format!("extract_{height}"), &extract, "frames_extracted_per_sec", 1.0)?;
        keep(&format!("convert_{height}"), &convert, "frames_converted_per_sec", 1.0)?;
        if height == HEIGHTS_PX[0] {
            keep("train", &train, "iterations_per_sec", 2.0 * preset.training.batch_per_person as f64)?;
        }
    }
    Ok(Some(round))
}

/// Runs one of our commands and reads what it measured. `None` when stopped.
fn measured_by(mut command: Command, context: &Context) -> anyhow::Result<Option<Round>> {
    if context.stop.is_requested() {
        return Ok(None);
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().filter_map(|line| serde_json::from_str(line).ok()).next_back();
    match last {
        Some(Event::Result { error: Some(reason), hint, .. }) => Err(Unusable { reason, hint }.into()),
        Some(Event::Result { .. }) if context.stop.is_requested() => Ok(None),
        Some(Event::Result { measured, .. }) => Ok(Some(measured)),
        _ => Err(anyhow::anyhow!("{command:?} ended with {}", output.status)),
    }
}

/// What another program measured: the numbers in the last line of JSON that it prints.
fn their_round(command: &str) -> anyhow::Result<Round> {
    let output = Command::new("sh").args(["-c", command]).stderr(Stdio::inherit()).output()?;
    let refuse = |reason: String| Unusable { reason, hint: None };
    if !output.status.success() {
        return Err(refuse(format!("the baseline `{command}` ended with {}", output.status)).into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut objects = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let Some(Value::Object(last)) = objects.rfind(Value::is_object) else {
        return Err(refuse(format!("the baseline `{command}` printed no line of JSON")).into());
    };
    Ok(last.iter().filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect())
}
