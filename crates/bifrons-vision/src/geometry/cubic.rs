//! A picture between its pixels, kept sharp.

use bifrons_media::RgbImage;

/// A picture's colour at a point, by cubic convolution (Keys 1981); the first pixel's middle is `(0.5, 0.5)`. Beyond the picture
/// its border goes on.
#[must_use]
pub fn cubic(picture: &RgbImage, [x, y]: [f32; 2]) -> [f32; 3] {
    let taps = |t: f32| -> [f32; 4] {
        let (t2, t3) = (t * t, t * t * t);
        [
            -0.5 * t3 + t2 - 0.5 * t,
            1.5 * t3 - 2.5 * t2 + 1.0,
            -1.5 * t3 + 2.0 * t2 + 0.5 * t,
            0.5 * t3 - 0.5 * t2,
        ]
    };
    let (x, y) = (x - 0.5, y - 0.5);
    let (column, row) = (x.floor(), y.floor());
    let (across, down) = (taps(x - column), taps(y - row));
    let last = [picture.width as isize - 1, picture.height as isize - 1];
    let pixels = picture.data.as_chunks::<3>().0;
    let mut sum = [0.0; 3];
    for (j, down) in down.into_iter().enumerate() {
        let line = (row as isize + j as isize - 1).clamp(0, last[1]) as usize * picture.width;
        for (i, across) in across.into_iter().enumerate() {
            let pixel = &pixels[line + (column as isize + i as isize - 1).clamp(0, last[0]) as usize];
            let weight = across * down;
            sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(shift: f32) -> RgbImage {
        let data = (0..64 * 64).flat_map(|at| {
            let (x, y) = ((at % 64) as f32 - shift, (at / 64) as f32);
            [0.5 + 0.1 * (0.13 * x + 0.05 * y).sin() + 0.1 * (0.09 * y - 0.04 * x).sin(); 3]
        });
        RgbImage { width: 64, height: 64, data: data.collect() }
    }

    #[test]
    fn between_pixels_a_picture_is_its_own_curve() {
        let picture = curve(0.0);
        for (x, y) in [(40.5, 50.5), (0.5, 63.5)] {
            assert_eq!(cubic(&picture, [x, y]), picture.get(x as usize, y as usize));
        }
        let (there, wanted) = (cubic(&curve(0.3), [40.8, 50.5])[0], picture.get(40, 50)[0]);
        assert!((there - wanted).abs() < 1e-3);
        assert_eq!(cubic(&picture, [-9.0, 0.5]), picture.get(0, 0));
    }
}
