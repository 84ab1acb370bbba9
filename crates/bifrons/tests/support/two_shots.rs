//! A small film of two shots, and a model that was trained for a moment.

use std::path::{Path, PathBuf};

use bifrons_project::{Clip, Visit};

use super::footage::{Cut, Real};
use super::{Ran, Room, bifrons, code};

pub(crate) const FRAMES: usize = 40;
/// The frame with which the second shot begins.
pub(crate) const CUT: usize = 22;

/// A trained project with footage of two shots.
#[derive(Debug)]
pub(crate) struct TwoShots {
    pub(crate) room: Room,
    pub(crate) footage: PathBuf,
}

impl TwoShots {
    pub(crate) fn new() -> Self {
        let room = Room::new();
        let face = Cut { sound: false, ..Cut::new(Real::Webcam, 12) }.make(room.path("webcam.mp4"));
        let filter = format!("hflip=enable='gte(n,{CUT})',eq=brightness=0.15:enable='gte(n,{CUT})'");
        let footage = Cut { filter: &filter, ..Cut::new(Real::Interview, FRAMES) }.make(room.path("two.mp4"));
        let film = Self { room, footage };
        let project = film.project();
        Ran::of(bifrons().arg("new").arg(&project).args(["--preset", "quick"])).expect(code::DONE);
        film.run(&["add", "--as", "alice"], &[&face]);
        film.run(&["add", "--as", "bob"], &[&film.footage]);
        film.run(&["extract"], &[]);
        film.run(&["train", "--iterations", "2"], &[]);
        film
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.room.path("film")
    }

    pub(crate) fn run(&self, arguments: &[&str], paths: &[&Path]) -> Ran {
        let mut command = bifrons();
        Ran::of(command.args(arguments).args(paths).arg("--project").arg(self.project())).expect(code::DONE)
    }

    pub(crate) fn visit(&self) -> Visit {
        Visit::open(&self.project()).expect("it was made")
    }

    pub(crate) fn clip(&self) -> Clip {
        self.visit().index().clips_of("bob").expect("bob").remove(0)
    }
}
