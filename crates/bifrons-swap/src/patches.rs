//! Faces for compositors: each new face as a picture of its own with its mask, and where in the frame it belongs.
//!
//! A folder holds `00000042-003.png` (frame 42, track 3) and, once it is whole, `patches.json`. A picture is [`PATCH_PX`]
//! squared with 16 bits a channel: the new face in the footage's colours, its transfer function and BT.709 primaries, and as
//! alpha where it counts (straight, not multiplied). Laid over its frame with `frame_from_patch` it gives what `bifrons convert`
//! gives, but for the grain, which is made in the frame's own pixels.

use std::path::{Path, PathBuf};

use bifrons_media::{Clip, MediaError, RgbImage};
use bifrons_net::Device;
use bifrons_project::{
    Checkpoint, Clip as ClipRow, Meter, Project, ProjectError, Reporter, Stage, Stop, atomic,
};
use bifrons_vision::geometry::Point;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::SwapError;
use crate::compose::colored;
use crate::film::{CHUNK_FRAMES, Pictures, pictures_plan, shape_of};
use crate::patch::{PATCH_PX, Painter};
use crate::window::Window;

/// What is done to each picture before and after it is written.
pub trait FinishPatch: std::fmt::Debug + Sync {
    /// Everything that the pictures depend on.
    fn plan(&self) -> String;

    /// Marks the face.
    fn mark(&self, face: &mut RgbImage);

    /// Makes of `part`, a finished PNG file which it takes away, the one that gets the name `target`: a file beside it.
    ///
    /// # Errors
    /// Its own; they come back as [`SwapError::Finish`].
    fn seal(&self, part: &Path, target: &Path) -> Result<PathBuf, Box<dyn std::error::Error + Send + Sync>>;
}

/// What to write.
#[derive(Debug)]
pub struct PatchesJob<'a> {
    /// The project, in which the footage's faces were found.
    pub project: &'a Project,
    /// The footage.
    pub clip: &'a ClipRow,
    /// Whose face to put on.
    pub identity: &'a str,
    /// The model.
    pub checkpoint: &'a Checkpoint,
    /// Where to compute.
    pub device: &'a Device,
    /// The folder. What it holds of another film or model is replaced; a folder of something else is refused.
    pub folder: &'a Path,
    /// What is done to each picture.
    pub finish: &'a dyn FinishPatch,
}

/// `patches.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatchList {
    /// File name of the footage.
    pub footage: String,
    /// Its size as it is displayed, in pixels: what the matrices lead to.
    pub frame_size_px: [usize; 2],
    /// Frames of the footage.
    pub frames: usize,
    /// Side of every picture, in pixels.
    pub patch_size_px: usize,
    /// In the order of the frames.
    pub patches: Vec<PatchEntry>,
}

/// One picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatchEntry {
    /// File name.
    pub file: String,
    /// Number of its frame, from 0.
    pub frame: usize,
    /// When the frame is shown, in seconds from the first.
    pub time_secs: f64,
    /// Which track: the same face through a shot.
    pub track: u32,
    /// Rows of the matrix from places in the picture to places in the displayed frame. The first pixel covers `[0, 1)` both
    /// ways, y points down.
    pub frame_from_patch: [[f64; 3]; 2],
    /// The picture's corners in the frame: upper left, upper right, lower right, lower left; for a corner pin.
    pub corners: [[f64; 2]; 4],
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchesWritten {
    /// Pictures in the folder.
    pub pictures: usize,
    /// `false` when the user stopped it; the same call goes on.
    pub whole: bool,
}

const LIST: &str = "patches.json";
/// What the pictures were made of; says that the folder is one of ours.
const PLAN: &str = "patches.plan";

/// Writes the pictures of a film, or the rest of them.
///
/// # Errors
/// [`SwapError::NotPatches`] when the folder holds something else, and those of
/// [`convert_film`](crate::convert_film).
pub fn write_patches(
    job: &PatchesJob<'_>,
    reporter: &dyn Reporter,
    stop: &Stop,
) -> Result<PatchesWritten, SwapError> {
    let pictures =
        Pictures { project: job.project, clip: job.clip, identity: job.identity, checkpoint: job.checkpoint };
    let plan = pictures_plan(&pictures, &format!("patches {PATCH_PX} {}", job.finish.plan()))?;
    let list_path = job.folder.join(LIST);
    if !prepare(job.folder, &plan)? && list_path.is_file() {
        let list: PatchList = read(&list_path)?;
        return Ok(PatchesWritten { pictures: list.patches.len(), whole: true });
    }
    let clip = Clip::open(&job.clip.path)?;
    let shape = || shape_of(job.project.index(), job.clip);
    let painter = Painter::load(job.checkpoint, job.identity, &job.clip.person, shape, job.device)?
        .detailed(job.project, job.identity)?;
    let mut window = Window::new(job.project.index(), job.clip, &clip, &painter);
    let count = clip.frame_count();
    let chunks: Vec<_> =
        (0..count).step_by(CHUNK_FRAMES).map(|from| from..(from + CHUNK_FRAMES).min(count)).collect();
    let chunk_path = |number: usize| job.folder.join(format!("chunk-{number:05}.json"));
    let done = chunks.iter().enumerate().filter(|(number, _)| chunk_path(*number).is_file());
    let done: usize = done.map(|(_, frames)| frames.len()).sum();
    let item = job.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut meter = Meter::new(Stage::Convert, item, done as u64, Some(count as u64));
    for (number, frames) in chunks.iter().enumerate() {
        if chunk_path(number).is_file() {
            continue;
        }
        window.seek(frames.start)?;
        let mut entries: Vec<PatchEntry> = Vec::new();
        let mut next = frames.start;
        while next < frames.end {
            if stop.is_requested() {
                return Ok(PatchesWritten { pictures: 0, whole: false });
            }
            let at_once = Window::at_once().min(frames.end - next);
            let ready = window.next(at_once, |frame, faces| {
                let faces = faces.into_iter().map(|(face, look)| {
                    Ok((
                        face.track,
                        face.patch.patch_from_frame,
                        colored(&face.patch, &look)?,
                        face.patch.mask,
                    ))
                });
                Ok((frame.index(), faces.collect::<Result<Vec<_>, SwapError>>()?))
            })?;
            if ready.is_empty() {
                let path = job.clip.path.clone();
                return Err(MediaError::Truncated { path, decoded: next, expected: count }.into());
            }
            next += ready.len();
            meter.advance(ready.len() as u64, reporter);
            let faces: Vec<_> = ready
                .into_iter()
                .flat_map(|(frame, faces)| faces.into_iter().map(move |face| (frame, face)))
                .collect();
            let written = faces.into_par_iter().map(|(frame, (track, patch_from_frame, face, mask))| {
                let file = format!("{frame:08}-{track:03}.png");
                write_picture(job, &file, face, &mask)?;
                let frame_from_patch = patch_from_frame.inverse();
                let side = PATCH_PX as f64;
                let corners = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)].map(|(x, y)| {
                    let corner = frame_from_patch.apply(Point::new(x, y));
                    [corner.x, corner.y]
                });
                let (a, b) = (frame_from_patch.a, frame_from_patch.b);
                let rows = [[a, -b, frame_from_patch.tx], [b, a, frame_from_patch.ty]];
                let time_secs = clip.frame_start_secs(frame).unwrap_or_default();
                Ok(PatchEntry { file, frame, time_secs, track, frame_from_patch: rows, corners })
            });
            entries.extend(written.collect::<Result<Vec<_>, SwapError>>()?);
        }
        write(&chunk_path(number), &entries)?;
    }
    let mut patches = Vec::new();
    for number in 0..chunks.len() {
        patches.extend(read::<Vec<PatchEntry>>(&chunk_path(number))?);
    }
    let pictures = patches.len();
    let footage =
        job.clip.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let frame_size_px = [clip.width_px(), clip.height_px()];
    let list = PatchList { footage, frame_size_px, frames: count, patch_size_px: PATCH_PX, patches };
    write(&list_path, &list)?;
    for number in 0..chunks.len() {
        remove(&chunk_path(number))?;
    }
    Ok(PatchesWritten { pictures, whole: true })
}

/// Makes the folder, or empties it of what was made of something else. `true` when there is all to do.
fn prepare(folder: &Path, plan: &str) -> Result<bool, SwapError> {
    let plan_path = folder.join(PLAN);
    let io = |error| ProjectError::io("read", folder, error);
    if folder.exists() {
        if std::fs::read_to_string(&plan_path).is_ok_and(|found| found == plan) {
            atomic::remove_stale_parts_in(folder)?;
            return Ok(false);
        }
        let entries = std::fs::read_dir(folder).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
        if !entries.is_empty() && !plan_path.is_file() {
            return Err(SwapError::NotPatches { path: folder.to_owned() });
        }
        for path in entries.into_iter().map(|entry| entry.path()).filter(|path| is_ours(path)) {
            remove(&path)?;
        }
    }
    atomic::create_dir_all(folder)?;
    atomic::write(&plan_path, plan.as_bytes())?;
    Ok(true)
}

/// Whether a file of the folder has a name that this gives: anything else somebody put there stays.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let picture = name.strip_suffix(".png").and_then(|name| name.split_once('-'));
    let chunk = name.strip_suffix(".json").and_then(|name| name.strip_prefix("chunk-"));
    name == LIST
        || picture.is_some_and(|(frame, track)| is_number(frame) && is_number(track))
        || chunk.is_some_and(is_number)
}

fn write_picture(
    job: &PatchesJob<'_>,
    file: &str,
    mut face: RgbImage,
    mask: &[f32],
) -> Result<(), SwapError> {
    let target = job.folder.join(file);
    job.finish.mark(&mut face);
    let bytes = face.encode_png16(mask)?;
    let part = atomic::part_path(&target);
    atomic::write(&part, &bytes)?;
    let sealed = job.finish.seal(&part, &target).map_err(SwapError::Finish)?;
    Ok(atomic::publish(&sealed, &target)?)
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), SwapError> {
    // plain data: nothing in it can fail to be written as JSON
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    Ok(atomic::write(path, text.as_bytes())?)
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, SwapError> {
    let text = std::fs::read_to_string(path).map_err(|error| ProjectError::io("read", path, error))?;
    let damaged =
        |error: serde_json::Error| ProjectError::Damaged { path: path.to_owned(), reason: error.to_string() };
    Ok(serde_json::from_str(&text).map_err(damaged)?)
}

fn remove(path: &Path) -> Result<(), SwapError> {
    Ok(std::fs::remove_file(path).map_err(|error| ProjectError::io("remove", path, error))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_here_is_removed() {
        for name in ["00000042-003.png", "patches.json", "chunk-00001.json"] {
            assert!(is_ours(Path::new("folder").join(name).as_path()), "{name}");
        }
        for name in ["holiday.png", "a-b.png", "00000042.png", "-.png", "notes.json", "chunk-x.json"] {
            assert!(!is_ours(Path::new("folder").join(name).as_path()), "{name}");
        }
    }
}
