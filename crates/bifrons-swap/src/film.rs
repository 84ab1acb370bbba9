//! A whole film: chunk after chunk, each finished one kept, joined with the sound at the end.
//!
//! A chunk is a pure function of the footage, the index and the model. So a chunk that is there need not be made
//! again, whoever made it, and a film that was interrupted equals one that was not.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use bifrons_media::{Encoding, Frame, FrameSink, Kept, MediaError, join};
use bifrons_project::{Event, Layout, Meter, ProjectError, Reporter, Stage, Stop, atomic};
use rayon::prelude::*;

use crate::SwapError;
use crate::ahead::WriteBehind;
use crate::compose::matte;
use crate::finished::{HASH_SUFFIX, check_place, discard, hash_of, is_recorded, publish, remove_all_but};
use crate::settings::Adjustments;
use crate::swap::{CHUNK_FRAMES, Swap, chunks, frames_replaced, frames_where};
use crate::veil::{Covered, Guard, Veil};
use crate::window::{For, Window, put_on};

/// What happens to finished frames before they are encoded, and to the finished film before it gets its name.
pub trait Finish: std::fmt::Debug + Sync {
    /// Everything that [`Self::frame`] depends on: chunks finished otherwise are not mixed in.
    fn plan(&self) -> String;

    /// Changes a finished frame; depends on nothing but the frame and [`Self::plan`].
    ///
    /// # Errors
    /// Those of writing into the frame.
    fn frame(&self, frame: &mut Frame) -> Result<(), MediaError>;

    /// Makes of the joined film `part`, which it takes away, the one that gets the output's name: a file beside it.
    ///
    /// # Errors
    /// Its own; they come back as [`SwapError::Finish`].
    fn film(&self, part: &Path) -> Result<PathBuf, Box<dyn std::error::Error + Send + Sync>>;

    /// A file that belongs to the finished film and lies beside it: without it, the film is made again.
    fn beside(&self) -> Option<PathBuf> {
        None
    }
}

/// What to convert.
#[derive(Debug)]
pub struct FilmJob<'a> {
    /// Whose face goes onto which footage.
    pub swap: Swap<'a>,
    /// Where the project's things lie: chunks go there.
    pub layout: &'a Layout,
    /// The finished film. Replaced when it is there; a folder, when it was made here.
    pub output: &'a Path,
    /// What is done last.
    pub finish: &'a dyn Finish,
    /// How the clip's person is hidden, if the film is to hide them.
    pub veil: Option<&'a Veil<'a>>,
    /// What the film shows.
    pub shows: Shows,
    /// The part of the chunks that is to be made; `None` makes what is missing and joins the film.
    pub shard: Option<Shard>,
}

/// What a film shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shows {
    /// The footage with the new faces.
    #[default]
    Faces,
    /// Where the new faces count, white on black: a matte for compositors.
    Matte,
    /// The footage with the new faces as they were drawn: in their own colours, with a hard edge. What is lost on the way into
    /// the film can be told from what was never drawn.
    Drawings,
}

/// One of several processes or machines that make a film together: every `of`-th chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 1 to `of`.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = &'static str;

    /// `I/N`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((number, of)) if 1 <= number && number <= of => Ok(Self { number, of }),
            _ => Err("give I/N with I from 1 to N, like 2/7"),
        }
    }
}

impl Shard {
    fn has(self, chunk: usize) -> bool {
        chunk % self.of == self.number - 1
    }
}

/// How a conversion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The film is there.
    Finished,
    /// The user stopped it; finished chunks are kept.
    Stopped,
    /// The shard's chunks are there, and this many chunks of others are not yet.
    Shard {
        /// Chunks that are missing.
        missing: usize,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// How it ended.
    pub ending: Ending,
    /// Frames of the film.
    pub frames: usize,
    /// Frames in which the face was replaced.
    pub frames_swapped: usize,
    /// Frames converted per second, where any were left to convert.
    pub frames_per_sec: Option<f64>,
    /// What was covered in a veiled film.
    pub covered: Covered,
}

/// Converts a film, or the rest of it.
///
/// # Errors
/// [`SwapError::Changed`] when the footage is not the one whose faces were found, [`SwapError::Media`] when it is
/// damaged (frames missing) or the sound does not fit into the output's container, [`SwapError::Project`] when the
/// disk is full, [`SwapError::NotOurs`] when a folder of pictures would take the place of another one,
/// [`SwapError::Finish`]. Finished chunks stay in every case; the output appears only when it is whole and checked.
pub fn convert_film(job: &FilmJob<'_>, reporter: &dyn Reporter, stop: &Stop) -> Result<Converted, SwapError> {
    let as_by_default = Adjustments::default();
    let swap = &match job.veil {
        None => job.swap,
        // what is in front might be the witness's own face, taken for a hand; and nothing that was chosen for another film
        // may show more of them
        Some(_) => {
            if job.swap.adjustments.count() > 0 {
                let text = "what was chosen for single shots does not count in a veiled film";
                reporter.report(&Event::message(text));
            }
            Swap { over_everything: true, adjustments: &as_by_default, ..job.swap }
        }
    };
    let clip = swap.open()?;
    if job.veil.is_some() && clip.is_light() {
        return Err(SwapError::VeilOnLight { path: swap.clip.path.clone() });
    }
    let encoding = Encoding::default();
    let plan = plan(job, swap, &encoding)?;
    let folder = job.layout.work(job.output);
    // the finished film's hash, under the name of what it was made of
    let finished = folder.join(format!("{plan}.{HASH_SUFFIX}"));
    // and what is covered in it
    let finished_covered = folder.join(format!("{plan}.covered"));
    if is_recorded(job.output, &finished)? && job.finish.beside().is_none_or(|beside| beside.is_file()) {
        if job.shard.is_none() {
            // chunks are left when it was stopped with the film in its place
            remove_all_but(&folder, &[&finished, &finished_covered])?;
        }
        let frames_swapped = frames_replaced(swap.index, swap.clip, swap.adjustments)?.len();
        let frames = clip.frame_count();
        return Ok(Converted {
            ending: Ending::Finished,
            frames,
            frames_swapped,
            frames_per_sec: None,
            covered: job.veil.map(|_| read_covered(&finished_covered)).transpose()?.unwrap_or_default(),
        });
    }
    check_place(&clip, job.output, &folder)?;
    let work = folder.join(plan);
    atomic::create_dir_all(&work)?;
    if job.shard.is_none() {
        atomic::remove_stale_parts_in(&work)?;
    }

    let painter = swap.painter()?;
    let painter = if job.shows == Shows::Drawings { painter.in_own_light() } else { painter };
    let mut window = Window::new(swap.index, swap.clip, &clip, &painter, For::Film(swap.adjustments));
    let count = clip.frame_count();
    let chunks = chunks(count);
    let chunk_path = |number: usize| work.join(format!("{number:05}.mp4"));
    let covered_path = |number: usize| work.join(format!("{number:05}.covered"));
    let guard = job.veil.map(|veil| Guard::new(veil, swap.index, swap.clip, &clip)).transpose()?;

    let name = job.output.file_name().map(|name| name.to_string_lossy().into_owned());
    let own: Vec<_> = chunks
        .iter()
        .enumerate()
        .filter(|(number, _)| job.shard.is_none_or(|shard| shard.has(*number)))
        .collect();
    let there = own.iter().filter(|(number, _)| chunk_path(*number).exists());
    let done: usize = there.map(|(_, frames)| frames.len()).sum();
    let to_do: usize = own.iter().map(|(_, frames)| frames.len()).sum();
    let mut meter = Meter::new(Stage::Convert, name.clone(), done as u64, Some(to_do as u64));
    let started = Instant::now();
    let mut converted = 0;
    for (number, frames) in own {
        let path = chunk_path(number);
        if path.exists() {
            continue;
        }
        // nobody else makes this chunk
        atomic::remove_stale_parts(&path)?;
        window.seek(frames.start)?;
        let part = atomic::part_path(&path);
        let mut sink = WriteBehind::new(FrameSink::create(&clip, frames.clone(), &encoding, &part)?);
        let mut covered = Covered::default();
        let mut next = frames.start;
        while next < frames.end {
            if stop.is_requested() {
                drop(sink);
                discard(&part);
                return Ok(Converted {
                    ending: Ending::Stopped,
                    frames: count,
                    frames_swapped: 0,
                    frames_per_sec: None,
                    covered: Covered::default(),
                });
            }
            let shows = job.shows;
            let mut ready = window.next(Window::at_once().min(frames.end - next), |mut frame, faces| {
                let put_on = put_on(&frame, &faces, |track| swap.adjustments.of(track));
                match shows {
                    Shows::Faces => put_on.iter().try_for_each(|face| face.compose(&mut frame))?,
                    Shows::Drawings => put_on.iter().try_for_each(|face| face.lay_bare(&mut frame))?,
                    Shows::Matte => {
                        matte(
                            &mut frame,
                            &put_on.iter().map(|face| face.place.as_ref()).collect::<Vec<_>>(),
                        )?;
                    }
                }
                Ok(frame)
            })?;
            if ready.is_empty() {
                let path = swap.clip.path.clone();
                return Err(MediaError::Truncated { path, decoded: next, expected: count }.into());
            }
            if let Some(guard) = &guard {
                for frame in &mut ready {
                    covered.add(frame.index(), guard.cover(frame)?);
                }
            }
            let finish = job.finish;
            ready.par_iter_mut().try_for_each(|frame| finish.frame(frame))?;
            for frame in ready {
                sink.write(frame)?;
                next += 1;
                converted += 1;
                meter.advance(1, reporter);
            }
        }
        sink.finish()?;
        if guard.is_some() {
            // before the chunk, which says that all of it is there
            atomic::write(&covered_path(number), covered.to_text().as_bytes())?;
        }
        publish(&part, &path)?;
    }
    let frames_per_sec = (converted > 0).then(|| converted as f64 / started.elapsed().as_secs_f64());

    let chunk_paths: Vec<PathBuf> = (0..chunks.len()).map(chunk_path).collect();
    if job.shard.is_some() {
        let missing = chunk_paths.iter().filter(|path| !path.exists()).count();
        return Ok(Converted {
            ending: Ending::Shard { missing },
            frames: count,
            frames_swapped: 0,
            frames_per_sec,
            covered: Covered::default(),
        });
    }
    let mut joining = Meter::new(Stage::Join, name, 0, Some(chunks.len() as u64));
    atomic::remove_stale_parts(job.output)?;
    let part = atomic::part_path(job.output);
    let mut covered = Covered::default();
    if guard.is_some() {
        for path in (0..chunks.len()).map(covered_path) {
            covered.extend(read_covered(&path)?);
        }
    }
    // what footage says of itself may say who was filmed
    let kept = if guard.is_some() { Kept::PictureAndSound } else { Kept::Everything };
    join(&clip, &chunk_paths, &part, job.output, kept)?;
    let part = match job.finish.film(&part) {
        Ok(sealed) => sealed,
        Err(error) => {
            // a film that was refused is nobody's to find
            atomic::remove_stale_parts(job.output)?;
            return Err(SwapError::Finish(error));
        }
    };
    // what is finished is known as ours from the moment it has its name: a folder would else never be replaced again
    if guard.is_some() {
        atomic::write(&finished_covered, covered.to_text().as_bytes())?;
    }
    atomic::write(&finished, hash_of(&part)?.to_string().as_bytes())?;
    // somebody may have put something there meanwhile
    check_place(&clip, job.output, &folder)?;
    publish(&part, job.output)?;
    joining.advance(chunks.len() as u64, reporter);
    remove_all_but(&folder, &[&finished, &finished_covered])?;

    let with_face = frames_where(swap.index, swap.clip, |_| true)?.len();
    let frames_swapped = frames_replaced(swap.index, swap.clip, swap.adjustments)?.len();
    if with_face < count && guard.is_none() {
        let text = format!(
            "{} of {count} frames show no face of {}; they stay as filmed",
            count - with_face,
            swap.clip.person
        );
        reporter.report(&Event::Message { text });
    }
    if frames_swapped < with_face {
        let text = format!("{} frames are left as filmed, as was chosen", with_face - frames_swapped);
        reporter.report(&Event::Message { text });
    }
    Ok(Converted { ending: Ending::Finished, frames: count, frames_swapped, frames_per_sec, covered })
}

/// What was written beside a chunk, or beside a film that was finished.
fn read_covered(path: &Path) -> Result<Covered, SwapError> {
    let text = std::fs::read_to_string(path).map_err(|error| ProjectError::io("read", path, error))?;
    let damaged = |reason: &str| ProjectError::Damaged { path: path.to_owned(), reason: reason.to_owned() };
    Ok(text.parse().map_err(damaged)?)
}

/// Everything that a film's pictures depend on, as a short name: chunks made otherwise lie in another folder.
fn plan(job: &FilmJob<'_>, swap: &Swap<'_>, encoding: &Encoding) -> Result<String, SwapError> {
    let rest = format!(
        "{CHUNK_FRAMES} {encoding:?} {} {:?} {:?}",
        job.finish.plan(),
        job.veil.map(Veil::plan),
        job.shows
    );
    swap.plan(job.veil.is_some(), &rest)
}
