//! The table of `docs/seal.md`: what the invisible mark survives. For each clip, its first frames are marked and written as
//! Bifrons writes films; then FFmpeg does to them what happens to films, and the mark is looked for.
//!
//! ```sh
//! cargo run --release -p bifrons-seal --example marks -- CLIP…
//! cargo run --release -p bifrons-seal --example marks -- --unmarked 10000 CLIP…
//! cargo run --release -p bifrons-seal --example marks -- --pair FRAMES CLIP PLAIN MARKED
//! ```
//!
//! `--pair` writes the same altered film twice, without and with the mark, for `bifrons measure swap`.
#![expect(clippy::print_stdout, reason = "a table for people")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use bifrons_media::{Clip, Encoding, Frame, FrameSink};
use bifrons_seal::mark::{Detector, Found, Marker};

/// Frames of each clip.
const FRAMES: usize = 48;
const ID: u64 = 0xB1F0_5EA1_2026_0802;

/// What happens to a film: a name, FFmpeg's filter, and x264's crf.
const TREATMENTS: [(&str, &str, &str); 9] = [
    ("crf 18", "null", "18"),
    ("crf 23", "null", "23"),
    ("crf 28", "null", "28"),
    ("half size, crf 23", "scale=trunc(iw/4)*2:trunc(ih/4)*2", "23"),
    ("half size, crf 28", "scale=trunc(iw/4)*2:trunc(ih/4)*2", "28"),
    ("10 % cut off, crf 23", "crop=trunc(iw*0.45)*2:trunc(ih*0.45)*2:17:9", "23"),
    ("5 % brighter, crf 23", "eq=brightness=0.05", "23"),
    ("5 % darker, crf 23", "eq=brightness=-0.05", "23"),
    ("720 wide, mirrored, crf 23", "scale=720:-2,hflip", "23"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--unmarked") {
        let wanted = arguments.get(1).ok_or("how many frames?")?.parse()?;
        return unmarked(wanted, &arguments.split_off(2));
    }
    if arguments.first().is_some_and(|first| first == "--pair") {
        let [_, frames, clip, plain, marked] = &arguments[..] else {
            return Err("--pair FRAMES CLIP PLAIN MARKED".into());
        };
        return pair(frames.parse()?, Path::new(clip), [plain, marked].map(Path::new));
    }
    let folder = tempfile::tempdir()?;
    println!(
        "| clip | PSNR dB | ms a frame | one frame | as written | {} |",
        TREATMENTS.map(|(name, ..)| name).join(" | ")
    );
    println!("|---|{}", "---|".repeat(TREATMENTS.len() + 4));
    for path in &arguments {
        let clip = Clip::open(Path::new(path))?;
        let clip = clip.shortened(FRAMES)?;
        let (width, height) = clip.stored_size_px();
        let marker = Marker::new(ID, width, height).ok_or("too small")?;
        let film = folder.path().join("film.mp4");
        let mut sink = FrameSink::create(&clip, 0..clip.frame_count(), &Encoding::default(), &film)?;
        let mut reader = clip.read(0)?;
        let (mut squares, mut count, mut secs) = (0.0, 0usize, 0.0);
        let mut single = None;
        while let Some(mut frame) = reader.next_frame()? {
            let before = frame.luma();
            let started = Instant::now();
            marker.mark(&mut frame);
            secs += started.elapsed().as_secs_f64();
            let after = frame.luma();
            let pairs = before.data.iter().zip(&after.data);
            squares += pairs.map(|(one, other)| f64::from(one - other).powi(2)).sum::<f64>();
            count += before.data.len();
            if single.is_none() {
                let mut detector = Detector::default();
                detector.add(&frame);
                single = Some(detector.find());
            }
            sink.write(&frame)?;
        }
        sink.finish()?;
        let psnr = 10.0 * (255.0 * 255.0 * count as f64 / squares).log10();
        let ms = 1000.0 * secs / clip.frame_count() as f64;
        let mut cells = vec![said(single.flatten()), said(look(&film)?)];
        for (_, filter, crf) in TREATMENTS {
            cells.push(said(look(&treated(&film, filter, crf, folder.path())?)?));
        }
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
        println!("| {name} {width}x{height} | {psnr:.1} | {ms:.1} | {} |", cells.join(" | "));
    }
    Ok(())
}

/// Writes the beginning of a clip twice, without and with the mark. In both, the middle of the picture is softer, brighter
/// and less steady than it was filmed, as a replaced face would be.
fn pair(frames: usize, clip: &Path, films: [&Path; 2]) -> Result<(), Box<dyn Error>> {
    let clip = Clip::open(clip)?;
    let clip = clip.shortened(frames.min(clip.frame_count()))?;
    let (width, height) = clip.stored_size_px();
    for (film, id) in films.into_iter().zip([None, Some(ID)]) {
        let marker = id.map(|id| Marker::new(id, width, height).ok_or("too small")).transpose()?;
        let mut sink = FrameSink::create(&clip, 0..clip.frame_count(), &Encoding::default(), film)?;
        let mut reader = clip.read(0)?;
        while let Some(mut frame) = reader.next_frame()? {
            alter(&mut frame);
            if let Some(marker) = &marker {
                marker.mark(&mut frame);
            }
            sink.write(&frame)?;
        }
        sink.finish()?;
    }
    Ok(())
}

/// Softens luma in an ellipse that fades out, and lightens it by something that changes from frame to frame.
fn alter(frame: &mut Frame) {
    let luma = frame.luma();
    let (width, height) = (luma.width, luma.height);
    let lighter = 6.0 + 2.0 * (frame.index() as f32 * 1.7).sin();
    let at = |x: usize, y: usize| luma.data[y.min(height - 1) * width + x.min(width - 1)];
    frame.change_luma(height, |first, _, rows| {
        for (i, value) in rows.iter_mut().enumerate() {
            let (x, y) = (i % width, first + i / width);
            let across = (x as f32 / width as f32 - 0.5) / 0.3;
            let down = (y as f32 / height as f32 - 0.45) / 0.42;
            let inside = ((1.0 - across.hypot(down)) * 6.0).clamp(0.0, 1.0);
            if inside > 0.0 {
                let soft = (0..9).map(|j| at((x + j % 3).saturating_sub(1), (y + j / 3).saturating_sub(1)));
                let new = soft.sum::<f32>() / 9.0 + lighter;
                *value += inside * (new - *value);
            }
        }
    });
}

/// Looks for marks in single frames that have none.
fn unmarked(wanted: usize, clips: &[String]) -> Result<(), Box<dyn Error>> {
    let (mut frames, mut found) = (0, 0);
    for path in clips {
        let clip = Clip::open(Path::new(path))?;
        let mut reader = clip.read(0)?;
        while let Some(frame) = reader.next_frame()? {
            let mut detector = Detector::default();
            detector.add(&frame);
            found += usize::from(detector.find().is_some());
            frames += 1;
            if frames % 500 == 0 || frames == wanted {
                println!("{found} marks found in {frames} frames without one");
            }
            if frames == wanted {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn treated(film: &Path, filter: &str, crf: &str, folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let out = folder.join("treated.mp4");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-y", "-i"]).arg(film);
    ffmpeg.args(["-vf", filter, "-c:v", "libx264", "-crf", crf, "-pix_fmt", "yuv420p"]).arg(&out);
    if !ffmpeg.status()?.success() {
        return Err(format!("FFmpeg failed: {ffmpeg:?}").into());
    }
    Ok(out)
}

fn look(film: &Path) -> Result<Option<Found>, Box<dyn Error>> {
    let clip = Clip::open(film)?;
    let mut reader = clip.read(0)?;
    let mut detector = Detector::default();
    while let Some(frame) = reader.next_frame()? {
        detector.add(&frame);
    }
    Ok(detector.find())
}

fn said(found: Option<Found>) -> String {
    match found {
        Some(Found { id, clarity, .. }) if id == ID => format!("{clarity:.0}"),
        Some(_) => "wrong".to_owned(),
        None => "no".to_owned(),
    }
}
