//! Is the joined film the footage's equal in all but the picture?

use std::path::Path;

use crate::clip::{Clip, Rational};
use crate::join::sound_hash_command;
use crate::tools::run_lines;
use crate::{MediaError, probe, video};

/// Compares a joined film with its footage.
pub(crate) fn film(clip: &Clip, film: &Path) -> Result<(), MediaError> {
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
    if !clip.sound.is_empty() {
        let was = sound_hashes(clip, &clip.path)?;
        let is = sound_hashes(clip, film)?;
        if was != is || was.len() != clip.sound.len() {
            return Err(wrong("MD5 of the sound's packets", was.join(" "), is.join(" ")));
        }
        let was = sound_offsets(clip)?;
        let is = sound_offsets(&made)?;
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

/// The MD5 of the packets of each sound track of a film that was made of `clip`: equal to those of the clip itself
/// when the sound was copied untouched.
///
/// # Errors
/// [`MediaError::ToolMissing`], [`MediaError::DecoderFailed`] when the film has no sound or cannot be read.
pub fn sound_hashes(clip: &Clip, path: &Path) -> Result<Vec<String>, MediaError> {
    let mut hashes = Vec::new();
    let tools = &clip.tools;
    let command = sound_hash_command(clip, path);
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

/// How much later than the first frame the first packet of each sound track comes, in
/// microseconds. Packets count, not what an edit list makes of them: a copy need not hide the
/// encoder's priming samples the same way, but it must not move the sound.
fn sound_offsets(clip: &Clip) -> Result<Vec<i64>, MediaError> {
    let picture_secs = secs(clip.frames[0].pts_ticks, clip.time_base);
    clip.sound
        .iter()
        .map(|sound| {
            let table = probe::packets(&clip.tools, &clip.path, sound.index)?;
            let first = table.packets.iter().filter_map(|p| p.pts_ticks).min();
            let sound_secs = secs(first.unwrap_or(0), sound.time_base);
            Ok(((sound_secs - picture_secs) * 1e6).round() as i64)
        })
        .collect()
}
