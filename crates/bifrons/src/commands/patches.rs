//! `bifrons convert --patches`: new faces as pictures, for compositors.

use std::error::Error;
use std::path::{Path, PathBuf};

use bifrons_media::RgbImage;
use bifrons_net::Device;
use bifrons_project::{Clip, Project};
use bifrons_seal::mark::Marker;
use bifrons_seal::{ConsentNote, Facts, Keys, Kind, seal};
use bifrons_swap::{Adjustments, FinishPatch, PATCH_PX, PatchesJob, Swap, write_patches};

use super::Context;
use super::convert::ready_model;
use super::finish::{Consent, facts_of, number_for, plan_of};
use super::seal::keys;
use crate::failure::{Finished, Unusable};

/// How each picture is finished.
#[derive(Debug)]
struct Finishing {
    marker: Option<Marker>,
    number: u64,
    facts: Facts,
    keys: Keys,
}

impl FinishPatch for Finishing {
    fn plan(&self) -> String {
        plan_of(self.number, &self.facts)
    }

    fn mark(&self, face: &mut RgbImage) {
        if let Some(marker) = &self.marker {
            marker.mark_picture(face);
        }
    }

    fn seal(&self, part: &Path, target: &Path) -> Result<PathBuf, Box<dyn Error + Send + Sync>> {
        Ok(seal(part, target, &self.facts, &self.keys)?)
    }
}

/// What the two people agreed to. A film without a record says so in its corner; a face alone has no corner, and is not made.
pub(super) fn check_consent(
    project: &Project,
    identity: &str,
    clip: &Clip,
) -> anyhow::Result<Vec<ConsentNote>> {
    let Consent { notes, without } = Consent::of(project, identity, clip)?;
    let Some(person) = without.first() else { return Ok(notes) };
    let reason = format!(
        "patches are made only where everybody agreed, and no consent of {} is on record",
        without.join(" and ")
    );
    let root = project.layout().root().display();
    let hint = Some(format!("when they agreed: `bifrons consent add --of {person} --project {root}`"));
    Err(Unusable { reason, hint }.into())
}

/// Which pictures are made.
pub(super) struct Job<'a> {
    /// Whose face is put on.
    pub(super) identity: &'a str,
    /// The footage.
    pub(super) clip: &'a Clip,
    /// Where the pictures go.
    pub(super) folder: &'a Path,
    /// Whether the new face covers hands and glasses too.
    pub(super) over_everything: bool,
}

/// Writes the pictures of a clip into their folder, or the rest of them.
pub(super) fn write(
    project: &Project,
    job: &Job<'_>,
    device: &Device,
    context: &Context,
    finished: &mut Finished,
) -> anyhow::Result<()> {
    let Job { identity, clip, folder, over_everything } = *job;
    let checkpoint = ready_model(project, clip, identity, context)?;
    let notes = check_consent(project, identity, clip)?;
    let number = number_for(project, identity, clip, &checkpoint)?;
    let marker = Marker::new(number, PATCH_PX, PATCH_PX);
    let adjustments = Adjustments::of_clip(project.index(), clip)?;
    let facts =
        facts_of(project, identity, clip, &checkpoint, &adjustments, notes, Kind::Swap, Some(number))?;
    let finish = Finishing { marker, number, facts, keys: keys()? };
    let swap = Swap {
        index: project.index(),
        clip,
        identity,
        checkpoint: &checkpoint,
        device,
        over_everything,
        adjustments: &adjustments,
    };
    let job = PatchesJob { swap, folder, finish: &finish };
    let written = write_patches(&job, context.reporter.as_ref(), &context.stop)?;
    finished.stopped = !written.whole;
    if written.whole {
        finished.outputs.push(folder.to_owned());
        finished.measured.insert("patches".to_owned(), written.pictures as f64);
    }
    Ok(())
}
