//! One face: what the network sees of it, and what it draws instead.

use bifrons_media::{Frame, ResizeFilter, RgbImage};
use bifrons_net::{Device, Geometry, Hourglass, Network, Tensor};
use bifrons_project::{Checkpoint, Clip, Face, Index};
use bifrons_training::load_net;
use bifrons_vision::align::{
    FlatMask, Framing, Shape, crop_from_canonical, crop_from_frame, flatten, hull_mask, unflatten,
};
use bifrons_vision::geometry::{Border, Point, Similarity, needed_rect, warp, warp_plane};
use bifrons_vision::{Mesh, pose};

use crate::SwapError;
use crate::detail::{Details, Sizes, Whose};
use crate::laid::Laid;
use crate::occlusion::{Cover, Occluders};
use crate::steady::{REACH, steadied};
use crate::swap::faces_spread;
use crate::usual::{relight, usual_face, usual_of};

/// Side of a patch, in pixels: fine enough for its mask and colours, whatever the network draws at.
pub const PATCH_PX: usize = 384;
/// Width of the mask's soft edge, as a share of the patch's side.
pub(crate) const SOFT_EDGE: f32 = 0.075;
/// Width of the stretch in which coarse colours change over, as a share of the patch's side.
const WIDE_EDGE: f32 = 0.2;

/// Faces of the footage by which it is told how finely they are drawn.
const FACES_OF_FOOTAGE: usize = 24;

/// A drawn face in its own square, with what lies there in the footage.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The new face, `PATCH_PX` squared; meaningless outside the mask.
    pub drawn: RgbImage,
    /// The footage, aligned alike.
    pub footage: RgbImage,
    /// Where the new face counts, 0 to 1, `PATCH_PX` squared, 0 along the border.
    pub mask: Vec<f32>,
    /// Where the face's own coarse colours count, 0 at the outline to 1 well inside.
    pub deep: Vec<f32>,
    /// From displayed frame pixels to patch pixels.
    pub patch_from_frame: Similarity,
}

/// A face as the network drew it, not yet laid where it was filmed.
#[derive(Debug)]
pub(crate) struct Sketch {
    /// Flattened, or aligned, as the network lays faces.
    face: RgbImage,
    /// The footage there, `PATCH_PX` squared.
    footage: RgbImage,
    mesh: Mesh,
    patch_from_frame: Similarity,
    /// What lies in front of the face in the footage, where that is looked for.
    cover: Option<Cover>,
}

/// What it takes to flatten faces, and to lay them out again.
#[derive(Debug)]
struct Flat {
    /// What the person filmed and the one who is drawn are shaped like.
    filmed: Shape,
    drawn: Shape,
    /// Where a flattened face is one, at the sizes of input and patch.
    of_input: FlatMask,
    of_patch: FlatMask,
    /// What the person filmed usually looks like, as large as the input.
    usual: RgbImage,
    /// What drawings must be multiplied by to be in the footage's light, `PATCH_PX` squared. Empty where that is not known.
    relight: Vec<f32>,
    /// What the network leaves out.
    details: Option<Details>,
}

/// Draws faces as one person.
#[derive(Debug)]
pub struct Painter {
    net: Hourglass,
    decoder: usize,
    /// `None` for a network of aligned faces.
    flat: Option<Flat>,
    /// `None` where the new face covers everything.
    occluders: Option<Occluders>,
    network: Network,
    device: Device,
}

impl Painter {
    /// Draws as `person` with the network of a checkpoint, for footage of `footage`, whose shape is looked up with
    /// `shape` if the model does not know it.
    ///
    /// # Errors
    /// [`SwapError::NotTrained`] when the model does not know the person, [`SwapError::Model`] when it cannot be
    /// loaded.
    pub fn load(
        checkpoint: &Checkpoint,
        person: &str,
        footage: &str,
        shape: impl FnOnce() -> Result<Shape, SwapError>,
        device: &Device,
    ) -> Result<Self, SwapError> {
        let (net, meta) = load_net(checkpoint, device)?;
        let Some(decoder) = meta.people.iter().position(|name| name == person) else {
            return Err(SwapError::NotTrained { person: person.to_owned(), known: meta.people.join(", ") });
        };
        let network = &meta.preset.network;
        let flat = match network.geometry {
            Geometry::Aligned => None,
            Geometry::Flattened => {
                let shape_of = |name: &str| {
                    let mut known = meta.people.iter().zip(&meta.shapes);
                    known.find(|(other, _)| *other == name).map(|(_, shape)| shape.clone())
                };
                let filmed = shape_of(footage).map_or_else(shape, Ok)?;
                Some(Flat {
                    drawn: shape_of(person).unwrap_or_else(|| filmed.clone()),
                    filmed,
                    of_input: FlatMask::new(network.input_px, 1.0),
                    of_patch: FlatMask::new(PATCH_PX, 1.0),
                    usual: RgbImage::new(network.input_px, network.input_px),
                    relight: Vec::new(),
                    details: None,
                })
            }
        };
        let (net, device, network) = (net.settled(decoder), device.clone(), network.clone());
        Ok(Self { net, decoder, flat, occluders: None, network, device })
    }

    /// Keeps in front what lies in front of the face of the person who is replaced in `clip`.
    ///
    /// # Errors
    /// [`SwapError::Project`], [`SwapError::Vision`].
    pub fn behind_occluders(mut self, index: &Index, clip: &Clip) -> Result<Self, SwapError> {
        self.occluders = Occluders::of_clip(index, clip)?;
        Ok(self)
    }

    /// Looks up in the project what `person`, who is drawn, and the person filmed in `footage` usually look like, in what light,
    /// and what the network leaves out of drawings of `footage`'s faces.
    ///
    /// # Errors
    /// [`SwapError::NoFaces`], [`SwapError::Project`]; [`SwapError::NotAPicture`] as [`sketch`](Self::sketch).
    pub fn acquainted(mut self, index: &Index, person: &str, footage: &Clip) -> Result<Self, SwapError> {
        let Some(flat) = &mut self.flat else { return Ok(self) };
        let faces = faces_spread(index, footage, FACES_OF_FOOTAGE)?;
        let usual = |person: &str, otherwise: &[Face]| {
            usual_face(index, &usual_of(index, person, otherwise)?, &flat.of_input, self.network.input_px)
        };
        let (drawn, filmed) = (usual(person, &[])?, usual(&footage.person, &faces)?);
        if self.network.centred {
            let Some(filmed) = filmed else {
                return Err(SwapError::NoFaces { person: footage.person.clone() });
            };
            // a network that sees faces as they are draws them in the light that they are in; and somebody whom the project does
            // not know may be lit in any way
            if let Some(drawn) = &drawn {
                flat.relight = relight(drawn, &filmed, &flat.of_input, PATCH_PX)?;
            }
            flat.usual = filmed;
        }
        // without faces of theirs there are no references either
        let drawn = drawn.unwrap_or_else(|| flat.usual.clone());
        let sizes =
            Sizes { input_px: self.network.input_px, drawn_px: self.network.output_px, size_px: PATCH_PX };
        let of_footage = flat.usual.clone();
        let details = Details::of_person(index, person, &faces, sizes, |face, seen, whose| {
            let usual = match whose {
                Whose::Drawn => &drawn,
                Whose::Filmed => &of_footage,
            };
            self.draw(0, face, seen, usual)
        })?;
        self.flat = self.flat.map(|flat| Flat { details: Some(details), ..flat });
        Ok(self)
    }

    /// Leaves drawings in the light that the person who is drawn is usually in.
    #[must_use]
    pub(crate) fn in_own_light(mut self) -> Self {
        if let Some(flat) = &mut self.flat {
            flat.relight.clear();
        }
        self
    }

    /// Draws the face under `mesh`, as the network lays faces.
    ///
    /// # Errors
    /// [`SwapError::NotAPicture`] when the network gives anything that is not a finite number.
    pub(crate) fn sketch(&self, frame: &Frame, mesh: Mesh) -> Result<Sketch, SwapError> {
        let crop_from_frame = crop_from_frame(&mesh);
        let patch_from_frame = Framing::Face.from_crop(PATCH_PX) * crop_from_frame;
        let footage = aligned(frame, &patch_from_frame, PATCH_PX);
        let points = mesh.points_in(&patch_from_frame);
        let scale = (Framing::Face.from_crop(PATCH_PX) * crop_from_canonical()).scale();
        let cover = self.occluders.as_ref();
        let cover = cover.map(|known| known.cover(&footage, &points, scale, pose(&mesh))).transpose()?;
        let face = match &self.flat {
            None => {
                let input_from_frame = Framing::Face.from_crop(self.network.input_px) * crop_from_frame;
                let seen = hull_mask(&mesh.points_in(&input_from_frame), self.network.input_px, 0.0);
                let face = aligned(frame, &input_from_frame, self.network.input_px);
                let nothing = RgbImage::new(self.network.input_px, self.network.input_px);
                self.draw(frame.index(), &face, &seen, &nothing)?
            }
            Some(Flat { of_input, usual, .. }) => {
                let (mut flat, seen) = flatten(&footage, &points, scale, self.network.input_px, 1.0);
                if let Some(cover) = &cover {
                    cover.uncover(&mut flat)?;
                }
                let seen: Vec<f32> =
                    seen.iter().zip(of_input.inside()).map(|(seen, inside)| seen * inside).collect();
                self.draw(frame.index(), &flat, &seen, usual)?
            }
        };
        Ok(Sketch { face, footage, mesh, patch_from_frame, cover })
    }

    /// Frames before and after whose drawings steady one.
    pub(crate) fn reach(&self) -> usize {
        if self.flat.is_some() { REACH } else { 0 }
    }

    /// Lays a drawn face where it was filmed, steadied by drawings of the same face, each so many frames before (below 0) or
    /// after. `plain`: whether it may be wanted with less or more detail.
    ///
    /// # Errors
    /// [`SwapError::Picture`] when the drawing cannot be scaled.
    pub(crate) fn lay(
        &self,
        sketch: &Sketch,
        neighbours: &[(isize, &Sketch)],
        plain: bool,
    ) -> Result<Laid, SwapError> {
        let Sketch { face, footage, mesh, patch_from_frame, cover } = sketch;
        let near = neighbours.iter().map(|(frames, sketch)| (frames.unsigned_abs(), &sketch.face));
        let steady = steadied(face, near);
        let mut face = steady.resize(PATCH_PX, PATCH_PX, ResizeFilter::Lanczos)?;
        let (drawn, plain) = match &self.flat {
            None => (face, None),
            Some(Flat { filmed, drawn, of_patch, relight, details, .. }) => {
                let moved = Shape::moved(mesh, filmed, drawn);
                let (places, depths) = (moved.points_in(patch_from_frame), depths(&moved));
                let laid = |face: &RgbImage| {
                    let mut face = face.clone();
                    for (pixel, factor) in face.data.as_chunks_mut::<3>().0.iter_mut().zip(relight) {
                        pixel.iter_mut().for_each(|value| *value *= factor);
                    }
                    unflatten(&of_patch.continued(&face), &places, &depths, PATCH_PX)
                };
                let plain = (plain && details.is_some()).then(|| laid(&face));
                if let Some(details) = details {
                    details.add(&steady, &mut face);
                }
                (laid(&face), plain)
            }
        };
        let points = mesh.points_in(patch_from_frame);
        let cover = match cover {
            None => None,
            Some(cover) => {
                let beside = [-1, 1].map(|wanted| {
                    let found = neighbours.iter().find(|(frames, _)| *frames == wanted);
                    found.and_then(|(_, sketch)| sketch.cover.as_ref())
                });
                cover.over(beside, &points, &depths(mesh), footage)?
            }
        };
        let mask = face_mask(&points, SOFT_EDGE, cover.as_deref());
        let smaller = Similarity::about(Point::new(0.0, 0.0), Point::new(0.0, 0.0), DEEP, 0.0);
        let deep = deep_mask(&mesh.points_in(&(smaller * *patch_from_frame)));
        let patch =
            Patch { drawn, footage: footage.clone(), mask, deep, patch_from_frame: *patch_from_frame };
        Ok(Laid { patch, plain, points, cover })
    }

    /// What the network makes of a face of somebody who usually looks like `usual`; nothing is shown where `seen` is 0, as in
    /// training.
    fn draw(
        &self,
        frame: usize,
        face: &RgbImage,
        seen: &[f32],
        usual: &RgbImage,
    ) -> Result<RgbImage, SwapError> {
        let size = self.network.input_px;
        let mut planes = face.to_planes();
        for ((value, usual), seen) in planes.iter_mut().zip(usual.to_planes()).zip(seen.iter().cycle()) {
            *value = seen * self.network.shown(*value, usual);
        }
        let input = Tensor::<1>::from_floats(planes.as_slice(), &self.device).reshape([1, 3, size, size]);
        let drawn = self.net.forward(input, self.decoder).into_data();
        let drawn: Vec<f32> = drawn.iter::<f32>().collect();
        if drawn.iter().any(|value| !value.is_finite()) {
            return Err(SwapError::NotAPicture { frame });
        }
        Ok(RgbImage::from_planes(self.network.output_px, self.network.output_px, &drawn)?)
    }
}

/// How far away each point is.
fn depths(mesh: &Mesh) -> Vec<f32> {
    mesh.points().iter().map(|point| point[2]).collect()
}

/// Where a face counts whose mesh's points lie at `points` in the patch, but for what covers it. `soft_edge` is a share of the
/// patch's side.
pub(crate) fn face_mask(points: &[Point], soft_edge: f32, cover: Option<&[f32]>) -> Vec<f32> {
    let mut mask = hull_mask(points, PATCH_PX, soft_edge * PATCH_PX as f32);
    if let Some(cover) = cover {
        mask.iter_mut().zip(cover).for_each(|(mask, cover)| *mask *= 1.0 - cover);
    }
    mask
}

/// Scale at which the wide edge is drawn: it needs few pixels.
pub(crate) const DEEP: f64 = 0.25;

/// Where a face's own coarse colours count; `points` are the mesh's in the patch, scaled by [`DEEP`].
pub(crate) fn deep_mask(points: &[Point]) -> Vec<f32> {
    const SMALL_PX: usize = PATCH_PX / 4;
    let smaller = Similarity::about(Point::new(0.0, 0.0), Point::new(0.0, 0.0), DEEP, 0.0);
    let small = hull_mask(points, SMALL_PX, WIDE_EDGE * SMALL_PX as f32);
    warp_plane(&small, SMALL_PX, SMALL_PX, &smaller.inverse(), PATCH_PX, PATCH_PX, Border::Constant(0.0))
}

/// A square of the frame, aligned; outside the frame its border goes on.
pub(crate) fn aligned(frame: &Frame, target_from_frame: &Similarity, size_px: usize) -> RgbImage {
    let rect = needed_rect(target_from_frame, size_px, size_px, frame.width_px(), frame.height_px());
    let part = frame.rgb(rect);
    let target_from_part = *target_from_frame * Similarity::translation(rect.x as f64, rect.y as f64);
    warp(&part, &target_from_part, size_px, size_px, Border::Replicate)
}
