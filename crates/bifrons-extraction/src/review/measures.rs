//! What is measured of a face to judge whether it is good to learn from.

use bifrons_project::FaceRecord;
use bifrons_vision::align::{STABLE_POINTS, canonical_from_frame, canonical_point3};
use bifrons_vision::geometry::{Point, rotation_between};
use bifrons_vision::{Mesh, eye_openness, mouth_openness, pose};

/// Measures of one face. Lengths are in eye distances (of its outer eye corners).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// How sure the networks are that it is a face: the smaller of the detector's score and the mesh's presence, 0 to 1.
    pub confidence: f32,
    /// Height of the face in the footage, in pixels.
    pub size_px: f32,
    /// Sharpness of the crop, above 0; compare faces of one person only.
    pub sharpness: f32,
    /// Turned to the picture's right (positive) or left, degrees.
    pub yaw_deg: f32,
    /// Looking up (positive) or down, degrees.
    pub pitch_deg: f32,
    /// Tilted clockwise (positive) or the other way, degrees.
    pub roll_deg: f32,
    /// How far the mouth is open, 0 to about 0.6.
    pub mouth: f32,
    /// How far the eyes are open, about 0.05 to 0.4.
    pub eyes: f32,
    /// How much it looks like the person it is said to be, -1 to 1; `None` where that was not computed.
    pub likeness: Option<f32>,
    /// How far the landmarks are from where their neighbours in time would have them.
    pub jump: f32,
    /// How far the landmarks are from a head's shape, whichever way it is turned.
    pub misfit: f32,
    /// How different landmarks and expression are from the last face before it that is not its duplicate; `None` for
    /// the first of a track.
    pub novelty: Option<f32>,
    /// Mean luma of the skin, 0 to 1. This and what follows: `None` where it was not read.
    pub light: Option<f32>,
    /// Lit from the picture's right (positive, to 1) or left (negative, to -1).
    pub light_side: Option<f32>,
    /// How much it smiles, 0 to 1.
    pub smile: Option<f32>,
    /// How far the jaw is dropped, 0 to 1.
    pub mouth_open: Option<f32>,
    /// How far the lids are closed, 0 to 1.
    pub eyes_closed: Option<f32>,
    /// How far the brows are raised, 0 to 1.
    pub brows_up: Option<f32>,
    /// Share of the face that something covers, 0 to 1, estimated.
    pub covered: Option<f32>,
}

/// What is kept of a mesh to compare it with its neighbours.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    pub(super) frame: usize,
    /// Stable points, in frame pixels.
    anchors: Vec<Point>,
    /// All points as they lie in the crop, in eye distances.
    aligned: Vec<Point>,
    eye_distance_px: f64,
}

impl Outline {
    pub(super) fn of(frame: usize, mesh: &Mesh) -> Self {
        let canonical = canonical_from_frame(mesh);
        Self {
            frame,
            anchors: mesh.select(&STABLE_POINTS),
            aligned: mesh.points_in(&canonical),
            eye_distance_px: 1.0 / canonical.scale().max(f64::EPSILON),
        }
    }

    /// How different two faces look to a network, in eye distances (root mean square over all points).
    pub(super) fn difference(&self, other: &Self) -> f32 {
        rms(self.aligned.iter().zip(&other.aligned).map(|(a, b)| a.distance(*b))) as f32
    }

    /// How far the stable points are from the line between two neighbours in time.
    fn deviation(&self, before: &Self, after: &Self) -> f64 {
        let along = (self.frame - before.frame) as f64 / (after.frame - before.frame) as f64;
        let places = self.anchors.iter().zip(before.anchors.iter().zip(&after.anchors));
        rms(places.map(|(here, (a, b))| here.distance(*a * (1.0 - along) + *b * along)))
            / self.eye_distance_px
    }
}

/// Measures that need no neighbours.
pub(super) fn alone(record: &FaceRecord, mesh: &Mesh) -> Measures {
    let pose = pose(mesh);
    let of = record.appearance.as_ref();
    Measures {
        confidence: record.score.min(record.presence),
        size_px: record.bbox[3] - record.bbox[1],
        sharpness: record.sharpness,
        yaw_deg: pose.yaw_deg,
        pitch_deg: pose.pitch_deg,
        roll_deg: pose.roll_deg,
        mouth: mouth_openness(mesh),
        eyes: eye_openness(mesh),
        likeness: None,
        jump: 0.0,
        misfit: misfit(mesh),
        novelty: None,
        light: of.map(|of| of.light),
        light_side: of.map(|of| of.light_side),
        smile: of.map(|of| of.smile),
        mouth_open: of.map(|of| of.mouth_open),
        eyes_closed: of.map(|of| of.eyes_closed),
        brows_up: of.map(|of| of.brows_up),
        covered: None,
    }
}

/// Neighbours further away in time than this say nothing.
const REACH_FRAMES: usize = 4;

/// How far each face of a track is from where its neighbours would have it. A face next to a bad one has good
/// neighbours one further away: the smaller of both counts.
pub(super) fn jumps(track: &[Outline]) -> Vec<f32> {
    let near = |here: usize, step: usize| {
        let (before, after) = (track.get(here.checked_sub(step)?)?, track.get(here + step)?);
        (after.frame - before.frame <= REACH_FRAMES).then(|| track[here].deviation(before, after))
    };
    let jump = |here| match (near(here, 1), near(here, 2)) {
        (Some(one), Some(two)) => one.min(two) as f32,
        (one, two) => one.or(two).unwrap_or_default() as f32,
    };
    (0..track.len()).map(jump).collect()
}

/// Distance of the stable points from those of the canonical head, turned and scaled to fit (root mean square).
fn misfit(mesh: &Mesh) -> f32 {
    let centred = |points: Vec<[f64; 3]>| {
        let mean: [f64; 3] =
            std::array::from_fn(|axis| points.iter().map(|p| p[axis]).sum::<f64>() / points.len() as f64);
        let points: Vec<[f64; 3]> =
            points.iter().map(|p| std::array::from_fn(|axis| p[axis] - mean[axis])).collect();
        let size = (points.iter().flatten().map(|v| v * v).sum::<f64>() / points.len() as f64).sqrt();
        (points, size.max(f64::EPSILON))
    };
    let (head, head_size) = centred(STABLE_POINTS.map(canonical_point3).to_vec());
    let (seen, seen_size) = centred(STABLE_POINTS.map(|i| mesh.point3(i)).to_vec());
    let Some(rotation) = rotation_between(&head, &seen) else { return f32::MAX };
    let apart = head.iter().zip(&seen).map(|(head, seen)| {
        let turned = rotation.apply(*head);
        (0..3).map(|axis| (turned[axis] - seen[axis] * head_size / seen_size).powi(2)).sum::<f64>().sqrt()
    });
    rms(apart) as f32
}

fn rms(distances: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = distances.len().max(1) as f64;
    (distances.map(|distance| distance * distance).sum::<f64>() / count).sqrt()
}

#[cfg(test)]
mod tests {
    use bifrons_vision::align::canonical_point3;
    use bifrons_vision::mesh::MESH_POINTS;

    use super::*;

    /// The canonical head, 100 pixels from eye to eye, moved to the right.
    fn head(right_px: f32) -> Mesh {
        let points: Vec<[f32; 3]> = (0..MESH_POINTS)
            .map(|i| {
                let [x, y, z] = canonical_point3(i).map(|v| v as f32 * 100.0);
                [x + right_px, y, z]
            })
            .collect();
        Mesh::try_from(points).unwrap()
    }

    #[test]
    fn steady_motion_is_no_jump_and_one_bad_face_spoils_no_neighbour() {
        let track: Vec<Outline> = (0..9)
            .map(|frame| Outline::of(frame, &head(7.0 * frame as f32 + if frame == 4 { 30.0 } else { 0.0 })))
            .collect();
        let jumps = jumps(&track);
        for (frame, jump) in jumps.iter().enumerate() {
            let expected = if frame == 4 { 0.3 } else { 0.0 };
            assert!((jump - expected).abs() < 1e-3, "{frame}: {jump}");
        }
    }

    #[test]
    fn a_head_fits_a_head_and_a_squeezed_one_does_not() {
        assert!(misfit(&head(5.0)) < 1e-4);
        let squeezed: Vec<[f32; 3]> = head(0.0).points().iter().map(|[x, y, z]| [x * 0.5, *y, *z]).collect();
        assert!(misfit(&Mesh::try_from(squeezed).unwrap()) > 0.1);
    }

    #[test]
    fn the_same_face_elsewhere_is_not_new() {
        let (here, there) = (Outline::of(0, &head(0.0)), Outline::of(1, &head(90.0)));
        assert!(here.difference(&there) < 1e-6);
        let open: Vec<[f32; 3]> = head(0.0)
            .points()
            .iter()
            .map(|[x, y, z]| [*x, if *y > 90.0 { y + 20.0 } else { *y }, *z])
            .collect();
        assert!(here.difference(&Outline::of(1, &Mesh::try_from(open).unwrap())) > 0.02);
    }
}
