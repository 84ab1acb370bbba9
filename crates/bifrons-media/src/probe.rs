//! What ffprobe says about a file, read with limits.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::MediaError;
use crate::tools::{Outcome, Tools, file_argument, run_lines};

/// Most packets read from one stream (23 hours at 60 frames a second).
const MAX_PACKETS: usize = 5_000_000;
/// Most text accepted as a description of the streams, in bytes.
const MAX_DESCRIPTION_BYTES: usize = 16 << 20;

/// One packet of a stream, or one frame where the packets carry no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) pts_ticks: Option<i64>,
    pub(crate) duration_ticks: Option<i64>,
    pub(crate) keyframe: bool,
    /// Decoded for others' sake, never shown (an edit list cuts it away).
    pub(crate) discarded: bool,
}

/// The packets of a stream and whether the file ended too early for them.
#[derive(Debug)]
pub(crate) struct PacketTable {
    pub(crate) packets: Vec<Packet>,
    pub(crate) cut_off: bool,
}

fn ffprobe(tools: &Tools, path: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(&tools.ffprobe);
    command.args(["-v", "error", "-protocol_whitelist", "file"]).args(options).arg(file_argument(path));
    command
}

/// Streams, container and chapters as ffprobe's JSON.
pub(crate) fn describe(tools: &Tools, path: &Path) -> Result<Value, MediaError> {
    let command = ffprobe(tools, path, &["-show_streams", "-show_format", "-show_chapters", "-of", "json"]);
    let mut text = String::new();
    let outcome = run_lines(command, &tools.ffprobe, Some(tools.stall_timeout), path, |line| {
        if text.len() + line.len() > MAX_DESCRIPTION_BYTES {
            return Err(not_video(path, "its description is too long".to_owned()));
        }
        text.push_str(line);
        text.push('\n');
        Ok(())
    })?;
    if !outcome.success {
        return Err(not_video(path, short(&outcome.complaints, path)));
    }
    serde_json::from_str(&text).map_err(|e| MediaError::ToolGarbled {
        tool: tools.ffprobe.clone(),
        detail: format!("expected JSON: {e}"),
    })
}

fn not_video(path: &Path, detail: String) -> MediaError {
    MediaError::NotVideo { path: path.to_owned(), detail }
}

/// The last complaint without the path, which the error names already.
fn short(complaints: &str, path: &Path) -> String {
    let last = complaints.rsplit("; ").next().unwrap_or(complaints);
    last.replace(&format!("file:{}: ", path.display()), "")
}

/// The packets of stream `index`, in the order of the file.
pub(crate) fn packets(tools: &Tools, path: &Path, index: u64) -> Result<PacketTable, MediaError> {
    read_table(tools, path, index, "packet=pts,duration,flags", |name, value, packet| match name {
        "pts" => packet.pts_ticks = value.parse().ok(),
        "duration" => packet.duration_ticks = value.parse().ok(),
        "flags" => {
            packet.keyframe = value.contains('K');
            packet.discarded = value.contains('D');
        }
        _ => {}
    })
}

/// The frames of stream `index` in presentation order; slow, for it decodes everything.
pub(crate) fn frames(tools: &Tools, path: &Path, index: u64) -> Result<PacketTable, MediaError> {
    read_table(
        tools,
        path,
        index,
        "frame=best_effort_timestamp,pkt_duration,duration,key_frame",
        |name, value, packet| match name {
            "best_effort_timestamp" => packet.pts_ticks = value.parse().ok(),
            "pkt_duration" | "duration" => packet.duration_ticks = value.parse().ok(),
            "key_frame" => packet.keyframe = value == "1",
            _ => {}
        },
    )
}

fn read_table(
    tools: &Tools,
    path: &Path,
    index: u64,
    entries: &str,
    mut set: impl FnMut(&str, &str, &mut Packet),
) -> Result<PacketTable, MediaError> {
    let command = ffprobe(
        tools,
        path,
        &["-select_streams", &index.to_string(), "-show_entries", entries, "-of", "compact=p=0"],
    );
    let mut packets = Vec::new();
    let Outcome { success, complaints } = run_lines(
        command,
        &tools.ffprobe,
        Some(tools.stall_timeout),
        path,
        |line| {
            // Side data follows its packet on the same line or on lines of its own.
            if !line.contains("pts=") && !line.contains("timestamp=") {
                return Ok(());
            }
            if packets.len() == MAX_PACKETS {
                return Err(MediaError::Unsupported {
                path: path.to_owned(),
                what: "a clip of more than 5 million frames",
                found: "more".to_owned(),
                hint: Some("cut it into shorter clips: ffmpeg -i FILM -c copy -f segment -segment_time 3600 part%02d.mkv".to_owned()),
            });
            }
            let mut packet =
                Packet { pts_ticks: None, duration_ticks: None, keyframe: false, discarded: false };
            for field in line.split('|') {
                if let Some((name, value)) = field.split_once('=') {
                    set(name, value, &mut packet);
                }
            }
            packets.push(packet);
            Ok(())
        },
    )?;
    if !success && packets.is_empty() {
        return Err(not_video(path, short(&complaints, path)));
    }
    Ok(PacketTable {
        packets,
        cut_off: complaints.contains("partial file") || complaints.contains("ended prematurely"),
    })
}
