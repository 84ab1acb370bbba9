//! The hourglass: one shared encoder, a decoder for each person.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::Network;
use crate::layers::{Conv, Initializer, chain};

/// A face to its code, and the code to the small image that every decoder starts from.
#[derive(Module, Debug)]
pub struct Encoder {
    shrink: Vec<Conv>,
    to_latent: Conv,
    from_latent: Conv,
    enlarge: Conv,
}

impl Encoder {
    fn new(init: &mut Initializer<'_>, network: &Network) -> Self {
        let mut shrink = Vec::new();
        let mut inputs = 3;
        for &outputs in &network.encoder_channels {
            shrink.push(Conv::shrinking(init, inputs, outputs));
            inputs = outputs;
        }
        let side = network.waist_px();
        Self {
            shrink,
            to_latent: Conv::gathering(init, side, inputs, network.latent),
            from_latent: Conv::unfolding(init, side, network.latent, network.waist_channels),
            enlarge: Conv::enlarging(init, network.waist_channels, network.waist_out_channels),
        }
    }

    /// Faces `[n, 3, input_px, input_px]` in `[0, 1]` to codes `[n, latent]`.
    #[must_use]
    pub fn latent(&self, faces: Tensor<4>) -> Tensor<2> {
        chain(faces, self.shrink.iter().chain([&self.to_latent])).flatten(1, 3)
    }

    /// Codes `[n, latent]` to what the decoders read, `[n, waist_out_channels, 2·waist_px, 2·waist_px]`.
    #[must_use]
    pub fn unfold(&self, latent: Tensor<2>) -> Tensor<4> {
        let [count, numbers] = latent.dims();
        chain(latent.reshape([count, numbers, 1, 1]), [&self.from_latent, &self.enlarge].into_iter())
    }

    /// [`latent`](Self::latent), then [`unfold`](Self::unfold).
    #[must_use]
    pub fn forward(&self, faces: Tensor<4>) -> Tensor<4> {
        self.unfold(self.latent(faces))
    }
}

/// Draws one person's face from what the encoder saw.
#[derive(Module, Debug)]
pub struct Decoder {
    enlarge: Vec<Conv>,
    paint: Conv,
}

impl Decoder {
    fn new(init: &mut Initializer<'_>, network: &Network) -> Self {
        let mut enlarge = Vec::new();
        let mut inputs = network.waist_out_channels;
        for &outputs in &network.decoder_channels {
            enlarge.push(Conv::enlarging(init, inputs, outputs));
            inputs = outputs;
        }
        Self { enlarge, paint: Conv::painting(init, inputs, 3, network.subpixels) }
    }

    /// To faces `[n, 3, output_px, output_px]` in `(0, 1)`, RGB as filmed (gamma-encoded).
    #[must_use]
    pub fn forward(&self, unfolded: Tensor<4>) -> Tensor<4> {
        chain(unfolded, self.enlarge.iter().chain([&self.paint]))
    }
}

/// One head, two faces (or more): person `i` has `decoders[i]`.
#[derive(Module, Debug)]
pub struct Hourglass {
    /// Shared by everybody: pose, light, expression.
    pub encoder: Encoder,
    /// One for each person, in the order of the project's people.
    pub decoders: Vec<Decoder>,
}

impl Hourglass {
    /// A network with fresh weights from `seed`; the same seed gives the same weights everywhere.
    #[must_use]
    pub fn new(network: &Network, people: usize, seed: u64, device: &Device) -> Self {
        let mut init = Initializer { rng: ChaCha8Rng::seed_from_u64(seed), device, next_id: 0 };
        Self {
            encoder: Encoder::new(&mut init, network),
            decoders: (0..people).map(|_| Decoder::new(&mut init, network)).collect(),
        }
    }

    /// For drawing as one person, again and again: the weights are packed once. They may not change afterwards.
    #[must_use]
    pub fn settled(mut self, person: usize) -> Self {
        let Encoder { shrink, to_latent, from_latent, enlarge } = &mut self.encoder;
        let decoder = &mut self.decoders[person];
        let encoder = shrink.iter_mut().chain([to_latent, from_latent, enlarge]);
        encoder.chain(&mut decoder.enlarge).chain([&mut decoder.paint]).for_each(Conv::settle);
        self
    }

    /// Reads `faces` and draws them as `person`: the swap, or that person's own reconstruction.
    #[must_use]
    pub fn forward(&self, faces: Tensor<4>, person: usize) -> Tensor<4> {
        self.decoders[person].forward(self.encoder.forward(faces))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    /// The figures of the field's table for the classic network: 69.7 M shared, 6.2 M a decoder.
    #[test]
    fn the_classic_network_has_its_known_size() {
        let network = Preset::named("original").unwrap().network;
        let net = Hourglass::new(&network, 2, 1, &Device::flex());
        assert_eq!(net.num_params(), 82_062_470);
        let network = Preset::named("quick").unwrap().network;
        let net = Hourglass::new(&network, 2, 1, &Device::flex());
        assert_eq!((net.encoder.num_params(), net.decoders[0].num_params()), (6_457_152, 388_723));
        for preset in Preset::built_in() {
            let net = Hourglass::new(&preset.network, 3, 1, &Device::flex());
            assert_eq!(net.num_params() as f64, preset.network.weights(3), "{}", preset.name);
        }
    }

    #[test]
    fn shapes_range_and_seed() {
        let network = Preset::named("quick").unwrap().network;
        let device = Device::flex();
        let faces = Tensor::<4>::full([2, 3, 64, 64], 0.5, &device);
        let draw = |seed| Hourglass::new(&network, 3, seed, &device).forward(faces.clone(), 2);
        let drawn = draw(7);
        assert_eq!(drawn.dims(), [2, 3, 64, 64]);
        let values: Vec<f32> = drawn.into_data().try_to_vec().unwrap();
        assert!(values.iter().all(|&v| v > 0.0 && v < 1.0));
        let settled = Hourglass::new(&network, 3, 7, &device).settled(2).forward(faces.clone(), 2);
        assert_eq!(values, settled.into_data().try_to_vec::<f32>().unwrap());
        assert_eq!(values, draw(7).into_data().try_to_vec::<f32>().unwrap());
        assert_ne!(values, draw(8).into_data().try_to_vec::<f32>().unwrap());
    }
}
