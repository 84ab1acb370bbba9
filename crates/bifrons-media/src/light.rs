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

use std::sync::LazyLock;

/// Amount of light of a picture value; 0 and 1 stay. Exact to 1e-6.
#[must_use]
pub fn linear_from_encoded(encoded: f32) -> f32 {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::of(linear_formula));
    TABLE.at(encoded.abs(), linear_formula).copysign(encoded)
}

/// Picture value of an amount of light: the reverse of [`linear_from_encoded`]. Exact to 5e-6.
#[must_use]
pub fn encoded_from_linear(linear: f32) -> f32 {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::of(encoded_formula));
    TABLE.at(linear.abs(), encoded_formula).copysign(linear)
}

fn linear_formula(encoded: f32) -> f32 {
    if encoded <= 0.040_45 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

fn encoded_formula(linear: f32) -> f32 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// A curve over `[0, 1]`, interpolated: several times faster than raising to a power, and every
/// pixel of a face goes there and back.
struct Table(Vec<f32>);

impl Table {
    /// Fine enough for the bend of [`encoded_formula`] near black.
    const STEPS: usize = 1 << 14;

    fn of(formula: fn(f32) -> f32) -> Self {
        Self((0..=Self::STEPS).map(|step| formula(step as f32 / Self::STEPS as f32)).collect())
    }

    /// The curve at a place of 0 or more, by the formula beyond 1.
    fn at(&self, place: f32, formula: fn(f32) -> f32) -> f32 {
        let position = place * Self::STEPS as f32;
        let step = position as usize;
        match self.0.get(step..step + 2) {
            Some([here, next]) => here + (position - step as f32) * (next - here),
            _ => formula(place),
        }
    }
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
    fn the_tables_follow_the_formulas() {
        for step in 0..=100_003 {
            let place = step as f32 / 100_000.0;
            assert!((linear_from_encoded(place) - linear_formula(place)).abs() < 1e-6, "{place}");
            assert!((encoded_from_linear(place) - encoded_formula(place)).abs() < 5e-6, "{place}");
        }
        assert!(linear_from_encoded(f32::NAN).is_nan());
        assert_eq!(linear_from_encoded(f32::INFINITY), f32::INFINITY);
    }

    #[test]
    fn back_and_forth_is_the_identity_also_outside_of_0_to_1() {
        for step in -300..=1300 {
            let value = step as f32 / 1000.0;
            assert!((encoded_from_linear(linear_from_encoded(value)) - value).abs() < 1e-5, "{value}");
        }
    }
}
