//! The server: where everything is, and its life.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use bifrons_project::{Event, Reporter, Stop, Visit};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::error::{Refusal, StudioError};
use crate::jobs::Jobs;
use crate::session::Keys;
use crate::state::Shared;
use crate::{decisions, faces, film, guard, jobs, landmarks, live, page, pictures, stills, training};

/// A decision about a hundred thousand faces fits.
const MOST_BODY_BYTES: usize = 1 << 20;

/// How a studio is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The project folder.
    pub project: PathBuf,
    /// Port of this machine (127.0.0.1) to listen on; 0 for any that is free.
    pub port: u16,
    /// This program, of which long work is a child process.
    pub program: PathBuf,
}

/// A studio that listens.
#[derive(Debug)]
pub struct Studio {
    runtime: Runtime,
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl Studio {
    /// Opens the project and the port. Nothing is answered before [`Studio::run`].
    ///
    /// # Errors
    /// [`StudioError::Project`], [`StudioError::Port`].
    pub fn open(options: &Options) -> Result<Self, StudioError> {
        let visit = Visit::open(&options.project)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(StudioError::System)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let failed = |source| StudioError::Port { port: options.port, source };
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let keys = Keys::new(port).map_err(StudioError::System)?;
        let jobs = Jobs::new(options.program.clone(), visit.layout().root().to_owned());
        Ok(Self { runtime, listener, shared: Arc::new(Shared::new(visit, port, keys, jobs)) })
    }

    /// The link that lets one browser in. The secret stands behind `#`, which browsers send to nobody.
    #[must_use]
    pub fn link(&self) -> String {
        link(&self.shared)
    }

    /// Answers until it is asked to stop; work that runs then is asked to stop too.
    ///
    /// # Errors
    /// [`StudioError::System`].
    pub fn run(self, reporter: Arc<dyn Reporter>, stop: &Stop) -> Result<(), StudioError> {
        let Self { runtime, listener, shared } = self;
        let app = router(Arc::clone(&shared), reporter);
        runtime.block_on(async {
            tokio::spawn(live::watch(Arc::clone(&shared)));
            let asked = async {
                while !stop.is_requested() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            tokio::select! {
                served = async { axum::serve(listener, app).await } => served.map_err(StudioError::System),
                () = asked => Ok(()),
            }
        })?;
        let _ = shared.jobs.stop();
        // pages that listen would be waited for without end
        runtime.shutdown_timeout(Duration::from_millis(200));
        Ok(())
    }
}

fn link(shared: &Shared) -> String {
    format!("http://127.0.0.1:{}/#{}", shared.port, shared.keys.link().as_str())
}

fn router(shared: Arc<Shared>, reporter: Arc<dyn Reporter>) -> Router {
    let enter = move |shared: State<Arc<Shared>>, guess: Json<Guess>| enter(shared, guess, reporter);
    Router::new()
        .route("/", get(|| async { page::file("index.html") }))
        .route("/{file}", get(|Path(name): Path<String>| async move { page::file(&name) }))
        .route("/api/session", post(enter))
        .route("/api/project", get(faces::project))
        .route("/api/faces", get(faces::faces))
        .route("/api/faces/{id}/crop", get(pictures::crop))
        .route("/api/faces/{id}/thumbnail", get(pictures::thumbnail))
        .route("/api/faces/{id}/frame", get(pictures::frame))
        .route("/api/faces/{id}/landmarks", post(landmarks::place))
        .route("/api/faces/{id}", get(faces::face))
        .route("/api/film", get(film::film))
        .route("/api/film/{clip}/masks", get(film::masks))
        .route("/api/film/frame", post(stills::frame))
        .route("/api/decisions", post(decisions::decide))
        .route("/api/undo", post(decisions::undo))
        .route("/api/redo", post(decisions::redo))
        .route("/api/job", post(jobs::start))
        .route("/api/job/stop", post(jobs::stop))
        .route("/api/training", get(training::training))
        .route("/api/preview", get(pictures::preview))
        .route("/api/events", get(live::events))
        .fallback(|| async { Refusal::not_there("page") })
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard::guard))
        .with_state(shared)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Guess {
    secret: String,
}

/// `POST /api/session`: the secret of the link for the cookie. Then the link is worth nothing, and another one is
/// told to whoever started the studio.
async fn enter(
    State(shared): State<Arc<Shared>>,
    Json(guess): Json<Guess>,
    reporter: Arc<dyn Reporter>,
) -> Result<impl IntoResponse, Refusal> {
    match shared.keys.exchange(&guess.secret).map_err(Refusal::broken)? {
        Some(cookie) => {
            let text = format!("a browser came in; for another one: {}", link(&shared));
            reporter.report(&Event::Message { text });
            Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, cookie)])))
        }
        None => Err(Refusal::new(StatusCode::UNAUTHORIZED, "this link was used already, or is not whole")),
    }
}

#[cfg(test)]
mod tests;
