//! A picture of amounts of light, without an upper end: what OpenEXR holds.
//!
//! Faces are found, drawn and laid over in picture values, so these go out and come in by the
//! sRGB curve ([`crate::linear_from_encoded`]); the samples themselves stay floats. Chromaticities are not
//! converted: values are those of the footage's own primaries.

use exr::prelude::{AnyChannels, FlatSamples, Image, Layer, f16};

use crate::light::{encoded_from_linear, linear_from_encoded};
use crate::{PixelRect, RgbImage};

/// The file as it was read: windows, attributes, channels in the order of their names.
pub(crate) type ExrImage = Image<Layer<AnyChannels<FlatSamples>>>;

/// The largest value that a half holds. Samples beyond it, infinite ones too, count as this: infinity cannot be mixed.
const MOST_LIGHT: f32 = 65_504.0;

/// An OpenEXR picture, all of which is shown: its data window is its display window.
#[derive(Debug, Clone)]
pub(crate) struct LinearPicture {
    image: ExrImage,
    /// Places of R, G and B among the channels.
    places: [usize; 3],
}

impl LinearPicture {
    /// `places` are those of R, G and B among the channels, which hold floats.
    pub(crate) fn new(image: ExrImage, places: [usize; 3]) -> Self {
        Self { image, places }
    }

    pub(crate) fn image(&self) -> &ExrImage {
        &self.image
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        let size = self.image.attributes.display_window.size;
        (size.width(), size.height())
    }

    /// RGB from `[0, 1]`, as it is seen; with `clamped` false, values beyond black and white as they are.
    pub(crate) fn rgb(&self, rect: PixelRect, clamped: bool) -> Vec<f32> {
        let mut data = Vec::with_capacity(rect.area_px() * 3);
        for y in rect.y..rect.end_y() {
            for x in rect.x..rect.end_x() {
                let rgb = self.pixel(x, y);
                data.extend(if clamped { rgb.map(|value| value.clamp(0.0, 1.0)) } else { rgb });
            }
        }
        data
    }

    /// As [`super::picture_frame::PictureFrame::add_row`].
    pub(crate) fn add_row(&self, channel: usize, y: usize, weight: f32, sums: &mut [f32]) {
        for (x, sum) in sums.iter_mut().enumerate() {
            *sum += weight * self.value(channel, x, y).clamp(0.0, 1.0);
        }
    }

    pub(crate) fn set_rgb(&mut self, rect: PixelRect, image: &RgbImage, alpha: &[f32]) {
        for (i, _) in alpha.iter().enumerate().filter(|(_, alpha)| **alpha > 0.0) {
            let (x, y) = (rect.x + i % rect.width, rect.y + i / rect.width);
            let place = self.place(x, y);
            for (channel, &value) in image.data[3 * i..3 * i + 3].iter().enumerate() {
                self.store(channel, place, linear_from_encoded(value));
            }
        }
    }

    /// Adds to each channel, in picture values. What is beyond white moves too, by as much less of itself as the eye finds
    /// it less; what is not negative does not become so, since those who work in light take roots and logarithms. Alpha
    /// makes no difference: transparent footage would else come out unmarked.
    pub(crate) fn brighten(&mut self, x: usize, y: usize, by: f32) {
        let place = self.place(x, y);
        for channel in 0..3 {
            let before = self.load(channel, place);
            let after = linear_from_encoded(encoded_from_linear(before) + by);
            self.store(channel, place, if before >= 0.0 { after.max(0.0) } else { after });
        }
    }

    fn pixel(&self, x: usize, y: usize) -> [f32; 3] {
        std::array::from_fn(|channel| self.value(channel, x, y))
    }

    /// Picture value of a sample.
    fn value(&self, channel: usize, x: usize, y: usize) -> f32 {
        encoded_from_linear(self.load(channel, self.place(x, y)))
    }

    /// Which sample of a channel is shown at a pixel.
    fn place(&self, x: usize, y: usize) -> usize {
        y * self.image.layer_data.size.width() + x
    }

    /// A finite amount of light.
    fn load(&self, channel: usize, place: usize) -> f32 {
        let light = match &self.image.layer_data.channel_data.list[self.places[channel]].sample_data {
            FlatSamples::F16(samples) => samples[place].to_f32(),
            FlatSamples::F32(samples) => samples[place],
            // reading lets no others in
            FlatSamples::U32(_) => 0.0,
        };
        finite(light)
    }

    fn store(&mut self, channel: usize, place: usize, light: f32) {
        let light = finite(light);
        match &mut self.image.layer_data.channel_data.list[self.places[channel]].sample_data {
            FlatSamples::F16(samples) => samples[place] = f16::from_f32(light),
            FlatSamples::F32(samples) => samples[place] = light,
            FlatSamples::U32(_) => {}
        }
    }
}

fn finite(light: f32) -> f32 {
    if light.is_nan() { 0.0 } else { light.clamp(-MOST_LIGHT, MOST_LIGHT) }
}

#[cfg(test)]
mod tests {
    use exr::prelude::{AnyChannel, Encoding, LayerAttributes};

    use super::*;

    /// A picture of 256 pixels a side with the same samples in all channels.
    fn picture(samples: &FlatSamples) -> LinearPicture {
        let channels =
            ["B", "G", "R"].map(|name| AnyChannel::new(name, samples.clone())).into_iter().collect();
        let layer = Layer::new(
            (256, 256),
            LayerAttributes::default(),
            Encoding::FAST_LOSSLESS,
            AnyChannels::sort(channels),
        );
        LinearPicture::new(Image::from_layer(layer), [2, 1, 0])
    }

    fn every_half() -> Vec<f16> {
        (0..=u16::MAX).map(f16::from_bits).collect()
    }

    fn halves(picture: &LinearPicture) -> Vec<u16> {
        let list = &picture.image.layer_data.channel_data.list;
        let FlatSamples::F16(samples) = &list[2].sample_data else { panic!("no halves") };
        samples.iter().map(|sample| sample.to_bits()).collect()
    }

    #[test]
    fn light_goes_out_by_the_curve_of_srgb() {
        let mut light = vec![0.0; 256 * 256];
        light[..7].copy_from_slice(&[1.0, 0.214_041_14, 4.0, -0.5, f32::NAN, f32::INFINITY, 0.003_130_8]);
        let picture = picture(&FlatSamples::F32(light));
        let rect = PixelRect::new(0, 0, 7, 1);
        let close = |found: &[f32], wanted: [f32; 7]| {
            let pairs = found.chunks_exact(3).zip(wanted);
            pairs.for_each(|(found, wanted)| {
                assert!((found[0] - wanted).abs() < 1e-5 * wanted.abs().max(1.0), "{found:?} {wanted}");
            });
        };
        let most = 1.055 * MOST_LIGHT.powf(1.0 / 2.4) - 0.055;
        close(&picture.rgb(rect, false), [1.0, 0.5, 1.824_799, -0.735_357, 0.0, most, 12.92 * 0.003_130_8]);
        close(&picture.rgb(rect, true), [1.0, 0.5, 1.0, 0.0, 0.0, 1.0, 12.92 * 0.003_130_8]);
    }

    #[test]
    fn what_is_not_touched_stays_bit_for_bit_and_what_is_written_back_as_it_was_stays_too() {
        let mut picture = picture(&FlatSamples::F16(every_half()));
        let before = halves(&picture);
        let whole = PixelRect::whole(256, 256);
        let black = RgbImage::new(256, 256);
        picture.set_rgb(whole, &black, &[0.0; 256 * 256]);
        assert_eq!(halves(&picture), before);

        let mut alpha = [0.0; 256 * 256];
        alpha.iter_mut().step_by(3).for_each(|alpha| *alpha = 0.01);
        let same = RgbImage::from_data(256, 256, picture.rgb(whole, false)).unwrap();
        picture.set_rgb(whole, &same, &alpha);
        for ((place, before), after) in before.iter().enumerate().zip(halves(&picture)) {
            let light = f16::from_bits(*before);
            if place % 3 > 0 {
                assert_eq!(after, *before, "{light} was not touched");
            } else if light.is_finite() && light != f16::NEG_ZERO {
                // less than the step from one half to the next
                assert!(after.abs_diff(*before) <= 1, "{light} became {}", f16::from_bits(after));
            } else {
                assert!(f16::from_bits(after).is_finite(), "{light}");
            }
        }
    }

    #[test]
    fn brightening_moves_light_beyond_white_too_and_makes_nothing_negative() {
        let mut picture = picture(&FlatSamples::F16(every_half()));
        let before = picture.clone();
        for place in 0..256 * 256 {
            picture.brighten(place % 256, place / 256, if place % 2 == 0 { 0.004 } else { -0.004 });
        }
        for place in 0..256 * 256 {
            let (old, new) = (before.load(0, place), picture.load(0, place));
            assert!(old < 0.0 || new >= 0.0, "{old} became {new}");
            if old > 0.01 && old < 60_000.0 {
                let moved = encoded_from_linear(new) - encoded_from_linear(old);
                // the step of a half at so much light
                let step = encoded_from_linear(old * (1.0 + 1.0 / 1024.0)) - encoded_from_linear(old);
                let wanted = if place % 2 == 0 { 0.004 } else { -0.004 };
                assert!((moved - wanted).abs() <= step, "{old} became {new}");
            }
        }
    }
}
