//! Varying a face: what the network sees, what it should draw, and where that counts.
//!
//! A training face is kept a little larger than the network's square ([`MARGIN`]), so that shifts and turns find
//! real pixels. Geometry (turn, size, shift, mirror) moves input and truth alike; the warp bends the input alone.
//! Light and tint change both: the decoder must follow the light that the encoder sees.

use bifrons_net::{Augmentation, Device, Network, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::faceset::TrainingFace;

/// Side of a kept training face in units of the network's framing.
pub const MARGIN: f32 = 1.3;
/// How much more an eye or mouth pixel weighs than other skin: 1 + this.
const FEATURE_WEIGHT: f32 = 2.0;
/// Nodes a side of the warp grid (as in the first program of the field, 2017).
const GRID: usize = 5;

/// How one sample differs from the face it was made of.
#[derive(Clone, Debug)]
pub struct Variation {
    cos: f32,
    sin: f32,
    shift: [f32; 2],
    mirror: bool,
    /// Displacement of each grid node, in units of the side; zero for no warp.
    grid: [[[f32; 2]; GRID]; GRID],
    gain: [f32; 3],
    /// By how much brightness grows from the middle to the right and to the bottom.
    slope: [f32; 2],
    /// Contrast around mid grey.
    contrast: f32,
}

impl Variation {
    /// The face as it is: for previews and conversion.
    #[must_use]
    pub fn none() -> Self {
        Self {
            cos: 1.0,
            sin: 0.0,
            shift: [0.0; 2],
            mirror: false,
            grid: [[[0.0; 2]; GRID]; GRID],
            gain: [1.0; 3],
            slope: [0.0; 2],
            contrast: 1.0,
        }
    }

    /// Drawn from the ranges of the preset.
    #[must_use]
    pub fn random(ranges: &Augmentation, rng: &mut ChaCha8Rng) -> Self {
        let mut around = |range: f32| if range > 0.0 { rng.random_range(-range..=range) } else { 0.0 };
        let angle = around(ranges.rotation_degrees).to_radians();
        let size = 1.0 / (1.0 + around(ranges.scale));
        let shift = [around(ranges.shift), around(ranges.shift)];
        let light = 1.0 + around(ranges.light);
        let contrast = 1.0 + around(ranges.light);
        let gain = [0; 3].map(|_| light * (1.0 + around(ranges.tint)));
        let slope = [around(ranges.slope), around(ranges.slope)];
        let mirror = rng.random::<f32>() < ranges.flip;
        let mut grid = [[[0.0; 2]; GRID]; GRID];
        for node in grid.as_flattened_mut() {
            *node = normal_pair(rng).map(|value| value * ranges.warp);
        }
        let (cos, sin) = (size * angle.cos(), size * angle.sin());
        Self { cos, sin, shift, mirror, grid, gain, slope, contrast }
    }

    /// Where in the framing (unit square) the point `p` of the sample comes from.
    fn framing_from_sample(&self, p: [f32; 2]) -> [f32; 2] {
        let x = if self.mirror { 0.5 - p[0] } else { p[0] - 0.5 };
        let y = p[1] - 0.5;
        [0.5 + self.cos * x - self.sin * y + self.shift[0], 0.5 + self.sin * x + self.cos * y + self.shift[1]]
    }

    /// The warp's displacement at `p` in the unit square: linear between the grid's nodes.
    fn warp(&self, p: [f32; 2]) -> [f32; 2] {
        let last = (GRID - 1) as f32;
        let at = p.map(|v| (v * last).clamp(0.0, last));
        let cell = at.map(|v| (v as usize).min(GRID - 2));
        let [fx, fy] = [at[0] - cell[0] as f32, at[1] - cell[1] as f32];
        let node = |dx: usize, dy: usize| self.grid[cell[1] + dy][cell[0] + dx];
        [0, 1].map(|axis| {
            let top = node(0, 0)[axis] * (1.0 - fx) + node(1, 0)[axis] * fx;
            let bottom = node(0, 1)[axis] * (1.0 - fx) + node(1, 1)[axis] * fx;
            top * (1.0 - fy) + bottom * fy
        })
    }

    /// A colour at `p` of the sample.
    fn colour(&self, rgb: [f32; 3], p: [f32; 2]) -> [f32; 3] {
        let light = (0..2).map(|axis| 1.0 + self.slope[axis] * (2.0 * p[axis] - 1.0)).product::<f32>();
        [0, 1, 2].map(|c| ((rgb[c] * self.gain[c] * light - 0.5) * self.contrast + 0.5).clamp(0.0, 1.0))
    }
}

/// Two independent standard normal numbers (Box and Muller 1958).
fn normal_pair(rng: &mut ChaCha8Rng) -> [f32; 2] {
    let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
    let angle = std::f32::consts::TAU * rng.random::<f32>();
    [radius * angle.cos(), radius * angle.sin()]
}

/// Where a sample is written: slices of a batch, planes `[3, s, s]`, `[3, t, t]` and `[1, t, t]` for the sides s of what
/// the network sees and t of what it draws.
#[derive(Debug)]
pub struct Sample<'a> {
    /// What the encoder sees: warped, 0 outside the mask; what [`Network::shown`] makes of it.
    pub input: &'a mut [f32],
    /// What the decoder should draw.
    pub truth: &'a mut [f32],
    /// Where that counts: 0 outside the mask, 1 on skin, up to 3 on eyes and mouth.
    pub weight: &'a mut [f32],
}

/// Makes a sample of `face` for a network of that shape, of the sizes that the slices have.
pub fn write_sample(face: &TrainingFace, variation: &Variation, network: &Network, sample: &mut Sample<'_>) {
    let [seen_area, area] = [sample.input.len() / 3, sample.weight.len()];
    for (pixel, p) in centres(seen_area) {
        let bend = variation.warp(p);
        let bent = variation.framing_from_sample([p[0] + bend[0], p[1] + bend[1]]);
        let (rgb, mask, _) = face.at(bent);
        let seen = variation.colour(rgb, p);
        // light that is varied is unusual
        let usual = if network.centred { face.usual_at(bent) } else { [0.0; 3] };
        for (c, (value, usual)) in seen.into_iter().zip(usual).enumerate() {
            sample.input[c * seen_area + pixel] = network.shown(value, usual) * mask;
        }
    }
    for (pixel, p) in centres(area) {
        let (rgb, mask, features) = face.at(variation.framing_from_sample(p));
        let truth = variation.colour(rgb, p);
        for (c, value) in truth.into_iter().enumerate() {
            sample.truth[c * area + pixel] = value;
        }
        sample.weight[pixel] = mask * (1.0 + FEATURE_WEIGHT * features);
    }
}

/// Faces as they were filmed, `n` of them: for everything that looks at what the network makes of faces.
#[derive(Clone, Debug)]
pub struct Filmed {
    /// What the encoder sees, `[n, 3, s, s]`.
    pub input: Tensor<4>,
    /// What a decoder should draw, planes `[n][3][t][t]`.
    pub truth: Vec<f32>,
    /// Where that counts, `[n][t][t]`, 0 to 3.
    pub weight: Vec<f32>,
}

impl Filmed {
    /// These faces for a network of that shape.
    #[must_use]
    pub fn new(faces: &[&TrainingFace], network: &Network, device: &Device) -> Self {
        let count = faces.len();
        let [seen_px, size_px] = [network.input_px, network.output_px];
        let [seen_area, area] = [seen_px, size_px].map(|side| side * side);
        let mut input = vec![0.0; count * 3 * seen_area];
        let mut truth = vec![0.0; count * 3 * area];
        let mut weight = vec![0.0; count * area];
        let places = input.chunks_exact_mut(3 * seen_area).zip(truth.chunks_exact_mut(3 * area));
        for ((face, (input, truth)), weight) in faces.iter().zip(places).zip(weight.chunks_exact_mut(area)) {
            let mut sample = Sample { input, truth, weight };
            write_sample(face, &Variation::none(), network, &mut sample);
        }
        let input = Tensor::<1>::from_floats(input.as_slice(), device);
        Self { input: input.reshape([count, 3, seen_px, seen_px]), truth, weight }
    }
}

/// The pixels of a square of `area` pixels, with their centres in the unit square.
fn centres(area: usize) -> impl Iterator<Item = (usize, [f32; 2])> {
    let size_px = area.isqrt();
    (0..area).map(move |pixel| {
        (pixel, [pixel % size_px, pixel / size_px].map(|v| (v as f32 + 0.5) / size_px as f32))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bifrons_net::Preset;
    use rand::SeedableRng;

    use super::*;
    use crate::Somebody;

    const RANGES: Augmentation = Augmentation {
        rotation_degrees: 10.0,
        scale: 0.05,
        shift: 0.05,
        flip: 0.5,
        warp: 0.03,
        light: 0.15,
        tint: 0.05,
        slope: 0.2,
        mouths: 0.0,
    };

    /// A face whose red is its column and whose green is its row, in framing units.
    fn ramp(side: usize) -> TrainingFace {
        let mut rgb = Vec::new();
        for row in 0..side {
            for column in 0..side {
                let unit = |i: usize| ((i as f32 + 0.5) / side as f32 * 255.0).round() as u8;
                rgb.extend([unit(column), unit(row), 128]);
            }
        }
        TrainingFace::new(side, rgb, vec![255; side * side], vec![0; side * side])
    }

    fn sampled(face: &TrainingFace, variation: &Variation) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        sampled_for(&Preset::named("original").unwrap().network, face, variation)
    }

    fn sampled_for(
        network: &Network,
        face: &TrainingFace,
        variation: &Variation,
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let (mut input, mut truth, mut weight) = (vec![0.0; 3 * 64], vec![0.0; 3 * 64], vec![0.0; 64]);
        let mut sample = Sample { input: &mut input, truth: &mut truth, weight: &mut weight };
        write_sample(face, variation, network, &mut sample);
        (input, truth, weight)
    }

    /// Red of the kept face at a point of the framing, by the definition of [`MARGIN`].
    fn red_at(x: f32) -> f32 {
        (x - 0.5) / MARGIN + 0.5
    }

    #[test]
    fn without_variation_the_framing_itself_comes_out() {
        let (input, truth, weight) = sampled(&ramp(200), &Variation::none());
        for (column, red) in truth.iter().take(8).enumerate() {
            let expected = red_at((column as f32 + 0.5) / 8.0);
            assert!((red - expected).abs() < 0.004, "{red} {expected}");
        }
        assert_eq!(input, truth);
        assert_eq!(weight, vec![1.0; 64]);
    }

    #[test]
    fn a_mirror_is_a_mirror_and_a_shift_a_shift() {
        let face = ramp(200);
        let (_, straight, _) = sampled(&face, &Variation::none());
        let (_, mirrored, _) = sampled(&face, &Variation { mirror: true, ..Variation::none() });
        for column in 0..8 {
            assert!((mirrored[column] - straight[7 - column]).abs() < 1e-5);
        }
        let (_, shifted, _) = sampled(&face, &Variation { shift: [0.125, 0.0], ..Variation::none() });
        for column in 0..7 {
            assert!((shifted[column] - straight[column + 1]).abs() < 0.004);
        }
    }

    #[test]
    fn the_warp_bends_the_input_alone_and_as_much_as_it_says() {
        let mut bent = Variation::none();
        bent.grid = [[[0.125, 0.0]; GRID]; GRID];
        let face = ramp(200);
        let (input, truth, _) = sampled(&face, &bent);
        let (_, straight, _) = sampled(&face, &Variation::none());
        assert_eq!(truth, straight);
        assert!((input[2] - truth[3]).abs() < 0.004);

        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let nodes: Vec<f32> = (0..400)
            .flat_map(|_| Variation::random(&RANGES, &mut rng).grid.as_flattened().as_flattened().to_vec())
            .collect();
        let deviation = (nodes.iter().map(|v| v * v).sum::<f32>() / nodes.len() as f32).sqrt();
        assert!((deviation - 0.03).abs() < 0.001, "{deviation}");
    }

    #[test]
    fn light_from_one_side_falls_on_input_and_truth_alike() {
        let face = TrainingFace::new(60, vec![102; 3 * 3600], vec![255; 3600], vec![0; 3600]);
        let lit = Variation { slope: [0.5, 0.0], ..Variation::none() };
        let (input, truth, _) = sampled(&face, &lit);
        assert!(input.iter().zip(&truth).all(|(seen, drawn)| (seen - drawn).abs() < 1e-6));
        for (column, value) in truth[..8].iter().enumerate() {
            let expected = 0.4 * (1.0 + 0.5 * (2.0 * (column as f32 + 0.5) / 8.0 - 1.0));
            assert!((value - expected).abs() < 1e-4, "{value} {expected}");
        }
        let (_, from_below, _) = sampled(&face, &Variation { slope: [0.0, 0.5], ..Variation::none() });
        assert!((0..8).all(|i| (from_below[8 * i] - truth[i]).abs() < 1e-6));
    }

    #[test]
    fn a_centred_network_sees_what_is_unusual() {
        let area = 60 * 60;
        let whose = Arc::new(Somebody { usual: vec![102; 3 * area], mouth: vec![0; area] });
        let face = |value: u8| TrainingFace::new(60, vec![value; 3 * area], vec![255; area], vec![0; area]);
        let network = Preset::named("film").unwrap().network;
        assert!(network.centred);
        for (value, seen) in [(102, 0.0), (153, 0.4), (0, -0.8)] {
            let (input, truth, _) = sampled_for(&network, &face(value).of(&whose), &Variation::none());
            assert!(input.iter().all(|input| (input - seen).abs() < 1e-5), "{value}: {}", input[0]);
            assert!(truth.iter().all(|truth| (truth - f32::from(value) / 255.0).abs() < 1e-5));
        }
    }

    #[test]
    fn a_mouth_is_borrowed_in_ones_own_light() {
        let area = 60 * 60;
        // the left half is the mouth, and half of it at its edge
        let mouth = |at: usize| if at % 60 < 29 { 255 } else { u8::from(at % 60 == 29) * 128 };
        let face = |usual: u8, value: u8, seen: u8| {
            let whose = Somebody { usual: vec![usual; 3 * area], mouth: (0..area).map(mouth).collect() };
            TrainingFace::new(60, vec![value; 3 * area], vec![seen; area], vec![0; area]).of(&Arc::new(whose))
        };
        let (own, other) = (face(100, 80, 255), face(50, 30, 100));
        let found = own.with_mouth_of(&other);
        // twice as bright, and as little seen
        assert_eq!([0, 28, 29, 30].map(|x| found.rgb()[3 * x]), [60, 60, 70, 80]);
        let (_, seen, _) = found.at([0.2, 0.5]);
        assert!((seen - 100.0 / 255.0).abs() < 1e-4, "{seen}");
        let stranger = TrainingFace::new(60, vec![9; 3 * area], vec![0; area], vec![0; area]);
        assert_eq!(own.with_mouth_of(&stranger).rgb(), own.rgb());
    }

    #[test]
    fn the_same_seed_gives_the_same_sample() {
        let of = |seed| {
            let variation = Variation::random(&RANGES, &mut ChaCha8Rng::seed_from_u64(seed));
            sampled(&ramp(60), &variation).0
        };
        assert_eq!(of(5), of(5));
        assert_ne!(of(5), of(6));
    }

    #[test]
    fn what_lies_outside_the_mask_is_black_and_weighs_nothing() {
        let mut face = ramp(60);
        face = TrainingFace::new(60, face.rgb().to_vec(), vec![0; 3600], vec![255; 3600]);
        let (input, _, weight) = sampled(&face, &Variation::none());
        assert!(input.iter().chain(&weight).all(|&v| v == 0.0));
    }
}
