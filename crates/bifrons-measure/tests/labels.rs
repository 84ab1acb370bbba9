//! Detection, landmarks and likeness on labelled photographs. Only where the data is: it may not be distributed.

use std::path::{Path, PathBuf};

use bifrons_measure::face::Networks;
use bifrons_measure::labels::{detect, faces_where_none_are, identity, picture_sets};
use bifrons_vision::Vision;

/// A place in the test data; `None`, with a message, when it is not here.
#[expect(clippy::print_stderr, reason = "says which test was skipped")]
fn data(name: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data =
        std::env::var_os("BIFRONS_DATA").map_or_else(|| here.join("../../../shared/data"), PathBuf::from);
    let path = data.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {name} is not here (set BIFRONS_DATA)");
    None
}

#[test]
fn faces_and_their_points_are_found() {
    let Some(dir) = data("labels") else { return };
    let figures = detect(&Vision::load().unwrap(), &picture_sets(&dir).unwrap()).unwrap();
    let set = |name: &str| figures.iter().find(|set| set.name == name).unwrap();
    let (afw, helen, aflw) = (set("afw68"), set("helen68"), set("aflw2000_3d"));
    assert!(afw.faces == 44 && afw.found >= 40, "{} of {}", afw.found, afw.faces);
    assert!(helen.faces == 30 && helen.found == 30, "{} of {}", helen.found, helen.faces);
    assert!(helen.inner_landmark_error.as_ref().unwrap().mean <= 0.034);
    assert_eq!(aflw.faces, 16);
}

#[test]
fn nothing_is_found_where_no_face_is() {
    let vision = Vision::load().unwrap();
    for name in ["video/no_face.mp4", "video/crowd_night_tiny.mp4"] {
        let Some(path) = data(name) else { continue };
        let clip = faces_where_none_are(&vision, &path).unwrap();
        assert_eq!(clip.frames_with_face, 0, "{name}");
    }
}

#[test]
fn people_are_told_apart() {
    let Some(dir) = data("identity/lfw10") else { return };
    let report = identity(&Vision::load().unwrap(), &Networks::load().unwrap(), &dir).unwrap();
    assert_eq!((report.people, report.photographs), (10, 100));
    assert!(report.networks[0].auc > 0.99, "the network that scores");
}
