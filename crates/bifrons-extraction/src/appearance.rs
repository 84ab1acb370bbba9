//! How a face looks in its frame: light, expression, and samples by which what covers it is found.

use std::sync::LazyLock;

use bifrons_media::{RgbImage, luma};
use bifrons_project::{Appearance, Clip as ClipRow, Event, Project, Reporter};
use bifrons_vision::align::{canonical_point3, crop_from_frame};
use bifrons_vision::geometry::Point;
use bifrons_vision::mesh_points::{EYE_LEFT, EYE_RIGHT, FACE_OVAL, FACE_POINTS, LIPS_OUTER};
use bifrons_vision::{Expression, ExpressionReader, Mesh};
use rayon::prelude::*;

use crate::ExtractionError;

/// Places on the skin at which a face's colours are kept.
pub(crate) const SPOTS: usize = 48;
/// Half the side of the square a spot's colour is the mean of, in pixels of the crop; every other pixel counts.
const REACH_PX: isize = 4;
/// Spots this near to lids, lips or the edge change with expression and pose, in eye distances.
const LEAST_DISTANCE: f64 = 0.07;
/// Spots whose light is compared lie this far off the middle, in eye distances.
const SIDE: std::ops::RangeInclusive<f64> = 0.15..=0.75;

/// Mesh points of the spots: each the farthest on the canonical face from those before it (Gonzalez 1985).
static AT: LazyLock<[usize; SPOTS]> = LazyLock::new(|| {
    let apart = |a: usize, b: usize| {
        let (a, b) = (canonical_point3(a), canonical_point3(b));
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    let moving: Vec<usize> = [&EYE_LEFT[..], &EYE_RIGHT, &LIPS_OUTER, &FACE_OVAL].concat();
    let skin: Vec<usize> = (0..FACE_POINTS)
        .filter(|&i| moving.iter().all(|&other| apart(i, other) >= LEAST_DISTANCE))
        // between the lips
        .filter(|&i| apart(i, 13).min(apart(i, 14)) >= 0.2)
        .collect();
    let mut spots = [1; SPOTS];
    for place in 1..SPOTS {
        let nearest = |i: usize| spots[..place].iter().map(|&s| apart(i, s)).fold(f64::MAX, f64::min);
        let farthest =
            skin.iter().copied().max_by(|&a, &b| nearest(a).total_cmp(&nearest(b)).then(b.cmp(&a)));
        spots[place] = farthest.unwrap_or(1);
    }
    spots
});

/// Reads the appearance of a face out of its crop; `mesh` in pixels of the frame, the crop cut by it.
///
/// The expression comes from outside: networks share the threads that crops are cut by, and a thread that waits for a
/// network would begin with other crops until all of them fill the memory.
pub(crate) fn appearance(expression: &Expression, crop: &RgbImage, mesh: &Mesh) -> Appearance {
    let crop_from_frame = crop_from_frame(mesh);
    let colours: Vec<[f32; 3]> =
        AT.iter().map(|&i| colour(crop, crop_from_frame.apply(mesh.point(i)))).collect();
    let light = colours.iter().map(|&colour| luma(colour)).sum::<f32>() / SPOTS as f32;
    let of_side = |sign: f64| {
        let on = AT.iter().zip(&colours).filter(|(i, _)| SIDE.contains(&(sign * canonical_point3(**i)[0])));
        let (sum, count) = on.fold((0.0, 0.0), |(sum, n), (_, &c)| (sum + luma(c), n + 1.0));
        sum / f32::max(count, 1.0)
    };
    let (left, right) = (of_side(-1.0), of_side(1.0));
    Appearance {
        light,
        light_side: (right - left) / (right + left).max(1e-3),
        smile: expression.smile,
        mouth_open: expression.mouth_open,
        eyes_closed: expression.eyes_closed,
        brows_up: expression.brows_up,
        spots: colours.iter().flatten().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect(),
    }
}

/// Mean colour around a place of a crop.
fn colour(crop: &RgbImage, at: Point) -> [f32; 3] {
    let (x, y) = (at.x as isize, at.y as isize);
    let mut sum = [0.0; 3];
    let mut count = 0.0;
    for dy in (-REACH_PX..=REACH_PX).step_by(2) {
        for dx in (-REACH_PX..=REACH_PX).step_by(2) {
            let column = (x + dx).clamp(0, crop.width as isize - 1) as usize;
            let row = (y + dy).clamp(0, crop.height as isize - 1) as usize;
            let place = 3 * (row * crop.width + column);
            sum.iter_mut().zip(&crop.data[place..place + 3]).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
    }
    sum.map(|v| v / count)
}

/// Reads the appearance of faces that an earlier program found, out of their crops. Faces without a crop stay without.
///
/// # Errors
/// [`ExtractionError::Project`], [`ExtractionError::Vision`].
pub fn catch_up(project: &Project, row: &ClipRow, reporter: &dyn Reporter) -> Result<usize, ExtractionError> {
    /// Faces noted in one transaction.
    const PORTION: usize = 256;
    let index = project.index();
    let mut known = 0;
    let mut after = None;
    let mut reader = None;
    loop {
        let faces = index.faces_without_appearance(row.id, after, PORTION)?;
        let Some(last) = faces.last() else { return Ok(known) };
        after = Some(last.id);
        let reader = match &reader {
            Some(reader) => reader,
            None => {
                let text = format!("measuring the faces of {} that were found before", row.path.display());
                reporter.report(&Event::message(text));
                reader.insert(ExpressionReader::load()?)
            }
        };
        let mut expressions = Vec::with_capacity(faces.len());
        for face in &faces {
            let Ok(mesh) = Mesh::try_from(face.record.points.clone()) else { continue };
            if let Some(expression) = reader.read(&mesh)? {
                expressions.push((face, mesh, expression));
            }
        }
        let read = expressions.into_par_iter().filter_map(|(face, mesh, expression)| {
            // the crop was cut by the landmarks that count: those placed where there are any
            let crop = project.layout().crop(&row.person, face.record.crop.as_deref()?);
            let crop = RgbImage::decode(&std::fs::read(crop).ok()?).ok()?;
            Some((face.id, appearance(&expression, &crop, &mesh)))
        });
        let read: Vec<_> = read.collect();
        index.note_appearances(&read)?;
        known += read.len();
    }
}

#[cfg(test)]
mod tests {
    use bifrons_vision::align::CROP_SIZE_PX;
    use bifrons_vision::mesh::MESH_POINTS;

    use super::*;

    fn face() -> Mesh {
        let points: Vec<[f32; 3]> =
            (0..MESH_POINTS).map(|i| canonical_point3(i).map(|v| (v * 100.0 + 300.0) as f32)).collect();
        Mesh::try_from(points).unwrap()
    }

    #[test]
    fn light_from_the_right_is_told() {
        let mut crop = RgbImage::filled(CROP_SIZE_PX, CROP_SIZE_PX, [0.2; 3]);
        for y in 0..CROP_SIZE_PX {
            for x in CROP_SIZE_PX / 2..CROP_SIZE_PX {
                crop.set(x, y, [0.6; 3]);
            }
        }
        let seen = appearance(&Expression::default(), &crop, &face());
        assert!((seen.light_side - 0.5).abs() < 0.05, "{}", seen.light_side);
        assert!((0.3..0.5).contains(&seen.light), "{}", seen.light);
        assert_eq!(seen.spots.len(), 3 * SPOTS);
    }

    #[test]
    fn spots_are_different_places_on_both_sides() {
        let mut spots = AT.to_vec();
        spots.sort_unstable();
        spots.dedup();
        assert_eq!(spots.len(), SPOTS);
        let left = AT.iter().filter(|&&i| canonical_point3(i)[0] < -0.05).count();
        let right = AT.iter().filter(|&&i| canonical_point3(i)[0] > 0.05).count();
        assert!(left >= 12 && right >= 12, "{left} {right}");
    }
}
