//! The mean of a network's recent weights. One iteration's weights are noisy: films made with two of them, a minute apart,
//! look like the identity to a varying degree. Their mean is steadier, and better than either (Izmailov et al. 2018).

use std::collections::VecDeque;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Iterations between two of the weights that are averaged.
const EVERY: u64 = 10;
/// The mean reaches back this share of all iterations, but not more than so many.
const REACH: f64 = 0.125;
const MOST: f64 = 500.0;

/// `average` with the weights of `net` after `iteration` mixed in: a moving mean whose reach grows with training.
///
/// Both are networks of the same shape without gradients. Nothing happens but in every tenth iteration.
#[must_use]
pub fn averaged<M: Module>(average: M, net: &M, iteration: u64) -> M {
    if !iteration.is_multiple_of(EVERY) {
        return average;
    }
    let reach = (REACH * iteration as f64).min(MOST).max(EVERY as f64);
    let mut collector = Collector::default();
    net.visit(&mut collector);
    average.map(&mut Mixer { weights: collector.weights, share: EVERY as f64 / reach })
}

#[derive(Default)]
struct Collector {
    weights: VecDeque<Tensor<1>>,
}

impl ModuleVisitor for Collector {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let count = tensor.shape().num_elements();
        self.weights.push_back(tensor.reshape([count]));
    }
}

struct Mixer {
    weights: VecDeque<Tensor<1>>,
    share: f64,
}

impl ModuleMapper for Mixer {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // networks of one shape are gone through in the same order
        let weights = self.weights.pop_front().expect("as many weights as the average has");
        let share = self.share;
        param.map(|average| {
            let weights = weights.reshape(average.shape());
            average.clone() + (weights - average) * share
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{Hourglass, Preset, weights};

    #[test]
    fn the_mean_moves_towards_the_weights_every_tenth_time() {
        let device = Device::flex();
        let network = Preset::named("quick").unwrap().network;
        let net = |seed| Hourglass::new(&network, 1, seed, &device);
        let bytes = |net: &Hourglass| weights::to_safetensors(net).unwrap();
        let (one, other) = (net(1), net(2));
        assert!(bytes(&averaged(one.clone(), &other, 799)) == bytes(&one));
        let first = |net: &Hourglass| {
            let mut collector = Collector::default();
            net.visit(&mut collector);
            collector.weights[0].clone().into_data().iter::<f32>().next().unwrap()
        };
        // at first it is the weights themselves
        assert!((first(&averaged(one.clone(), &other, 80)) - first(&other)).abs() < 1e-7);
        // 800 iterations: it reaches back 100, so a tenth is new
        let expected = 0.9 * first(&one) + 0.1 * first(&other);
        assert!((first(&averaged(one.clone(), &other, 800)) - expected).abs() < 1e-7);
    }
}
