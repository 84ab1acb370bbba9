//! Long work: a child process of this program, one at a time, as if its command had been typed.
//!
//! What it reports goes to all pages and is kept for those who come later. When the studio is killed the work goes
//! on; when the work is killed nothing is lost (`ARCHITECTURE.md`).

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bifrons_project::event::Outcome;
use bifrons_project::{ClipId, Event};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::error::Refusal;
use crate::film::Film;
use crate::state::{Shared, aside};

/// Messages kept for who comes later.
const MESSAGES_KEPT: usize = 50;

/// The work there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// `bifrons extract`.
    Extract,
    /// `bifrons train`.
    Train,
    /// `bifrons convert`.
    Convert,
}

/// What the page sends to start some.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    kind: Kind,
    /// Training: how long, earlier runs included; the command's default when absent.
    minutes: Option<f64>,
    /// Converting: which film.
    film: Option<FilmWanted>,
}

/// Which film is to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilmWanted {
    /// The footage.
    clip: i64,
    /// Whose face to put on.
    identity: String,
    /// Whether a matte is made beside it.
    matte: bool,
}

/// How a piece of work stands.
#[derive(Clone, Debug, Serialize)]
struct Job {
    kind: Kind,
    /// Whether it still runs.
    running: bool,
    /// Whether it was asked to stop.
    stopping: bool,
    /// The newest of its progress, or of training.
    progress: Option<Event>,
    /// Messages and warnings, oldest first.
    messages: Vec<Event>,
    /// How it ended.
    result: Option<Event>,
    #[serde(skip)]
    pid: Option<u32>,
}

/// The newest piece of work, and how to start another.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// This program.
    program: PathBuf,
    project: PathBuf,
    newest: Mutex<Option<Job>>,
}

impl Jobs {
    pub(crate) fn new(program: PathBuf, project: PathBuf) -> Self {
        Self { program, project, newest: Mutex::new(None) }
    }

    fn newest(&self) -> MutexGuard<'_, Option<Job>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the newest work stands, for the page; `null` when there was none.
    pub(crate) fn told(&self) -> Value {
        json!({ "kind": "job", "job": *self.newest() })
    }

    /// Asks running work to save what it has and end, as Ctrl-C does.
    pub(crate) fn stop(&self) -> Result<(), Refusal> {
        let pid = match &mut *self.newest() {
            Some(Job { running: true, pid: Some(pid), stopping, .. }) => {
                *stopping = true;
                *pid
            }
            _ => return Err(Refusal::new(StatusCode::CONFLICT, "nothing is running")),
        };
        // through the shell, which has `kill` built in everywhere
        let sent = std::process::Command::new("sh")
            .args(["-c", "kill -INT \"$1\"", "sh", &pid.to_string()])
            .status()
            .map_err(Refusal::broken)?;
        if sent.success() { Ok(()) } else { Err(Refusal::broken("it could not be told to stop")) }
    }

    fn start(&self, wanted: &Wanted, film: Option<&Film>) -> Result<Child, Refusal> {
        let mut newest = self.newest();
        if newest.as_ref().is_some_and(|job| job.running) {
            return Err(Refusal::new(StatusCode::CONFLICT, "other work is running; stop it first"));
        }
        let mut command = Command::new(&self.program);
        command.arg("--json").arg(match wanted.kind {
            Kind::Extract => "extract",
            Kind::Train => "train",
            Kind::Convert => "convert",
        });
        command.arg("--project").arg(&self.project);
        if let Some(minutes) = wanted.minutes {
            command.arg("--minutes").arg(minutes.to_string());
        }
        if let Some(Film { footage, person, identity, output, matte }) = film {
            // one word, so that no name is taken for an option
            command.arg(format!("--face={identity}")).arg(format!("--replacing={person}"));
            command.arg("--onto").arg(footage).arg("--output").arg(output);
            if let Some(matte) = matte {
                command.arg("--matte").arg(matte);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().map_err(Refusal::broken)?;
        *newest = Some(Job {
            kind: wanted.kind,
            running: true,
            stopping: false,
            progress: None,
            messages: Vec::new(),
            result: None,
            pid: child.id(),
        });
        Ok(child)
    }

    fn note(&self, event: Event) {
        let mut newest = self.newest();
        let Some(job) = &mut *newest else { return };
        match event {
            Event::Progress { .. } | Event::Train { .. } => job.progress = Some(event),
            Event::Message { .. } | Event::Warning { .. } => {
                job.messages.push(event);
                if job.messages.len() > MESSAGES_KEPT {
                    job.messages.remove(0);
                }
            }
            Event::Result { .. } => job.result = Some(event),
            _ => {}
        }
    }

    fn ended(&self) {
        let mut newest = self.newest();
        let Some(job) = &mut *newest else { return };
        (job.running, job.pid) = (false, None);
        // killed from outside: it had no time to say so
        job.result.get_or_insert_with(|| Event::Result {
            outcome: Outcome::Failed,
            outputs: Vec::new(),
            measured: std::collections::BTreeMap::new(),
            error: Some("it was killed".to_owned()),
            hint: Some("start it again: it goes on where it was".to_owned()),
        });
    }
}

/// `POST /api/job`.
pub(crate) async fn start(
    State(shared): State<Arc<Shared>>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Refusal> {
    if wanted.minutes.is_some_and(|minutes| !(minutes > 0.0 && minutes.is_finite())) {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "minutes must be above 0"));
    }
    if (wanted.kind == Kind::Convert) != wanted.film.is_some() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "a film is converted, and nothing else is"));
    }
    let (wanted, film) = {
        let shared = Arc::clone(&shared);
        aside(move || {
            let film = wanted.film.as_ref();
            let film = film.map(|film| Film::of(&shared, ClipId(film.clip), &film.identity, film.matte));
            let film = film.transpose()?;
            Ok((wanted, film))
        })
        .await?
    };
    let mut child = shared.jobs.start(&wanted, film.as_ref())?;
    let told = shared.jobs.told();
    shared.tell(told.clone());
    let shared = Arc::clone(&shared);
    tokio::spawn(async move {
        if let Some(stdout) = child.stdout.take() {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(event) = serde_json::from_str::<Event>(&line) else { continue };
                let preview = matches!(event, Event::Preview { .. });
                shared.jobs.note(event);
                shared.tell(if preview { json!({ "kind": "preview" }) } else { shared.jobs.told() });
            }
        }
        // a child that is not waited for stays as a zombie
        let _ = child.wait().await;
        shared.jobs.ended();
        shared.tell(shared.jobs.told());
        shared.changed();
    });
    Ok(Json(told))
}

/// `POST /api/job/stop`.
pub(crate) async fn stop(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    shared.jobs.stop()?;
    let told = shared.jobs.told();
    shared.tell(told.clone());
    Ok(Json(told))
}
