//! `bifrons measure detect` and `bifrons measure identity`.

use std::path::{Path, PathBuf};

use bifrons_measure::face::Networks;
use bifrons_measure::labels::{self, DetectReport, Spread, faces_where_none_are, picture_sets};
use bifrons_project::Event;
use bifrons_vision::Vision;

use super::write_json;
use crate::commands::Context;
use crate::failure::Finished;

pub(super) fn detect(
    dir: &Path,
    empty: &[PathBuf],
    json: Option<&Path>,
    context: &Context,
) -> anyhow::Result<Finished> {
    let sets = picture_sets(dir)?;
    let vision = Vision::load()?;
    let report = DetectReport {
        schema: "bifrons.measure.detect".to_owned(),
        version: 1,
        sets: labels::detect(&vision, &sets)?,
        empty: empty.iter().map(|path| faces_where_none_are(&vision, path)).collect::<Result<_, _>>()?,
    };
    let mut finished = Finished::default();
    for set in &report.sets {
        let spread = |what: &str, spread: &Option<Spread>, scale: f64, unit: &str| {
            spread.as_ref().map_or_else(String::new, |spread| {
                format!(
                    ", {what} {:.2}{unit} ({:.2} to {:.2})",
                    scale * spread.mean,
                    scale * spread.interval.low,
                    scale * spread.interval.high
                )
            })
        };
        let points =
            spread("inner 51 points off by", &set.inner_landmark_error, 100.0, " % of the eye distance");
        let pose = set.pose.as_ref().map(|pose| pose.mean_deg.clone());
        let pose = spread("pose off by", &pose, 1.0, "°");
        context.reporter.report(&Event::message(format!(
            "{}: {} of {} faces found on {} photographs, {:.2} unlabelled ones a photograph{points}{pose}",
            set.name, set.found, set.faces, set.pictures, set.unlabelled_per_picture
        )));
        finished.measured.insert(format!("recall_{}", set.name), set.found as f64 / set.faces.max(1) as f64);
        if let Some(error) = &set.inner_landmark_error {
            finished.measured.insert(format!("inner_51_{}", set.name), error.mean);
        }
    }
    for clip in &report.empty {
        context.reporter.report(&Event::message(format!(
            "{}: a face above 20 pixels in {} of {} frames",
            clip.clip, clip.frames_with_face, clip.frames
        )));
    }
    write_json(&report, json, &mut finished)?;
    Ok(finished)
}

pub(super) fn identity(dir: &Path, json: Option<&Path>, context: &Context) -> anyhow::Result<Finished> {
    let report = labels::identity(&Vision::load()?, &Networks::load()?, dir)?;
    let mut finished = Finished::default();
    for pairs in &report.networks {
        context.reporter.report(&Event::message(format!(
            "{}: AUC {:.4} ({:.4} to {:.4}); of {} pairs of one person {:.1} % are recognised at one mistake in a \
             hundred pairs of two, {:.1} % at one in a thousand",
            pairs.network,
            pairs.auc,
            pairs.auc_interval.low,
            pairs.auc_interval.high,
            pairs.same.count,
            100.0 * pairs.tpr_at_fpr_1e2,
            100.0 * pairs.tpr_at_fpr_1e3
        )));
        finished.measured.insert(format!("auc_{}", pairs.network), pairs.auc);
        finished.measured.insert(format!("tpr_1e-3_{}", pairs.network), pairs.tpr_at_fpr_1e3);
    }
    write_json(&report, json, &mut finished)?;
    Ok(finished)
}
