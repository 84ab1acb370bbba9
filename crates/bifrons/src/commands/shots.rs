//! `bifrons shots`: how the face is put on, shot by shot. Decides through the same log as the studio.

use std::path::Path;

use bifrons_project::{Clip, Decision, Event, TrackId, TrackState, Visit};
use bifrons_swap::{Adjustments, Settings};

use super::Context;
use crate::arguments::ShotsArguments;
use crate::failure::{Finished, Usage};

/// A shot with the tracks of the clip's person: none goes over a cut.
struct Shot {
    number: usize,
    first_frame: usize,
    last_frame: usize,
    tracks: Vec<u32>,
}

pub(super) fn run(arguments: &ShotsArguments, context: &Context) -> anyhow::Result<Finished> {
    let visit = Visit::open(&arguments.project.project)?;
    let clip = clip_of(&visit, &arguments.of, arguments.replacing.as_deref())?;
    let shots = shots(&visit, &clip, context)?;
    let is_meant = |shot: &Shot| arguments.all || arguments.shot.contains(&(shot.number as u32));
    if let Some(wrong) = arguments.shot.iter().find(|wanted| **wanted as usize > shots.len()) {
        return Err(Usage(format!(
            "there is no shot {wrong}: {} has {}",
            arguments.of.display(),
            shots.len()
        ))
        .into());
    }
    let names_shots = arguments.all || !arguments.shot.is_empty();
    if arguments.chooses() != names_shots {
        let message = "say which shots (`--shot N` or `--all`) and what is chosen for them; with neither they are listed";
        return Err(Usage(message.to_owned()).into());
    }
    if names_shots {
        let chosen = Adjustments::of_clip(visit.index(), &clip)?;
        // tracks that are put on alike are one decision
        let mut alike: Vec<(Settings, Vec<TrackId>)> = Vec::new();
        for track in shots.iter().filter(|shot| is_meant(shot)).flat_map(|shot| &shot.tracks) {
            let settings =
                arguments.on(chosen.of(*track)).checked().map_err(|error| Usage(error.to_string()))?;
            let id = TrackId { clip: clip.id, track: *track };
            match alike.iter_mut().find(|(known, _)| *known == settings) {
                Some((_, tracks)) => tracks.push(id),
                None => alike.push((settings, vec![id])),
            }
        }
        for (settings, tracks) in alike {
            let settings = (settings != Settings::DEFAULT).then(|| settings.to_text());
            visit.index().decide(&Decision::Adjust { tracks, settings })?;
        }
    }
    let chosen = Adjustments::of_clip(visit.index(), &clip)?;
    for shot in shots.iter().filter(|shot| !names_shots || is_meant(shot)) {
        context.reporter.report(&about(shot, &clip, &chosen)?);
    }
    let mut finished = Finished::default();
    finished.measured.insert("shots".to_owned(), shots.len() as f64);
    Ok(finished)
}

fn clip_of(visit: &Visit, film: &Path, replacing: Option<&str>) -> anyhow::Result<Clip> {
    if let Some(clip) = visit.index().clip_at(film, |person| replacing.is_none_or(|name| name == person))? {
        return Ok(clip);
    }
    let whose = replacing.map_or_else(|| "this project".to_owned(), |name| format!("{name} in this project"));
    Err(Usage(format!("{} is not a clip of {whose}", film.display())).into())
}

fn shots(visit: &Visit, clip: &Clip, context: &Context) -> anyhow::Result<Vec<Shot>> {
    let first_frames = match visit.index().shots(clip.id)? {
        Some(shots) => shots,
        None => {
            let text = format!("the cuts of {} are not known: all of it is one shot", clip.path.display());
            let hint = Some("`bifrons extract` looks for them".to_owned());
            context.reporter.report(&Event::Warning { text, hint });
            vec![0]
        }
    };
    let tracks = visit.index().tracks(clip.id)?;
    let theirs = |from: usize, to: usize| {
        let theirs = tracks.iter().filter(|track| {
            track.state == TrackState::Accepted && track.person.as_deref() == Some(&clip.person)
        });
        theirs.filter(|track| (from..to).contains(&track.first_frame)).map(|track| track.track).collect()
    };
    let ends = first_frames.iter().skip(1).copied().chain([clip.info.frames]);
    let shot = |(number, (first_frame, end)): (usize, (usize, usize))| Shot {
        number: number + 1,
        first_frame,
        last_frame: end.saturating_sub(1),
        tracks: theirs(first_frame, end),
    };
    Ok(first_frames.iter().copied().zip(ends).enumerate().map(shot).collect())
}

fn about(shot: &Shot, clip: &Clip, chosen: &Adjustments) -> anyhow::Result<Event> {
    let mut settings: Vec<serde_json::Value> = Vec::new();
    for track in &shot.tracks {
        let found = serde_json::from_str(&chosen.of(*track).to_text())?;
        if !settings.contains(&found) {
            settings.push(found);
        }
    }
    let Shot { number, first_frame, last_frame, ref tracks } = *shot;
    Ok(Event::Shot { clip: clip.id.0, number, first_frame, last_frame, tracks: tracks.clone(), settings })
}
