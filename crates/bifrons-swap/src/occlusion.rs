//! What lies in front of the filmed face stays in front: hands, glasses, microphones, hair that fell into it.
//!
//! A network compares the flattened face with what the same face usually looks like in this clip, turned the same way:
//! skin in front of skin is told by where it differs. What is usual is found in two rounds, as a hand may rest on a face as
//! long as it is turned one way: in the first, the median of all faces says what is covered in each; in the second, the
//! median of those turned the same way is of what was not. What covers a face in most of a clip is taken for part of it, but
//! for what the network knows by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bifrons_media::{ResizeFilter, RgbImage};
use bifrons_project::{Clip, FaceId, Index, Verdict};
use bifrons_vision::align::{FlatMask, flatten, unflatten};
use bifrons_vision::geometry::Point;
use bifrons_vision::{Occlusion, Pose, averaged};
use rayon::prelude::*;

use crate::SwapError;
use crate::crop::Crop;

const SIZE_PX: usize = Occlusion::SIZE_PX;
/// Faces of a clip that are looked at for what is usual.
const KNOWN: usize = 200;
/// Of those, so many are compared with: the nearest in pose.
const NEAREST: usize = 15;
/// With fewer nobody can say what is usual.
const LEAST_KNOWN: usize = 8;
/// Share of a pixel from which on it is covered, for what is usual.
const COVERED: f32 = 0.3;
/// Shares up to the first are none, from the second on they count in full.
const DOUBT: [f32; 2] = [0.1, 0.3];
/// What is usual where nobody has seen it.
const UNKNOWN: [f32; 3] = [0.0; 3];
/// Of fewer uncovered ones no median is taken.
const LEAST_CLEAR: usize = 3;
/// Pixels of the mask on each side in which the footage shows where an edge is, as a share of its side.
const EDGE: f32 = 0.016;
/// Variance of luma that counts as an edge there.
const EDGE_VARIANCE: f32 = 4e-4;
/// Poses are told apart in steps of so many degrees.
const STEP_DEG: f32 = 5.0;

/// What can tell what lies in front of one person's face in one clip.
#[derive(Debug)]
pub(crate) struct Occluders {
    network: Occlusion,
    known: Vec<Known>,
    /// The median of all of them.
    typical: RgbImage,
    inside: FlatMask,
    /// What is usual for a pose (in steps), as far as it was asked for.
    usual: Mutex<BTreeMap<[i32; 2], Arc<RgbImage>>>,
}

/// A face as it was filmed, flattened.
#[derive(Debug)]
struct Known {
    pose_deg: [f32; 2],
    pixels: Vec<[u8; 3]>,
    /// Where it was seen and nothing covers it.
    clear: Vec<bool>,
}

/// What covers a face.
#[derive(Debug)]
pub(crate) struct Cover {
    /// Share of each pixel of the flattened face, `SIZE_PX` squared.
    shares: Vec<f32>,
    usual: Arc<RgbImage>,
}

impl Occluders {
    /// Of the person whose face is replaced in a clip. `None` where too few of their faces are kept.
    ///
    /// # Errors
    /// [`SwapError::Vision`] when the network cannot be loaded, [`SwapError::Project`].
    pub(crate) fn of_clip(index: &Index, clip: &Clip) -> Result<Option<Self>, SwapError> {
        let folders = index.crop_folders()?;
        let faces: Result<Vec<_>, _> =
            known_faces(index, clip)?.into_iter().map(|face| index.face(face)).collect();
        let inside = FlatMask::new(SIZE_PX, 1.0);
        let known = faces?.into_par_iter().filter_map(|face| {
            let (flat, seen) = Crop::of(&face, &folders)?.flattened(SIZE_PX);
            Some((Known::new([face.record.yaw_deg, face.record.pitch_deg], &flat, &seen), seen))
        });
        let (mut known, seen): (Vec<Known>, Vec<Vec<f32>>) = known.unzip();
        if known.len() < LEAST_KNOWN {
            return Ok(None);
        }
        let network = Occlusion::load()?;
        let typical = median(&known.iter().collect::<Vec<_>>(), |_| UNKNOWN);
        known.par_iter_mut().zip(seen).try_for_each(|(known, seen)| {
            let seen: Vec<f32> = seen.iter().zip(inside.inside()).map(|(a, b)| a * b).collect();
            let shares =
                network.cover(&darkened(known.picture(), &seen), &darkened(typical.clone(), &seen))?;
            known.clear.iter_mut().zip(shares).for_each(|(clear, share)| *clear &= share < COVERED);
            Ok::<_, SwapError>(())
        })?;
        Ok(Some(Self { network, known, typical, inside, usual: Mutex::default() }))
    }

    /// What covers the face in `picture`. `points` are the mesh's there, `scale` the picture's pixels for one unit of the
    /// canonical face.
    ///
    /// # Errors
    /// [`SwapError::Vision`] when the network fails.
    pub(crate) fn cover(
        &self,
        picture: &RgbImage,
        points: &[Point],
        scale: f64,
        pose: Pose,
    ) -> Result<Cover, SwapError> {
        let (face, mut seen) = flatten(picture, points, scale, SIZE_PX, 1.0);
        seen.iter_mut().zip(self.inside.inside()).for_each(|(seen, inside)| *seen *= inside);
        let usual = self.usual([pose.yaw_deg, pose.pitch_deg]);
        let mut shares = self.network.cover(&darkened(face, &seen), &darkened((*usual).clone(), &seen))?;
        for ((share, seen), usual) in shares.iter_mut().zip(&seen).zip(usual.data.as_chunks::<3>().0) {
            // faint shares are doubt; and where nobody knows what is usual nothing can be told from it
            let known = if *usual == UNKNOWN { 0.0 } else { *seen };
            let sure = ((*share - DOUBT[0]) / (DOUBT[1] - DOUBT[0])).clamp(0.0, 1.0);
            *share *= known * sure * sure * (3.0 - 2.0 * sure);
        }
        Ok(Cover { shares, usual })
    }

    /// What the face usually looks like, turned so far.
    fn usual(&self, pose_deg: [f32; 2]) -> Arc<RgbImage> {
        let step = pose_deg.map(|degrees| (degrees / STEP_DEG).round() as i32);
        let known = || self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usual) = known().get(&step) {
            return Arc::clone(usual);
        }
        // two threads may do it at once: they come to the same
        let nearest = nearest(&self.known, step.map(|step| step as f32 * STEP_DEG));
        let typical = self.typical.data.as_chunks::<3>().0;
        let usual = Arc::new(median(&nearest, |place| typical[place]));
        known().insert(step, Arc::clone(&usual));
        usual
    }
}

/// The faces that say what is usual: of all that are kept of the person in the clip, in even steps.
pub(crate) fn known_faces(index: &Index, clip: &Clip) -> Result<Vec<FaceId>, SwapError> {
    const PORTION: usize = 500;
    let mut faces = Vec::new();
    for from in (0..clip.info.frames).step_by(PORTION) {
        let portion = index.person_faces_in(clip.id, &clip.person, from..from + PORTION)?;
        let kept = portion.into_iter().filter(|face| face.verdict != Some(Verdict::Rejected));
        faces.extend(kept.filter(|face| face.record.crop.is_some()).map(|face| face.id));
    }
    let step = faces.len().div_ceil(KNOWN).max(1);
    Ok(faces.into_iter().step_by(step).collect())
}

impl Known {
    fn new(pose_deg: [f32; 2], flat: &RgbImage, seen: &[f32]) -> Self {
        let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
        let pixels = flat.data.as_chunks::<3>().0.iter().map(|pixel| pixel.map(byte)).collect();
        let clear = seen.iter().map(|seen| *seen > 0.5).collect();
        Self { pose_deg, pixels, clear }
    }

    fn picture(&self) -> RgbImage {
        let data = self.pixels.as_flattened().iter().map(|&byte| f32::from(byte) / 255.0).collect();
        RgbImage { width: SIZE_PX, height: SIZE_PX, data }
    }
}

/// The faces nearest to a pose.
fn nearest(known: &[Known], pose_deg: [f32; 2]) -> Vec<&Known> {
    let apart = |known: &Known| -> f32 {
        known.pose_deg.iter().zip(pose_deg).map(|(own, wanted)| (own - wanted).powi(2)).sum()
    };
    let mut nearest: Vec<&Known> = known.iter().collect();
    nearest.sort_by(|one, other| apart(one).total_cmp(&apart(other)));
    nearest.truncate(NEAREST);
    nearest
}

/// The median of some faces, of those in which a place is clear; of an even number the lower one in the middle. What
/// `otherwise` says where that is too few of them.
fn median(known: &[&Known], otherwise: impl Fn(usize) -> [f32; 3] + Sync) -> RgbImage {
    let least = LEAST_CLEAR.min(known.len()).max(1);
    let mut median = RgbImage::new(SIZE_PX, SIZE_PX);
    let pixels = median.data.as_chunks_mut::<3>().0;
    pixels.par_iter_mut().with_min_len(1 << 10).enumerate().for_each(|(place, pixel)| {
        let clear = known.iter().filter(|known| known.clear[place]);
        let clear: Vec<[u8; 3]> = clear.map(|known| known.pixels[place]).collect();
        if clear.len() < least {
            *pixel = otherwise(place);
            return;
        }
        for (c, value) in pixel.iter_mut().enumerate() {
            let mut values: Vec<u8> = clear.iter().map(|pixel| pixel[c]).collect();
            let middle = (values.len() - 1) / 2;
            *value = f32::from(*values.select_nth_unstable(middle).1) / 255.0;
        }
    });
    median
}

/// Black where a face was not seen, as the network wants it.
fn darkened(mut picture: RgbImage, seen: &[f32]) -> RgbImage {
    for (pixel, seen) in picture.data.as_chunks_mut::<3>().0.iter_mut().zip(seen) {
        pixel.iter_mut().for_each(|value| *value *= seen);
    }
    picture
}

impl Cover {
    /// Puts what is usual into a flattened face wherever something covers it: what the network has never seen, it could not
    /// draw.
    ///
    /// # Errors
    /// [`SwapError::Picture`] when it cannot be scaled.
    pub(crate) fn uncover(&self, face: &mut RgbImage) -> Result<(), SwapError> {
        let (width, height) = (face.width, face.height);
        let cover = self.picture()?.resize(width, height, ResizeFilter::Area)?;
        let usual = self.usual.resize(width, height, ResizeFilter::Area)?;
        for (value, (cover, usual)) in face.data.iter_mut().zip(cover.data.iter().zip(&usual.data)) {
            *value += cover * (usual - *value);
        }
        Ok(())
    }

    /// How far each pixel of `footage` is covered, in which the mesh's points lie at `points`, each `depths` away; `None` where
    /// nothing is. A share that only this frame has, and neither the one `before` nor the one `after`, is chance.
    ///
    /// # Errors
    /// [`SwapError::Picture`] when it cannot be scaled.
    pub(crate) fn over(
        &self,
        [before, after]: [Option<&Cover>; 2],
        points: &[Point],
        depths: &[f32],
        footage: &RgbImage,
    ) -> Result<Option<Vec<f32>>, SwapError> {
        let mut steady = Self { shares: self.shares.clone(), usual: Arc::clone(&self.usual) };
        if let (Some(before), Some(after)) = (before, after) {
            for (share, (before, after)) in
                steady.shares.iter_mut().zip(before.shares.iter().zip(&after.shares))
            {
                *share = share.clamp(before.min(*after), before.max(*after));
            }
        }
        if steady.shares.iter().all(|&share| share == 0.0) {
            // nothing is in front: no need to look for its edge
            return Ok(None);
        }
        let size_px = footage.width;
        let cover = unflatten(&steady.picture()?, points, depths, size_px);
        let cover: Vec<f32> = cover.data.as_chunks::<3>().0.iter().map(|pixel| pixel[0]).collect();
        Ok(Some(along_edges(&cover, &footage.lumas(), size_px)))
    }

    fn picture(&self) -> Result<RgbImage, SwapError> {
        let shares = self.shares.iter().flat_map(|&share| [share; 3]).collect();
        Ok(RgbImage::from_data(SIZE_PX, SIZE_PX, shares)?)
    }
}

/// A plane of 0 to 1 with its edges where a picture has them (guided filter, He, Sun and Tang 2013): within a few pixels it
/// becomes the linear function of the picture that fits it best.
fn along_edges(plane: &[f32], guide: &[f32], width: usize) -> Vec<f32> {
    let reach = (EDGE * width as f32).round() as usize;
    let mean = |values: &[f32]| averaged(values, width, reach);
    let product = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let (of_guide, of_plane) = (mean(guide), mean(plane));
    let (squares, products) = (mean(&product(guide, guide)), mean(&product(guide, plane)));
    let slopes: Vec<f32> = (0..plane.len())
        .map(|p| {
            let variance = squares[p] - of_guide[p] * of_guide[p];
            (products[p] - of_guide[p] * of_plane[p]) / (variance.max(0.0) + EDGE_VARIANCE)
        })
        .collect();
    let offsets: Vec<f32> = (0..plane.len()).map(|p| of_plane[p] - slopes[p] * of_guide[p]).collect();
    let (slopes, offsets) = (mean(&slopes), mean(&offsets));
    (0..plane.len()).map(|p| (slopes[p] * guide[p] + offsets[p]).clamp(0.0, 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(yaw: f32, value: f32, seen: f32) -> Known {
        let flat = RgbImage::filled(SIZE_PX, SIZE_PX, [value, 0.5, 0.0]);
        Known::new([yaw, 0.0], &flat, &vec![seen; SIZE_PX * SIZE_PX])
    }

    #[test]
    fn usual_is_the_median_of_the_nearest_poses_where_they_are_clear() {
        let mut faces: Vec<Known> = (0..15).map(|i| known(i as f32 * 0.1, 0.2, 1.0)).collect();
        faces[3] = known(0.3, 1.0, 1.0);
        faces[4] = known(0.4, 0.9, 0.2);
        faces.extend((0..15).map(|_| known(30.0, 0.8, 1.0)));
        let usual =
            |faces: &[Known], yaw: f32| median(&nearest(faces, [yaw, 0.0]), |_| [0.125; 3]).get(64, 64);
        assert_eq!(usual(&faces, 0.0), [51.0 / 255.0, 128.0 / 255.0, 0.0]);
        assert_eq!(usual(&faces, 40.0)[0], 204.0 / 255.0);
        // of two the lower one
        assert_eq!(usual(&[known(0.0, 0.4, 1.0), known(0.0, 0.2, 1.0)], 0.0)[0], 51.0 / 255.0);
        assert_eq!(usual(&[known(0.0, 0.4, 0.0)], 0.0), [0.125; 3]);
    }

    fn cover(share: f32) -> Cover {
        let usual = Arc::new(RgbImage::filled(SIZE_PX, SIZE_PX, [0.25; 3]));
        Cover { shares: vec![share; SIZE_PX * SIZE_PX], usual }
    }

    #[test]
    fn what_is_covered_becomes_usual() {
        let mut face = RgbImage::filled(64, 64, [0.75; 3]);
        cover(0.5).uncover(&mut face).unwrap();
        assert!(face.data.iter().all(|value| (value - 0.5).abs() < 1e-6));
    }

    #[test]
    fn what_is_covered_is_told_unless_it_is_chance() {
        let mesh = bifrons_vision::align::flat_mesh(96);
        let points: Vec<Point> =
            mesh.points().iter().map(|p| Point::new(f64::from(p[0]), f64::from(p[1]))).collect();
        let middle = |neighbours: [Option<&Cover>; 2]| {
            let footage = RgbImage::filled(96, 96, [0.5; 3]);
            let covered = cover(0.75).over(neighbours, &points, &[0.0; 478], &footage).unwrap()?;
            assert_eq!(covered[0], 0.0, "beyond the face");
            Some(covered[48 * 96 + 48])
        };
        let (none, more) = (cover(0.0), cover(1.0));
        let is = |found: Option<f32>| found.is_some_and(|found| (found - 0.75).abs() < 1e-4);
        assert!(is(middle([None, None])));
        assert_eq!(middle([Some(&none), Some(&none)]), None, "only here");
        assert!(is(middle([Some(&none), Some(&more)])), "moving in");
    }

    #[test]
    fn an_edge_moves_to_where_the_picture_has_one_and_stays_where_it_has_none() {
        const SIZE: usize = 192;
        // the plane rises at 90 over ten pixels, the picture steps at 92
        let ramp = |x: usize| ((x as f32 - 85.0) / 10.0).clamp(0.0, 1.0);
        let plane: Vec<f32> = (0..SIZE * SIZE).map(|p| ramp(p % SIZE)).collect();
        let step: Vec<f32> = (0..SIZE * SIZE).map(|p| if p % SIZE < 92 { 0.3 } else { 0.6 }).collect();
        let found = along_edges(&plane, &step, SIZE);
        let row = &found[96 * SIZE..97 * SIZE];
        assert!(row[91] < ramp(91) - 0.1 && row[92] > ramp(92) + 0.1, "{} {}", row[91], row[92]);
        assert!(row[70] < 0.01 && row[110] > 0.99);
        let flat = along_edges(&plane, &[0.5; SIZE * SIZE], SIZE);
        let row = &flat[96 * SIZE..97 * SIZE];
        assert!((row[90] - ramp(90)).abs() < 0.05 && row[70] < 0.01 && row[110] > 0.99);
    }
}
