//! Which directions and expressions a person's faces cover, and what is missing.

use serde::Serialize;

use super::Measures;

/// Edges between the columns of the map, in degrees of yaw.
pub const YAW_EDGES_DEG: [f32; 6] = [-35.0, -20.0, -7.0, 7.0, 20.0, 35.0];
/// Edges between its rows, in degrees of pitch.
pub const PITCH_EDGES_DEG: [f32; 4] = [-20.0, -7.0, 7.0, 20.0];

/// Faces by direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Number of faces: rows from looking up to looking down, columns from the picture's left to its right.
    pub counts: [[usize; YAW_EDGES_DEG.len() + 1]; PITCH_EDGES_DEG.len() + 1],
    /// What is missing, in words: "no faces looking left".
    pub missing: Vec<String>,
}

/// What a person's faces should show, in words, and whether one does.
type Wanted = (&'static str, fn(&Measures) -> bool);

/// Fewer than one face in this many is "few".
const FEW_ONE_IN: usize = 50;

impl Coverage {
    /// Of the faces that are learned from.
    #[must_use]
    pub fn of<'a>(faces: impl Iterator<Item = &'a Measures> + Clone) -> Self {
        let mut counts = [[0; YAW_EDGES_DEG.len() + 1]; PITCH_EDGES_DEG.len() + 1];
        for face in faces.clone() {
            let place = |edges: &[f32], value| edges.iter().filter(|edge| value >= **edge).count();
            let row = PITCH_EDGES_DEG.len() - place(&PITCH_EDGES_DEG, face.pitch_deg);
            counts[row][place(&YAW_EDGES_DEG, face.yaw_deg)] += 1;
        }
        let all = faces.clone().count();
        let wanted: [Wanted; 7] = [
            ("faces looking left", |face| face.yaw_deg < -15.0),
            ("faces looking right", |face| face.yaw_deg > 15.0),
            ("faces looking up", |face| face.pitch_deg > 15.0),
            ("faces looking down", |face| face.pitch_deg < -15.0),
            ("faces seen from the front", |face| face.yaw_deg.abs() <= 15.0 && face.pitch_deg.abs() <= 15.0),
            ("open mouths", |face| face.mouth > 0.12),
            ("closed eyes", |face| face.eyes < 0.14),
        ];
        let missing = wanted.into_iter().filter_map(|(what, is)| {
            let found = faces.clone().filter(|face| is(face)).count();
            match found {
                _ if all == 0 => None,
                0 => Some(format!("no {what}")),
                _ if found * FEW_ONE_IN < all => Some(format!("few {what}")),
                _ => None,
            }
        });
        Self { counts, missing: missing.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_are_counted_where_they_look_and_what_lacks_is_told() {
        let face = |yaw_deg, pitch_deg, mouth, eyes| Measures {
            yaw_deg,
            pitch_deg,
            mouth,
            eyes,
            ..Measures::default()
        };
        let mut faces = vec![face(0.0, 0.0, 0.2, 0.3); 60];
        faces.extend([face(40.0, 0.0, 0.0, 0.1), face(18.0, 18.0, 0.0, 0.1), face(18.0, 8.0, 0.0, 0.3)]);
        let coverage = Coverage::of(faces.iter());
        assert_eq!(coverage.counts[2], [0, 0, 0, 60, 0, 0, 1]);
        assert_eq!(coverage.counts[1], [0, 0, 0, 0, 2, 0, 0]);
        assert_eq!(
            coverage.missing,
            ["no faces looking left", "few faces looking up", "no faces looking down"]
        );
        assert!(Coverage::of([].iter()).missing.is_empty());
    }
}
