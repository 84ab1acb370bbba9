//! Frames of films that are not made yet: drawn once, then shown by any settings.
//!
//! What is kept of a frame is everything that takes long; masks, colours and composing are done anew for each answer, by the
//! same code that makes films (`bifrons-swap`).

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use bifrons_extraction::gate;
use bifrons_media::{Frame, PixelRect, RgbImage};
use bifrons_net::{DeviceName, device};
use bifrons_project::{Clip, ClipFingerprint, ClipId, ProjectError, Purpose, Silent, Stop, Visit};
use bifrons_seal::label;
use bifrons_seal::mark::{Marker, number_of};
use bifrons_swap::{Adjustments, Preview, Settings, Still, Swap, View};
use bifrons_training::CheckpointMeta;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Deserialize;

use crate::error::Refusal;
use crate::pictures::{FRAME_QUALITY, shown};
use crate::recent::Recent;
use crate::state::{Shared, aside};

/// Memory for drawn frames: some dozen of full HD.
const STILLS_BYTES: usize = 160 << 20;
/// Frames on each side that are drawn along with one, since most of the work is shared.
const BESIDE: usize = 2;
/// Room around a face that is looked at closely, in parts of its size on each side.
const AROUND: f32 = 0.45;

/// What the page asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    clip: i64,
    frame: usize,
    view: ViewName,
    /// Whether only the surroundings of the face are wanted, in full resolution.
    close: bool,
    /// Whose face is put on; not needed for the footage.
    identity: Option<String>,
    /// For all faces of the frame; those that were chosen for their tracks when absent.
    settings: Option<Settings>,
    /// Whether it is worth waiting for all neighbours in time.
    #[serde(default)]
    steady: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ViewName {
    Footage,
    Result,
    Matte,
    Mask,
    InFront,
}

/// The newest model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// Iterations; `None` when there is none yet.
    pub(crate) step: Option<u64>,
    /// Whom it can draw.
    pub(crate) people: Vec<String>,
}

/// What was loaded and drawn.
#[derive(Debug)]
pub(crate) struct Stills {
    model: Mutex<Model>,
    loaded: Mutex<Option<Arc<Loaded>>>,
    kept: Mutex<Recent<(u64, usize, bool), Arc<Still>>>,
    /// Held while neighbours are drawn: that takes all the processor there is.
    steadying: Mutex<()>,
    /// The frame for which that was asked last, and what gives it up.
    newest: Mutex<(Option<(u64, usize)>, Stop)>,
    /// Threads for it alone: who moves a slider meanwhile does not stand in line behind it.
    threads: OnceLock<Option<ThreadPool>>,
}

/// What shows frames of one film.
#[derive(Debug)]
struct Loaded {
    number: u64,
    of: Of,
    preview: Preview,
    marker: Option<Marker>,
}

/// What it depends on.
#[derive(Clone, Debug, PartialEq)]
struct Of {
    clip: ClipId,
    identity: String,
    step: Option<u64>,
    decided: (i64, i64),
    /// Footage and the identity's clips, with whose face is where in them.
    clips: Vec<(ClipFingerprint, String)>,
}

impl Default for Stills {
    fn default() -> Self {
        Self {
            model: Mutex::default(),
            loaded: Mutex::default(),
            kept: Mutex::new(Recent::new(STILLS_BYTES)),
            steadying: Mutex::default(),
            newest: Mutex::default(),
            threads: OnceLock::new(),
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stills {
    /// The newest model, read anew when there is a newer one.
    pub(crate) fn model(&self, visit: &Visit) -> Result<Model, Refusal> {
        let newest = visit.checkpoints().steps()?.last().copied();
        let mut model = held(&self.model);
        if model.step != newest {
            let found = visit.checkpoints().newest()?.checkpoint;
            *model = match found {
                None => Model::default(),
                Some(found) => Model { step: newest, people: found.meta::<CheckpointMeta>()?.people },
            };
        }
        Ok(model.clone())
    }

    /// What shows frames of this film; loading takes seconds, once.
    fn loaded(&self, visit: &Visit, clip: &Clip, identity: &str) -> Result<Arc<Loaded>, Refusal> {
        let index = visit.index();
        let identity_clips = match index.clips_of(identity) {
            // a model may know people whom the project does not
            Err(ProjectError::UnknownPerson { .. }) => Vec::new(),
            clips => clips?,
        };
        // what the person filmed usually looks like is told by all their clips
        let footage_clips = index.clips_of(&clip.person)?;
        let clips = footage_clips.iter().chain(&identity_clips).map(|clip| {
            let tracks = index.tracks(clip.id)?;
            Ok((clip.info.fingerprint, format!("{tracks:?}")))
        });
        let of = Of {
            clips: clips.collect::<Result<_, ProjectError>>()?,
            clip: clip.id,
            identity: identity.to_owned(),
            step: visit.checkpoints().steps()?.last().copied(),
            decided: index.decided_about_faces()?,
        };
        let mut loaded = held(&self.loaded);
        if let Some(known) = loaded.as_ref().filter(|known| known.of == of) {
            return Ok(Arc::clone(known));
        }
        let conflict = |error: &str, hint: &str| Err(Refusal::hinted(StatusCode::CONFLICT, error, hint));
        if !index.extraction(clip.id)?.done {
            return conflict("the faces of this clip are not found yet", "find them on the page People");
        }
        let Some(checkpoint) = visit.checkpoints().newest()?.checkpoint else {
            return conflict("this project has no trained model yet", "train it on the page Training");
        };
        // as before every film
        for clip in std::iter::once(clip).chain(identity_clips.iter().filter(|clip| clip.path.exists())) {
            gate::admit(index, clip, gate::network, &Silent)?;
        }
        let device = device(DeviceName::Cpu).map_err(Refusal::broken)?;
        let swap = Swap {
            index,
            clip,
            identity,
            checkpoint: &checkpoint,
            device: &device,
            over_everything: false,
            adjustments: &Adjustments::default(),
        };
        let preview = Preview::open(&swap)?;
        let clips = std::iter::once(clip).chain(&identity_clips);
        let fingerprints: Vec<ClipFingerprint> = clips.map(|clip| clip.info.fingerprint).collect();
        let (width, height) = preview.stored_size_px();
        let marker = Marker::new(number_of(fingerprints, checkpoint.step()), width, height);
        let number = loaded.as_ref().map_or(0, |before| before.number + 1);
        let new = Arc::new(Loaded { number, of, preview, marker });
        // frames that were drawn by what was loaded before are of no more use
        *held(&self.kept) = Recent::new(STILLS_BYTES);
        *loaded = Some(Arc::clone(&new));
        Ok(new)
    }

    /// What gives up drawing this frame: when another one is asked for, what was begun for the one before is given up.
    fn stop_for(&self, loaded: u64, frame: usize) -> Stop {
        let mut newest = held(&self.newest);
        if newest.0 != Some((loaded, frame)) {
            newest.1.request();
            *newest = (Some((loaded, frame)), Stop::new());
        }
        newest.1.clone()
    }

    /// A frame with its faces drawn, as good as it is there or asked for.
    fn still(
        &self,
        shared: &Shared,
        loaded: &Loaded,
        frame: usize,
        steady: bool,
    ) -> Result<Arc<Still>, Refusal> {
        let index = shared.visit.index();
        let known = |steady: bool| held(&self.kept).get(&(loaded.number, frame, steady));
        let there = || known(true).or_else(|| if steady { None } else { known(false) });
        let stop = self.stop_for(loaded.number, frame);
        if let Some(still) = there() {
            return Ok(still);
        }
        let stills = if steady {
            let _alone = held(&self.steadying);
            // somebody may have drawn it meanwhile
            if let Some(still) = there() {
                return Ok(still);
            }
            let first = frame.saturating_sub(BESIDE);
            let draw = || loaded.preview.stills(index, first, frame - first + 1 + BESIDE, &stop);
            // without threads of its own it is done by those of everybody
            match self.threads.get_or_init(|| ThreadPoolBuilder::new().build().ok()) {
                Some(threads) => threads.install(draw)?,
                None => draw()?,
            }
        } else {
            let footage = shared.footage.frame(shared, loaded.of.clip, frame)?;
            let look = loaded.preview.first_look(index, footage.as_ref().clone(), &stop)?;
            look.into_iter().collect()
        };
        let mut stills: Vec<_> = stills.into_iter().map(Arc::new).collect();
        // the one that was asked for comes last: where there is no room for all, it stays
        stills.sort_by_key(|still| still.index() == frame);
        let wanted = stills.last().filter(|still| still.index() == frame).map(Arc::clone);
        for still in stills {
            let (key, bytes) = ((loaded.number, still.index(), steady), still.bytes());
            held(&self.kept).put(key, still, bytes);
        }
        wanted.ok_or_else(|| Refusal::not_there("frame in the footage any more"))
    }
}

/// `POST /api/film/frame`: a JPEG, at most 1280 pixels wide or high. `X-Steady` says whether all neighbours counted, `X-Mask`
/// which share of the frame the mask covers, `X-Labelled` whether somebody has no record of consent. Changes nothing; it is no GET because settings are no address.
pub(crate) async fn frame(
    State(shared): State<Arc<Shared>>,
    Json(wanted): Json<Wanted>,
) -> Result<impl IntoResponse, Refusal> {
    aside(move || {
        let settings = wanted.settings.map(Settings::checked).transpose()?;
        let index = shared.visit.index();
        let clip = index.clip(ClipId(wanted.clip))?;
        if wanted.frame >= clip.info.frames {
            return Err(Refusal::not_there("frame in this clip"));
        }
        let close = if wanted.close { closely(&shared.visit, &clip, wanted.frame)? } else { None };
        let mut labelled = false;
        let mut about = Vec::new();
        let picture: RgbImage = match (wanted.view, &wanted.identity) {
            (ViewName::Footage, _) => {
                let part = |frame: &Frame| frame.rgb(close.unwrap_or_else(|| frame.whole()));
                part(shared.footage.frame(&shared, clip.id, wanted.frame)?.as_ref())
            }
            (_, None) => return Err(Refusal::new(StatusCode::BAD_REQUEST, "nobody's face to put on")),
            (view, Some(identity)) => {
                let without = without_consent(&shared.visit, identity, &clip.person)?;
                let loaded = shared.stills.loaded(&shared.visit, &clip, identity)?;
                let chosen = match settings {
                    Some(_) => Adjustments::default(),
                    None => Adjustments::of_clip(index, &clip)?,
                };
                let settings = |track| settings.unwrap_or_else(|| chosen.of(track));
                let still = shared.stills.still(&shared, &loaded, wanted.frame, wanted.steady)?;
                let view = match view {
                    ViewName::Result | ViewName::Footage => View::Result,
                    ViewName::Matte => View::Matte,
                    ViewName::Mask => View::Mask,
                    ViewName::InFront => View::InFront,
                };
                let (mut frame, share) = still.view(view, settings)?;
                if view == View::Result {
                    labelled = without;
                    // nothing with a new face leaves without its mark, not even a look at it
                    if let Some(marker) = &loaded.marker {
                        marker.mark(&mut frame);
                    }
                }
                about.push((HeaderName::from_static("x-steady"), u8::from(still.is_steady()).to_string()));
                about.push((HeaderName::from_static("x-mask"), format!("{share:.6}")));
                about.push((HeaderName::from_static("x-labelled"), u8::from(without).to_string()));
                frame.rgb(close.unwrap_or_else(|| frame.whole()))
            }
        };
        let mut picture = shown(&picture)?;
        if labelled {
            label::draw_on(&mut picture);
        }
        let bytes = picture.encode_jpeg(FRAME_QUALITY).map_err(Refusal::broken)?;
        Ok(([(header::CONTENT_TYPE, "image/jpeg")], AppendHeaders(about), bytes))
    })
    .await
}

/// Whether somebody has no record of consent; refused when a record does not allow it.
fn without_consent(visit: &Visit, identity: &str, footage: &str) -> Result<bool, Refusal> {
    let identity = visit.checked_consent(identity, Some(Purpose::Identity))?;
    let footage = visit.checked_consent(footage, Some(Purpose::Footage))?;
    Ok(identity.is_none() || footage.is_none())
}

/// The faces of the clip's person in a frame with some room around; `None` where there is none.
fn closely(visit: &Visit, clip: &Clip, frame: usize) -> Result<Option<PixelRect>, Refusal> {
    let faces = visit.index().person_faces_in(clip.id, &clip.person, frame..frame + 1)?;
    let boxes: Vec<[f32; 4]> = faces.iter().map(|face| face.record.bbox).collect();
    if boxes.is_empty() {
        return Ok(None);
    }
    let edge = |place: usize, fold: fn(f32, f32) -> f32, start: f32| {
        boxes.iter().map(|corners| corners[place]).fold(start, fold)
    };
    let (left, top) = (edge(0, f32::min, f32::INFINITY), edge(1, f32::min, f32::INFINITY));
    let (right, bottom) = (edge(2, f32::max, f32::NEG_INFINITY), edge(3, f32::max, f32::NEG_INFINITY));
    let (wide, high) = (AROUND * (right - left), AROUND * (bottom - top));
    let (width, height) = (clip.info.width_px, clip.info.height_px);
    let rect = PixelRect::covering(left - wide, top - high, right + wide, bottom + high, width, height);
    Ok((!rect.is_empty()).then_some(rect))
}
