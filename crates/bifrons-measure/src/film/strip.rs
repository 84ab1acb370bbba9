//! What people look at: a face in the footage, in the result, and where they differ.

use bifrons_media::{Frame, ImageError, RgbImage};
use bifrons_vision::Mesh;
use bifrons_vision::align::{Framing, crop_from_frame};

use super::moment::aligned;

/// Side of each of the three pictures in pixels.
const SIDE_PX: usize = 176;
const JPEG_QUALITY: u8 = 82;
/// How much differences are enlarged, so that small ones are seen.
const DIFFERENCE_GAIN: f32 = 4.0;

/// Footage, result and difference of a frame side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strip {
    /// Number of the frame.
    pub frame: usize,
    /// A JPEG file.
    pub jpeg: Vec<u8>,
}

impl Strip {
    pub(super) fn draw(footage: &Frame, result: &Frame, mesh: &Mesh) -> Result<Self, ImageError> {
        let head_from_frame = Framing::Head.from_crop(SIDE_PX) * crop_from_frame(mesh);
        let before = aligned(footage, &head_from_frame, SIDE_PX);
        let after = aligned(result, &head_from_frame, SIDE_PX);
        let jpeg = side_by_side(&before, &after).encode_jpeg(JPEG_QUALITY)?;
        Ok(Self { frame: footage.index(), jpeg })
    }
}

fn side_by_side(before: &RgbImage, after: &RgbImage) -> RgbImage {
    let mut difference = before.clone();
    for (d, a) in difference.data.iter_mut().zip(&after.data) {
        *d = ((*d - a).abs() * DIFFERENCE_GAIN).min(1.0);
    }
    let mut strip = RgbImage::new(3 * before.width, before.height);
    for (column, picture) in [before, after, &difference].into_iter().enumerate() {
        strip.paste(picture, column * before.width, 0);
    }
    strip
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_picture_is_the_difference_four_times() {
        let (before, after) = (RgbImage::filled(4, 4, [0.5; 3]), RgbImage::filled(4, 4, [0.45; 3]));
        let strip = side_by_side(&before, &after);
        assert_eq!((strip.width, strip.height), (12, 4));
        assert!((strip.get(9, 1)[0] - 0.2).abs() < 1e-6 && strip.get(5, 1)[0] == 0.45);
    }
}
