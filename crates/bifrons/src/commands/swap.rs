//! `bifrons swap`: from two clips to a finished film.

use std::path::Path;

use bifrons_extraction::{ExtractOptions, gate};
use bifrons_media::{Clip, ClipKind, MediaError};
use bifrons_net::Preset;
use bifrons_project::{Config, Layout, Project, Purpose};
use bifrons_swap::Shows;

use super::Context;
use super::consent;
use super::convert::{Film, convert_clip};
use super::extract::extract_person;
use super::project::{add_clip, check_place};
use super::train::{How, limits_for, named_device, preset_of, train_people};
use crate::arguments::SwapArguments;
use crate::failure::{Finished, Usage};

pub(super) fn run(arguments: &SwapArguments, context: &Context) -> anyhow::Result<Finished> {
    let dir = arguments.project.clone().unwrap_or_else(|| arguments.output.with_extension("bifrons"));
    let preset = Preset::named(&preset_name(arguments, &dir)?)?;
    let device = named_device(&arguments.device)?;
    let (identity, footage) = names(&arguments.face, &arguments.onto)?;
    check_place(&arguments.output, &[&arguments.face, &arguments.onto])?;

    // both are opened before anything is made on disk: a wrong path leaves no folder behind
    Clip::open(&arguments.face)?;
    let film = Clip::open(&arguments.onto)?;
    bifrons_media::check_output(&film, &arguments.output)?;
    if film.kind() != ClipKind::PictureFolder {
        bifrons_seal::format_of(&arguments.output)?;
    }
    let project = Project::open_or_create(&dir)?;
    let run = project.index().start_run(&crate::progress::command_line(), arguments.seed, &preset.name)?;
    let preset = preset_of(&project, &preset.name)?;
    // a model that is there keeps its own: another one is refused, and must not have been written down then
    if project.checkpoints().steps()?.is_empty() {
        project.update_config(|config| {
            config.preset = preset.name.clone();
            config.seed = arguments.seed;
        })?;
    }

    let mut finished = Finished::default();
    let outcome = stages(arguments, &project, &preset, &device, &identity, &footage, context, &mut finished);
    let word = match &outcome {
        Ok(true) => "done",
        Ok(false) => "stopped",
        Err(_) => "failed",
    };
    project.index().end_run(run, word)?;
    finished.stopped = !outcome?;
    Ok(finished)
}

#[expect(clippy::too_many_arguments, reason = "what the command has opened, handed on as it is")]
fn stages(
    arguments: &SwapArguments,
    project: &Project,
    preset: &Preset,
    device: &bifrons_net::Device,
    identity: &str,
    footage: &str,
    context: &Context,
    finished: &mut Finished,
) -> anyhow::Result<bool> {
    add_clip(project, identity, &arguments.face, context)?;
    add_clip(project, footage, &arguments.onto, context)?;
    consent::ask(project, &[identity, footage], context)?;
    project.checked_consent(identity, Some(Purpose::Identity))?;
    project.checked_consent(footage, Some(Purpose::Footage))?;
    // both before the work on either
    for person in [identity, footage] {
        for clip in project.index().clips_of(person)? {
            gate::admit(project.index(), &clip, gate::network, context.reporter.as_ref())?;
        }
    }
    for person in [identity, footage] {
        if !extract_person(project, person, &ExtractOptions::default(), context, finished)? {
            return Ok(false);
        }
    }
    let film = clip_at(project, footage, &arguments.onto)?;
    check_whole(project, &film)?;
    // all of the project, in its own order: so the way back uses the same model
    let people = project.index().people()?;
    let limits = limits_for(project, &people, &arguments.limits, &How::default())?;
    let (seed, how) = (arguments.seed, How::default());
    if !train_people(project, &people, preset, seed, &limits, &how, device, context, finished)? {
        return Ok(false);
    }
    let film = Film {
        identity,
        clip: &film,
        output: &arguments.output,
        shard: None,
        veil: false,
        over_everything: false,
        shows: Shows::Faces,
    };
    convert_clip(project, &film, device, context, finished)
}

/// The preset that was typed, else that of the project, where there is one.
fn preset_name(arguments: &SwapArguments, dir: &Path) -> anyhow::Result<String> {
    let config = Layout::new(dir).config();
    Ok(match &arguments.preset {
        Some(typed) => typed.clone(),
        None if config.is_file() => Config::read(&config)?.preset,
        None => Config::default().preset,
    })
}

/// The project's entry for a clip that was just added.
fn clip_at(project: &Project, person: &str, path: &Path) -> anyhow::Result<bifrons_project::Clip> {
    let found = project.index().clip_at(path, |name| name == person)?;
    found.ok_or_else(|| anyhow::anyhow!("{} is no longer in the project", path.display()))
}

/// Footage that cannot be read to its end cannot become a whole film: better said before training than after.
fn check_whole(project: &Project, film: &bifrons_project::Clip) -> anyhow::Result<()> {
    let decoded = project.index().extraction(film.id)?.state.next_frame;
    let expected = Clip::open(&film.path)?.declared_frames();
    if decoded < expected {
        let path = film.path.clone();
        return Err(MediaError::Truncated { path, decoded, expected }.into());
    }
    Ok(())
}

/// Names of the two people, from their files.
fn names(face: &Path, onto: &Path) -> anyhow::Result<(String, String)> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if absolute(face) == absolute(onto) {
        return Err(Usage("--face and --onto are the same clip".to_owned()).into());
    }
    let (identity, footage) = (name_of(face), name_of(onto));
    if identity.to_lowercase() == footage.to_lowercase() {
        return Ok((format!("{identity}-identity"), format!("{footage}-footage")));
    }
    Ok((identity, footage))
}

/// A file's name as a person's: letters, digits, `-` and `_`.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let cleaned: String = stem.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(48).collect();
    let cleaned = cleaned.trim_matches('-').to_owned();
    if cleaned.is_empty() { "person".to_owned() } else { cleaned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_named_after_their_files() {
        let names = |face: &str, onto: &str| names(Path::new(face), Path::new(onto)).unwrap();
        assert_eq!(names("in/alice.mp4", "bob take 2.mov"), ("alice".to_owned(), "bob-take-2".to_owned()));
        assert_eq!(names("x/a.mp4", "y/A.mp4"), ("a-identity".to_owned(), "A-footage".to_owned()));
        assert_eq!(name_of(Path::new("...")), "person");
    }

    #[test]
    fn a_clip_cannot_be_swapped_onto_itself() {
        assert!(super::names(Path::new("a.mp4"), Path::new("./a.mp4")).is_err());
    }
}
