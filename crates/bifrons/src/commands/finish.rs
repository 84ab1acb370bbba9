//! What every film gets at its end: the invisible mark, a visible line where nobody is known to have agreed, and a seal.
//! There is no option that leaves any of it out.

use std::error::Error;
use std::path::{Path, PathBuf};

use bifrons_media::{ClipKind, Frame, MediaError};
use bifrons_project::{Checkpoint, Clip, Event, Project, ProjectError, Purpose, atomic};
use bifrons_seal::mark::{self, Marker, number_of};
use bifrons_seal::{
    ConsentNote, Facts, Keys, Kind, Making, Model, beside, format_of, label, seal, stretches,
};
use bifrons_swap::{Adjustments, Finish, Shows, frames_replaced};
use bifrons_training::CheckpointMeta;

use super::Context;
use super::convert::Film;
use super::seal::keys;
use super::veil::Watcher;

/// How one film is finished.
#[derive(Debug)]
pub(super) struct Finishing<'a> {
    output: PathBuf,
    marker: Option<Marker>,
    number: u64,
    labelled: bool,
    facts: Facts,
    keys: Keys,
    /// Looks for somebody who must not be seen, before the film gets its name.
    watcher: Option<&'a Watcher>,
    context: &'a Context,
}

impl<'a> Finishing<'a> {
    pub(super) fn new(
        project: &Project,
        film: &Film<'_>,
        checkpoint: &Checkpoint,
        adjustments: &Adjustments,
        watcher: Option<&'a Watcher>,
        context: &'a Context,
    ) -> anyhow::Result<Self> {
        let Film { identity, clip: footage, output, shows, .. } = *film;
        let media = bifrons_media::Clip::open(&footage.path)?;
        if media.kind() != ClipKind::PictureFolder {
            format_of(output)?;
        }
        let Consent { notes, without } = Consent::of(project, identity, footage)?;
        // a matte shows nobody: there is nothing to mark or to label
        let is_seen = shows != Shows::Matte;
        if is_seen && let Some(person) = without.first() {
            let text = format!(
                "no consent of {} is on record: the film says so in its corner",
                without.join(" and ")
            );
            let folder = project.layout().root().display();
            let hint =
                Some(format!("when they agreed: `bifrons consent add --of {person} --project {folder}`"));
            context.reporter.report(&Event::Warning { text, hint });
        }
        let number = number_for(project, identity, footage, checkpoint)?;
        let (width, height) = media.stored_size_px();
        let marker = if is_seen { Marker::new(number, width, height) } else { None };
        let kind = if watcher.is_some() { Kind::Veil } else { Kind::Swap };
        let mark = marker.is_some().then_some(number);
        // nobody is left as filmed in a veiled film, whatever was chosen
        let as_by_default = Adjustments::default();
        let adjustments = if watcher.is_some() { &as_by_default } else { adjustments };
        let facts = facts_of(project, identity, footage, checkpoint, adjustments, notes, kind, mark)?;
        Ok(Self {
            output: output.to_owned(),
            marker,
            number,
            labelled: is_seen && !without.is_empty(),
            facts,
            keys: keys()?,
            watcher,
            context,
        })
    }
}

/// What the two people agreed to.
pub(super) struct Consent {
    pub(super) notes: Vec<ConsentNote>,
    /// Who has no record.
    pub(super) without: Vec<String>,
}

impl Consent {
    /// Refuses what a record does not allow.
    pub(super) fn of(project: &Project, identity: &str, footage: &Clip) -> anyhow::Result<Self> {
        let parts = [
            ("identity", identity, Purpose::Identity),
            ("footage", footage.person.as_str(), Purpose::Footage),
        ];
        let (mut notes, mut without) = (Vec::new(), Vec::new());
        for (part, person, purpose) in parts {
            let entry = project.checked_consent(person, Some(purpose))?;
            if entry.is_none() {
                without.push(person.to_owned());
            }
            notes.push(ConsentNote::of(part, entry.as_ref()));
        }
        Ok(Self { notes, without })
    }
}

/// The identity's clips, as far as the project has any.
fn clips_of_identity(project: &Project, identity: &str) -> anyhow::Result<Vec<Clip>> {
    Ok(match project.index().clips_of(identity) {
        // converting says it better
        Err(ProjectError::UnknownPerson { .. }) => Vec::new(),
        clips => clips?,
    })
}

/// The number that marks what is made of these.
pub(super) fn number_for(
    project: &Project,
    identity: &str,
    footage: &Clip,
    checkpoint: &Checkpoint,
) -> anyhow::Result<u64> {
    let identity_clips = clips_of_identity(project, identity)?;
    let clips = std::iter::once(footage).chain(&identity_clips);
    Ok(number_of(clips.map(|clip| clip.info.fingerprint), checkpoint.step()))
}

/// What every finished frame gets: the visible line where it belongs, then the mark.
pub(super) fn add_to(frame: &mut Frame, labelled: bool, marker: Option<&Marker>) -> Result<(), MediaError> {
    if labelled {
        label::draw(frame)?;
    }
    if let Some(marker) = marker {
        marker.mark(frame);
    }
    Ok(())
}

/// What finished pictures depend on. What the seal says of consent counts too: a film is sealed anew when it has changed.
pub(super) fn plan_of(number: u64, facts: &Facts) -> String {
    let records = facts.making.consent.iter().map(|note| note.record.as_deref().unwrap_or("none"));
    format!("mark {} {number:016x} consent {}", mark::METHOD, records.collect::<Vec<_>>().join(" "))
}

/// What the seal says.
#[expect(clippy::too_many_arguments, reason = "each is a fact of its own")]
pub(super) fn facts_of(
    project: &Project,
    identity: &str,
    footage: &Clip,
    checkpoint: &Checkpoint,
    adjustments: &Adjustments,
    consent: Vec<ConsentNote>,
    kind: Kind,
    mark: Option<u64>,
) -> anyhow::Result<Facts> {
    let meta: CheckpointMeta = checkpoint.meta()?;
    let model = checkpoint.manifest().files.get("model.safetensors");
    let making = Making {
        preset: Some(meta.preset.name),
        model: model.map(|file| Model { iterations: checkpoint.step(), blake3: file.blake3.to_string() }),
        identity: Some(identity.to_owned()),
        replaced: Some(footage.person.clone()),
        frames_replaced: stretches(frames_replaced(project.index(), footage, adjustments)?),
        consent,
        mark: mark.map(|number| format!("{number:016x}")),
        ..Making::new(kind, footage.info.frames)
    };
    let inputs = clips_of_identity(project, identity)?.into_iter().map(|clip| clip.path).collect();
    Ok(Facts { making, footage: Some(footage.path.clone()), inputs })
}

impl Finish for Finishing<'_> {
    fn plan(&self) -> String {
        plan_of(self.number, &self.facts)
    }

    fn frame(&self, frame: &mut Frame) -> Result<(), MediaError> {
        add_to(frame, self.labelled, self.marker.as_ref())
    }

    fn film(&self, part: &Path) -> Result<PathBuf, Box<dyn Error + Send + Sync>> {
        if let Some(watcher) = self.watcher {
            let found = watcher.inspect(part, self.context)?.judge(&self.output)?;
            self.context.reporter.report(&Event::message(found));
        }
        if !part.is_dir() {
            return Ok(seal(part, &self.output, &self.facts, &self.keys)?);
        }
        // a folder of pictures: each by itself, with its credentials inside or beside it
        let entries = std::fs::read_dir(part)?.collect::<Result<Vec<_>, _>>()?;
        for path in entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()) {
            let sealed = seal(&path, &path, &self.facts, &self.keys)?;
            atomic::publish(&sealed, &path)?;
        }
        Ok(part.to_owned())
    }

    fn beside(&self) -> Option<PathBuf> {
        // a folder of pictures has theirs in it
        beside(&self.output).filter(|_| !self.output.is_dir())
    }
}

/// Seals something that is no edit of footage (a timelapse, a contact sheet) and gives it its name.
pub(crate) fn publish_sealed(
    part: &Path,
    output: &Path,
    making: Making,
    inputs: Vec<PathBuf>,
) -> anyhow::Result<()> {
    let sealed = seal(part, output, &Facts { making, footage: None, inputs }, &keys()?)?;
    Ok(atomic::publish(&sealed, output)?)
}
