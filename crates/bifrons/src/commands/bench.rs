//! `bifrons bench`: how fast this machine is, in figures that can be compared with other programs.

use std::io::Write as _;
use std::time::Instant;

use bifrons_net::{Hourglass, Preset, Tensor, kernels, profile};
use bifrons_project::Checkpoints;
use bifrons_training::{Batch, Trainer};
use serde_json::{Value, json};

use super::Context;
use super::train::named_device;
use crate::failure::Finished;
use crate::memory;

const PEOPLE: usize = 2;

/// Times whole training steps: forward, loss, backward, optimiser. Making the batches is not counted, as a training
/// run makes them in another thread. `losses` has every iteration's, summed over the people: the same faces and weights
/// on every machine, so curves of two kinds of instructions can be laid side by side. With `profiled`, `profile` says what
/// the operators of an iteration took, and `roof_gflops` what the innermost loop reaches.
pub(super) fn train(
    preset: &str,
    (warm, iterations): (u64, u64),
    device: &str,
    profiled: bool,
    context: &Context,
) -> anyhow::Result<Finished> {
    let preset = Preset::named(preset)?;
    let batch = preset.training.batch_per_person;
    let mut trainer = Trainer::new(preset.clone(), names(PEOPLE), 1, &named_device(device)?);

    let (mut secs, mut losses) = (Vec::new(), Vec::new());
    for iteration in 0..warm + iterations {
        if context.stop.is_requested() {
            return Ok(Finished { stopped: true, ..Finished::default() });
        }
        let faces = made_up(iteration, PEOPLE, &preset);
        if profiled && iteration == warm {
            profile::begin();
        }
        let started = Instant::now();
        losses.push(trainer.step(&faces)?.iter().sum::<f32>());
        if iteration >= warm {
            secs.push(started.elapsed().as_secs_f64());
        }
    }
    let spent = profile::end();
    let total_secs: f64 = secs.iter().sum();
    let mut found = timing(&preset, device, batch, PEOPLE * batch, secs);
    found["losses"] = json!(losses);
    if profiled {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        found["roof_gflops"] = json!(profile::roof(threads) / 1e9);
        found["profile"] = spent.iter().map(|spent| of_iteration(spent, iterations, total_secs)).collect();
    }
    tell(&found)
}

fn of_iteration(spent: &profile::Spent, iterations: u64, total_secs: f64) -> Value {
    json!({
        "what": spent.what,
        "ms": 1e3 * spent.secs / iterations as f64,
        "share": spent.secs / total_secs,
        "gflops": spent.flop / spent.secs / 1e9,
    })
}

/// Trains on made-up faces for two steps, and saves: after that, memory has been as full as it gets.
pub(super) fn two_steps(preset: &Preset, people: usize, sharpen: bool) -> anyhow::Result<()> {
    let mut trainer = Trainer::new(preset.clone(), names(people), 1, &named_device("cpu")?);
    trainer.sharpen(sharpen);
    for iteration in 0..2 {
        trainer.step(&made_up(iteration, people, preset))?;
    }
    let folder = tempfile::tempdir()?;
    Ok(trainer.save(&Checkpoints::new(folder.path()), &[])?)
}

fn names(people: usize) -> Vec<String> {
    (1..=people).map(|number| format!("person-{number}")).collect()
}

/// Times drawing: faces through encoder and decoder, as conversion does it.
pub(super) fn draw(
    preset: &str,
    batch: usize,
    iterations: u64,
    device: &str,
    context: &Context,
) -> anyhow::Result<Finished> {
    /// Iterations before measuring begins.
    const WARM: u64 = 3;
    let preset = Preset::named(preset)?;
    let place = named_device(device)?;
    let size_px = preset.network.input_px;
    let network = Hourglass::new(&preset.network, PEOPLE, 1, &place).settled(1);
    let faces: Vec<f32> = (0..batch * 3 * size_px * size_px).map(|index| wave(index, size_px, 0)).collect();
    let mut secs = Vec::new();
    for iteration in 0..WARM + iterations {
        if context.stop.is_requested() {
            return Ok(Finished { stopped: true, ..Finished::default() });
        }
        let started = Instant::now();
        let input = Tensor::<1>::from_floats(faces.as_slice(), &place).reshape([batch, 3, size_px, size_px]);
        let drawn = network.forward(input, 1).into_data();
        let took = started.elapsed().as_secs_f64();
        anyhow::ensure!(
            drawn.num_elements() == batch * 3 * preset.network.output_px.pow(2),
            "nothing was drawn"
        );
        if iteration >= WARM {
            secs.push(took);
        }
    }
    tell(&timing(&preset, device, batch, batch, secs))
}

/// What every benchmark says.
fn timing(preset: &Preset, device: &str, batch: usize, images: usize, mut secs: Vec<f64>) -> Value {
    secs.sort_by(f64::total_cmp);
    let median_secs = median(&secs);
    json!({
        "program": "bifrons",
        "preset": preset.name,
        "device": device,
        "kernels": kernels(),
        "batch": batch,
        "iterations": secs.len(),
        "median_s": median_secs,
        "min_s": secs.first(),
        "max_s": secs.last(),
        "iterations_per_sec": 1.0 / median_secs,
        "images_per_sec": images as f64 / median_secs,
        "peak_rss_mb": memory::peak_mib(),
    })
}

/// One line of JSON.
fn tell(found: &Value) -> anyhow::Result<Finished> {
    writeln!(std::io::stdout(), "{found}")?;
    Ok(Finished::default())
}

/// Smooth coloured waves in `[0, 1]`, other ones for every image: as costly as faces, and nobody's.
fn made_up(iteration: u64, people: usize, preset: &Preset) -> Batch {
    let images = people * preset.training.batch_per_person;
    let planes = |size_px: usize| -> Vec<f32> {
        (0..images * 3 * size_px * size_px).map(|index| wave(index, size_px, iteration)).collect()
    };
    let (input_px, output_px) = (preset.network.input_px, preset.network.output_px);
    let weight = vec![1.0; images * output_px * output_px];
    let people = (0..people).collect();
    Batch { iteration, people, input: planes(input_px), truth: planes(output_px), weight }
}

/// One number of many images.
fn wave(index: usize, size_px: usize, iteration: u64) -> f32 {
    let (image, pixel) = (index / (3 * size_px * size_px), index % (size_px * size_px));
    let (x, y) = ((pixel % size_px) as f32 / size_px as f32, (pixel / size_px) as f32 / size_px as f32);
    let phase = image as f32 + iteration as f32 * 0.1 + (index / (size_px * size_px) % 3) as f32;
    0.5 + 0.4 * (5.0 * x * phase.sin() + 5.0 * y * phase.cos() + phase).sin()
}

/// The middle of sorted numbers, of which there is at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[1.0, 2.0, 4.0]), 2.0);
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
    }

    #[test]
    fn made_up_faces_have_the_shape_and_range_of_real_ones() {
        let preset = &Preset::built_in()[0];
        let (first, next) = (made_up(0, PEOPLE, preset), made_up(1, PEOPLE, preset));
        assert_eq!(first.input.len(), PEOPLE * preset.training.batch_per_person * 3 * 64 * 64);
        assert_eq!(first.weight.len(), PEOPLE * preset.training.batch_per_person * 64 * 64);
        assert!(first.input.iter().all(|value| (0.0..=1.0).contains(value)));
        assert_ne!(first.input, next.input);
    }
}
