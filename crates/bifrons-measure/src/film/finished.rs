//! Footage as a finished film shows it: with the same invisible mark and the same visible line.
//!
//! A finished film differs from its footage by the face and by what finishing put into it. Only the face is to be measured.
//! So finishing is done to the footage, too, in memory, and both are compared like with like. How grainy, sharp or unsteady
//! the result is is compared with the footage as it was filmed, less what finishing adds to the footage's own figure when
//! both are encoded as films are: were both only finished, two films would seem more alike than they are. Nothing is taken out
//! of any picture.

use bifrons_media::{Clip, Encoding, Frame, FrameReader, FrameSink, LumaThumbnail, PixelRect, RgbImage};
use bifrons_vision::{Picture, VisionError};
use tempfile::TempDir;

use crate::MeasureError;

/// What finishing does to a frame.
pub(super) type Finish<'a> = &'a (dyn Fn(&mut Frame) + Sync);

/// A frame of footage, as filmed and as it would be finished.
#[derive(Debug)]
pub(super) struct Filmed {
    pub(super) plain: Frame,
    /// `None` when finishing adds nothing.
    finished: Option<Frame>,
    /// The frame as filmed and finished, both after encoding.
    encoded: Option<[Frame; 2]>,
}

impl Filmed {
    pub(super) fn new(plain: Frame, finish: Option<Finish<'_>>) -> Self {
        let finished = finish.map(|finish| {
            let mut frame = plain.clone();
            finish(&mut frame);
            frame
        });
        Self { plain, finished, encoded: None }
    }

    pub(super) fn with_encoded(self, encoded: Option<[Frame; 2]>) -> Self {
        Self { encoded, ..self }
    }

    /// The frame without and with what finishing adds, as films show it; `None` when it adds nothing.
    pub(super) fn without_and_with(&self) -> Option<[&Frame; 2]> {
        let finished = self.finished.as_ref()?;
        Some(self.encoded.as_ref().map_or([&self.plain, finished], |[plain, finished]| [plain, finished]))
    }

    /// What a result is to be compared with.
    pub(super) fn finished(&self) -> &Frame {
        self.finished.as_ref().unwrap_or(&self.plain)
    }
}

/// The footage encoded twice as films are, as filmed and finished, with no face replaced.
pub(super) struct EncodedTwice {
    films: [FrameReader; 2],
    _folder: TempDir,
}

impl EncodedTwice {
    /// The first `count` frames.
    pub(super) fn of(footage: &Clip, count: usize, finish: Finish<'_>) -> Result<Self, MeasureError> {
        let folder =
            tempfile::tempdir().map_err(|source| MeasureError::Io { path: std::env::temp_dir(), source })?;
        let paths = ["plain.mp4", "finished.mp4"].map(|name| folder.path().join(name));
        let sink = |path| FrameSink::create(footage, 0..count, &Encoding::default(), path);
        let (mut plain, mut finished) = (sink(&paths[0])?, sink(&paths[1])?);
        let mut reader = footage.read(0)?;
        for _ in 0..count {
            let Some(frame) = reader.next_frame()? else { break };
            let frame = Filmed::new(frame, Some(finish));
            plain.write(&frame.plain)?;
            finished.write(frame.finished())?;
        }
        plain.finish()?;
        finished.finish()?;
        let [plain, finished] = paths.map(|path| Clip::open(&path).and_then(|clip| clip.read(0)));
        Ok(Self { films: [plain?, finished?], _folder: folder })
    }

    /// The next frame of both.
    pub(super) fn next_frames(&mut self) -> Result<Option<[Frame; 2]>, MeasureError> {
        let [plain, finished] = &mut self.films;
        Ok(plain.next_frame()?.zip(finished.next_frame()?).map(|(plain, finished)| [plain, finished]))
    }
}

/// Faces are looked for in both films alike.
impl Picture for Filmed {
    fn width_px(&self) -> usize {
        self.plain.width_px()
    }

    fn height_px(&self) -> usize {
        self.plain.height_px()
    }

    fn rgb(&self, rect: PixelRect) -> RgbImage {
        self.finished().rgb(rect)
    }

    fn view(&self, size_px: usize) -> Result<(RgbImage, f64, f64), VisionError> {
        self.finished().view(size_px)
    }

    fn luma_thumbnail(&self) -> Result<LumaThumbnail, VisionError> {
        Picture::luma_thumbnail(self.finished())
    }
}

/// A figure of the result less what finishing adds to that of the footage; exact for energies, as what is independent of each
/// other adds its energies. Never below 0.
pub(super) fn less(result: f64, finished: f64, plain: f64) -> f64 {
    (result - (finished - plain)).max(0.0)
}

/// The same for an amplitude, whose square is an energy.
pub(super) fn amplitude_less(result: f64, finished: f64, plain: f64) -> f64 {
    less(result * result, finished * finished, plain * plain).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finishing_adds_to_the_footage_does_not_count_for_the_result() {
        // 3² + 4² = 5²; of 13, which is 12² + 5², 12² + 3² is left
        assert_eq!(amplitude_less(5.0, 5.0, 3.0), 3.0);
        assert!((amplitude_less(13.0, 5.0, 3.0) - 153f64.sqrt()).abs() < 1e-12);
        assert_eq!(less(7.0, 3.0, 1.0), 5.0);
        assert_eq!((less(1.0, 3.0, 1.0), amplitude_less(1.0, 3.0, 1.0)), (0.0, 0.0));
        // without finishing nothing changes
        assert_eq!((less(0.3, 2.0, 2.0), amplitude_less(0.5, 2.0, 2.0)), (0.3, 0.5));
    }
}
