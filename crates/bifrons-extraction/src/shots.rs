//! Where shots begin, in clips whose faces an earlier program found.

use bifrons_media::{Clip, MediaError};
use bifrons_project::{Clip as ClipRow, Event, Index, Reporter};
use bifrons_vision::CutFinder;

use crate::ExtractionError;

/// Notes the shots of a clip where they are not known: looks through its frames once more.
///
/// # Errors
/// [`ExtractionError::Media`] when the footage cannot be read, [`ExtractionError::Vision`], [`ExtractionError::Project`].
pub fn catch_up_shots(index: &Index, row: &ClipRow, reporter: &dyn Reporter) -> Result<(), ExtractionError> {
    // footage may be gone once its faces are found: then its shots stay unknown
    if index.shots(row.id)?.is_some() || !row.path.exists() {
        return Ok(());
    }
    reporter.report(&Event::message(format!("looking for cuts in {}", row.path.display())));
    let clip = Clip::open(&row.path)?;
    if clip.is_stills() {
        // stills: each is a shot
        return Ok(index.note_shots(row.id, &(0..clip.frame_count()).collect::<Vec<_>>())?);
    }
    let (mut cuts, mut reader) = (CutFinder::default(), clip.read(0)?);
    let mut shots = vec![0];
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                if cuts.is_cut(frame.luma_thumbnail()) {
                    shots.push(frame.index());
                }
            }
            // what is missing was told when its faces were looked for
            Ok(None) | Err(MediaError::Truncated { .. }) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(index.note_shots(row.id, &shots)?)
}
