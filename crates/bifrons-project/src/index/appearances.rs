//! What faces look like, noted later for those found by an earlier program.

use rusqlite::params;

use super::{Appearance, ClipId, Face, FaceId, Index};
use crate::error::Result;

impl Index {
    /// Up to `limit` faces of accepted tracks of a clip, after a face, that have a crop and whose appearance is not
    /// known; ordered by number.
    ///
    /// # Errors
    /// [`crate::ProjectError::Damaged`], [`crate::ProjectError::Database`].
    pub fn faces_without_appearance(
        &self,
        clip: ClipId,
        after: Option<FaceId>,
        limit: usize,
    ) -> Result<Vec<Face>> {
        let after = after.map_or(0, |face| face.0);
        let mut faces = self.list_faces(
            "faces.id IN (SELECT id FROM faces WHERE clip = ?1 AND id > ?2 AND spots IS NULL AND crop IS NOT NULL
               ORDER BY id LIMIT ?3)",
            params![clip.0, after, limit],
        )?;
        faces.sort_by_key(|face| face.id);
        Ok(faces)
    }

    /// Notes what some faces look like, in one transaction.
    ///
    /// # Errors
    /// [`crate::ProjectError::Database`].
    pub fn note_appearances(&self, faces: &[(FaceId, Appearance)]) -> Result<()> {
        let action = "note what faces look like";
        self.transact(action, |transaction| {
            for (face, of) in faces {
                transaction
                    .prepare_cached(
                        "UPDATE faces SET light = ?2, light_side = ?3, smile = ?4, mouth_open = ?5,
                           eyes_closed = ?6, brows_up = ?7, spots = ?8 WHERE id = ?1",
                    )
                    .and_then(|mut statement| {
                        statement.execute(params![
                            face.0,
                            of.light,
                            of.light_side,
                            of.smile,
                            of.mouth_open,
                            of.eyes_closed,
                            of.brows_up,
                            of.spots
                        ])
                    })
                    .map_err(|source| self.failed(action, source))?;
            }
            Ok(())
        })
    }
}
