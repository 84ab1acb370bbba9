//! A patch into its frame: coloured, given grain, laid over, and nothing else touched.

use std::sync::LazyLock;

use bifrons_media::{Frame, PixelRect, RgbImage, encoded_from_linear};
use bifrons_vision::align::{Framing, canonical_point, crop_from_canonical};
use bifrons_vision::geometry::{Border, Point, Similarity, warp, warp_plane};
use bifrons_vision::mesh_points::{BELOW_NOSE, BETWEEN_BROWS};

use crate::SwapError;
use crate::blend::blend;
use crate::color::ColorTransfer;
use crate::grain::{add_grain, fine_detail, missing_grain};
use crate::patch::{PATCH_PX, Patch};
use crate::seam::fitted;
use crate::settings::Settings;

/// Seed of the grain. Any number: the frame and the place make it different everywhere.
const GRAIN_SEED: u64 = 0x6269_6672_6f6e_7321;

/// How a patch must look to fit its frame. Measured for each frame and then smoothed over time: what is measured
/// anew in every frame flickers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// From the drawn face's colours to the footage's.
    pub(crate) color: ColorTransfer,
    /// Finest detail of the footage there: a standard deviation in picture values.
    pub(crate) grain: f32,
    /// How much of the patch this was measured on, 0 to 1: less where something covers the face.
    pub(crate) share: f32,
}

impl Look {
    /// What `patch` needs in its frame.
    pub(crate) fn of(patch: &Patch, frame: &Frame, place: &Place) -> Self {
        let color = ColorTransfer::between(&patch.drawn, &patch.footage, &colored_by(&patch.mask));
        // in the frame's own pixels: scaled, grain is another one
        let grain = fine_detail(&frame.rgb(place.rect), &place.alpha);
        let share = patch.mask.iter().sum::<f32>() / patch.mask.len() as f32;
        Self { color, grain, share }
    }

    /// The mean of looks with weights, each counting as much as it was measured on.
    pub(crate) fn weighted_mean(looks: &[(f32, Self)]) -> Self {
        let weighted = || looks.iter().map(|(weight, look)| (weight * look.share, look));
        let total: f32 = weighted().map(|(weight, _)| weight).sum();
        let mean = |value: fn(&Self) -> f32| {
            let sum: f32 = weighted().map(|(weight, look)| weight * value(look)).sum();
            if total > 0.0 { sum / total } else { 0.0 }
        };
        Self {
            color: ColorTransfer::weighted_mean(weighted().map(|(weight, look)| (weight, &look.color))),
            grain: mean(|look| look.grain),
            share: mean(|look| look.share),
        }
    }
}

/// How much each pixel under `mask` counts for colours: eyes, cheeks and nose, where nobody has a beard and few have hair; the
/// rest hardly, but where those are covered.
fn colored_by(mask: &[f32]) -> Vec<f32> {
    const REST: f32 = 0.02;
    static ROWS: LazyLock<Vec<f32>> = LazyLock::new(|| {
        let patch_from_canonical = Framing::Face.from_crop(PATCH_PX) * crop_from_canonical();
        let row = |point: usize| patch_from_canonical.apply(canonical_point(point)).y;
        let rows = row(BETWEEN_BROWS)..row(BELOW_NOSE);
        (0..PATCH_PX).map(|y| if rows.contains(&(y as f64 + 0.5)) { 1.0 } else { REST }).collect()
    });
    let rows = mask.chunks_exact(PATCH_PX).zip(ROWS.iter());
    rows.flat_map(|(row, weight)| row.iter().map(move |mask| mask * weight)).collect()
}

/// Lays a patch over its place in the frame, with the colours and the grain that `settings` say. Only pixels under its mask
/// change.
///
/// # Errors
/// [`SwapError::Media`] when the frame cannot be written to, which no face causes.
pub(crate) fn compose(
    frame: &mut Frame,
    patch: &Patch,
    place: &Place,
    look: &Look,
    settings: &Settings,
) -> Result<(), SwapError> {
    let Place { rect, rect_from_patch, alpha } = place;
    if rect.is_empty() {
        return Ok(());
    }
    let colored = colored(patch, look, settings)?;
    let mut face = warp(&colored, rect_from_patch, rect.width, rect.height, Border::Replicate);
    let grain = settings.grain * missing_grain(&face, look.grain, alpha);
    add_grain(&mut face, grain, GRAIN_SEED, frame.index(), *rect);
    lay_over(frame, *rect, &face, alpha)
}

/// Mixes `face` into the frame by `alpha`.
///
/// What is below is not clamped: light beyond white (OpenEXR) is mixed as light, `below + alpha (face - below)`. In the
/// mask's soft edge a lamp then fades out as it would behind an edge out of focus, instead of falling to white at its first
/// touched pixel, and of two lamps the brighter one stays the brighter. The drawn face itself ends at white or little above:
/// networks know nothing brighter.
///
/// # Errors
/// As [`compose`].
pub(crate) fn lay_over(
    frame: &mut Frame,
    rect: PixelRect,
    face: &RgbImage,
    alpha: &[f32],
) -> Result<(), SwapError> {
    let composed = blend(&frame.rgb_unclamped(rect), face, alpha);
    Ok(frame.set_rgb(rect, &composed, alpha)?)
}

/// Lays a patch over its place as it was drawn: in its own colours, without grain, with a hard edge where its mask ends.
///
/// # Errors
/// As [`compose`].
pub(crate) fn lay_bare(frame: &mut Frame, patch: &Patch, place: &Place) -> Result<(), SwapError> {
    let Place { rect, rect_from_patch, alpha } = place;
    if !rect.is_empty() {
        let face = warp(&patch.drawn, rect_from_patch, rect.width, rect.height, Border::Replicate);
        let hard: Vec<f32> = alpha.iter().map(|alpha| f32::from(*alpha > 0.0)).collect();
        lay_over(frame, *rect, &face, &hard)?;
    }
    Ok(())
}

/// The drawn face in the footage's colours, as far as `settings` say, `PATCH_PX` squared.
///
/// # Errors
/// [`SwapError::Picture`] when it cannot be scaled.
pub(crate) fn colored(patch: &Patch, look: &Look, settings: &Settings) -> Result<RgbImage, SwapError> {
    let color = match settings.color_match {
        1.0 => look.color,
        share => look.color.in_part(share),
    };
    Ok(fitted(&color.apply(&patch.drawn), &patch.footage, &patch.mask, &patch.deep)?)
}

/// Makes of a frame what the new faces cover in it: white where a face counts, black elsewhere.
///
/// # Errors
/// As [`compose`].
pub(crate) fn matte(frame: &mut Frame, places: &[&Place]) -> Result<(), SwapError> {
    let whole = frame.whole();
    let mut cover = vec![0.0_f32; whole.width * whole.height];
    for Place { rect, alpha, .. } in places.iter().copied().filter(|place| !place.rect.is_empty()) {
        for (y, alpha) in alpha.chunks_exact(rect.width).enumerate() {
            let to = &mut cover[(rect.y + y) * whole.width + rect.x..][..rect.width];
            to.iter_mut().zip(alpha).for_each(|(to, alpha)| *to = to.max(*alpha));
        }
    }
    // who reads amounts of light takes a half for a half
    let value = |cover: f32| if frame.is_linear() { encoded_from_linear(cover) } else { cover };
    let picture = cover.iter().flat_map(|&cover| [value(cover); 3]).collect();
    let picture = RgbImage::from_data(whole.width, whole.height, picture)?;
    frame.set_rgb(whole, &picture, &vec![1.0; cover.len()])?;
    Ok(())
}

/// Where in its frame a patch lies.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) rect: PixelRect,
    pub(crate) rect_from_patch: Similarity,
    /// The patch's mask there.
    pub(crate) alpha: Vec<f32>,
}

impl Place {
    pub(crate) fn of(patch: &Patch, frame: &Frame) -> Self {
        let frame_from_patch = patch.patch_from_frame.inverse();
        let rect = covered(frame, &frame_from_patch);
        let rect_from_patch = Similarity::translation(-(rect.x as f64), -(rect.y as f64)) * frame_from_patch;
        let PixelRect { width, height, .. } = rect;
        let outside = Border::Constant(0.0);
        let alpha = warp_plane(&patch.mask, PATCH_PX, PATCH_PX, &rect_from_patch, width, height, outside);
        Self { rect, rect_from_patch, alpha }
    }
}

/// The pixels of the frame that a patch can touch.
fn covered(frame: &Frame, frame_from_patch: &Similarity) -> PixelRect {
    let side = PATCH_PX as f64;
    let corners = [(0.0, 0.0), (side, 0.0), (0.0, side), (side, side)];
    let corners = corners.map(|(x, y)| frame_from_patch.apply(Point::new(x, y)));
    let bound = |pick: fn(&Point) -> f64, fold: fn(f64, f64) -> f64, start: f64| {
        corners.iter().map(pick).fold(start, fold) as f32
    };
    PixelRect::covering(
        bound(|p| p.x, f64::min, f64::INFINITY),
        bound(|p| p.y, f64::min, f64::INFINITY),
        bound(|p| p.x, f64::max, f64::NEG_INFINITY),
        bound(|p| p.y, f64::max, f64::NEG_INFINITY),
        frame.width_px(),
        frame.height_px(),
    )
}
