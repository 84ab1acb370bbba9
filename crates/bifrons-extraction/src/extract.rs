//! Finding, following and cutting out the faces of one clip.

use std::time::{Duration, Instant};

use bifrons_media::{Clip, Frame, MediaError, RgbImage};
use bifrons_project::{
    Clip as ClipRow, Event, ExtractionState, FaceRecord, Layout, Meter, Project, Reporter, Stage, Stop,
    TrackEnd, atomic,
};
use bifrons_vision::align::{CROP_SIZE_PX, crop_from_frame};
use bifrons_vision::geometry::{Border, Similarity, needed_rect, warp};
use bifrons_vision::{
    DetectorOptions, ExpressionReader, Followed, TrackEnd as Ended, Tracker, TrackerOptions, TrackerState,
    Vision, pose, sharpness,
};
use rayon::prelude::*;

use crate::ExtractionError;
use crate::appearance::appearance;

/// At most this much work is lost when the program is killed.
const COMMIT_EVERY: Duration = Duration::from_secs(2);
/// JPEG quality of the crops: hardly told from the frame, a tenth of a PNG's size.
pub(crate) const CROP_QUALITY: u8 = 95;

/// How faces are looked for in a clip that was not begun; one that was goes on as it began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExtractOptions {
    /// Height of the smallest faces that are wanted, in pixels: large frames are then looked at in tiles too. 0: what
    /// one look at the whole frame finds, some 3 % of its long side.
    pub least_face_px: f32,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// Whether the user stopped it; what was found so far is kept.
    pub stopped: bool,
    /// Frames that the file promises and that cannot be decoded.
    pub missing_frames: usize,
    /// Frames looked at in this run.
    pub frames: usize,
    /// How long that took.
    pub took: Duration,
}

/// Looks for faces in the rest of a clip, from where it was left off.
///
/// The result does not depend on how often the work was interrupted: the tracker's state is kept with the faces it
/// has found, in one transaction.
///
/// # Errors
/// [`ExtractionError::Media`] when the footage cannot be read at all (frames missing at its end are reported and
/// counted instead), [`ExtractionError::Project`] when the disk is full.
pub fn extract_clip(
    project: &Project,
    vision: &Vision,
    row: &ClipRow,
    options: &ExtractOptions,
    reporter: &dyn Reporter,
    stop: &Stop,
) -> Result<Extracted, ExtractionError> {
    let clip = Clip::open(&row.path)?;
    let expressions = ExpressionReader::load()?;
    let saved = project.index().extraction(row.id)?.state;
    let mut tracker = tracker(vision, row, &saved, options, clip.is_stills())?;
    // an earlier run may have been killed between the last frame and the note that all is done
    let mut reader =
        if saved.next_frame < clip.frame_count() { Some(clip.read(saved.next_frame)?) } else { None };
    let name = row.path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut meter =
        Meter::new(Stage::Extract, name, saved.next_frame as u64, Some(clip.frame_count() as u64));
    let mut found = Found {
        project,
        row,
        expressions: &expressions,
        faces: Vec::new(),
        ends: Vec::new(),
        // the first shot begins with the first frame, and says that none before it was missed
        shots: if saved.next_frame == 0 { vec![0] } else { Vec::new() },
        next_frame: saved.next_frame,
    };

    let started = Instant::now();
    let mut committed = started;
    let (mut frames, mut missing_frames) = (0, 0);
    while let Some(reader) = &mut reader {
        let frame = match reader.next_frame() {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(MediaError::Truncated { decoded, expected, .. }) => {
                missing_frames = expected - decoded;
                reporter.report(&Event::Warning {
                    text: format!(
                        "{decoded} of {expected} frames of {} could be decoded",
                        row.path.display()
                    ),
                    hint: Some("the file is damaged or cut short; the good frames are used".to_owned()),
                });
                break;
            }
            Err(error) => return Err(error.into()),
        };
        found.add(tracker.next(frame)?)?;
        frames += 1;
        meter.advance(1, reporter);

        let stopped = stop.is_requested();
        if (stopped || committed.elapsed() >= COMMIT_EVERY)
            && let Some(state) = tracker.state()
        {
            found.commit(&state)?;
            committed = Instant::now();
            if stopped {
                return Ok(Extracted { stopped, missing_frames, frames, took: started.elapsed() });
            }
        }
    }
    let (known, ended) = tracker.finish();
    found.add(known)?;
    found.end(&ended);
    if let Some(state) = tracker.state() {
        found.commit(&state)?;
    }
    project.index().mark_extracted(row.id)?;
    Ok(Extracted { stopped: false, missing_frames, frames, took: started.elapsed() })
}

fn tracker<'a>(
    vision: &'a Vision,
    row: &ClipRow,
    saved: &ExtractionState,
    options: &ExtractOptions,
    stills: bool,
) -> Result<Tracker<'a, Frame>, ExtractionError> {
    if saved.tracker.is_empty() {
        let detector = DetectorOptions { least_face_px: options.least_face_px, ..DetectorOptions::default() };
        return Ok(Tracker::with_options(
            vision,
            TrackerOptions { detector, stills, ..TrackerOptions::default() },
        ));
    }
    let state: TrackerState = serde_json::from_slice(&saved.tracker)
        .map_err(|error| ExtractionError::Progress { clip: row.path.clone(), reason: error.to_string() })?;
    Ok(Tracker::resume(vision, state))
}

/// What was found since the last commit.
struct Found<'a> {
    project: &'a Project,
    row: &'a ClipRow,
    expressions: &'a ExpressionReader,
    faces: Vec<(FaceRecord, Vec<u8>)>,
    ends: Vec<TrackEnd>,
    /// Frames with which shots begin.
    shots: Vec<usize>,
    next_frame: usize,
}

impl Found<'_> {
    /// Cuts out the faces of some frames. They are kept as files' bytes: as pixels, those of a crowd would fill the
    /// memory until the next commit.
    fn add(&mut self, known: Vec<Followed<Frame>>) -> Result<(), ExtractionError> {
        let mut seen = Vec::new();
        for Followed { picture, step } in &known {
            self.next_frame = picture.index() + 1;
            self.end(&step.ended);
            if step.cut {
                self.shots.push(picture.index());
            }
            for face in &step.observations {
                seen.push((picture, face, self.expressions.read(&face.mesh)?));
            }
        }
        let (clip, path) = (self.row.id, &self.row.path);
        let cut = seen.into_par_iter().map(|(frame, seen, expression)| {
            let crop = cut(frame, &crop_from_frame(&seen.mesh));
            let pose = pose(&seen.mesh);
            let record = FaceRecord {
                frame: frame.index(),
                track: seen.track,
                points: seen.mesh.points().to_vec(),
                bbox: [seen.bbox.left, seen.bbox.top, seen.bbox.right, seen.bbox.bottom],
                score: seen.score,
                presence: seen.presence,
                yaw_deg: pose.yaw_deg,
                pitch_deg: pose.pitch_deg,
                roll_deg: pose.roll_deg,
                sharpness: sharpness(&crop),
                embedding: seen.embedding.as_ref().map(|embedding| embedding.as_slice().to_vec()),
                crop: Some(Layout::crop_name(clip, frame.index(), seen.track)),
                appearance: expression.map(|expression| appearance(&expression, &crop, &seen.mesh)),
            };
            let encoded = crop.encode_jpeg(CROP_QUALITY);
            let encoded = encoded.map_err(|source| ExtractionError::Crop { clip: path.clone(), source })?;
            Ok((record, encoded))
        });
        self.faces.extend(cut.collect::<Result<Vec<_>, ExtractionError>>()?);
        Ok(())
    }

    fn end(&mut self, ended: &[Ended]) {
        self.ends.extend(ended.iter().map(|end| TrackEnd { track: end.track, accepted: end.accepted }));
    }

    /// Crops and shots first, then the faces: a crop without an entry is written again, an entry without a crop never
    /// happens, and a shot that is found again is the same.
    fn commit(&mut self, tracker: &TrackerState) -> Result<(), ExtractionError> {
        let layout = self.project.layout();
        let (records, crops): (Vec<_>, Vec<_>) = self.faces.drain(..).unzip();
        let names = records.iter().filter_map(|record| record.crop.as_deref());
        let files: Vec<_> = names.map(|name| layout.crop(&self.row.person, name)).zip(crops).collect();
        atomic::create_dir_all(&layout.faces_of(&self.row.person))?;
        atomic::write_many(&files)?;

        self.project.index().note_shots(self.row.id, &self.shots)?;
        self.shots.clear();
        let tracker = serde_json::to_vec(tracker).map_err(|error| ExtractionError::Progress {
            clip: self.row.path.clone(),
            reason: error.to_string(),
        })?;
        let state = ExtractionState { next_frame: self.next_frame, tracker };
        self.project.index().commit_faces(self.row.id, &records, &self.ends, &state)?;
        self.ends.clear();
        Ok(())
    }
}

/// Cuts a face out: a square of [`CROP_SIZE_PX`], head with margin.
pub(crate) fn cut(frame: &Frame, crop_from_frame: &Similarity) -> RgbImage {
    let size = CROP_SIZE_PX;
    let rect = needed_rect(crop_from_frame, size, size, frame.width_px(), frame.height_px());
    let part = frame.rgb(rect);
    let crop_from_part = *crop_from_frame * Similarity::translation(rect.x as f64, rect.y as f64);
    warp(&part, &crop_from_part, size, size, Border::Replicate)
}
