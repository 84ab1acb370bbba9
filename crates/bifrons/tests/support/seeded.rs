//! A project whose faces are real, and among them some that are wrong on purpose.

use std::path::{Path, PathBuf};

use bifrons_project::{
    ClipFingerprint, ClipInfo, ExtractionState, FaceRecord, Layout, Project, TrackEnd, Visit, atomic,
};

use super::footage::{Cut, Real};
use super::{Ran, Room, bifrons, code};

/// Good faces of alice: frames 0 to 59, track 0.
pub(crate) const GOOD: usize = 60;
/// Frames of track 0 whose landmarks are put beside the face.
pub(crate) const MISALIGNED: [usize; 3] = [10, 30, 45];
/// Bob's faces that are said to be alice's: track 1.
pub(crate) const STRANGERS: usize = 10;
/// Things that are no faces: track 2.
pub(crate) const NO_FACES: usize = 6;
/// All that is wrong with alice's.
pub(crate) const WRONG: usize = MISALIGNED.len() + STRANGERS + NO_FACES;

/// Two people with a clip each, extracted by the program.
fn extracted(room: &Room) -> PathBuf {
    let project = room.path("as-found");
    let silent = |real, frames| Cut { sound: false, ..Cut::new(real, frames) };
    let alice = silent(Real::Webcam, GOOD).make(room.path("alice.mp4"));
    let bob = silent(Real::Interview, 30).make(room.path("bob.mp4"));
    Ran::of(bifrons().arg("new").arg(&project).args(["--preset", "quick"])).expect(code::DONE);
    for (name, clip) in [("alice", &alice), ("bob", &bob)] {
        Ran::of(bifrons().args(["add", "--as", name]).arg(clip).arg("--project").arg(&project))
            .expect(code::DONE);
    }
    Ran::of(bifrons().arg("extract").arg("--project").arg(&project)).expect(code::DONE);
    project
}

/// The project with the wrong faces, and how many good ones bob has.
pub(crate) fn seeded(room: &Room) -> (PathBuf, usize) {
    let found = Visit::open(&extracted(room)).expect("it was made");
    let records = |person: &str| -> Vec<FaceRecord> {
        let faces = found.index().faces_of(person, bifrons_project::Review::Any).expect("faces");
        faces.into_iter().map(|face| face.record).collect()
    };
    let (alice, bob) = (records("alice"), records("bob"));
    assert_eq!(alice.len(), GOOD, "every frame of the clip shows the face");

    let dir = room.path("film.bifrons");
    let project = Project::create(&dir).expect("a new folder");
    project.update_config(|config| config.preset = "quick".to_owned()).expect("written");
    let of_alice: Vec<FaceRecord> = alice
        .iter()
        .map(|record| if MISALIGNED.contains(&record.frame) { misaligned(record) } else { record.clone() })
        .collect();
    let strangers = bob[..STRANGERS].iter().cloned().map(|record| FaceRecord { track: 1, ..record });
    let no_faces = alice[20..20 + NO_FACES].iter().map(no_face);
    let mut tracks = vec![of_alice, strangers.collect(), no_faces.collect()];
    let crops = found.layout().faces();
    commit(&project, "alice", &room.path("alice.mp4"), &mut tracks, &crops);
    commit(&project, "bob", &room.path("bob.mp4"), &mut [bob.clone()], &crops);
    (dir, bob.len())
}

/// The landmarks turned and put beside the face.
fn misaligned(record: &FaceRecord) -> FaceRecord {
    let width = record.bbox[2] - record.bbox[0];
    let [x0, y0, _] = record.points[1];
    let (sin, cos) = 0.35_f32.sin_cos();
    let turn = |[x, y, z]: [f32; 3]| {
        let (x, y) = (x - x0, y - y0);
        [x0 + cos * x - sin * y + 0.25 * width, y0 + sin * x + cos * y, z]
    };
    FaceRecord { points: record.points.iter().copied().map(turn).collect(), ..record.clone() }
}

/// Something that the networks hardly took for a face.
fn no_face(record: &FaceRecord) -> FaceRecord {
    let flat = |[x, y, z]: [f32; 3]| [x, record.bbox[1] + 0.6 * (y - record.bbox[1]), 0.3 * z];
    FaceRecord {
        track: 2,
        points: record.points.iter().copied().map(flat).collect(),
        score: 0.61,
        presence: 0.55,
        embedding: None,
        ..record.clone()
    }
}

/// Adds a clip with these tracks, as extraction would have, with the crops of the faces they were made of.
fn commit(project: &Project, person: &str, path: &Path, tracks: &mut [Vec<FaceRecord>], crops: &Path) {
    let fingerprint = ClipFingerprint::of(path).expect("a clip");
    let frames = tracks.iter().flatten().map(|record| record.frame + 1).max().unwrap_or_default();
    let info = ClipInfo { fingerprint, frames, width_px: 400, height_px: 300 };
    let clip = project.add_clip(person, path, info).expect("added").id;
    atomic::create_dir_all(&project.layout().faces_of(person)).expect("made");
    for record in tracks.iter_mut().flatten() {
        let old = record.crop.take().expect("it was cut out");
        let of = ["alice", "bob"].map(|name| crops.join(name).join(&old));
        let crop = of.iter().find(|path| path.is_file()).expect("the crop is there");
        let name = Layout::crop_name(clip, record.frame, record.track);
        let bytes = std::fs::read(crop).expect("it can be read");
        atomic::write(&project.layout().crop(person, &name), &bytes).expect("written");
        record.crop = Some(name);
    }
    let mut records: Vec<FaceRecord> = tracks.concat();
    records.sort_by_key(|record| (record.frame, record.track));
    let ends: Vec<TrackEnd> =
        (0..tracks.len() as u32).map(|track| TrackEnd { track, accepted: true }).collect();
    let state = ExtractionState { next_frame: frames, tracker: Vec::new() };
    project.index().commit_faces(clip, &records, &ends, &state).expect("committed");
    project.index().mark_extracted(clip).expect("noted");
}

/// A project of one person with very many faces: some real ones again and again.
pub(crate) fn crowded(room: &Room, faces: usize) -> PathBuf {
    let found = Visit::open(&extracted(room)).expect("it was made");
    let real = found.index().faces_of("alice", bifrons_project::Review::Any).expect("faces");
    let dir = room.path("crowd.bifrons");
    let project = Project::create(&dir).expect("a new folder");
    let path = room.path("alice.mp4");
    let info = ClipInfo {
        fingerprint: ClipFingerprint::of(&path).expect("a clip"),
        frames: faces,
        width_px: 400,
        height_px: 300,
    };
    let clip = project.add_clip("alice", &path, info).expect("added").id;
    let folder = project.layout().faces_of("alice");
    atomic::create_dir_all(&folder).expect("made");
    let mut records = Vec::with_capacity(faces);
    for frame in 0..faces {
        let record = &real[frame % real.len()].record;
        let name = record.crop.clone().expect("it was cut out");
        if frame < real.len() {
            let bytes = std::fs::read(found.layout().crop("alice", &name)).expect("it can be read");
            atomic::write(&folder.join(&name), &bytes).expect("written");
        }
        let track = (frame / 250) as u32;
        // one in seven is blurred
        let sharpness = if frame % 7 == 0 { record.sharpness / 5.0 } else { record.sharpness };
        records.push(FaceRecord { frame, track, sharpness, crop: Some(name), ..record.clone() });
    }
    let ends: Vec<TrackEnd> =
        (0..=(faces / 250) as u32).map(|track| TrackEnd { track, accepted: true }).collect();
    let state = ExtractionState { next_frame: faces, tracker: Vec::new() };
    project.index().commit_faces(clip, &records, &ends, &state).expect("committed");
    project.index().mark_extracted(clip).expect("noted");
    dir
}
