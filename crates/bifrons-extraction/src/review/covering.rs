//! How much of a face something else covers.
//!
//! A face is compared, spot by spot, with what the same person's face usually looks like when it is turned alike. A hand or
//! a microphone changes the colours of the spots it lies on; light that changes changes all, which is taken out. What
//! covers a face most of the time is usual and not noticed.

use bifrons_project::Appearance;

/// A spot is covered when its colour is off by this many usual deviations.
const DEVIATIONS: f32 = 3.0;
/// Least deviation of a spot's logarithm of colour: what shadows and mouths change.
const LEAST_DEVIATION: f32 = 0.08;
/// Width of a class of faces that are turned alike, in degrees of yaw.
const CLASS_DEG: f32 = 20.0;
/// A class of fewer faces than this says nothing by itself.
const LEAST_FACES: usize = 24;
/// Faces that are looked at to know what is usual.
const MOST_FACES: usize = 400;

/// Share of each face that is covered, 0 to 1, for the faces of one person with their yaw in degrees; `None` where
/// nothing is known of a face, or too little of the person.
pub(super) fn covered(faces: &[(f32, Option<&Appearance>)]) -> Vec<Option<f32>> {
    let looks: Vec<Option<Vec<f32>>> = faces.iter().map(|(_, seen)| seen.and_then(look)).collect();
    let class = |yaw: f32| (yaw / CLASS_DEG).round() as i32;
    let usual_of = |wanted: Option<i32>| {
        let own = faces.iter().zip(&looks).filter(|((yaw, _), _)| wanted.is_none_or(|w| class(*yaw) == w));
        let own: Vec<&Vec<f32>> = own.filter_map(|(_, look)| look.as_ref()).collect();
        (own.len() >= LEAST_FACES).then(|| Usual::of(&own))
    };
    let all = usual_of(None);
    let mut classes: std::collections::BTreeMap<i32, Option<Usual>> = std::collections::BTreeMap::new();
    faces
        .iter()
        .zip(&looks)
        .map(|((yaw, _), look)| {
            let number = class(*yaw);
            let usual = classes.entry(number).or_insert_with(|| usual_of(Some(number)));
            Some(usual.as_ref().or(all.as_ref())?.share(look.as_ref()?))
        })
        .collect()
}

/// Logarithms of a face's colours, without its light: the middle of each channel is 0.
fn look(seen: &Appearance) -> Option<Vec<f32>> {
    if seen.spots.is_empty() || !seen.spots.len().is_multiple_of(3) {
        return None;
    }
    let mut values: Vec<f32> = seen.spots.iter().map(|&v| (f32::from(v) + 8.0).ln()).collect();
    for channel in 0..3 {
        let middle = median(values.iter().skip(channel).step_by(3).copied().collect());
        values.iter_mut().skip(channel).step_by(3).for_each(|value| *value -= middle);
    }
    Some(values)
}

/// What a person's spots usually look like: middle and deviation of each.
struct Usual(Vec<(f32, f32)>);

impl Usual {
    fn of(looks: &[&Vec<f32>]) -> Self {
        let step = looks.len().div_ceil(MOST_FACES).max(1);
        let length = looks.iter().map(|look| look.len()).min().unwrap_or_default();
        Self(
            (0..length)
                .map(|i| {
                    let values = looks.iter().step_by(step).map(|look| look[i]).collect();
                    let (middle, half) = shortest_half(values);
                    // half of what is normally distributed lies within 0.67 deviations
                    (middle, (1.48 * half).max(LEAST_DEVIATION))
                })
                .collect(),
        )
    }

    fn share(&self, look: &[f32]) -> f32 {
        let off = |(value, (middle, deviation)): (&f32, &(f32, f32))| (value - middle).abs() / deviation;
        let spots = look.chunks_exact(3).zip(self.0.chunks_exact(3));
        let covered =
            spots.filter(|(here, usual)| here.iter().zip(*usual).map(off).any(|off| off > DEVIATIONS));
        covered.count() as f32 / (look.len() / 3).max(1) as f32
    }
}

/// Middle and half the width of the narrowest range that holds half of the values (Rousseeuw's shorth): what covers a
/// spot in nearly half of the frames does not widen it.
fn shortest_half(mut values: Vec<f32>) -> (f32, f32) {
    values.sort_by(f32::total_cmp);
    let ranges = values.windows(values.len() / 2 + 1).map(|range| (range[0], range[range.len() - 1]));
    let narrowest = ranges.min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)));
    narrowest.map_or((0.0, 0.0), |(low, high)| (f32::midpoint(low, high), (high - low) / 2.0))
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(gain: f32, hand: std::ops::Range<usize>, frame: usize) -> Appearance {
        let spot = |i: usize| {
            let skin = [150.0, 110.0, 90.0].map(|v| v + (i % 7) as f32 * 6.0 + ((i + frame) % 3) as f32);
            let seen = if hand.contains(&i) { [60.0, 60.0, 65.0] } else { skin };
            seen.map(|v| (v * gain) as u8)
        };
        Appearance { spots: (0..48).flat_map(spot).collect(), ..Appearance::default() }
    }

    #[test]
    fn a_hand_covers_its_spots_and_darkness_none() {
        let faces: Vec<Appearance> = (0..60)
            .map(|n| match n {
                20..30 => face(1.0, 0..12, n),
                40..50 => face(0.5, 0..0, n),
                _ => face(1.0, 0..0, n),
            })
            .collect();
        let known: Vec<_> = faces.iter().map(|face| (3.0, Some(face))).collect();
        let shares = covered(&known);
        assert!((shares[25].unwrap() - 0.25).abs() < 0.03, "{:?}", shares[25]);
        assert!(shares[45].unwrap() < 0.03, "{:?}", shares[45]);
        assert!(shares[5].unwrap() < 0.03, "{:?}", shares[5]);
    }

    #[test]
    fn of_too_few_faces_nothing_is_said() {
        let one = face(1.0, 0..0, 0);
        assert_eq!(covered(&[(0.0, Some(&one)), (0.0, None)]), [None, None]);
    }
}
