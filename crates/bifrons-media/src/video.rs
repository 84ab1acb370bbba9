//! Opening a video file.

use std::path::Path;

use serde_json::Value;

use crate::clip::{Clip, ClipKind, FrameTime, Rational, SoundStream, VideoDetails};
use crate::color::{ColorInfo, ColorRefusal};
use crate::layout::{PlaneLayout, Rotation};
use crate::probe::{self, Packet};
use crate::rgb_image::MAX_SIDE_PX;
use crate::{MediaError, Tools};

/// Opens the first real video stream of a file (cover art does not count).
pub(crate) fn open(path: &Path, tools: &Tools) -> Result<Clip, MediaError> {
    let about = probe::describe(tools, path)?;
    let none = Vec::new();
    let streams = about["streams"].as_array().unwrap_or(&none);
    let of_type = |kind: &'static str| streams.iter().filter(move |s| s["codec_type"] == kind);
    let Some(stream) = of_type("video").find(|s| s["disposition"]["attached_pic"] != 1) else {
        let path = path.to_owned();
        return Err(if of_type("audio").next().is_some() {
            MediaError::AudioOnly { path }
        } else {
            MediaError::NotVideo { path, detail: "no picture and no sound in it".to_owned() }
        });
    };
    let unsupported = |what, found: String, hint: Option<String>| MediaError::Unsupported {
        path: path.to_owned(),
        what,
        found,
        hint,
    };
    let text = |key: &str| stream[key].as_str();

    let width = stream["width"].as_u64().unwrap_or(0) as usize;
    let height = stream["height"].as_u64().unwrap_or(0) as usize;
    if !(1..=MAX_SIDE_PX).contains(&width) || !(1..=MAX_SIDE_PX).contains(&height) {
        return Err(unsupported(
            "a picture size outside 1 to 16384 pixels",
            format!("{width}x{height}"),
            None,
        ));
    }
    let rotation = rotation_of(stream).ok_or_else(|| {
        unsupported(
            "a rotation flag that mirrors or is no quarter turn",
            side_data(stream, "displaymatrix").unwrap_or_default(),
            Some("bake it in first: ffmpeg -i FILM -c:a copy upright.mp4".to_owned()),
        )
    })?;
    let time_base = text("time_base")
        .and_then(|t| parse_ratio(t, '/'))
        .filter(|t| t.den <= i32::MAX as u32)
        .ok_or_else(|| unsupported("this time base", stream["time_base"].to_string(), None))?;
    let pixel_format = text("pix_fmt").unwrap_or("unknown").to_owned();
    let codec = text("codec_name").unwrap_or("unknown").to_owned();
    if codec == "unknown" || pixel_format == "unknown" {
        return Err(MediaError::DecoderFailed {
            path: path.to_owned(),
            detail: format!("codec {codec}, pixel format {pixel_format}"),
        });
    }
    let formats = Formats::of(&pixel_format, &codec, width, height);
    let color = ColorInfo::from_tags(
        text("color_space"),
        text("color_range"),
        text("color_primaries"),
        text("color_transfer"),
        rotation.displayed_size(width, height).1,
        formats.is_rgb,
        pixel_format.starts_with("yuvj"),
    )
    .map_err(|refusal| match refusal {
        ColorRefusal::HighDynamicRange(transfer) => MediaError::HighDynamicRange {
            path: path.to_owned(),
            transfer,
        },
        ColorRefusal::Matrix(found) => unsupported(
            "this colour matrix",
            found,
            Some("convert first: ffmpeg -i FILM -vf scale=out_color_matrix=bt709 -colorspace bt709 -c:a copy new.mp4".to_owned()),
        ),
    })?;

    let index = stream["index"].as_u64().unwrap_or(0);
    let table = frame_table(path, tools, index, stream, &about)?;
    let sound = of_type("audio")
        .map(|s| SoundStream {
            index: s["index"].as_u64().unwrap_or(0),
            codec: s["codec_name"].as_str().unwrap_or("unknown").to_owned(),
            time_base: s["time_base"]
                .as_str()
                .and_then(|t| parse_ratio(t, '/'))
                .unwrap_or(Rational { num: 1, den: 1 }),
            sample_rate_hz: s["sample_rate"].as_str().and_then(|r| r.parse().ok()).unwrap_or(0),
            channels: s["channels"].as_u64().unwrap_or(0) as u32,
        })
        .collect();
    let subtitles = of_type("subtitle")
        .map(|s| (s["index"].as_u64().unwrap_or(0), s["codec_name"].as_str().unwrap_or("unknown").to_owned()))
        .collect();
    Ok(Clip {
        path: path.to_owned(),
        tools: tools.clone(),
        kind: ClipKind::Video,
        stored_width_px: width,
        stored_height_px: height,
        rotation,
        time_base,
        frames: table.frames.into(),
        declared_frames: table.declared,
        color,
        sound,
        stored_sample_aspect: text("sample_aspect_ratio")
            .and_then(|t| parse_ratio(t, ':'))
            .unwrap_or(Rational { num: 1, den: 1 }),
        codec,
        pixel_format,
        video: Some(VideoDetails {
            stream_index: index,
            timed_packets: table.timed,
            format_name: about["format"]["format_name"].as_str().unwrap_or_default().to_owned(),
            file_start_us: about["format"]["start_time"].as_str().and_then(parse_micros).unwrap_or(0),
            layout: formats.layout,
            decoded_format: formats.decoded,
            encoded_format: formats.encoded,
            subtitles,
            chroma_location: text("chroma_location")
                .filter(|l| matches!(*l, "left" | "center" | "topleft" | "top" | "bottomleft" | "bottom"))
                .map(str::to_owned),
        }),
        pictures: [].into(),
    })
}

/// The frames of a stream.
struct FrameTable {
    frames: Vec<FrameTime>,
    /// How many frames the file says it has.
    declared: usize,
    /// Whether every packet carries the time of its frame.
    timed: bool,
}

fn frame_table(
    path: &Path,
    tools: &Tools,
    index: u64,
    stream: &Value,
    about: &Value,
) -> Result<FrameTable, MediaError> {
    let table = probe::packets(tools, path, index)?;
    let packets_read = table.packets.len();
    let (frames, timed) = match in_order(&table.packets) {
        Some(frames) => (frames, true),
        // Some containers (AVI, raw streams) time their packets badly or not at all.
        None => (in_decoded_order(&probe::frames(tools, path, index)?.packets), false),
    };
    if frames.is_empty() {
        return Err(MediaError::NoFrames { path: path.to_owned() });
    }
    let mut declared = frames.len();
    let said = |v: &Value| v.as_str().and_then(|t| t.parse::<f64>().ok());
    // A file that ends right between two packets is cut off without a complaint; the index of mp4 and mov, which
    // counts exactly, still tells.
    let counts_exactly = about["format"]["format_name"].as_str().is_some_and(|name| name.contains("mov"));
    let lacks_packets =
        counts_exactly && said(&stream["nb_frames"]).is_some_and(|count| count > packets_read as f64);
    if table.cut_off || lacks_packets {
        let missing = match said(&stream["nb_frames"]) {
            Some(count) => count - packets_read as f64,
            None => {
                // No count in the header: estimate from the length the header gives.
                let secs = said(&about["format"]["duration"]).unwrap_or(0.0);
                let rate = stream["avg_frame_rate"]
                    .as_str()
                    .and_then(|t| parse_ratio(t, '/'))
                    .map_or(0.0, Rational::as_f64);
                (secs * rate).round() - packets_read as f64
            }
        };
        // A cut file lacks at least what was cut inside its last packet.
        declared += (missing.clamp(0.0, 1e9) as usize).max(1);
    }
    Ok(FrameTable { frames, declared, timed })
}

/// Shown packets in presentation order with durations that meet; `None` when a time is missing or
/// two are equal.
fn in_order(packets: &[Packet]) -> Option<Vec<FrameTime>> {
    let mut frames: Vec<FrameTime> = packets
        .iter()
        .filter(|p| !p.discarded)
        .map(|p| {
            Some(FrameTime {
                pts_ticks: p.pts_ticks?,
                duration_ticks: p.duration_ticks.unwrap_or(0),
                keyframe: p.keyframe,
            })
        })
        .collect::<Option<_>>()?;
    frames.sort_by_key(|f| f.pts_ticks);
    let distinct = frames.windows(2).all(|w| w[0].pts_ticks < w[1].pts_ticks);
    distinct.then(|| with_durations(frames))
}

/// Frames in the order the decoder gave them. One without a time, or with one that is not after
/// the frame before, follows that frame by its duration.
fn in_decoded_order(decoded: &[Packet]) -> Vec<FrameTime> {
    let mut frames: Vec<FrameTime> = Vec::with_capacity(decoded.len());
    for packet in decoded {
        let follows = frames.last().map_or(0, |last| last.pts_ticks + last.duration_ticks.max(1));
        let pts_ticks = match (packet.pts_ticks, frames.last()) {
            (Some(pts), Some(last)) if pts <= last.pts_ticks => follows,
            (Some(pts), _) => pts,
            (None, _) => follows,
        };
        frames.push(FrameTime {
            pts_ticks,
            duration_ticks: packet.duration_ticks.unwrap_or(1),
            keyframe: packet.keyframe,
        });
    }
    with_durations(frames)
}

/// Sets each duration to the time until the next frame. Times must rise.
fn with_durations(mut frames: Vec<FrameTime>) -> Vec<FrameTime> {
    for i in 1..frames.len() {
        frames[i - 1].duration_ticks = frames[i].pts_ticks.saturating_sub(frames[i - 1].pts_ticks);
    }
    let before_last = frames.len().checked_sub(2).map(|i| frames[i].duration_ticks);
    if let Some(last) = frames.last_mut()
        && last.duration_ticks <= 0
    {
        last.duration_ticks = before_last.unwrap_or(1);
    }
    frames
}

/// How frames are decoded and encoded.
struct Formats {
    layout: PlaneLayout,
    decoded: &'static str,
    encoded: &'static str,
    is_rgb: bool,
}

impl Formats {
    fn of(pixel_format: &str, codec: &str, width: usize, height: usize) -> Self {
        let layout = |chroma_shift_x, chroma_shift_y, depth_bits| PlaneLayout {
            width,
            height,
            chroma_shift_x,
            chroma_shift_y,
            depth_bits,
        };
        let (layout, decoded, encoded, is_rgb) = match pixel_format {
            "yuv420p" => (layout(1, 1, 8), "yuv420p", "yuv420p", false),
            // Asking for yuv420p here would make FFmpeg squeeze the range.
            "yuvj420p" => (layout(1, 1, 8), "yuvj420p", "yuv420p", false),
            "nv12" | "nv21" => (layout(1, 1, 8), "yuv420p", "yuv420p", false),
            "yuv422p" => (layout(1, 0, 8), "yuv422p", "yuv422p", false),
            "yuvj422p" => (layout(1, 0, 8), "yuvj422p", "yuv422p", false),
            "yuv444p" => (layout(0, 0, 8), "yuv444p", "yuv444p", false),
            "yuvj444p" => (layout(0, 0, 8), "yuvj444p", "yuv444p", false),
            "yuv420p10le" | "p010le" => (layout(1, 1, 10), "yuv420p10le", "yuv420p10le", false),
            "yuv422p10le" => (layout(1, 0, 10), "yuv422p10le", "yuv422p10le", false),
            other => {
                let is_rgb = !other.starts_with("yuv") && !other.starts_with("gray");
                let deep = ["10", "12", "14", "16", "48", "64"]
                    .iter()
                    .any(|bits| other.trim_end_matches(['l', 'b', 'e']).ends_with(bits));
                // Players want 4:2:0 of what never had more than a palette.
                let subsampled = codec == "gif"
                    || other.starts_with("gray")
                    || other.contains("420")
                    || other.starts_with("pal");
                let encoded = match (subsampled, other.contains("422"), deep) {
                    (true, _, true) => "yuv420p10le",
                    (true, _, false) => "yuv420p",
                    (false, true, true) => "yuv422p10le",
                    (false, true, false) => "yuv422p",
                    (false, false, true) => "yuv444p10le",
                    (false, false, false) => "yuv444p",
                };
                (layout(0, 0, 10), "yuv444p10le", encoded, is_rgb)
            }
        };
        // libx264 refuses sizes that its chroma does not divide.
        let odd = (encoded.contains("420") && (width % 2 == 1 || height % 2 == 1))
            || (encoded.contains("422") && width % 2 == 1);
        let encoded = match (odd, encoded.ends_with("10le")) {
            (true, true) => "yuv444p10le",
            (true, false) => "yuv444p",
            (false, _) => encoded,
        };
        Self { layout, decoded, encoded, is_rgb }
    }
}

fn side_data(stream: &Value, key: &str) -> Option<String> {
    stream["side_data_list"]
        .as_array()?
        .iter()
        .find_map(|d| d.get(key))
        .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
}

/// The rotation flag; `None` when it mirrors or is no quarter turn.
fn rotation_of(stream: &Value) -> Option<Rotation> {
    let Some(matrix) = side_data(stream, "displaymatrix") else {
        return Some(Rotation::None);
    };
    // Three lines "00000000:  a  b  u"; a, b and c, d turn the picture, in 16.16 fixed point.
    let row = |line: &str| -> Option<(i64, i64)> {
        let mut numbers = line.split_once(':')?.1.split_whitespace();
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    };
    let mut rows = matrix.lines().filter(|l| l.contains(':')).map(row);
    let ((a, b), (c, d)) = (rows.next()??, rows.next()??);
    // Pixels that are not square are in the sample aspect, so only the signs count here.
    match (a.signum(), b.signum(), c.signum(), d.signum()) {
        (1, 0, 0, 1) => Some(Rotation::None),
        (0, 1, -1, 0) => Some(Rotation::Clockwise90),
        (-1, 0, 0, -1) => Some(Rotation::Half),
        (0, -1, 1, 0) => Some(Rotation::Clockwise270),
        _ => None,
    }
}

/// A fraction of two positive numbers, as `num/den` or `num:den`.
fn parse_ratio(text: &str, separator: char) -> Option<Rational> {
    let (num, den) = text.split_once(separator)?;
    let (num, den) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0 && den > 0).then_some(Rational { num, den })
}

/// Seconds with up to six decimals as microseconds, without going through a float.
pub(crate) fn parse_micros(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut micros = whole.parse::<i64>().ok()?.checked_mul(1_000_000)?;
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    micros = micros.checked_add(fraction.parse::<i64>().ok()?)?;
    Some(if negative { -micros } else { micros })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pts: i64, duration: i64) -> Packet {
        Packet { pts_ticks: Some(pts), duration_ticks: Some(duration), keyframe: false, discarded: false }
    }

    #[test]
    fn packets_are_put_in_presentation_order_with_durations_that_meet() {
        let hidden = Packet { discarded: true, ..packet(-5, 5) };
        let table = in_order(&[packet(0, 7), hidden, packet(30, 9), packet(10, 7)]).unwrap();
        let times: Vec<_> = table.iter().map(|f| (f.pts_ticks, f.duration_ticks)).collect();
        assert_eq!(times, [(0, 10), (10, 20), (30, 9)]);
        assert!(in_order(&[packet(0, 1), packet(0, 1)]).is_none());
        assert_eq!(in_order(&[packet(4, 0)]).unwrap()[0].duration_ticks, 1);
    }

    #[test]
    fn decoded_frames_without_a_time_follow_the_one_before() {
        let untimed = Packet { pts_ticks: None, ..packet(0, 3) };
        let table = in_decoded_order(&[packet(5, 3), untimed, packet(6, 3), packet(20, 3), untimed]);
        let times: Vec<_> = table.iter().map(|f| (f.pts_ticks, f.duration_ticks)).collect();
        assert_eq!(times, [(5, 3), (8, 3), (11, 9), (20, 3), (23, 3)]);
    }

    #[test]
    fn seconds_become_microseconds_exactly() {
        assert_eq!(parse_micros("1.400000"), Some(1_400_000));
        assert_eq!(parse_micros("-0.021333"), Some(-21_333));
        assert_eq!(parse_micros("7"), Some(7_000_000));
        assert_eq!(parse_micros("N/A"), None);
    }

    #[test]
    fn formats_keep_chroma_and_depth_unless_the_size_is_odd() {
        let encoded = |format, codec, w, h| Formats::of(format, codec, w, h).encoded;
        assert_eq!(encoded("yuvj420p", "mjpeg", 64, 48), "yuv420p");
        assert_eq!(encoded("yuv420p10le", "hevc", 64, 48), "yuv420p10le");
        assert_eq!(encoded("yuv422p12le", "prores", 64, 48), "yuv422p10le");
        assert_eq!(encoded("yuv420p", "vp9", 101, 75), "yuv444p");
        assert_eq!(encoded("yuv422p", "mjpeg", 100, 75), "yuv422p");
        assert_eq!(encoded("bgra", "gif", 64, 48), "yuv420p");
        assert_eq!(encoded("gbrp", "ffv1", 64, 48), "yuv444p");
        assert_eq!(encoded("gbrp10le", "ffv1", 64, 48), "yuv444p10le");
        assert_eq!(encoded("yuva444p10le", "prores", 64, 48), "yuv444p10le");
    }
}
