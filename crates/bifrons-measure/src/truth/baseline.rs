//! What anybody could do without learning: the identity's frame that fits best, pasted.

use bifrons_media::{Clip, RgbImage};
use bifrons_vision::Vision;
use bifrons_vision::align::polygon_mask;
use bifrons_vision::geometry::{Border, Point, umeyama, warp, warp_plane};
use std::path::Path;

use super::points::square_from_frame;
use super::score::outline_of;
use crate::MeasureError;
use crate::face::{INNER_51, landmarks};
use crate::labels::faces_of;

/// Side of the squares the faces are kept in, in pixels.
const SQUARE_PX: usize = 256;
/// Width of the pasted face's soft edge, in pixels of that square.
const SOFT_EDGE_PX: f32 = 16.0;

/// The identity's training frames, ready to be pasted.
#[derive(Debug, Clone)]
pub struct CopyPaste {
    faces: Vec<Face>,
}

#[derive(Debug, Clone)]
struct Face {
    /// The face in its aligned square.
    square: RgbImage,
    /// Its 68 points there.
    points: Vec<Point>,
}

impl CopyPaste {
    /// Takes every frame of the identity's training film in which a face is found.
    ///
    /// # Errors
    /// [`MeasureError::Media`], [`MeasureError::Vision`]; [`MeasureError::Nothing`] without a face.
    pub fn learn(vision: &Vision, film: &Path) -> Result<Self, MeasureError> {
        let clip = Clip::open(film)?;
        let mut reader = clip.read(0)?;
        let mut faces = Vec::new();
        while let Some(frame) = reader.next_frame()? {
            let picture = frame.rgb(frame.whole());
            faces.extend(face_of(vision, &picture)?);
        }
        if faces.is_empty() {
            return Err(MeasureError::Nothing {
                path: film.to_owned(),
                what: "no face of the identity is seen",
            });
        }
        Ok(Self { faces })
    }

    /// The frame with the identity's face in the most similar pose and expression laid over the one that is there,
    /// coloured to the frame's mean and contrast inside the face, with a soft edge. The frame itself where no face is
    /// found.
    ///
    /// # Errors
    /// [`MeasureError::Vision`] when a network fails.
    pub fn paste(&self, vision: &Vision, frame: &RgbImage) -> Result<RgbImage, MeasureError> {
        let Some(points) = points_of(vision, frame)? else { return Ok(frame.clone()) };
        let Some(square_from_frame) = square_from_frame(&points, SQUARE_PX) else { return Ok(frame.clone()) };
        let there = Face {
            square: warp(frame, &square_from_frame, SQUARE_PX, SQUARE_PX, Border::Replicate),
            points: points.iter().map(|&p| square_from_frame.apply(p)).collect(),
        };
        let Some(nearest) = self.faces.iter().min_by(|a, b| apart(a, &there).total_cmp(&apart(b, &there)))
        else {
            return Ok(frame.clone());
        };
        let mask = polygon_mask(&outline_of(&there.points), SQUARE_PX, SOFT_EDGE_PX);
        let coloured = coloured(&nearest.square, &there.square, &mask);
        let back = square_from_frame.inverse();
        let face = warp(&coloured, &back, frame.width, frame.height, Border::Replicate);
        let alpha =
            warp_plane(&mask, SQUARE_PX, SQUARE_PX, &back, frame.width, frame.height, Border::Constant(0.0));
        let mut pasted = frame.clone();
        for (i, &alpha) in alpha.iter().enumerate().filter(|(_, alpha)| **alpha > 0.0) {
            for c in 3 * i..3 * i + 3 {
                pasted.data[c] += alpha * (face.data[c] - pasted.data[c]);
            }
        }
        Ok(pasted)
    }
}

fn points_of(vision: &Vision, picture: &RgbImage) -> Result<Option<Vec<Point>>, MeasureError> {
    let faces = faces_of(vision, picture)?;
    let area = |mesh: &bifrons_vision::Mesh| mesh.bounding_box().area();
    Ok(faces.iter().max_by(|a, b| area(a).total_cmp(&area(b))).map(landmarks))
}

fn face_of(vision: &Vision, picture: &RgbImage) -> Result<Option<Face>, MeasureError> {
    let Some(points) = points_of(vision, picture)? else { return Ok(None) };
    let Some(square) = square_from_frame(&points, SQUARE_PX) else { return Ok(None) };
    let points = points.iter().map(|&p| square.apply(p)).collect();
    Ok(Some(Face { square: warp(picture, &square, SQUARE_PX, SQUARE_PX, Border::Replicate), points }))
}

/// How different two faces' poses and expressions are: what is left after the best similarity.
fn apart(one: &Face, other: &Face) -> f64 {
    let (from, to) = (&one.points[INNER_51], &other.points[INNER_51]);
    let Some(fit) = umeyama(from, to) else { return f64::INFINITY };
    from.iter().zip(to).map(|(&a, &b)| fit.apply(a).distance(b)).sum()
}

/// A face with mean and standard deviation of each channel as in another (Reinhard et al. 2001, in RGB).
fn coloured(face: &RgbImage, like: &RgbImage, mask: &[f32]) -> RgbImage {
    let mut coloured = face.clone();
    for channel in 0..3 {
        let (mean, deviation) = moments(face, channel, mask);
        let (target_mean, target_deviation) = moments(like, channel, mask);
        let gain = target_deviation / deviation.max(1e-3);
        for v in coloured.data.iter_mut().skip(channel).step_by(3) {
            *v = ((*v - mean) * gain + target_mean).clamp(0.0, 1.0);
        }
    }
    coloured
}

fn moments(picture: &RgbImage, channel: usize, mask: &[f32]) -> (f32, f32) {
    let total: f32 = mask.iter().sum::<f32>().max(f32::EPSILON);
    let values = || picture.data.iter().skip(channel).step_by(3).zip(mask);
    let mean = values().map(|(v, w)| v * w).sum::<f32>() / total;
    let variance = values().map(|(v, w)| (v - mean).powi(2) * w).sum::<f32>() / total;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colouring_takes_on_mean_and_contrast() {
        let waves = |low: f32, high: f32| {
            let mut picture = RgbImage::new(16, 16);
            for i in 0..256 {
                picture.set(i % 16, i / 16, [if i % 2 == 0 { low } else { high }; 3]);
            }
            picture
        };
        let result = coloured(&waves(0.2, 0.4), &waves(0.5, 0.9), &[1.0; 256]);
        assert!((result.get(0, 0)[0] - 0.5).abs() < 1e-3 && (result.get(1, 0)[2] - 0.9).abs() < 1e-3);
    }
}
