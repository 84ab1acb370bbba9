//! Follows the faces of clips and prints a Markdown table.
//!
//! ```text
//! cargo run --release -p bifrons-vision --example detect_table -- CLIP-OR-FOLDER...
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that a person runs by hand")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bifrons_media::Clip;
use bifrons_vision::{Followed, TrackEnd, Tracker, Vision};

fn main() -> Result<(), Box<dyn Error>> {
    let mut clips = Vec::new();
    for path in std::env::args().skip(1) {
        collect(Path::new(&path), &mut clips)?;
    }
    clips.sort();
    let vision = Vision::load()?;
    println!("| clip | frames | with a face | tracks | thrown away | cuts | detector runs | ms a frame |");
    println!("|---|---|---|---|---|---|---|---|");
    for path in &clips {
        match follow(&vision, path) {
            Ok(row) => println!("{row}"),
            Err(error) => eprintln!("{}: {error}", path.display()),
        }
    }
    Ok(())
}

fn collect(path: &Path, clips: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        clips.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        collect(&entry?.path(), clips)?;
    }
    Ok(())
}

fn follow(vision: &Vision, path: &Path) -> Result<String, Box<dyn Error>> {
    let clip = Clip::open(path)?;
    let mut reader = clip.read(0)?;
    let mut tracker = Tracker::new(vision);
    let mut frames_of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut ended: Vec<TrackEnd> = Vec::new();
    let (mut frames, mut cuts, mut runs) = (0_u32, Vec::new(), 0);
    // Only the time spent looking, not that spent decoding.
    let mut looking = Duration::ZERO;
    loop {
        let frame = reader.next_frame()?;
        let is_last = frame.is_none();
        let start = Instant::now();
        let known = match frame {
            Some(frame) => tracker.next(frame)?,
            None => {
                let (known, ends) = tracker.finish();
                ended.extend(ends);
                known
            }
        };
        looking += start.elapsed();
        for Followed { picture, step } in known {
            if step.cut {
                cuts.push(picture.index());
            }
            runs += u32::from(step.detected);
            for seen in &step.observations {
                frames_of.entry(seen.track).or_default().push(picture.index());
            }
            ended.extend(step.ended);
            frames += 1;
        }
        if is_last {
            break;
        }
    }
    let (accepted, rejected): (Vec<_>, Vec<_>) = ended.into_iter().partition(|end| end.accepted);
    let with_face: BTreeSet<usize> =
        accepted.iter().filter_map(|end| frames_of.get(&end.track)).flatten().copied().collect();
    for end in accepted.iter().chain(&rejected) {
        eprintln!(
            "  track {} accepted {} {:?} frames {}..={} seen {} supported {}",
            end.track, end.accepted, end.reason, end.first_frame, end.last_frame, end.frames, end.support
        );
    }
    Ok(format!(
        "| {} | {frames} | {} | {} | {} | {cuts:?} | {runs} | {:.1} |",
        path.file_name().unwrap_or_default().to_string_lossy(),
        with_face.len(),
        accepted.len(),
        rejected.len(),
        looking.as_secs_f64() * 1000.0 / f64::from(frames.max(1)),
    ))
}
