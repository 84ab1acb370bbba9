//! `bifrons measure truth`: trains on the rendered pair, converts what training has not seen, and scores it.

use std::path::{Path, PathBuf};

use bifrons_extraction::ExtractOptions;
use bifrons_measure::labels::Spread;
use bifrons_measure::truth::{Candidate, CopyPaste, TruePoints, TruthFiles, TruthReport, TruthScore, score};
use bifrons_media::{Clip, Encoding, FrameSink, RgbImage};
use bifrons_net::Preset;
use bifrons_project::{Basis, Consent, Event, Project};
use bifrons_swap::Shows;
use bifrons_vision::Vision;
use bifrons_vision::geometry::Point;

use super::write_json;
use crate::arguments::LimitArguments;
use crate::commands::Context;
use crate::commands::convert::{Film, convert_clip};
use crate::commands::extract::extract_person;
use crate::commands::project::add_clip;
use crate::commands::train::{How, named_device, train_people};
use crate::failure::Finished;

/// Names of the two rendered people in the project.
const IDENTITY: &str = "identity";
const FILMED: &str = "filmed";

/// What was typed.
pub(super) struct Job<'a> {
    pub(super) dir: &'a Path,
    pub(super) work: Option<&'a Path>,
    pub(super) preset: &'a str,
    pub(super) limits: LimitArguments,
    pub(super) seed: u64,
    pub(super) device: &'a str,
}

/// What is made and scored.
struct Films {
    /// The filmed person with the identity's face.
    swap: PathBuf,
    /// The same faces as they were drawn.
    drawings: PathBuf,
    /// The filmed person with their own face.
    self_swap: PathBuf,
}

pub(super) fn run(job: &Job<'_>, json: Option<&Path>, context: &Context) -> anyhow::Result<Finished> {
    let files = TruthFiles::find(job.dir)?;
    let points = TruePoints::read(&files.points)?;
    let temporary = tempfile::tempdir()?;
    let work = job.work.unwrap_or(temporary.path());
    let mut finished = Finished::default();
    let films = Films {
        swap: work.join("swap.mp4"),
        drawings: work.join("drawings.mp4"),
        self_swap: work.join("self-swap.mp4"),
    };
    if !convert(job, &files, work, &films, context, &mut finished)? {
        return Ok(Finished { stopped: true, ..finished });
    }
    let report = scores(&files, &points, &films, work, context)?;
    for score in &report.scores {
        say(score, context);
        if let Some(psnr) = &score.aligned_psnr_db {
            finished.measured.insert(format!("aligned_psnr_db_{}", score.name), psnr.mean);
        }
    }
    write_json(&report, json, &mut finished)?;
    Ok(finished)
}

/// Trains and converts. `false` when stopped.
fn convert(
    job: &Job<'_>,
    files: &TruthFiles,
    work: &Path,
    films: &Films,
    context: &Context,
    finished: &mut Finished,
) -> anyhow::Result<bool> {
    let preset = Preset::named(job.preset)?;
    let device = named_device(job.device)?;
    let project = Project::open_or_create(&work.join("truth.bifrons"))?;
    let filmed = |path: &Path| project.index().clip_at(path, |person| person == FILMED);
    // the film to convert comes into the project only after training, so that nothing is learnt from it; on a second
    // run it is there already, and then training has ended too
    if filmed(&files.footage)?.is_none() {
        add_clip(&project, IDENTITY, &files.train_identity, context)?;
        add_clip(&project, FILMED, &files.train_footage, context)?;
        for person in [IDENTITY, FILMED] {
            if !extract_person(&project, person, &ExtractOptions::default(), context, finished)? {
                return Ok(false);
            }
        }
        let people = [IDENTITY.to_owned(), FILMED.to_owned()];
        let limits = job.limits.or_default();
        if !train_people(
            &project,
            &people,
            &preset,
            job.seed,
            &limits,
            &How::default(),
            &device,
            context,
            finished,
        )? {
            return Ok(false);
        }
        add_clip(&project, FILMED, &files.footage, context)?;
    }
    if !extract_person(&project, FILMED, &ExtractOptions::default(), context, finished)? {
        return Ok(false);
    }
    for person in [IDENTITY, FILMED] {
        // the heads were rendered
        project.set_consent(person, Some(Consent::new(Basis::Synthetic)))?;
    }
    let film = filmed(&files.footage)?;
    let film =
        film.ok_or_else(|| anyhow::anyhow!("{} is no longer in the project", files.footage.display()))?;
    let mut made = |identity, output, shows| {
        let film =
            Film { identity, clip: &film, output, shard: None, veil: false, over_everything: false, shows };
        convert_clip(&project, &film, &device, context, finished)
    };
    Ok(made(IDENTITY, &films.swap, Shows::Faces)?
        && made(IDENTITY, &films.drawings, Shows::Drawings)?
        && made(FILMED, &films.self_swap, Shows::Faces)?)
}

fn scores(
    files: &TruthFiles,
    points: &TruePoints,
    films: &Films,
    work: &Path,
    context: &Context,
) -> anyhow::Result<TruthReport> {
    let vision = Vision::load()?;
    let footage = pictures(&files.footage)?;
    let truth = pictures(&files.swap_truth)?;
    let performance = pictures(&files.identity_truth)?;
    let against_truth =
        |name: &str, film: &[RgbImage], own: &[Vec<Point>]| {
            let frames = film.iter().zip(own).zip(truth.iter().zip(&points.swap));
            let frames = frames.zip(performance.iter().zip(&points.identity));
            let candidate = frames.map(|(((picture, own), (truth, swap)), (performance, identity))| {
                Candidate { picture, points: own, truth: (truth, swap), performance: (performance, identity) }
            });
            score(&vision, name, candidate)
        };
    let swapped = against_truth("swap", &pictures(&films.swap)?, &points.swap)?;
    let drawn = against_truth("drawing", &pictures(&films.drawings)?, &points.swap)?;
    context.reporter.report(&Event::message("the swap is scored; now the baselines".to_owned()));
    let untouched = against_truth("no swap", &footage, &points.footage)?;
    let copier = CopyPaste::learn(&vision, &files.train_identity)?;
    let pasted: Result<Vec<RgbImage>, _> = footage.iter().map(|frame| copier.paste(&vision, frame)).collect();
    let pasted = against_truth("copy-paste", &pasted?, &points.swap)?;
    let ceiling =
        against_truth("truth re-encoded", &pictures(&encoded(&files.swap_truth, work)?)?, &points.swap)?;
    // the filmed person drawn as themselves: what the network loses even where nothing is exchanged
    let own = pictures(&films.self_swap)?;
    let frames = own.iter().zip(&footage).zip(&points.footage);
    let own = score(
        &vision,
        "self-swap",
        frames.map(|((picture, truth), points)| Candidate {
            picture,
            points,
            truth: (truth, points),
            performance: (truth, points),
        }),
    )?;
    Ok(TruthReport {
        schema: "bifrons.measure.truth".to_owned(),
        version: 1,
        pair: files.name.clone(),
        scores: vec![swapped, drawn, untouched, pasted, own, ceiling],
    })
}

/// All frames of a short film.
fn pictures(path: &Path) -> anyhow::Result<Vec<RgbImage>> {
    let mut reader = Clip::open(path)?.read(0)?;
    let mut pictures = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        pictures.push(frame.rgb(frame.whole()));
    }
    Ok(pictures)
}

/// A film encoded as finished films are.
fn encoded(film: &Path, work: &Path) -> anyhow::Result<PathBuf> {
    let path = work.join("truth-encoded.mp4");
    let clip = Clip::open(film)?;
    let mut sink = FrameSink::create(&clip, 0..clip.frame_count(), &Encoding::default(), &path)?;
    let mut reader = clip.read(0)?;
    while let Some(frame) = reader.next_frame()? {
        sink.write(&frame)?;
    }
    sink.finish()?;
    Ok(path)
}

fn say(score: &TruthScore, context: &Context) {
    let mean = |spread: &Option<Spread>, scale: f64| {
        spread.as_ref().map_or_else(|| "-".to_owned(), |spread| format!("{:.2}", scale * spread.mean))
    };
    context.reporter.report(&Event::message(format!(
        "{}: aligned {} dB, SSIM {}; face in the frame {} dB, SSIM {}; whole frame {} dB; inner 51 points off by {} %, \
         shape alone {} % of the eye distance",
        score.name,
        mean(&score.aligned_psnr_db, 1.0),
        mean(&score.aligned_ssim, 1.0),
        mean(&score.face_psnr_db, 1.0),
        mean(&score.face_ssim, 1.0),
        mean(&score.frame_psnr_db, 1.0),
        mean(&score.landmark_error, 100.0),
        mean(&score.aligned_landmark_error, 100.0)
    )));
}
