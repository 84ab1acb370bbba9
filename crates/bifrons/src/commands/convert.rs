//! `bifrons convert`, and the same step within `bifrons swap`.

use std::path::Path;

use bifrons_extraction::gate;
use bifrons_net::Device;
use bifrons_project::{Checkpoint, Clip, Event, Project, ProjectError};
use bifrons_swap::{Adjustments, Ending, FilmJob, Shard, Shows, Swap, SwapError, Veil, convert_film};

use super::Context;
use super::finish::Finishing;
use super::patches;
use super::project::check_output;
use super::train::named_device;
use super::veil::{self, Watcher};
use crate::failure::{Finished, Unusable, Usage};

/// What is to be made: one of them at least.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) film: Option<&'a Path>,
    pub(super) matte: Option<&'a Path>,
    pub(super) patches: Option<&'a Path>,
}

/// How.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    /// Whose face is replaced; anybody's but the identity's when it is not said.
    pub(super) replacing: Option<&'a str>,
    pub(super) shard: Option<Shard>,
    pub(super) veil: bool,
    pub(super) over_everything: bool,
    pub(super) device: &'a str,
}

pub(super) fn run(
    dir: &Path,
    identity: &str,
    footage: &Path,
    wanted: Wanted<'_>,
    how: How<'_>,
    context: &Context,
) -> anyhow::Result<Finished> {
    let How { replacing, shard, veil, over_everything, device } = how;
    let device = named_device(device)?;
    let project = if shard.is_some() { Project::open_shared(dir)? } else { Project::open(dir)? };
    let clip = clip_of(&project, identity, footage, replacing)?;
    if wanted.patches.is_some() {
        // before hours of other work
        patches::check_consent(&project, identity, &clip)?;
    }
    let mut finished = Finished::default();
    let films = [(wanted.film, Shows::Faces), (wanted.matte, Shows::Matte)];
    for (output, shows) in films.into_iter().filter_map(|(output, shows)| Some((output?, shows))) {
        let film = Film { identity, clip: &clip, output, shard, veil, over_everything, shows };
        if !convert_clip(&project, &film, &device, context, &mut finished)? {
            return Ok(finished);
        }
    }
    if let Some(folder) = wanted.patches {
        let swap = patches::Job { identity, clip: &clip, folder, over_everything };
        patches::write(&project, &swap, &device, context, &mut finished)?;
    }
    Ok(finished)
}

/// The project's entry for the footage.
fn clip_of(
    project: &Project,
    identity: &str,
    footage: &Path,
    replacing: Option<&str>,
) -> anyhow::Result<Clip> {
    let is_wanted = |person: &str| person != identity && replacing.is_none_or(|name| name == person);
    if let Some(clip) = project.index().clip_at(footage, is_wanted)? {
        return Ok(clip);
    }
    let whose = replacing.map_or_else(|| format!("anybody but {identity}"), str::to_owned);
    let name = replacing.unwrap_or("NAME");
    let message = format!(
        "{} is not a clip of {whose} in this project; add it with `bifrons add --as {name} {0}`",
        footage.display()
    );
    Err(Usage(message).into())
}

/// Which film is made.
#[derive(Clone, Copy)]
pub(super) struct Film<'a> {
    /// Whose face is put on.
    pub(super) identity: &'a str,
    /// The footage.
    pub(super) clip: &'a Clip,
    pub(super) output: &'a Path,
    pub(super) shard: Option<Shard>,
    /// Whether it hides the clip's person.
    pub(super) veil: bool,
    /// Whether the new face covers hands and glasses too.
    pub(super) over_everything: bool,
    /// Faces, or where they count.
    pub(super) shows: Shows,
}

/// The newest model, once all is there to convert with it: the gate lets footage and identity through, and the faces of the
/// footage are found.
pub(super) fn ready_model(
    project: &Project,
    clip: &Clip,
    identity: &str,
    context: &Context,
) -> anyhow::Result<Checkpoint> {
    let identity_clips = match project.index().clips_of(identity) {
        // converting says it better
        Err(ProjectError::UnknownPerson { .. }) => Vec::new(),
        clips => clips?,
    };
    // training has asked about those of the identity; they need not be there any more
    let still_there = identity_clips.iter().filter(|clip| clip.path.exists());
    for clip in std::iter::once(clip).chain(still_there) {
        gate::admit(project.index(), clip, gate::network, context.reporter.as_ref())?;
    }
    if !project.index().extraction(clip.id)?.done {
        let reason = format!("the faces of {} are not found yet", clip.path.display());
        return Err(Unusable { reason, hint: Some("run `bifrons extract` first".to_owned()) }.into());
    }
    let newest = project.checkpoints().newest()?;
    for damaged in newest.damaged {
        let text = format!("the checkpoint {} is damaged ({})", damaged.path.display(), damaged.reason);
        context.reporter.report(&Event::Warning { text, hint: Some("the one before it is used".to_owned()) });
    }
    newest.checkpoint.ok_or_else(|| {
        let hint = Some("run `bifrons train` first".to_owned());
        Unusable { reason: "this project has no trained model yet".to_owned(), hint }.into()
    })
}

/// Converts one clip with the newest model. `false` when stopped before the end.
pub(super) fn convert_clip(
    project: &Project,
    film: &Film<'_>,
    device: &Device,
    context: &Context,
    finished: &mut Finished,
) -> anyhow::Result<bool> {
    let Film { identity, clip, output, shard, veil, over_everything, shows } = *film;
    check_output(project, output)?;
    let checkpoint = ready_model(project, clip, identity, context)?;
    let watcher = veil.then(|| Watcher::of(project, clip)).transpose()?;
    let adjustments = Adjustments::of_clip(project.index(), clip)?;
    let finish = Finishing::new(project, film, &checkpoint, &adjustments, watcher.as_ref(), context)?;
    let veil = watcher.as_ref().map(|watcher| Veil { vision: &watcher.vision, recogniser: watcher });
    let job = FilmJob {
        swap: Swap {
            index: project.index(),
            clip,
            identity,
            checkpoint: &checkpoint,
            device,
            over_everything,
            adjustments: &adjustments,
        },
        layout: project.layout(),
        output,
        finish: &finish,
        veil: veil.as_ref(),
        shows,
        shard,
    };
    let converted = match convert_film(&job, context.reporter.as_ref(), &context.stop) {
        // in the middle of the last look at a veiled film
        Err(SwapError::Finish(_)) if context.stop.is_requested() => {
            finished.stopped = true;
            return Ok(false);
        }
        converted => converted?,
    };
    match converted.ending {
        Ending::Stopped => {
            finished.stopped = true;
            return Ok(false);
        }
        Ending::Shard { missing } => {
            let text = match missing {
                0 => "all parts are there: the same line without --shard joins the film".to_owned(),
                _ => format!("this part is there; {missing} pieces of the others are not yet"),
            };
            context.reporter.report(&Event::message(text));
            finished.measured.insert("pieces_missing".to_owned(), missing as f64);
        }
        Ending::Finished => {
            finished.outputs.push(output.to_owned());
            finished.measured.insert("frames".to_owned(), converted.frames as f64);
            finished.measured.insert("frames_swapped".to_owned(), converted.frames_swapped as f64);
            if job.veil.is_some() {
                finished.measured.insert("frames_covered".to_owned(), converted.covered.0.len() as f64);
                veil::report(&converted.covered, context);
            }
        }
    }
    if let Some(rate) = converted.frames_per_sec {
        finished.measured.insert("frames_converted_per_sec".to_owned(), rate);
    }
    Ok(true)
}
