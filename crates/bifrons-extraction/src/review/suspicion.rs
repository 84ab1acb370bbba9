//! What seems wrong with a face, and how much.

use serde::Serialize;

use super::Measures;
use crate::identities::SAME_PERSON;

/// What may be wrong with a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It looks like somebody else than the person it is said to be.
    WrongPerson,
    /// The networks hardly take it for a face.
    NotAFace,
    /// The landmarks jump against their neighbours in time, or have no head's shape.
    BadAlignment,
    /// It is less sharp than this person's faces usually are.
    Blurred,
    /// It is the face before it again.
    Duplicate,
}

impl Reason {
    /// All of them, the gravest first.
    pub const ALL: [Self; 5] =
        [Self::WrongPerson, Self::NotAFace, Self::BadAlignment, Self::Blurred, Self::Duplicate];

    /// In words, as they are typed and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongPerson => "wrong person",
            Self::NotAFace => "not a face",
            Self::BadAlignment => "bad alignment",
            Self::Blurred => "blurred",
            Self::Duplicate => "duplicate",
        }
    }
}

/// A reason and its strength.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Suspicion {
    /// What may be wrong.
    pub reason: Reason,
    /// From 0.5 (at the limit) to 1.
    pub strength: f32,
}

/// From this strength on a face is suspicious.
const LIMIT: f32 = 0.5;
/// Confidence of good faces, and where doubt begins: people score 0.69 and more, a monkey 0.54.
const CONFIDENCE: [f32; 2] = [0.9, 0.65];
/// Jump of good faces, and where doubt begins: of 2,900 faces of four clips, one of them lively, 99.5 % jump less.
const JUMP: [f32; 2] = [0.005, 0.1];
/// Misfit of good faces, and where doubt begins: of the same faces none reaches 0.05.
const MISFIT: [f32; 2] = [0.03, 0.08];
/// A face that differs less than this from the one before is the same again.
const LEAST_NOVELTY: f32 = 0.0015;
/// Sharpness is compared by its logarithm: a face 2.5 times less sharp than usual is blurred, and in footage that
/// changes a lot one that is 4 usual deviations below.
const LEAST_BLUR: f32 = 0.916;
const BLUR_DEVIATIONS: f32 = 4.0;

/// What a person's faces are usually like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    likeness: f32,
    log_sharpness: f32,
    /// How far below the usual sharpness blur begins.
    blur: f32,
}

impl Usual {
    /// Of the faces of one person. Medians: wrong ones among them, if they are fewer than half, change little.
    #[must_use]
    pub fn of<'a>(faces: impl Iterator<Item = &'a Measures> + Clone) -> Self {
        let log = |face: &Measures| face.sharpness.max(f32::MIN_POSITIVE).ln();
        let log_sharpness = median(faces.clone().map(log).collect()).unwrap_or_default();
        let deviation = median(faces.clone().map(|face| (log(face) - log_sharpness).abs()).collect());
        Self {
            likeness: median(faces.filter_map(|face| face.likeness).collect()).unwrap_or(1.0),
            log_sharpness,
            // 1.48 median deviations are a standard deviation of what is normally distributed
            blur: (deviation.unwrap_or_default() * 1.48 * BLUR_DEVIATIONS).max(LEAST_BLUR),
        }
    }
}

fn median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What seems wrong with a face, the strongest first; nothing for a good one.
#[must_use]
pub fn suspicions(face: &Measures, usual: &Usual) -> Vec<Suspicion> {
    let likeness = face.likeness.map_or(0.0, |likeness| {
        // somebody who never looks like themselves (masks, make-up) is not suspicious for it
        beyond(likeness, [usual.likeness.max(SAME_PERSON + 0.05), SAME_PERSON])
    });
    let log_sharpness = face.sharpness.max(f32::MIN_POSITIVE).ln();
    let strength = |reason| match reason {
        Reason::WrongPerson => likeness,
        Reason::NotAFace => beyond(face.confidence, CONFIDENCE),
        Reason::BadAlignment => beyond(face.jump, JUMP).max(beyond(face.misfit, MISFIT)),
        Reason::Blurred => beyond(log_sharpness, [usual.log_sharpness, usual.log_sharpness - usual.blur]),
        // no harm in it but a wasted look: never before the others
        Reason::Duplicate if face.novelty.is_some_and(is_duplicate) => LIMIT,
        Reason::Duplicate => 0.0,
    };
    let mut found: Vec<Suspicion> = Reason::ALL
        .into_iter()
        .map(|reason| Suspicion { reason, strength: strength(reason) })
        .filter(|suspicion| suspicion.strength >= LIMIT)
        .collect();
    found.sort_by(|one, other| other.strength.total_cmp(&one.strength).then(one.reason.cmp(&other.reason)));
    found
}

/// Whether a face that is so different from the one before it shows nothing new.
pub(super) fn is_duplicate(novelty: f32) -> bool {
    novelty < LEAST_NOVELTY
}

/// 0 at the usual value, [`LIMIT`] where doubt begins, 1 twice as far away, linear between.
fn beyond(value: f32, [usual, limit]: [f32; 2]) -> f32 {
    (LIMIT * (value - usual) / (limit - usual)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Measures {
        Measures {
            confidence: 0.9,
            sharpness: 0.01,
            likeness: Some(0.9),
            jump: 0.005,
            misfit: 0.03,
            novelty: Some(0.01),
            ..Measures::default()
        }
    }

    fn found(face: &Measures) -> Vec<(Reason, f32)> {
        let faces: Vec<Measures> =
            (0..40).map(|n| Measures { sharpness: 0.009 + 0.0001 * n as f32, ..good() }).collect();
        let usual = Usual::of(faces.iter());
        suspicions(face, &usual).iter().map(|found| (found.reason, found.strength)).collect()
    }

    #[test]
    fn a_good_face_is_not_suspicious() {
        assert!(found(&good()).is_empty());
        assert!(found(&Measures { likeness: None, novelty: None, ..good() }).is_empty());
    }

    #[test]
    fn each_reason_is_told_with_its_strength() {
        let close = |found: Vec<(Reason, f32)>, reason, strength: f32| {
            assert!(matches!(found[..], [(r, s)] if r == reason && (s - strength).abs() < 0.01), "{found:?}");
        };
        close(found(&Measures { likeness: Some(0.45), ..good() }), Reason::WrongPerson, 0.75);
        close(found(&Measures { confidence: 0.6, ..good() }), Reason::NotAFace, 0.6);
        close(found(&Measures { jump: 0.3, ..good() }), Reason::BadAlignment, 1.0);
        close(found(&Measures { misfit: 0.09, ..good() }), Reason::BadAlignment, 0.6);
        close(found(&Measures { sharpness: 0.002, ..good() }), Reason::Blurred, 0.93);
        close(found(&Measures { novelty: Some(0.0), ..good() }), Reason::Duplicate, 0.5);
    }

    #[test]
    fn the_strongest_reason_comes_first() {
        let face = Measures { likeness: Some(0.55), jump: 0.3, novelty: Some(0.0), ..good() };
        let reasons: Vec<Reason> = found(&face).into_iter().map(|(reason, _)| reason).collect();
        assert_eq!(reasons, [Reason::BadAlignment, Reason::WrongPerson, Reason::Duplicate]);
    }

    #[test]
    fn in_footage_that_changes_a_lot_more_is_usual() {
        let faces: Vec<Measures> =
            (0..100).map(|n| Measures { sharpness: 0.001 * 1.05_f32.powi(n), ..good() }).collect();
        let usual = Usual::of(faces.iter());
        assert!(suspicions(&Measures { sharpness: 0.002, ..good() }, &usual).is_empty());
    }
}
