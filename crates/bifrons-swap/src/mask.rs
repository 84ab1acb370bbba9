//! Where the new face counts: a mask of the face's square, 0 to 1.
//!
//! The hull of a face is made into a mask in three steps: [`Mask::eroded`] pulls its edge
//! inwards, [`Mask::feathered`] makes the edge soft towards the inside, and the product with
//! [`Mask::border_ramp`] takes it to exactly 0 before the square ends, so that the square itself
//! can never be seen. All three follow the mask continuously: a hull that moves by a tenth of a
//! pixel moves the edge by about as much, and nothing flickers.

/// A square mask, one value in `[0, 1]` for each pixel, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    size_px: usize,
    values: Vec<f32>,
}

impl Mask {
    /// A mask from its values, `size_px * size_px` of them, row by row. They are clipped to
    /// `[0, 1]`; what is not a number becomes 0.
    ///
    /// # Panics
    /// When there are more or fewer values.
    #[must_use]
    pub fn new(size_px: usize, mut values: Vec<f32>) -> Self {
        assert_eq!(values.len(), size_px * size_px, "a mask of {size_px} x {size_px}");
        for value in &mut values {
            *value = if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) };
        }
        Self { size_px, values }
    }

    /// 1 in the middle, falling smoothly (3t² − 2t³) over the last `ramp_px` pixels before the
    /// outermost ring of pixels, in which it is exactly 0. A picture made from it by linear
    /// interpolation is therefore 0 wherever it reaches beyond the square.
    #[must_use]
    pub fn border_ramp(size_px: usize, ramp_px: f32) -> Self {
        let along: Vec<f32> = (0..size_px)
            .map(|place| {
                let from_border = place.min(size_px - 1 - place) as f32;
                if from_border == 0.0 { 0.0 } else { smooth(from_border / ramp_px.max(f32::MIN_POSITIVE)) }
            })
            .collect();
        let values = along.iter().flat_map(|y| along.iter().map(move |x| x * y)).collect();
        Self { size_px, values }
    }

    /// Side in pixels.
    #[must_use]
    pub fn size_px(&self) -> usize {
        self.size_px
    }

    /// The values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values, row by row.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// The product of two masks.
    ///
    /// # Panics
    /// When they differ in size.
    #[must_use]
    pub fn times(mut self, other: &Self) -> Self {
        assert_eq!(self.size_px, other.size_px, "masks of one size");
        self.values.iter_mut().zip(&other.values).for_each(|(value, other)| *value *= other);
        self
    }

    /// The mask with its edge `inset_px` pixels further inside: every pixel becomes the smallest
    /// value within that distance (between whole distances the two are mixed). Outside of the
    /// square counts as 0.
    #[must_use]
    pub fn eroded(&self, inset_px: f32) -> Self {
        let inset_px = inset_px.max(0.0);
        let below = self.smallest_within(inset_px.floor() as usize);
        let share = inset_px.fract();
        if share == 0.0 {
            return below;
        }
        let above = self.smallest_within(inset_px.ceil() as usize);
        let mix = |(below, above): (&f32, &f32)| below + share * (above - below);
        Self { size_px: self.size_px, values: below.values.iter().zip(&above.values).map(mix).collect() }
    }

    /// The mask with an edge that rises from 0 at its contour (where it is ½) to 1 about
    /// `width_px` pixels further inside; outside of the contour it is exactly 0.
    ///
    /// Three box blurs (which come close to a Gaussian) reach `width_px` together; of their
    /// result the upper half counts, `2 · blurred − 1`.
    #[must_use]
    pub fn feathered(&self, width_px: f32) -> Self {
        let mut values = self.values.clone();
        let half = f64::from(width_px.max(0.0)) / 3.0;
        if half > 0.0 {
            for _ in 0..3 {
                values = blurred_rows_transposed(&values, self.size_px, half);
                values = blurred_rows_transposed(&values, self.size_px, half);
            }
        }
        for value in &mut values {
            // Sums of many numbers miss 1 by some millionths; the middle of a face is all new.
            let upper = 2.0 * *value - 1.0;
            *value = if upper > 1.0 - 1e-5 { 1.0 } else { upper.max(0.0) };
        }
        Self { size_px: self.size_px, values }
    }

    fn smallest_within(&self, radius: usize) -> Self {
        let size = self.size_px;
        // For each number of pixels to the sides, the smallest value that near in the same row.
        let mut near = vec![self.values.clone()];
        for side in 1..=radius {
            let mut wider = near[side - 1].clone();
            for (row, source) in wider.chunks_exact_mut(size).zip(self.values.chunks_exact(size)) {
                for (x, value) in row.iter_mut().enumerate() {
                    let outside = x < side || x + side >= size;
                    *value = if outside { 0.0 } else { value.min(source[x - side]).min(source[x + side]) };
                }
            }
            near.push(wider);
        }
        // The disc is a stack of such rows.
        let mut values = vec![0f32; self.values.len()];
        for y in radius..size.saturating_sub(radius) {
            let target = &mut values[y * size..(y + 1) * size];
            target.fill(1.0);
            for other in y - radius..=y + radius {
                let away = y.abs_diff(other);
                let side = (radius * radius - away * away).isqrt();
                let row = &near[side][other * size..(other + 1) * size];
                target.iter_mut().zip(row).for_each(|(value, near)| *value = value.min(*near));
            }
        }
        Self { size_px: size, values }
    }
}

/// Mean over `x ± half` of each row (parts of pixels at both ends count as parts, outside counts
/// as 0), with rows and columns exchanged: twice of it blurs both ways.
fn blurred_rows_transposed(values: &[f32], size: usize, half: f64) -> Vec<f32> {
    let mut target = vec![0.0; values.len()];
    // The integral of the row from its start to each pixel's left border.
    let mut integral = vec![0.0; size + 1];
    let at = |integral: &[f64], place: f64| {
        let place = place.clamp(0.0, size as f64);
        let left = (place as usize).min(size - 1);
        integral[left] + (place - left as f64) * (integral[left + 1] - integral[left])
    };
    for (y, row) in values.chunks_exact(size).enumerate() {
        for (x, value) in row.iter().enumerate() {
            integral[x + 1] = integral[x] + f64::from(*value);
        }
        // A box of `half` to both sides of a pixel that is itself one wide.
        let reach = half.max(0.5);
        for x in 0..size {
            let center = x as f64 + 0.5;
            let sum = at(&integral, center + reach) - at(&integral, center - reach);
            target[x * size + y] = (sum / (2.0 * reach)) as f32;
        }
    }
    target
}

/// 3t² − 2t³ between 0 and 1.
fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1 where x is in `from..to`, in all rows but the first and last `from`.
    fn square(size: usize, from: usize, to: usize) -> Mask {
        let inside = |place: usize| (from..to).contains(&place);
        Mask::new(
            size,
            (0..size * size).map(|p| f32::from(u8::from(inside(p % size) && inside(p / size)))).collect(),
        )
    }

    /// A disc with an antialiased edge, its centre at (x, y).
    fn disc(size: usize, x: f32, y: f32, radius: f32) -> Mask {
        let value = |p: usize| {
            let distance = ((p % size) as f32 + 0.5 - x).hypot((p / size) as f32 + 0.5 - y);
            (radius - distance + 0.5).clamp(0.0, 1.0)
        };
        Mask::new(size, (0..size * size).map(value).collect())
    }

    fn middle_row(mask: &Mask) -> &[f32] {
        let size = mask.size_px();
        &mask.values()[size / 2 * size..(size / 2 + 1) * size]
    }

    #[test]
    fn the_ramp_is_0_in_the_outermost_ring_and_1_in_the_middle() {
        let ramp = Mask::border_ramp(16, 4.0);
        let row = middle_row(&ramp);
        assert_eq!(row[..6], [0.0, 0.15625, 0.5, 0.84375, 1.0, 1.0]);
        assert_eq!(row[10..], [1.0, 1.0, 0.84375, 0.5, 0.15625, 0.0]);
        for place in 0..16 {
            for outer in [place, 15 * 16 + place, place * 16, place * 16 + 15] {
                assert_eq!(ramp.values()[outer], 0.0);
            }
        }
        assert_eq!(middle_row(&Mask::border_ramp(8, 0.0)), [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn erosion_moves_straight_edges_by_whole_and_broken_pixels() {
        let mask = square(20, 4, 16);
        assert_eq!(mask.eroded(0.0), mask);
        assert_eq!(mask.eroded(3.0), square(20, 7, 13));
        let broken = mask.eroded(2.25);
        assert_eq!(middle_row(&broken)[5..9], [0.0, 0.75, 1.0, 1.0]);
        assert!(mask.eroded(50.0).values().iter().all(|value| *value == 0.0));
    }

    #[test]
    fn erosion_is_round() {
        let eroded = disc(64, 32.0, 32.0, 25.0).eroded(7.0);
        let truth = disc(64, 32.0, 32.0, 18.0);
        let area = |mask: &Mask| mask.values().iter().sum::<f32>();
        assert!((area(&eroded) / area(&truth) - 1.0).abs() < 0.05, "{} {}", area(&eroded), area(&truth));
    }

    #[test]
    fn a_feathered_edge_lies_inside_and_is_full_after_its_width() {
        let mask = square(64, 10, 54);
        let soft = mask.feathered(9.0);
        let row = middle_row(&soft);
        assert!(row[..10].iter().all(|value| *value == 0.0), "{row:?}");
        assert!(row[10] > 0.0 && row[10] < 0.2);
        assert!(row[10..20].windows(2).all(|pair| pair[0] <= pair[1]), "{row:?}");
        assert_eq!(row[20..44], [1.0; 24]);
        assert_eq!(mask.feathered(0.0), mask);
    }

    #[test]
    fn the_result_reaches_0_before_the_square_ends_even_when_the_hull_does_not() {
        let whole = Mask::new(32, vec![1.0; 32 * 32]);
        let edge = whole.eroded(0.0).feathered(4.0).times(&Mask::border_ramp(32, 4.0));
        let size = 32;
        for place in 0..size {
            for outer in [place, (size - 1) * size + place, place * size, place * size + size - 1] {
                assert_eq!(edge.values()[outer], 0.0);
            }
        }
        assert_eq!(edge.values()[16 * 32 + 16], 1.0);
    }

    #[test]
    fn values_are_clipped_and_nan_is_nothing() {
        assert_eq!(Mask::new(2, vec![-1.0, 2.0, f32::NAN, 0.5]).into_values(), [0.0, 1.0, 0.0, 0.5]);
    }

    proptest! {
        #[test]
        fn edges_stay_inside_of_the_mask_and_of_0_to_1(
            values in prop::collection::vec(0f32..=1.0, 12 * 12), inset in 0f32..4.0, width in 0f32..6.0,
        ) {
            let mask = Mask::new(12, values);
            let eroded = mask.eroded(inset);
            for (small, value) in eroded.values().iter().zip(mask.values()) {
                prop_assert!((0.0..=*value).contains(small));
            }
            prop_assert!(mask.feathered(width).values().iter().all(|value| (0.0..=1.0).contains(value)));
        }

        #[test]
        fn a_small_move_of_the_hull_is_a_small_change(x in 28f32..36.0, y in 28f32..36.0) {
            let edge = |x| disc(64, x, y, 20.0).eroded(2.5).feathered(6.0);
            let (one, other) = (edge(x), edge(x + 0.1));
            let change = one.values().iter().zip(other.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            prop_assert!(change < 0.08, "{}", change);
        }
    }
}
