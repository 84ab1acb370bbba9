//! The studio: a page in the browser to review faces, to watch extraction and training, and to choose, frame by frame, how
//! faces are put on.
//!
//! It decides nothing that a command could not: decisions go through [`bifrons_project::Index::decide`] as those of
//! `bifrons faces` do, and long work is a child process of the same program. Killing it at any moment loses nothing.
//!
//! It listens on this machine only. Who may come in, and what is refused, is in `guard.rs` and `session.rs`; what
//! the page asks for is one file each: `faces.rs`, `decisions.rs`, `pictures.rs`, `landmarks.rs`, `film.rs`,
//! `stills.rs`, `footage.rs`, `jobs.rs`, `training.rs`, `live.rs`. The page itself is built from `web/` into `page/` and is part of the program.

mod decisions;
mod error;
mod faces;
mod film;
mod footage;
mod guard;
mod jobs;
mod landmarks;
mod live;
mod page;
mod pictures;
mod recent;
mod server;
mod session;
mod state;
mod stills;
mod training;

pub use error::StudioError;
pub use server::{Options, Studio};
