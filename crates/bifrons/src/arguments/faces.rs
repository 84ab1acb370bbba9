//! `bifrons faces`: which faces are meant.

use std::path::PathBuf;
use std::str::FromStr;

use bifrons_extraction::review::{Reason, Selection, SortBy};
use bifrons_project::{ClipId, FaceId, TrackId, Verdict};
use clap::{Args, Subcommand};

use super::ProjectArgument;

#[derive(Debug, Subcommand)]
pub(crate) enum FacesCommand {
    /// List faces with what is measured of them, the most suspicious first.
    List {
        #[command(flatten)]
        selection: SelectionArguments,
        /// What to sort by: suspicion, frame, likeness, sharpness, size, yaw, pitch, confidence, novelty,
        /// light, light-side, covered, smile, mouth-open, eyes-closed or brows-up.
        #[arg(long, value_name = "MEASURE", default_value = "suspicion")]
        sort: SortBy,
        /// List no more than this many.
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Show everything known of one face, and what was decided about it.
    Show {
        /// Its number.
        face: i64,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Accept faces: they are good to learn from.
    Accept(Chosen),
    /// Reject faces: they are not learned from. A film still gets its face in these frames.
    Reject(Chosen),
    /// Leave it open again whether faces are good.
    Reopen(Chosen),
    /// Say whose the tracks of these faces are.
    Assign {
        #[command(flatten)]
        chosen: Chosen,
        /// A person of the project.
        #[arg(
            long,
            value_name = "NAME",
            required_unless_present = "to_nobody",
            conflicts_with = "to_nobody"
        )]
        to: Option<String>,
        /// Nobody in the project: they are not learned from, and left as filmed.
        #[arg(long)]
        to_nobody: bool,
    },
    /// Move the landmarks of a face, and cut its crop anew. What was found stays; `undo` brings it back.
    Place {
        /// Its number.
        face: i64,
        /// Begin with the landmarks of this face, one in a frame beside it.
        #[arg(long, value_name = "FACE")]
        like: Option<i64>,
        /// Move them so many pixels of the footage to the right.
        #[arg(long, value_name = "PX", default_value_t = 0.0, allow_negative_numbers = true)]
        right: f64,
        /// Move them so many pixels down.
        #[arg(long, value_name = "PX", default_value_t = 0.0, allow_negative_numbers = true)]
        down: f64,
        /// Turn them clockwise.
        #[arg(long, value_name = "DEGREES", default_value_t = 0.0, allow_negative_numbers = true)]
        turn: f64,
        /// Make them so many times larger.
        #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = crate::arguments::positive)]
        scale: f64,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Copy crops into a folder, with a faces.json that says what is known of them; those rejected only when asked for.
    Export {
        #[command(flatten)]
        chosen: Chosen,
        /// The folder.
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
    /// Take back the newest decision, made here or in the studio; again for the one before.
    Undo {
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Make the decision count again that was taken back last.
    Redo {
        #[command(flatten)]
        project: ProjectArgument,
    },
}

/// Some faces of a project.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    #[command(flatten)]
    pub(crate) selection: SelectionArguments,
    #[command(flatten)]
    pub(crate) project: ProjectArgument,
}

/// Which faces; everything that is said must be true of them.
#[derive(Debug, Args)]
pub(crate) struct SelectionArguments {
    /// Numbers of faces (12, 12-40), tracks (track:CLIP:TRACK) or everybody who looks alike (identity:1).
    #[arg(value_name = "FACES")]
    which: Vec<Which>,
    /// Faces of this person.
    #[arg(long, value_name = "NAME", conflicts_with = "nobody")]
    person: Option<String>,
    /// Faces of nobody in the project.
    #[arg(long)]
    nobody: bool,
    /// Faces with this verdict: open, accepted or rejected.
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    verdict: Option<Judged>,
    /// Faces with which something seems wrong.
    #[arg(long)]
    suspicious: bool,
    /// Faces with which this seems wrong: wrong-person, not-a-face, bad-alignment, blurred or duplicate.
    #[arg(long, value_name = "WHY", value_parser = reason)]
    reason: Option<Reason>,
}

/// A verdict or none yet.
#[derive(Clone, Copy, Debug)]
struct Judged(Option<Verdict>);

fn verdict(text: &str) -> Result<Judged, String> {
    match text {
        "open" => Ok(Judged(None)),
        "accepted" => Ok(Judged(Some(Verdict::Accepted))),
        "rejected" => Ok(Judged(Some(Verdict::Rejected))),
        _ => Err("expected open, accepted or rejected".to_owned()),
    }
}

fn reason(text: &str) -> Result<Reason, String> {
    let typed = |reason: &Reason| reason.name().replace(' ', "-");
    let names = || Reason::ALL.iter().map(typed).collect::<Vec<_>>().join(", ");
    Reason::ALL
        .into_iter()
        .find(|reason| typed(reason) == text)
        .ok_or_else(|| format!("expected one of {}", names()))
}

impl SelectionArguments {
    pub(crate) fn selection(&self) -> Selection {
        let mut selection = Selection {
            person: if self.nobody { Some(None) } else { self.person.clone().map(Some) },
            verdict: self.verdict.map(|Judged(verdict)| verdict),
            suspicious: self.suspicious,
            reason: self.reason,
            ..Selection::default()
        };
        for which in &self.which {
            match *which {
                Which::Faces(first, last) => selection.faces.extend((first..=last).map(FaceId)),
                Which::Track(track) => selection.tracks.push(track),
                Which::Identity(number) => selection.identity = Some(number - 1),
            }
        }
        selection
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    /// From, to.
    Faces(i64, i64),
    Track(TrackId),
    /// From 1.
    Identity(usize),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const MOST: i64 = 1_000_000;
        let read = || -> Option<Self> {
            if let Some(number) = text.strip_prefix("identity:") {
                return number.parse().ok().filter(|number| *number > 0).map(Self::Identity);
            }
            if let Some(place) = text.strip_prefix("track:") {
                let (clip, track) = place.split_once(':')?;
                let clip = ClipId(clip.parse().ok()?);
                return Some(Self::Track(TrackId { clip, track: track.parse().ok()? }));
            }
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (0 < first && first <= last && last - first < MOST).then_some(Self::Faces(first, last))
        };
        read().ok_or_else(|| "expected a number, FROM-TO, track:CLIP:TRACK or identity:NUMBER".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_are_named_by_number_range_track_and_identity() {
        let read = |text: &str| text.parse::<Which>();
        assert_eq!(read("12"), Ok(Which::Faces(12, 12)));
        assert_eq!(read("12-40"), Ok(Which::Faces(12, 40)));
        assert_eq!(read("track:2:7"), Ok(Which::Track(TrackId { clip: ClipId(2), track: 7 })));
        assert_eq!(read("identity:3"), Ok(Which::Identity(3)));
        for wrong in ["", "0", "-3", "40-12", "1-9999999", "track:1", "identity:0", "x", "identity:-1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
