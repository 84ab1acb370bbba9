//! Detection, mesh, embedding and alignment on real frames.

mod common;

use bifrons_media::{Frame, PixelRect, ResizeFilter, RgbImage};
use bifrons_vision::align::{CROP_SIZE_PX, Framing, crop_from_frame};
use bifrons_vision::geometry::Point;
use bifrons_vision::mesh_points::FACE_OVAL;
use bifrons_vision::{BoundingBox, DetectorOptions, Embedding, Mesh, Vision, mouth_openness, pose};
use common::frames;

fn mesh_of(vision: &Vision, frame: &Frame) -> Mesh {
    let face = vision.detect(frame, &DetectorOptions::default()).unwrap().remove(0);
    let fit = vision.mesh(frame, &face).unwrap().unwrap();
    assert!(fit.presence > 0.9, "{}", fit.presence);
    fit.mesh
}

#[test]
fn a_face_is_found_at_every_size_of_the_view() {
    let Some(frames) = frames("same_person_1.mp4", 0, 1) else { return };
    let vision = Vision::load().unwrap();
    let found: Vec<_> = [640, 448, 320]
        .map(|long_side_px| {
            let options = DetectorOptions { long_side_px, ..DetectorOptions::default() };
            vision.detect(&frames[0], &options).unwrap()
        })
        .into_iter()
        .collect();
    for faces in &found {
        assert_eq!(faces.len(), 1);
        assert!(faces[0].bbox.iou(&found[0][0].bbox) > 0.8);
        let [eye_left, eye_right, nose, ..] = faces[0].points;
        assert!(eye_left.x < nose.x && nose.x < eye_right.x && eye_left.y < nose.y);
    }
}

#[test]
fn tracking_and_detecting_agree() {
    let Some(frames) = frames("long_franck.mp4", 500, 6) else { return };
    let vision = Vision::load().unwrap();
    let mut tracked = mesh_of(&vision, &frames[0]);
    for frame in &frames[1..] {
        tracked = vision.mesh_from(frame, &tracked).unwrap().unwrap().mesh;
        let detected = mesh_of(&vision, frame);
        let eyes = detected.point(33).distance(detected.point(263));
        let mean = (0..468).map(|i| tracked.point(i).distance(detected.point(i))).sum::<f64>() / 468.0;
        assert!(mean < 0.02 * eyes, "{mean} px of {eyes} px");
    }
}

#[test]
fn one_person_is_alike_and_two_are_not() {
    let (Some(one), Some(other)) = (frames("same_person_1.mp4", 0, 201), frames("long_franck.mp4", 0, 1))
    else {
        return;
    };
    let vision = Vision::load().unwrap();
    let who = |frame: &Frame| vision.embed(frame, &mesh_of(&vision, frame)).unwrap().unwrap();
    let (a, later, b) = (who(&one[0]), who(&one[200]), who(&other[0]));
    assert!(a.cosine(&later) > 0.62, "{}", a.cosine(&later));
    assert!(a.cosine(&b) < 0.58, "{}", a.cosine(&b));
    let mean = Embedding::mean(&[a.clone(), later]).unwrap();
    assert!(mean.cosine(&a) > 0.8);
}

#[test]
fn the_crop_follows_the_head_and_not_the_mouth() {
    let Some(frames) = frames("long_franck.mp4", 0, 40) else { return };
    let vision = Vision::load().unwrap();
    let mut mesh = mesh_of(&vision, &frames[0]);
    let (mut scales, mut mouths) = (Vec::new(), Vec::new());
    for frame in &frames {
        mesh = vision.mesh_from(frame, &mesh).unwrap().unwrap().mesh;
        let crop = crop_from_frame(&mesh);
        scales.push(crop.scale().ln());
        mouths.push(f64::from(mouth_openness(&mesh)));
        // The whole face is in both framings.
        let side = CROP_SIZE_PX as f64;
        let framing = Framing::Face.from_crop(64);
        for i in FACE_OVAL {
            let p = crop.apply(mesh.point(i));
            assert!(p.x > 60.0 && p.x < side - 60.0 && p.y > 40.0 && p.y < side - 40.0, "{i} {p:?}");
            let q = framing.apply(p);
            assert!(q.x > 1.0 && q.x < 63.0 && q.y > 1.0 && q.y < 63.0, "{i} {q:?}");
        }
        let pose = pose(&mesh);
        assert!(pose.yaw_deg.abs() < 40.0 && pose.roll_deg.abs() < 25.0, "{pose:?}");
    }
    // How the scale answers when the mouth opens, from frame to frame: all mesh points together
    // shrink the crop by 14 to 23 % for one eye distance.
    let steps = |v: &[f64]| v.windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>();
    let (scale_steps, mouth_steps) = (steps(&scales), steps(&mouths));
    let along: f64 = scale_steps.iter().zip(&mouth_steps).map(|(s, m)| s * m).sum();
    let square: f64 = mouth_steps.iter().map(|m| m * m).sum();
    assert!((along / square).abs() < 0.08, "{}", along / square);
    let wobble = (scale_steps.iter().map(|s| s * s).sum::<f64>() / scale_steps.len() as f64).sqrt();
    assert!(wobble < 0.01, "{wobble}");
}

#[test]
fn a_mesh_outside_the_frame_is_none() {
    let Some(frames) = frames("same_person_1.mp4", 0, 1) else { return };
    let vision = Vision::load().unwrap();
    let mesh = mesh_of(&vision, &frames[0]);
    let away = bifrons_vision::geometry::Similarity::translation(5000.0, 0.0);
    let gone = mesh.transformed(&away);
    assert!(gone.point(0).distance(mesh.point(0) + Point::new(5000.0, 0.0)) < 1e-3);
    assert!(vision.mesh_from(&frames[0], &gone).unwrap().is_none());
    assert!(vision.embed(&frames[0], &gone).unwrap().is_none());
}

#[test]
fn small_faces_of_a_large_picture_are_found_in_tiles() {
    let Some(frames) = frames("same_person_1.mp4", 0, 1) else { return };
    let vision = Vision::load().unwrap();
    let whole = frames[0].rgb(PixelRect::new(0, 0, frames[0].width_px(), frames[0].height_px()));
    let face = vision.detect(&frames[0], &DetectorOptions::default()).unwrap().remove(0);
    let scale = 27.0 / face.bbox.height();
    let side = |px: usize| (px as f32 * scale).round() as usize;
    let small = whole.resize(side(whole.width), side(whole.height), ResizeFilter::Area).unwrap();
    let mut large = RgbImage::filled(3840, 2160, [0.35, 0.4, 0.45]);
    // in a corner, in the middle, across the edges of tiles
    let places = [(0, 0), (1900, 1000), (690, 400), (3840 - small.width, 2160 - small.height), (2500, 640)];
    for (x, y) in places {
        large.paste(&small, x, y);
    }
    assert!(vision.detect(&large, &DetectorOptions::default()).unwrap().is_empty());
    let options = DetectorOptions { least_face_px: 24.0, ..DetectorOptions::default() };
    let found = vision.detect(&large, &options).unwrap();
    assert_eq!(found.len(), places.len(), "{found:?}");
    for (x, y) in places {
        let centre = face.bbox.centre();
        let expected =
            Point::new(x as f64 + centre.x * f64::from(scale), y as f64 + centre.y * f64::from(scale));
        assert!(found.iter().any(|found| found.bbox.centre().distance(expected) < 5.0), "{x} {y}");
        let near = BoundingBox::around([expected]);
        let near = BoundingBox { right: near.right + 1.0, bottom: near.bottom + 1.0, ..near };
        assert!(!vision.detect_near(&large, &options, &[near]).unwrap().is_empty(), "{x} {y}");
    }
}
