//! Convolutions over all channels: products of pixels and weights.

use super::Activation;
use super::lanes::{Act, Lanes, filled, whole, widths};
use crate::buffer::{CacheLine, numbers, numbers_mut, zeros};
use crate::path::Path;
use crate::tile::{Run, Tile, with_f32_tile};

/// A convolution over all channels with its bias and what follows, packed for one path.
#[derive(Clone, Debug)]
pub struct Product {
    path: Path,
    kernel: [usize; 2],
    inputs: usize,
    stored_inputs: usize,
    outputs: usize,
    stored_outputs: usize,
    /// Strip after strip, each as deep as the window.
    weights: Vec<CacheLine>,
    strips: Vec<Strip>,
    bias: Vec<f32>,
    before: Activation,
    after: Activation,
}

/// Outputs that are summed together.
#[derive(Clone, Copy, Debug)]
struct Strip {
    /// The first of them.
    first: usize,
    /// Vectors of them.
    vectors: usize,
    /// Where their weights begin.
    weights: usize,
}

/// How many numbers lie between things of an input.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// The windows of neighbouring pixels of the result: the stride times the numbers of a pixel.
    pub window: usize,
    /// Two lines.
    pub line: usize,
}

impl Product {
    /// `weights` `[output][input][line][column]` with a window of `kernel` lines and columns, `bias` `[output]`; inputs lie
    /// with `stored_inputs` numbers a pixel. `before` follows the sums, `after` once something was added to them.
    ///
    /// # Panics
    /// When the lengths do not agree.
    #[must_use]
    pub fn new(
        path: Path,
        (inputs, stored_inputs): (usize, usize),
        kernel: [usize; 2],
        weights: &[f32],
        bias: &[f32],
        [before, after]: [Activation; 2],
    ) -> Self {
        let (outputs, taps) = (bias.len(), kernel[0] * kernel[1]);
        assert_eq!(weights.len(), outputs * inputs * taps, "weights of another shape");
        assert!(inputs <= stored_inputs && inputs > 0 && outputs > 0 && taps > 0, "nothing to multiply");
        let (stored_outputs, (lanes, most)) =
            with_f32_tile!(path, tile, (whole(tile, outputs), widths(tile)));
        // strips of nearly the same width
        let vectors = stored_outputs / lanes;
        let count = vectors.div_ceil(most);
        let depth = inputs * taps;
        let mut strips = Vec::new();
        let mut packed = zeros::<f32>(depth * stored_outputs);
        let to = numbers_mut::<f32>(&mut packed);
        let mut first = 0;
        for number in 0..count {
            let vectors = vectors / count + usize::from(number < vectors % count);
            let (width, start) = (vectors * lanes, depth * first);
            for (k, output) in (0..depth * width).map(|i| (i / width, first + i % width)) {
                if output < outputs {
                    let (tap, input) = (k / inputs, k % inputs);
                    to[start + k * width + output - first] = weights[(output * inputs + input) * taps + tap];
                }
            }
            strips.push(Strip { first, vectors, weights: start });
            first += width;
        }
        let mut bias = bias.to_vec();
        bias.resize(stored_outputs, 0.0);
        let [before, after] = [before, after].map(|activation| filled(activation, outputs, stored_outputs));
        Self {
            path,
            kernel,
            inputs,
            stored_inputs,
            outputs,
            stored_outputs,
            weights: packed,
            strips,
            bias,
            before,
            after,
        }
    }

    /// Numbers of a pixel of the result.
    #[must_use]
    pub fn stored_outputs(&self) -> usize {
        self.stored_outputs
    }

    /// Channels of the result.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `count` pixels of the result, `output_step` numbers apart: `after(before(sums) + added)`. `input` begins with the
    /// window of the first of them. `added` lies as the result does.
    ///
    /// # Panics
    /// When `input`, `output` or `added` is too short.
    pub fn run(
        &self,
        input: &[f32],
        steps: Steps,
        count: usize,
        (output, output_step): (&mut [f32], usize),
        added: Option<&[f32]>,
    ) {
        if count == 0 {
            return;
        }
        let runs = self.runs(steps.line);
        let reach = runs.iter().map(|run| run.offset as usize + run.len).max().unwrap_or(0);
        assert!((count - 1) * steps.window + reach <= input.len(), "the input is too short");
        let end = (count - 1) * output_step + self.stored_outputs;
        assert!(end <= output.len(), "the result is too short");
        assert!(added.is_none_or(|added| end <= added.len()), "what is added is too short");
        let job = Job {
            runs: &runs,
            input,
            step: steps.window,
            added,
            output_step,
            before: Act::of(&self.before),
            after: Act::of(&self.after),
        };
        let weights = numbers::<f32>(&self.weights);
        with_f32_tile!(self.path, tile, {
            tile.run(
                #[inline(always)]
                || {
                    for strip in &self.strips {
                        // SAFETY: inside `run`. The assertions above cover `count` pixels; the strips' weights, biases
                        // and slopes were made for this path and these runs by `new`.
                        unsafe {
                            fill(tile, &job, *strip, &weights[strip.weights..], &self.bias, count, output)
                        };
                    }
                },
            );
        });
    }

    /// The window as stretches of memory. Where pixels are full, the pixels of a line are one.
    fn runs(&self, line: usize) -> Vec<Run> {
        let [lines, columns] = self.kernel;
        let (inputs, stored) = (self.inputs, self.stored_inputs);
        let (times, len, step) =
            if inputs == stored { (1, columns * inputs, 0) } else { (columns, inputs, stored) };
        (0..lines * times)
            .map(|i| Run { offset: (i / times * line + i % times * step) as isize, len, packed: i * len })
            .collect()
    }
}

/// What all strips have in common.
struct Job<'a> {
    runs: &'a [Run],
    input: &'a [f32],
    step: usize,
    added: Option<&'a [f32]>,
    output_step: usize,
    before: Act<'a>,
    after: Act<'a>,
}

/// One strip of `count` pixels.
///
/// # Safety
/// Called inside [`Tile::run`]. Of `count` pixels, windows lie in the input, results in `output` and what is added in
/// `added`; `weights` is as deep as the runs and as wide as the strip; biases and slopes reach to its end.
#[inline(always)]
unsafe fn fill<T: Tile>(
    _: T,
    job: &Job<'_>,
    strip: Strip,
    weights: &[f32],
    bias: &[f32],
    count: usize,
    output: &mut [f32],
) where
    T::V: Lanes,
{
    // SAFETY: the caller's promise, passed on.
    unsafe {
        match (strip.vectors, T::V::PIXELS[strip.vectors - 1]) {
            (1, 16) => pixels::<T::V, 16, 1>(job, strip.first, weights, bias, count, output),
            (1, _) => pixels::<T::V, 8, 1>(job, strip.first, weights, bias, count, output),
            (2, 12) => pixels::<T::V, 12, 2>(job, strip.first, weights, bias, count, output),
            (2, _) => pixels::<T::V, 6, 2>(job, strip.first, weights, bias, count, output),
            (_, 8) => pixels::<T::V, 8, 3>(job, strip.first, weights, bias, count, output),
            (_, _) => pixels::<T::V, 4, 3>(job, strip.first, weights, bias, count, output),
        }
    }
}

/// One strip, `PIXELS` at a time. The last ones go back as far as needed: some are done twice, to the same numbers.
///
/// # Safety
/// As for [`fill`].
#[inline(always)]
unsafe fn pixels<V: Lanes, const PIXELS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    first: usize,
    weights: &[f32],
    bias: &[f32],
    count: usize,
    output: &mut [f32],
) {
    // SAFETY: every block begins at a pixel so that all of its pixels are among the `count`.
    unsafe {
        if count < PIXELS {
            for pixel in 0..count {
                block::<V, 1, VECTORS>(job, pixel, first, weights, bias, output);
            }
            return;
        }
        for pixel in (0..count).step_by(PIXELS) {
            block::<V, PIXELS, VECTORS>(job, pixel.min(count - PIXELS), first, weights, bias, output);
        }
    }
}

/// `PIXELS` pixels of `VECTORS` vectors of outputs.
///
/// # Safety
/// As for [`fill`], with `pixel + PIXELS <= count`.
#[allow(clippy::needless_range_loop, reason = "indices are constants once unrolled: sums stay in registers")]
#[inline(always)]
unsafe fn block<V: Lanes, const PIXELS: usize, const VECTORS: usize>(
    job: &Job<'_>,
    pixel: usize,
    first: usize,
    weights: &[f32],
    bias: &[f32],
    output: &mut [f32],
) {
    // SAFETY: the caller promises that windows, results and what is added of these pixels lie in their slices, and that
    // weights, biases and slopes of these outputs do.
    unsafe {
        let mut sums = [[V::zero(); VECTORS]; PIXELS];
        for v in 0..VECTORS {
            let bias = V::load(bias.as_ptr().add(first + v * V::LEN));
            for p in 0..PIXELS {
                sums[p][v] = bias;
            }
        }
        let start = job.input.as_ptr().add(pixel * job.step);
        let mut b = weights.as_ptr();
        for run in job.runs {
            let mut a = start.offset(run.offset);
            for _ in 0..run.len {
                let mut across = [V::zero(); VECTORS];
                for v in 0..VECTORS {
                    across[v] = V::load(b.add(v * V::LEN));
                }
                for p in 0..PIXELS {
                    let value = V::splat(*a.add(p * job.step));
                    for v in 0..VECTORS {
                        sums[p][v] = value.multiply_add(across[v], sums[p][v]);
                    }
                }
                a = a.add(1);
                b = b.add(VECTORS * V::LEN);
            }
        }
        job.before.apply(&mut sums, first);
        let at = pixel * job.output_step + first;
        if let Some(added) = job.added {
            let from = added.as_ptr().add(at);
            for p in 0..PIXELS {
                for v in 0..VECTORS {
                    sums[p][v] = sums[p][v].add(V::load(from.add(p * job.output_step + v * V::LEN)));
                }
            }
            job.after.apply(&mut sums, first);
        }
        let to = output.as_mut_ptr().add(at);
        for p in 0..PIXELS {
            for v in 0..VECTORS {
                sums[p][v].store(to.add(p * job.output_step + v * V::LEN));
            }
        }
    }
}
