//! `bifrons convert --veil`: whether somebody who is to be hidden is still recognised, while the film is made and in the
//! finished one.

use std::path::Path;

use bifrons_measure::face::{Likeness, Networks};
use bifrons_media::{Clip, Frame};
use bifrons_project::{Clip as ClipRow, Event, Meter, Project, Stage, Stop};
use bifrons_swap::{CAUTIOUS, Covered, Reason, Recogniser};
use bifrons_vision::{Embedding, Mesh, Picture, Vision, VisionError};

use super::Context;
use crate::failure::Unusable;

/// Cosine from which FaceRes and dlib say that two photographs show one person: one pair of strangers in a thousand is as
/// alike (`bifrons measure identity`, 4,500 pairs of ten people in `docs/seal.md`).
const RECOGNISED: Alike = Alike { embedding: 0.652, likeness: 0.912 };
/// While the film is made, more is asked: compressing it moves the figures a little.
const MARGIN: f64 = 0.015;
/// Frames from which it is learnt what the hidden person looks like.
const FRAMES: usize = 24;

/// How alike two faces are for each of the two networks: cosines.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Alike {
    embedding: f64,
    likeness: f64,
}

/// Knows what one person looks like, by two networks that learnt it apart from each other.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) vision: Vision,
    networks: Networks,
    embedding: Embedding,
    likeness: Likeness,
}

/// What was found in a finished film.
#[derive(Debug)]
pub(super) struct Inspection {
    faces: usize,
    frames: usize,
    recognised: Vec<usize>,
    most: Alike,
}

impl Watcher {
    /// Looks at the clip's person in frames spread over it.
    pub(super) fn of(project: &Project, clip: &ClipRow) -> anyhow::Result<Self> {
        let (vision, networks) = (Vision::load()?, Networks::load()?);
        let media = Clip::open(&clip.path)?;
        let (mut embeddings, mut likenesses) = (Vec::new(), Vec::new());
        for number in (0..clip.info.frames).step_by(clip.info.frames.div_ceil(FRAMES).max(1)) {
            let faces = project.index().person_faces_in(clip.id, &clip.person, number..number + 1)?;
            let Some(face) = faces.into_iter().next() else { continue };
            let mesh = Mesh::try_from(face.record.points)?;
            let Some(frame) = media.read(number)?.next_frame()? else { continue };
            embeddings.extend(vision.embed(&frame, &mesh)?);
            likenesses.extend(networks.likeness(&frame, &mesh)?);
        }
        let known = Embedding::mean(&embeddings).zip(Likeness::mean(&likenesses));
        let Some((embedding, likeness)) = known else {
            let reason = format!("{}: no face of {} to hide", clip.path.display(), clip.person);
            let hint = Some("look at the faces that were found: `bifrons faces list`".to_owned());
            return Err(Unusable { reason, hint }.into());
        };
        Ok(Self { vision, networks, embedding, likeness })
    }

    fn alike(&self, picture: &dyn Picture, mesh: &Mesh) -> Result<Alike, VisionError> {
        let embedding = self.vision.embed(picture, mesh)?;
        let likeness = self.networks.likeness(picture, mesh)?;
        // a face outside the picture is nobody's
        Ok(Alike {
            embedding: embedding.map_or(-1.0, |found| f64::from(found.cosine(&self.embedding))),
            likeness: likeness.map_or(-1.0, |found| found.cosine(&self.likeness)),
        })
    }

    /// Looks for the hidden person in every frame of a finished film.
    pub(super) fn inspect(&self, film: &Path, context: &Context) -> anyhow::Result<Inspection> {
        let clip = Clip::open(film)?;
        let mut reader = clip.read(0)?;
        let count = clip.frame_count();
        let mut meter = Meter::new(Stage::Check, None, 0, Some(count as u64));
        let most = Alike { embedding: -1.0, likeness: -1.0 };
        let mut found = Inspection { faces: 0, frames: count, recognised: Vec::new(), most };
        while let Some(frame) = reader.next_frame()? {
            stop_if_asked(&context.stop)?;
            for detection in self.vision.detect(&frame, &CAUTIOUS)? {
                let Some(fit) = self.vision.mesh(&frame, &detection)? else { continue };
                let alike = self.alike(&frame, &fit.mesh)?;
                found.faces += 1;
                found.most.embedding = found.most.embedding.max(alike.embedding);
                found.most.likeness = found.most.likeness.max(alike.likeness);
                if alike.reaches(RECOGNISED, 0.0) && found.recognised.last() != Some(&frame.index()) {
                    found.recognised.push(frame.index());
                }
            }
            meter.advance(1, context.reporter.as_ref());
        }
        Ok(found)
    }
}

fn stop_if_asked(stop: &Stop) -> anyhow::Result<()> {
    if stop.is_requested() {
        return Err(anyhow::anyhow!("stopped while the film was checked; nothing was written"));
    }
    Ok(())
}

impl Alike {
    fn reaches(self, least: Self, margin: f64) -> bool {
        self.embedding >= least.embedding - margin || self.likeness >= least.likeness - margin
    }
}

impl Recogniser for Watcher {
    fn plan(&self) -> String {
        format!("{RECOGNISED:?} {MARGIN} {FRAMES}")
    }

    fn recognises(&self, frame: &Frame, mesh: &Mesh) -> Result<bool, VisionError> {
        Ok(self.alike(frame, mesh)?.reaches(RECOGNISED, MARGIN))
    }
}

impl Inspection {
    /// What to say of a film in which the hidden person is not recognised; one in which they are is refused.
    pub(super) fn judge(&self, film: &Path) -> Result<String, Unusable> {
        let Self { faces, frames, recognised, most } = self;
        if let Some(first) = recognised.first() {
            let reason = format!(
                "{}: the person is still recognised in {} of {frames} frames, first in frame {first}; the film was not \
                 finished",
                film.display(),
                recognised.len()
            );
            let hint =
                "train on (`bifrons train`), or take another identity; those frames are replaced worst";
            return Err(Unusable { reason, hint: Some(hint.to_owned()) });
        }
        Ok(format!(
            "checked: {faces} faces in {frames} frames, nobody recognises the person in one of them (FaceRes at most \
             {:.2}, the same person from {:.2}; dlib {:.2}, from {:.2})",
            most.embedding, RECOGNISED.embedding, most.likeness, RECOGNISED.likeness
        ))
    }
}

/// Says in which frames something was covered rather than replaced.
pub(super) fn report(covered: &Covered, context: &Context) {
    let mut why = std::collections::BTreeMap::<Reason, usize>::new();
    for reason in covered.0.values().flatten() {
        *why.entry(*reason).or_default() += 1;
    }
    let why: Vec<_> = why.iter().map(|(reason, frames)| format!("{} {frames}", reason.word())).collect();
    let text = match covered.0.len() {
        0 => "no frame had to be covered".to_owned(),
        frames => format!("covered in {frames} frames ({}): {}", why.join(", "), stretches(covered)),
    };
    context.reporter.report(&Event::Message { text });
    let text = "the voice, the body, clothes and the place are as filmed: they may tell who it is".to_owned();
    context.reporter.report(&Event::Message { text });
}

/// The frames as stretches, such as `0–12, 40`.
fn stretches(covered: &Covered) -> String {
    let frames = bifrons_seal::stretches(covered.0.keys().copied());
    let text = |[first, last]: &[usize; 2]| match first == last {
        true => first.to_string(),
        false => format!("{first}–{last}"),
    };
    frames.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_that_recognises_somebody_is_enough() {
        let alike = |embedding, likeness| Alike { embedding, likeness }.reaches(RECOGNISED, 0.0);
        assert!(!alike(0.65, 0.91));
        assert!(alike(0.652, 0.5) && alike(0.1, 0.912));
        // outside the picture
        assert!(!alike(-1.0, -1.0));
    }

    #[test]
    fn a_film_in_which_somebody_is_recognised_once_is_refused() {
        let most = Alike { embedding: 0.7, likeness: 0.8 };
        let found = |recognised| Inspection { faces: 9, frames: 9, recognised, most };
        assert!(found(Vec::new()).judge(Path::new("film.mp4")).is_ok());
        let refused = found(vec![4]).judge(Path::new("film.mp4")).unwrap_err();
        assert!(refused.reason.contains("film.mp4") && refused.reason.contains("frame 4"), "{refused}");
    }
}
