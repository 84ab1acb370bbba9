//! Each layer of `quick` on each path: `cd bench/kernels && cargo bench`. Throughput is in useful floating-point
//! operations (Gelem/s reads GFLOP/s), two for each weight and position; nothing that is padding counts. `roof` is
//! what the innermost loop reaches on data in the first cache, on all threads: the share of it that a layer reaches
//! is what is left to gain.
#![allow(missing_docs, reason = "criterion's macros write functions without")]

use std::hint::black_box;
use std::time::Duration;

use bifrons_kernels::Path;
use bifrons_kernels::conv::{Activation, Conv, Done, Form, backward, enter, forward, layout, roof};
use bifrons_kernels::layout::Dims;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;

struct Layer {
    name: &'static str,
    conv: Conv,
    images: usize,
    side: usize,
    inputs: usize,
    outputs: usize,
    /// The first layer needs no gradient of its input.
    with_input: bool,
}

const fn conv(kernel: usize, stride: usize, border: usize, activation: Activation, shuffle: usize) -> Conv {
    Conv { kernel, stride, border, activation, shuffle }
}

/// The layers of `quick` for 16 + 16 faces: the encoder sees all of them at once, a decoder its own.
fn layers() -> Vec<Layer> {
    use Activation::{Leaky, Linear, Sigmoid};
    let shrink = |name, side, inputs, outputs| Layer {
        name,
        conv: conv(5, 2, 2, Leaky, 1),
        images: 32,
        side,
        inputs,
        outputs,
        with_input: inputs != 3,
    };
    let enlarge = |name, images, side, inputs, outputs: usize| Layer {
        name,
        conv: conv(3, 1, 1, Leaky, 2),
        images,
        side,
        inputs,
        outputs: 4 * outputs,
        with_input: true,
    };
    let full = |name, conv, side, inputs, outputs| Layer {
        name,
        conv,
        images: 32,
        side,
        inputs,
        outputs,
        with_input: true,
    };
    vec![
        shrink("shrink 64 px 3 to 32", 64, 3, 32),
        shrink("shrink 32 px 32 to 64", 32, 32, 64),
        shrink("shrink 16 px 64 to 128", 16, 64, 128),
        shrink("shrink 8 px 128 to 256", 8, 128, 256),
        full("gather 4096 to 512", conv(4, 1, 0, Linear, 1), 4, 256, 512),
        full("unfold 512 to 4096", conv(1, 1, 0, Linear, 4), 1, 512, 4096),
        enlarge("enlarge 4 px 256 to 128", 32, 4, 256, 128),
        enlarge("enlarge 8 px 128 to 64", 16, 8, 128, 64),
        enlarge("enlarge 16 px 64 to 32", 16, 16, 64, 32),
        enlarge("enlarge 32 px 32 to 16", 16, 32, 32, 16),
        Layer {
            name: "paint 64 px 16 to 3",
            conv: conv(5, 1, 2, Sigmoid, 1),
            images: 16,
            side: 64,
            inputs: 16,
            outputs: 3,
            with_input: true,
        },
    ]
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 2_654_435_761 % 1000) as f32 / 1000.0 - 0.5).collect()
}

fn each_layer(criterion: &mut Criterion) {
    for path in Path::available() {
        let mut group = criterion.benchmark_group(path.name());
        group.sample_size(10).warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_millis(1500));
        for layer in layers() {
            let Layer { name, conv, images, side, inputs, outputs, with_input } = layer;
            let dims = Dims { images, height: side, width: side, channels: inputs };
            let (height, width) = conv.grid(dims);
            let operations = 2 * images * height * width * conv.weights(inputs, outputs);
            let (weights, bias) = (numbers(conv.weights(inputs, outputs)), numbers(outputs));
            let input = layout(path, dims, &conv);
            let x = enter(path, &numbers(dims.count()), input);
            let result = conv.result(dims, outputs);
            let form = if conv.activation == Activation::Sigmoid {
                Form::Planar(result)
            } else {
                Form::Packed(layout(path, result, &conv))
            };
            group.throughput(Throughput::Elements(operations as u64));
            group.bench_function(BenchmarkId::new("forward", name), |bencher| {
                bencher.iter(|| forward(path, &conv, black_box(&x), input, &weights, &bias, form));
            });
            let found = forward(path, &conv, &x, input, &weights, &bias, form);
            let done = Done { conv, x: &x, layout: input, weights: &weights, result: found.as_ref(), form };
            let times = if with_input { 2 } else { 1 };
            group.throughput(Throughput::Elements((times * operations) as u64));
            group.bench_function(BenchmarkId::new("backward", name), |bencher| {
                bencher.iter(|| backward(path, black_box(&done), found.as_ref(), with_input));
            });
        }
        let threads = rayon::current_num_threads();
        const REPEATS: usize = 4000;
        group.throughput(Throughput::Elements((threads * roof(path, 0) * REPEATS) as u64));
        group.bench_function("roof", |bencher| {
            bencher.iter(|| (0..threads).into_par_iter().for_each(|_| _ = black_box(roof(path, REPEATS))));
        });
    }
}

criterion_group!(benches, each_layer);
criterion_main!(benches);
