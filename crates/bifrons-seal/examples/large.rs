//! Seals and verifies one file and says how much memory that took: `large FILM.mp4`. A large film is made with
//! `ffmpeg -stream_loop 400 -i clip.mp4 -c copy large.mp4`.
#![expect(clippy::print_stdout, reason = "figures for people")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use bifrons_project::atomic;
use bifrons_seal::{Facts, Keys, Kind, Making, seal};

fn main() -> Result<(), Box<dyn Error>> {
    let film = std::env::args().nth(1).ok_or("which film?")?;
    let film = Path::new(&film);
    let folder = tempfile::tempdir_in(film.parent().unwrap_or(film))?;
    let keys = Keys::make(&folder.path().join("keys"))?;
    let target = folder.path().join("out.mp4");
    let part = atomic::part_path(&target);
    std::fs::copy(film, &part)?;
    let facts =
        Facts { making: Making::new(Kind::Swap, 1), footage: Some(film.to_owned()), inputs: Vec::new() };
    let started = Instant::now();
    let sealed = seal(&part, &target, &facts, &keys)?;
    let mib = std::fs::metadata(sealed)?.len() >> 20;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown");
    println!("{mib} MiB sealed and verified in {:.1} s; {peak}", started.elapsed().as_secs_f64());
    Ok(())
}
