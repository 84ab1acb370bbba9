//! The project and its faces, as the page reads them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use bifrons_extraction::review::{Catalogue, Entry, PITCH_EDGES_DEG, Reason, YAW_EDGES_DEG};
use bifrons_project::{Clip, FaceId, Verdict, Visit};
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::state::{Shared, aside};

/// Measures in the order in which they are sent, with their names.
type Measure = (&'static str, fn(&Entry) -> Option<f32>);
const MEASURES: [Measure; 19] = [
    ("suspicion", |entry| Some(entry.suspicion())),
    ("likeness", |entry| entry.measures.likeness),
    ("sharpness", |entry| Some(entry.measures.sharpness)),
    ("confidence", |entry| Some(entry.measures.confidence)),
    ("size_px", |entry| Some(entry.measures.size_px)),
    ("yaw_deg", |entry| Some(entry.measures.yaw_deg)),
    ("pitch_deg", |entry| Some(entry.measures.pitch_deg)),
    ("roll_deg", |entry| Some(entry.measures.roll_deg)),
    ("mouth", |entry| Some(entry.measures.mouth)),
    ("eyes", |entry| Some(entry.measures.eyes)),
    ("jump", |entry| Some(entry.measures.jump)),
    ("novelty", |entry| entry.measures.novelty),
    ("light", |entry| entry.measures.light),
    ("light_side", |entry| entry.measures.light_side),
    ("covered", |entry| entry.measures.covered),
    ("smile", |entry| entry.measures.smile),
    ("mouth_open", |entry| entry.measures.mouth_open),
    ("eyes_closed", |entry| entry.measures.eyes_closed),
    ("brows_up", |entry| entry.measures.brows_up),
];

/// `GET /api/project`: people, clips, how far they are, what their faces cover.
pub(crate) async fn project(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    aside(move || {
        let revision = shared.revision();
        let catalogue = shared.catalogue()?;
        let visit = &shared.visit;
        let clips = visit.index().clips()?;
        let people = visit.index().people()?;
        let people: Vec<Value> = people
            .iter()
            .map(|person| about_person(visit, &catalogue, &clips, person))
            .collect::<Result<_, Refusal>>()?;
        let nobody = catalogue.entries.iter().filter(|entry| entry.person.is_none()).count();
        Ok(Json(json!({
            "revision": revision,
            "name": visit.layout().root().file_name().map(|name| name.to_string_lossy()),
            "preset": visit.config()?.preset,
            "people": people,
            "nobody": nobody,
            "yaw_edges_deg": YAW_EDGES_DEG,
            "pitch_edges_deg": PITCH_EDGES_DEG,
        })))
    })
    .await
}

fn about_person(
    visit: &Visit,
    catalogue: &Catalogue,
    clips: &[Clip],
    person: &str,
) -> Result<Value, Refusal> {
    let theirs = || catalogue.entries.iter().filter(|entry| entry.person.as_deref() == Some(person));
    let count = |verdict| theirs().filter(|entry| entry.verdict == verdict).count();
    let clips: Vec<Value> = clips
        .iter()
        .filter(|clip| clip.person == person)
        .map(|clip| {
            let extraction = visit.index().extraction(clip.id)?;
            let faces = theirs().filter(|entry| entry.track.clip == clip.id).count();
            Ok(json!({
                "id": clip.id.0,
                "name": clip.path.file_name().map(|name| name.to_string_lossy()),
                "frames": clip.info.frames,
                "width_px": clip.info.width_px,
                "height_px": clip.info.height_px,
                "next_frame": extraction.state.next_frame,
                "done": extraction.done,
                "faces": faces,
            }))
        })
        .collect::<Result<_, Refusal>>()?;
    Ok(json!({
        "name": person,
        "clips": clips,
        "faces": theirs().count(),
        "accepted": count(Some(Verdict::Accepted)),
        "rejected": count(Some(Verdict::Rejected)),
        "suspicious": theirs().filter(|e| e.verdict.is_none() && !e.suspicions.is_empty()).count(),
        "coverage": catalogue.coverage(person),
    }))
}

/// `GET /api/faces`: all faces, a list for each thing known of them.
pub(crate) async fn faces(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    aside(move || {
        let revision = shared.revision();
        let catalogue = shared.catalogue()?;
        let people = shared.visit.index().people()?;
        let all = &catalogue.entries;
        let measures: serde_json::Map<String, Value> = MEASURES
            .iter()
            .map(|(name, measure)| {
                let values: Vec<Value> = all.iter().map(|entry| number(measure(entry))).collect();
                ((*name).to_owned(), values.into())
            })
            .collect();
        let person = |entry: &Entry| {
            let found = people.iter().position(|known| Some(known) == entry.person.as_ref());
            found.map_or(-1, |place| place as i64)
        };
        let reasons = |entry: &Entry| -> Vec<usize> {
            let place = |reason| Reason::ALL.iter().position(|known| *known == reason).unwrap_or_default();
            entry.suspicions.iter().map(|suspicion| place(suspicion.reason)).collect()
        };
        Ok(Json(json!({
            "revision": revision,
            "people": people,
            "reasons": Reason::ALL.map(Reason::name),
            "id": all.iter().map(|entry| entry.id.0).collect::<Vec<_>>(),
            "clip": all.iter().map(|entry| entry.track.clip.0).collect::<Vec<_>>(),
            "track": all.iter().map(|entry| entry.track.track).collect::<Vec<_>>(),
            "frame": all.iter().map(|entry| entry.frame).collect::<Vec<_>>(),
            "identity": all.iter().map(|entry| entry.identity).collect::<Vec<_>>(),
            "person": all.iter().map(person).collect::<Vec<_>>(),
            "verdict": all.iter().map(|entry| verdict(entry.verdict)).collect::<Vec<_>>(),
            "placed": all.iter().map(|entry| u8::from(entry.placed)).collect::<Vec<_>>(),
            "why": all.iter().map(reasons).collect::<Vec<_>>(),
            "measures": measures,
        })))
    })
    .await
}

/// 0 open, 1 accepted, 2 rejected.
pub(crate) fn verdict(verdict: Option<Verdict>) -> u8 {
    match verdict {
        None => 0,
        Some(Verdict::Accepted) => 1,
        Some(Verdict::Rejected) => 2,
    }
}

/// Four digits after the point: more say nothing and cost time.
fn number(value: Option<f32>) -> Value {
    match value.filter(|value| value.is_finite()) {
        Some(value) => ((f64::from(value) * 1e4).round() / 1e4).into(),
        None => Value::Null,
    }
}

/// `GET /api/faces/{id}`: one face with its landmarks, in pixels of the footage.
pub(crate) async fn face(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<i64>,
) -> Result<Json<Value>, Refusal> {
    aside(move || {
        let face = shared.visit.index().face(FaceId(id))?;
        let clip = shared.visit.index().clip(face.clip)?;
        let round = |value: f32| (f64::from(value) * 100.0).round() / 100.0;
        Ok(Json(json!({
            "id": id,
            "clip": clip.path.file_name().map(|name| name.to_string_lossy()),
            "width_px": clip.info.width_px,
            "height_px": clip.info.height_px,
            "frame": face.record.frame,
            "bbox": face.record.bbox.map(round),
            "points": face.record.points.iter().map(|p| [round(p[0]), round(p[1])]).collect::<Vec<_>>(),
            "placed": face.placed,
        })))
    })
    .await
}
