//! `bifrons measure landmarks`: how steady the landmarks of a project are.

use std::path::Path;

use bifrons_measure::motion::steadiness;
use bifrons_project::{Event, TrackId, TrackState, Visit};
use bifrons_vision::{Mesh, Seen};

use crate::commands::Context;
use crate::failure::Finished;

pub(super) fn run(dir: &Path, write: Option<&Path>, context: &Context) -> anyhow::Result<Finished> {
    let visit = Visit::open(dir)?;
    let mut finished = Finished::default();
    let mut all = Vec::new();
    for clip in visit.index().clips()? {
        for track in visit.index().tracks(clip.id)? {
            if track.state != TrackState::Accepted {
                continue;
            }
            let id = TrackId { clip: clip.id, track: track.track };
            let mut seen = Vec::with_capacity(track.faces);
            for face in visit.index().faces_of_track(id)? {
                let mesh = Mesh::try_from(face.record.points)?;
                seen.push(Seen { frame: face.record.frame, mesh, placed: face.placed });
            }
            let Some(of) = steadiness(&seen) else { continue };
            let kept = |part: bifrons_measure::motion::Kept| match part.movements {
                0 => "none".to_owned(),
                n => format!("{n}, {:.3} of them kept, {:.3} at least", part.mean, part.least),
            };
            context.reporter.report(&Event::message(format!(
                "clip {} track {}: {} moments; jitter {:.5} found, {:.5} steadied ({:.2}); at rest {:.5}, {:.5} ({:.2}); \
                 blinks {}; openings of the mouth {}",
                clip.id,
                track.track,
                of.moments,
                of.found,
                of.steadied,
                of.steadied / of.found,
                of.found_at_rest,
                of.steadied_at_rest,
                of.steadied_at_rest / of.found_at_rest,
                kept(of.eyes),
                kept(of.mouth)
            )));
            all.push(serde_json::json!({ "clip": clip.id.0, "track": track.track, "steadiness": of }));
        }
    }
    finished.measured.insert("tracks".to_owned(), all.len() as f64);
    super::write_json(&all, write, &mut finished)?;
    Ok(finished)
}
