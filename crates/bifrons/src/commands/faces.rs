//! `bifrons faces`: reviewing in the terminal. Decides through the same log as the studio.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::UNIX_EPOCH;

use bifrons_extraction::review::{Catalogue, Entry, Selection, SortBy};
use bifrons_extraction::{Nudge, landmarks, nudged, place_landmarks};
use bifrons_project::{Decided, Decision, Event, FaceId, TrackId, Verdict, Visit, atomic};

use super::Context;
use crate::arguments::{Chosen, FacesCommand};
use crate::failure::{Finished, Unusable, Usage};

/// Decisions about a face that `show` looks for among the newest.
const HISTORY: usize = 1000;

pub(super) fn run(what: &FacesCommand, context: &Context) -> anyhow::Result<Finished> {
    match what {
        FacesCommand::List { selection, sort, limit, project } => {
            list(&project.project, &selection.selection(), *sort, *limit, context)
        }
        FacesCommand::Show { face, project } => show(&project.project, FaceId(*face), context),
        FacesCommand::Accept(chosen) => judge(chosen, Some(Verdict::Accepted), "accepted", context),
        FacesCommand::Reject(chosen) => judge(chosen, Some(Verdict::Rejected), "rejected", context),
        FacesCommand::Reopen(chosen) => judge(chosen, None, "left open", context),
        FacesCommand::Assign { chosen, to, .. } => assign(chosen, to.as_deref(), context),
        FacesCommand::Place { face, like, right, down, turn, scale, project } => {
            let nudge = Nudge { right_px: *right, down_px: *down, turn_deg: *turn, scale: *scale };
            place(&project.project, FaceId(*face), like.map(FaceId), &nudge, context)
        }
        FacesCommand::Export { chosen, output } => export(chosen, output, context),
        FacesCommand::Undo { project } => {
            let visit = Visit::open(&project.project)?;
            Ok(told(visit.index().undo()?, "taken back", "there is no decision to take back", context))
        }
        FacesCommand::Redo { project } => {
            let visit = Visit::open(&project.project)?;
            Ok(told(visit.index().redo()?, "made again", "there is no decision to make again", context))
        }
    }
}

fn list(
    dir: &Path,
    selection: &Selection,
    sort: SortBy,
    limit: Option<usize>,
    context: &Context,
) -> anyhow::Result<Finished> {
    let visit = Visit::open(dir)?;
    let catalogue = Catalogue::read(visit.index())?;
    let found = selection.of(&catalogue, sort);
    for entry in found.iter().take(limit.unwrap_or(usize::MAX)) {
        context.reporter.report(&about(entry));
    }
    let mut finished = Finished::default();
    finished.measured.insert("faces".to_owned(), found.len() as f64);
    Ok(finished)
}

fn show(dir: &Path, face: FaceId, context: &Context) -> anyhow::Result<Finished> {
    let visit = Visit::open(dir)?;
    let found = visit.index().face(face)?;
    let catalogue = Catalogue::read(visit.index())?;
    let Some(entry) = catalogue.entries.iter().find(|entry| entry.id == face) else {
        anyhow::bail!("the landmarks of face {face} cannot be read");
    };
    context.reporter.report(&about(entry));
    let clip = visit.index().clip(found.clip)?;
    let folders = visit.index().crop_folders()?;
    context.reporter.report(&Event::message(format!("footage: {}", clip.path.display())));
    if let (Some(folder), Some(crop)) = (folders.get(&found.clip), &found.record.crop) {
        context.reporter.report(&Event::message(format!("crop: {}", folder.join(crop).display())));
    }
    for decided in visit.index().decisions(HISTORY)?.iter().rev() {
        if decided.faces.contains(&face) || decided.tracks.contains(&entry.track) {
            let secs = decided.decided_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let undone = if decided.undone { ", taken back" } else { "" };
            let text = format!("decision {}: {} ({secs} s since 1970{undone})", decided.id, words(decided));
            context.reporter.report(&Event::message(text));
        }
    }
    Ok(Finished { measured: measured(entry), ..Finished::default() })
}

fn judge(
    chosen: &Chosen,
    verdict: Option<Verdict>,
    word: &str,
    context: &Context,
) -> anyhow::Result<Finished> {
    let visit = Visit::open(&chosen.project.project)?;
    let faces: Vec<FaceId> = chosen_faces(&visit, chosen)?.iter().map(|entry| entry.id).collect();
    let count = faces.len();
    visit.index().decide(&Decision::Judge { faces, verdict })?;
    Ok(done(format!("{} {word}", number(count, "face")), count, context))
}

fn assign(chosen: &Chosen, to: Option<&str>, context: &Context) -> anyhow::Result<Finished> {
    let visit = Visit::open(&chosen.project.project)?;
    let tracks: BTreeSet<TrackId> = chosen_faces(&visit, chosen)?.iter().map(|entry| entry.track).collect();
    let catalogue = Catalogue::read(visit.index())?;
    let count = catalogue.entries.iter().filter(|entry| tracks.contains(&entry.track)).count();
    let text = format!(
        "{} of {} said to be {}",
        number(count, "face"),
        number(tracks.len(), "track"),
        to.unwrap_or("nobody in the project")
    );
    let tracks = tracks.into_iter().collect();
    visit.index().decide(&Decision::Assign { tracks, person: to.map(str::to_owned) })?;
    Ok(done(text, count, context))
}

fn place(
    dir: &Path,
    face: FaceId,
    like: Option<FaceId>,
    nudge: &Nudge,
    context: &Context,
) -> anyhow::Result<Finished> {
    let visit = Visit::open(dir)?;
    let mesh = nudged(&landmarks(&visit, like.unwrap_or(face))?, nudge);
    let places: Vec<[f32; 2]> = mesh.points().iter().map(|[x, y, _]| [*x, *y]).collect();
    place_landmarks(&visit, face, &places)?;
    Ok(done(format!("the landmarks of face {face} are placed"), 1, context))
}

fn export(chosen: &Chosen, output: &Path, context: &Context) -> anyhow::Result<Finished> {
    let visit = Visit::open(&chosen.project.project)?;
    let selection = chosen.selection.selection();
    let asked_for = selection.verdict.is_some();
    let catalogue = Catalogue::read(visit.index())?;
    let found = selection.of(&catalogue, SortBy::Frame);
    let wanted: Vec<&Entry> =
        found.into_iter().filter(|entry| asked_for || entry.verdict != Some(Verdict::Rejected)).collect();
    if wanted.is_empty() {
        return Err(nothing_meant());
    }
    let inside = std::path::absolute(output).is_ok_and(|output| output.starts_with(visit.layout().faces()));
    if inside {
        return Err(Usage(format!("{} is a folder of the project itself", output.display())).into());
    }
    atomic::create_dir_all(output)?;
    let folders = visit.index().crop_folders()?;
    let mut listed = Vec::with_capacity(wanted.len());
    for entry in wanted {
        let face = visit.index().face(entry.id)?;
        let (Some(folder), Some(name)) = (folders.get(&face.clip), face.record.crop) else { continue };
        let crop = folder.join(&name);
        let bytes = std::fs::read(&crop).map_err(|source| bifrons_project::ProjectError::Io {
            action: "read",
            path: crop,
            source,
        })?;
        atomic::write(&output.join(&name), &bytes)?;
        let mut told = serde_json::to_value(about(entry))?;
        if let Some(fields) = told.as_object_mut() {
            fields.remove("event");
            fields.insert("file".to_owned(), name.into());
            fields.insert("landmarks".to_owned(), serde_json::to_value(&face.record.points)?);
        }
        listed.push(told);
    }
    let count = listed.len();
    let list = output.join("faces.json");
    atomic::write(&list, &serde_json::to_vec(&listed)?)?;
    let mut finished =
        done(format!("{} copied to {}", number(count, "face"), output.display()), count, context);
    finished.outputs.push(list);
    Ok(finished)
}

/// The faces that are meant; an error when nothing was said, or none is found.
fn chosen_faces(visit: &Visit, chosen: &Chosen) -> anyhow::Result<Vec<Entry>> {
    let selection = chosen.selection.selection();
    if selection.is_everything() {
        return Err(Usage("say which faces: numbers, track:CLIP:TRACK, --person, --reason".to_owned()).into());
    }
    let catalogue = Catalogue::read(visit.index())?;
    let found: Vec<Entry> = selection.of(&catalogue, SortBy::Frame).into_iter().cloned().collect();
    if found.is_empty() { Err(nothing_meant()) } else { Ok(found) }
}

fn nothing_meant() -> anyhow::Error {
    let hint = Some("look at what there is with `bifrons faces list`; nothing was changed".to_owned());
    Unusable { reason: "no face of the project is like that".to_owned(), hint }.into()
}

fn done(text: String, faces: usize, context: &Context) -> Finished {
    context.reporter.report(&Event::message(text));
    let mut finished = Finished::default();
    finished.measured.insert("faces".to_owned(), faces as f64);
    finished
}

fn told(decided: Option<Decided>, word: &str, nothing: &str, context: &Context) -> Finished {
    let text = match &decided {
        Some(decided) => format!("{word}: {}", words(decided)),
        None => nothing.to_owned(),
    };
    let faces = decided.map_or(0, |decided| decided.faces.len());
    done(text, faces, context)
}

fn number(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// A decision in words: "reject, 12 faces"; "assign to bob, 2 tracks".
fn words(decided: &Decided) -> String {
    match (decided.kind, &decided.person) {
        ("assign", person) => {
            let person = person.as_deref().unwrap_or("nobody");
            format!("assign to {person}, {}", number(decided.tracks.len(), "track"))
        }
        ("adjust", _) => format!("adjust, {}", number(decided.tracks.len(), "track")),
        (kind, _) => format!("{kind}, {}", number(decided.faces.len(), "face")),
    }
}

fn about(entry: &Entry) -> Event {
    Event::Face {
        id: entry.id.0,
        clip: entry.track.clip.0,
        track: entry.track.track,
        frame: entry.frame,
        person: entry.person.clone(),
        identity: entry.identity + 1,
        verdict: match entry.verdict {
            None => "open",
            Some(Verdict::Accepted) => "accepted",
            Some(Verdict::Rejected) => "rejected",
        }
        .to_owned(),
        suspicions: entry
            .suspicions
            .iter()
            .map(|found| (found.reason.name().to_owned(), rounded(found.strength)))
            .collect(),
        measured: measured(entry),
    }
}

fn measured(entry: &Entry) -> BTreeMap<String, f64> {
    let of = &entry.measures;
    let named = [
        ("confidence", Some(of.confidence)),
        ("size_px", Some(of.size_px)),
        ("sharpness", Some(of.sharpness)),
        ("yaw_deg", Some(of.yaw_deg)),
        ("pitch_deg", Some(of.pitch_deg)),
        ("roll_deg", Some(of.roll_deg)),
        ("mouth", Some(of.mouth)),
        ("eyes", Some(of.eyes)),
        ("likeness", of.likeness),
        ("jump", Some(of.jump)),
        ("misfit", Some(of.misfit)),
        ("novelty", of.novelty),
        ("light", of.light),
        ("light_side", of.light_side),
        ("covered", of.covered),
        ("smile", of.smile),
        ("mouth_open", of.mouth_open),
        ("eyes_closed", of.eyes_closed),
        ("brows_up", of.brows_up),
    ];
    named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), rounded(value?)))).collect()
}

fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}
