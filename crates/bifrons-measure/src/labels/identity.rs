//! How well a network tells people apart.

use std::path::Path;

use bifrons_vision::Vision;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::detect::faces_of;
use super::folder::{folders, photographs};
use super::{Spread, read_picture};
use crate::MeasureError;
use crate::face::Networks;
use crate::statistics::{auc, bootstrap, tpr_at_fpr};

/// How pairs of photographs are told apart by a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairFigures {
    /// The network.
    pub network: String,
    /// Cosines of pairs of one person.
    pub same: Spread,
    /// Cosines of pairs of two people.
    pub different: Spread,
    /// Area under the ROC curve, 0.5 to 1.
    pub auc: f64,
    /// Its 95 % bootstrap interval over photographs.
    pub auc_interval: crate::statistics::Interval,
    /// Share of same pairs recognised when one different pair in a hundred is mistaken.
    pub tpr_at_fpr_1e2: f64,
    /// The same with one in a thousand.
    pub tpr_at_fpr_1e3: f64,
    /// The cosine from which on a pair counts as the same there.
    pub threshold_1e3: f64,
}

/// `bifrons measure identity`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityReport {
    /// `bifrons.measure.identity`.
    pub schema: String,
    /// Version of the schema.
    pub version: u32,
    /// People, a folder each.
    pub people: usize,
    /// Photographs.
    pub photographs: usize,
    /// Photographs on which no face was found; they are in no pair.
    pub without_face: Vec<String>,
    /// One for each network: the one that scores, then the one extraction sorts with.
    pub networks: Vec<PairFigures>,
}

/// Photographs of one person, each given by what a network made of it.
type Person<T> = Vec<T>;

/// Compares all pairs of photographs below `dir`, which holds a folder of photographs for each person. On each the
/// largest face counts.
///
/// # Errors
/// [`MeasureError::Io`], [`MeasureError::Picture`], [`MeasureError::Vision`]; [`MeasureError::Nothing`] when there are
/// not two people with two photographs.
pub fn identity(vision: &Vision, networks: &Networks, dir: &Path) -> Result<IdentityReport, MeasureError> {
    let mut files = Vec::new();
    for (person, folder) in folders(dir)?.iter().enumerate() {
        files.extend(photographs(folder)?.into_iter().map(|path| (person, path)));
    }
    let read: Result<Vec<_>, MeasureError> = files
        .par_iter()
        .map(|(person, path)| {
            let image = read_picture(path)?;
            let faces = faces_of(vision, &image)?;
            let area = |mesh: &bifrons_vision::Mesh| mesh.bounding_box().area();
            let Some(mesh) = faces.iter().max_by(|a, b| area(a).total_cmp(&area(b))) else {
                return Ok((*person, None));
            };
            let likeness = networks.likeness(&image, mesh)?;
            let embedding = vision.embed(&image, mesh)?;
            Ok((*person, likeness.zip(embedding)))
        })
        .collect();
    let read = read?;
    let people = files.iter().map(|file| file.0 + 1).max().unwrap_or(0);
    let without_face = files.iter().zip(&read).filter(|(_, (_, seen))| seen.is_none());
    let without_face: Vec<String> = without_face
        .map(|((_, path), _)| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    let (mut scoring, mut sorting) = (vec![Vec::new(); people], vec![Vec::new(); people]);
    for (person, (likeness, embedding)) in read.into_iter().filter_map(|(person, seen)| Some((person, seen?)))
    {
        scoring[person].push(likeness);
        sorting[person].push(embedding);
    }
    let networks = [
        pair_figures("dlib", &scoring, crate::face::Likeness::cosine),
        pair_figures("FaceRes", &sorting, |a, b| f64::from(a.cosine(b))),
    ];
    let networks: Option<Vec<PairFigures>> = networks.into_iter().collect();
    Ok(IdentityReport {
        schema: "bifrons.measure.identity".to_owned(),
        version: 1,
        people,
        photographs: files.len(),
        without_face,
        networks: networks.ok_or(MeasureError::Nothing {
            path: dir.to_owned(),
            what: "not two folders with two photographs of one person each",
        })?,
    })
}

/// Figures of all pairs; `None` when there is no pair of one person or none of two.
pub fn pair_figures<T>(
    network: &str,
    people: &[Person<T>],
    cosine: impl Fn(&T, &T) -> f64,
) -> Option<PairFigures> {
    let all: Vec<(usize, &T)> = people
        .iter()
        .enumerate()
        .flat_map(|(person, photographs)| photographs.iter().map(move |p| (person, p)))
        .collect();
    let (mut same, mut different) = (Vec::new(), Vec::new());
    let table: Vec<f64> =
        (0..all.len() * all.len()).map(|i| cosine(all[i / all.len()].1, all[i % all.len()].1)).collect();
    for i in 0..all.len() {
        for j in i + 1..all.len() {
            let into = if all[i].0 == all[j].0 { &mut same } else { &mut different };
            into.push(table[i * all.len() + j]);
        }
    }
    // photographs are drawn, not pairs: those of one photograph are not independent
    let drawn_auc = |drawn: &[usize]| {
        let (mut same, mut different) = (Vec::new(), Vec::new());
        for (a, &i) in drawn.iter().enumerate() {
            for &j in drawn[a + 1..].iter().filter(|j| **j != i) {
                let into = if all[i].0 == all[j].0 { &mut same } else { &mut different };
                into.push(table[i * all.len() + j]);
            }
        }
        auc(&same, &different)
    };
    let (tpr_at_fpr_1e3, threshold_1e3) = tpr_at_fpr(&same, &different, 1e-3)?;
    Some(PairFigures {
        network: network.to_owned(),
        auc: auc(&same, &different)?,
        auc_interval: bootstrap(all.len(), 1, drawn_auc)?,
        tpr_at_fpr_1e2: tpr_at_fpr(&same, &different, 1e-2)?.0,
        tpr_at_fpr_1e3,
        threshold_1e3,
        same: Spread::of(&same)?,
        different: Spread::of(&different)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(noise: f64) -> Vec<Vec<f64>> {
        (0..4).map(|person| (0..5).map(|i| f64::from(person) + noise * f64::from(i)).collect()).collect()
    }

    fn closeness(a: &f64, b: &f64) -> f64 {
        1.0 / (1.0 + (a - b).abs())
    }

    #[test]
    fn people_far_apart_are_told_apart() {
        let figures = pair_figures("distance", &people(0.01), closeness).unwrap();
        assert_eq!((figures.auc, figures.tpr_at_fpr_1e3), (1.0, 1.0));
        assert_eq!((figures.same.count, figures.different.count), (40, 150));
        assert_eq!(figures.auc_interval.low, 1.0);
    }

    #[test]
    fn a_network_that_mixes_people_up_is_caught() {
        let clear = pair_figures("distance", &people(0.01), closeness).unwrap();
        let mixed = pair_figures("distance", &people(0.7), closeness).unwrap();
        assert!(mixed.auc < clear.auc - 0.2 && mixed.tpr_at_fpr_1e2 < 0.5);
    }

    #[test]
    fn one_person_makes_no_figures() {
        assert!(pair_figures("distance", &people(0.1)[..1], closeness).is_none());
        assert!(pair_figures("distance", &[], closeness).is_none());
    }
}
