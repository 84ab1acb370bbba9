//! Times the networks run by our own kernels and by rten, in turn, on one thread, and prints a Markdown table.
//!
//! ```text
//! cargo run --release -p bifrons-vision --example network_times -- [ROUNDS]
//! ```
#![expect(clippy::print_stdout, reason = "a program that a person runs by hand")]

use std::error::Error;
use std::time::Instant;

use bifrons_vision::{Array, Network, Vision, load_network, load_network_in_rten};

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args().nth(1).map_or(Ok(15), |rounds| rounds.parse::<usize>())?.max(1);
    let [detector, mesh, embedding] = Vision::networks();
    let cases = [
        (detector, 448, 256, &["heatmap", "scale", "offset", "landmarks"][..]),
        (detector, 640, 384, &["heatmap", "scale", "offset", "landmarks"]),
        (mesh, 256, 256, &["landmarks", "presence"]),
        (embedding, 224, 224, &["embedding"]),
    ];
    println!("| network | own, ms | rten, ms | time, rten = 1 |");
    println!("|---|---|---|---|");
    for (file, width, height, outputs) in cases {
        let networks = [load_network(file)?, load_network_in_rten(file)?];
        let data = (0..3 * width * height).map(|i| (i * 37 % 256) as f32 / 255.0).collect();
        let picture = Array { shape: vec![1, 3, height, width], data };
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..=rounds {
            for (network, times) in networks.iter().zip(&mut times) {
                let took = time(network.as_ref(), &picture, outputs)?;
                // the first round only warms up
                if round > 0 {
                    times.push(took);
                }
            }
        }
        let mut ratios: Vec<f64> = times[0].iter().zip(&times[1]).map(|(own, rten)| own / rten).collect();
        let [own, rten] = times.each_mut().map(|times| spread(times));
        let ratio = median(&mut ratios);
        println!("| {} {width} x {height} | {own} | {rten} | {ratio:.2} |", file.name);
    }
    Ok(())
}

/// Milliseconds of one run.
fn time(network: &dyn Network, picture: &Array, outputs: &[&str]) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    network.run(&[("image", picture)], outputs)?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Median, lowest and highest.
fn spread(times: &mut [f64]) -> String {
    let middle = median(times);
    format!("{middle:.1} ({:.1} to {:.1})", times[0], times[times.len() - 1])
}
