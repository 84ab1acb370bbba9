//! The table of `docs/seal.md`: what the gate says of clips.
//!
//! ```sh
//! cargo run --release -p bifrons-extraction --example gate -- CLIP…
//! ```
#![expect(clippy::print_stdout, reason = "a table for people")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use bifrons_extraction::gate::{judge_clip, network};

fn main() -> Result<(), Box<dyn Error>> {
    println!("| clip | frames looked at | of these explicit | refused | seconds |\n|---|---|---|---|---|");
    let (mut clips, mut refused) = (0, 0);
    for path in std::env::args().skip(1) {
        let started = Instant::now();
        let judged = judge_clip(Path::new(&path), network()?)?;
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy();
        let verdict = if judged.refused { "yes" } else { "no" };
        let secs = started.elapsed().as_secs_f64();
        println!("| {name} | {} | {} | {verdict} | {secs:.1} |", judged.frames, judged.explicit);
        clips += 1;
        refused += usize::from(judged.refused);
    }
    println!("\n{refused} of {clips} clips refused");
    Ok(())
}
