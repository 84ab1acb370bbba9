//! Faces for tests.

use bifrons_net::Preset;
use bifrons_vision::align::Shape;

use crate::{Faceset, Look, TrainingFace};

/// People of two faces each: a bright disc high or low, in the colour of the person.
pub(crate) fn facesets(people: &[String]) -> Vec<Faceset> {
    let face = |person: usize, number: usize| {
        let inside = |p: usize| {
            let (x, y) = ((p % 84) as f32 - 42.0, (p / 84) as f32 - 36.0 - 12.0 * number as f32);
            x * x + y * y < 400.0
        };
        let rgb = (0..84 * 84 * 3).map(|i| if inside(i / 3) && i % 3 != person { 220 } else { 60 }).collect();
        TrainingFace::new(84, rgb, vec![255; 84 * 84], vec![0; 84 * 84])
    };
    let faceset = |(person, name): (usize, &String)| Faceset {
        person: name.clone(),
        faces: vec![face(person, 0), face(person, 1)],
        looks: vec![Look { yaw: 0.0, pitch: 0.0, mouth: 0.0, eyes: 0.3, sharpness: 1.0 }; 2],
        held_out: 0..0,
        shape: Shape::of([]),
    };
    people.iter().enumerate().map(faceset).collect()
}

/// `quick` with two faces of each person at a time.
pub(crate) fn preset() -> Preset {
    let mut preset = Preset::named("quick").expect("a built-in preset");
    preset.training.batch_per_person = 2;
    preset.training.warmup_iterations = 0;
    preset
}
