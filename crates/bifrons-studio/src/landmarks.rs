//! Landmarks that the page has moved.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bifrons_extraction::{ExtractionError, place_landmarks};
use bifrons_project::FaceId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::state::{Shared, aside};

/// What the page sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Places {
    /// x, y of each landmark, in pixels of the footage.
    points: Vec<[f32; 2]>,
}

/// `POST /api/faces/{id}/landmarks`: the crop is cut anew and the decision on the disk when this answers.
pub(crate) async fn place(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<i64>,
    Json(places): Json<Places>,
) -> Result<Json<Value>, Refusal> {
    aside(move || {
        match place_landmarks(&shared.visit, FaceId(id), &places.points) {
            Err(error @ ExtractionError::Landmarks { .. }) => {
                return Err(Refusal::new(StatusCode::BAD_REQUEST, error.to_string()));
            }
            placed => placed?,
        };
        shared.changed();
        Ok(Json(json!({ "revision": shared.revision() })))
    })
    .await
}
