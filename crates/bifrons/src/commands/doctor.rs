//! `bifrons doctor`: what is there and what is missing, the first thing in a report of a problem.

use std::io::Write as _;

use bifrons_media::ffmpeg_version;
use bifrons_net::{DeviceName, Preset, device, kernels};
use bifrons_project::atomic::free_space;
use bifrons_vision::Vision;

use crate::failure::Finished;

pub(super) fn run() -> anyhow::Result<Finished> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "bifrons     {} on {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    )?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    writeln!(out, "devices     cpu ({threads} threads, kernels: {})", kernels())?;
    for name in DeviceName::ALL.iter().filter(|name| **name != DeviceName::Cpu) {
        let found = if device(*name).is_ok() { "found" } else { "built in, but none found on this machine" };
        writeln!(out, "            {name} ({found})")?;
    }
    for preset in Preset::built_in() {
        writeln!(out, "preset      {}: {}", preset.name, preset.summary)?;
    }
    for network in Vision::networks() {
        writeln!(
            out,
            "network     {} blake3 {}",
            network.name,
            bifrons_project::ContentHash::of_bytes(network.bytes)
        )?;
    }
    Vision::load()?;
    writeln!(out, "networks    load")?;
    let here = std::env::current_dir()?;
    writeln!(
        out,
        "disk        {:.1} GiB free in {}",
        free_space(&here)? as f64 / (1_u64 << 30) as f64,
        here.display()
    )?;
    let version = ffmpeg_version()?;
    writeln!(out, "FFmpeg      {version}")?;
    Ok(Finished::default())
}
