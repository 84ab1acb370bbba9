//! Decisions that the page makes, and takes back.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bifrons_project::{ClipId, Decided, Decision, FaceId, TrackId, Verdict};
use bifrons_swap::{Settings, SettingsError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::faces::verdict;
use crate::state::{Shared, aside};

/// What the page sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Wanted {
    Accept { faces: Vec<i64> },
    Reject { faces: Vec<i64> },
    Reopen { faces: Vec<i64> },
    Assign { tracks: Vec<(i64, u32)>, person: Option<String> },
    Adjust { tracks: Vec<(i64, u32)>, settings: Option<Settings> },
}

impl TryFrom<Wanted> for Decision {
    type Error = SettingsError;

    fn try_from(wanted: Wanted) -> Result<Self, SettingsError> {
        let judge = |faces: Vec<i64>, verdict| Self::Judge {
            faces: faces.into_iter().map(FaceId).collect(),
            verdict,
        };
        let tracks_of = |tracks: Vec<(i64, u32)>| {
            tracks.into_iter().map(|(clip, track)| TrackId { clip: ClipId(clip), track }).collect()
        };
        Ok(match wanted {
            Wanted::Accept { faces } => judge(faces, Some(Verdict::Accepted)),
            Wanted::Reject { faces } => judge(faces, Some(Verdict::Rejected)),
            Wanted::Reopen { faces } => judge(faces, None),
            Wanted::Assign { tracks, person } => Self::Assign { tracks: tracks_of(tracks), person },
            Wanted::Adjust { tracks, settings } => {
                let settings = settings.map(Settings::checked).transpose()?;
                let chosen = settings.filter(|settings| *settings != Settings::DEFAULT);
                Self::Adjust { tracks: tracks_of(tracks), settings: chosen.map(|chosen| chosen.to_text()) }
            }
        })
    }
}

/// `POST /api/decisions`: on the disk when this answers.
pub(crate) async fn decide(
    State(shared): State<Arc<Shared>>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Refusal> {
    aside(move || {
        let decision = Decision::try_from(wanted)?;
        let empty = match &decision {
            Decision::Judge { faces, .. } => faces.is_empty(),
            Decision::Assign { tracks, .. } | Decision::Adjust { tracks, .. } => tracks.is_empty(),
            Decision::Place { .. } => false,
        };
        if empty {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "a decision about nothing"));
        }
        shared.visit.index().decide(&decision)?;
        shared.changed();
        Ok(Json(json!({ "revision": shared.revision() })))
    })
    .await
}

/// `POST /api/undo`.
pub(crate) async fn undo(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    aside(move || {
        let decided = shared.visit.index().undo()?;
        told(&shared, decided)
    })
    .await
}

/// `POST /api/redo`.
pub(crate) async fn redo(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    aside(move || {
        let decided = shared.visit.index().redo()?;
        told(&shared, decided)
    })
    .await
}

/// What was undone or redone, with the verdicts that count now; `null` when there was nothing.
fn told(shared: &Shared, decided: Option<Decided>) -> Result<Json<Value>, Refusal> {
    let Some(decided) = decided else {
        return Ok(Json(json!({ "revision": shared.revision(), "decided": null })));
    };
    shared.changed();
    let index = shared.visit.index();
    // faces by clip: a decision may hold thousands
    let wanted: BTreeSet<FaceId> = decided.faces.iter().copied().collect();
    let mut verdicts = Vec::with_capacity(wanted.len());
    for clip in index.clips()? {
        verdicts.extend(index.verdicts(clip.id)?.into_iter().filter(|(face, _)| wanted.contains(face)));
    }
    Ok(Json(json!({
        "revision": shared.revision(),
        "decided": {
            "kind": decided.kind,
            "person": decided.person,
            "faces": verdicts.iter().map(|(face, _)| face.0).collect::<Vec<_>>(),
            "verdicts": verdicts.iter().map(|(_, now)| verdict(*now)).collect::<Vec<_>>(),
            "tracks": decided.tracks.iter().map(|track| (track.clip.0, track.track)).collect::<Vec<_>>(),
        },
    })))
}
