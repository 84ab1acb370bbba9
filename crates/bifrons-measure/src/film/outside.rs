//! Pixels that should not have changed, against what encoding alone does to them.

use bifrons_media::{Clip, Encoding, FrameSink, RgbImage};
use bifrons_vision::BoundingBox;

use super::finished::{Filmed, Finish};
use crate::MeasureError;
use crate::picture::psnr_db;

/// Frames compared: those of a film's first chunk, so that the plain encoding is exactly the one a converted film has.
pub(super) const COMPARED_FRAMES: usize = 96;

/// Mean PSNR in dB outside of all faces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outside {
    /// Of the result against the footage.
    pub(super) result_db: f64,
    /// Of the footage, encoded plainly with the same settings, against itself.
    pub(super) plain_db: f64,
}

/// Encodes the first frames of a film as `bifrons convert` does, finished and with no face replaced, and compares both with the
/// finished frames. `rooms` are the
/// boxes of all faces in each of these frames, with room for masks. `None` when faces fill the frames.
pub(super) fn outside(
    footage: &Clip,
    result: &Clip,
    rooms: &[Vec<BoundingBox>],
    finish: Option<Finish<'_>>,
) -> Result<Option<Outside>, MeasureError> {
    let folder =
        tempfile::tempdir().map_err(|source| MeasureError::Io { path: std::env::temp_dir(), source })?;
    let plain_path = folder.path().join("plain.mp4");
    let count = rooms.len().min(footage.frame_count());
    let mut sink = FrameSink::create(footage, 0..count, &Encoding::default(), &plain_path)?;
    let mut reader = footage.read(0)?;
    for _ in 0..count {
        if let Some(frame) = reader.next_frame()? {
            sink.write(Filmed::new(frame, finish).finished())?;
        }
    }
    sink.finish()?;
    let plain = Clip::open(&plain_path)?;
    let (mut filmed, mut shown, mut encoded) = (footage.read(0)?, result.read(0)?, plain.read(0)?);
    let (mut result_db, mut plain_db) = (Vec::new(), Vec::new());
    for rooms in &rooms[..count] {
        let (Some(filmed), Some(shown), Some(encoded)) =
            (filmed.next_frame()?, shown.next_frame()?, encoded.next_frame()?)
        else {
            break;
        };
        let filmed = Filmed::new(filmed, finish);
        let truth = filmed.finished().rgb(filmed.plain.whole());
        let mask = outside_of(rooms, &truth);
        result_db.extend(psnr_db(&shown.rgb(shown.whole()), &truth, Some(&mask)));
        plain_db.extend(psnr_db(&encoded.rgb(encoded.whole()), &truth, Some(&mask)));
    }
    let mean = crate::statistics::mean;
    Ok(mean(&result_db).zip(mean(&plain_db)).map(|(result_db, plain_db)| Outside { result_db, plain_db }))
}

/// 1 for pixels outside of all boxes.
fn outside_of(rooms: &[BoundingBox], picture: &RgbImage) -> Vec<f32> {
    (0..picture.width * picture.height)
        .map(|i| {
            let (x, y) = ((i % picture.width) as f32 + 0.5, (i / picture.width) as f32 + 0.5);
            f32::from(
                !rooms
                    .iter()
                    .any(|room| (room.left..room.right).contains(&x) && (room.top..room.bottom).contains(&y)),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_a_room_does_not_count() {
        let room = BoundingBox { left: 1.0, top: 0.0, right: 3.0, bottom: 1.0 };
        assert_eq!(outside_of(&[room], &RgbImage::new(4, 2)), [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    }
}
