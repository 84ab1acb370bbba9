//! How fast a clip is decoded, converted and encoded: `cargo run --release --example speed CLIP`.
#![allow(clippy::print_stdout, reason = "this program is for reading its figures")]

use std::time::Instant;

use bifrons_media::{Clip, Encoding, FrameSink, PixelRect};

/// Processor time of this thread in seconds where Linux tells it, so that other programs on the
/// machine do not count; else the time of day.
fn own_secs(since: Instant) -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or_else(|| since.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a clip")?;
    let start = Instant::now();
    let clip = Clip::open(&path)?;
    println!(
        "open: {:.3} s, {} frames of {}x{}",
        start.elapsed().as_secs_f64(),
        clip.frame_count(),
        clip.width_px(),
        clip.height_px()
    );

    let start = Instant::now();
    let mut reader = clip.read(0)?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        if frames.len() < 60 {
            frames.push(frame);
        }
    }
    let secs = start.elapsed().as_secs_f64();
    println!("decode: {:.1} fps", reader.delivered_frames() as f64 / secs);

    let from = clip.frame_count() / 2;
    let start = Instant::now();
    clip.read(from)?.next_frame()?;
    println!("first frame from {from}: {:.3} s", start.elapsed().as_secs_f64());

    let rect = PixelRect::new(0, 0, 600, 600).clipped(clip.width_px(), clip.height_px());
    let per_frame = |name: &str, work: &mut dyn FnMut(&mut bifrons_media::Frame)| {
        let mut copies = frames.clone();
        let start = Instant::now();
        let before = own_secs(start);
        copies.iter_mut().for_each(work);
        let ms = (own_secs(start) - before) * 1e3 / copies.len() as f64;
        println!("{name}: {ms:.2} ms");
    };
    per_frame("rgb 600x600", &mut |f| {
        std::hint::black_box(f.rgb(rect));
    });
    per_frame("rgb_long_side 640", &mut |f| {
        std::hint::black_box(f.rgb_long_side(640));
    });
    per_frame("luma_thumbnail", &mut |f| {
        std::hint::black_box(f.luma_thumbnail());
    });
    let patch = frames[0].rgb(rect);
    let alpha = vec![1.0; rect.area_px()];
    per_frame("set_rgb 600x600", &mut |f| {
        f.set_rgb(rect, &patch, &alpha).unwrap_or_else(|e| println!("{e}"));
    });

    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let part = folder.path().join("speed.part");
    let mut sink = FrameSink::create(&clip, 0..frames.len(), &Encoding::default(), &part)?;
    for frame in &frames {
        sink.write(frame)?;
    }
    sink.finish()?;
    println!("encode: {:.1} fps", frames.len() as f64 / start.elapsed().as_secs_f64());
    Ok(())
}
