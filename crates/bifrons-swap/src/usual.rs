//! What the person filmed and the one who is drawn usually look like, and the light that one is usually filmed in.
//!
//! Faces are alike on both sides, light is not: what differs between the sides of a usual face, coarsely, is its light. And from
//! forehead to nose, where nobody has a beard, one usual face gets brighter against the other as its light falls from higher up. A
//! drawn face is in the light that its person was filmed in; what the footage has instead is known from the two usual faces,
//! once for all of a film, so nothing flickers.

use std::ops::Range;

use bifrons_media::{ResizeFilter, RgbImage};
use bifrons_project::{Face, Index, ProjectError, Review};
use bifrons_vision::align::{FlatMask, Framing, UsualFace, canonical_point, crop_from_canonical};
use bifrons_vision::averaged;
use bifrons_vision::mesh_points::BELOW_NOSE;
use rayon::prelude::*;

use crate::SwapError;
use crate::crop::Crop;

/// Faces that a usual one is made of, at most.
const FACES: usize = 200;
/// What is finer than this share of the side is the face, not its light.
const COARSE: f32 = 0.1;
/// By how much light may be changed, as a factor and its inverse.
const MOST: f32 = 1.5;
/// Nothing is darker than this, for ratios.
const LEAST_LUMA: f32 = 0.02;

/// The faces that tell what `person` usually looks like: spread over all that the project has of them, `otherwise` where it has
/// none.
///
/// # Errors
/// [`SwapError::Project`].
pub(crate) fn usual_of(index: &Index, person: &str, otherwise: &[Face]) -> Result<Vec<Face>, SwapError> {
    let mut faces = match index.faces_of(person, Review::NotRejected) {
        Err(ProjectError::UnknownPerson { .. }) => Vec::new(),
        faces => faces?,
    };
    faces.retain(|face| face.record.crop.is_some());
    if faces.is_empty() {
        faces = otherwise.to_vec();
    }
    let step = faces.len().div_ceil(FACES).max(1);
    Ok(faces.into_iter().step_by(step).collect())
}

/// What `faces` of one person usually look like, `size_px` squared, as [`UsualFace::face`]. `None` when no crop of them can be
/// read.
///
/// # Errors
/// [`SwapError::Project`].
pub(crate) fn usual_face(
    index: &Index,
    faces: &[Face],
    mask: &FlatMask,
    size_px: usize,
) -> Result<Option<RgbImage>, SwapError> {
    let folders = index.crop_folders()?;
    let flat: Vec<_> =
        faces.par_iter().filter_map(|face| Some(Crop::of(face, &folders)?.flattened(size_px))).collect();
    if flat.is_empty() {
        return Ok(None);
    }
    let mut usual = UsualFace::new(size_px);
    for (face, seen) in flat {
        let seen = seen.iter().zip(mask.inside()).map(|(seen, inside)| seen * inside);
        usual.add(face.data.as_chunks::<3>().0.iter().copied().zip(seen.collect::<Vec<_>>()));
    }
    Ok(Some(usual.face(mask)))
}

/// What flattened faces must be multiplied by, `size_px` squared, for light that usually falls on `drawn` to fall as it does on
/// `footage`: usual faces of one size, of which `mask` says where they are one.
///
/// # Errors
/// [`SwapError::Picture`] when it cannot be scaled.
pub(crate) fn relight(
    drawn: &RgbImage,
    footage: &RgbImage,
    mask: &FlatMask,
    size_px: usize,
) -> Result<Vec<f32>, SwapError> {
    let side = drawn.width;
    let (downward, lowest) = (downward(drawn, footage, mask.inside()), beardless_rows(side).end);
    let [drawn, footage] = [drawn, footage].map(|face| one_sided(face, mask.inside()));
    let factors = drawn.iter().zip(&footage).enumerate().flat_map(|(at, (drawn, footage))| {
        let (most, below) = (MOST.ln(), (at / side).min(lowest) as f32 / side as f32 - 0.5);
        [(footage - drawn + downward * below).clamp(-most, most).exp(); 3]
    });
    let small = RgbImage { width: side, height: side, data: factors.collect() };
    let large = small.resize(size_px, size_px, ResizeFilter::Lanczos)?;
    Ok(large.data.into_iter().step_by(3).collect())
}

/// Rows of a flattened face from the top to where nose and upper lip meet.
fn beardless_rows(size_px: usize) -> Range<usize> {
    let flat_from_canonical = Framing::Face.from_crop(size_px) * crop_from_canonical();
    0..flat_from_canonical.apply(canonical_point(BELOW_NOSE)).y as usize
}

/// By how much (as a logarithm, for a whole side) `footage` gets brighter against `drawn` downwards where nobody has a beard: a
/// line through all places, those that are far from it (hair that only one of them has) hardly counting (Cauchy weights).
fn downward(drawn: &RgbImage, footage: &RgbImage, inside: &[f32]) -> f32 {
    const USUALLY_OFF: f32 = 0.1;
    const ROUNDS: usize = 20;
    let side = drawn.width;
    let (drawn, footage) = (drawn.lumas(), footage.lumas());
    let known = |at: &usize| inside[*at] > 0.99 && drawn[*at] > LEAST_LUMA && footage[*at] > LEAST_LUMA;
    let rows = beardless_rows(side);
    let places = (rows.start * side..rows.end * side).filter(known);
    let places: Vec<[f32; 2]> =
        places.map(|at| [(at / side) as f32 / side as f32, (footage[at] / drawn[at]).ln()]).collect();
    let [mut slope, mut level] = [0.0, 0.0];
    for round in 0..ROUNDS {
        let [mut total, mut x, mut y, mut xx, mut xy] = [0.0_f32; 5];
        for &[row, ratio] in &places {
            let off = (ratio - level - slope * row) / USUALLY_OFF;
            let weight = if round == 0 { 1.0 } else { 1.0 / (1.0 + off * off) };
            total += weight;
            x += weight * row;
            y += weight * ratio;
            xx += weight * row * row;
            xy += weight * row * ratio;
        }
        let spread = total * xx - x * x;
        if total < side as f32 || spread <= 1e-3 * total * total {
            return 0.0;
        }
        slope = (total * xy - x * y) / spread;
        level = (y - slope * x) / total;
    }
    slope
}

/// By how much (as a logarithm) each place of a face is brighter than its mirror image allows: half of what is between the
/// two, coarsely.
fn one_sided(face: &RgbImage, inside: &[f32]) -> Vec<f32> {
    let side = face.width;
    let around = (COARSE * side as f32).round() as usize;
    let smooth = |plane: Vec<f32>| averaged(&averaged(&plane, side, around), side, around);
    let known = |at: usize| if face.data[3 * at..3 * at + 3] == [0.0; 3] { 0.0 } else { inside[at] };
    let mirrored = |at: usize| at / side * side + side - 1 - at % side;
    // both sides or none
    let weight: Vec<f32> = (0..side * side).map(|at| known(at) * known(mirrored(at))).collect();
    let lumas = face.lumas();
    let log = |at: usize| lumas[at].max(LEAST_LUMA).ln();
    let halves = (0..side * side).map(|at| weight[at] * 0.5 * (log(at) - log(mirrored(at))));
    let sums = smooth(halves.collect());
    sums.into_iter().zip(smooth(weight)).map(|(sum, total)| sum / total.max(1e-3)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 64;

    /// A face with a beard, brighter towards one side by a factor of up to e^slope.
    fn lit(slope: f32) -> RgbImage {
        let data = (0..SIZE * SIZE).flat_map(|at| {
            let skin: f32 = if at / SIZE > 44 { 0.15 } else { 0.4 };
            [skin * (slope * ((at % SIZE) as f32 + 0.5 - 32.0) / 32.0).exp(); 3]
        });
        RgbImage { width: SIZE, height: SIZE, data: data.collect() }
    }

    #[test]
    fn light_from_a_side_is_changed_and_a_beard_is_not() {
        let mask = FlatMask::new(SIZE, 1.0);
        let factors = relight(&lit(0.4), &lit(-0.2), &mask, SIZE).unwrap();
        // in the middle third, where the mean around is of both sides
        for (x, y) in [(22, 30), (42, 30), (26, 50), (38, 50)] {
            let wanted = (-0.6 * (x as f32 + 0.5 - 32.0) / 32.0).exp();
            let found = factors[y * SIZE + x];
            assert!((found / wanted - 1.0).abs() < 0.03, "({x}, {y}): {found} {wanted}");
        }
        let none = relight(&lit(0.0), &lit(0.0), &mask, SIZE).unwrap();
        assert!(none.iter().all(|factor| (factor - 1.0).abs() < 1e-4));
        // what nobody saw says nothing
        let black = RgbImage::new(SIZE, SIZE);
        assert!(relight(&black, &black, &mask, 2 * SIZE).unwrap().iter().all(|factor| *factor == 1.0));
    }

    #[test]
    fn light_from_above_is_found_whatever_hair_and_beards_there_are() {
        let lit = |slope: f32, hair: bool, beard: bool| {
            let data = (0..SIZE * SIZE).flat_map(|at| {
                let (x, y) = (at % SIZE, at / SIZE);
                let dark = (hair && x < 24 && y < 20) || (beard && y > 44);
                [if dark { 0.08 } else { 0.4 } * (slope * y as f32 / 64.0).exp(); 3]
            });
            RgbImage { width: SIZE, height: SIZE, data: data.collect() }
        };
        let mask = FlatMask::new(SIZE, 1.0);
        for (hair, beard) in [(false, false), (true, false), (false, true)] {
            let found = downward(&lit(0.0, false, false), &lit(-0.5, hair, beard), mask.inside());
            assert!((found + 0.5).abs() < 0.06, "hair {hair}, beard {beard}: {found}");
        }
        let factors = relight(&lit(0.0, false, false), &lit(-0.5, false, false), &mask, SIZE).unwrap();
        let change = factors[35 * SIZE + 32] / factors[15 * SIZE + 32];
        assert!((change.ln() + 0.5 * 20.0 / 64.0).abs() < 0.03, "{change}");
        // below the nose as at the nose
        assert!((factors[60 * SIZE + 32] / factors[50 * SIZE + 32] - 1.0).abs() < 0.01);
    }

    #[test]
    fn light_is_not_changed_beyond_reason() {
        let mask = FlatMask::new(SIZE, 1.0);
        let factors = relight(&lit(3.0), &lit(-3.0), &mask, SIZE).unwrap();
        assert!(factors.iter().all(|factor| (MOST.recip() - 0.1..=MOST + 0.1).contains(factor)));
    }
}
