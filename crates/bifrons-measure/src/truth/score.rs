//! A film against the perfect swap.

use bifrons_media::RgbImage;
use bifrons_vision::Vision;
use bifrons_vision::align::polygon_mask;
use bifrons_vision::geometry::{Border, Point, warp};
use serde::{Deserialize, Serialize};

use super::points::square_from_frame;
use crate::MeasureError;
use crate::face::{INNER_51, aligned_landmark_error, landmark_error, landmarks};
use crate::labels::Spread;
use crate::picture::{Plane, psnr_db, ssim};
use crate::statistics::mean_interval;

/// Side of the aligned square in pixels.
const ALIGNED_PX: usize = 128;
/// Frames that resemble their neighbours, drawn together by the bootstrap: a second.
const BLOCK_FRAMES: usize = 25;

/// Figures of a film against the truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthScore {
    /// What was scored.
    pub name: String,
    /// PSNR inside the face, aligned, against the identity giving the same performance, in dB.
    pub aligned_psnr_db: Option<Spread>,
    /// SSIM there.
    pub aligned_ssim: Option<Spread>,
    /// PSNR inside the face, in the frame, against the perfect swap, in dB.
    pub face_psnr_db: Option<Spread>,
    /// SSIM there.
    pub face_ssim: Option<Spread>,
    /// PSNR of the whole frame against the perfect swap, in dB.
    pub frame_psnr_db: Option<Spread>,
    /// Error of the inner 51 landmarks found in the film against the true ones, in eye distances.
    pub landmark_error: Option<Spread>,
    /// The same after the best similarity: shape and expression only.
    pub aligned_landmark_error: Option<Spread>,
}

/// `bifrons measure truth`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthReport {
    /// `bifrons.measure.truth`.
    pub schema: String,
    /// Version of the schema.
    pub version: u32,
    /// Name of the pair.
    pub pair: String,
    /// The swap, then the baselines.
    pub scores: Vec<TruthScore>,
}

/// A frame to be scored, with what it should have been.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The frame.
    pub picture: &'a RgbImage,
    /// Where the 68 points of its face are, in pixels.
    pub points: &'a [Point],
    /// The frame that would be perfect, and its points.
    pub truth: (&'a RgbImage, &'a [Point]),
    /// The identity giving the same performance, and its points.
    pub performance: (&'a RgbImage, &'a [Point]),
}

/// Scores the frames of a film in order.
///
/// # Errors
/// [`MeasureError::Vision`] when a network fails.
pub fn score<'a>(
    vision: &Vision,
    name: &str,
    frames: impl IntoIterator<Item = Candidate<'a>>,
) -> Result<TruthScore, MeasureError> {
    let mut columns: [Vec<f64>; 7] = Default::default();
    for frame in frames {
        let (aligned_psnr, aligned_ssim) = aligned(&frame);
        let (face_psnr, face_ssim) = in_frame(&frame);
        let found = crate::labels::faces_of(vision, frame.picture)?;
        let area = |mesh: &bifrons_vision::Mesh| mesh.bounding_box().area();
        let found = found.iter().max_by(|a, b| area(a).total_cmp(&area(b))).map(landmarks);
        let error = found.as_ref().and_then(|found| landmark_error(found, frame.truth.1, INNER_51));
        let shape = found.as_ref().and_then(|found| aligned_landmark_error(found, frame.truth.1, INNER_51));
        let whole = psnr_db(frame.picture, frame.truth.0, None);
        let values = [aligned_psnr, aligned_ssim, face_psnr, face_ssim, whole, error, shape];
        columns.iter_mut().zip(values).for_each(|(column, value)| column.extend(value));
    }
    let [aligned_psnr, aligned_ssim, face_psnr, face_ssim, frame_psnr, error, shape] =
        columns.map(|values| {
            let interval = mean_interval(&values, BLOCK_FRAMES);
            Spread::of(&values).zip(interval).map(|(spread, interval)| Spread { interval, ..spread })
        });
    Ok(TruthScore {
        name: name.to_owned(),
        aligned_psnr_db: aligned_psnr,
        aligned_ssim,
        face_psnr_db: face_psnr,
        face_ssim,
        frame_psnr_db: frame_psnr,
        landmark_error: error,
        aligned_landmark_error: shape,
    })
}

fn aligned(frame: &Candidate<'_>) -> (Option<f64>, Option<f64>) {
    let own = square_from_frame(frame.points, ALIGNED_PX);
    let Some((own, true_square)) = own.zip(square_from_frame(frame.performance.1, ALIGNED_PX)) else {
        return (None, None);
    };
    let is = warp(frame.picture, &own, ALIGNED_PX, ALIGNED_PX, Border::Replicate);
    let should = warp(frame.performance.0, &true_square, ALIGNED_PX, ALIGNED_PX, Border::Replicate);
    let outline: Vec<Point> = frame.performance.1.iter().map(|&p| true_square.apply(p)).collect();
    compare(&is, &should, &polygon_mask(&outline_of(&outline), ALIGNED_PX, 0.0))
}

fn in_frame(frame: &Candidate<'_>) -> (Option<f64>, Option<f64>) {
    let truth = frame.truth.0;
    let side = truth.width.max(truth.height);
    let square = polygon_mask(&outline_of(frame.truth.1), side, 0.0);
    let mask: Vec<f32> =
        (0..truth.height).flat_map(|y| square[y * side..y * side + truth.width].to_vec()).collect();
    compare(frame.picture, truth, &mask)
}

fn compare(is: &RgbImage, should: &RgbImage, mask: &[f32]) -> (Option<f64>, Option<f64>) {
    (psnr_db(is, should, Some(mask)), ssim(&Plane::luma(is), &Plane::luma(should), Some(mask)))
}

/// The outline of a face in 68 points: jaw, then brows from the picture's right to its left.
pub(super) fn outline_of(points: &[Point]) -> Vec<Point> {
    points[..17].iter().chain(points[17..27].iter().rev()).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifrons_vision::Mesh;
    use bifrons_vision::align::canonical_point3;

    fn points() -> Vec<Point> {
        let mesh: Vec<[f32; 3]> = (0..478)
            .map(canonical_point3)
            .map(|p| [(p[0] * 40.0 + 64.0) as f32, (p[1] * 40.0 + 50.0) as f32, 0.0])
            .collect();
        landmarks(&Mesh::try_from(mesh).unwrap())
    }

    fn picture(change: f32) -> RgbImage {
        let mut picture = RgbImage::new(128, 128);
        for i in 0..128 * 128 {
            let v = 0.5 + 0.3 * ((i % 128) as f32 * 0.3).sin() * ((i / 128) as f32 * 0.2).cos();
            picture.set(i % 128, i / 128, [v + change, v, v]);
        }
        picture
    }

    fn figures(is: &RgbImage, moved: f64) -> [Option<f64>; 4] {
        let (truth, points) = (picture(0.0), points());
        let shifted: Vec<Point> = points.iter().map(|&p| p + Point::new(moved, 0.0)).collect();
        let frame = Candidate {
            picture: is,
            points: &shifted,
            truth: (&truth, &points),
            performance: (&truth, &points),
        };
        let ((a, b), (c, d)) = (aligned(&frame), in_frame(&frame));
        [a, b, c, d]
    }

    #[test]
    fn the_truth_itself_is_perfect() {
        let [a, b, c, d] = figures(&picture(0.0), 0.0).map(Option::unwrap);
        assert!(a > 99.0 && c > 99.0 && (b - 1.0).abs() < 1e-6 && (d - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_constant_step_has_its_decibels() {
        // a tenth in one of three channels: 10 log10(300)
        let [a, _, c, _] = figures(&picture(0.1), 0.0).map(Option::unwrap);
        assert!((a - 24.77).abs() < 0.02 && (c - 24.77).abs() < 0.02, "{a} {c}");
    }

    #[test]
    fn an_offset_of_three_pixels_is_caught() {
        let [a, b, ..] = figures(&picture(0.0), 3.0).map(Option::unwrap);
        assert!(a < 22.0 && b < 0.9, "{a} {b}");
    }
}
