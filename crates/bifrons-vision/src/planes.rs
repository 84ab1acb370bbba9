//! Means of planes: one number a pixel, row by row.

/// A square plane of an even side at half that side: means of four samples.
///
/// # Panics
/// When the plane is not `size_px` squared.
#[must_use]
pub fn halved(plane: &[f32], size_px: usize) -> Vec<f32> {
    let half = size_px / 2;
    let mean = |at: usize| {
        let corner = 2 * (at / half) * size_px + 2 * (at % half);
        (plane[corner] + plane[corner + 1] + plane[corner + size_px] + plane[corner + size_px + 1]) / 4.0
    };
    (0..half * half).map(mean).collect()
}

/// The mean over a square around each pixel (`reach` pixels to each side), as far as the picture goes. Twice over it is nearly
/// a Gaussian.
///
/// # Panics
/// Without columns.
#[must_use]
pub fn averaged(plane: &[f32], width: usize, reach: usize) -> Vec<f32> {
    let height = plane.len() / width;
    let mut rows = vec![0.0; plane.len()];
    for (from, to) in plane.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        // a running sum: as fast for wide squares as for narrow ones
        let mut sum: f32 = from[..reach.min(width)].iter().sum();
        for place in 0..width {
            sum += from.get(place + reach).unwrap_or(&0.0);
            to[place] = sum / span(place, reach, width);
            if place >= reach {
                sum -= from[place - reach];
            }
        }
    }
    // down all columns at once
    let mut sums = vec![0.0; width];
    let mut both = vec![0.0; plane.len()];
    let row = |place: usize| &rows[place * width..][..width];
    let add = |sums: &mut [f32], place: usize, sign: f32| {
        sums.iter_mut().zip(row(place)).for_each(|(sum, value)| *sum += sign * value);
    };
    (0..reach.min(height)).for_each(|place| add(&mut sums, place, 1.0));
    for (place, to) in both.chunks_exact_mut(width).enumerate() {
        if place + reach < height {
            add(&mut sums, place + reach, 1.0);
        }
        let share = 1.0 / span(place, reach, height);
        to.iter_mut().zip(&sums).for_each(|(value, sum)| *value = sum * share);
        if place >= reach {
            add(&mut sums, place - reach, -1.0);
        }
    }
    both
}

/// How many of `count` places lie within `reach` of one of them.
fn span(place: usize, reach: usize, count: usize) -> f32 {
    ((place + reach + 1).min(count) - place.saturating_sub(reach)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_those_written_out() {
        let (width, height) = (7, 5);
        let plane: Vec<f32> = (0..width * height).map(|p| ((p * 31) % 17) as f32).collect();
        for reach in [0, 1, 2, 9] {
            let found = averaged(&plane, width, reach);
            for (place, found) in found.into_iter().enumerate() {
                let (x, y) = (place % width, place / width);
                let near = (0..plane.len())
                    .filter(|p| (p % width).abs_diff(x) <= reach && (p / width).abs_diff(y) <= reach);
                let near: Vec<f32> = near.map(|p| plane[p]).collect();
                let mean = near.iter().sum::<f32>() / near.len() as f32;
                assert!((found - mean).abs() < 1e-4, "{place} within {reach}: {found} {mean}");
            }
        }
    }
}
