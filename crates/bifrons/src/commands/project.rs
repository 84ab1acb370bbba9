//! `bifrons new` and `bifrons add`.

use std::path::Path;

use bifrons_media::Clip;
use bifrons_net::Preset;
use bifrons_project::{ClipFingerprint, ClipInfo, ClipState, Event, Project};

use super::Context;
use crate::failure::{Finished, Unusable, Usage};

pub(super) fn new(dir: &Path, preset: &str, seed: u64, context: &Context) -> anyhow::Result<Finished> {
    Preset::named(preset)?;
    let project = Project::create(dir)?;
    project.update_config(|config| {
        config.preset = preset.to_owned();
        config.seed = seed;
    })?;
    context.reporter.report(&Event::message(format!(
        "next: bifrons add --project {0} --as NAME CLIP, for two people or more; then extract, train, convert",
        dir.display()
    )));
    Ok(Finished { outputs: vec![project.layout().config()], ..Finished::default() })
}

pub(super) fn add(
    dir: &Path,
    name: &str,
    clips: &[impl AsRef<Path>],
    context: &Context,
) -> anyhow::Result<Finished> {
    let project = Project::open(dir)?;
    for path in clips {
        let clip = add_clip(&project, name, path.as_ref(), context)?;
        context.reporter.report(&Event::message(format!(
            "{name}: {} ({} frames, {}x{})",
            path.as_ref().display(),
            clip.frame_count(),
            clip.width_px(),
            clip.height_px()
        )));
    }
    Ok(Finished::default())
}

/// An output must not take the place of any of the project's footage.
pub(super) fn check_output(project: &Project, output: &Path) -> anyhow::Result<()> {
    let mut footage = Vec::new();
    for person in project.index().people()? {
        footage.extend(project.index().clips_of(&person)?.into_iter().map(|clip| clip.path));
    }
    check_place(output, &footage)
}

/// An output must not be one of the inputs, and its folder must be there: found out now, not after hours.
pub(super) fn check_place(output: &Path, inputs: &[impl AsRef<Path>]) -> anyhow::Result<()> {
    let resolved = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let wanted = resolved(output);
    if let Some(input) = inputs.iter().find(|input| resolved(input.as_ref()) == wanted) {
        let (output, input) = (output.display(), input.as_ref().display());
        return Err(Usage(format!("{output} would overwrite footage: {input}")).into());
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let reason = format!("{}: its folder does not exist", output.display());
        let hint = Some(format!("make it first: `mkdir -p {}`", folder.display()));
        return Err(Unusable { reason, hint }.into());
    }
    Ok(())
}

/// Opens a clip and makes it one of `person`'s. Footage that has changed since is looked at anew.
pub(super) fn add_clip(
    project: &Project,
    person: &str,
    path: &Path,
    context: &Context,
) -> anyhow::Result<Clip> {
    let clip = Clip::open(path)?;
    let info = ClipInfo {
        fingerprint: ClipFingerprint::of(path)?,
        frames: clip.frame_count(),
        width_px: clip.width_px(),
        height_px: clip.height_px(),
    };
    let added = project.add_clip(person, path, info)?;
    if added.state == ClipState::Changed {
        context.reporter.report(&Event::warning(format!(
            "{} has changed since its faces were found; they are looked for again",
            path.display()
        )));
        project.index().reset_clip(added.id, info)?;
    }
    Ok(clip)
}
