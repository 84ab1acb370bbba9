//! Crops, thumbnails, frames and the training preview: by number, never by path.

use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use bifrons_media::{Clip, ResizeFilter, RgbImage};
use bifrons_project::{ClipId, Face, FaceId};

use crate::error::Refusal;
use crate::recent::Recent;
use crate::state::{Shared, aside};

/// Side of a thumbnail: sharp on a screen of double density.
const THUMBNAIL_PX: usize = 192;
/// Memory for thumbnails: some six thousand.
const THUMBNAILS_BYTES: usize = 48 << 20;
const THUMBNAIL_QUALITY: u8 = 84;
/// Longest side of a frame in context.
pub(crate) const FRAME_PX: usize = 1280;
pub(crate) const FRAME_QUALITY: u8 = 88;

/// Thumbnails by crop: another crop of the same face has another name.
#[derive(Debug)]
pub(crate) struct Thumbnails(Recent<PathBuf, Arc<Vec<u8>>>);

impl Default for Thumbnails {
    fn default() -> Self {
        Self(Recent::new(THUMBNAILS_BYTES))
    }
}

fn jpeg(bytes: Vec<u8>) -> impl IntoResponse {
    picture("image/jpeg", bytes)
}

fn picture(kind: &'static str, bytes: Vec<u8>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], bytes)
}

/// `GET /api/faces/{id}/crop`: as it was cut out, 512 pixels.
pub(crate) async fn crop(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<i64>,
) -> Result<impl IntoResponse, Refusal> {
    aside(move || Ok(jpeg(read(&crop_of(&shared, id)?)?))).await
}

/// `GET /api/faces/{id}/thumbnail`: the same, small.
pub(crate) async fn thumbnail(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<i64>,
) -> Result<impl IntoResponse, Refusal> {
    aside(move || {
        let crop = crop_of(&shared, id)?;
        let kept = || shared.thumbnails.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept().0.get(&crop);
        let bytes = match found {
            Some(bytes) => bytes,
            None => {
                let whole = RgbImage::decode(&read(&crop)?).map_err(Refusal::broken)?;
                let small = whole.resize(THUMBNAIL_PX, THUMBNAIL_PX, ResizeFilter::Bilinear);
                let small = small.and_then(|small| small.encode_jpeg(THUMBNAIL_QUALITY));
                let small = Arc::new(small.map_err(Refusal::broken)?);
                kept().0.put(crop, Arc::clone(&small), small.len());
                small
            }
        };
        Ok(jpeg(bytes.as_ref().clone()))
    })
    .await
}

/// `GET /api/faces/{id}/frame`: the whole frame that the face is in, at most 1280 pixels wide or high.
pub(crate) async fn frame(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<i64>,
) -> Result<impl IntoResponse, Refusal> {
    aside(move || {
        let face = shared.visit.index().face(FaceId(id))?;
        let clip = open(&shared, &face)?;
        let Some(frame) = clip.read(face.record.frame)?.next_frame()? else {
            return Err(Refusal::not_there("frame in the footage any more"));
        };
        let small = shown(&frame.rgb(frame.whole()))?;
        Ok(jpeg(small.encode_jpeg(FRAME_QUALITY).map_err(Refusal::broken)?))
    })
    .await
}

/// A picture as large as it is shown: at most 1280 pixels wide or high.
pub(crate) fn shown(picture: &RgbImage) -> Result<RgbImage, Refusal> {
    let scale = FRAME_PX as f64 / picture.width.max(picture.height) as f64;
    if scale >= 1.0 {
        return Ok(picture.clone());
    }
    let scaled = |side: usize| ((side as f64 * scale).round() as usize).max(1);
    let small = picture.resize(scaled(picture.width), scaled(picture.height), ResizeFilter::Bilinear);
    small.map_err(Refusal::broken)
}

/// `GET /api/preview`: what the network draws, as of the newest checkpoint.
pub(crate) async fn preview(State(shared): State<Arc<Shared>>) -> Result<impl IntoResponse, Refusal> {
    aside(move || {
        let bytes = std::fs::read(shared.visit.layout().preview());
        Ok(picture("image/png", bytes.map_err(|_| Refusal::not_there("preview yet"))?))
    })
    .await
}

/// The clip of a face, looked into once.
pub(crate) fn open(shared: &Shared, face: &Face) -> Result<Arc<Clip>, Refusal> {
    open_clip(shared, face.clip)
}

/// A clip, looked into once.
pub(crate) fn open_clip(shared: &Shared, id: ClipId) -> Result<Arc<Clip>, Refusal> {
    let row = shared.visit.index().clip(id)?;
    let mut clips = shared.clips.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(match clips.entry(id) {
        Entry::Occupied(known) => Arc::clone(known.get()),
        Entry::Vacant(place) => Arc::clone(place.insert(Arc::new(Clip::open(&row.path)?))),
    })
}

/// Where the crop of a face lies.
fn crop_of(shared: &Shared, id: i64) -> Result<PathBuf, Refusal> {
    let index = shared.visit.index();
    let face = index.face(FaceId(id))?;
    let folder = index.crop_folders()?.remove(&face.clip).ok_or_else(|| Refusal::not_there("clip"))?;
    Ok(folder.join(face.record.crop.ok_or_else(|| Refusal::not_there("crop"))?))
}

fn read(crop: &std::path::Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(crop).map_err(|_| Refusal::not_there("crop on the disk any more"))
}
