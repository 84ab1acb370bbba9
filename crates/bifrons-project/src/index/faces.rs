//! Faces, tracks and review decisions.

use std::ops::Range;

use rusqlite::{Params, Row, Transaction, params};

use super::{
    Appearance, ClipId, ExtractionState, Face, FaceId, FaceRecord, Index, Review, Track, TrackEnd, TrackId,
    TrackState, Verdict, blob_from_floats, floats_from_blob,
};
use crate::error::{ProjectError, Result};

/// The verdict that counts for a face: 1 accepted, 2 rejected, 3 left open, NULL none.
pub(super) const VERDICT: &str = "(SELECT kind FROM decided_faces JOIN decisions ON decisions.id = decision
    WHERE decided_faces.face = faces.id AND kind <= 3 AND NOT undone ORDER BY decision DESC LIMIT 1)";

/// The landmarks and the crop that count for a face: those a person has placed, else those found.
const POINTS: &str = "ifnull((SELECT decided_faces.points FROM decided_faces JOIN decisions ON decisions.id = decision
    WHERE decided_faces.face = faces.id AND kind = 5 AND NOT undone ORDER BY decision DESC LIMIT 1), faces.points)";
const CROP: &str = "ifnull((SELECT decided_faces.crop FROM decided_faces JOIN decisions ON decisions.id = decision
    WHERE decided_faces.face = faces.id AND kind = 5 AND NOT undone ORDER BY decision DESC LIMIT 1), faces.crop)";

/// Who a track is: what was decided (0 nobody), else what was noted.
const PERSON: &str = "ifnull((SELECT ifnull(decisions.person, 0) FROM decided_tracks
    JOIN decisions ON decisions.id = decision WHERE decided_tracks.clip = tracks.clip
    AND decided_tracks.track = tracks.track AND kind = 4 AND NOT undone ORDER BY decision DESC LIMIT 1), tracks.person)";

const ACCEPTED: i64 = 1;
const REJECTED: i64 = 2;

impl Index {
    /// Writes, in one transaction, what was found in the frames from where the clip stood up to
    /// `state.next_frame`: faces in order of frames, tracks that ended, and the tracker's state.
    /// Tracks are made as they are first seen, with the clip's person. A track may end after
    /// some frames without faces.
    ///
    /// # Errors
    /// [`ProjectError::OutOfOrder`] when a face is outside of these frames or the clip is done:
    /// then nothing is written.
    pub fn commit_faces(
        &self,
        clip: ClipId,
        faces: &[FaceRecord],
        track_ends: &[TrackEnd],
        state: &ExtractionState,
    ) -> Result<()> {
        let action = "write faces";
        self.transact(action, |transaction| {
            let failed = |source| self.failed(action, source);
            let before = self.read_extraction(transaction, clip)?;
            let frames = before.state.next_frame..state.next_frame;
            check_order(clip, &frames, before.done, faces)?;
            for face in faces {
                self.ensure_track(transaction, clip, face.track)?;
                insert_face(transaction, clip, face).map_err(failed)?;
            }
            for end in track_ends {
                self.ensure_track(transaction, clip, end.track)?;
                let verdict = if end.accepted { ACCEPTED } else { REJECTED };
                transaction
                    .execute(
                        "UPDATE tracks SET state = ?3 WHERE clip = ?1 AND track = ?2",
                        params![clip.0, end.track, verdict],
                    )
                    .map_err(failed)?;
            }
            transaction
                .execute(
                    "INSERT INTO extraction (clip, next_frame, tracker, done) VALUES (?1, ?2, ?3, 0)
                     ON CONFLICT (clip) DO UPDATE SET next_frame = ?2, tracker = ?3",
                    params![clip.0, state.next_frame, state.tracker],
                )
                .map_err(failed)?;
            Ok(())
        })
    }

    /// The faceset of a person: the faces of accepted tracks that are theirs, in all clips,
    /// ordered by clip, frame and track.
    ///
    /// # Errors
    /// [`ProjectError::UnknownPerson`], [`ProjectError::Damaged`].
    pub fn faces_of(&self, person: &str, review: Review) -> Result<Vec<Face>> {
        let person = self.person_id(&self.lock(), person)?;
        let condition = match review {
            Review::Any => "1".to_owned(),
            Review::NotRejected => format!("ifnull({VERDICT}, 1) <> 2"),
            Review::AcceptedOnly => format!("{VERDICT} = 1"),
        };
        self.list_faces(&format!("{PERSON} = ?1 AND {condition}"), [person.0])
    }

    /// The faces of accepted tracks in some frames of a clip, ordered by frame and track, of
    /// everybody and whatever was decided about them.
    ///
    /// # Errors
    /// [`ProjectError::Damaged`], [`ProjectError::Database`].
    pub fn faces_in(&self, clip: ClipId, frames: Range<usize>) -> Result<Vec<Face>> {
        let end = i64::try_from(frames.end).unwrap_or(i64::MAX);
        self.list_faces(
            "faces.clip = ?1 AND faces.frame >= ?2 AND faces.frame < ?3",
            params![clip.0, frames.start, end],
        )
    }

    /// The faces of one person in some frames of a clip: those of accepted tracks that are theirs,
    /// ordered by frame and track. Review decisions do not count here: a face too blurred to
    /// learn from is still a face to replace.
    ///
    /// # Errors
    /// [`ProjectError::UnknownPerson`], [`ProjectError::Damaged`].
    pub fn person_faces_in(&self, clip: ClipId, person: &str, frames: Range<usize>) -> Result<Vec<Face>> {
        let person = self.person_id(&self.lock(), person)?;
        let end = i64::try_from(frames.end).unwrap_or(i64::MAX);
        self.list_faces(
            &format!("faces.clip = ?1 AND {PERSON} = ?2 AND faces.frame >= ?3 AND faces.frame < ?4"),
            params![clip.0, person.0, frames.start, end],
        )
    }

    /// The tracks of a clip, whatever became of them.
    ///
    /// # Errors
    /// [`ProjectError::Damaged`], [`ProjectError::Database`].
    pub fn tracks(&self, clip: ClipId) -> Result<Vec<Track>> {
        let connection = self.lock();
        let list = || -> rusqlite::Result<Vec<_>> {
            connection
                .prepare_cached(&format!(
                    "SELECT tracks.track, tracks.state, {PERSON}, count(faces.id),
                       ifnull(min(faces.frame), 0), ifnull(max(faces.frame), 0)
                     FROM tracks LEFT JOIN faces ON faces.clip = tracks.clip AND faces.track = tracks.track
                     WHERE tracks.clip = ?1 GROUP BY tracks.track ORDER BY tracks.track"
                ))?
                .query_map([clip.0], |row| {
                    let track = Track {
                        clip,
                        track: row.get(0)?,
                        state: track_state(row.get(1)?),
                        person: None,
                        faces: row.get(3)?,
                        first_frame: row.get(4)?,
                        last_frame: row.get(5)?,
                        mean_embedding: None,
                    };
                    Ok((track, row.get::<_, Option<i64>>(2)?))
                })?
                .collect()
        };
        let rows = list().map_err(|source| self.failed("list the tracks", source))?;
        let mut tracks = Vec::with_capacity(rows.len());
        for (mut track, person) in rows {
            if let Some(person) = person {
                track.person = self.person_name(&connection, person)?;
            }
            let blobs = || -> rusqlite::Result<Vec<Vec<u8>>> {
                connection
                    .prepare_cached(
                        "SELECT embedding FROM faces
                         WHERE clip = ?1 AND track = ?2 AND embedding IS NOT NULL ORDER BY frame",
                    )?
                    .query_map(params![clip.0, track.track], |row| row.get(0))?
                    .collect()
            };
            let blobs = blobs().map_err(|source| self.failed("read the embeddings", source))?;
            track.mean_embedding = self.mean_direction(&blobs)?;
            tracks.push(track);
        }
        Ok(tracks)
    }

    /// Notes who a track seems to be; `None`: nobody in this project. Every later query follows, except
    /// where a person has decided otherwise ([`super::Decision::Assign`]).
    ///
    /// # Errors
    /// [`ProjectError::UnknownPerson`], [`ProjectError::NotInIndex`].
    pub fn set_track_person(&self, clip: ClipId, track: u32, person: Option<&str>) -> Result<()> {
        let action = "set the person of a track";
        self.transact(action, |transaction| {
            let person = person.map(|name| self.person_id(transaction, name)).transpose()?;
            let changed = transaction
                .execute(
                    "UPDATE tracks SET person = ?3 WHERE clip = ?1 AND track = ?2",
                    params![clip.0, track, person.map(|person| person.0)],
                )
                .map_err(|source| self.failed(action, source))?;
            if changed == 0 { Err(self.not_there(format!("track {track} of clip {clip}"))) } else { Ok(()) }
        })
    }

    /// The faces of one accepted track, ordered by frame.
    ///
    /// # Errors
    /// [`ProjectError::Damaged`], [`ProjectError::Database`].
    pub fn faces_of_track(&self, track: TrackId) -> Result<Vec<Face>> {
        self.list_faces("faces.clip = ?1 AND faces.track = ?2", params![track.clip.0, track.track])
    }

    /// One face of an accepted track.
    ///
    /// # Errors
    /// [`ProjectError::NotInIndex`], [`ProjectError::Damaged`].
    pub fn face(&self, face: FaceId) -> Result<Face> {
        self.list_faces("faces.id = ?1", [face.0])?
            .pop()
            .ok_or_else(|| self.not_there(format!("face {face}")))
    }

    fn ensure_track(&self, transaction: &Transaction<'_>, clip: ClipId, track: u32) -> Result<()> {
        transaction
            .prepare_cached(
                "INSERT INTO tracks (clip, track, state, person) SELECT id, ?2, 0, person FROM clips WHERE id = ?1
                 ON CONFLICT (clip, track) DO NOTHING",
            )
            .and_then(|mut statement| statement.execute(params![clip.0, track]))
            .map(|_| ())
            .map_err(|source| self.failed("add a track", source))
    }

    pub(super) fn list_faces(&self, condition: &str, values: impl Params) -> Result<Vec<Face>> {
        let connection = self.lock();
        let sql = format!(
            "SELECT faces.id, faces.clip, faces.frame, faces.track, {POINTS}, left, top, right, bottom, score, presence,
               yaw_deg, pitch_deg, roll_deg, sharpness, embedding, {CROP}, {VERDICT}, faces.crop,
               light, light_side, smile, mouth_open, eyes_closed, brows_up, spots
             FROM faces JOIN tracks ON tracks.clip = faces.clip AND tracks.track = faces.track
             WHERE tracks.state = {ACCEPTED} AND {condition} ORDER BY faces.clip, faces.frame, faces.track"
        );
        let list = || -> rusqlite::Result<Vec<_>> {
            connection.prepare_cached(&sql)?.query_map(values, face_from)?.collect()
        };
        let rows = list().map_err(|source| self.failed("read the faces", source))?;
        rows.into_iter()
            .map(|(id, face)| {
                face.ok_or_else(|| self.damaged(format!("face {id}: a list of numbers is cut off")))
            })
            .collect()
    }

    /// Mean of unit vectors, scaled to length 1.
    fn mean_direction(&self, blobs: &[Vec<u8>]) -> Result<Option<Vec<f32>>> {
        let mut sum: Vec<f64> = Vec::new();
        for blob in blobs {
            let embedding = floats_from_blob(blob)
                .filter(|numbers| sum.is_empty() || numbers.len() == sum.len())
                .ok_or_else(|| self.damaged("embeddings of one track differ in length".to_owned()))?;
            sum.resize(embedding.len(), 0.0);
            sum.iter_mut().zip(&embedding).for_each(|(sum, number)| *sum += f64::from(*number));
        }
        let length = sum.iter().map(|number| number * number).sum::<f64>().sqrt();
        Ok((length > 0.0).then(|| sum.iter().map(|number| (number / length) as f32).collect()))
    }
}

fn check_order(clip: ClipId, frames: &Range<usize>, done: bool, faces: &[FaceRecord]) -> Result<()> {
    let found = if done {
        Some("a clip that is done".to_owned())
    } else if frames.start > frames.end {
        Some(format!("an end at frame {}", frames.end))
    } else {
        faces
            .iter()
            .find(|face| !frames.contains(&face.frame))
            .map(|face| format!("a face in frame {}", face.frame))
    };
    match found {
        None => Ok(()),
        Some(found) => Err(ProjectError::OutOfOrder {
            clip: clip.0,
            expected_from: frames.start,
            expected_to: frames.end,
            found,
        }),
    }
}

fn insert_face(transaction: &Transaction<'_>, clip: ClipId, face: &FaceRecord) -> rusqlite::Result<()> {
    let [left, top, right, bottom] = face.bbox;
    let of = face.appearance.as_ref();
    transaction
        .prepare_cached(
            "INSERT INTO faces (clip, frame, track, points, left, top, right, bottom, score, presence,
               yaw_deg, pitch_deg, roll_deg, sharpness, embedding, crop,
               light, light_side, smile, mouth_open, eyes_closed, brows_up, spots)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
               ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
        )?
        .execute(params![
            clip.0,
            face.frame,
            face.track,
            blob_from_floats(face.points.iter().copied().flatten()),
            left,
            top,
            right,
            bottom,
            face.score,
            face.presence,
            face.yaw_deg,
            face.pitch_deg,
            face.roll_deg,
            face.sharpness,
            face.embedding.as_ref().map(|numbers| blob_from_floats(numbers.iter().copied())),
            face.crop,
            of.map(|of| of.light),
            of.map(|of| of.light_side),
            of.map(|of| of.smile),
            of.map(|of| of.mouth_open),
            of.map(|of| of.eyes_closed),
            of.map(|of| of.brows_up),
            of.map(|of| &of.spots),
        ])?;
    Ok(())
}

/// A face, or its number alone when one of its blobs is cut off.
fn face_from(row: &Row<'_>) -> rusqlite::Result<(FaceId, Option<Face>)> {
    let id = FaceId(row.get(0)?);
    let points = floats_from_blob(row.get_ref(4)?.as_blob()?).and_then(|numbers| {
        let (points, rest) = numbers.as_chunks::<3>();
        rest.is_empty().then(|| points.to_vec())
    });
    let embedding = match row.get_ref(15)?.as_blob_or_null()? {
        None => Some(None),
        Some(blob) => floats_from_blob(blob).map(Some),
    };
    let (Some(points), Some(embedding)) = (points, embedding) else { return Ok((id, None)) };
    let verdict = verdict(row.get(17)?);
    let crop: Option<String> = row.get(16)?;
    let placed = crop != row.get::<_, Option<String>>(18)?;
    let record = FaceRecord {
        frame: row.get(2)?,
        track: row.get(3)?,
        points,
        bbox: [row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?],
        score: row.get(9)?,
        presence: row.get(10)?,
        yaw_deg: row.get(11)?,
        pitch_deg: row.get(12)?,
        roll_deg: row.get(13)?,
        sharpness: row.get(14)?,
        embedding,
        crop,
        appearance: appearance(row)?,
    };
    Ok((id, Some(Face { id, clip: ClipId(row.get(1)?), record, verdict, placed })))
}

fn appearance(row: &Row<'_>) -> rusqlite::Result<Option<Appearance>> {
    let Some(spots) = row.get(25)? else { return Ok(None) };
    Ok(Some(Appearance {
        light: row.get(19)?,
        light_side: row.get(20)?,
        smile: row.get(21)?,
        mouth_open: row.get(22)?,
        eyes_closed: row.get(23)?,
        brows_up: row.get(24)?,
        spots,
    }))
}

/// What [`VERDICT`] means.
pub(super) fn verdict(kind: Option<i64>) -> Option<Verdict> {
    match kind {
        Some(1) => Some(Verdict::Accepted),
        Some(2) => Some(Verdict::Rejected),
        _ => None,
    }
}

fn track_state(number: i64) -> TrackState {
    match number {
        ACCEPTED => TrackState::Accepted,
        REJECTED => TrackState::Rejected,
        _ => TrackState::Running,
    }
}
