//! The film page: which films can be made, what was chosen for their shots, where faces are in them.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bifrons_project::{Clip, ClipId, TrackState, Visit, atomic};
use bifrons_swap::{Adjustments, Settings};
use bifrons_vision::Mesh;
use bifrons_vision::align::hull;
use bifrons_vision::geometry::{Point, Similarity};
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::state::{Shared, aside};

/// `GET /api/film`: the model's people, what can be chosen, and the clips with their shots and tracks.
pub(crate) async fn film(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Refusal> {
    aside(move || {
        let revision = shared.revision();
        let visit = &shared.visit;
        let model = shared.stills.model(visit)?;
        let knobs: Vec<Value> = Settings::knobs()
            .into_iter()
            .map(|knob| {
                let (least, most) = (short(*knob.range.start()), short(*knob.range.end()));
                json!({ "name": knob.name, "least": least, "most": most })
            })
            .collect();
        let clips: Vec<Value> = visit
            .index()
            .clips()?
            .iter()
            .map(|clip| about_clip(visit, clip))
            .collect::<Result<_, Refusal>>()?;
        Ok(Json(json!({
            "revision": revision,
            "identities": model.people,
            "iteration": model.step,
            "knobs": knobs,
            "defaults": as_kept(&Settings::DEFAULT),
            "clips": clips,
        })))
    })
    .await
}

fn about_clip(visit: &Visit, clip: &Clip) -> Result<Value, Refusal> {
    let index = visit.index();
    let chosen = Adjustments::of_clip(index, clip)?;
    let tracks: Vec<Value> = index
        .tracks(clip.id)?
        .iter()
        .filter(|track| track.state == TrackState::Accepted && track.person.as_deref() == Some(&clip.person))
        .map(|track| {
            json!({
                "track": track.track,
                "first": track.first_frame,
                "last": track.last_frame,
                "settings": as_kept(&chosen.of(track.track)),
            })
        })
        .collect();
    Ok(json!({
        "id": clip.id.0,
        "name": clip.path.file_name().map(|name| name.to_string_lossy()),
        "person": clip.person,
        "frames": clip.info.frames,
        "width_px": clip.info.width_px,
        "height_px": clip.info.height_px,
        "done": index.extraction(clip.id)?.done,
        "shots": index.shots(clip.id)?,
        "tracks": tracks,
    }))
}

/// The digits that stand for this number and no other of its kind: 0.075 and not 0.07500000298.
fn short(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_default()
}

/// Settings as the project keeps them.
fn as_kept(settings: &Settings) -> Value {
    // what was just written can be read
    serde_json::from_str(&settings.to_text()).unwrap_or_default()
}

/// `GET /api/film/{clip}/masks`: for each frame with a face of the clip's person, the share of the frame that the whole face
/// takes; by track.
pub(crate) async fn masks(
    State(shared): State<Arc<Shared>>,
    Path(clip): Path<i64>,
) -> Result<Json<Value>, Refusal> {
    /// A face is some kilobytes: never all of a film at once.
    const PORTION: usize = 1000;
    aside(move || {
        let index = shared.visit.index();
        let clip = index.clip(ClipId(clip))?;
        let area_px = (clip.info.width_px * clip.info.height_px).max(1) as f64;
        let (mut frames, mut tracks, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        for from in (0..clip.info.frames).step_by(PORTION) {
            for face in index.person_faces_in(clip.id, &clip.person, from..from + PORTION)? {
                // points of the index were checked when they were read
                let Ok(mesh) = Mesh::try_from(face.record.points) else { continue };
                let outline = hull(&mesh.points_in(&Similarity::translation(0.0, 0.0)), 0.0);
                frames.push(face.record.frame);
                tracks.push(face.record.track);
                // four digits say all that is seen on a screen
                shares.push((area(&outline) / area_px * 1e4).round() / 1e4);
            }
        }
        Ok(Json(json!({ "frame": frames, "track": tracks, "share": shares })))
    })
    .await
}

/// Of a polygon (the shoelace formula).
fn area(polygon: &[Point]) -> f64 {
    let next = polygon.iter().cycle().skip(1);
    let twice: f64 = polygon.iter().zip(next).map(|(a, b)| a.x * b.y - b.x * a.y).sum();
    twice.abs() / 2.0
}

/// A film that the page wants made.
#[derive(Debug)]
pub(crate) struct Film {
    pub(crate) footage: PathBuf,
    /// Whose face is replaced: one film may have been added for several people.
    pub(crate) person: String,
    pub(crate) identity: String,
    pub(crate) output: PathBuf,
    pub(crate) matte: Option<PathBuf>,
}

impl Film {
    /// Of a clip, into the project's own folder for films: the page names no path.
    pub(crate) fn of(shared: &Shared, clip: ClipId, identity: &str, matte: bool) -> Result<Self, Refusal> {
        let clip = shared.visit.index().clip(clip)?;
        let known = shared.stills.model(&shared.visit)?.people;
        if identity == clip.person || !known.iter().any(|known| known == identity) {
            let told = format!("the model cannot put the face of {identity} onto {}", clip.person);
            return Err(Refusal::new(StatusCode::BAD_REQUEST, told));
        }
        let out = shared.visit.layout().out();
        atomic::create_dir_all(&out)?;
        let clips = shared.visit.index().clips()?;
        let known: Vec<_> = clips.iter().map(|other| (other.id.0, other.path.as_path())).collect();
        let number = told_apart((clip.id.0, &clip.path), &known);
        let named = |suffix: &str| out.join(output_name(&clip.path, identity, &format!("{number}{suffix}")));
        let (output, matte) = (named(""), matte.then(|| named("-matte")));
        Ok(Self { footage: clip.path, person: clip.person, identity: identity.to_owned(), output, matte })
    }
}

/// What tells a clip's films from those of earlier clips whose footage has the same name, from another card or for another
/// person: nothing where there is none, else its number.
fn told_apart((own, path): (i64, &std::path::Path), clips: &[(i64, &std::path::Path)]) -> String {
    // some file systems do not tell capitals from small letters
    let name = |path: &std::path::Path| output_name(path, "", "").to_lowercase();
    let is_taken = clips.iter().any(|(id, other)| *id < own && name(other) == name(path));
    if is_taken { format!("-{own}") } else { String::new() }
}

/// `interview-as-anna.mp4` for `interview.mkv`: films are kept in what can be sealed. A folder of pictures becomes a folder.
fn output_name(footage: &std::path::Path, identity: &str, suffix: &str) -> String {
    let whole = footage.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if footage.is_dir() {
        return format!("{whole}-as-{identity}{suffix}");
    }
    let stem = footage.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = footage.extension().map(|known| known.to_string_lossy().to_lowercase());
    let extension = match extension.as_deref() {
        Some(known @ ("mp4" | "m4v" | "mov" | "png" | "jpg" | "jpeg" | "exr")) => known.to_owned(),
        Some("webp" | "tif" | "tiff" | "bmp") => "png".to_owned(),
        _ => "mp4".to_owned(),
    };
    format!("{stem}-as-{identity}{suffix}.{extension}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn films_get_names_that_can_be_sealed() {
        for (footage, name) in [
            ("/a/interview.mp4", "interview-as-anna.mp4"),
            ("/a/take 2.MOV", "take 2-as-anna.mov"),
            ("/a/old.mkv", "old-as-anna.mp4"),
            ("/a/photo.jpeg", "photo-as-anna.jpeg"),
            ("/a/scan.tiff", "scan-as-anna.png"),
            ("/a/plate.exr", "plate-as-anna.exr"),
        ] {
            assert_eq!(output_name(Path::new(footage), "anna", ""), name);
        }
        assert_eq!(output_name(Path::new("a.mp4"), "anna", "-matte"), "a-as-anna-matte.mp4");
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("take.2");
        atomic::create_dir_all(&folder).unwrap();
        assert_eq!(output_name(&folder, "anna", ""), "take.2-as-anna");
    }

    #[test]
    fn footage_of_one_name_does_not_become_one_film() {
        let clips = ["/a/C0001.MP4", "/b/C0001.MP4", "/b/c0001.mkv", "/b/C0002.MP4"].map(Path::new);
        let clips: Vec<_> = (1..).zip(clips).collect();
        let found: Vec<_> = clips.iter().map(|&clip| told_apart(clip, &clips)).collect();
        assert_eq!(found, ["", "-2", "-3", ""]);
    }

    #[test]
    fn areas_of_polygons() {
        let corners = [(0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0)].map(|(x, y)| Point::new(x, y));
        assert_eq!(area(&corners), 12.0);
        assert_eq!(area(&corners[..3]), 6.0);
        assert_eq!(area(&[]), 0.0);
    }
}
