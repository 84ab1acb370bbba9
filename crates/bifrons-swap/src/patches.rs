//! Faces for compositors: each new face as a picture of its own with its mask, and where in the frame it belongs.
//!
//! A folder holds `00000042-003.png` (frame 42, track 3) and, once it is whole, `patches.json`. A picture is [`PATCH_PX`]
//! squared with 16 bits a channel: the new face in the footage's colours, its transfer function and BT.709 primaries, and as
//! alpha where it counts (straight, not multiplied). Laid over its frame with `frame_from_patch` it gives what `bifrons convert`
//! gives, but for the grain, which is made in the frame's own pixels.

use std::path::{Path, PathBuf};

use bifrons_media::{Clip, MediaError, RgbImage};
use bifrons_project::{Meter, ProjectError, Reporter, Stage, Stop, atomic};
use bifrons_vision::geometry::{Point, Similarity};
use serde::{Deserialize, Serialize};

use crate::SwapError;
use crate::compose::colored;
use crate::patch::PATCH_PX;
use crate::swap::{Swap, chunks};
use crate::window::{For, Window};

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
    /// Whose face goes onto which footage.
    pub swap: Swap<'a>,
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
    let swap = &job.swap;
    let clip = swap.open()?;
    let plan = swap.plan(false, &format!("patches {PATCH_PX} {}", job.finish.plan()))?;
    prepare(job.folder, &plan)?;
    let list_path = job.folder.join(LIST);
    if list_path.is_file() {
        let list: PatchList = read(&list_path)?;
        if are_there(job.folder, &list.patches) {
            return Ok(PatchesWritten { pictures: list.patches.len(), whole: true });
        }
        remove(&list_path)?;
    }
    let painter = swap.painter()?;
    let mut window = Window::new(swap.index, swap.clip, &clip, &painter, For::Film(swap.adjustments));
    let count = clip.frame_count();
    let chunks = chunks(count);
    let chunk_path = |number: usize| job.folder.join(format!("chunk-{number:05}.json"));
    let mut done: Vec<Option<Vec<PatchEntry>>> = Vec::new();
    for number in 0..chunks.len() {
        let path = chunk_path(number);
        let entries = path.is_file().then(|| read::<Vec<PatchEntry>>(&path)).transpose()?;
        done.push(entries.filter(|entries| are_there(job.folder, entries)));
    }
    let frames_done: usize =
        chunks.iter().zip(&done).filter(|(_, done)| done.is_some()).map(|(frames, _)| frames.len()).sum();
    let item = job.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut meter = Meter::new(Stage::Convert, item, frames_done as u64, Some(count as u64));
    for (number, frames) in chunks.iter().enumerate() {
        if done[number].is_some() {
            continue;
        }
        window.seek(frames.start)?;
        let mut entries: Vec<PatchEntry> = Vec::new();
        let mut next = frames.start;
        while next < frames.end {
            if stop.is_requested() {
                return Ok(PatchesWritten { pictures: 0, whole: false });
            }
            let ready = window.next(Window::at_once().min(frames.end - next), |frame, faces| {
                faces
                    .into_iter()
                    .map(|(face, look)| {
                        let settings = swap.adjustments.of(face.track);
                        let patch = face.laid.adjusted(&settings);
                        let picture = colored(&patch, &look, &settings)?;
                        let file = format!("{:08}-{:03}.png", frame.index(), face.track);
                        write_picture(job, &file, picture, &patch.mask)?;
                        Ok(entry(&clip, file, frame.index(), face.track, patch.patch_from_frame.inverse()))
                    })
                    .collect::<Result<Vec<_>, SwapError>>()
            })?;
            if ready.is_empty() {
                let path = swap.clip.path.clone();
                return Err(MediaError::Truncated { path, decoded: next, expected: count }.into());
            }
            next += ready.len();
            meter.advance(ready.len() as u64, reporter);
            entries.extend(ready.into_iter().flatten());
        }
        write(&chunk_path(number), &entries)?;
        done[number] = Some(entries);
    }
    let patches: Vec<PatchEntry> = done.into_iter().flatten().flatten().collect();
    let pictures = patches.len();
    let footage =
        swap.clip.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let frame_size_px = [clip.width_px(), clip.height_px()];
    let list = PatchList { footage, frame_size_px, frames: count, patch_size_px: PATCH_PX, patches };
    write(&list_path, &list)?;
    for number in 0..chunks.len() {
        remove(&chunk_path(number))?;
    }
    Ok(PatchesWritten { pictures, whole: true })
}

/// Whether the folder still has all of these pictures.
fn are_there(folder: &Path, entries: &[PatchEntry]) -> bool {
    entries.iter().all(|entry| folder.join(&entry.file).is_file())
}

fn entry(clip: &Clip, file: String, frame: usize, track: u32, frame_from_patch: Similarity) -> PatchEntry {
    let side = PATCH_PX as f64;
    let corners = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)].map(|(x, y)| {
        let corner = frame_from_patch.apply(Point::new(x, y));
        [corner.x, corner.y]
    });
    let Similarity { a, b, tx, ty } = frame_from_patch;
    PatchEntry {
        file,
        frame,
        time_secs: clip.frame_start_secs(frame).unwrap_or_default(),
        track,
        frame_from_patch: [[a, -b, tx], [b, a, ty]],
        corners,
    }
}

/// Makes the folder, or empties it of what was made of something else.
fn prepare(folder: &Path, plan: &str) -> Result<(), SwapError> {
    let plan_path = folder.join(PLAN);
    let io = |error| ProjectError::io("read", folder, error);
    if folder.exists() {
        if std::fs::read_to_string(&plan_path).is_ok_and(|found| found == plan) {
            atomic::remove_stale_parts_in(folder)?;
            return Ok(());
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
    Ok(atomic::write(&plan_path, plan.as_bytes())?)
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
