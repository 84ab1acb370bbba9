//! Landmarks without their trembling, and without lag.
//!
//! Each frame's mesh is taken apart into where the head is (the similarity of its stable points) and what the face
//! does there. Both are fitted by parabolas over the frames before and after (Savitzky and Golay 1964), over as many
//! as agree: a longer fit is taken while it differs from the shorter ones by no more than noise explains (the
//! intersection of confidence intervals, Goldenshluger and Nemirovski 1997). What moves fast agrees with no fit and
//! stays as it was found: a blink closes all the way.
//!
//! Noise was measured, not guessed: still frames of three clips at 18 to 133 px from eye to eye with fresh grain
//! (deviation 8 of 255) and H.264 (`docs/extraction.md`), second differences of the points over the root of 6. Footage
//! with less grain trembles less; there the fit is off by less than this noise.

use std::sync::LazyLock;

use crate::Mesh;
use crate::align::{STABLE_POINTS, canonical_point3};
use crate::mesh::MESH_POINTS;

/// Frames before and after that count at most.
pub const STEADY_REACH: usize = 8;
/// Frames before and after of the fits that are tried; one over less than five frames is no fit.
const REACHES: [usize; 5] = [2, 3, 4, 6, STEADY_REACH];

/// Deviation of a coordinate of the lids, in pixels: `NOISE[0] + NOISE[1] * eye distance`.
const NOISE: [f64; 2] = [0.035, 0.0006];
/// Noise of where the head is, against that of the lids.
const HEAD_NOISE: f64 = 1.1;
/// Fits may differ by this many deviations: head, face.
const AGREEMENT: [f64; 2] = [2.5, 2.0];

/// Parts of the face that move as one: a point in the middle of each, and the part's noise against the lids'.
const PARTS: [(usize, usize, f64); 13] = [
    (159, 0, 1.0), // right lids
    (386, 1, 1.0),
    (105, 2, 1.4), // right brow
    (334, 3, 1.4),
    (13, 4, 2.1), // lips
    (14, 4, 2.1),
    (4, 5, 1.3),   // nose
    (152, 6, 2.6), // chin
    (10, 7, 1.0),  // forehead
    (205, 8, 2.2), // right cheek
    (425, 9, 1.7),
    (234, 10, 1.9), // right edge
    (454, 11, 1.7),
];
/// Irises move on their own: first point and noise of each.
const IRISES: [(usize, f64); 2] = [(468, 1.3), (473, 1.3)];

/// Points of each part and its noise.
static POINTS: LazyLock<Vec<(Vec<usize>, f64)>> = LazyLock::new(|| {
    let mut parts = vec![(Vec::new(), 0.0); 12];
    let apart = |a: usize, b: usize| {
        let (a, b) = (canonical_point3(a), canonical_point3(b));
        (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
    };
    for point in 0..IRISES[0].0 {
        let nearest = PARTS.iter().min_by(|a, b| apart(point, a.0).total_cmp(&apart(point, b.0)));
        if let Some(&(_, part, noise)) = nearest {
            parts[part].0.push(point);
            parts[part].1 = noise;
        }
    }
    parts.extend(IRISES.map(|(first, noise)| ((first..first + 5).collect(), noise)));
    parts
});

/// A mesh of a track, and whether a person has placed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its frame.
    pub frame: usize,
    /// As it was found or placed.
    pub mesh: Mesh,
    /// Placed by a person: stays as it is.
    pub placed: bool,
}

/// The mesh of the frame at `place` in a part of a track, steadied by those up to [`STEADY_REACH`] frames before and
/// after it; frames beyond one in which the face is missing do not count. Depth stays as it was found.
///
/// # Panics
/// When there is no `place` in `track`.
#[must_use]
pub fn steadied(track: &[Seen], place: usize) -> Mesh {
    let here = &track[place];
    let linked = |n: &usize| {
        let (low, high) = (place.min(*n), place.max(*n));
        high - low == track[high].frame - track[low].frame
    };
    let before = (0..=place).rev().take(STEADY_REACH + 1).take_while(linked).count() - 1;
    let after = (place..track.len()).take(STEADY_REACH + 1).take_while(linked).count() - 1;
    let fits = Fit::all(before, after);
    let heads: Vec<Head> =
        track[place - before..=place + after].iter().filter_map(|seen| Head::of(&seen.mesh)).collect();
    if here.placed || fits.is_empty() || heads.len() != before + after + 1 {
        return here.mesh.clone();
    }
    let eyes_px = heads[before].turn[0].hypot(heads[before].turn[1]);
    let noise_px = NOISE[0] + NOISE[1] * eyes_px;

    let series = |values: &dyn Fn(&Head) -> [f64; 2]| heads.iter().map(values).collect::<Vec<_>>();
    let head = [series(&|head| head.middle), series(&|head| head.turn)];
    let head = agreed(&head, &fits, before, AGREEMENT[0] * HEAD_NOISE * noise_px);
    let (middle, turn) = (head[0], head[1]);
    let mut points = here.mesh.points().to_vec();
    for (part, noise) in POINTS.iter() {
        let face: Vec<Vec<[f64; 2]>> = part.iter().map(|&i| series(&|head| head.face[i])).collect();
        let limit = AGREEMENT[1] * noise * noise_px / eyes_px;
        for (&i, at) in part.iter().zip(agreed(&face, &fits, before, limit)) {
            let [x, y] = turned(turn, at);
            points[i][0] = (middle[0] + x) as f32;
            points[i][1] = (middle[1] + y) as f32;
        }
    }
    Mesh::try_from(points).unwrap_or_else(|_| here.mesh.clone())
}

/// A mesh taken apart. Pairs are complex numbers: `point = middle + turn * face`.
struct Head {
    middle: [f64; 2],
    /// Size (one eye distance of the canonical face, in pixels) and direction of the head.
    turn: [f64; 2],
    face: Vec<[f64; 2]>,
}

impl Head {
    /// `None` for a mesh that is no face.
    fn of(mesh: &Mesh) -> Option<Self> {
        let count = STABLE_POINTS.len() as f64;
        let mean = |points: &[[f64; 2]]| {
            let sum = points.iter().fold([0.0; 2], |sum, p| [sum[0] + p[0], sum[1] + p[1]]);
            sum.map(|v| v / count)
        };
        let canonical = STABLE_POINTS.map(|i| {
            let [x, y, _] = canonical_point3(i);
            [x, y]
        });
        let seen = STABLE_POINTS.map(|i| [mesh.point(i).x, mesh.point(i).y]);
        let (middle, origin) = (mean(&seen), mean(&canonical));
        let (mut turn, mut size) = ([0.0; 2], 0.0);
        for (seen, canonical) in seen.iter().zip(&canonical) {
            let (s, c) = (less(*seen, middle), less(*canonical, origin));
            // s times the conjugate of c
            turn = [turn[0] + s[0] * c[0] + s[1] * c[1], turn[1] + s[1] * c[0] - s[0] * c[1]];
            size += c[0] * c[0] + c[1] * c[1];
        }
        let turn = turn.map(|v| v / size);
        let square = turn[0] * turn[0] + turn[1] * turn[1];
        let face = (0..MESH_POINTS).map(|i| {
            let p = less([mesh.point(i).x, mesh.point(i).y], middle);
            [(p[0] * turn[0] + p[1] * turn[1]) / square, (p[1] * turn[0] - p[0] * turn[1]) / square]
        });
        (square > 1e-9).then(|| Self { middle, turn, face: face.collect() })
    }
}

fn less(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

fn turned(by: [f64; 2], p: [f64; 2]) -> [f64; 2] {
    [by[0] * p[0] - by[1] * p[1], by[0] * p[1] + by[1] * p[0]]
}

/// Weights of the frames from `first` on (counted from the first frame given), and how much noise they leave.
struct Fit {
    first: usize,
    weights: Vec<f64>,
    /// Variance left, which for such a fit is the weight of the frame itself.
    variance: f64,
}

impl Fit {
    /// The fits that so many frames before and after allow, the shortest first.
    fn all(before: usize, after: usize) -> Vec<Self> {
        let mut fits: Vec<Self> = Vec::new();
        for reach in REACHES {
            let (left, right) = (before.min(reach), after.min(reach));
            if left + right < 4 {
                continue;
            }
            let weights = parabola(left, right);
            let variance = weights[left];
            if fits.last().is_none_or(|last| last.weights.len() < weights.len()) {
                fits.push(Self { first: before - left, weights, variance });
            }
        }
        fits
    }

    fn of(&self, series: &[[f64; 2]]) -> [f64; 2] {
        let values = series[self.first..].iter().zip(&self.weights);
        values.fold([0.0; 2], |sum, (v, w)| [sum[0] + w * v[0], sum[1] + w * v[1]])
    }
}

/// Weights with which the values of some frames make the parabola through them (least squares), where it is now.
fn parabola(before: usize, after: usize) -> Vec<f64> {
    let times = || -(before as i32)..=after as i32;
    let power = |n: i32| times().map(|t| f64::from(t).powi(n)).sum::<f64>();
    let [s0, s1, s2, s3, s4] = [0, 1, 2, 3, 4].map(power);
    // first row of the inverse of [[s0 s1 s2] [s1 s2 s3] [s2 s3 s4]]
    let row = [s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2];
    let determinant = s0 * row[0] + s1 * row[1] + s2 * row[2];
    times().map(f64::from).map(|t| (row[0] + row[1] * t + row[2] * t * t) / determinant).collect()
}

/// Values at the frame `now` by the longest fit that agrees with all shorter ones: for each series, the mean square of
/// their difference stays below `limit` times what noise of deviation 1 would make it.
fn agreed(series: &[Vec<[f64; 2]>], fits: &[Fit], now: usize, limit: f64) -> Vec<[f64; 2]> {
    let mut tried: Vec<(Vec<[f64; 2]>, f64)> = vec![(series.iter().map(|values| values[now]).collect(), 1.0)];
    for fit in fits {
        let fitted: Vec<[f64; 2]> = series.iter().map(|values| fit.of(values)).collect();
        let agrees = tried.iter().all(|(shorter, variance)| {
            let apart = fitted.iter().zip(shorter).map(|(a, b)| less(*a, *b));
            let square = apart.map(|d| d[0] * d[0] + d[1] * d[1]).sum::<f64>() / (2 * fitted.len()) as f64;
            square < limit * limit * (variance - fit.variance).max(1e-3)
        });
        if !agrees {
            break;
        }
        tried.push((fitted, fit.variance));
    }
    tried.pop().map(|(values, _)| values).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of deviation `size` that depends on place alone (sum of twelve, Irwin and Hall).
    fn noise(frame: usize, point: usize, axis: usize, size: f64) -> f64 {
        let mut state = (frame * 7919 + point * 104_729 + axis * 1_299_709 + 1) as u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        for _ in 0..8 {
            next();
        }
        ((0..12).map(|_| next()).sum::<f64>() - 6.0) * size
    }

    fn head(frame: usize, trembling: f64, moved: impl Fn(usize) -> [f64; 2]) -> Seen {
        let points: Vec<[f32; 3]> = (0..MESH_POINTS)
            .map(|i| {
                let ([x, y, z], [dx, dy]) = (canonical_point3(i), moved(i));
                let n = |axis| noise(frame, i, axis, trembling);
                [
                    (x * 80.0 + 300.0 + dx + n(0)) as f32,
                    (y * 80.0 + 200.0 + dy + n(1)) as f32,
                    (z * 80.0) as f32,
                ]
            })
            .collect();
        Seen { frame, mesh: Mesh::try_from(points).unwrap(), placed: false }
    }

    fn unsteadiness(meshes: &[Mesh]) -> f64 {
        let bends = meshes.windows(3).flat_map(|three| {
            (0..MESH_POINTS).map(|i| {
                let bend = three[2].point(i) - three[1].point(i) * 2.0 + three[0].point(i);
                bend.x * bend.x + bend.y * bend.y
            })
        });
        bends.sum::<f64>().sqrt()
    }

    #[test]
    fn trembling_is_halved_while_a_head_moves_evenly() {
        let walk = |frame: usize| move |_| [3.0 * frame as f64, 0.05 * (frame * frame) as f64];
        let track: Vec<Seen> = (0..40).map(|frame| head(frame, 0.08, walk(frame))).collect();
        let raw: Vec<Mesh> = track.iter().map(|seen| seen.mesh.clone()).collect();
        let steady: Vec<Mesh> = (0..40).map(|place| steadied(&track, place)).collect();
        let ratio = unsteadiness(&steady) / unsteadiness(&raw);
        assert!(ratio < 0.35, "{ratio}");
        // no lag
        for (frame, mesh) in steady.iter().enumerate() {
            let at = mesh.point(4).x - canonical_point3(4)[0] * 80.0 - 300.0;
            assert!((at - 3.0 * frame as f64).abs() < 0.4, "{frame}: {at}");
        }
    }

    #[test]
    fn a_blink_of_three_frames_closes_all_the_way() {
        let upper = vec![246, 161, 160, 159, 158, 157, 173, 247, 30, 29, 27, 28, 56, 190];
        let lids = |frame: usize| {
            let closed = [0.0, 3.0, 8.0, 3.0][if (20..23).contains(&frame) { frame - 19 } else { 0 }];
            let upper = upper.clone();
            move |i: usize| if upper.contains(&i) { [0.0, closed] } else { [0.0; 2] }
        };
        let track: Vec<Seen> = (0..40).map(|frame| head(frame, 0.08, lids(frame))).collect();
        let moved = |place: usize| {
            upper
                .iter()
                .map(|&i| steadied(&track, place).point(i).y - steadied(&track, 5).point(i).y)
                .sum::<f64>()
                / upper.len() as f64
        };
        assert!((moved(21) - 8.0).abs() < 0.24, "{}", moved(21));
        assert!((moved(20) - 3.0).abs() < 0.24, "{}", moved(20));
    }

    #[test]
    fn a_jump_behind_a_gap_and_a_placed_face_stay() {
        let mut track: Vec<Seen> = (0..20)
            .map(|frame| {
                let seen = head(frame, 0.08, |_| [if frame < 10 { 0.0 } else { 90.0 }, 0.0]);
                Seen { frame: if frame < 10 { frame } else { frame + 3 }, ..seen }
            })
            .collect();
        for place in [8, 9, 10, 11] {
            let (steady, raw) = (steadied(&track, place), &track[place].mesh);
            assert!((steady.point(4).x - raw.point(4).x).abs() < 0.5, "{place}");
        }
        track[5].placed = true;
        assert_eq!(steadied(&track, 5), track[5].mesh);
        assert_eq!(steadied(&track[..1], 0), track[0].mesh);
    }

    #[test]
    fn parabolas_are_kept_by_every_fit() {
        for (before, after) in [(2, 2), (0, 8), (8, 1), (8, 8)] {
            let weights = parabola(before, after);
            let value = |t: f64| 3.0 - 2.0 * t + 0.5 * t * t;
            let sum: f64 = weights.iter().enumerate().map(|(n, w)| w * value(n as f64 - before as f64)).sum();
            assert!((sum - 3.0).abs() < 1e-9, "{before} {after}: {sum}");
        }
    }
}
