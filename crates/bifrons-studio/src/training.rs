//! How training went.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::Json;
use axum::extract::State;
use bifrons_project::CurvePoint;
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::state::{Shared, aside};

/// Points sent for each person: more than a screen has columns to draw them in.
const MOST_POINTS: usize = 1500;

/// `GET /api/training`: the losses of each person, and when the preview was made.
pub(crate) async fn training(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    aside(move || {
        let curve = shared.visit.index().curve()?;
        let people = shared.visit.index().people()?;
        let curves: Vec<Value> = people
            .iter()
            .map(|person| {
                let points: Vec<&CurvePoint> = curve.iter().filter(|point| point.person == *person).collect();
                let step = points.len().div_ceil(MOST_POINTS).max(1);
                // the last one always, since it is the one that people ask about
                let shown: Vec<&&CurvePoint> = points.iter().rev().step_by(step).rev().collect();
                json!({
                    "person": person,
                    "iteration": shown.iter().map(|point| point.iteration).collect::<Vec<_>>(),
                    "loss": shown.iter().map(|point| point.loss).collect::<Vec<_>>(),
                    "held_out": shown.iter().map(|point| point.held_out).collect::<Vec<_>>(),
                })
            })
            .collect();
        let made = std::fs::metadata(shared.visit.layout().preview()).and_then(|about| about.modified());
        let preview = made.ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        Ok(Json(json!({
            "curves": curves,
            "iteration": curve.last().map(|point| point.iteration),
            "trained_secs": curve.last().map(|point| point.trained_secs),
            "preview": preview.map(|made| made.as_millis() as u64),
        })))
    })
    .await
}
