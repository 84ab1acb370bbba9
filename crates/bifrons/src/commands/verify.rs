//! `bifrons verify`: where a film comes from.

use std::io::Write as _;
use std::path::Path;

use bifrons_media::{Clip, MediaError};
use bifrons_project::Event;
use bifrons_seal::mark::{Detector, Found};
use bifrons_seal::{Credentials, Kind, Making, Signer, State, format_of, keys::known_certificates, verify};
use serde_json::json;

use super::Context;
use super::seal::keys_folder;
use crate::failure::Finished;

/// Frames in which the mark is looked for: so many stretches of so many frames, spread over the film.
const STRETCHES: usize = 8;
const FRAMES_OF_A_STRETCH: usize = 8;

const CHANGED: u8 = 5;
const ONLY_THE_MARK: u8 = 6;
const NOTHING: u8 = 7;

pub(super) fn run(file: &Path, context: &Context) -> anyhow::Result<Finished> {
    let clip = Clip::open(file);
    if let Err(error @ (MediaError::NotFound { .. } | MediaError::Io { .. } | MediaError::Empty { .. })) =
        clip
    {
        return Err(error.into());
    }
    // a file of another kind has no credentials, but may have the mark
    let known = known_certificates(&keys_folder()?)?;
    let credentials = match format_of(file) {
        Ok(format) => verify::credentials(file, format, known.as_deref()),
        Err(_) => Ok(None),
    };
    let (credentials, mark) = match (credentials, clip) {
        // a sound or a document may have credentials
        (Ok(Some(credentials)), Err(_)) => (Some(credentials), None),
        (_, Err(error)) => return Err(error.into()),
        (credentials, Ok(clip)) => (credentials?, mark_in(&clip, context)?),
    };
    let (verdict, sentence) = match (&credentials, &mark) {
        (Some(Credentials { state: State::Intact, .. }), _) => {
            (0, "intact: nothing was changed since it was signed")
        }
        (Some(Credentials { state: State::Changed, .. }), _) => (CHANGED, "changed since it was signed"),
        (None, Some(_)) => {
            (ONLY_THE_MARK, "its Content Credentials were taken off; the mark in the picture is left")
        }
        (None, None) => {
            (NOTHING, "nothing says where it comes from: no Content Credentials, no mark of Bifrons")
        }
    };
    if context.json {
        let report = json!({
            "verdict": verdict,
            "state": sentence,
            "credentials": credentials,
            "mark": mark.map(|mark| format!("{:016x}", mark.id)),
            "mark_clarity": mark.map(|mark| mark.clarity),
        });
        context.reporter.report(&Event::Verified { file: file.to_owned(), report });
    } else {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", file.display())?;
        for (name, text) in lines(sentence, credentials.as_ref(), mark) {
            writeln!(out, "  {name:<10} {text}")?;
        }
    }
    Ok(Finished { verdict: Some(verdict), ..Finished::default() })
}

/// Looks for the mark in what can be decoded.
pub(super) fn mark_in(clip: &Clip, context: &Context) -> anyhow::Result<Option<Found>> {
    let count = clip.frame_count();
    let mut detector = Detector::default();
    let stretches = if count <= STRETCHES * FRAMES_OF_A_STRETCH { 1 } else { STRETCHES };
    for stretch in 0..stretches {
        let mut reader = clip.read(stretch * count / stretches)?;
        for _ in 0..FRAMES_OF_A_STRETCH * STRETCHES / stretches {
            if context.stop.is_requested() {
                break;
            }
            match reader.next_frame() {
                Ok(Some(frame)) => detector.add(&frame),
                _ => break,
            }
        }
    }
    Ok(detector.find())
}

fn lines(
    sentence: &str,
    credentials: Option<&Credentials>,
    mark: Option<Found>,
) -> Vec<(&'static str, String)> {
    let mut lines = vec![("state", sentence.to_owned())];
    if let Some(credentials) = credentials {
        lines.extend(about(credentials));
    }
    let claimed = credentials.and_then(|c| c.making.as_ref()).and_then(|making| making.mark.clone());
    lines.push((
        "mark",
        match (mark.map(|mark| format!("{:016x}", mark.id)), claimed) {
            (Some(found), Some(claimed)) if found == claimed => {
                format!("{found}, in the picture as in the manifest")
            }
            (Some(found), Some(claimed)) => format!("{found} in the picture, but {claimed} in the manifest"),
            (Some(found), None) => format!("{found}: made with Bifrons"),
            (None, Some(claimed)) => format!("not found in the picture; the manifest says {claimed}"),
            (None, None) => "no mark of Bifrons in the picture".to_owned(),
        },
    ));
    lines
}

fn about(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if !credentials.problems.is_empty() {
        lines.push(("problem", credentials.problems.join(", ")));
    }
    lines.push(("made with", credentials.generator.clone()));
    if let Some(making) = &credentials.making {
        lines.push(("what", what(making)));
        if let (Some(preset), Some(model)) = (&making.preset, &making.model) {
            let hash = model.blake3.get(..16).unwrap_or(&model.blake3);
            lines
                .push(("network", format!("preset {preset}, {} iterations, model {hash}", model.iterations)));
        }
        lines.extend(making.consent.iter().map(|note| {
            let basis = note.basis.clone().unwrap_or_else(|| "NO CONSENT RECORD".to_owned());
            let until = note.until.as_ref().map(|day| format!(", until {day}")).unwrap_or_default();
            ("consent", format!("{}: {basis}{until}", note.part))
        }));
    }
    for input in &credentials.inputs {
        let role = if input.is_parent { "edit of" } else { "with" };
        let own = if input.has_credentials { ", which has Content Credentials of its own" } else { "" };
        lines.push((role, format!("{}{own}", input.title)));
    }
    lines.push(("signed by", credentials.signer.as_ref().map_or("nobody".to_owned(), signed)));
    lines
}

fn signed(signer: &Signer) -> String {
    let at = signer.at.as_ref().map(|at| format!(", {at} by its own clock")).unwrap_or_default();
    let known = if signer.known {
        " — these are the keys of this user"
    } else {
        " — a signer that is not known here"
    };
    format!("{}{known}{at}", signer.name)
}

fn what(making: &Making) -> String {
    let somebody = |name: &Option<String>| name.clone().unwrap_or_else(|| "somebody".to_owned());
    match making.kind {
        Kind::Timelapse => "pictures of how a network learned two faces".to_owned(),
        Kind::Sheet => "frames of films side by side".to_owned(),
        Kind::Veil => format!("a face was replaced to protect who was filmed, {}", stretch(making)),
        Kind::Swap => format!(
            "the face of {} was replaced by that of {}, {}",
            somebody(&making.replaced),
            somebody(&making.identity),
            stretch(making)
        ),
    }
}

fn stretch(making: &Making) -> String {
    match making.frames_replaced.as_slice() {
        [] => "in no frame".to_owned(),
        [[0, last]] if last + 1 == making.frames => format!("in all {} frames", making.frames),
        stretches => {
            let replaced: usize = stretches.iter().map(|[first, last]| last + 1 - first).sum();
            let named: Vec<_> =
                stretches.iter().take(3).map(|[first, last]| format!("{first}–{last}")).collect();
            let more = if stretches.len() > 3 { ", …" } else { "" };
            format!("in {replaced} of {} frames ({}{more})", making.frames, named.join(", "))
        }
    }
}
