//! From picture values to amounts of light and back.
//!
//! Light adds up; picture values do not. A soft edge mixed in picture values is too dark, so
//! colours are measured and mixed in linear light.
//!
//! The curve is that of sRGB (IEC 61966-2-1) for stills and film alike. BT.709 film is shown with
//! BT.1886's power of 2.4, from which it differs by less than what screens differ from each
//! other; and unlike a bare power it is not infinitely steep at black, where noise would be
//! blown up on the way back. Since the same curve is used both ways, what is not mixed comes back
//! as it was. Values below 0 and above 1 (film has them: "super white") go through by symmetry.

/// Amount of light of a picture value; 0 and 1 stay.
#[must_use]
pub fn linear_from_encoded(encoded: f32) -> f32 {
    let size = encoded.abs();
    let linear = if size <= 0.040_45 { size / 12.92 } else { ((size + 0.055) / 1.055).powf(2.4) };
    linear.copysign(encoded)
}

/// Picture value of an amount of light: the reverse of [`linear_from_encoded`].
#[must_use]
pub fn encoded_from_linear(linear: f32) -> f32 {
    let size = linear.abs();
    let encoded = if size <= 0.003_130_8 { size * 12.92 } else { 1.055 * size.powf(1.0 / 2.4) - 0.055 };
    encoded.copysign(linear)
}

/// Luma of picture values with the weights of BT.709, as eyes judge grain and detail.
#[must_use]
pub fn luma([red, green, blue]: [f32; 3]) -> f32 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_of_the_srgb_curve() {
        for (encoded, linear) in [(0.0, 0.0), (1.0, 1.0), (0.5, 0.214_041_14), (0.040_45, 0.003_130_805)] {
            assert!((linear_from_encoded(encoded) - linear).abs() < 1e-6, "{encoded}");
        }
        assert_eq!(linear_from_encoded(-0.5), -linear_from_encoded(0.5));
    }

    #[test]
    fn back_and_forth_is_the_identity_also_outside_of_0_to_1() {
        for step in -300..=1300 {
            let value = step as f32 / 1000.0;
            assert!((encoded_from_linear(linear_from_encoded(value)) - value).abs() < 1e-5, "{value}");
        }
    }

    #[test]
    fn luma_of_gray_is_gray() {
        assert!((luma([0.3; 3]) - 0.3).abs() < 1e-6);
    }
}
