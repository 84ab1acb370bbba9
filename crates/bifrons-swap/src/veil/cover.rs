//! Blurring a head until nobody is in it.

use bifrons_media::{Frame, PixelRect, ResizeFilter};
use bifrons_vision::align::{Framing, crop_from_frame, hull_mask};
use bifrons_vision::geometry::{Border, Similarity, warp_plane};
use bifrons_vision::{BoundingBox, Mesh};

use crate::SwapError;
use crate::compose::lay_over;
use crate::patch::PATCH_PX;

/// Colours across a head: too few for a face.
const CELLS: f32 = 4.0;
/// The soft edge lies outside the head, so wide as a share of its radius.
const EDGE: f32 = 0.15;
/// Width of the soft edge between a face that stays and what is blurred around it, as a share of a patch's side.
const FACE_EDGE: f32 = 0.1;

/// An ellipse that holds a head, in displayed frame pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Head {
    center: [f32; 2],
    radius: [f32; 2],
}

impl Head {
    /// With hair, ears and chin, whichever way it looks: `face` is the box around the face alone.
    pub(crate) fn around(face: &BoundingBox) -> Self {
        let side = face.width().max(face.height());
        let center = face.centre();
        Self { center: [center.x as f32, center.y as f32 - 0.1 * side], radius: [0.85 * side, 1.0 * side] }
    }

    /// The same place, larger.
    pub(crate) fn grown(self, factor: f32) -> Self {
        Self { radius: self.radius.map(|radius| radius * factor), ..self }
    }

    /// Between this one (0) and `other` (1).
    pub(crate) fn between(self, other: Self, share: f32) -> Self {
        let mix = |from: [f32; 2], to: [f32; 2]| [0, 1].map(|i| from[i] + share * (to[i] - from[i]));
        Self { center: mix(self.center, other.center), radius: mix(self.radius, other.radius) }
    }

    /// Whether all of a box lies inside.
    pub(crate) fn holds(&self, face: &BoundingBox) -> bool {
        let corners = [(face.left, face.top), (face.right, face.top), (face.left, face.bottom)];
        corners.into_iter().chain([(face.right, face.bottom)]).all(|(x, y)| self.distance(x, y) <= 1.0)
    }

    /// 0 at the centre, 1 along the ellipse.
    fn distance(&self, x: f32, y: f32) -> f32 {
        ((x - self.center[0]) / self.radius[0]).hypot((y - self.center[1]) / self.radius[1])
    }
}

/// Leaves of a head a few colours that run into each other.
///
/// # Errors
/// [`SwapError::Picture`], [`SwapError::Media`]: a frame that cannot be written to, which no head causes.
pub(crate) fn cover(frame: &mut Frame, head: &Head) -> Result<(), SwapError> {
    blur(frame, head, |_| None)
}

/// Does it to hair, ears and outline alone, around the face under `mesh`, which stays.
///
/// # Errors
/// As [`cover`].
pub(crate) fn cover_around(frame: &mut Frame, mesh: &Mesh) -> Result<(), SwapError> {
    let patch_from_frame = Framing::Face.from_crop(PATCH_PX) * crop_from_frame(mesh);
    let points = mesh.points_in(&patch_from_frame);
    let face = hull_mask(&points, PATCH_PX, FACE_EDGE * PATCH_PX as f32);
    blur(frame, &Head::around(&mesh.bounding_box()), |rect| {
        let rect_from_frame = Similarity::translation(-(rect.x as f64), -(rect.y as f64));
        let rect_from_patch = rect_from_frame * patch_from_frame.inverse();
        let outside = Border::Constant(0.0);
        Some(warp_plane(&face, PATCH_PX, PATCH_PX, &rect_from_patch, rect.width, rect.height, outside))
    })
}

/// Blurs a head but for what `kept` has of the rectangle around it, 0 to 1.
fn blur(
    frame: &mut Frame,
    head: &Head,
    kept: impl FnOnce(PixelRect) -> Option<Vec<f32>>,
) -> Result<(), SwapError> {
    let [rx, ry] = head.radius.map(|radius| radius * (1.0 + EDGE));
    let rect = PixelRect::covering(
        head.center[0] - rx,
        head.center[1] - ry,
        head.center[0] + rx,
        head.center[1] + ry,
        frame.width_px(),
        frame.height_px(),
    );
    if rect.is_empty() {
        return Ok(());
    }
    let picture = frame.rgb(rect);
    let cell = (2.0 * head.radius[0].min(head.radius[1]) / CELLS).max(1.0);
    let cells = |side: usize| ((side as f32 / cell).round() as usize).max(1);
    let few = picture.resize(cells(rect.width), cells(rect.height), ResizeFilter::Area)?;
    let blurred = few.resize(rect.width, rect.height, ResizeFilter::Bilinear)?;
    let mut alpha = Vec::with_capacity(rect.area_px());
    for y in 0..rect.height {
        for x in 0..rect.width {
            let distance = head.distance((rect.x + x) as f32 + 0.5, (rect.y + y) as f32 + 0.5);
            alpha.push(((1.0 + EDGE - distance) / EDGE).clamp(0.0, 1.0));
        }
    }
    if let Some(kept) = kept(rect) {
        alpha.iter_mut().zip(kept).for_each(|(alpha, kept)| *alpha *= 1.0 - kept);
    }
    lay_over(frame, rect, &blurred, &alpha)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACE: BoundingBox = BoundingBox { left: 40.0, top: 40.0, right: 60.0, bottom: 70.0 };

    #[test]
    fn a_head_holds_its_face_and_not_what_is_beside_it() {
        let head = Head::around(&FACE);
        assert!(head.holds(&FACE));
        let beside = BoundingBox { left: 70.0, right: 90.0, ..FACE };
        assert!(!head.holds(&beside));
        assert!(head.grown(3.0).holds(&beside));
    }

    #[test]
    fn halfway_between_two_places() {
        let moved = BoundingBox { left: 60.0, right: 80.0, ..FACE };
        let between = Head::around(&FACE).between(Head::around(&moved), 0.5);
        assert_eq!(between, Head::around(&BoundingBox { left: 50.0, right: 70.0, ..FACE }));
    }
}
