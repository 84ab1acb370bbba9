//! What can go wrong: for the one who starts the studio, and for the page.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bifrons_extraction::ExtractionError;
use bifrons_media::MediaError;
use bifrons_project::ProjectError;
use bifrons_swap::{SettingsError, SwapError};
use serde_json::json;
use thiserror::Error;

/// Why the studio cannot run.
#[derive(Debug, Error)]
pub enum StudioError {
    /// The project cannot be opened.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The port is taken or not allowed.
    #[error("port {port} of this machine cannot be listened on: {source}")]
    Port {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused something that every server needs.
    #[error("the studio cannot run: {0}")]
    System(std::io::Error),
}

impl StudioError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Project(error) => error.hint(),
            Self::Port { .. } => Some(
                "another studio may be running: use its page, or choose a port with `--port N`".to_owned(),
            ),
            Self::System(_) => None,
        }
    }
}

/// What the page is told instead of an answer.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: String,
    hint: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), hint: None }
    }

    /// With something to do about it.
    pub(crate) fn hinted(status: StatusCode, error: impl Into<String>, hint: &str) -> Self {
        Self { status, error: error.into(), hint: Some(hint.to_owned()) }
    }

    pub(crate) fn not_there(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    pub(crate) fn broken(error: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, error, hint } = self;
        (status, Json(json!({ "error": error, "hint": hint }))).into_response()
    }
}

impl From<ProjectError> for Refusal {
    fn from(error: ProjectError) -> Self {
        let status = match error {
            ProjectError::NotInIndex { .. } | ProjectError::UnknownPerson { .. } => StatusCode::NOT_FOUND,
            ProjectError::NoConsent { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, error: error.to_string(), hint: error.hint() }
    }
}

impl From<ExtractionError> for Refusal {
    fn from(error: ExtractionError) -> Self {
        match error {
            ExtractionError::Project(error) => error.into(),
            error => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                hint: error.hint(),
                error: error.to_string(),
            },
        }
    }
}

impl From<SwapError> for Refusal {
    fn from(error: SwapError) -> Self {
        match error {
            SwapError::Project(error) => error.into(),
            SwapError::Media(error) => error.into(),
            // come back when it is still wanted
            SwapError::Stopped => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            error => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                hint: error.hint(),
                error: error.to_string(),
            },
        }
    }
}

impl From<SettingsError> for Refusal {
    fn from(error: SettingsError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl From<MediaError> for Refusal {
    fn from(error: MediaError) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, hint: error.hint(), error: error.to_string() }
    }
}
