//! Is the joined film the footage's equal in all but the picture?

use std::path::Path;

use serde_json::Value;

use crate::clip::{Clip, Rational, VideoDetails};
use crate::join::sound_hash_command;
use crate::tools::run_lines;
use crate::video::parse_micros;
use crate::{MediaError, Tools, probe, video};

/// Compares a joined film with its footage.
pub(crate) fn film(clip: &Clip, details: &VideoDetails, film: &Path) -> Result<(), MediaError> {
    let wrong = |what, expected: String, found: String| MediaError::WrongResult {
        path: film.to_owned(),
        what,
        expected,
        found,
    };
    let made = video::open(film, &clip.tools)?;
    if made.frames.len() != clip.frames.len() {
        return Err(wrong("number of frames", clip.frames.len().to_string(), made.frames.len().to_string()));
    }
    let tolerance_secs = clip.time_base.as_f64().max(made.time_base.as_f64()) / 2.0 + 1e-6;
    let (start, made_start) = (clip.frames[0].pts_ticks, made.frames[0].pts_ticks);
    for (i, (was, is)) in clip.frames.iter().zip(made.frames.iter()).enumerate() {
        let was = secs(was.pts_ticks - start, clip.time_base);
        let is = secs(is.pts_ticks - made_start, made.time_base);
        if (was - is).abs() > tolerance_secs {
            return Err(wrong(
                "time of a frame after the first, in seconds",
                format!("{was:.6} for frame {i}"),
                format!("{is:.6}"),
            ));
        }
    }
    if made.stored_size_px() != clip.stored_size_px() || made.rotation != clip.rotation {
        let text = |c: &Clip| {
            let (width, height) = c.stored_size_px();
            format!("{width}x{height}, {}", c.rotation.clockwise_degrees())
        };
        return Err(wrong("size and rotation", text(clip), text(&made)));
    }
    let is_adts: Vec<_> = clip.sound.iter().map(|s| s.codec == "aac").collect();
    if !clip.sound.is_empty() {
        let was = sound_hashes(clip, &clip.path, &is_adts)?;
        let is = sound_hashes(clip, film, &is_adts)?;
        if was != is || was.len() != clip.sound.len() {
            return Err(wrong("MD5 of the sound's packets", was.join(" "), is.join(" ")));
        }
        let made_details = made.video.as_ref().unwrap_or(details);
        let was = sound_offsets(&clip.tools, &clip.path, details.stream_index)?;
        let is = sound_offsets(&clip.tools, film, made_details.stream_index)?;
        // Sound times have a coarser unit in some files: a millisecond in mkv.
        let tolerance_us = (tolerance_secs * 1e6).ceil() as u64 + 1_000;
        let alike = was.len() == is.len() && was.iter().zip(&is).all(|(a, b)| a.abs_diff(*b) <= tolerance_us);
        if !alike {
            return Err(wrong(
                "start of the sound against the picture, in microseconds",
                format!("{was:?}"),
                format!("{is:?}"),
            ));
        }
    }
    Ok(())
}

fn secs(ticks: i64, time_base: Rational) -> f64 {
    ticks as f64 * time_base.as_f64()
}

/// One MD5 a sound track.
fn sound_hashes(clip: &Clip, path: &Path, unwrap_adts: &[bool]) -> Result<Vec<String>, MediaError> {
    let mut hashes = Vec::new();
    let tools = &clip.tools;
    let command = sound_hash_command(clip, path, unwrap_adts);
    // A long film is read to its end before a line comes, so there is no limit on the time.
    let outcome = run_lines(command, &tools.ffmpeg, None, path, |line| {
        // 0,a,MD5=…
        if let Some((_, hash)) = line.split_once("MD5=") {
            hashes.push(hash.to_owned());
        }
        Ok(())
    })?;
    if !outcome.success {
        return Err(MediaError::DecoderFailed { path: path.to_owned(), detail: outcome.complaints });
    }
    Ok(hashes)
}

/// How much later than the picture each sound track starts, in microseconds.
fn sound_offsets(tools: &Tools, path: &Path, video_index: u64) -> Result<Vec<i64>, MediaError> {
    let about = probe::describe(tools, path)?;
    let none = Vec::new();
    let streams = about["streams"].as_array().unwrap_or(&none);
    let start = |s: &Value| s["start_time"].as_str().and_then(parse_micros).unwrap_or(0);
    let picture = streams.iter().find(|s| s["index"].as_u64() == Some(video_index)).map_or(0, start);
    Ok(streams.iter().filter(|s| s["codec_type"] == "audio").map(|s| start(s) - picture).collect())
}
