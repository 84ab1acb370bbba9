//! Tables of `bifrons.db`, version 7.

/// Written into `PRAGMA user_version`; a file of a later version is refused, one of an earlier brought up to this.
pub(super) const VERSION: i64 = 7;

/// What each version added to the one before: `ADDED[0]` makes version 2 of version 1.
pub(super) const ADDED: [&str; VERSION as usize - 1] =
    [CURVES, DECISIONS, CONSENT, JUDGEMENTS, APPEARANCE, SHOTS];

/// Where shots begin, and what people chose for the faces in them: the column belongs to `DECISIONS`.
pub(super) const SHOTS: &str = "
CREATE TABLE shots (
  clip INTEGER NOT NULL REFERENCES clips(id) ON DELETE CASCADE,
  first_frame INTEGER NOT NULL,     -- 0 stands for a clip that was looked through from its start
  PRIMARY KEY (clip, first_frame)
) WITHOUT ROWID;
ALTER TABLE decisions ADD COLUMN settings TEXT;   -- adjust: how the faces are put on; NULL as they are without
";

/// What people decided, as a log: a decision is taken back by marking it, never by removing it. Takes the place of `reviews`.
pub(super) const DECISIONS: &str = "
CREATE TABLE decisions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind INTEGER NOT NULL,            -- 1 accept, 2 reject, 3 leave open, 4 assign, 5 place landmarks, 6 adjust
  person INTEGER REFERENCES people(id),   -- assign: who it is; NULL nobody
  decided_at INTEGER NOT NULL,
  undone INTEGER NOT NULL DEFAULT 0 -- 1 taken back, 2 taken back before something else was decided
);
CREATE TABLE decided_faces (        -- the newest row that is not undone counts
  face INTEGER NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
  decision INTEGER NOT NULL REFERENCES decisions(id),
  points BLOB,                      -- place: x, y, z of each landmark; faces.points stays as it was found
  crop TEXT,                        -- place: the crop cut out by them
  PRIMARY KEY (face, decision)
) WITHOUT ROWID;
CREATE INDEX faces_by_decision ON decided_faces (decision);
CREATE TABLE decided_tracks (
  clip INTEGER NOT NULL,
  track INTEGER NOT NULL,
  decision INTEGER NOT NULL REFERENCES decisions(id),
  PRIMARY KEY (clip, track, decision),
  FOREIGN KEY (clip, track) REFERENCES tracks(clip, track) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX tracks_by_decision ON decided_tracks (decision);
INSERT INTO decisions (id, kind, decided_at) SELECT id, decision, decided_at FROM reviews;
INSERT INTO decided_faces (face, decision) SELECT face, id FROM reviews;
DROP TABLE reviews;
";

/// How training went.
pub(super) const CURVES: &str = "
CREATE TABLE curves (
  iteration INTEGER NOT NULL,
  person INTEGER NOT NULL REFERENCES people(id),
  trained_secs REAL NOT NULL,
  loss REAL NOT NULL,               -- smoothed, on faces as they are varied
  held_out REAL,                    -- on faces that are never trained on
  PRIMARY KEY (iteration, person)
) WITHOUT ROWID;
";

/// What people agreed to, line by line.
pub(super) const CONSENT: &str = "
CREATE TABLE consent (
  id INTEGER PRIMARY KEY,           -- from 1, without gaps
  person TEXT NOT NULL,
  record TEXT NOT NULL,             -- JSON; null when it was withdrawn
  added_at INTEGER NOT NULL,
  hash TEXT NOT NULL                -- blake3 of this line and the hash of the one before it
);
CREATE TRIGGER consent_is_not_changed BEFORE UPDATE ON consent
  BEGIN SELECT RAISE(ABORT, 'the log of consent is only added to'); END;
CREATE TRIGGER consent_is_not_removed BEFORE DELETE ON consent
  BEGIN SELECT RAISE(ABORT, 'the log of consent is only added to'); END;
";

/// How clips were judged, line by line.
pub(super) const JUDGEMENTS: &str = "
CREATE TABLE judgements (
  id INTEGER PRIMARY KEY,           -- from 1, without gaps
  clip TEXT NOT NULL,               -- fingerprint: size in bytes, hash of both ends
  record TEXT NOT NULL,             -- JSON: figures and decision
  judged_at INTEGER NOT NULL,
  hash TEXT NOT NULL                -- blake3 of this line and the hash of the one before it
);
CREATE TRIGGER judgements_are_not_changed BEFORE UPDATE ON judgements
  BEGIN SELECT RAISE(ABORT, 'the log of judgements is only added to'); END;
CREATE TRIGGER judgements_are_not_removed BEFORE DELETE ON judgements
  BEGIN SELECT RAISE(ABORT, 'the log of judgements is only added to'); END;
";

/// What faces look like; NULL until it is read out of their crops.
pub(super) const APPEARANCE: &str = "
ALTER TABLE faces ADD COLUMN light REAL;        -- mean luma of the skin
ALTER TABLE faces ADD COLUMN light_side REAL;   -- -1 lit from the picture's left, 1 from its right
ALTER TABLE faces ADD COLUMN smile REAL;
ALTER TABLE faces ADD COLUMN mouth_open REAL;
ALTER TABLE faces ADD COLUMN eyes_closed REAL;
ALTER TABLE faces ADD COLUMN brows_up REAL;
ALTER TABLE faces ADD COLUMN spots BLOB;        -- red, green, blue of places on the skin
";

/// Written into `PRAGMA application_id`: "BFRN". Lets `file` tell what the database is.
pub(super) const APPLICATION_ID: i64 = 0x4246_524E;

/// Numbers are stored as they are; lists of `f32` as little-endian blobs; times as seconds since
/// 1970. Deleting a clip deletes what hangs on it.
pub(super) const TABLES: &str = "
CREATE TABLE people (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE clips (
  id INTEGER PRIMARY KEY,
  person INTEGER NOT NULL REFERENCES people(id),
  path TEXT NOT NULL,               -- relative to the project when inside it
  size_bytes INTEGER NOT NULL,      -- fingerprint
  ends TEXT NOT NULL,               -- fingerprint: blake3 of both ends
  frames INTEGER NOT NULL,
  width_px INTEGER NOT NULL,        -- as displayed
  height_px INTEGER NOT NULL,
  UNIQUE (person, path)
);
CREATE TABLE extraction (
  clip INTEGER PRIMARY KEY REFERENCES clips(id) ON DELETE CASCADE,
  next_frame INTEGER NOT NULL,      -- frames before this one are done
  tracker BLOB NOT NULL,            -- the tracker's own state after them
  done INTEGER NOT NULL             -- 1 when the whole clip is done
);
CREATE TABLE tracks (
  clip INTEGER NOT NULL REFERENCES clips(id) ON DELETE CASCADE,
  track INTEGER NOT NULL,
  state INTEGER NOT NULL,           -- 0 running, 1 accepted, 2 rejected
  person INTEGER REFERENCES people(id),
  PRIMARY KEY (clip, track)
);
CREATE TABLE faces (
  id INTEGER PRIMARY KEY,
  clip INTEGER NOT NULL,
  frame INTEGER NOT NULL,           -- from 0, in presentation order
  track INTEGER NOT NULL,
  points BLOB NOT NULL,             -- x, y, z of each landmark, displayed pixels
  left REAL NOT NULL, top REAL NOT NULL, right REAL NOT NULL, bottom REAL NOT NULL,
  score REAL NOT NULL,
  presence REAL NOT NULL,
  yaw_deg REAL NOT NULL, pitch_deg REAL NOT NULL, roll_deg REAL NOT NULL,
  sharpness REAL NOT NULL,
  embedding BLOB,
  crop TEXT,                        -- name of a file in faces/<person>/
  UNIQUE (clip, frame, track),
  FOREIGN KEY (clip, track) REFERENCES tracks(clip, track) ON DELETE CASCADE
);
CREATE INDEX faces_by_track ON faces (clip, track, frame);
CREATE TABLE reviews (              -- the newest row of a face counts
  id INTEGER PRIMARY KEY,
  face INTEGER NOT NULL REFERENCES faces(id) ON DELETE CASCADE,
  decision INTEGER NOT NULL,        -- 1 kept, 2 thrown away
  decided_at INTEGER NOT NULL
);
CREATE INDEX reviews_by_face ON reviews (face, id);
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  command TEXT NOT NULL,
  seed INTEGER NOT NULL,
  preset TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  outcome TEXT
);
CREATE TABLE outputs (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs(id),
  path TEXT NOT NULL,
  blake3 TEXT NOT NULL,
  footage TEXT NOT NULL,
  model_step INTEGER NOT NULL,
  made_at INTEGER NOT NULL
);
";
