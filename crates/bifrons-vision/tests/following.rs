//! Following faces through real footage.

mod common;

use bifrons_media::{PixelRect, ResizeFilter, RgbImage};
use bifrons_vision::{
    EndReason, Observation, Picture, Step, TrackEnd, Tracker, TrackerOptions, TrackerState, Vision,
};
use common::frames;
use rayon::prelude::*;

fn follow<P: Picture>(vision: &Vision, pictures: &[P]) -> (Vec<Step>, Vec<TrackEnd>) {
    go_on(Tracker::new(vision), pictures)
}

fn go_on<'p, P: Picture>(mut tracker: Tracker<'_, &'p P>, pictures: &'p [P]) -> (Vec<Step>, Vec<TrackEnd>) {
    let mut known: Vec<_> = pictures.iter().flat_map(|p| tracker.next(p).unwrap()).collect();
    let (rest, running) = tracker.finish();
    known.extend(rest);
    // They come back as they went in.
    assert!(known.iter().map(|k| k.picture as *const P).eq(pictures.iter().map(|p| p as *const P)));
    let steps: Vec<Step> = known.into_iter().map(|k| k.step).collect();
    let ends = steps.iter().flat_map(|s| s.ended.clone()).chain(running).collect();
    (steps, ends)
}

fn accepted(ends: &[TrackEnd]) -> Vec<&TrackEnd> {
    ends.iter().filter(|e| e.accepted).collect()
}

/// A picture without a face: soft waves.
fn waves(width: usize, height: usize, phase: f32) -> RgbImage {
    let mut image = RgbImage::new(width, height);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f32 / 37.0 + phase, y as f32 / 23.0);
            image.set(x, y, [0.5 + 0.3 * u.sin(), 0.4 + 0.25 * (u + v).cos(), 0.45 + 0.3 * v.sin()]);
        }
    }
    image
}

/// A head of the test footage, cut out; nothing else of the frame.
fn head() -> Option<RgbImage> {
    let frame = frames("same_person_1.mp4", 0, 1)?.remove(0);
    let vision = Vision::load().unwrap();
    let face = vision.detect(&frame, &Default::default()).unwrap().remove(0);
    let b = face.bbox;
    let (w, h) = (b.width(), b.height());
    let rect = PixelRect::covering(
        b.left - 0.35 * w,
        b.top - 0.45 * h,
        b.right + 0.35 * w,
        b.bottom + 0.25 * h,
        frame.width_px(),
        frame.height_px(),
    );
    Some(frame.rgb(rect))
}

/// The waves with a head on them, or without.
fn scene(head: &RgbImage, at: Option<(usize, usize)>) -> RgbImage {
    let mut scene = waves(640, 480, 0.0);
    if let Some((x, y)) = at {
        scene.paste(head, x, y);
    }
    scene
}

#[test]
fn one_man_is_one_track() {
    let Some(frames) = frames("same_person_1.mp4", 0, 60) else { return };
    let (steps, ends) = follow(&Vision::load().unwrap(), &frames);
    assert_eq!(ends.len(), 1);
    assert!(ends[0].accepted && ends[0].frames == 60 && ends[0].reason == EndReason::ClipEnd);
    for step in &steps {
        assert!(!step.cut);
        let [seen] = &step.observations[..] else { panic!("{} faces", step.observations.len()) };
        assert!(seen.presence > 0.9 && seen.score > 0.6);
        assert!(seen.bbox.left > 0.0 && seen.bbox.right < 400.0);
    }
    // Detection: three times while the track is young, then every twelve frames.
    assert_eq!(steps.iter().filter(|s| s.detected).count(), 3 + 57 / 12);
    assert!(steps[0].observations[0].embedding.is_some());
    assert_eq!(steps.iter().filter(|s| s.observations[0].embedding.is_some()).count(), 3);
}

#[test]
fn an_interrupted_run_gives_the_same_bits() {
    let Some(frames) = frames("same_person_1.mp4", 300, 40) else { return };
    let vision = Vision::load().unwrap();
    let (whole, ends) = follow(&vision, &frames);
    for at_least in [1, 17, 26] {
        let mut tracker = Tracker::new(&vision);
        let mut known = Vec::new();
        let mut fed = 0;
        let state = loop {
            known.extend(tracker.next(&frames[fed]).unwrap().into_iter().map(|k| k.step));
            fed += 1;
            if let Some(state) = tracker.state().filter(|_| fed >= at_least) {
                break state;
            }
        };
        assert_eq!(known[..], whole[..fed]);
        let saved = serde_json::to_string(&state).unwrap();
        let state: TrackerState = serde_json::from_str(&saved).unwrap();
        assert_eq!(state.next_frame(), fed);
        let (rest, ended) = go_on(Tracker::resume(&vision, state), &frames[fed..]);
        assert_eq!(rest[..], whole[fed..]);
        assert_eq!(ended, ends);
    }
}

#[test]
fn a_face_is_followed_back_to_where_it_came_in() {
    let Some(head) = head() else { return };
    // The detector looks at frames 0 and 12; the head is there from frame 5 on, and moves.
    let shown = |i: usize| (i >= 5).then_some((60 + 6 * i, 100 + i));
    let pictures: Vec<RgbImage> = (0..20).map(|i| scene(&head, shown(i))).collect();
    let (steps, ends) = follow(&Vision::load().unwrap(), &pictures);
    assert!(!steps[5].detected && steps[12].detected);
    let seen: Vec<usize> = (0..20).filter(|&i| !steps[i].observations.is_empty()).collect();
    assert_eq!(seen, (5..20).collect::<Vec<_>>());
    let [end] = &ends[..] else { panic!("{ends:?}") };
    assert!(end.accepted && end.first_frame == 5 && end.frames == 15, "{end:?}");
    for (i, pair) in steps[5..].windows(2).enumerate() {
        let (one, next) = (&pair[0].observations[0].bbox, &pair[1].observations[0].bbox);
        assert!((next.left - one.left - 6.0).abs() < 2.0, "frame {}: {one:?} {next:?}", i + 5);
    }
}

#[test]
fn a_face_that_the_detector_doubts_is_followed_back_through_the_doubt() {
    // A head turned away, at which the detector is sure from the third frame on only.
    let Some(frames) = frames("../truth/pair1_eval_A.mp4", 0, 24) else { return };
    let (steps, ends) = follow(&Vision::load().unwrap(), &frames);
    assert!(steps.iter().all(|s| s.observations.len() == 1), "{ends:?}");
    assert_eq!(ends.len(), 1);
}

#[test]
fn threads_change_nothing() {
    let Some(frames) = frames("long_franck.mp4", 100, 8) else { return };
    let vision = Vision::load().unwrap();
    let alone = follow(&vision, &frames);
    let together: Vec<_> = (0..3).into_par_iter().map(|_| follow(&vision, &frames)).collect();
    assert!(together.iter().all(|run| *run == alone));
}

#[test]
fn waves_have_no_face() {
    let vision = Vision::load().unwrap();
    let pictures: Vec<RgbImage> = (0..14).map(|i| waves(320, 240, i as f32 * 0.02)).collect();
    let (steps, ends) = follow(&vision, &pictures);
    assert!(ends.is_empty() && steps.iter().all(|s| s.observations.is_empty() && !s.cut));
}

#[test]
fn a_cartoon_has_no_face() {
    let Some(frames) = frames("no_face.mp4", 0, 40) else { return };
    let (_, ends) = follow(&Vision::load().unwrap(), &frames);
    assert!(accepted(&ends).is_empty());
}

#[test]
fn a_cut_ends_the_track() {
    let Some(frames) = frames("face_noface.mov", 60, 25) else { return };
    let (steps, ends) = follow(&Vision::load().unwrap(), &frames);
    let faces = accepted(&ends);
    assert_eq!(faces.len(), 1);
    // The cut lies at frame 73 of the clip; frame 72 is a blend of both shots.
    assert_eq!(steps.iter().position(|s| s.cut), Some(13));
    assert!((11..=12).contains(&faces[0].last_frame), "{}", faces[0].last_frame);
    assert!(steps[13..].iter().all(|s| s.observations.is_empty()));
}

#[test]
fn two_people_are_two_tracks() {
    let Some(frames) = frames("head-pose-face-detection-female-and-male.gif", 0, 30) else { return };
    let (steps, ends) = follow(&Vision::load().unwrap(), &frames);
    assert_eq!(accepted(&ends).len(), 2);
    assert_eq!(ends.len(), 2);
    assert!(steps.iter().all(|s| s.observations.len() == 2));
    let who: Vec<_> = ends.iter().map(|e| e.embedding.clone().unwrap()).collect();
    assert!(who[0].cosine(&who[1]) < 0.6);
}

#[test]
fn a_blip_is_thrown_away() {
    let Some(head) = head() else { return };
    let shown = |i: usize| (i == 12).then_some((200, 100));
    let pictures: Vec<RgbImage> = (0..20).map(|i| scene(&head, shown(i))).collect();
    let (steps, ends) = follow(&Vision::load().unwrap(), &pictures);
    // It was seen, and told to be nothing afterwards.
    assert_eq!(steps.iter().map(|s| s.observations.len()).sum::<usize>(), 1);
    assert_eq!(ends.len(), 1);
    assert!(!ends[0].accepted);
}

#[test]
fn a_face_that_was_hidden_keeps_its_track() {
    let Some(head) = head() else { return };
    // Six frames at one place, hidden for five, then elsewhere in the frame.
    let shown = |i: usize| match i {
        0..6 => Some((60, 100)),
        6..11 => None,
        _ => Some((380, 180)),
    };
    let pictures: Vec<RgbImage> = (0..18).map(|i| scene(&head, shown(i))).collect();
    let (steps, ends) = follow(&Vision::load().unwrap(), &pictures);
    assert_eq!(ends.len(), 1, "{ends:?}");
    assert!(ends[0].accepted);
    let seen: Vec<usize> = (0..18).filter(|&i| !steps[i].observations.is_empty()).collect();
    // While it is hidden it is looked for in three frames, then in every third.
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16, 17]);
}

#[test]
fn a_dissolve_to_somebody_else_ends_the_track() {
    let (Some(first), Some(second)) = (frames("same_person_1.mp4", 0, 44), frames("long_franck.mp4", 0, 44))
    else {
        return;
    };
    let small = |p: &bifrons_media::Frame| p.rgb(p.whole()).resize(400, 300, ResizeFilter::Area).unwrap();
    let pictures: Vec<RgbImage> = first
        .iter()
        .zip(&second)
        .enumerate()
        .map(|(i, (a, b))| {
            let (mut a, b) = (small(a), small(b));
            let share = ((i as f32 - 12.0) / 12.0).clamp(0.0, 1.0);
            for (p, q) in a.data.iter_mut().zip(&b.data) {
                *p += (q - *p) * share;
            }
            a
        })
        .collect();
    let (steps, ends) = follow(&Vision::load().unwrap(), &pictures);
    assert!(steps.iter().all(|s| !s.cut));
    assert_eq!(accepted(&ends).len(), 2, "{ends:?}");
    let who: Vec<_> = accepted(&ends).iter().map(|e| e.embedding.clone().unwrap()).collect();
    assert!(who[0].cosine(&who[1]) < 0.6);
}

#[test]
fn stills_are_shots_of_one_frame() {
    let Some(head) = head() else { return };
    let vision = Vision::load().unwrap();
    let tracker = Tracker::with_options(&vision, TrackerOptions::stills());
    let stills = [Some((60, 100)), Some((62, 101)), None].map(|at| scene(&head, at));
    let (steps, ends) = go_on(tracker, &stills);
    let seen: Vec<Observation> = steps.into_iter().flat_map(|s| s.observations).collect();
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|e| e.accepted && e.frames == 1));
    assert!(seen.iter().all(|o| o.embedding.is_some()));
}

#[test]
fn a_state_of_another_version_is_refused() {
    let vision = Vision::load().unwrap();
    let state = Tracker::<RgbImage>::new(&vision).state().unwrap();
    let saved = serde_json::to_string(&state).unwrap();
    let other = saved.replacen("\"version\":1", "\"version\":999", 1);
    assert_ne!(saved, other);
    let error = serde_json::from_str::<TrackerState>(&other).unwrap_err();
    assert!(error.to_string().contains("found 999"), "{error}");
}

#[test]
fn a_head_that_looks_down_stays_in_its_track() {
    // a red-haired boy in a crowd looks at the ground: the detector is sure of him, the mesh says "no face"
    let Some(frames) = frames("crowd_street.mp4", 50, 30) else { return };
    let vision = Vision::load().unwrap();
    let (steps, _) = follow(&vision, &frames);
    let boy = |step: &Step| {
        let centre = |o: &Observation| o.bbox.centre();
        let inside = |o: &&Observation| (480.0..700.0).contains(&centre(o).x);
        step.observations.iter().find(inside).map(|o| (o.track, o.presence))
    };
    let seen: Vec<(u32, f32)> = steps.iter().filter_map(boy).collect();
    assert!(seen.len() >= 28, "{}: {seen:?}", seen.len());
    assert!(seen.iter().all(|(track, _)| *track == seen[0].0), "{seen:?}");
    assert!(seen.iter().any(|(_, presence)| *presence < 0.5), "the mesh does not doubt him");
}
