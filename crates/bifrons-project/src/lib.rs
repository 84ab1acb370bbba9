//! The project on disk: the only crate that writes state.
//!
//! - [`Project`] is a folder opened under an exclusive lock; it hands out the rest.
//! - [`Visit`] is the folder opened without it, to look and to decide.
//! - [`Config`] is `bifrons.toml`: what people wrote down (names, clips, preset, when to stop).
//! - [`Index`] is `bifrons.db` (SQLite): what was found (faces, tracks, review decisions, runs).
//! - [`Checkpoints`] are the folders `model/step-…/` with a hash for each file.
//! - [`atomic`] is the one way in which any of them is written; [`event`] is how stages report.
//!
//! Three rules hold everywhere. A finished thing is a file or folder with its final name; there
//! is no list of finished things. A write either happened whole or not at all, also when the
//! power fails. Nothing read from a project can run code: it is TOML, JSON, SQLite and images.

pub mod atomic;
pub mod checkpoints;
pub mod config;
pub mod consent;
pub mod error;
pub mod event;
pub mod hash;
pub mod index;
pub mod judgement;
pub mod layout;
mod lock;
mod project;
mod visit;

pub use checkpoints::{Checkpoint, Checkpoints, DamagedCheckpoint, Mark, Newest, Retention};
pub use config::{Config, PersonConfig, StopRules};
pub use consent::{Basis, Consent, ConsentEntry, Day, Purpose};
pub use error::{ProjectError, Result};
pub use event::{Event, Meter, Reporter, Silent, Stage, Stop};
pub use hash::{ClipFingerprint, ContentHash};
pub use index::{
    AddedClip, Appearance, Clip, ClipId, ClipInfo, ClipState, CurvePoint, Decided, Decision, DecisionId,
    Extraction, ExtractionState, Face, FaceId, FaceRecord, Index, Output, PersonId, Review, RunId, Track,
    TrackEnd, TrackId, TrackState, Verdict,
};
pub use judgement::{Judgement, JudgementEntry};
pub use layout::Layout;
pub use project::Project;
pub use visit::Visit;
