use std::path::Path;
use std::sync::Mutex;

use bifrons_project::Project;

use super::*;
use crate::made_up::{facesets, preset};

const PEOPLE: [&str; 2] = ["alice", "bob"];

fn project(folder: &Path) -> Project {
    let project = Project::create(&folder.join("film.bifrons")).unwrap();
    for name in PEOPLE {
        project.index().add_person(name).unwrap();
    }
    project
}

/// Trains; gives what came of it and the texts of warnings and messages.
fn trained(
    project: &Project,
    preset: &Preset,
    limits: Limits,
) -> (Result<Trained, TrainingError>, Vec<String>) {
    let said = Mutex::new(Vec::new());
    let listen = |event: &Event| {
        if let Event::Warning { text, .. } | Event::Message { text } = event {
            said.lock().unwrap().push(text.clone());
        }
    };
    let job = Job {
        project,
        preset,
        seed: 7,
        limits: &limits,
        device: &Device::flex(),
        start_from: None,
        only: None,
        sharpen: false,
        loader_threads: 2,
        reporter: &listen,
        stop: &Stop::default(),
    };
    let outcome = train(&job, facesets(&PEOPLE.map(str::to_owned)));
    let said = said.lock().unwrap().clone();
    (outcome, said)
}

fn until(iterations: u64) -> Limits {
    Limits { iterations: Some(iterations), ..Limits::default() }
}

#[test]
fn what_breaks_down_goes_back_slower_and_keeps_the_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    trained(&project, &preset(), until(5)).0.unwrap();
    // as if the rate had become absurd since: nothing helps
    let checkpoints = project.checkpoints();
    let saved = checkpoints.newest().unwrap().checkpoint.unwrap();
    let mut broken = Trainer::resume(&saved, &Device::flex()).unwrap();
    broken.meta.preset.training.learning_rate = 1e36;
    broken.save(&checkpoints, b"preview").unwrap();
    let (outcome, said) = trained(&project, &preset(), until(30));
    let error = outcome.unwrap_err();
    assert!(matches!(error, TrainingError::BrokeDown { .. }), "{error}");
    assert!(error.to_string().contains("DSSIM of alice"), "{error}");
    assert_eq!(said.iter().filter(|text| text.contains("broke down")).count(), MOST_RETRIES as usize);
    assert_eq!(checkpoints.newest().unwrap().checkpoint.unwrap().step(), 5);

    // a rate twelve times the preset's is brought down
    let saved = checkpoints.newest().unwrap().checkpoint.unwrap();
    let mut broken = Trainer::resume(&saved, &Device::flex()).unwrap();
    broken.meta.preset.training.learning_rate = 0.006;
    broken.save(&checkpoints, b"preview").unwrap();
    let (outcome, said) = trained(&project, &preset(), until(60));
    let found = outcome.unwrap();
    let retries = said.iter().filter(|text| text.contains("broke down")).count();
    assert!(found.iteration == 60 && retries > 0, "{said:?}");
    let meta: crate::CheckpointMeta = checkpoints.newest().unwrap().checkpoint.unwrap().meta().unwrap();
    assert_eq!(meta.rate_share, 0.5_f64.powi(retries as i32));
}

#[test]
fn the_curve_is_kept_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    let all = until(4);
    trained(&project, &preset(), all).0.unwrap();
    trained(&project, &preset(), until(6)).0.unwrap();
    let curve = project.index().curve().unwrap();
    let iterations: Vec<u64> = curve.iter().map(|point| point.iteration).collect();
    assert_eq!(iterations, [4, 4, 6, 6]);
    assert!(curve.iter().all(|point| point.loss > 0.0 && point.held_out.is_none()));
    // there are too few faces to hold some out, so a plateau is never reached
    let limits = Limits { plateau: true, ..until(7) };
    assert_eq!(trained(&project, &preset(), limits).0.unwrap().iteration, 7);
}
