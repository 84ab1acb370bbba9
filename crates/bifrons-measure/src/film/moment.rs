//! One face in one frame: the same place in the footage and in the result.

use std::collections::BTreeMap;

use bifrons_media::{Frame, PixelRect, RgbImage};
use bifrons_vision::Mesh;
use bifrons_vision::align::{Framing, crop_from_frame, hull, hull_mask, polygon_mask};
use bifrons_vision::geometry::{Border, Point, Similarity, needed_rect, warp};

use super::coverage::is_replaced;
use super::finished::{Filmed, amplitude_less, less};
use crate::face::{INNER_51, Likeness, Readout, eye_distance, landmarks, readout};
use crate::motion::{optical_flow, warp_error};
use crate::picture::{
    Contour, Lab, Plane, laplacian_energy, mean_absolute_error, mean_lab, noise, psnr_db, seam,
};
use crate::statistics::pearson;

/// Less noise is not told from none. Pixels of 8 bits differ by whole levels, and the figure leaves the largest fifth out: it
/// is 0 until a fifth of the pixels differ, a tenth of a level when 28 % do. Of none at all, no ratio could be taken.
const LEAST_NOISE: f64 = 0.1 / 255.0;
/// Side of the aligned square in which motion and light are measured, in pixels.
const ALIGNED_PX: usize = 128;
/// Deviation of the low pass for the light, in pixels of that square.
const LIGHT_SIGMA_PX: f32 = 6.0;
/// Outlines as multiples of the face's own about its middle: detail is measured well inside, so that neither the
/// outline nor a soft mask counts; what is round the face between two larger ones.
const INSIDE: f64 = 0.8;
const AROUND: (f64, f64) = (1.2, 1.5);

/// What a face does at a moment, in one film.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// The inner 51 landmarks, in frame pixels.
    pub(super) points: Vec<Point>,
    /// Distance of the outer eye corners in pixels.
    pub(super) eyes_px: f64,
    pub(super) readout: Readout,
}

impl State {
    pub(super) fn of(mesh: &Mesh) -> Self {
        let all = landmarks(mesh);
        let eyes_px = eye_distance(&all).unwrap_or(0.0);
        Self { points: all[INNER_51].to_vec(), eyes_px, readout: readout(mesh) }
    }
}

/// A face of the footage in a frame, and what became of it.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) frame: usize,
    pub(super) track: u32,
    /// Shorter side of the face's box in pixels.
    pub(super) size_px: f64,
    pub(super) replaced: bool,
    pub(super) footage: State,
    /// Nothing when no face is found there in the result.
    pub(super) result: Option<State>,
    pub(super) likeness_footage: Option<Likeness>,
    pub(super) likeness_result: Option<Likeness>,
    /// Mean colour of the face in footage and result.
    pub(super) colour: Option<(Lab, Lab)>,
    pub(super) values: BTreeMap<&'static str, f64>,
}

/// A face cut out of both films, aligned alike.
#[derive(Debug, Clone)]
pub(super) struct AlignedPair {
    pub(super) footage: RgbImage,
    pub(super) result: RgbImage,
    /// The footage as filmed.
    plain: RgbImage,
    /// The footage without and with what finishing adds, when that makes a difference.
    without_and_with: Option<[RgbImage; 2]>,
    mask: Vec<f32>,
}

impl AlignedPair {
    pub(super) fn cut(filmed: &Filmed, result: &Frame, mesh: &Mesh) -> Self {
        let aligned_from_frame = Framing::Face.from_crop(ALIGNED_PX) * crop_from_frame(mesh);
        Self {
            footage: aligned(filmed.finished(), &aligned_from_frame, ALIGNED_PX),
            result: aligned(result, &aligned_from_frame, ALIGNED_PX),
            plain: aligned(&filmed.plain, &aligned_from_frame, ALIGNED_PX),
            without_and_with: filmed
                .without_and_with()
                .map(|frames| frames.map(|frame| aligned(frame, &aligned_from_frame, ALIGNED_PX))),
            mask: hull_mask(&mesh.points_in(&aligned_from_frame), ALIGNED_PX, 0.0),
        }
    }

    /// Warp errors of footage and result against the frame before, by the flow of the footage.
    pub(super) fn unsteadiness(&self, before: &Self) -> Option<(f64, f64)> {
        let flow = optical_flow(&Plane::luma(&self.plain), &Plane::luma(&before.plain));
        let error = |is: &RgbImage, was: &RgbImage| warp_error(is, was, &flow, &self.mask);
        let (footage, result) = (error(&self.plain, &before.plain)?, error(&self.result, &before.result)?);
        let Some(([without, with], [without_before, with_before])) =
            self.without_and_with.as_ref().zip(before.without_and_with.as_ref())
        else {
            return Some((footage, result));
        };
        let (with, without) = (error(with, with_before)?, error(without, without_before)?);
        Some((footage, amplitude_less(result, with, without)))
    }

    pub(super) fn colour(&self) -> Option<(Lab, Lab)> {
        Some((mean_lab(&self.footage, &self.mask)?, mean_lab(&self.result, &self.mask)?))
    }

    /// Correlation of the low-pass brightness inside the face.
    pub(super) fn light(&self) -> Option<f64> {
        let low = |picture: &RgbImage| {
            let plane = Plane::luma(picture).blurred(LIGHT_SIGMA_PX, 2 * LIGHT_SIGMA_PX as usize);
            let inside = plane.data.iter().zip(&self.mask).filter(|(_, weight)| **weight > 0.5);
            inside.map(|(v, _)| f64::from(*v)).collect::<Vec<_>>()
        };
        pearson(&low(&self.footage), &low(&self.result))
    }
}

/// A square of a frame under a similarity; outside the frame its border goes on.
pub(super) fn aligned(frame: &Frame, target_from_frame: &Similarity, size_px: usize) -> RgbImage {
    let rect = needed_rect(target_from_frame, size_px, size_px, frame.width_px(), frame.height_px());
    if rect.is_empty() {
        return RgbImage::new(size_px, size_px);
    }
    let target_from_part = *target_from_frame * Similarity::translation(rect.x as f64, rect.y as f64);
    warp(&frame.rgb(rect), &target_from_part, size_px, size_px, Border::Replicate)
}

/// What can be said from this frame alone, in the pixels of the film, not resampled. The face is where the *footage's*
/// mesh is. Gives also whether the face was replaced.
pub(super) fn in_place(filmed: &Filmed, result: &Frame, mesh: &Mesh) -> (BTreeMap<&'static str, f64>, bool) {
    let footage = filmed.finished();
    let mut values = BTreeMap::new();
    let outline = hull(&mesh.points_in(&Similarity::IDENTITY), 0.0);
    let room = scaled(&outline, AROUND.1);
    let bound = |pick: fn(&Point) -> f64, fold: fn(f64, f64) -> f64, start: f64| {
        room.iter().map(pick).fold(start, fold) as f32
    };
    let rect = PixelRect::covering(
        bound(|p| p.x, f64::min, f64::INFINITY),
        bound(|p| p.y, f64::min, f64::INFINITY),
        bound(|p| p.x, f64::max, f64::NEG_INFINITY),
        bound(|p| p.y, f64::max, f64::NEG_INFINITY),
        footage.width_px(),
        footage.height_px(),
    );
    if rect.is_empty() {
        return (values, false);
    }
    let (before, after) = (footage.rgb(rect), result.rgb(rect));
    let luma_after = Plane::luma(&after);
    let inside = mask(rect, &scaled(&outline, INSIDE));
    let wide = mask(rect, &scaled(&outline, AROUND.1));
    let near = mask(rect, &scaled(&outline, AROUND.0));
    let around: Vec<f32> = wide.iter().zip(&near).map(|(wide, near)| (wide - near).max(0.0)).collect();

    let mut put = |name: &'static str, value: Option<f64>| {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            values.insert(name, value);
        }
    };
    let local: Vec<Point> = outline.iter().map(|&p| p - Point::new(rect.x as f64, rect.y as f64)).collect();
    if let Some(seam) = Contour::of(&local).and_then(|contour| seam(&before, &after, &contour)) {
        put("seam_gradient", Some(seam.gradient_jump));
        put("seam_colour", Some(seam.colour_step));
    }
    // of the footage as filmed, and of the result less what finishing adds to the footage
    let luma_filmed = Plane::luma(&filmed.plain.rgb(rect));
    let added = filmed.without_and_with().map(|frames| frames.map(|frame| Plane::luma(&frame.rgb(rect))));
    let compared = |figure: &dyn Fn(&Plane) -> Option<f64>, take: fn(f64, f64, f64) -> f64| {
        let (filmed, result) = (figure(&luma_filmed), figure(&luma_after));
        let Some([without, with]) = &added else { return (filmed, result) };
        let added = figure(with).zip(figure(without));
        (filmed, result.zip(added).map(|(result, (with, without))| take(result, with, without)))
    };
    let detail = |mask: &[f32]| {
        let (filmed, result) = compared(&|luma| laplacian_energy(luma, mask), less);
        (filmed.map(|energy| energy.max(1e-9)), result.map(|energy| energy.max(1e-9)))
    };
    let ((inside_before, inside_after), (around_before, around_after)) = (detail(&inside), detail(&around));
    put("laplacian_footage", inside_before);
    put("laplacian_result", inside_after);
    if let (Some(a), Some(b), Some(c), Some(d)) = (inside_before, inside_after, around_before, around_after) {
        put("sharpness_inside_outside", Some(((b / d) / (a / c)).sqrt()));
    }
    // residuals of a median add neither as amplitudes nor as energies; their plain difference comes nearer (docs/seal.md)
    let (noise_footage, noise_result) = compared(&|luma| noise(luma, &inside), less);
    put("noise_footage", noise_footage.map(|noise| noise.max(LEAST_NOISE)));
    put("noise_result", noise_result.map(|noise| noise.max(LEAST_NOISE)));
    put("outside_db", psnr_db(&before, &after, Some(&around)));
    let changed_inside = mean_absolute_error(&before, &after, Some(&inside)).unwrap_or(0.0);
    let changed_around = mean_absolute_error(&before, &after, Some(&around)).unwrap_or(0.0);
    (values, is_replaced(changed_inside, changed_around))
}

fn scaled(polygon: &[Point], factor: f64) -> Vec<Point> {
    let middle = Point::mean(polygon);
    polygon.iter().map(|&p| middle + (p - middle) * factor).collect()
}

/// A polygon in frame pixels as weights for the pixels of a rectangle.
fn mask(rect: PixelRect, polygon: &[Point]) -> Vec<f32> {
    let size_px = rect.width.max(rect.height);
    let local: Vec<Point> = polygon.iter().map(|&p| p - Point::new(rect.x as f64, rect.y as f64)).collect();
    let square = polygon_mask(&local, size_px, 0.0);
    (0..rect.height).flat_map(|y| square[y * size_px..y * size_px + rect.width].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_covers_its_polygon_wherever_the_rectangle_lies() {
        let corners = [(30.0, 40.0), (50.0, 40.0), (50.0, 70.0), (30.0, 70.0)];
        let square: Vec<Point> = corners.iter().map(|&(x, y)| Point::new(x, y)).collect();
        let weights = mask(PixelRect::new(20, 30, 50, 60), &square);
        assert!((weights.iter().sum::<f32>() - 600.0).abs() < 35.0);
        assert_eq!(weights[(55 - 30) * 50 + (40 - 20)], 1.0);
        assert_eq!(weights[(35 - 30) * 50 + (40 - 20)], 0.0);
        let half = scaled(&square, 0.5);
        assert!((half[0].x - 35.0).abs() < 1e-9 && (half[0].y - 47.5).abs() < 1e-9);
    }
}
