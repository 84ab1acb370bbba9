//! What a stage tells while it works: one [`Event`] enum with three renderings (progress bars,
//! JSON lines, the browser), and [`Stop`], which asks it to end early.
//!
//! Libraries never print; they call [`Reporter::report`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Which part of the work a [`Event::Progress`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Finding faces in a clip; counts frames.
    Extract,
    /// Reading faces for training; counts faces.
    Load,
    /// Training; counts iterations, or seconds when a time is the only limit.
    Train,
    /// Putting the face onto the footage; counts frames.
    Convert,
    /// Joining the finished chunks with the sound; counts chunks.
    Join,
    /// Looking for a hidden face in a finished film; counts frames.
    Check,
}

/// How a command ended. [`Event::Result`] is always the last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All of it is done.
    Done,
    /// It is done, but some items failed; each was named in a warning.
    DoneWithFailures,
    /// Stopped on request; the same command goes on from here.
    Stopped,
    /// It could not be done.
    Failed,
}

/// One thing that happened. As JSON an object tagged by its name:
/// `{"event":"progress","stage":"extract","done":120,…}`. Fields may be added in later versions,
/// never renamed; absent values are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A command began.
    Started {
        /// The command as typed.
        command: String,
        /// Version of Bifrons.
        version: String,
        /// The project folder.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        project: Option<PathBuf>,
    },
    /// A stage got further.
    Progress {
        /// Which stage.
        stage: Stage,
        /// What it works on (a clip's name), where there are several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
        /// Units done so far, those of earlier interrupted runs included.
        done: u64,
        /// Units in all, where known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
        /// Units per second in this run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        per_sec: Option<f64>,
        /// Estimated seconds to the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_secs: Option<f64>,
    },
    /// Something worth knowing.
    Message {
        /// One sentence.
        text: String,
    },
    /// Something that is not as it should be, although the work goes on.
    Warning {
        /// One sentence.
        text: String,
        /// What to do about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// Some iterations of training are done.
    Train {
        /// Iterations since the model was new.
        iteration: u64,
        /// Smoothed loss of each person by name.
        losses: BTreeMap<String, f64>,
        /// Loss of each person on faces that are never trained on, where there are enough faces.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        held_out: BTreeMap<String, f64>,
        /// Iterations per second in this run.
        iterations_per_sec: f64,
        /// Images per second in this run, all people together.
        images_per_sec: f64,
        /// Seconds trained since the model was new.
        trained_secs: f64,
        /// Estimated seconds to the end, where a stop rule tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_secs: Option<f64>,
    },
    /// A face that was asked for.
    Face {
        /// Its number.
        id: i64,
        /// Its clip.
        clip: i64,
        /// Its track within the clip.
        track: u32,
        /// Its frame, from 0.
        frame: usize,
        /// Who it is said to be; absent: nobody in the project.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<String>,
        /// Everybody who looks alike has the same number, from 1.
        identity: usize,
        /// `open`, `accepted` or `rejected`.
        verdict: String,
        /// What seems wrong with it, with the strength (0.5 to 1).
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        suspicions: BTreeMap<String, f64>,
        /// What is measured of it, by name with the unit in it.
        measured: BTreeMap<String, f64>,
    },
    /// A shot that was asked for.
    Shot {
        /// Its clip.
        clip: i64,
        /// Which one, from 1.
        number: usize,
        /// Its first frame, from 0.
        first_frame: usize,
        /// Its last frame.
        last_frame: usize,
        /// Tracks of the clip's person in it.
        tracks: Vec<u32>,
        /// How their faces are put on: what was chosen, for each track another object where that differs.
        settings: Vec<serde_json::Value>,
    },
    /// A picture to look at was written (replacing the one before).
    Preview {
        /// Where it is.
        path: PathBuf,
    },
    /// A file was asked where it comes from.
    Verified {
        /// The file.
        file: PathBuf,
        /// What was found: `docs/seal.md` names the fields.
        report: serde_json::Value,
    },
    /// The command ended.
    Result {
        /// How.
        outcome: Outcome,
        /// Files it made.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<PathBuf>,
        /// What was measured, by name with the unit in it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        measured: BTreeMap<String, f64>,
        /// The error, when it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// What to do about it, or the command that goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

impl Event {
    /// A [`Event::Message`].
    #[must_use]
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message { text: text.into() }
    }

    /// A [`Event::Warning`] without a hint.
    #[must_use]
    pub fn warning(text: impl Into<String>) -> Self {
        Self::Warning { text: text.into(), hint: None }
    }
}

/// Who listens. Called from any thread; should return quickly.
pub trait Reporter: Send + Sync {
    /// Takes note of one event.
    fn report(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Reporter for F {
    fn report(&self, event: &Event) {
        self(event);
    }
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _event: &Event) {}
}

/// Counts the units of a stage and reports them with rate and time left, at most ten times a
/// second.
#[derive(Debug)]
pub struct Meter {
    stage: Stage,
    item: Option<String>,
    done: u64,
    done_at_start: u64,
    total: Option<u64>,
    started: Instant,
    reported: Option<Instant>,
}

impl Meter {
    const INTERVAL: Duration = Duration::from_millis(100);

    /// A meter for `total` units (`None` when unknown) of which `done` were done before this run.
    #[must_use]
    pub fn new(stage: Stage, item: Option<String>, done: u64, total: Option<u64>) -> Self {
        Self { stage, item, done, done_at_start: done, total, started: Instant::now(), reported: None }
    }

    /// Counts `units` more and reports them when the last report is old enough or this is the end.
    pub fn advance(&mut self, units: u64, reporter: &dyn Reporter) {
        self.done += units;
        let due = self.reported.is_none_or(|last| last.elapsed() >= Self::INTERVAL);
        if due || self.total == Some(self.done) {
            self.reported = Some(Instant::now());
            reporter.report(&self.event(self.started.elapsed()));
        }
    }

    fn event(&self, elapsed: Duration) -> Event {
        let in_this_run = self.done - self.done_at_start;
        let per_sec =
            (in_this_run > 0 && elapsed > Duration::ZERO).then(|| in_this_run as f64 / elapsed.as_secs_f64());
        let left_secs =
            self.total.zip(per_sec).map(|(total, per_sec)| total.saturating_sub(self.done) as f64 / per_sec);
        Event::Progress {
            stage: self.stage,
            item: self.item.clone(),
            done: self.done,
            total: self.total,
            per_sec,
            left_secs,
        }
    }
}

/// A request to stop, shared between threads and with signal handlers. Stages look at it between
/// two units of work, save what is done and return.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Not requested yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everybody who holds a clone to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The flag itself, for a signal handler to set.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn events_are_tagged_json_objects_without_absent_values() {
        let event = Event::Progress {
            stage: Stage::Extract,
            item: None,
            done: 120,
            total: Some(900),
            per_sec: Some(31.25),
            left_secs: None,
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(json, r#"{"event":"progress","stage":"extract","done":120,"total":900,"per_sec":31.25}"#);
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        assert_eq!(serde_json::to_string(&Event::warning("x")).unwrap(), r#"{"event":"warning","text":"x"}"#);
    }

    #[test]
    fn the_meter_counts_earlier_runs_as_done_but_not_for_the_rate() {
        let mut meter = Meter::new(Stage::Convert, None, 100, Some(200));
        meter.done = 150;
        let Event::Progress { done, per_sec, left_secs, .. } = meter.event(Duration::from_secs(5)) else {
            panic!("a meter reports progress")
        };
        assert_eq!((done, per_sec, left_secs), (150, Some(10.0), Some(5.0)));
    }

    #[test]
    fn the_meter_always_reports_the_end() {
        let seen = Mutex::new(Vec::new());
        let reporter = |event: &Event| seen.lock().unwrap().push(event.clone());
        let mut meter = Meter::new(Stage::Join, None, 0, Some(1000));
        (0..1000).for_each(|_| meter.advance(1, &reporter));
        let seen = seen.into_inner().unwrap();
        assert!(matches!(seen.last(), Some(Event::Progress { done: 1000, .. })));
    }

    #[test]
    fn a_stop_reaches_every_clone() {
        let stop = Stop::new();
        let other = stop.clone();
        assert!(!other.is_requested());
        stop.flag().store(true, Ordering::SeqCst);
        assert!(other.is_requested());
    }
}
