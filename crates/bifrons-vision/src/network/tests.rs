//! Our own kernels against rten, on real frames and on pictures of every size.

use bifrons_kernels::Path;
use bifrons_media::{Frame, RgbImage};

use super::{Array, Network, NetworkFile, OnnxNetwork, Planned, load_network};
use crate::geometry::{Border, Similarity, warp};
use crate::{Picture, Vision};

#[path = "../../tests/common/mod.rs"]
mod common;

const OUTPUTS: [&[&str]; 3] =
    [&["heatmap", "scale", "offset", "landmarks"], &["landmarks", "presence"], &["embedding"]];

/// The largest difference as a share of the range of the expected numbers.
fn difference(found: &Array, expected: &Array) -> f32 {
    assert_eq!(found.shape, expected.shape);
    let (low, high) = expected.data.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    let off = found.data.iter().zip(&expected.data).map(|(a, b)| (a - b).abs());
    off.fold(0.0, f32::max) / (high - low).max(1.0)
}

fn check(pictures: &[Vec<Array>; 3]) {
    for ((file, outputs), pictures) in Vision::networks().into_iter().zip(OUTPUTS).zip(pictures) {
        let by_rten = OnnxNetwork::load(file).unwrap();
        let mut fused: Option<Vec<Vec<Array>>> = None;
        for path in Path::available() {
            let own = Planned::load(file, path).unwrap();
            let mut all = Vec::new();
            for picture in pictures {
                let found = own.run(&[("image", picture)], outputs).unwrap();
                let expected = by_rten.run(&[("image", picture)], outputs).unwrap();
                for ((name, found), expected) in outputs.iter().zip(&found).zip(&expected) {
                    let off = difference(found, expected);
                    assert!(off < 1e-4, "{} {name} by {path:?}: off by {off} of its range", file.name);
                }
                all.push(found);
            }
            if path.is_fused() {
                let first = fused.get_or_insert_with(|| all.clone());
                assert!(*first == all, "{}: {path:?} gives other bits", file.name);
            }
        }
    }
}

/// Soft spots of colour, different for each number.
fn made_up(width: usize, height: usize, number: usize) -> Array {
    let mut data = Vec::new();
    for i in 0..width * height {
        let (x, y) = ((i % width) as f32, (i / width) as f32);
        for channel in 0..3 {
            let phase = (number * 3 + channel) as f32;
            data.push(0.5 + 0.5 * (0.05 * x + phase).sin() * (0.07 * y - phase).cos());
        }
    }
    Array::from_picture(&RgbImage { width, height, data })
}

#[test]
fn networks_give_the_numbers_that_rten_gives() {
    let sizes = [(32, 32), (64, 32), (96, 160), (448, 256)];
    let seen = sizes.iter().enumerate().map(|(i, (width, height))| made_up(*width, *height, i)).collect();
    check(&[seen, vec![made_up(256, 256, 1)], vec![made_up(224, 224, 2)]]);
}

fn crop(frame: &Frame, side: usize) -> Array {
    let part = Similarity::scaling(side as f64 / frame.height_px() as f64);
    let whole = frame.rgb(crate::geometry::needed_rect(
        &Similarity::IDENTITY,
        frame.width_px(),
        frame.height_px(),
        frame.width_px(),
        frame.height_px(),
    ));
    Array::from_picture(&warp(&whole, &part, side, side, Border::Replicate))
}

#[test]
fn networks_give_the_numbers_that_rten_gives_on_frames() {
    let Some(frames) = common::frames("same_person_1.mp4", 0, 2) else { return };
    let view = |frame: &Frame| Array::from_picture(&crate::detect::pad(&frame.view(448).unwrap().0));
    check(&[
        frames.iter().map(view).collect(),
        frames.iter().map(|frame| crop(frame, 256)).collect(),
        frames.iter().map(|frame| crop(frame, 224)).collect(),
    ]);
}

#[test]
fn a_network_gives_the_same_again_after_another_size() {
    let [detector, ..] = Vision::networks();
    let own = Planned::load(detector, Path::best()).unwrap();
    let (large, small) = (made_up(160, 96, 1), made_up(64, 64, 2));
    let run = |picture: &Array| own.run(&[("image", picture)], OUTPUTS[0]).unwrap();
    let (first, second) = (run(&large), run(&small));
    assert!(first == run(&large) && second == run(&small));
    assert!(std::thread::scope(|scope| scope.spawn(|| run(&large)).join().unwrap()) == first);
}

#[test]
fn what_does_not_fit_is_refused() {
    let [detector, mesh, _] = Vision::networks();
    let own = Planned::load(detector, Path::best()).unwrap();
    let picture = made_up(64, 64, 1);
    assert!(own.run(&[("picture", &picture)], &["heatmap"]).is_err());
    assert!(own.run(&[("image", &picture)], &["mesh"]).is_err());
    // sizes that do not come out the same on both sides of a sum
    assert!(own.run(&[("image", &made_up(50, 64, 1))], &["heatmap"]).is_err());
    let planar = Array { shape: vec![3, 64, 64], data: picture.data };
    assert!(own.run(&[("image", &planar)], &["heatmap"]).is_err());
    // a mesh of a picture that is too small has other shapes than the file says
    let mesh = Planned::load(mesh, Path::best()).unwrap();
    assert!(mesh.run(&[("image", &made_up(64, 64, 1))], &["landmarks"]).is_err());
}

/// Networks with operators that only rten knows still run, by rten. If one of these loads some day, compare its numbers
/// first, as above.
#[test]
fn other_networks_are_left_to_rten() {
    let others = [
        NetworkFile {
            name: "dlib_embedding",
            bytes: include_bytes!("../../../../models/dlib_embedding.onnx"),
        },
        NetworkFile {
            name: "face_blendshapes",
            bytes: include_bytes!("../../../../models/face_blendshapes.onnx"),
        },
    ];
    for file in others {
        let found = Planned::load(file, Path::best()).map(|_| ());
        assert!(found.is_err(), "{} loads", file.name);
        assert!(load_network(file).is_ok(), "{}", file.name);
    }
}
