//! What people decide about faces and how they are put on: a log that only grows, with undo and redo without end.
//!
//! A decision is taken back by a mark on it. The newest decision without the mark is the one to undo next, the oldest
//! one with it the one to redo; a new decision makes that mark final on all that were taken back before it. So nothing
//! but the log is kept, and it is the same for everybody who looks: a second tab, the terminal, the program after a
//! kill.

use std::collections::BTreeMap;
use std::time::SystemTime;

use rusqlite::{OptionalExtension, Transaction, params};

use super::faces::{VERDICT, verdict};
use super::{
    ClipId, DecisionId, FaceId, Index, TrackId, Verdict, blob_from_floats, time_from_unix, unix_secs,
};
use crate::error::Result;

/// Something to decide.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Whether faces are to be learned from; `None` leaves it open again.
    Judge {
        /// The faces, one or more.
        faces: Vec<FaceId>,
        /// What they are.
        verdict: Option<Verdict>,
    },
    /// Who tracks are; faces found in them later belong to them too.
    Assign {
        /// The tracks, one or more.
        tracks: Vec<TrackId>,
        /// A person of the project; `None`: nobody in it.
        person: Option<String>,
    },
    /// Where the landmarks of a face are. What was found stays beside it.
    Place {
        /// The face.
        face: FaceId,
        /// As in [`super::FaceRecord::points`].
        points: Vec<[f32; 3]>,
        /// Name of the crop's file that was cut out by them.
        crop: String,
    },
    /// How the faces of tracks are put on: a track is the same face through a shot.
    Adjust {
        /// The tracks, one or more.
        tracks: Vec<TrackId>,
        /// What was chosen, opaque here; `None`: as they are without.
        settings: Option<String>,
    },
}

/// A decision that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its number; later ones are larger.
    pub id: DecisionId,
    /// In words: `accept`, `reject`, `leave open`, `assign`, `place`, `adjust`.
    pub kind: &'static str,
    /// Assign: who the tracks were said to be.
    pub person: Option<String>,
    /// Faces it is about.
    pub faces: Vec<FaceId>,
    /// Tracks it is about.
    pub tracks: Vec<TrackId>,
    /// When.
    pub decided_at: SystemTime,
    /// Whether it was taken back.
    pub undone: bool,
}

const KINDS: [&str; 6] = ["accept", "reject", "leave open", "assign", "place", "adjust"];

/// A decision with something left that it is about: a clip whose footage changed has taken its faces along.
const ABOUT_SOMETHING: &str = "(EXISTS (SELECT 1 FROM decided_faces WHERE decision = decisions.id)
    OR EXISTS (SELECT 1 FROM decided_tracks WHERE decision = decisions.id))";

impl Decision {
    fn kind(&self) -> i64 {
        match self {
            Self::Judge { verdict: Some(Verdict::Accepted), .. } => 1,
            Self::Judge { verdict: Some(Verdict::Rejected), .. } => 2,
            Self::Judge { verdict: None, .. } => 3,
            Self::Assign { .. } => 4,
            Self::Place { .. } => 5,
            Self::Adjust { .. } => 6,
        }
    }
}

impl Index {
    /// Makes a decision: when this returns, it is on the disk, for all of its faces.
    ///
    /// # Errors
    /// [`crate::ProjectError::NotInIndex`] when one of the faces or tracks is not there, and
    /// [`crate::ProjectError::UnknownPerson`]: then nothing was decided.
    pub fn decide(&self, decision: &Decision) -> Result<DecisionId> {
        let action = "note a decision";
        self.transact(action, |transaction| {
            let failed = |source| self.failed(action, source);
            let person = match decision {
                Decision::Assign { person: Some(name), .. } => Some(self.person_id(transaction, name)?.0),
                _ => None,
            };
            let settings = match decision {
                Decision::Adjust { settings, .. } => settings.as_deref(),
                _ => None,
            };
            transaction.execute("UPDATE decisions SET undone = 2 WHERE undone = 1", []).map_err(failed)?;
            transaction
                .execute(
                    "INSERT INTO decisions (kind, person, settings, decided_at) VALUES (?1, ?2, ?3, ?4)",
                    params![decision.kind(), person, settings, unix_secs(SystemTime::now())],
                )
                .map_err(failed)?;
            let id = DecisionId(transaction.last_insert_rowid());
            match decision {
                Decision::Judge { faces, .. } => {
                    faces.iter().try_for_each(|face| self.about_face(transaction, id, *face, None, None))?;
                }
                Decision::Place { face, points, crop } => {
                    let points = blob_from_floats(points.iter().copied().flatten());
                    self.about_face(transaction, id, *face, Some(points), Some(crop))?;
                }
                Decision::Assign { tracks, .. } | Decision::Adjust { tracks, .. } => {
                    tracks.iter().try_for_each(|track| self.about_track(transaction, id, *track))?;
                }
            }
            Ok(id)
        })
    }

    /// Takes back the newest decision that counts. `None` when there is none.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn undo(&self) -> Result<Option<Decided>> {
        let newest = format!("SELECT max(id) FROM decisions WHERE NOT undone AND {ABOUT_SOMETHING}");
        self.mark(&newest, true)
    }

    /// Makes the decision count again that was taken back last, unless something was decided since. `None` when
    /// there is none.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn redo(&self) -> Result<Option<Decided>> {
        let next = format!("SELECT min(id) FROM decisions WHERE undone = 1 AND {ABOUT_SOMETHING}");
        self.mark(&next, false)
    }

    /// The newest decisions, those taken back included, newest first.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn decisions(&self, at_most: usize) -> Result<Vec<Decided>> {
        let action = "read the decisions";
        self.transact(action, |transaction| {
            let list = || -> rusqlite::Result<Vec<i64>> {
                transaction
                    .prepare_cached("SELECT id FROM decisions ORDER BY id DESC LIMIT ?1")?
                    .query_map([i64::try_from(at_most).unwrap_or(i64::MAX)], |row| row.get(0))?
                    .collect()
            };
            let ids = list().map_err(|source| self.failed(action, source))?;
            ids.into_iter().map(|id| self.decided(transaction, id)).collect()
        })
    }

    /// The verdict on each face of a clip, whatever became of its track.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn verdicts(&self, clip: ClipId) -> Result<Vec<(FaceId, Option<Verdict>)>> {
        let connection = self.lock();
        let list = || -> rusqlite::Result<Vec<_>> {
            connection
                .prepare_cached(&format!("SELECT id, {VERDICT} FROM faces WHERE clip = ?1 ORDER BY id"))?
                .query_map([clip.0], |row| Ok((FaceId(row.get(0)?), verdict(row.get(1)?))))?
                .collect()
        };
        list().map_err(|source| self.failed("read the verdicts", source))
    }

    /// What was chosen for tracks of a clip, of those for which something counts, as it was given.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn adjustments(&self, clip: ClipId) -> Result<BTreeMap<u32, String>> {
        let connection = self.lock();
        let list = || -> rusqlite::Result<BTreeMap<_, _>> {
            connection
                .prepare_cached(
                    "SELECT track, settings FROM (
                       SELECT tracks.track, (SELECT settings FROM decided_tracks
                         JOIN decisions ON decisions.id = decision WHERE decided_tracks.clip = tracks.clip
                         AND decided_tracks.track = tracks.track AND kind = 6 AND NOT undone
                         ORDER BY decision DESC LIMIT 1) AS settings
                       FROM tracks WHERE tracks.clip = ?1)
                     WHERE settings IS NOT NULL",
                )?
                .query_map([clip.0], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        list().map_err(|source| self.failed("read what was chosen for a clip", source))
    }

    /// Two numbers that are other ones when what counts about faces may be another: the newest decision about them, and how
    /// many count. What [`Decision::Adjust`] says of how faces are put on is not among them.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn decided_about_faces(&self) -> Result<(i64, i64)> {
        let numbers = "SELECT ifnull(max(id), 0), count(CASE WHEN undone = 0 THEN 1 END) FROM decisions WHERE kind <> 6";
        self.lock()
            .query_row(numbers, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|source| self.failed("look for changes", source))
    }

    fn mark(&self, which: &str, undone: bool) -> Result<Option<Decided>> {
        let action = if undone { "take back a decision" } else { "repeat a decision" };
        self.transact(action, |transaction| {
            let failed = |source| self.failed(action, source);
            let id: Option<i64> = transaction.query_row(which, [], |row| row.get(0)).map_err(failed)?;
            let Some(id) = id else { return Ok(None) };
            transaction
                .execute("UPDATE decisions SET undone = ?2 WHERE id = ?1", params![id, undone])
                .map_err(failed)?;
            self.decided(transaction, id).map(Some)
        })
    }

    fn about_face(
        &self,
        transaction: &Transaction<'_>,
        decision: DecisionId,
        face: FaceId,
        points: Option<Vec<u8>>,
        crop: Option<&str>,
    ) -> Result<()> {
        let inserted = transaction
            .prepare_cached(
                "INSERT INTO decided_faces (face, decision, points, crop)
                 SELECT id, ?2, ?3, ?4 FROM faces WHERE id = ?1 ON CONFLICT DO NOTHING",
            )
            .and_then(|mut statement| statement.execute(params![face.0, decision.0, points, crop]))
            .map_err(|source| self.failed("note a decision", source))?;
        let known = || -> Result<bool> {
            transaction
                .query_row("SELECT 1 FROM faces WHERE id = ?1", [face.0], |_| Ok(()))
                .optional()
                .map(|found| found.is_some())
                .map_err(|source| self.failed("note a decision", source))
        };
        // named twice is named once
        if inserted == 0 && !known()? { Err(self.not_there(format!("face {face}"))) } else { Ok(()) }
    }

    fn about_track(
        &self,
        transaction: &Transaction<'_>,
        decision: DecisionId,
        TrackId { clip, track }: TrackId,
    ) -> Result<()> {
        let failed = |source| self.failed("note a decision", source);
        let known = transaction
            .query_row("SELECT 1 FROM tracks WHERE clip = ?1 AND track = ?2", params![clip.0, track], |_| {
                Ok(())
            })
            .optional()
            .map_err(failed)?;
        if known.is_none() {
            return Err(self.not_there(format!("track {track} of clip {clip}")));
        }
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO decided_tracks (clip, track, decision) VALUES (?1, ?2, ?3)",
            )
            .and_then(|mut statement| statement.execute(params![clip.0, track, decision.0]))
            .map_err(failed)?;
        Ok(())
    }

    fn decided(&self, transaction: &Transaction<'_>, id: i64) -> Result<Decided> {
        let read = || -> rusqlite::Result<Decided> {
            let faces = transaction
                .prepare_cached("SELECT face FROM decided_faces WHERE decision = ?1 ORDER BY face")?
                .query_map([id], |row| row.get(0).map(FaceId))?
                .collect::<rusqlite::Result<_>>()?;
            let tracks = transaction
                .prepare_cached(
                    "SELECT clip, track FROM decided_tracks WHERE decision = ?1 ORDER BY clip, track",
                )?
                .query_map([id], |row| Ok(TrackId { clip: ClipId(row.get(0)?), track: row.get(1)? }))?
                .collect::<rusqlite::Result<_>>()?;
            transaction
                .prepare_cached(
                    "SELECT kind, name, decided_at, undone FROM decisions
                     LEFT JOIN people ON people.id = person WHERE decisions.id = ?1",
                )?
                .query_row([id], |row| {
                    let kind: usize = row.get(0)?;
                    Ok(Decided {
                        id: DecisionId(id),
                        kind: KINDS.get(kind.wrapping_sub(1)).copied().unwrap_or("unknown"),
                        person: row.get(1)?,
                        faces,
                        tracks,
                        decided_at: time_from_unix(row.get(2)?),
                        undone: row.get(3)?,
                    })
                })
        };
        read().map_err(|source| self.failed("read a decision", source))
    }
}
