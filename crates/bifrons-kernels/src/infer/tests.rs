//! Every path against sums written out in f64.

use proptest::prelude::*;

use super::*;
use crate::guarded::Guarded;

fn numbers_of(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 2001) as f32 / 1000.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// `[pixel][channel]` with room for `stored` channels, in memory that ends where none may be touched.
fn pixels_of(values: &[f32], channels: usize, stored: usize) -> Guarded<f32> {
    let mut all = vec![0.0; values.len() / channels * stored];
    for (to, from) in all.chunks_exact_mut(stored).zip(values.chunks_exact(channels)) {
        to[..channels].copy_from_slice(from);
    }
    Guarded::new(&all)
}

fn applied(activation: &Activation, channel: usize, x: f64) -> f64 {
    match activation {
        Activation::Linear => x,
        Activation::Relu => x.max(0.0),
        Activation::Clipped(most) => x.clamp(0.0, f64::from(*most)),
        Activation::Leaky(slopes) => x.max(0.0) + f64::from(slopes[channel]) * x.min(0.0),
    }
}

fn activation(which: usize, channels: usize, seed: u64) -> Activation {
    match which {
        0 => Activation::Linear,
        1 => Activation::Relu,
        2 => Activation::Clipped(0.75),
        _ => Activation::Leaky(numbers_of(channels, seed)),
    }
}

/// Paths that fuse products with sums agree to the last bit.
fn same_bits(found: &[(Path, Vec<f32>)]) {
    let fused: Vec<_> = found.iter().filter(|(path, _)| path.is_fused()).collect();
    for pair in fused.windows(2) {
        assert!(pair[0].1 == pair[1].1, "{:?} and {:?} differ", pair[0].0, pair[1].0);
    }
}

fn near(path: Path, found: f32, expected: f64, size: f64) {
    let off = (f64::from(found) - expected).abs();
    assert!(off <= 1e-6 * size + 1e-6, "{path:?}: {found} instead of {expected}, of sums of {size}");
}

#[derive(Clone, Debug)]
struct ProductCase {
    /// Of the input, with its border.
    height: usize,
    width: usize,
    inputs: usize,
    is_full: bool,
    outputs: usize,
    kernel: [usize; 2],
    stride: usize,
    before: usize,
    after: usize,
    is_added: bool,
    /// Pixels of the output that stay free between two.
    gap: usize,
    seed: u64,
}

fn check_product(case: &ProductCase) {
    let ProductCase { height, width, inputs, outputs, kernel: [lines, columns], stride, seed, .. } = *case;
    let weights = numbers_of(outputs * inputs * lines * columns, seed);
    let bias = numbers_of(outputs, seed + 1);
    let values = numbers_of(height * width * inputs, seed + 2);
    let (rows, count) = ((height - lines) / stride + 1, (width - columns) / stride + 1);
    let added = numbers_of(rows * count * outputs, seed + 3);
    let acts = [activation(case.before, outputs, seed + 4), activation(case.after, outputs, seed + 5)];
    let mut found = Vec::new();
    for path in Path::available() {
        let stored_inputs = if case.is_full { inputs } else { stored(path, inputs) };
        let product = Product::new(path, (inputs, stored_inputs), case.kernel, &weights, &bias, acts.clone());
        let (out, step) = (product.stored_outputs(), (1 + case.gap) * product.stored_outputs());
        assert_eq!((product.outputs(), out), (outputs, stored(path, outputs)));
        let input = pixels_of(&values, inputs, stored_inputs);
        let steps = Steps { window: stride * stored_inputs, line: width * stored_inputs };
        let mut all = Vec::new();
        for row in 0..rows {
            let mut result = Guarded::new(&vec![7.0; (count - 1) * step + out]);
            let mut residual = vec![0.0; result.len()];
            for (to, from) in
                residual.chunks_mut(step).zip(added[row * count * outputs..].chunks_exact(outputs))
            {
                to[..outputs].copy_from_slice(from);
            }
            let residual = Guarded::new(&residual);
            let from = &input[row * stride * steps.line..];
            let residual = case.is_added.then_some(&residual[..]);
            product.run(from, steps, count, (&mut result[..], step), residual);
            for pixel in result.chunks(step) {
                all.extend_from_slice(&pixel[..outputs]);
                assert!(pixel[out..].iter().all(|value| *value == 7.0), "written where nothing is asked");
            }
        }
        for (i, value) in all.iter().enumerate() {
            let (output, column, row) = (i % outputs, i / outputs % count, i / outputs / count);
            let (mut sum, mut size) = (f64::from(bias[output]), 1.0);
            for (input, y, x) in
                (0..inputs * lines * columns).map(|i| (i / columns / lines, i / columns % lines, i % columns))
            {
                let weight = weights[((output * inputs + input) * lines + y) * columns + x];
                let from = ((row * stride + y) * width + column * stride + x) * inputs + input;
                sum += f64::from(weight) * f64::from(values[from]);
                size += f64::from(weight * values[from]).abs();
            }
            let mut expected = applied(&acts[0], output, sum);
            if case.is_added {
                expected = applied(&acts[1], output, expected + f64::from(added[i]));
            }
            near(path, *value, expected, size);
        }
        found.push((path, all));
    }
    same_bits(&found);
}

#[derive(Clone, Debug)]
struct DepthwiseCase {
    height: usize,
    width: usize,
    channels: usize,
    kernel: usize,
    stride: usize,
    /// Zeros left and above, right and below.
    border: [usize; 2],
    activation: usize,
    seed: u64,
}

fn check_depthwise(case: &DepthwiseCase) {
    let DepthwiseCase { height, width, channels, kernel, stride, border: [before, behind], seed, .. } = *case;
    let weights = numbers_of(channels * kernel * kernel, seed);
    let bias = numbers_of(channels, seed + 1);
    let values = numbers_of(height * width * channels, seed + 2);
    let act = activation(case.activation, channels, seed + 3);
    let (rows, columns) =
        ((height + before + behind - kernel) / stride + 1, (width + before + behind - kernel) / stride + 1);
    let mut found = Vec::new();
    for path in Path::available() {
        let of = Depthwise::new(path, (kernel, stride, before), &weights, &bias, act.clone());
        let stored = of.stored();
        let lines: Vec<_> =
            values.chunks_exact(width * channels).map(|line| pixels_of(line, channels, stored)).collect();
        let zeros = Guarded::new(&vec![0.0; width * stored]);
        let mut all = Vec::new();
        for row in 0..rows {
            let window: Vec<&[f32]> = (0..kernel)
                .map(|tap| &lines.get((row * stride + tap).wrapping_sub(before)).unwrap_or(&zeros)[..])
                .collect();
            let mut result = Guarded::new(&vec![0.0; columns * stored]);
            of.line(&window, width, &mut result);
            for pixel in result.chunks(stored) {
                all.extend_from_slice(&pixel[..channels]);
            }
        }
        for (i, value) in all.iter().enumerate() {
            let (channel, column, row) = (i % channels, i / channels % columns, i / channels / columns);
            let (mut sum, mut size) = (f64::from(bias[channel]), 1.0);
            for tap in 0..kernel * kernel {
                let y = (row * stride + tap / kernel).wrapping_sub(before);
                let x = (column * stride + tap % kernel).wrapping_sub(before);
                if y < height && x < width {
                    let (weight, value) = (
                        weights[channel * kernel * kernel + tap],
                        values[(y * width + x) * channels + channel],
                    );
                    sum += f64::from(weight) * f64::from(value);
                    size += f64::from(weight * value).abs();
                }
            }
            near(path, *value, applied(&act, channel, sum), size);
        }
        found.push((path, all));
    }
    same_bits(&found);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products_of_any_shape(
        kernel in prop_oneof![Just([1, 1]), Just([2, 2]), Just([3, 3]), Just([1, 3]), Just([4, 2])],
        stride in 1_usize..=2,
        (more_height, more_width) in (0_usize..4, 0_usize..40),
        inputs in prop_oneof![1_usize..=9, Just(16), Just(17), Just(24), Just(32)],
        outputs in prop_oneof![1_usize..=9, Just(16), Just(24), Just(33), Just(49), Just(80)],
        (before, after) in (0_usize..4, 0_usize..4),
        (is_full, is_added) in (any::<bool>(), any::<bool>()),
        gap in 0_usize..2,
        seed in 0_u64..1000,
    ) {
        let (height, width) = (kernel[0] + more_height, kernel[1] + more_width);
        check_product(&ProductCase {
            height, width, inputs, is_full, outputs, kernel, stride, before, after, is_added, gap, seed,
        });
    }

    #[test]
    fn depthwise_of_any_shape(
        kernel in prop_oneof![Just(3_usize), Just(5)],
        stride in 1_usize..=2,
        (height, width) in (1_usize..6, 1_usize..24),
        channels in prop_oneof![1_usize..=9, Just(16), Just(17), Just(24), Just(40)],
        border in prop_oneof![Just([0, 1]), Just([1, 1]), Just([2, 2]), Just([0, 0]), Just([2, 1])],
        activation in 0_usize..4,
        seed in 0_u64..1000,
    ) {
        let around = border[0] + border[1];
        let (height, width) = (height.max(kernel.saturating_sub(around)), width.max(kernel.saturating_sub(around)));
        check_depthwise(&DepthwiseCase { height, width, channels, kernel, stride, border, activation, seed });
    }

    #[test]
    fn the_largest_of_four(width in 1_usize..20, channels in 1_usize..20, seed in 0_u64..1000) {
        for path in Path::available() {
            let stored = stored(path, channels);
            let lines = [0, 1].map(|line| numbers_of(width * stored, seed + line));
            let mut output = vec![0.0; width / 2 * stored];
            halve(path, [&lines[0], &lines[1]], stored, &mut output);
            for (i, value) in output.iter().enumerate() {
                let at = i / stored * 2 * stored + i % stored;
                let expected = [&lines[0], &lines[1]].map(|line| line[at].max(line[at + stored]));
                prop_assert_eq!(*value, expected[0].max(expected[1]));
            }
        }
    }
}

#[test]
fn the_mean_of_all_pixels() {
    assert_eq!(mean(&[1.0, 2.0, 9.0, 3.0, 6.0, 9.0], 3, 2), [2.0, 4.0]);
}

#[test]
fn what_is_no_number_stays_so() {
    for path in Path::available() {
        for which in 0..4 {
            let acts = [activation(which, 2, 1), Activation::Linear];
            let one = Product::new(path, (1, 1), [1, 1], &[1.0, 1.0], &[0.0, 0.0], acts.clone());
            let mut output = vec![0.0; 3 * one.stored_outputs()];
            let steps = Steps { window: 1, line: 1 };
            one.run(&[f32::NAN, 1.0, 0.5], steps, 3, (&mut output, one.stored_outputs()), None);
            assert!(output[0].is_nan() && output[one.stored_outputs()].is_finite(), "{path:?} {acts:?}");
        }
    }
}
