//! `bifrons inspect`: how a film looks to the inspectors that sharpened a model.

use std::path::Path;

use bifrons_media::{Clip, PixelRect};
use bifrons_net::Device;
use bifrons_project::{Meter, Project, Stage};
use bifrons_training::Inspection;
use bifrons_vision::{DetectorOptions, Vision};

use super::Context;
use super::model::newest;
use crate::failure::{Finished, Unusable};

/// Frames that are looked at, spread over the film.
const FRAMES: usize = 120;

pub(super) fn run(film: &Path, dir: &Path, context: &Context) -> anyhow::Result<Finished> {
    let project = Project::open(dir)?;
    let Some(inspection) = Inspection::load(&newest(&project)?, &Device::flex())? else {
        let reason = format!("the model of {} has no inspectors", dir.display());
        let hint = Some("they learn while a model is sharpened: `bifrons train --sharpen`".to_owned());
        return Err(Unusable { reason, hint }.into());
    };
    let vision = Vision::load()?;
    let clip = Clip::open(film)?;
    let wanted = clip.frame_count().min(FRAMES);
    let name = film.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut meter = Meter::new(Stage::Extract, name, 0, Some(wanted as u64));
    let mut verdicts: Vec<Vec<f64>> = vec![Vec::new(); inspection.people().len()];
    let mut reader = clip.read(0)?;
    let mut looked_at = 0;
    let mut finished = Finished::default();
    while let Some(frame) = reader.next_frame()? {
        if context.stop.is_requested() {
            finished.stopped = true;
            return Ok(finished);
        }
        if frame.index() < looked_at * clip.frame_count() / wanted.max(1) {
            continue;
        }
        looked_at += 1;
        meter.advance(1, context.reporter.as_ref());
        // the surest face is the one in front
        let found = vision.detect(&frame, &DetectorOptions::default())?;
        let Some(face) = found.first() else { continue };
        let Some(fit) = vision.mesh(&frame, face)? else { continue };
        let picture = frame.rgb(PixelRect::whole(clip.width_px(), clip.height_px()));
        for (person, verdict) in inspection.verdicts(&picture, &fit.mesh).into_iter().enumerate() {
            verdicts[person].push(verdict);
        }
    }
    if verdicts.iter().all(Vec::is_empty) {
        return Err(Unusable { reason: format!("{}: no face", film.display()), hint: None }.into());
    }
    finished.measured.insert("frames_with_a_face".to_owned(), verdicts[0].len() as f64);
    for (person, verdicts) in inspection.people().iter().zip(verdicts) {
        let count = verdicts.len() as f64;
        let drawn = verdicts.iter().filter(|&&verdict| verdict < 0.5).count() as f64;
        finished.measured.insert(format!("verdict_as_{person}"), verdicts.iter().sum::<f64>() / count);
        finished.measured.insert(format!("drawn_share_as_{person}"), drawn / count);
    }
    Ok(finished)
}
