//! The gate: no work is done on sexual footage.
//!
//! A clip is judged once, by frames spread over all of it, and what was seen is kept in the project's log.

use std::path::Path;

use bifrons_media::{Clip, MediaError, RgbImage};
use bifrons_project::{Clip as ClipRow, ClipFingerprint, Event, Index, Judgement, Reporter};
use bifrons_vision::{Explicit, VisionError};
use rayon::prelude::*;

use crate::ExtractionError;

/// Counts up when the same clip may be judged otherwise: it is looked at again then.
pub const METHOD: u32 = 1;
/// At most so many frames are looked at, spread evenly.
const FRAMES: usize = 64;
/// A frame counts when the network is surer than this that it is pornographic.
const EXPLICIT: f32 = 0.7;
/// A clip is refused when this share of its frames counts: nearly twice that of the worst clip that shows nothing sexual
/// (8 of 44 frames, `docs/seal.md`).
const REFUSED_SHARE: f64 = 1.0 / 3.0;
/// Fewer frames that count refuse nothing: the network errs in single frames, and in those beside them.
const LEAST_FRAMES: usize = 4;
/// Frames that are closer to each other are read through rather than looked up one by one.
const READ_THROUGH: usize = 24;

/// Judges a clip by how sure the network is of each frame that was looked at.
#[must_use]
pub fn judge(strengths: &[f32]) -> Judgement {
    let (frames, explicit) =
        (strengths.len(), strengths.iter().filter(|&&strength| strength > EXPLICIT).count());
    let refused = explicit >= LEAST_FRAMES && explicit as f64 >= REFUSED_SHARE * frames as f64;
    Judgement { method: METHOD, frames, explicit, refused }
}

/// Lets a clip pass, or refuses it: by the project's log where it was judged before, else by looking at it. `network` is
/// asked for then: it makes what tells how sure it is that a view ([`Explicit::view`]) is pornographic.
///
/// A clip that is no longer where it was is judged by what it was when it was added.
///
/// # Errors
/// [`ExtractionError::Sexual`]; [`ExtractionError::Media`] when the clip cannot be read,
/// [`ExtractionError::Vision`], [`ExtractionError::Project`].
pub fn admit<S>(
    index: &Index,
    row: &ClipRow,
    network: impl FnOnce() -> Result<S, VisionError>,
    reporter: &dyn Reporter,
) -> Result<Judgement, ExtractionError>
where
    S: Fn(&RgbImage) -> Result<f32, VisionError> + Send + Sync,
{
    let clip = if row.path.exists() { ClipFingerprint::of(&row.path)? } else { row.info.fingerprint };
    let judgement = match index.judgement_of(clip, METHOD)? {
        Some(judgement) => judgement,
        None => {
            let text = format!("looking over {} before any work on it", row.path.display());
            reporter.report(&Event::message(text));
            let judgement = judge_clip(&row.path, network()?)?;
            index.add_judgement(clip, judgement)?;
            judgement
        }
    };
    if judgement.refused {
        let Judgement { frames, explicit, .. } = judgement;
        return Err(ExtractionError::Sexual { clip: row.path.clone(), frames, explicit });
    }
    Ok(judgement)
}

/// What [`admit`] looks with: the network inside the program.
///
/// # Errors
/// [`VisionError::Network`] when the program file is damaged.
pub fn network() -> Result<impl Fn(&RgbImage) -> Result<f32, VisionError> + Send + Sync, VisionError> {
    let network = Explicit::load()?;
    Ok(move |view: &RgbImage| network.strength(view))
}

/// Looks at a clip without a project.
///
/// # Errors
/// [`ExtractionError::Media`] when the clip cannot be read, [`ExtractionError::Vision`].
pub fn judge_clip<S>(path: &Path, strength: S) -> Result<Judgement, ExtractionError>
where
    S: Fn(&RgbImage) -> Result<f32, VisionError> + Send + Sync,
{
    let views = views(&Clip::open(path)?)?;
    let strengths = views.par_iter().map(strength).collect::<Result<Vec<_>, _>>()?;
    Ok(judge(&strengths))
}

/// Frames spread over a clip, as the network sees them.
fn views(clip: &Clip) -> Result<Vec<RgbImage>, ExtractionError> {
    let count = clip.frame_count();
    let step = count.div_ceil(FRAMES).max(1);
    if step > READ_THROUGH {
        let wanted: Vec<usize> = (step / 2..count).step_by(step).collect();
        let at = |&number: &usize| match clip.read(number)?.next_frame() {
            Ok(Some(frame)) => Ok(Some(Explicit::view(&frame)?)),
            // frames that are missing at the end are told when faces are looked for
            Ok(None) | Err(MediaError::Truncated { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        };
        let views = wanted.par_iter().map(at).collect::<Result<Vec<_>, ExtractionError>>()?;
        return Ok(views.into_iter().flatten().collect());
    }
    let mut reader = clip.read(0)?;
    let mut views = Vec::new();
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) if frame.index() % step == step / 2 => views.push(Explicit::view(&frame)?),
            Ok(Some(_)) => {}
            Ok(None) | Err(MediaError::Truncated { .. }) => return Ok(views),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bifrons_project::{ClipInfo, Project, Silent};

    use super::*;

    fn strengths(explicit: usize, others: usize) -> Vec<f32> {
        [vec![0.71; explicit], vec![0.7; others]].concat()
    }

    #[test]
    fn the_share_of_frames_decides_and_never_a_few_of_them() {
        let refused = |explicit, others| judge(&strengths(explicit, others)).refused;
        // a third of 64 is 21.3
        assert!(!refused(21, 43) && refused(22, 42));
        assert!(!refused(3, 0) && refused(4, 0) && refused(4, 8) && !refused(4, 9));
        assert!(!refused(0, 64) && !refused(0, 0));
        let judgement = judge(&strengths(7, 38));
        assert_eq!(judgement, Judgement { method: METHOD, frames: 45, explicit: 7, refused: false });
    }

    fn film(path: &Path, frames: usize) {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=30"]);
        // no two frames alike
        ffmpeg.args(["-vf", "noise=alls=60:allf=t"]);
        ffmpeg.args(["-frames:v", &frames.to_string(), "-c:v", "libx264", "-g", "40"]).arg(path);
        assert!(ffmpeg.status().expect("FFmpeg is installed").success());
    }

    /// A project with one clip.
    fn project(folder: &Path, frames: usize) -> (Project, ClipRow) {
        let path = folder.join("clip.mp4");
        film(&path, frames);
        let project = Project::create(&folder.join("film.bifrons")).unwrap();
        let fingerprint = ClipFingerprint::of(&path).unwrap();
        let info = ClipInfo { fingerprint, frames, width_px: 64, height_px: 48 };
        project.add_clip("alice", &path, info).unwrap();
        let row = project.index().clips_of("alice").unwrap().remove(0);
        (project, row)
    }

    #[test]
    fn frames_are_spread_over_short_and_long_clips() {
        for (frames, looked_at) in [(1, 1), (30, 30), (65, 32), (150, 50), (64 * READ_THROUGH + 1, 61)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("clip.mp4");
            film(&path, frames);
            let views = views(&Clip::open(&path).unwrap()).unwrap();
            assert_eq!(views.len(), looked_at, "{frames} frames");
            let same = views.windows(2).filter(|pair| pair[0].data == pair[1].data).count();
            assert_eq!(same, 0, "of {frames} frames, some are looked at twice");
        }
    }

    #[test]
    fn a_clip_is_judged_once_and_a_refused_one_stays_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (project, row) = project(folder.path(), 30);
        let asked = AtomicUsize::new(0);
        let sure = |_: &RgbImage| Ok(if asked.fetch_add(1, Ordering::Relaxed) < 10 { 0.9 } else { 0.1 });
        for _ in 0..2 {
            let refused = admit(project.index(), &row, || Ok(sure), &Silent).unwrap_err();
            assert!(matches!(refused, ExtractionError::Sexual { frames: 30, explicit: 10, .. }), "{refused}");
            assert!(refused.to_string().contains("10 of the 30 frames"), "{refused}");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 30, "looked at more than once");
        let log = project.index().judgements().unwrap();
        assert_eq!(log.len(), 1);
        assert_eq!(log[0].judgement, Judgement { method: METHOD, frames: 30, explicit: 10, refused: true });

        // the same contents under another name, and when the clip has gone
        let moved = ClipRow { path: folder.path().join("other.mp4"), ..row.clone() };
        std::fs::copy(&row.path, &moved.path).unwrap();
        assert!(admit(project.index(), &moved, || Ok(sure), &Silent).is_err());
        std::fs::remove_file(&row.path).unwrap();
        assert!(matches!(
            admit(project.index(), &row, || Ok(sure), &Silent),
            Err(ExtractionError::Sexual { .. })
        ));
    }

    #[test]
    fn a_clip_that_shows_nothing_sexual_passes_and_its_figure_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (project, row) = project(folder.path(), 12);
        let judgement = admit(project.index(), &row, network, &Silent).unwrap();
        assert_eq!(judgement, Judgement { method: METHOD, frames: 12, explicit: 0, refused: false });
        assert_eq!(project.index().judgement_of(row.info.fingerprint, METHOD).unwrap(), Some(judgement));
    }
}
