//! Drawings carried along the motion of the skin.
//!
//! A drawn face is laid onto a mesh, and however steady that is, it does not move quite as the skin it replaces does: it swims. By
//! how much the skin moved from frame to frame the footage says. So each drawing is averaged with those of the frames around
//! it, each carried along the footage's motion to where its skin is now. What the drawings agree on stays sharp; what swims
//! or trembles is averaged out. Where the footage itself does not look the same (a lid that closes, a hand), a neighbour does
//! not count.

use bifrons_media::RgbImage;
use bifrons_vision::geometry::cubic;
use bifrons_vision::{Flow, averaged, halved};
use rayon::prelude::*;

use crate::laid::Laid;
use crate::patch::{PATCH_PX, Patch};

/// Frames before and after that count, and the deviation of their Gaussian weight.
pub(crate) const REACH: usize = 4;
const SIGMA_FRAMES: f32 = 3.0;
/// Side of the squares in which motion is found, in pixels.
const MOTION_PX: usize = PATCH_PX / 2;
/// Root of the mean squared difference of the footage's lumas (0 to 1) beyond which a neighbour hardly counts.
const SIGMA_LUMA: f32 = 0.03;
/// Pixels of those on each side over which the difference is averaged.
const AROUND: usize = 3;
/// A weight below this is none.
const LEAST_WEIGHT: f32 = 1e-3;

/// What the footage shows where a patch lies, as far as motion is concerned.
#[derive(Debug)]
pub(crate) struct Seen {
    lumas: Vec<f32>,
    /// Where the face is.
    wanted: Vec<f32>,
}

/// A drawn face of a track, and how its skin moves to the frame before and to the one after; `None` where the track has
/// none, or it is not known yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) laid: &'a Laid,
    pub(crate) seen: &'a Seen,
    pub(crate) back: Option<&'a Flow>,
    pub(crate) onward: Option<&'a Flow>,
}

impl Seen {
    pub(crate) fn of(patch: &Patch) -> Self {
        Self { lumas: halved(&patch.footage.lumas(), PATCH_PX), wanted: halved(&patch.mask, PATCH_PX) }
    }

    /// How the skin moves from here to there.
    pub(crate) fn motion_to(&self, there: &Self) -> Flow {
        Flow::between(&self.lumas, &there.lumas, &self.wanted, MOTION_PX)
    }
}

/// A drawing that is carried to another frame: how much it counts at each place there, and where it lies here.
struct Carried<'a> {
    laid: &'a Laid,
    weights: Vec<f32>,
    flow: Flow,
}

/// The drawing of `own`, with detail and without, averaged with those before and after it, the nearest first.
pub(crate) fn carried(own: Link<'_>, before: &[Link<'_>], after: &[Link<'_>]) -> Laid {
    let mut others = neighbours(own, before, |link| link.back);
    others.extend(neighbours(own, after, |link| link.onward));
    let laid = own.laid;
    let drawn = averages(laid, &laid.patch.drawn, &others, |laid| Some(&laid.patch.drawn));
    let plain = laid.plain.as_ref();
    let plain = plain.map(|plain| averages(laid, plain, &others, |laid| laid.plain.as_ref()));
    let Laid { points, cover, patch, .. } = laid;
    Laid { patch: Patch { drawn, ..patch.clone() }, plain, points: points.clone(), cover: cover.clone() }
}

/// Those on one side, as far as the track goes on.
fn neighbours<'a>(
    own: Link<'a>,
    side: &[Link<'a>],
    step: impl Fn(Link<'a>) -> Option<&'a Flow>,
) -> Vec<Carried<'a>> {
    let mut carried: Vec<Carried<'a>> = Vec::new();
    let mut last = own;
    for (number, &link) in side.iter().take(REACH).enumerate() {
        let Some(step) = step(last) else { break };
        let flow = carried.last().map_or_else(|| step.clone(), |nearer| nearer.flow.then(step));
        carried.push(Carried {
            laid: link.laid,
            weights: weights(own.seen, link.seen, &flow, number + 1),
            flow,
        });
        last = link;
    }
    carried
}

/// A drawing averaged with others, where the mask has a face.
fn averages<'a>(
    own: &Laid,
    drawn: &RgbImage,
    others: &'a [Carried<'a>],
    pick: impl Fn(&'a Laid) -> Option<&'a RgbImage>,
) -> RgbImage {
    let others: Vec<_> = others.iter().filter_map(|other| Some((other, pick(other.laid)?))).collect();
    let patch = &own.patch;
    // what is in front may be asked to be covered, too
    let is_face = |at: usize| patch.mask[at] > 0.0 || own.cover.as_ref().is_some_and(|cover| cover[at] > 0.0);
    let mut averages = drawn.clone();
    averages.data.par_chunks_exact_mut(3 * PATCH_PX).enumerate().for_each(|(y, row)| {
        let pixels = row.as_chunks_mut::<3>().0.iter_mut().enumerate();
        for (x, pixel) in pixels.filter(|(x, _)| is_face(y * PATCH_PX + x)) {
            let place = [x, y].map(|v| v as f32 + 0.5);
            let (mut sum, mut total) = (*pixel, 1.0);
            for (Carried { weights, flow, .. }, drawn) in &others {
                let weight = weights[y / 2 * MOTION_PX + x / 2];
                if weight < LEAST_WEIGHT {
                    continue;
                }
                let [dx, dy] = flow.at(place.map(|v| v / 2.0));
                let there = cubic(drawn, [place[0] + 2.0 * dx, place[1] + 2.0 * dy]);
                sum.iter_mut().zip(there).for_each(|(sum, value)| *sum += weight * value);
                total += weight;
            }
            *pixel = sum.map(|sum| sum / total);
        }
    });
    averages
}

/// How much a neighbour counts at each place: by how far it is, and how alike the footage looks there once it has moved.
fn weights(here: &Seen, there: &Seen, flow: &Flow, frames: usize) -> Vec<f32> {
    let distance = frames as f32 / SIGMA_FRAMES;
    let nearness = -0.5 * distance * distance;
    let squares: Vec<f32> = flow
        .steps()
        .iter()
        .enumerate()
        .map(|(at, [dx, dy])| {
            let (x, y) = ((at % MOTION_PX) as f32 + dx, (at / MOTION_PX) as f32 + dy);
            (luma(&there.lumas, x, y) - here.lumas[at]).powi(2)
        })
        .collect();
    let around = averaged(&squares, MOTION_PX, AROUND);
    around.into_iter().map(|square| (nearness - 0.5 * square / (SIGMA_LUMA * SIGMA_LUMA)).exp()).collect()
}

/// Between pixels linear; `(0, 0)` is the first pixel's middle.
fn luma(plane: &[f32], x: f32, y: f32) -> f32 {
    let last = (MOTION_PX - 1) as f32;
    let (x, y) = (x.clamp(0.0, last), y.clamp(0.0, last));
    let (column, row) = ((x as usize).min(MOTION_PX - 2), (y as usize).min(MOTION_PX - 2));
    let (fx, fy) = (x - column as f32, y - row as f32);
    let at = |dx: usize, dy: usize| plane[(row + dy) * MOTION_PX + column + dx];
    let (top, bottom) = (at(0, 0) + fx * (at(1, 0) - at(0, 0)), at(0, 1) + fx * (at(1, 1) - at(0, 1)));
    top + fy * (bottom - top)
}

#[cfg(test)]
mod tests {
    use bifrons_vision::geometry::Similarity;

    use super::*;

    /// Skin with texture, seen so many pixels further to the right.
    fn skin(shift: f32) -> RgbImage {
        let data = (0..PATCH_PX * PATCH_PX).flat_map(|at| {
            let (x, y) = ((at % PATCH_PX) as f32 - shift, (at / PATCH_PX) as f32);
            [0.5 + 0.1 * (0.13 * x + 0.05 * y).sin() + 0.1 * (0.09 * y - 0.04 * x).sin(); 3]
        });
        RgbImage { width: PATCH_PX, height: PATCH_PX, data: data.collect() }
    }

    fn laid(footage: RgbImage, drawn: RgbImage) -> Laid {
        let full = vec![1.0; PATCH_PX * PATCH_PX];
        let plain = Some(RgbImage::filled(PATCH_PX, PATCH_PX, [0.5; 3]));
        let patch =
            Patch { drawn, footage, mask: full.clone(), deep: full, patch_from_frame: Similarity::IDENTITY };
        Laid { patch, plain, points: Vec::new(), cover: None }
    }

    /// The middle of the first drawing, carried from the second.
    fn with_next(own: &Laid, next: &Laid) -> f32 {
        let (seen, there) = (Seen::of(&own.patch), Seen::of(&next.patch));
        let (onward, back) = (seen.motion_to(&there), there.motion_to(&seen));
        let own = Link { laid: own, seen: &seen, back: None, onward: Some(&onward) };
        let next = Link { laid: next, seen: &there, back: Some(&back), onward: None };
        let found = carried(own, &[], &[next]);
        assert!((found.plain.unwrap().get(PATCH_PX / 2, PATCH_PX / 2)[0] - 0.5).abs() < 1e-5);
        found.patch.drawn.get(PATCH_PX / 2, PATCH_PX / 2)[0]
    }

    fn even(value: f32) -> RgbImage {
        RgbImage::filled(PATCH_PX, PATCH_PX, [value; 3])
    }

    #[test]
    fn trembling_is_averaged_and_what_changes_in_the_footage_is_not() {
        // one neighbour, one frame away: its weight is exp(-1/18)
        let weight = (-1.0_f32 / 18.0).exp();
        let found = with_next(&laid(skin(0.0), even(0.4)), &laid(skin(0.0), even(0.6)));
        assert!((found - (0.4 + 0.6 * weight) / (1.0 + weight)).abs() < 1e-4, "{found}");
        let found = with_next(&laid(skin(0.0), even(0.4)), &laid(even(0.9), even(0.6)));
        assert!((found - 0.4).abs() < 1e-3, "a hand came: {found}");
    }

    #[test]
    fn a_drawing_is_carried_to_where_its_skin_is() {
        // both draw what they see: carried, they agree to the last detail
        let drawn = |shift: f32| {
            let mut drawn = skin(shift);
            drawn.data.iter_mut().for_each(|value| *value = 1.0 - *value);
            drawn
        };
        let (own, next) = (laid(skin(0.0), drawn(0.0)), laid(skin(6.4), drawn(6.4)));
        let found = with_next(&own, &next);
        let wanted = own.patch.drawn.get(PATCH_PX / 2, PATCH_PX / 2)[0];
        assert!((found - wanted).abs() < 0.004, "{found} {wanted}");
        // without a motion nothing comes of it
        let seen = Seen::of(&own.patch);
        let alone = Link { laid: &own, seen: &seen, back: None, onward: None };
        assert_eq!(carried(alone, &[alone], &[alone]).patch.drawn, own.patch.drawn);
    }
}
