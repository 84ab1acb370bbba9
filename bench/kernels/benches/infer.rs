//! Layers of the network that finds faces, on each path and on one thread: `cd bench/kernels && cargo bench --bench infer`.
//! Throughput is in useful floating-point operations (Gelem/s reads GFLOP/s); compare with `roof` of the other bench,
//! which is of all threads.
#![allow(missing_docs, reason = "criterion's macros write functions without")]

use std::hint::black_box;
use std::time::Duration;

use bifrons_kernels::Path;
use bifrons_kernels::conv::roof;
use bifrons_kernels::infer::{Activation, Depthwise, Product, Steps, stored};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Pixels, inputs and outputs: few pixels at a time, as the network runs them, stay in the cache.
const PRODUCTS: [(usize, usize, usize); 8] = [
    (1365, 32, 16),
    (585, 16, 96),
    (512, 96, 24),
    (341, 144, 24),
    (292, 32, 192),
    (146, 64, 384),
    (97, 96, 576),
    (112, 960, 160),
];
/// Pixels of a line, channels and stride.
const DEPTHWISE: [(usize, usize, usize); 5] =
    [(224, 32, 1), (224, 96, 2), (112, 144, 1), (56, 192, 1), (14, 960, 1)];

fn each_layer(criterion: &mut Criterion) {
    for path in Path::available().into_iter().filter(|path| !path.is_bf16()) {
        let mut group = criterion.benchmark_group(path.name());
        group.sample_size(10).warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(600));
        for (pixels, inputs, outputs) in PRODUCTS {
            let (weights, bias) = (vec![0.01; inputs * outputs], vec![0.0; outputs]);
            let activations = [Activation::Relu, Activation::Linear];
            let from = stored(path, inputs);
            let product = Product::new(path, (inputs, from), [1, 1], &weights, &bias, activations);
            let to = product.stored_outputs();
            let (input, mut output) = (vec![0.5; pixels * from], vec![0.0; pixels * to]);
            let steps = Steps { window: from, line: 0 };
            group.throughput(Throughput::Elements((2 * pixels * inputs * outputs) as u64));
            group.bench_function(BenchmarkId::new("product", format!("{inputs} to {outputs}")), |bencher| {
                bencher.iter(|| product.run(black_box(&input), steps, pixels, (&mut output, to), None));
            });
        }
        for (width, channels, stride) in DEPTHWISE {
            let (weights, bias) = (vec![0.1; 9 * channels], vec![0.0; channels]);
            let depthwise = Depthwise::new(path, (3, stride, 1), &weights, &bias, Activation::Relu);
            let stored = depthwise.stored();
            let lines = vec![0.5; 3 * width * stored];
            let lines: Vec<&[f32]> = lines.chunks(width * stored).collect();
            let mut output = vec![0.0; width / stride * stored];
            group.throughput(Throughput::Elements((2 * 9 * channels * (width / stride)) as u64));
            group.bench_function(
                BenchmarkId::new("depthwise", format!("{channels} by {stride}")),
                |bencher| {
                    bencher.iter(|| depthwise.line(black_box(&lines), width, &mut output));
                },
            );
        }
        group.throughput(Throughput::Elements((roof(path, 0) * 100) as u64));
        group.bench_function("roof of one thread", |bencher| bencher.iter(|| black_box(roof(path, 100))));
    }
}

criterion_group!(benches, each_layer);
criterion_main!(benches);
