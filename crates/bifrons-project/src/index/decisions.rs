//! What people decide about faces: a log that only grows, with undo and redo without end.
//!
//! A decision is taken back by a mark on it. The newest decision without the mark is the one to undo next, the oldest
//! one with it the one to redo; a new decision makes that mark final on all that were taken back before it. So nothing
//! but the log is kept, and it is the same for everybody who looks: a second tab, the terminal, the program after a
//! kill.

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
}

/// A decision that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its number; later ones are larger.
    pub id: DecisionId,
    /// In words: `accept`, `reject`, `leave open`, `assign`, `place`.
    pub kind: &'static str,
    /// Who the tracks were said to be.
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

const KINDS: [&str; 5] = ["accept", "reject", "leave open", "assign", "place"];

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
            transaction.execute("UPDATE decisions SET undone = 2 WHERE undone = 1", []).map_err(failed)?;
            transaction
                .execute(
                    "INSERT INTO decisions (kind, person, decided_at) VALUES (?1, ?2, ?3)",
                    params![decision.kind(), person, unix_secs(SystemTime::now())],
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
                Decision::Assign { tracks, .. } => {
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
