//! Finding the pattern again, however large it is by now, wherever it begins and whichever way up it is.
//!
//! The sum of frames is folded: what lies a tile's side apart is added. Folded with the right side, the tiles add up to the
//! one tile, shifted; of its waves, only the phases count. Where those that mark the place agree with the key, the shift is
//! the peak of their correlation. Without a mark each phase is as good as any, so the height of a peak, in deviations, is
//! distributed like a Gaussian: [`THRESHOLD`] follows from the number of places that are tried.

use std::f32::consts::{FRAC_1_SQRT_2, TAU};

use bifrons_media::{Frame, LumaPlane};
use rayon::prelude::*;
use rustfft::num_complex::Complex32;

use super::code;
use super::gather::Sum;
use super::pattern::{MAX_WAVES, Transform, Wave, waves};

/// Side of the folded tile.
const BINS: usize = 64;
/// Planes are halved while their tiles stay at least this large.
const MIN_TILE_PX: f32 = 56.0;
/// Sides of tiles that are tried, in pixels, and the step from one to the next.
const SIDES_PX: std::ops::Range<f32> = 40.0..640.0;
const STEP: f32 = 1.004;
/// The most promising places that are looked at closely.
const CLOSE_LOOKS: usize = 12;
/// Least height of the peak, in standard deviations. About 700 sides, 8 ways up and 4096 shifts are tried, and the best 12
/// improved: 10⁸ places, each beyond 7 with a chance of 1.3·10⁻¹². The checksum lets one of 65536 of these pass. So a frame
/// without a mark is taken for a marked one with a chance of about 2·10⁻⁹.
const THRESHOLD: f32 = 7.0;

/// A mark that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The number.
    pub id: u64,
    /// How clearly: height of the peak, in standard deviations of what chance gives.
    pub clarity: f32,
    /// Side of a tile in the frames as they are, in pixels.
    pub tile_px: f32,
}

/// The eight ways a picture can be turned and mirrored: rows of `k of the picture = turn * k of the tile`.
const TURNS: [[[i32; 2]; 2]; 8] = [
    [[1, 0], [0, 1]],
    [[0, -1], [1, 0]],
    [[-1, 0], [0, -1]],
    [[0, 1], [-1, 0]],
    [[-1, 0], [0, 1]],
    [[1, 0], [0, -1]],
    [[0, 1], [1, 0]],
    [[0, -1], [-1, 0]],
];

/// Gathers frames of one film or picture, and looks for the mark in them.
#[derive(Debug, Default)]
pub struct Detector {
    sum: Sum,
}

/// Where a tile may lie.
#[derive(Clone, Copy, Debug)]
struct Place {
    side_px: f32,
    turn: usize,
    /// In parts of a tile.
    shift: [f32; 2],
    height: f32,
}

impl Detector {
    /// Adds a frame. One of another size begins anew.
    pub fn add(&mut self, frame: &Frame) {
        self.add_luma(&frame.luma());
    }

    /// Adds luma of a frame.
    pub fn add_luma(&mut self, luma: &LumaPlane) {
        self.sum.add(luma);
    }

    /// Frames added.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.sum.frames
    }

    /// The mark, if there is one.
    #[must_use]
    pub fn find(&self) -> Option<Found> {
        let largest = self.sum.width.max(self.sum.height) as f32;
        if self.sum.frames == 0 || largest < SIDES_PX.start {
            return None;
        }
        let levels = Levels::of(&self.sum);
        let key = Key::new();
        let count = ((SIDES_PX.end.min(largest) / SIDES_PX.start).ln() / STEP.ln()).ceil() as i32;
        let mut places: Vec<Place> = (0..count)
            .into_par_iter()
            .flat_map_iter(|step| {
                let spectrum = Spectrum::of(&levels, &key, SIDES_PX.start * STEP.powi(step));
                [[0, 1], [2, 3], [4, 5], [6, 7]]
                    .map(|turns| spectrum.best_places(&key, turns))
                    .into_iter()
                    .flatten()
            })
            .collect();
        places.sort_by(|one, other| other.height.total_cmp(&one.height));
        places.truncate(CLOSE_LOOKS);
        places.into_iter().find_map(|place| {
            let (place, spectrum) = improved(&levels, &key, place);
            if place.height < THRESHOLD {
                return None;
            }
            let id = code::decode(&spectrum.soft_bits(&key, &place))?;
            Some(Found { id, clarity: place.height, tile_px: place.side_px })
        })
    }
}

/// The best side and shift near a place.
fn improved(levels: &Levels, key: &Key, mut best: Place) -> (Place, Spectrum) {
    let mut spectrum = Spectrum::of(levels, key, best.side_px);
    for finer in [0.002, 0.001, 0.0005, 0.00025] {
        for factor in [1.0 - finer, 1.0 + finer] {
            let side_px = best.side_px * factor;
            let other = Spectrum::of(levels, key, side_px);
            // the tile keeps its place in the middle of the frame, so its shift at the edge changes
            let [place, _] = other.best_places(key, [best.turn, best.turn]);
            let place = other.near(key, place);
            if place.height > best.height {
                (best, spectrum) = (place, other);
            }
        }
    }
    let place = spectrum.near(key, best);
    (place, spectrum)
}

/// What is looked for.
struct Key {
    /// The waves that mark the place.
    placing: Vec<Wave>,
    /// The waves that carry bits, two each.
    carrying: Vec<(Wave, [usize; 2])>,
    transform: Transform,
}

impl Key {
    fn new() -> Self {
        let (placing, carrying): (Vec<Wave>, Vec<Wave>) =
            waves().into_iter().partition(|wave| wave.bits.is_none());
        let carrying = carrying.into_iter().filter_map(|wave| wave.bits.map(|bits| (wave, bits))).collect();
        Self { placing, carrying, transform: Transform::new(BINS) }
    }

    /// Standard deviation of the correlation where there is no mark.
    fn deviation(&self) -> f32 {
        (self.placing.len() as f32 / 2.0).sqrt()
    }
}

/// The sum, and the same at a half, a quarter, … of its size.
struct Levels(Vec<LumaPlane>);

impl Levels {
    fn of(sum: &Sum) -> Self {
        let mut levels = vec![LumaPlane { width: sum.width, height: sum.height, data: sum.data.clone() }];
        while let Some(last) = levels.last().filter(|last| last.width.min(last.height) >= 64)
            && levels.len() < 5
        {
            let (width, height) = (last.width / 2, last.height / 2);
            let mut data = Vec::with_capacity(width * height);
            for y in 0..height {
                let above = &last.data[2 * y * last.width..][..2 * width];
                let below = &last.data[(2 * y + 1) * last.width..][..2 * width];
                let pairs = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
                data.extend(pairs.map(|([a, b], [c, d])| a + b + c + d));
            }
            levels.push(LumaPlane { width, height, data });
        }
        Self(levels)
    }

    /// The smallest plane that still shows a tile of this side, and the side in it.
    fn for_side(&self, side_px: f32) -> (&LumaPlane, f32) {
        let mut level = 0;
        let mut side = side_px;
        while level + 1 < self.0.len() && side / 2.0 >= MIN_TILE_PX {
            level += 1;
            side /= 2.0;
        }
        (&self.0[level], side)
    }
}

/// The folded tile, as phases of its waves: unit numbers.
struct Spectrum {
    side_px: f32,
    phases: Vec<Complex32>,
}

impl Spectrum {
    fn of(levels: &Levels, key: &Key, side_px: f32) -> Self {
        let (plane, side) = levels.for_side(side_px);
        let mut phases: Vec<Complex32> =
            folded(plane, side).into_iter().map(|value| Complex32::new(value, 0.0)).collect();
        key.transform.forward(&mut phases);
        for value in &mut phases {
            let square = value.norm_sqr();
            *value = if square > 0.0 { *value / square.sqrt() } else { Complex32::default() };
        }
        Self { side_px, phases }
    }

    /// The phase of a wave of the tile, in a picture that was turned.
    fn at(&self, k: [i32; 2], turn: usize) -> Complex32 {
        let [x, y] = TURNS[turn].map(|row| (row[0] * k[0] + row[1] * k[1]).rem_euclid(BINS as i32) as usize);
        self.phases[y * BINS + x]
    }

    /// The highest peaks for two ways up, to the nearest bin: both correlations are real, so one transform does for two.
    fn best_places(&self, key: &Key, turns: [usize; 2]) -> [Place; 2] {
        let mut plane = vec![Complex32::default(); BINS * BINS];
        let bin = |k: i32| k.rem_euclid(BINS as i32) as usize;
        for wave in &key.placing {
            let [one, two] = turns.map(|turn| self.at(wave.k, turn) * wave.phase.conj());
            plane[bin(wave.k[1]) * BINS + bin(wave.k[0])] = one + two * Complex32::I;
            plane[bin(-wave.k[1]) * BINS + bin(-wave.k[0])] = one.conj() + two.conj() * Complex32::I;
        }
        key.transform.inverse(&mut plane);
        let mut best = [(0, f32::MIN); 2];
        for (at, value) in plane.iter().enumerate() {
            for (best, value) in best.iter_mut().zip([value.re, value.im]) {
                if value > best.1 {
                    *best = (at, value);
                }
            }
        }
        let place = |turn, (peak, height): (usize, f32)| {
            let shift = [(peak % BINS) as f32 / BINS as f32, (peak / BINS) as f32 / BINS as f32];
            // each wave and its mirror image
            Place { side_px: self.side_px, turn, shift, height: height / 2.0 / key.deviation() }
        };
        [place(turns[0], best[0]), place(turns[1], best[1])]
    }

    /// Height of the peak at a shift, in standard deviations.
    fn height(&self, key: &Key, turn: usize, shift: [f32; 2]) -> f32 {
        let back = Back::of(shift);
        let agreement = |wave: &Wave| (self.at(wave.k, turn) * wave.phase.conj() * back.for_wave(wave.k)).re;
        key.placing.iter().map(agreement).sum::<f32>() / key.deviation()
    }

    /// The best shift within a bin.
    fn near(&self, key: &Key, mut best: Place) -> Place {
        best.height = self.height(key, best.turn, best.shift);
        for step in [0.5, 0.25, 0.125].map(|bins| bins / BINS as f32) {
            let around = best.shift;
            for x in [-step, 0.0, step] {
                for y in [-step, 0.0, step] {
                    let shift = [around[0] + x, around[1] + y];
                    let height = self.height(key, best.turn, shift);
                    if height > best.height {
                        best = Place { shift, height, ..best };
                    }
                }
            }
        }
        best
    }

    /// What the waves say about each coded bit: above 0 for +1, below for -1.
    fn soft_bits(&self, key: &Key, place: &Place) -> Vec<f32> {
        let mut soft = vec![0.0; code::CODED_BITS];
        let back = Back::of(place.shift);
        for (wave, [re, im]) in &key.carrying {
            let value = self.at(wave.k, place.turn) * wave.phase.conj() * back.for_wave(wave.k);
            soft[*re] += value.re * FRAC_1_SQRT_2;
            soft[*im] += value.im * FRAC_1_SQRT_2;
        }
        soft
    }
}

/// What undoes a shift, for each wave.
struct Back {
    across: [Complex32; SIDE],
    down: [Complex32; SIDE],
}

/// Waves across, from one edge of the half plane to the other.
const SIDE: usize = 2 * MAX_WAVES as usize + 1;

impl Back {
    fn of(shift: [f32; 2]) -> Self {
        let turned = |shift: f32| {
            std::array::from_fn(|at| Complex32::from_polar(1.0, TAU * (at as f32 - MAX_WAVES as f32) * shift))
        };
        Self { across: turned(shift[0]), down: turned(shift[1]) }
    }

    fn for_wave(&self, k: [i32; 2]) -> Complex32 {
        let [x, y] = k.map(|k| (k + MAX_WAVES) as usize);
        self.across[x] * self.down[y]
    }
}

/// Means of all values at the same place of a tile, in [`BINS`] steps each way.
fn folded(plane: &LumaPlane, side: f32) -> Vec<f32> {
    // each row and column goes to two neighbouring bins, in parts
    let place = |pixel: usize| {
        let at = ((pixel as f32 + 0.5) / side).fract() * BINS as f32;
        let bin = (at as usize).min(BINS - 1);
        (bin, at - bin as f32)
    };
    // whole rows first, which vectors do
    let width = plane.width;
    let mut rows = vec![0.0f32; (BINS + 1) * width];
    let mut weights_down = [0.0f32; BINS + 1];
    for (y, row) in plane.data.chunks_exact(width).enumerate() {
        let (bin, part) = place(y);
        weights_down[bin] += 1.0 - part;
        weights_down[bin + 1] += part;
        let (upper, lower) = rows[bin * width..][..2 * width].split_at_mut(width);
        for ((upper, lower), value) in upper.iter_mut().zip(lower).zip(row) {
            *upper += (1.0 - part) * value;
            *lower += part * value;
        }
    }
    let (first, last) = rows.split_at_mut(BINS * width);
    first.iter_mut().zip(&*last).for_each(|(first, last)| *first += last);
    weights_down[0] += weights_down[BINS];
    // then columns, each as a line of bins
    let mut columns = [[0.0f32; BINS]; BINS + 1];
    let mut weights_across = [0.0f32; BINS + 1];
    let mut lines = vec![[0.0f32; BINS]; width];
    for (y, row) in rows.chunks_exact(width).take(BINS).enumerate() {
        lines.iter_mut().zip(row).for_each(|(line, value)| line[y] = *value);
    }
    for (x, line) in lines.iter().enumerate() {
        let (bin, part) = place(x);
        for (at, weight) in [(bin, 1.0 - part), (bin + 1, part)] {
            weights_across[at] += weight;
            columns[at].iter_mut().zip(line).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    let around = columns[BINS];
    columns[0].iter_mut().zip(around).for_each(|(first, last)| *first += last);
    weights_across[0] += weights_across[BINS];
    let mut tile = Vec::with_capacity(BINS * BINS);
    for (y, down) in weights_down[..BINS].iter().enumerate() {
        tile.extend(columns[..BINS].iter().zip(&weights_across).map(|(column, across)| {
            let weight = across * down;
            if weight > 0.0 { column[y] / weight } else { 0.0 }
        }));
    }
    tile
}

// Every wave has its own place in the folded tile.
const _: () = assert!(2 * MAX_WAVES < BINS as i32);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::pattern;

    /// A plane of nothing but noise and the pattern, `strength` to 1, as if cut out at `shift` and scaled.
    fn plane(width: usize, height: usize, tile_px: f32, shift: [f32; 2], strength: f32) -> LumaPlane {
        const PERIOD: usize = 256;
        let tile = pattern::tile(0x0123_4567_89AB_CDEF, PERIOD);
        let mut seed = 7u32;
        let mut noise = || {
            (0..4)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 8) as f32 / 8_388_608.0 - 1.0
                })
                .sum::<f32>()
        };
        let at = |pixel: usize, shift: f32| {
            (((pixel as f32 + 0.5 + shift) / tile_px).fract() * PERIOD as f32) as usize % PERIOD
        };
        let mut data = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let value = tile[at(y, shift[1]) * PERIOD + at(x, shift[0])];
                data.push(128.0 + 10.0 * (noise() + strength * value));
            }
        }
        LumaPlane { width, height, data }
    }

    fn find(plane: &LumaPlane) -> Option<Found> {
        let mut detector = Detector::default();
        detector.add_luma(plane);
        detector.find()
    }

    #[test]
    fn the_pattern_is_found_at_any_size_and_place() {
        for (tile_px, shift) in
            [(128.0, [0.0, 0.0]), (64.0, [17.3, 40.9]), (99.7, [5.5, 0.0]), (211.0, [60.0, 99.0])]
        {
            let found =
                find(&plane(480, 360, tile_px, shift, 0.5)).unwrap_or_else(|| panic!("no tile of {tile_px}"));
            assert_eq!(found.id, 0x0123_4567_89AB_CDEF);
            assert!((found.tile_px / tile_px - 1.0).abs() < 0.005, "{found:?} of {tile_px}");
        }
    }

    #[test]
    fn the_pattern_is_found_whichever_way_up() {
        let upright = plane(360, 300, 128.0, [3.0, 9.0], 0.6);
        let (width, height) = (upright.width, upright.height);
        let at = |x: usize, y: usize| upright.data[y * width + x];
        let turned: Vec<f32> = (0..width)
            .flat_map(|y| (0..height).map(move |x| (x, y)))
            .map(|(x, y)| at(y, height - 1 - x))
            .collect();
        let mirrored: Vec<f32> = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| at(width - 1 - x, y))
            .collect();
        for plane in [
            LumaPlane { width: height, height: width, data: turned },
            LumaPlane { width, height, data: mirrored },
        ] {
            assert_eq!(find(&plane).map(|found| found.id), Some(0x0123_4567_89AB_CDEF));
        }
    }

    #[test]
    fn a_folded_plane_is_the_mean_of_its_tiles() {
        // two tiles of 64 pixels each way, a pixel a bin, seen half a bin further on: each value goes to two bins
        let plane = LumaPlane {
            width: 128,
            height: 128,
            data: (0..128 * 128).map(|i| f32::from(i % 64 == 5 && i / 128 % 64 == 9)).collect(),
        };
        let tile = folded(&plane, 64.0);
        for (i, value) in tile.iter().enumerate() {
            let expected = if [5, 6].contains(&(i % 64)) && [9, 10].contains(&(i / 64)) { 0.25 } else { 0.0 };
            assert!((value - expected).abs() < 1e-6, "{value} at {i}");
        }
    }

    #[test]
    fn noise_holds_no_mark() {
        assert_eq!(find(&plane(480, 360, 128.0, [0.0, 0.0], 0.0)), None);
    }
}
