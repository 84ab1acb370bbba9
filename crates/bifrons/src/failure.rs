//! How a command ended, as an event and an exit code.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bifrons_extraction::ExtractionError;
use bifrons_measure::MeasureError;
use bifrons_media::MediaError;
use bifrons_net::NetError;
use bifrons_project::event::Outcome;
use bifrons_project::{Event, ProjectError};
use bifrons_seal::SealError;
use bifrons_studio::StudioError;
use bifrons_swap::SwapError;
use bifrons_training::TrainingError;

/// What a command did.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// The user stopped it; the same command goes on.
    pub(crate) stopped: bool,
    /// Items that failed, each already named in a warning.
    pub(crate) failures: usize,
    pub(crate) outputs: Vec<PathBuf>,
    pub(crate) measured: BTreeMap<String, f64>,
    /// What was found out, as an exit code, where the command is a question.
    pub(crate) verdict: Option<u8>,
}

/// Something the user typed that makes no sense together.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// An input that was understood and cannot be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Unusable {}

const DONE: u8 = 0;
const DONE_WITH_FAILURES: u8 = 1;
const USAGE: u8 = 2;
const INPUT: u8 = 3;
const ENVIRONMENT: u8 = 4;
const STOPPED: u8 = 130;

/// The last event of a command, and its exit code.
pub(crate) fn conclude(finished: anyhow::Result<Finished>, command_line: &str) -> (Event, u8) {
    match finished {
        Ok(finished) => {
            let (outcome, code) = match &finished {
                Finished { stopped: true, .. } => (Outcome::Stopped, STOPPED),
                Finished { failures: 0, .. } => (Outcome::Done, DONE),
                _ => (Outcome::DoneWithFailures, DONE_WITH_FAILURES),
            };
            let code = finished.verdict.unwrap_or(code);
            let hint = finished.stopped.then(|| command_line.to_owned());
            let Finished { outputs, measured, .. } = finished;
            (Event::Result { outcome, outputs, measured, error: None, hint }, code)
        }
        Err(error) => {
            let (code, hint) = judge(&error);
            let event = Event::Result {
                outcome: Outcome::Failed,
                outputs: Vec::new(),
                measured: BTreeMap::new(),
                error: Some(told(&error)),
                hint,
            };
            (event, code)
        }
    }
}

/// Exit code and hint of an error.
fn judge(error: &anyhow::Error) -> (u8, Option<String>) {
    if let Some(error) = error.downcast_ref::<Usage>() {
        let Usage(_) = error;
        return (USAGE, Some("see `bifrons --help`".to_owned()));
    }
    if let Some(error) = error.downcast_ref::<Unusable>() {
        return (INPUT, error.hint.clone());
    }
    if let Some(error) = error.downcast_ref::<MediaError>() {
        return of_media(error);
    }
    if let Some(error) = error.downcast_ref::<ProjectError>() {
        return of_project(error);
    }
    if let Some(error) = error.downcast_ref::<NetError>() {
        return of_net(error);
    }
    if let Some(error) = error.downcast_ref::<ExtractionError>() {
        return match error {
            ExtractionError::Media(error) => of_media(error),
            ExtractionError::Project(error) => of_project(error),
            ExtractionError::Vision(_) | ExtractionError::Crop { .. } => (ENVIRONMENT, error.hint()),
            ExtractionError::Landmarks { .. } => (USAGE, error.hint()),
            ExtractionError::Progress { .. } | ExtractionError::Sexual { .. } => (INPUT, error.hint()),
        };
    }
    if let Some(error) = error.downcast_ref::<TrainingError>() {
        return match error {
            TrainingError::Project(error) => of_project(error),
            TrainingError::Net(error) => of_net(error),
            TrainingError::OtherModel { .. } | TrainingError::Occupied { .. } => (USAGE, error.hint()),
            _ => (INPUT, error.hint()),
        };
    }
    if let Some(error) = error.downcast_ref::<StudioError>() {
        return match error {
            StudioError::Project(error) => of_project(error),
            StudioError::Port { .. } | StudioError::System(_) => (ENVIRONMENT, error.hint()),
        };
    }
    if let Some(error) = error.downcast_ref::<SwapError>() {
        return match error {
            SwapError::Media(error) => of_media(error),
            SwapError::Project(error) => of_project(error),
            SwapError::Finish(error) => match (error.downcast_ref(), error.downcast_ref::<Unusable>()) {
                (Some(error), _) => of_seal(error),
                (_, Some(error)) => (INPUT, error.hint.clone()),
                _ => (ENVIRONMENT, None),
            },
            _ => (INPUT, error.hint()),
        };
    }
    if let Some(error) = error.downcast_ref::<SealError>() {
        return of_seal(error);
    }
    if let Some(error) = error.downcast_ref::<MeasureError>() {
        return match error {
            MeasureError::Media(error) => of_media(error),
            MeasureError::Vision(_) => (ENVIRONMENT, error.hint()),
            _ => (INPUT, error.hint()),
        };
    }
    (ENVIRONMENT, None)
}

fn of_media(error: &MediaError) -> (u8, Option<String>) {
    (if error.is_environment() { ENVIRONMENT } else { INPUT }, error.hint())
}

fn of_seal(error: &SealError) -> (u8, Option<String>) {
    match error {
        SealError::Project(error) => of_project(error),
        SealError::Media(error) => of_media(error),
        SealError::KeysThere { .. } | SealError::Unsealable { .. } => (USAGE, error.hint()),
        SealError::Unreadable { .. } => (INPUT, error.hint()),
        _ => (ENVIRONMENT, error.hint()),
    }
}

fn of_project(error: &ProjectError) -> (u8, Option<String>) {
    let code = match error {
        ProjectError::Name { .. } | ProjectError::UnknownPerson { .. } | ProjectError::NotAProject { .. } => {
            USAGE
        }
        ProjectError::AlreadyAProject { .. } | ProjectError::NonUtf8Path { .. } => USAGE,
        ProjectError::Config { .. } | ProjectError::Setting { .. } => USAGE,
        ProjectError::NotInIndex { .. } => USAGE,
        ProjectError::Version { .. } | ProjectError::Damaged { .. } | ProjectError::NoConsent { .. } => INPUT,
        _ => ENVIRONMENT,
    };
    (code, error.hint())
}

fn of_net(error: &NetError) -> (u8, Option<String>) {
    match error {
        NetError::UnknownPreset { .. } | NetError::UnknownDevice { .. } => {
            (USAGE, Some("see `bifrons swap --help`".to_owned()))
        }
        NetError::NoDevice { .. } => {
            (ENVIRONMENT, Some("leave out `--device` to compute on the processor".to_owned()))
        }
        NetError::Preset { .. } | NetError::Weights { .. } => (INPUT, None),
    }
}
/// An error with its causes, but those that it tells itself.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        told if told.contains(&cause) => text,
        told => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let cause = std::io::Error::other("the disk is gone");
        let quoting = anyhow::Error::new(cause).context("a.mp4: the disk is gone");
        assert_eq!(told(&quoting), "a.mp4: the disk is gone");
        let cause = std::io::Error::other("the disk is gone");
        assert_eq!(told(&anyhow::Error::new(cause).context("a.mp4")), "a.mp4: the disk is gone");
    }
}
