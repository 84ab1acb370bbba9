//! Events as people or programs like to read them: bars on a terminal, lines in a log, JSON for `--json`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bifrons_project::event::Outcome;
use bifrons_project::{Event, Reporter, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a log without a terminal hears of progress.
const LOG_EVERY: Duration = Duration::from_secs(20);

/// The reporter for this terminal, or for `--json`.
pub(crate) fn reporter(json: bool) -> Arc<dyn Reporter> {
    if json {
        Arc::new(|event: &Event| {
            if let Ok(line) = serde_json::to_string(event) {
                // a reader that went away must not end the work
                let _ = writeln!(std::io::stdout(), "{line}");
            }
        })
    } else {
        Arc::new(Human { shown: Mutex::new(Shown { stage: None, bar: ProgressBar::hidden(), logged: None }) })
    }
}

/// Tells that the command began.
pub(crate) fn started() -> Event {
    Event::Started { command: command_line(), version: env!("CARGO_PKG_VERSION").to_owned(), project: None }
}

/// The command as typed, quoted where a shell would need it.
pub(crate) fn command_line() -> String {
    let quoted = |word: String| {
        let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./=+:,%@".contains(c));
        if plain { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().map(quoted).unwrap_or_default();
    std::iter::once(program).chain(words.map(quoted)).collect::<Vec<_>>().join(" ")
}

/// A line on stderr.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

struct Shown {
    /// What the bar is about.
    stage: Option<(Option<Stage>, Option<String>)>,
    bar: ProgressBar,
    logged: Option<Instant>,
}

struct Human {
    shown: Mutex<Shown>,
}

impl Reporter for Human {
    fn report(&self, event: &Event) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Progress { stage, item, done, total, per_sec, left_secs } => {
                let label = label(*stage, item.as_deref());
                let line = progress_line(&label, *done, *total, *per_sec, *left_secs);
                let finished = *total == Some(*done);
                shown.show((Some(*stage), item.clone()), *done, *total, &label, line, finished);
            }
            Event::Train { iteration, losses, iterations_per_sec, images_per_sec, left_secs, .. } => {
                let losses = losses.iter().map(|(name, loss)| format!("{name} {loss:.4}"));
                let left = left_secs.map(|left| format!(" · {} left", clock(left))).unwrap_or_default();
                let line = format!(
                    "train      iteration {iteration} · loss {} · {iterations_per_sec:.2} it/s, {images_per_sec:.0} images/s{left}",
                    losses.collect::<Vec<_>>().join(", "),
                );
                shown.show((None, None), *iteration, None, &line, line.clone(), false);
            }
            Event::Message { text } => shown.say(text),
            Event::Warning { text, hint } => {
                shown.say(&format!("warning: {text}"));
                if let Some(hint) = hint {
                    shown.say(&format!("  hint: {hint}"));
                }
            }
            Event::Face { id, clip, track, frame, person, identity, verdict, suspicions, measured } => {
                let why: Vec<String> =
                    suspicions.iter().map(|(reason, strength)| format!("{reason} {strength:.2}")).collect();
                let person = person.as_deref().unwrap_or("-");
                let line = format!(
                    "{id:>7}  {person:<16} {verdict:<8}  clip {clip} track {track} frame {frame:<6} identity {identity}  {}",
                    why.into_iter().chain(telling(measured)).collect::<Vec<_>>().join(", ")
                );
                // what was asked for is data; a reader that went away must not end the work
                let _ = writeln!(std::io::stdout(), "{}", line.trim_end());
            }
            Event::Shot { number, first_frame, last_frame, tracks, settings, .. } => {
                let faces = if tracks.len() == 1 { "1 track" } else { &format!("{} tracks", tracks.len()) };
                let settings: Vec<String> = settings.iter().map(chosen).collect();
                let line = format!(
                    "shot {number:<4} frames {first_frame} to {last_frame}  {faces}  {}",
                    settings.join("; ")
                );
                // as above
                let _ = writeln!(std::io::stdout(), "{}", line.trim_end());
            }
            Event::Result { outcome, outputs, measured, error, hint } => {
                shown.clear();
                for (name, value) in measured {
                    shown.say(&format!("{}: {}", name.replace('_', " "), number(*value)));
                }
                for path in outputs {
                    shown.say(&format!("wrote {}", path.display()));
                }
                if let Some(error) = error {
                    shown.say(&format!("error: {error}"));
                }
                match (outcome, hint) {
                    (Outcome::Stopped, Some(command)) => {
                        shown.say(&format!("stopped; this goes on:\n  {command}"))
                    }
                    (_, Some(hint)) => shown.say(&format!("hint: {hint}")),
                    (_, None) => {}
                }
            }
            _ => {}
        }
    }
}

impl Shown {
    fn show(
        &mut self,
        about: (Option<Stage>, Option<String>),
        done: u64,
        total: Option<u64>,
        label: &str,
        line: String,
        finished: bool,
    ) {
        let is_new = self.stage.as_ref() != Some(&about);
        if !std::io::stderr().is_terminal() {
            if is_new || finished || self.logged.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
                self.logged = Some(Instant::now());
                complain(&line);
            }
            self.stage = Some(about);
            return;
        }
        if is_new {
            self.clear();
            self.stage = Some(about);
            self.bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            let template = if total.is_some() {
                "{msg} {wide_bar} {pos}/{len} · {per_sec} · {eta} left"
            } else {
                "{spinner} {wide_msg}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
            self.bar.set_position(done);
            self.bar.reset_eta();
        }
        self.bar.set_message(label.to_owned());
        self.bar.set_position(done);
        if finished {
            self.bar.finish_and_clear();
            complain(&line);
        }
    }

    fn say(&self, text: &str) {
        self.bar.suspend(|| complain(text));
    }

    fn clear(&mut self) {
        self.bar.finish_and_clear();
        self.stage = None;
    }
}

/// What stands out of a face's measures, in words: "smile 0.7".
fn telling(measured: &BTreeMap<String, f64>) -> Vec<String> {
    const FROM: [(&str, &str, f64); 5] = [
        ("smile", "smile", 0.4),
        ("mouth_open", "mouth open", 0.3),
        ("eyes_closed", "eyes closed", 0.5),
        ("brows_up", "brows up", 0.4),
        ("covered", "covered", 0.1),
    ];
    let known = FROM.into_iter().filter_map(|(name, words, from)| Some((words, *measured.get(name)?, from)));
    known
        .filter(|(_, value, from)| value >= from)
        .map(|(words, value, _)| format!("{words} {value:.1}"))
        .collect()
}

fn label(stage: Stage, item: Option<&str>) -> String {
    let verb = match stage {
        Stage::Extract => "find faces",
        Stage::Load => "load faces",
        Stage::Train => "train",
        Stage::Convert => "convert",
        Stage::Join => "join",
        Stage::Check => "check",
    };
    format!("{verb:<10} {}", item.unwrap_or_default()).trim_end().to_owned()
}

fn progress_line(
    label: &str,
    done: u64,
    total: Option<u64>,
    per_sec: Option<f64>,
    left_secs: Option<f64>,
) -> String {
    let total = total.map(|total| format!("/{total}")).unwrap_or_default();
    let rate = per_sec.map(|rate| format!(" · {rate:.1}/s")).unwrap_or_default();
    let left = left_secs.filter(|&left| left >= 0.5).map(|left| format!(" · {} left", clock(left)));
    format!("{label} {done}{total}{rate}{}", left.unwrap_or_default())
}

/// `1:05:03`, `5:03`.
fn clock(secs: f64) -> String {
    let secs = secs.round().max(0.0) as u64;
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{secs:02}") } else { format!("{minutes}:{secs:02}") }
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}

/// What was chosen for a shot: what is otherwise than by default.
fn chosen(settings: &serde_json::Value) -> String {
    let default: serde_json::Value =
        serde_json::from_str(&bifrons_swap::Settings::DEFAULT.to_text()).unwrap_or_default();
    let settings = settings.as_object().into_iter().flatten();
    let changed = settings.filter(|(name, value)| default.get(name.as_str()) != Some(value));
    let changed: Vec<String> =
        changed.map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect();
    if changed.is_empty() { "as by default".to_owned() } else { changed.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_well() {
        let label = label(Stage::Extract, Some("film.mp4"));
        assert_eq!(
            progress_line(&label, 120, Some(900), Some(31.26), Some(25.0)),
            "find faces film.mp4 120/900 · 31.3/s · 0:25 left"
        );
        assert_eq!(clock(3723.4), "1:02:03");
        assert_eq!(number(12.0), "12");
        assert_eq!(number(0.123_456), "0.1235");
    }
}
