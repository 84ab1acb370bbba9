//! A model as one file: safetensors that any program can open, with everything Bifrons knows about it in the header.

use std::io;
use std::path::{Path, PathBuf};

use bifrons_net::{Adam, Device, Hourglass, NetError, weights};
use bifrons_project::layout::check_person_name;
use bifrons_project::{Checkpoint, Checkpoints, Mark, ProjectError, atomic};
use serde::{Deserialize, Serialize};

use crate::trainer::{MODEL, OPTIMIZER, PREVIEW};
use crate::{CheckpointMeta, TrainingError};

/// Version of the note in the header that this program reads and writes.
const FORMAT_VERSION: u32 = 1;
/// Larger files are refused before they are read.
const MAX_BYTES: u64 = 8 << 30;

/// The note in the header.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    format_version: u32,
    iteration: u64,
    meta: CheckpointMeta,
}

/// Writes a checkpoint's network to one file.
///
/// # Errors
/// [`TrainingError::Project`] when the checkpoint is damaged or the file cannot be written.
pub fn export(checkpoint: &Checkpoint, path: &Path) -> Result<(), TrainingError> {
    let note =
        Note { format_version: FORMAT_VERSION, iteration: checkpoint.step(), meta: checkpoint.meta()? };
    let note = serde_json::to_string(&note).map_err(|error| refused(path, error.to_string()))?;
    Ok(atomic::write(path, &weights::with_note(&checkpoint.read(MODEL)?, &note)?)?)
}

/// What a file says about its model: iterations and the rest.
///
/// # Errors
/// As [`import`].
pub fn inspect(path: &Path) -> Result<(u64, CheckpointMeta), TrainingError> {
    let (_, note) = read(path)?;
    Ok((note.iteration, note.meta))
}

/// Makes the model of a file a project's: a checkpoint that can be converted with, and trained on (the optimiser begins
/// anew).
///
/// # Errors
/// [`TrainingError::NotAModel`] for a file that is not a model of ours, or a damaged one; [`TrainingError::Occupied`] when
/// there is a model already.
pub fn import(path: &Path, checkpoints: &Checkpoints, device: &Device) -> Result<Checkpoint, TrainingError> {
    if let Some(checkpoint) = checkpoints.newest()?.checkpoint {
        return Err(TrainingError::Occupied { path: checkpoint.dir().to_owned() });
    }
    let (bytes, Note { iteration, mut meta, .. }) = read(path)?;
    // before anything of that size is made
    let needed = meta.preset.network.weights(meta.people.len()) * 4.0;
    if meta.people.is_empty() || needed > bytes.len() as f64 {
        let reason = format!("its header speaks of {needed} bytes of weights, it has {}", bytes.len());
        return Err(refused(path, reason));
    }
    let fresh = Hourglass::new(&meta.preset.network, meta.people.len(), meta.seed, device);
    let net = weights::from_safetensors(fresh, &bytes).map_err(|error| refused(path, error.to_string()))?;
    meta.begun_at = iteration;
    meta.sharpening = None;
    let optimizer = Adam::new(&meta.preset.training).to_bytes()?;
    let model = weights::to_safetensors(&net)?;
    let files = [(MODEL, model.as_slice()), (OPTIMIZER, &*optimizer), (PREVIEW, &[])];
    let mark = Mark { step: iteration, trained_secs: meta.trained_secs, loss: None };
    Ok(checkpoints.save(&mark, &files, &meta)?)
}

fn read(path: &Path) -> Result<(Vec<u8>, Note), TrainingError> {
    let io = |source| ProjectError::io("read", path, source);
    let unread = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => refused(path, "there is no such file".to_owned()),
        io::ErrorKind::IsADirectory => refused(path, "it is a folder".to_owned()),
        _ => io(source).into(),
    };
    let size = std::fs::metadata(path).map_err(unread)?.len();
    if size > MAX_BYTES {
        return Err(refused(path, format!("{size} bytes are more than any model has")));
    }
    let bytes = std::fs::read(path).map_err(unread)?;
    let foreign = |error: NetError| match error {
        NetError::Weights { reason } => refused(path, reason),
        other => refused(path, other.to_string()),
    };
    let note = weights::note(&bytes).map_err(foreign)?;
    let not_understood = |error: serde_json::Error| refused(path, error.to_string());
    let value: serde_json::Value = serde_json::from_str(&note).map_err(not_understood)?;
    let version = value.get("format_version").and_then(serde_json::Value::as_u64);
    if version != Some(u64::from(FORMAT_VERSION)) {
        let reason = format!("it is of version {version:?}, this program reads {FORMAT_VERSION}");
        return Err(refused(path, reason));
    }
    let note: Note = serde_json::from_value(value).map_err(not_understood)?;
    note.meta.preset.check()?;
    note.meta.people.iter().try_for_each(|name| check_person_name(name))?;
    Ok((bytes, note))
}

fn refused(path: &Path, reason: String) -> TrainingError {
    TrainingError::NotAModel { path: PathBuf::from(path), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trainer;
    use crate::made_up::preset;

    #[test]
    fn a_model_of_somebody_whose_name_is_a_path_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.safetensors");
        for (name, is_good) in [("bob", true), ("x/../../y", false)] {
            let people = vec!["alice".to_owned(), name.to_owned()];
            let checkpoints = Checkpoints::new(folder.path().join(format!("made {is_good}")));
            Trainer::new(preset(), people, 7, &Device::flex()).save(&checkpoints, b"").unwrap();
            export(&checkpoints.newest().unwrap().checkpoint.unwrap(), &file).unwrap();
            let others = Checkpoints::new(folder.path().join(format!("imported {is_good}")));
            match import(&file, &others, &Device::flex()) {
                Ok(_) => assert!(is_good),
                Err(error) => assert!(!is_good && error.to_string().contains(name), "{error}"),
            }
            assert_eq!(others.newest().unwrap().checkpoint.is_some(), is_good);
        }
    }
}
