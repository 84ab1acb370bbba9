//! Where the time of a training step goes, operator by operator.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bifrons_kernels::Path;
use bifrons_kernels::conv::{self, Conv};
use bifrons_kernels::layout::Dims;

/// What one kind of work took while the profile ran.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spent {
    /// What it is, such as `5x5/2 3 to 32, 64 px, forward`.
    pub what: String,
    /// Seconds, summed over calls.
    pub secs: f64,
    /// Useful floating-point operations, two for each product; 0 where memory is what counts.
    pub flop: f64,
    /// How often.
    pub calls: u64,
}

static RUNS: AtomicBool = AtomicBool::new(false);
static FOUND: Mutex<BTreeMap<String, Spent>> = Mutex::new(BTreeMap::new());

/// Begins anew; from now on the operators on the processor are timed.
pub fn begin() {
    found().clear();
    RUNS.store(true, Ordering::Relaxed);
}

/// Ends, and gives what was timed, the longest first.
#[must_use]
pub fn end() -> Vec<Spent> {
    RUNS.store(false, Ordering::Relaxed);
    let mut all: Vec<Spent> = std::mem::take(&mut *found()).into_values().collect();
    all.sort_by(|one, other| other.secs.total_cmp(&one.secs));
    all
}

/// Floating-point operations a second that the innermost loop of the path in use reaches on `threads` threads, with data in
/// the first cache: the roof over all others.
#[must_use]
pub fn roof(threads: usize) -> f64 {
    const REPEATS: usize = 20_000;
    let path = Path::best();
    let of_one = |repeats: usize| -> f64 {
        let started = Instant::now();
        let of_block = std::thread::scope(|scope| {
            let all: Vec<_> = (0..threads).map(|_| scope.spawn(move || conv::roof(path, repeats))).collect();
            all.into_iter().map(|one| one.join().unwrap_or(0)).sum::<usize>()
        });
        (of_block * repeats) as f64 / started.elapsed().as_secs_f64()
    };
    // the best of some tries: what others do on the machine only ever takes
    (0..5).map(|_| of_one(REPEATS)).fold(0.0, f64::max)
}

fn found() -> std::sync::MutexGuard<'static, BTreeMap<String, Spent>> {
    // nobody panics while holding it
    FOUND.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Does `work` and counts its time; `describe` gives its name and its floating-point operations.
pub(crate) fn timed<R>(describe: impl FnOnce() -> (String, f64), work: impl FnOnce() -> R) -> R {
    if !RUNS.load(Ordering::Relaxed) {
        return work();
    }
    let started = Instant::now();
    let result = work();
    let secs = started.elapsed().as_secs_f64();
    let (what, flop) = describe();
    let mut found = found();
    let spent = found.entry(what.clone()).or_insert_with(|| Spent { what, ..Spent::default() });
    spent.secs += secs;
    spent.flop += flop;
    spent.calls += 1;
    result
}

/// Name and floating-point operations of a convolution in one direction; `products` is how many products of its size that
/// takes (the way back takes two: for the weights and for the input).
pub(crate) fn convolution(
    conv: &Conv,
    input: Dims,
    outputs: usize,
    direction: &str,
    products: usize,
) -> (String, f64) {
    let Conv { kernel, stride, .. } = *conv;
    let Dims { images, height: side, channels, .. } = input;
    let (height, width) = conv.grid(input);
    let what =
        format!("{kernel}x{kernel}/{stride}, {channels} to {outputs} channels, {side} px, {direction}");
    let flop = 2 * products * images * height * width * conv.weights(channels, outputs);
    (what, flop as f64)
}

#[cfg(test)]
mod tests {
    use bifrons_kernels::conv::Activation;

    use super::*;

    #[test]
    fn operations_of_a_convolution() {
        let conv = Conv { kernel: 5, stride: 2, border: 2, activation: Activation::Leaky, shuffle: 1 };
        let input = Dims { images: 2, height: 64, width: 64, channels: 3 };
        let (what, flop) = convolution(&conv, input, 32, "back", 2);
        assert_eq!(what, "5x5/2, 3 to 32 channels, 64 px, back");
        // 2 images, 32 x 32 places, 25 x 3 x 32 products of two operations, twice
        assert_eq!(flop, 2.0 * 2.0 * 1024.0 * 2400.0 * 2.0);
    }

    #[test]
    fn only_what_runs_while_it_runs_is_counted() {
        assert_eq!(timed(|| unreachable!("not asked for"), || 7), 7);
        assert!(roof(1) > 1e6);
    }
}
