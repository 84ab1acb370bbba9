//! The report of a film: figures, plots over time, worst frames first, contact sheet. A click in a plot shows the frame.

use std::collections::BTreeSet;

use serde_json::json;

use super::base64::base64;
use super::worst::worst_frames;
use crate::film::SwapMeasured;

/// Pictures spread evenly over the film; with the worst ones they make the file some megabytes large.
const SPREAD: usize = 200;
const WORST: usize = 24;
const PAGE: &str = include_str!("page.html");

/// One self-contained HTML page. It fetches nothing and works from a disk.
///
/// # Errors
/// When the figures hold numbers JSON has no words for, which none does.
pub fn html(measured: &SwapMeasured) -> Result<String, serde_json::Error> {
    let worst = worst_frames(&measured.report, WORST);
    let step = measured.strips.len().div_ceil(SPREAD).max(1);
    let mut wanted: BTreeSet<usize> = measured.strips.iter().step_by(step).map(|strip| strip.frame).collect();
    wanted.extend(worst.iter().map(|frame| frame.frame));
    let strips: Vec<_> = measured
        .strips
        .iter()
        .filter(|strip| wanted.contains(&strip.frame))
        .map(|strip| json!({ "frame": strip.frame, "jpeg": base64(&strip.jpeg) }))
        .collect();
    let figures: Vec<_> = crate::film::FIGURES
        .iter()
        .map(|kind| json!({ "name": kind.name, "title": kind.title, "unit": kind.unit, "ideal": kind.ideal }))
        .collect();
    let data = json!({ "report": measured.report, "worst": worst, "strips": strips, "plots": figures });
    // a `</script>` in a file's name must not end the script
    let data = serde_json::to_string(&data)?.replace("</", "<\\/");
    Ok(PAGE.replace("/*DATA*/null", &data))
}
