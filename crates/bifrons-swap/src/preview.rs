//! Single frames of a film before it is made, to choose [`Settings`] by. They go the way that films go: the same drawing, the
//! same neighbours, the same composing.

use bifrons_media::{Clip, Frame, RgbImage};
use bifrons_project::{Clip as ClipRow, Index, Stop};
use bifrons_vision::geometry::{Border, warp_plane};

use crate::SwapError;
use crate::compose::{Look, Place, matte};
use crate::patch::{PATCH_PX, Painter};
use crate::settings::Settings;
use crate::swap::Swap;
use crate::window::{Drawn, For, Window, put_on};

/// What may be shown of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// As the film will show it.
    Result,
    /// Where the new faces count, white on black.
    Matte,
    /// The footage, with a colour over where the new faces count.
    Mask,
    /// The footage, with a colour over what is in front of the faces, whether it stays there or not.
    InFront,
}

/// Colours laid over the footage, and how strongly.
const MASK: [f32; 3] = [0.1, 0.85, 0.3];
const IN_FRONT: [f32; 3] = [0.95, 0.6, 0.05];
const TINT: f32 = 0.6;

/// Shows frames of one film.
#[derive(Debug)]
pub struct Preview {
    painter: Painter,
    row: ClipRow,
    clip: Clip,
}

/// A frame whose faces are drawn; how they are put on can still be chosen, which takes no time.
#[derive(Debug)]
pub struct Still {
    frame: Frame,
    faces: Vec<(Drawn, Look)>,
    steady: bool,
}

impl Preview {
    /// Loads what draws.
    ///
    /// # Errors
    /// As [`convert_film`](crate::convert_film).
    pub fn open(swap: &Swap<'_>) -> Result<Self, SwapError> {
        Ok(Self { clip: swap.open()?, painter: swap.painter()?, row: swap.clip.clone() })
    }

    /// Size of a frame as the footage stores it.
    #[must_use]
    pub fn stored_size_px(&self) -> (usize, usize) {
        self.clip.stored_size_px()
    }

    /// Draws the faces of a frame of the footage by itself: a first look, which is there soon. Of its neighbours only the
    /// meshes count.
    ///
    /// # Errors
    /// As [`stills`](Self::stills).
    pub fn first_look(&self, index: &Index, frame: Frame, stop: &Stop) -> Result<Option<Still>, SwapError> {
        let what_for = For::Look { steady: false, stop };
        let mut window = Window::new(index, &self.row, &self.clip, &self.painter, what_for);
        window.take(frame)?;
        let stills = window.next(1, |frame, faces| Ok(Still { frame, faces, steady: false }))?;
        Ok(stills.into_iter().next())
    }

    /// Draws the faces of `count` frames from `first` on as the film has them, with all neighbours that count there; fewer at
    /// the end of the clip.
    ///
    /// # Errors
    /// [`SwapError::Stopped`] when a stop was asked for; as [`convert_film`](crate::convert_film).
    pub fn stills(
        &self,
        index: &Index,
        first: usize,
        count: usize,
        stop: &Stop,
    ) -> Result<Vec<Still>, SwapError> {
        let what_for = For::Look { steady: true, stop };
        let mut window = Window::new(index, &self.row, &self.clip, &self.painter, what_for);
        window.seek(first)?;
        window.next(count, |frame, faces| Ok(Still { frame, faces, steady: true }))
    }
}

impl Still {
    /// Number of the frame.
    #[must_use]
    pub fn index(&self) -> usize {
        self.frame.index()
    }

    /// Whether it is the film's own frame, and not a first look.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        self.steady
    }

    /// The frame as it was filmed.
    #[must_use]
    pub fn footage(&self) -> &Frame {
        &self.frame
    }

    /// The frame by the settings of each track, and the share of it that the new faces cover.
    ///
    /// # Errors
    /// [`SwapError::Media`], [`SwapError::Picture`].
    pub fn view(&self, view: View, settings: impl Fn(u32) -> Settings) -> Result<(Frame, f64), SwapError> {
        let mut frame = self.frame.clone();
        let faces = put_on(&self.frame, &self.faces, settings);
        let places: Vec<&Place> = faces.iter().map(|face| face.place.as_ref()).collect();
        match view {
            View::Result => faces.iter().try_for_each(|face| face.compose(&mut frame))?,
            View::Matte => matte(&mut frame, &places)?,
            View::Mask => {
                for place in &places {
                    tint(&mut frame, place, &place.alpha, MASK)?;
                }
            }
            View::InFront => {
                for (face, _) in &self.faces {
                    if let Some(cover) = &face.laid.cover {
                        let (place, outside) = (&face.place, Border::Constant(0.0));
                        let (width, height) = (place.rect.width, place.rect.height);
                        let from_patch = &place.rect_from_patch;
                        let cover = warp_plane(cover, PATCH_PX, PATCH_PX, from_patch, width, height, outside);
                        tint(&mut frame, place, &cover, IN_FRONT)?;
                    }
                }
            }
        }
        let covered: f64 = places.iter().flat_map(|place| &place.alpha).map(|alpha| f64::from(*alpha)).sum();
        Ok((frame, covered / self.frame.whole().area_px().max(1) as f64))
    }

    /// Memory it takes, in bytes, nearly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let frame = 3 * self.frame.width_px() * self.frame.height_px();
        // a few pictures of three values and planes of one, four bytes each
        let alphas: usize = self.faces.iter().map(|(face, _)| 4 * face.place.alpha.len()).sum();
        frame + alphas + self.faces.len() * (3 * 3 + 3) * 4 * PATCH_PX * PATCH_PX
    }
}

/// Lays a colour over a face's place in the frame.
fn tint(frame: &mut Frame, place: &Place, share: &[f32], colour: [f32; 3]) -> Result<(), SwapError> {
    let rect = place.rect;
    if rect.is_empty() {
        return Ok(());
    }
    let mut picture: RgbImage = frame.rgb(rect);
    for (pixel, share) in picture.data.as_chunks_mut::<3>().0.iter_mut().zip(share) {
        for (value, colour) in pixel.iter_mut().zip(colour) {
            *value += TINT * share * (colour - *value);
        }
    }
    let touched: Vec<f32> = share.iter().map(|share| share.min(1.0)).collect();
    Ok(frame.set_rgb(rect, &picture, &touched)?)
}
