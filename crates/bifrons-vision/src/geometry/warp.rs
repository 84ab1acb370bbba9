//! Resampling pictures by a similarity.

use bifrons_media::{PixelRect, RgbImage};

use super::{Point, Similarity};

/// What lies outside the source picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Border {
    /// One value for every sample, in `[0, 1]`.
    Constant(f32),
    /// The nearest pixel inside.
    Replicate,
}

/// A picture of `out_width x out_height` pixels whose pixel centre `p` shows the source at
/// `target_from_source.inverse().apply(p)`.
///
/// Enlarging is bilinear. Shrinking averages first, so that nothing finer than a target pixel
/// aliases: the source is halved (2x2 means) while two source pixels or more fall on a target pixel
/// side, then each target pixel is the mean of 2x2 bilinear samples.
///
/// A transform that has no inverse gives a picture of the border.
#[must_use]
pub fn warp(
    image: &RgbImage,
    target_from_source: &Similarity,
    out_width: usize,
    out_height: usize,
    border: Border,
) -> RgbImage {
    let source = Raster { width: image.width, height: image.height, data: &image.data };
    RgbImage {
        width: out_width,
        height: out_height,
        data: warp_raster::<3>(&source, target_from_source, out_width, out_height, border),
    }
}

/// [`warp`] for one plane (a mask), `height * width` values row by row.
///
/// # Panics
/// When `plane.len() != width * height`.
#[must_use]
pub fn warp_plane(
    plane: &[f32],
    width: usize,
    height: usize,
    target_from_source: &Similarity,
    out_width: usize,
    out_height: usize,
    border: Border,
) -> Vec<f32> {
    assert_eq!(plane.len(), width * height, "plane of {width}x{height}");
    let source = Raster { width, height, data: plane };
    warp_raster::<1>(&source, target_from_source, out_width, out_height, border)
}

/// The part of a source of `source_width x source_height` pixels that [`warp`] reads, so that only
/// this part has to be decoded. Empty when the target shows nothing of the source.
///
/// Warping the part with `target_from_source * Similarity::translation(rect.x, rect.y)` gives what
/// warping the whole gives (up to rounding; exactly the same border where the whole has one): the
/// corner is a multiple of the halving that [`warp`] does, and two pixels of room are kept.
#[must_use]
pub fn needed_rect(
    target_from_source: &Similarity,
    out_width: usize,
    out_height: usize,
    source_width: usize,
    source_height: usize,
) -> PixelRect {
    if !target_from_source.is_valid() || out_width == 0 || out_height == 0 {
        return PixelRect::new(0, 0, 0, 0);
    }
    let source_from_target = target_from_source.inverse();
    let (w, h) = (out_width as f64, out_height as f64);
    let corners =
        [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h)].map(|(x, y)| source_from_target.apply(Point::new(x, y)));
    let cell = 1usize << halvings(target_from_source.scale());
    let room = 2.0 * cell as f64;
    let low = |v: fn(&Point) -> f64| corners.iter().map(v).fold(f64::INFINITY, f64::min) - room;
    let high = |v: fn(&Point) -> f64| corners.iter().map(v).fold(f64::NEG_INFINITY, f64::max) + room;
    let (left, right) = aligned_range(low(|p| p.x), high(|p| p.x), cell, source_width);
    let (top, bottom) = aligned_range(low(|p| p.y), high(|p| p.y), cell, source_height);
    PixelRect::new(left, top, right - left, bottom - top)
}

/// Rounds a range outwards to multiples of `cell` and clips it to `[0, size]`.
fn aligned_range(low: f64, high: f64, cell: usize, size: usize) -> (usize, usize) {
    let step = cell as f64;
    // `as` saturates: what lies left of the picture becomes 0.
    let start = ((low / step).floor() * step) as usize;
    let end = (((high / step).ceil() * step) as usize).min(size);
    if start >= end { (0, 0) } else { (start, end) }
}

/// How often the source is halved before sampling.
fn halvings(scale: f64) -> u32 {
    let mut halvings = 0;
    let mut scale = scale;
    // 24 halvings make one pixel of any picture we accept.
    while scale <= 0.5 && halvings < 24 {
        scale *= 2.0;
        halvings += 1;
    }
    halvings
}

/// Borrowed samples, `[height][width][channels]`.
struct Raster<'a> {
    width: usize,
    height: usize,
    data: &'a [f32],
}

fn warp_raster<const C: usize>(
    source: &Raster<'_>,
    target_from_source: &Similarity,
    out_width: usize,
    out_height: usize,
    border: Border,
) -> Vec<f32> {
    let outside = match border {
        Border::Constant(value) => value,
        Border::Replicate => 0.0,
    };
    let mut target = vec![outside; out_width * out_height * C];
    if !target_from_source.is_valid() || source.width == 0 || source.height == 0 {
        return target;
    }
    let mut scale = target_from_source.scale();
    let mut source_from_target = target_from_source.inverse();
    let mut halved = Vec::new();
    let (mut width, mut height) = (source.width, source.height);
    for _ in 0..halvings(scale) {
        let from = if halved.is_empty() { source.data } else { &halved };
        (halved, width, height) = halve::<C>(from, width, height);
        source_from_target = Similarity::scaling(0.5) * source_from_target;
        scale *= 2.0;
    }
    let level = Raster { width, height, data: if halved.is_empty() { source.data } else { &halved } };
    let sampler = Sampler { level: &level, border };
    let shift = |p: Point, by: Point| Point::new(p.x - by.x, p.y - by.y);
    let step = Place::of(shift(
        source_from_target.apply(Point::new(1.0, 0.0)),
        source_from_target.apply(Point::new(0.0, 0.0)),
    ));
    for (y, row) in target.chunks_exact_mut(out_width * C).enumerate() {
        let start =
            |dx: f64, dy: f64| Place::of_sample(source_from_target.apply(Point::new(dx, y as f64 + dy)));
        if scale < 1.0 {
            let four = [start(0.25, 0.25), start(0.75, 0.25), start(0.25, 0.75), start(0.75, 0.75)];
            sampler.row::<C, 4>(four, step, row);
        } else {
            sampler.row::<C, 1>([start(0.5, 0.5)], step, row);
        }
    }
    target
}

/// A place in a raster, in 2^-32 pixels: whole numbers are pixel centres. Stepping through a row and cutting off the
/// fraction are then single instructions.
#[derive(Clone, Copy)]
struct Place {
    x: i64,
    y: i64,
}

const ONE: f64 = (1_u64 << 32) as f64;

impl Place {
    /// A place or a step. Beyond 2^21 pixels only the border is left to be seen, and sums stay in range.
    fn of(p: Point) -> Self {
        let fixed = |v: f64| (v.clamp(-2_097_152.0, 2_097_152.0) * ONE) as i64;
        Self { x: fixed(p.x), y: fixed(p.y) }
    }

    /// Where a continuous position, whose pixels have their centres at halves, lies.
    fn of_sample(p: Point) -> Self {
        Self::of(Point::new(p.x - 0.5, p.y - 0.5))
    }
}

/// The share of the next pixel.
#[inline]
fn fraction(fixed: i64) -> f32 {
    // 24 bits are what an f32 holds
    ((fixed as u32) >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

/// Bilinear samples of a raster.
struct Sampler<'a> {
    level: &'a Raster<'a>,
    border: Border,
}

impl Sampler<'_> {
    /// Each pixel of a row is the mean of `N` samples, which move on by `step`.
    fn row<const C: usize, const N: usize>(&self, mut places: [Place; N], step: Place, row: &mut [f32]) {
        for pixel in row.chunks_exact_mut(C) {
            let mut sum = [0.0; 4];
            for place in places {
                let value = self.at::<C>(place);
                for c in 0..4 {
                    sum[c] += value[c];
                }
            }
            places = places.map(|place| Place { x: place.x + step.x, y: place.y + step.y });
            for (to, value) in pixel.iter_mut().zip(sum) {
                *to = value * (1.0 / N as f32);
            }
        }
    }

    /// The value at a place: the first `C` of four numbers.
    #[inline]
    fn at<const C: usize>(&self, place: Place) -> [f32; 4] {
        let (x0, y0) = (place.x >> 32, place.y >> 32);
        let (fx, fy) = (fraction(place.x), fraction(place.y));
        let weights = [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy];
        let (w, h) = (self.level.width as i64, self.level.height as i64);
        if x0 >= 0 && y0 >= 0 && x0 + 1 < w && y0 + 1 < h {
            let stride = self.level.width * C;
            let at = y0 as usize * stride + x0 as usize * C;
            // four numbers at a time, one of them too many, are one instruction
            let top = self.level.data.get(at..at + C + 4);
            let bottom = self.level.data.get(at + stride..at + stride + C + 4);
            if let (Some(top), Some(bottom)) = (top, bottom) {
                return std::array::from_fn(|c| {
                    weights[0] * top[c]
                        + weights[1] * top[C + c]
                        + weights[2] * bottom[c]
                        + weights[3] * bottom[C + c]
                });
            }
        }
        self.at_border::<C>(x0, y0, weights)
    }

    /// The same where one of the four pixels lies outside.
    #[cold]
    fn at_border<const C: usize>(&self, x0: i64, y0: i64, weights: [f32; 4]) -> [f32; 4] {
        let mut sum = [0.0; 4];
        let (w, h) = (self.level.width as i64, self.level.height as i64);
        for (i, weight) in weights.into_iter().enumerate() {
            let (px, py) = (x0 + (i as i64 & 1), y0 + (i as i64 >> 1));
            let inside = px >= 0 && py >= 0 && px < w && py < h;
            match self.border {
                Border::Constant(value) if !inside => sum.iter_mut().for_each(|s| *s += weight * value),
                _ => {
                    let (cx, cy) = (px.clamp(0, w - 1) as usize, py.clamp(0, h - 1) as usize);
                    let at = (cy * self.level.width + cx) * C;
                    for (s, value) in sum.iter_mut().zip(&self.level.data[at..at + C]) {
                        *s += weight * value;
                    }
                }
            }
        }
        sum
    }
}

/// A picture at a continuous position: between pixels linear, outside its border goes on.
pub(crate) fn bilinear(picture: &RgbImage, at: Point) -> [f32; 3] {
    let level = Raster { width: picture.width, height: picture.height, data: &picture.data };
    let [r, g, b, _] = Sampler { level: &level, border: Border::Replicate }.at::<3>(Place::of_sample(at));
    [r, g, b]
}

/// Half the size by 2x2 means; an odd last row or column is averaged with itself.
fn halve<const C: usize>(data: &[f32], width: usize, height: usize) -> (Vec<f32>, usize, usize) {
    let (w, h) = (width.div_ceil(2), height.div_ceil(2));
    let mut half = Vec::with_capacity(w * h * C);
    for y in 0..h {
        let top = 2 * y * width;
        let bottom = (2 * y + 1).min(height - 1) * width;
        for x in 0..w {
            let (left, right) = (2 * x, (2 * x + 1).min(width - 1));
            for c in 0..C {
                half.push(
                    0.25 * (data[(top + left) * C + c]
                        + data[(top + right) * C + c]
                        + data[(bottom + left) * C + c]
                        + data[(bottom + right) * C + c]),
                );
            }
        }
    }
    (half, w, h)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A smooth picture: what bilinear sampling can carry there and back.
    fn smooth(width: usize, height: usize) -> RgbImage {
        let mut data = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
                data.extend([
                    0.5 + 0.4 * (5.0 * u).sin() * (4.0 * v).cos(),
                    0.2 + 0.6 * u,
                    0.9 - 0.7 * v * u,
                ]);
            }
        }
        RgbImage { width, height, data }
    }

    fn max_difference(a: &RgbImage, b: &RgbImage, margin: usize) -> f32 {
        assert_eq!((a.width, a.height), (b.width, b.height));
        let mut max: f32 = 0.0;
        for y in margin..a.height - margin {
            for x in (margin..a.width - margin).flat_map(|x| 3 * x..3 * x + 3) {
                let i = y * a.width * 3 + x;
                max = max.max((a.data[i] - b.data[i]).abs());
            }
        }
        max
    }

    #[test]
    fn identity_and_whole_shifts_are_exact() {
        let image = smooth(9, 7);
        let same = warp(&image, &Similarity::IDENTITY, 9, 7, Border::Replicate);
        assert_eq!(same, image);
        let moved = warp(&image, &Similarity::translation(2.0, 1.0), 9, 7, Border::Constant(0.25));
        assert_eq!(moved.data[..3], [0.25; 3]);
        let at = (3 * 9 + 5) * 3;
        let from = (2 * 9 + 3) * 3;
        assert_eq!(moved.data[at..at + 3], image.data[from..from + 3]);
    }

    #[test]
    fn halving_twice_is_the_mean_of_four_by_four() {
        let plane: Vec<f32> = (0..64).map(|i| ((i * 7) % 13) as f32 / 13.0).collect();
        // Scale 1/4: halved twice, then one sample in the centre of each 4x4 block.
        let small = warp_plane(&plane, 8, 8, &Similarity::scaling(0.25), 2, 2, Border::Replicate);
        let mean: f32 =
            (0..4).flat_map(|y| (0..4).map(move |x| y * 8 + x)).map(|i: usize| plane[i]).sum::<f32>() / 16.0;
        assert!((small[0] - mean).abs() < 1e-6);
    }

    #[test]
    fn shrinking_does_not_alias() {
        // A one-pixel chequerboard must become even grey at any small scale.
        let plane: Vec<f32> = (0..64 * 64).map(|i| ((i % 64 + i / 64) % 2) as f32).collect();
        for scale in [0.9, 0.73, 0.5, 0.41, 0.2] {
            let size = (64.0 * scale) as usize;
            let t = Similarity::scaling(scale);
            let small = warp_plane(&plane, 64, 64, &t, size, size, Border::Replicate);
            let spread = small.iter().fold(0.0f32, |m, v| m.max((v - 0.5).abs()));
            let allowed = if scale > 0.8 { 0.32 } else { 0.26 };
            assert!(spread <= allowed, "scale {scale}: {spread}");
        }
    }

    #[test]
    fn a_transform_without_inverse_gives_the_border() {
        let image = smooth(4, 4);
        let t = Similarity::scaling(0.0);
        assert!(warp(&image, &t, 2, 2, Border::Constant(0.5)).data.iter().all(|&v| v == 0.5));
        assert!(needed_rect(&t, 2, 2, 4, 4).is_empty());
    }

    #[test]
    fn nothing_is_needed_of_a_source_that_is_not_shown() {
        let t = Similarity::translation(-500.0, 0.0);
        assert!(needed_rect(&t, 64, 64, 100, 100).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn unwarp_undoes_warp(
            scale in 0.8..2.5, rotation in -3.1..3.1, dx in -6.0..6.0, dy in -6.0..6.0
        ) {
            let image = smooth(64, 64);
            let t = Similarity::about(
                Point::new(32.0, 32.0), Point::new(120.0 + dx, 120.0 + dy), scale, rotation);
            let there = warp(&image, &t, 240, 240, Border::Replicate);
            let back = warp(&there, &t.inverse(), 64, 64, Border::Replicate);
            prop_assert!(max_difference(&image, &back, 2) < 0.01);
        }

        #[test]
        fn the_needed_part_is_enough(
            scale in 0.1..3.0, rotation in -3.1..3.1, cx in 0.0..150.0, cy in 0.0..110.0
        ) {
            let image = smooth(150, 110);
            let t = Similarity::about(Point::new(cx, cy), Point::new(16.0, 16.0), scale, rotation);
            let whole = warp(&image, &t, 32, 32, Border::Replicate);
            let rect = needed_rect(&t, 32, 32, 150, 110);
            let part = image.crop(rect);
            let part_t = t * Similarity::translation(rect.x as f64, rect.y as f64);
            let warped = warp(&part, &part_t, 32, 32, Border::Replicate);
            prop_assert!(max_difference(&whole, &warped, 0) < 1e-4);
        }
    }
}
