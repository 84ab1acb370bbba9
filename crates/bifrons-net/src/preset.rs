//! Presets: the shape of a network and how it is trained, as data.

use serde::{Deserialize, Serialize};

use crate::NetError;

/// A named recipe. The built-in ones are `presets/*.toml` of this crate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// How users call it.
    pub name: String,
    /// One line for `--help`.
    pub summary: String,
    /// Shape of encoder and decoders.
    pub network: Network,
    /// Batch and learning rate.
    pub training: Schedule,
    /// How training faces are varied.
    pub augmentation: Augmentation,
}

/// How faces lie before the network sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Geometry {
    /// Turned, moved and scaled: the network has to learn pose and expression.
    #[default]
    Aligned,
    /// Laid out mesh point by mesh point: pose and expression are the mesh's, the network learns the looks.
    Flattened,
}

/// The shape of the hourglass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// How faces lie.
    #[serde(default)]
    pub geometry: Geometry,
    /// Whether the encoder sees by how much a face differs from what that person usually looks like, rather than the face: then
    /// what it sees of one person resembles what it sees of another, and decoders are not surprised. Flattened faces only.
    #[serde(default)]
    pub centred: bool,
    /// Side of the square the encoder sees, in pixels; divisible by 2 for each encoder stage.
    pub input_px: usize,
    /// Side of the square the decoder draws, in pixels.
    pub output_px: usize,
    /// Output channels of the encoder's 5×5 stride-2 convolutions.
    pub encoder_channels: Vec<usize>,
    /// How many numbers the code has.
    pub latent: usize,
    /// Channels of the small square image the code is unfolded to.
    pub waist_channels: usize,
    /// Channels after the shared first enlargement, which the decoders receive.
    pub waist_out_channels: usize,
    /// Output channels of a decoder's enlargements (each doubles the side).
    pub decoder_channels: Vec<usize>,
    /// Each position of the last image is painted as this many pixels squared (pixel shuffle, Shi et al. 2016): twice the
    /// side for hardly more work.
    #[serde(default = "one")]
    pub subpixels: usize,
}

fn one() -> usize {
    1
}

/// Batch and learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Faces of each person in one iteration.
    pub batch_per_person: usize,
    /// Adam's step size.
    pub learning_rate: f64,
    /// The step size grows linearly from 0 during that many iterations.
    pub warmup_iterations: u64,
    /// Whether the mean of recent weights draws, rather than the newest ([`averaged`](crate::averaged)).
    #[serde(default)]
    pub averaging: bool,
}

/// How training faces are varied. Geometry acts on input and target alike, the warp on the input alone:
/// the network learns to undo it, which is what makes it draw one person's face for another's. Flattened faces lie the same way
/// each time and are better left where they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Rotation, uniform in ± this many degrees.
    pub rotation_degrees: f32,
    /// Size, uniform in 1 ± this.
    pub scale: f32,
    /// Shift on each axis, uniform in ± this share of the side.
    pub shift: f32,
    /// Probability of mirroring.
    pub flip: f32,
    /// Standard deviation of the 5×5 warp grid's nodes, as a share of the side.
    pub warp: f32,
    /// Brightness and contrast, uniform in 1 ± this.
    pub light: f32,
    /// Gain of each colour channel, uniform in 1 ± this.
    pub tint: f32,
    /// Light from one side: brightness grows across and down the picture, from 1 - s at one end to 1 + s at the other, s
    /// uniform in ± this on each axis.
    #[serde(default)]
    pub slope: f32,
    /// Probability that what lies between the lips is another face's, of anybody: so a decoder learns mouths that its own person
    /// never opened before the camera. Centred networks only.
    #[serde(default)]
    pub mouths: f32,
}

/// Each halves or doubles the side.
const MOST_STAGES: usize = 12;

const BUILT_IN: [&str; 3] = [
    include_str!("../presets/quick.toml"),
    include_str!("../presets/film.toml"),
    include_str!("../presets/original.toml"),
];

impl Preset {
    /// All built-in presets, the quickest first.
    ///
    /// # Panics
    /// Never in a build whose tests passed: the texts are part of the program and a test reads them all.
    #[must_use]
    pub fn built_in() -> Vec<Self> {
        BUILT_IN.iter().map(|text| Self::parse(text).expect("the built-in presets are tested")).collect()
    }

    /// The built-in preset of that name.
    ///
    /// # Errors
    /// [`NetError::UnknownPreset`], which lists the names.
    pub fn named(name: &str) -> Result<Self, NetError> {
        let all = Self::built_in();
        let known = all.iter().map(|preset| preset.name.clone()).collect::<Vec<_>>().join(", ");
        all.into_iter()
            .find(|preset| preset.name == name)
            .ok_or_else(|| NetError::UnknownPreset { name: name.to_owned(), known })
    }

    /// Reads a preset and checks that its sizes fit together.
    ///
    /// # Errors
    /// [`NetError::Preset`] with the line or the numbers that disagree.
    pub fn parse(text: &str) -> Result<Self, NetError> {
        let preset: Self = toml::from_str(text)
            .map_err(|error| NetError::Preset { name: "?".to_owned(), reason: error.to_string() })?;
        preset.check()?;
        Ok(preset)
    }

    /// Whether the sizes fit together.
    ///
    /// # Errors
    /// [`NetError::Preset`] with the numbers that disagree.
    pub fn check(&self) -> Result<(), NetError> {
        let bad = |reason: String| Err(NetError::Preset { name: self.name.clone(), reason });
        let net = &self.network;
        if net.encoder_channels.len().max(net.decoder_channels.len()) > MOST_STAGES {
            return bad(format!("more than {MOST_STAGES} stages"));
        }
        if net.centred && net.geometry != Geometry::Flattened {
            return bad(
                "only flattened faces have a usual look: centred needs geometry = \"flattened\"".to_owned()
            );
        }
        let shrink = 1_usize << net.encoder_channels.len();
        if net.encoder_channels.is_empty() || !net.input_px.is_multiple_of(shrink) {
            return bad(format!("input_px {} is not divisible by {shrink}", net.input_px));
        }
        let drawn_px = (net.input_px / shrink) * 2 * (1 << net.decoder_channels.len()) * net.subpixels;
        if drawn_px != net.output_px {
            return bad(format!("the decoder draws {drawn_px} px, output_px says {}", net.output_px));
        }
        let rate = self.training.learning_rate;
        if self.training.batch_per_person == 0 || rate.is_nan() || rate <= 0.0 {
            return bad("batch_per_person and learning_rate must be above 0".to_owned());
        }
        Ok(())
    }
}

impl Network {
    /// What the encoder is shown of a sample of a face, and of the same sample of what the person usually looks like, all in
    /// `[0, 1]`: the sample itself, or twice what is between them (-2 to 2), so that it varies about as much.
    #[must_use]
    pub fn shown(&self, value: f32, usual: f32) -> f32 {
        if self.centred { 2.0 * (value - usual) } else { value }
    }

    /// How many numbers a network of so many people has. A float, as sizes from a file may be absurd.
    #[must_use]
    pub fn weights(&self, people: usize) -> f64 {
        let conv = |kernel: f64, inputs: f64, outputs: f64| (kernel * kernel * inputs + 1.0) * outputs;
        let chain = |kernel: f64, factor: f64, first: f64, outputs: &[usize]| {
            let mut inputs = first;
            let mut sum = 0.0;
            for &outputs in outputs {
                sum += conv(kernel, inputs, factor * outputs as f64);
                inputs = outputs as f64;
            }
            (sum, inputs)
        };
        let (waist, latent, side) = (self.waist_channels as f64, self.latent as f64, self.waist_px() as f64);
        let (shrinking, inputs) = chain(5.0, 1.0, 3.0, &self.encoder_channels);
        let codes = conv(side, inputs, latent) + conv(1.0, latent, waist * side * side);
        let out = self.waist_out_channels as f64;
        let (enlarging, inputs) = chain(3.0, 4.0, out, &self.decoder_channels);
        let painting = conv(5.0, inputs, 3.0 * (self.subpixels * self.subpixels) as f64);
        shrinking + codes + conv(3.0, waist, 4.0 * out) + people as f64 * (enlarging + painting)
    }

    /// Side of the encoder's last image, in pixels.
    #[must_use]
    pub fn waist_px(&self) -> usize {
        self.input_px >> self.encoder_channels.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_presets_are_sound() {
        let names: Vec<_> = Preset::built_in().into_iter().map(|preset| preset.name).collect();
        assert_eq!(names, ["quick", "film", "original"]);
    }

    #[test]
    fn an_unknown_preset_names_the_known_ones() {
        let message = Preset::named("quik").unwrap_err().to_string();
        assert_eq!(message, "there is no preset `quik`; there are quick, film, original");
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let text = BUILT_IN[0].replace("output_px = 64", "output_px = 96");
        assert!(Preset::parse(&text).unwrap_err().to_string().contains("draws 64 px, output_px says 96"));
        let text = BUILT_IN[2].replace("[network]", "[network]\ncentred = true");
        assert!(Preset::parse(&text).unwrap_err().to_string().contains("only flattened faces"));
        let text = BUILT_IN[0].replace("latent = 512", "latent = 512\nsurprise = 1");
        assert!(Preset::parse(&text).unwrap_err().to_string().contains("surprise"));
    }
}
