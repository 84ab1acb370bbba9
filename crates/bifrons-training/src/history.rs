//! Previews of the past: how the faces came to be.

use std::path::PathBuf;

use bifrons_media::RgbImage;
use bifrons_project::{Project, ProjectError, atomic};

use crate::TrainingError;

/// A preview is kept when this share more iterations are done than at the last one kept: some 300 pictures in a week.
const LATER: f64 = 1.04;
const JPEG_QUALITY: u8 = 88;

/// Writes previews: the newest one, and now and then one for the history.
#[derive(Debug)]
pub(crate) struct History {
    preview: PathBuf,
    folder: PathBuf,
    last: u64,
}

impl History {
    pub(crate) fn open(project: &Project) -> Result<Self, TrainingError> {
        let layout = project.layout();
        atomic::create_dir_all(&layout.history())?;
        let last = previews(project)?.last().map_or(0, |(iteration, _)| *iteration);
        Ok(Self { preview: layout.preview(), folder: layout.history(), last })
    }

    /// Writes the preview after `iteration`; gives it as PNG.
    pub(crate) fn show(&mut self, iteration: u64, picture: &RgbImage) -> Result<Vec<u8>, TrainingError> {
        let bytes = picture.encode_png()?;
        atomic::write(&self.preview, &bytes)?;
        if iteration as f64 >= self.last as f64 * LATER {
            atomic::write(&self.folder.join(file_name(iteration)), &picture.encode_jpeg(JPEG_QUALITY)?)?;
            self.last = iteration;
        }
        Ok(bytes)
    }
}

fn file_name(iteration: u64) -> String {
    format!("{iteration:08}.jpg")
}

/// The previews that were kept, by iteration.
///
/// # Errors
/// [`TrainingError::Project`] when the folder cannot be read.
pub fn previews(project: &Project) -> Result<Vec<(u64, PathBuf)>, TrainingError> {
    let mut found = Vec::new();
    let folder = project.layout().history();
    let read = |source| ProjectError::io("read", &folder, source);
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in std::fs::read_dir(&folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let iteration = name.strip_suffix(".jpg").and_then(|stem| stem.parse().ok());
        if let Some(iteration) = iteration.filter(|iteration| file_name(*iteration) == name) {
            found.push((iteration, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}
