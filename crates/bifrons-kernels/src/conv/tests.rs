//! Every path against sums written out in f64.

use proptest::prelude::*;

use super::*;
use crate::buffer::numbers;
use crate::element::Element;
use crate::guarded::Guarded;

/// Numbers that bf16 holds exactly, so that only sums can differ.
fn numbers_of(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 129) as f32 / 64.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The sums before the activation, `[image, y, x, output]`.
fn plain_sums(conv: &Conv, dims: Dims, planes: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f64> {
    let (height, width) = conv.grid(dims);
    let outputs = bias.len();
    let mut sums = Vec::new();
    for (image, line, column) in places(dims.images, height, width) {
        for output in 0..outputs {
            let mut sum = f64::from(bias[output]);
            for_each_tap(conv, dims, line, column, |tap, y, x| {
                for input in 0..dims.channels {
                    let weight = weights[(tap * dims.channels + input) * outputs + output];
                    sum += f64::from(weight) * f64::from(planes[forward::planar(dims, image, input, y, x)]);
                }
            });
            sums.push(sum);
        }
    }
    sums
}

fn places(images: usize, height: usize, width: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..images * height * width).map(move |i| (i / (height * width), i / width % height, i % width))
}

fn for_each_tap(
    conv: &Conv,
    dims: Dims,
    line: usize,
    column: usize,
    mut with: impl FnMut(usize, usize, usize),
) {
    for tap in 0..conv.kernel * conv.kernel {
        let y = (line * conv.stride + tap / conv.kernel).wrapping_sub(conv.border);
        let x = (column * conv.stride + tap % conv.kernel).wrapping_sub(conv.border);
        if y < dims.height && x < dims.width {
            with(tap, y, x);
        }
    }
}

/// Index in the planar result of output `output` at a position.
fn shuffled(conv: &Conv, result: Dims, image: usize, line: usize, column: usize, output: usize) -> usize {
    let (part, channel) = (output / result.channels, output % result.channels);
    let (y, x) = (line * conv.shuffle + part / conv.shuffle, column * conv.shuffle + part % conv.shuffle);
    forward::planar(result, image, channel, y, x)
}

struct Expected {
    result: Vec<f64>,
    input: Vec<f64>,
    weights: Vec<f64>,
    bias: Vec<f64>,
    /// Sum of the sizes of what makes up each number of `bias`.
    bias_sizes: Vec<f64>,
}

/// Forward and backward, written out.
fn expected(
    conv: &Conv,
    dims: Dims,
    planes: &[f32],
    weights: &[f32],
    bias: &[f32],
    gradient: &[f32],
) -> Expected {
    let outputs = bias.len();
    let (height, width) = conv.grid(dims);
    let result_dims = conv.result(dims, outputs);
    let sums = plain_sums(conv, dims, planes, weights, bias);
    let mut found = Expected {
        result: vec![0.0; result_dims.count()],
        input: vec![0.0; dims.count()],
        weights: vec![0.0; weights.len()],
        bias: vec![0.0; outputs],
        bias_sizes: vec![0.0; outputs],
    };
    for (at, (image, line, column)) in places(dims.images, height, width).enumerate() {
        for output in 0..outputs {
            let place = shuffled(conv, result_dims, image, line, column, output);
            let sum = sums[at * outputs + output];
            let leaky = if sum < 0.0 { f64::from(LEAK) } else { 1.0 };
            let sigmoid = 1.0 / (1.0 + (-sum).exp());
            let (value, slope) = match conv.activation {
                Activation::Linear => (sum, 1.0),
                Activation::Leaky => (sum * leaky, leaky),
                Activation::Sigmoid => (sigmoid, sigmoid * (1.0 - sigmoid)),
            };
            found.result[place] = value;
            let before = f64::from(gradient[place]) * slope;
            found.bias[output] += before;
            found.bias_sizes[output] += f64::from(gradient[place]).abs();
            for_each_tap(conv, dims, line, column, |tap, y, x| {
                for input in 0..dims.channels {
                    let weight = (tap * dims.channels + input) * outputs + output;
                    let pixel = forward::planar(dims, image, input, y, x);
                    found.weights[weight] += before * f64::from(planes[pixel]);
                    found.input[pixel] += before * f64::from(weights[weight]);
                }
            });
        }
    }
    found
}

/// The largest difference as a share of the largest expected number.
fn error(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1e-3_f64, |most, value| most.max(value.abs()));
    found
        .iter()
        .zip(expected)
        .map(|(found, expected)| (f64::from(*found) - expected).abs() / largest)
        .fold(0.0, f64::max)
}

fn check(path: Path, conv: &Conv, dims: Dims, outputs: usize, planar_result: bool, seed: u64) {
    let planes = numbers_of(dims.count(), seed);
    let weights = numbers_of(conv.weights(dims.channels, outputs), seed + 1);
    let bias = numbers_of(outputs, seed + 2);
    let result_dims = conv.result(dims, outputs);
    let gradient = numbers_of(result_dims.count(), seed + 3);
    let expected = expected(conv, dims, &planes, &weights, &bias, &gradient);

    let input = layout(path, dims, conv);
    let x = enter(path, &planes, input);
    let next = Conv { kernel: 3, stride: 1, border: 1, activation: Activation::Linear, shuffle: 1 };
    let form = if planar_result {
        Form::Planar(result_dims)
    } else {
        Form::Packed(layout(path, result_dims, &next))
    };
    let result = forward(path, conv, &x, input, &weights, &bias, form);
    let packed = Packed::new(path, *conv, &weights, dims.channels, outputs);
    match (&result, forward_packed(&packed, &x, input, &bias, form)) {
        (Values::Packed(now), Values::Packed(before)) => {
            assert!(numbers::<u32>(now) == numbers::<u32>(&before), "packed before: {path:?} {conv:?}");
        }
        (Values::Planar(now), Values::Planar(before)) => assert_eq!(*now, before, "{path:?} {conv:?}"),
        _ => panic!("another form than was asked for"),
    }
    let (planes_of_result, gradient) = match (&result, form) {
        (Values::Packed(packed), Form::Packed(layout)) => {
            (leave(path, packed, layout), Values::Packed(enter(path, &gradient, layout)))
        }
        (Values::Planar(planes), _) => (planes.clone(), Values::Planar(gradient)),
        _ => panic!("another form than was asked for"),
    };
    let done = Done { conv: *conv, x: &x, layout: input, weights: &weights, result: result.as_ref(), form };
    let found = backward(path, &done, gradient.as_ref(), true);
    // bf16: results and the gradient before the activation are rounded to 8 bits; f32: sums of thousands
    let tolerance = if path.is_bf16() { 1.5e-2 } else { 1e-5 };
    let context = format!("{path:?} {conv:?} {dims:?} outputs {outputs} planar {planar_result}");
    let near = |what: &str, found: &[f32], expected: &[f64]| {
        let error = error(found, expected);
        assert!(error <= tolerance, "{what} off by {error}: {context}");
    };
    near("result", &planes_of_result, &expected.result);
    // terms of both signs, each rounded twice to 8 bits, as a result and as a gradient: 2^-9 of its size each time
    let rounding = if path.is_bf16() { 2.0_f64.powi(-8) } else { tolerance };
    for ((found, expected), size) in found.bias.iter().zip(&expected.bias).zip(&expected.bias_sizes) {
        let off = (f64::from(*found) - expected).abs();
        assert!(off <= rounding * size + 1e-5, "bias off by {off} of {size}: {context}");
    }
    near("weights", &weights_of(path, &found, weights.len()), &expected.weights);
    near("input", &leave(path, &found.input.unwrap(), input), &expected.input);
}

/// Gradients of weights as f32.
fn weights_of(path: Path, found: &Gradients, count: usize) -> Vec<f32> {
    if path.is_bf16() {
        numbers::<u16>(&found.weights)[..count].iter().map(|value| value.to_f32()).collect()
    } else {
        numbers::<f32>(&found.weights)[..count].to_vec()
    }
}

fn conv_of(kernel: usize, stride: usize, border: usize, activation: Activation, shuffle: usize) -> Conv {
    Conv { kernel, stride, border, activation, shuffle }
}

fn dims_of(images: usize, height: usize, width: usize, channels: usize) -> Dims {
    Dims { images, height, width, channels }
}

/// A kernel of one pixel that steps over every second one: what lies between has no gradient, whatever was in the
/// memory before.
#[test]
fn pixels_that_nothing_sees() {
    for path in Path::available() {
        for seed in 0..3 {
            check(path, &conv_of(1, 2, 0, Activation::Linear, 1), dims_of(16, 3, 15, 17), 16, false, seed);
        }
    }
}

/// The layers of our networks, smaller.
#[test]
fn layers_as_we_use_them() {
    use Activation::{Leaky, Linear, Sigmoid};
    for path in Path::available() {
        check(path, &conv_of(5, 2, 2, Leaky, 1), dims_of(2, 16, 32, 3), 32, false, 1);
        check(path, &conv_of(5, 2, 2, Leaky, 1), dims_of(16, 8, 8, 32), 64, false, 2);
        check(path, &conv_of(4, 1, 0, Linear, 1), dims_of(16, 4, 4, 64), 40, true, 3);
        check(path, &conv_of(1, 1, 0, Linear, 4), dims_of(16, 1, 1, 64), 16 * 32, false, 4);
        check(path, &conv_of(3, 1, 1, Leaky, 2), dims_of(16, 4, 4, 64), 4 * 32, false, 5);
        check(path, &conv_of(3, 1, 1, Leaky, 2), dims_of(2, 16, 16, 32), 4 * 16, false, 6);
        check(path, &conv_of(5, 1, 2, Sigmoid, 1), dims_of(2, 16, 16, 16), 3, true, 7);
    }
}

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![Just(Activation::Linear), Just(Activation::Leaky), Just(Activation::Sigmoid)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Odd sizes, odd channels, one image, one pixel: everything that fits a kernel.
    #[test]
    fn any_shape(
        kernel in prop_oneof![Just(1_usize), Just(2), Just(3), Just(4), Just(5)],
        stride in 1_usize..=2,
        same in any::<bool>(),
        activation in activations(),
        shuffle in 1_usize..=2,
        images in prop_oneof![1_usize..=5, Just(16), Just(32)],
        (more_height, more_width) in (0_usize..6, 0_usize..20),
        channels in prop_oneof![1_usize..=9, Just(16), Just(17), Just(32), Just(40)],
        outputs in prop_oneof![1_usize..=9, Just(16), Just(33)],
        is_planar in any::<bool>(),
        seed in 0_u64..1000,
    ) {
        let border = if same { kernel / 2 } else { 0 };
        let smallest = kernel - border.min(kernel - 1);
        let dims = dims_of(images, smallest + more_height, smallest + more_width, channels);
        let conv = conv_of(kernel, stride, border, activation, shuffle);
        for path in Path::available() {
            check(path, &conv, dims, outputs * shuffle * shuffle, is_planar, seed);
        }
    }
}

/// The kernels reach beyond the last pixel, but never beyond what a layout allocates for that: the program would be
/// killed here.
#[test]
fn nothing_is_read_beyond_the_end() {
    use Activation::{Leaky, Linear, Sigmoid};
    let cases = [
        (conv_of(5, 2, 2, Leaky, 1), dims_of(2, 16, 32, 3), 32),
        (conv_of(5, 2, 2, Leaky, 1), dims_of(16, 8, 8, 32), 64),
        (conv_of(4, 1, 0, Linear, 1), dims_of(16, 4, 4, 64), 40),
        (conv_of(1, 1, 0, Linear, 4), dims_of(16, 1, 1, 64), 16 * 32),
        (conv_of(3, 1, 1, Leaky, 2), dims_of(3, 5, 7, 17), 4 * 5),
        (conv_of(5, 1, 2, Sigmoid, 1), dims_of(2, 16, 16, 16), 3),
        (conv_of(3, 1, 1, Leaky, 1), dims_of(1, 1, 1, 1), 1),
    ];
    for (path, (conv, dims, outputs)) in
        Path::available().into_iter().flat_map(|path| cases.map(|case| (path, case)))
    {
        let input = layout(path, dims, &conv);
        let x = Guarded::<CacheLine>::new(&enter(path, &numbers_of(dims.count(), 1), input));
        let weights = Guarded::new(&numbers_of(conv.weights(dims.channels, outputs), 2));
        let bias = Guarded::new(&numbers_of(outputs, 3));
        let next = layout(path, conv.result(dims, outputs), &conv_of(3, 1, 1, Linear, 1));
        let form = Form::Packed(next);
        let Values::Packed(result) = forward(path, &conv, &x, input, &weights, &bias, form) else {
            panic!("packed was asked for")
        };
        let result = Guarded::<CacheLine>::new(&result);
        let gradient = ValuesRef::Packed(&result);
        let done = Done { conv, x: &x, layout: input, weights: &weights, result: gradient, form };
        let found = backward(path, &done, gradient, true);
        assert_eq!(found.bias.len(), outputs);
        let packed = Guarded::<CacheLine>::new(&found.input.unwrap());
        assert_eq!(leave(path, &packed, input).len(), dims.count());
    }
}

#[test]
fn the_same_on_one_thread_and_on_many() {
    let conv = conv_of(5, 2, 2, Activation::Leaky, 1);
    let dims = dims_of(16, 16, 16, 32);
    let planes = numbers_of(dims.count(), 1);
    let (weights, bias) = (numbers_of(conv.weights(32, 64), 2), numbers_of(64, 3));
    for path in Path::available() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let input = layout(path, dims, &conv);
                let x = enter(path, &planes, input);
                let form = Form::Planar(conv.result(dims, 64));
                let result = forward(path, &conv, &x, input, &weights, &bias, form);
                let done =
                    Done { conv, x: &x, layout: input, weights: &weights, result: result.as_ref(), form };
                let found = backward(path, &done, result.as_ref(), true);
                let count = weights.len();
                let weights = weights_of(path, &found, count);
                (leave(path, &found.input.unwrap(), input), weights, found.bias)
            })
        };
        assert!(run(1) == run(3), "{path:?}");
    }
}

/// Numbers with all their bits, so that any other order of sums shows.
fn full_numbers_of(count: usize, seed: u64) -> Vec<f32> {
    let pairs = numbers_of(count, seed).into_iter().zip(numbers_of(count, seed + 77));
    pairs.map(|(large, small)| large / 3.0 + small / 7.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever trains in f32 gets the same weights on any processor with fused multiply-add.
    #[test]
    fn all_f32_paths_give_the_same_bits(
        (kernel, stride) in prop_oneof![Just((5, 2)), Just((3, 1)), Just((1, 1)), Just((5, 1))],
        activation in activations(),
        shuffle in 1_usize..=2,
        images in prop_oneof![1_usize..=5, Just(16)],
        (height, width) in (5_usize..10, 5_usize..20),
        channels in prop_oneof![1_usize..=9, Just(16), Just(24), Just(40)],
        outputs in prop_oneof![1_usize..=5, Just(16), Just(33)],
        seed in 0_u64..1000,
    ) {
        let conv = conv_of(kernel, stride, kernel / 2, activation, shuffle);
        let dims = dims_of(images, height, width, channels);
        let outputs = outputs * shuffle * shuffle;
        let result_dims = conv.result(dims, outputs);
        let planes = full_numbers_of(dims.count(), seed);
        let weights = full_numbers_of(conv.weights(channels, outputs), seed + 1);
        let (bias, gradient) = (full_numbers_of(outputs, seed + 2), full_numbers_of(result_dims.count(), seed + 3));
        let mut first = None;
        for path in Path::available().into_iter().filter(|path| !path.is_bf16() && path.is_fused()) {
            let input = layout(path, dims, &conv);
            let x = enter(path, &planes, input);
            let form = Form::Planar(result_dims);
            let result = forward(path, &conv, &x, input, &weights, &bias, form);
            let done = Done { conv, x: &x, layout: input, weights: &weights, result: result.as_ref(), form };
            let found = backward(path, &done, ValuesRef::Planar(&gradient), true);
            let Values::Planar(result) = &result else { panic!("planar was asked for") };
            let of_input = leave(path, found.input.as_ref().unwrap(), input);
            let all = [&result[..], &of_input, &weights_of(path, &found, weights.len()), &found.bias].concat();
            let bits: Vec<u32> = all.into_iter().map(f32::to_bits).collect();
            let first = first.get_or_insert_with(|| bits.clone());
            prop_assert!(*first == bits, "{:?} differs: {:?} {:?}", path, conv, dims);
        }
    }
}

#[test]
fn what_is_not_a_number_stays_so() {
    let conv = conv_of(3, 1, 1, Activation::Leaky, 1);
    let dims = dims_of(16, 4, 4, 32);
    let mut planes = numbers_of(dims.count(), 1);
    planes[5] = f32::NAN;
    planes[dims.count() - 1] = f32::INFINITY;
    let (weights, bias) = (vec![0.5; conv.weights(32, 32)], vec![0.0; 32]);
    for path in Path::available() {
        let input = layout(path, dims, &conv);
        let form = Form::Planar(conv.result(dims, 32));
        let x = enter(path, &planes, input);
        let Values::Planar(result) = forward(path, &conv, &x, input, &weights, &bias, form) else {
            panic!("planar was asked for")
        };
        assert!(result[5].is_nan() && result[dims.count() - 1] == f32::INFINITY, "{path:?}");
        let far = forward::planar(conv.result(dims, 32), 7, 0, 0, 0);
        assert!(result[far].is_finite(), "{path:?}");
    }
}

#[test]
fn the_exponential_is_exact_to_the_last_bits() {
    for i in -8700..=8800 {
        let x = i as f32 / 100.0;
        let expected = f64::from(x).exp();
        let error = (f64::from(exp(x)) - expected).abs() / expected;
        assert!(error < 3e-7, "e^{x} is off by {error}");
    }
    assert!(exp(f32::NAN).is_nan() && exp(-1e9) > 0.0 && exp(1e9).is_finite());
    assert_eq!(Activation::Sigmoid.apply(0.0), 0.5);
}

#[test]
fn in_and_out_again() {
    let conv = conv_of(3, 1, 1, Activation::Linear, 1);
    for (path, images) in Path::available().into_iter().flat_map(|path| [(path, 16), (path, 3)]) {
        let dims = dims_of(images, 2, 3, 40);
        let planes = numbers_of(dims.count(), 1);
        let layout = layout(path, dims, &conv);
        assert_eq!(leave(path, &enter(path, &planes, layout), layout), planes);
    }
}
