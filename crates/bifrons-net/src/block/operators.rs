//! The same by Burn's own operators, which differentiate themselves: for devices that the kernels do not run on.

use bifrons_kernels::adam::Adam;
use bifrons_kernels::conv::{Activation, Conv, LEAK};
use bifrons_kernels::loss;
use burn::tensor::activation::{leaky_relu, sigmoid};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, TensorData};

use super::Link;

/// As [`chain`](super::chain).
pub(super) fn chain(images: Tensor<4>, links: &[Link]) -> Tensor<4> {
    links.iter().fold(images, |x, link| {
        let Conv { stride, border, activation, shuffle, .. } = link.conv;
        let weights = link.weights.clone().permute([3, 2, 0, 1]);
        let options = ConvOptions::new([stride; 2], [border; 2], [1; 2], 1);
        let sums = conv2d(x, weights, Some(link.bias.clone()), options);
        let values = match activation {
            Activation::Linear => sums,
            Activation::Leaky => leaky_relu(sums, f64::from(LEAK)),
            Activation::Sigmoid => sigmoid(sums),
        };
        if shuffle == 1 { values } else { shuffled(values, shuffle) }
    })
}

/// Channels, numbered `(line, column, channel)`, to `side` × `side` pixels.
fn shuffled(values: Tensor<4>, side: usize) -> Tensor<4> {
    let [count, channels, height, width] = values.dims();
    let channels = channels / (side * side);
    values.reshape([count, side, side, channels, height, width]).permute([0, 3, 4, 1, 5, 2]).reshape([
        count,
        channels,
        height * side,
        width * side,
    ])
}

/// As [`compare`](super::compare); formulas in [`loss`].
pub(super) fn compare(drawn: Tensor<4>, truth: Tensor<4>, weight: Tensor<4>) -> Tensor<1> {
    let channels = drawn.dims()[1] as f64;
    let inside = weight.clone().clamp_max(1.0);
    let (x, y) = (drawn * inside.clone(), truth * inside);
    let squared = (x.clone() - y.clone()).square() * weight.clone();
    let mse = squared.sum() / weight.clone().sum().clamp_min(1e-6) / channels;

    let seen = through_window(weight);
    let seen = seen.clone() / seen.sum().clamp_min(1e-6).reshape([1, 1, 1, 1]);
    let (mean_x, mean_y) = (through_window(x.clone()), through_window(y.clone()));
    let squares = through_window(x.clone().square() + y.clone().square());
    let products = through_window(x * y);
    let means = mean_x.clone() * mean_y.clone();
    let mean_squares = mean_x.square() + mean_y.square();
    let above = (means.clone() * 2.0 + loss::C1) * ((products - means) * 2.0 + loss::C2);
    let below = (mean_squares.clone() + loss::C1) * (squares - mean_squares + loss::C2);
    let dissimilar = (above / below).neg() + 1.0;
    let dssim = (dissimilar * seen).sum() * 0.5 / channels;
    Tensor::cat(vec![dssim, mse], 0)
}

/// Means through SSIM's window, where it fits.
fn through_window(planes: Tensor<4>) -> Tensor<4> {
    let [count, channels, height, width] = planes.dims();
    let taps = loss::window();
    let device = planes.device().inner();
    let along = |shape: [usize; 4]| Tensor::<4>::from_data(TensorData::new(taps.to_vec(), shape), &device);
    let options = || ConvOptions::new([1; 2], [0; 2], [1; 2], 1);
    let planes = planes.reshape([count * channels, 1, height, width]);
    let across = conv2d(planes, along([1, 1, 1, loss::WINDOW_PX]), None, options());
    let both = conv2d(across, along([1, 1, loss::WINDOW_PX, 1]), None, options());
    let [_, _, height, width] = both.dims();
    both.reshape([count, channels, height, width])
}

/// As [`adam_step`](super::adam_step).
pub(super) fn adam_step<const D: usize>(
    settings: Adam,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    [mean, square]: [Tensor<D>; 2],
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let Adam { beta_1, beta_2, epsilon, .. } = settings;
    let (rate, scale) = settings.corrected();
    let mean = mean * beta_1 + gradient.clone() * (1.0 - beta_1);
    let square = square * beta_2 + gradient.square() * (1.0 - beta_2);
    let weights = weights - mean.clone() * rate / (square.clone().sqrt() * scale + epsilon);
    (weights, [mean, square])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super as kernels;
    use super::*;

    /// bf16 rounds what lies between two convolutions to 8 bits, and so may turn the sign that a slope depends on.
    fn tolerance() -> f32 {
        if bifrons_kernels::Path::best().is_bf16() { 5e-2 } else { 2e-4 }
    }

    /// Numbers in `[-1, 1)` without order: in waves, sums would cancel, and only rounding would be left.
    fn numbers<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// The difference as a share of the numbers, both as root mean squares.
    fn near<const D: usize>(what: &str, one: Tensor<D>, other: Tensor<D>) {
        let size = |numbers: Tensor<D>| numbers.square().mean().sqrt().into_scalar::<f32>();
        let off = size(one - other.clone()) / size(other);
        assert!(off <= tolerance(), "{what} is off by {off}");
    }

    #[test]
    fn a_chain_draws_and_learns_as_the_kernels_do() {
        let device = Device::flex().autodiff();
        let conv = |kernel, stride, border, activation, shuffle| Conv {
            kernel,
            stride,
            border,
            activation,
            shuffle,
        };
        // a small hourglass: shrink, a full connection each way, enlarge, paint
        let layers = [
            (conv(5, 2, 2, Activation::Leaky, 1), 3, 8),
            (conv(4, 1, 0, Activation::Linear, 1), 8, 12),
            (conv(1, 1, 0, Activation::Linear, 4), 12, 16 * 6),
            (conv(3, 1, 1, Activation::Leaky, 2), 6, 4 * 5),
            (conv(5, 1, 2, Activation::Sigmoid, 1), 5, 3),
        ];
        let link = |(number, (conv, inputs, outputs)): (usize, (Conv, usize, usize))| Link {
            conv,
            weights: (numbers([conv.kernel, conv.kernel, inputs, outputs], number as u64, &device)
                * (conv.kernel as f32 * (inputs as f32).sqrt()).recip())
            .require_grad(),
            bias: (numbers([outputs], 10 + number as u64, &device) * 0.1).require_grad(),
            packed: None,
        };
        let links: Vec<Link> = layers.into_iter().enumerate().map(link).collect();
        let images = (numbers([4, 3, 8, 8], 20, &device) * 0.4 + 0.5).require_grad();
        let (by_kernels, by_operators) =
            (kernels::chain(images.clone(), &links), chain(images.clone(), &links));
        near("drawing", by_kernels.clone(), by_operators.clone());
        let weigh = |drawn: Tensor<4>| (drawn.clone() * numbers(drawn.dims(), 21, &device)).sum().backward();
        let (of_kernels, of_operators) = (weigh(by_kernels), weigh(by_operators));
        near("images", images.grad(&of_kernels).unwrap(), images.grad(&of_operators).unwrap());
        for (number, link) in links.iter().enumerate() {
            let (one, other) = (link.weights.grad(&of_kernels), link.weights.grad(&of_operators));
            near(&format!("weights {number}"), one.unwrap().cast(burn::tensor::DType::F32), other.unwrap());
            let (one, other) = (link.bias.grad(&of_kernels), link.bias.grad(&of_operators));
            near(&format!("bias {number}"), one.unwrap(), other.unwrap());
        }
    }

    #[test]
    fn faces_are_compared_as_the_kernels_do() {
        let device = Device::flex().autodiff();
        let drawn = (numbers([2, 3, 16, 16], 1, &device) * 0.4 + 0.5).require_grad();
        let truth = numbers([2, 3, 16, 16], 2, &device) * 0.4 + 0.5;
        let weight = (numbers([2, 1, 16, 16], 3, &device) * 1.5 + 0.5).clamp_min(0.0);
        let one = kernels::compare(drawn.clone(), truth.clone(), weight.clone());
        let other = compare(drawn.clone(), truth, weight);
        near("values", one.clone(), other.clone());
        let slope =
            |values: Tensor<1>| drawn.grad(&(values * numbers([2], 4, &device)).sum().backward()).unwrap();
        near("gradients", slope(one), slope(other));
    }

    #[test]
    fn a_step_of_adam_as_the_kernels_do() {
        let device = Device::flex();
        let settings = Adam { rate: 0.1, beta_1: 0.5, beta_2: 0.99, epsilon: 1e-7, step: 3 };
        let [weights, gradient, mean] = [5, 6, 7].map(|seed| numbers([2, 5], seed, &device));
        let square = numbers([2, 5], 8, &device).square();
        let moments = || [mean.clone(), square.clone()];
        let one = kernels::adam_step(settings, weights.clone(), gradient.clone(), moments());
        let other = adam_step(settings, weights.clone(), gradient.clone(), moments());
        near("weights", one.0, other.0);
        one.1.into_iter().zip(other.1).for_each(|(one, other)| near("moments", one, other));
    }
}
