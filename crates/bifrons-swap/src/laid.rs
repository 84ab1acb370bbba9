//! A face laid where it was filmed, and what settings make of it. Everything that takes long is done before: another mask or
//! other colours are a matter of milliseconds.

use std::borrow::Cow;

use bifrons_media::RgbImage;
use bifrons_vision::geometry::Point;

use crate::patch::{DEEP, Patch, deep_mask, face_mask};
use crate::settings::Settings;

/// A drawn face in its place.
#[derive(Debug)]
pub(crate) struct Laid {
    /// As it is by default. Colours and grain of the footage are measured by it, whatever is chosen: on the whole face, but
    /// for what covers it.
    pub(crate) patch: Patch,
    /// The drawn face without the identity's detail; `None` where it has none, or nobody wants it.
    pub(crate) plain: Option<RgbImage>,
    /// The mesh's points in the patch.
    pub(crate) points: Vec<Point>,
    /// How far each pixel of the patch is covered; `None` where nothing is in front of the face.
    pub(crate) cover: Option<Vec<f32>>,
}

impl Laid {
    /// The patch by these settings; by default it is the one that is there.
    pub(crate) fn adjusted(&self, settings: &Settings) -> Cow<'_, Patch> {
        let plain = self.plain.as_ref().filter(|_| settings.detail != Settings::DEFAULT.detail);
        if plain.is_none() && !settings.changes_mask() {
            return Cow::Borrowed(&self.patch);
        }
        let mut patch = self.patch.clone();
        if let Some(plain) = plain {
            for (value, plain) in patch.drawn.data.iter_mut().zip(&plain.data) {
                *value = plain + settings.detail * (*value - plain);
            }
        }
        if settings.changes_mask() {
            let points = scaled(&self.points, settings.mask_size);
            let cover = self.cover.as_deref().filter(|_| settings.keep_in_front);
            patch.mask = face_mask(&points, settings.feather, cover);
            if settings.mask_size != Settings::DEFAULT.mask_size {
                // colours must meet where the face ends now
                patch.deep = deep_mask(&points.iter().map(|point| *point * DEEP).collect::<Vec<_>>());
            }
        }
        Cow::Owned(patch)
    }
}

/// Points moved towards their middle.
fn scaled(points: &[Point], size: f32) -> Vec<Point> {
    if size == Settings::DEFAULT.mask_size {
        return points.to_vec();
    }
    let middle = Point::mean(points);
    points.iter().map(|&point| middle + (point - middle) * f64::from(size)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use bifrons_vision::align::flat_mesh;
    use bifrons_vision::geometry::Similarity;

    use super::*;
    use crate::patch::{PATCH_PX, SOFT_EDGE};

    /// The flattened face, drawn in one colour over another, half covered on its right.
    pub(crate) fn laid(detail: f32) -> Laid {
        let points: Vec<Point> = flat_mesh(PATCH_PX)
            .points()
            .iter()
            .map(|p| Point::new(f64::from(p[0]), f64::from(p[1])))
            .collect();
        let cover: Vec<f32> =
            (0..PATCH_PX * PATCH_PX).map(|p| if p % PATCH_PX > PATCH_PX / 2 { 0.5 } else { 0.0 }).collect();
        let small: Vec<Point> = points.iter().map(|point| *point * DEEP).collect();
        let patch = Patch {
            drawn: RgbImage::filled(PATCH_PX, PATCH_PX, [0.5 + detail; 3]),
            footage: RgbImage::filled(PATCH_PX, PATCH_PX, [0.25; 3]),
            mask: face_mask(&points, SOFT_EDGE, Some(&cover)),
            deep: deep_mask(&small),
            patch_from_frame: Similarity::translation(0.0, 0.0),
        };
        let plain = Some(RgbImage::filled(PATCH_PX, PATCH_PX, [0.5; 3]));
        Laid { patch, plain, points, cover: Some(cover) }
    }

    fn area(mask: &[f32]) -> f64 {
        mask.iter().map(|value| f64::from(*value)).sum()
    }

    #[test]
    fn by_default_it_is_the_very_patch_that_is_there() {
        let laid = laid(0.1);
        let Cow::Borrowed(patch) = laid.adjusted(&Settings::DEFAULT) else { panic!("a patch made anew") };
        assert!(std::ptr::eq(patch, &raw const laid.patch));
        // colours and grain are laid on later
        let colours = Settings { color_match: 0.0, grain: 2.0, ..Settings::DEFAULT };
        assert!(matches!(laid.adjusted(&colours), Cow::Borrowed(_)));
    }

    #[test]
    fn a_smaller_mask_lies_within_the_larger_one_in_proportion() {
        let laid = laid(0.1);
        let whole =
            |settings: Settings| laid.adjusted(&Settings { keep_in_front: false, ..settings }).mask.clone();
        let sharp = Settings { feather: 0.01, ..Settings::DEFAULT };
        let (full, half) = (whole(sharp), whole(Settings { mask_size: 0.5, ..sharp }));
        let share = area(&half) / area(&full);
        assert!((share - 0.25).abs() < 0.01, "{share}");
        assert!(half.iter().zip(&full).all(|(half, full)| half <= full));
        let soft = whole(Settings { feather: 0.25, ..Settings::DEFAULT });
        assert!(area(&soft) < 0.8 * area(&full) && soft.iter().zip(&full).all(|(soft, full)| soft <= full));
        // where the face ends now, its colours are the footage's
        let deep = laid.adjusted(&Settings { mask_size: 0.5, ..sharp }).deep.clone();
        let outside = deep.iter().zip(&half).filter(|(_, half)| **half == 0.0).map(|(deep, _)| *deep);
        assert!(outside.fold(0.0, f32::max) < 0.1);
    }

    #[test]
    fn what_is_in_front_is_kept_or_covered() {
        let laid = laid(0.1);
        let over = laid.adjusted(&Settings { keep_in_front: false, ..Settings::DEFAULT }).mask.clone();
        let middle = PATCH_PX / 2 * PATCH_PX + PATCH_PX / 2;
        let (left, right) = (middle - 40, middle + 40);
        assert_eq!([laid.patch.mask[left], laid.patch.mask[right]], [1.0, 0.5]);
        assert_eq!([over[left], over[right]], [1.0, 1.0]);
    }

    #[test]
    fn detail_is_added_as_far_as_asked() {
        let laid = laid(0.125);
        for (detail, value) in [(0.0, 0.5), (0.5, 0.5625), (1.0, 0.625), (2.0, 0.75)] {
            let patch = laid.adjusted(&Settings { detail, ..Settings::DEFAULT });
            assert!((patch.drawn.get(190, 190)[0] - value).abs() < 1e-6, "{detail}");
            assert_eq!(patch.mask, laid.patch.mask);
        }
        let plain = Laid { plain: None, ..laid };
        assert_eq!(plain.adjusted(&Settings { detail: 0.0, ..Settings::DEFAULT }).drawn, plain.patch.drawn);
    }
}
