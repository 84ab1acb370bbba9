//! What a network does not draw: pores, stubble, the hairs of a brow. They come from the identity's own frames.
//!
//! What the network leaves out of a frame of the identity is the difference between that frame and its own drawing of it. Frames
//! that it was trained on it draws more finely than those of the footage, so first its drawing is made as soft as those are.
//! On the flattened face the same skin lies at the same place in every frame, so what was left out of frames whose
//! drawings look like a new one is missing there too. References are few and stay the same for a whole film, and they are
//! weighted by how alike the drawings are: the detail moves with the face and does not flicker. Each lies exactly where its
//! drawing has it, as meshes are a pixel or two off: means of what lies beside each other would be blurred.

use bifrons_media::{ResizeFilter, RgbImage};
use bifrons_project::{Face, Index, ProjectError, Review};
use bifrons_vision::align::{FlatMask, Registration};
use bifrons_vision::pose::{eye_openness, mouth_openness};
use bifrons_vision::{Mesh, averaged, halved};
use rayon::prelude::*;

use crate::SwapError;
use crate::crop::Crop;

/// Frames of the identity that are kept.
const REFERENCES: usize = 40;
/// Differences coarser than this many pixels of the patch are the network's business, not detail.
const COARSEST_PX: usize = 12;
/// How unlike two drawings may look at a place, in standard deviations of their lumas, to share its detail.
const ALIKE: f32 = 0.6;
/// By how much the mean square of that may be above that of the best reference for one to count.
const NEARLY_BEST: f32 = 0.02;
/// Share of the best reference's weight below which one does not count.
const LEAST_WEIGHT: f32 = 0.1;
/// Pixels on each side over which likeness is averaged.
const AROUND: usize = 3;
/// Pixels of a drawing on each side over which it is averaged, twice, to be softer.
const SOFT_PX: usize = 2;

/// The identity's detail.
#[derive(Debug)]
pub(crate) struct Details {
    references: Vec<Reference>,
    /// Where a flattened face is one, at the size that the network draws at.
    inside: FlatMask,
}

#[derive(Debug)]
struct Reference {
    /// Luma of the network's drawing, mean 0 and deviation 1 over the face.
    drawn: Vec<f32>,
    /// Mean luma that it had.
    light: f32,
    /// What the drawing lacks, `[size, size, 3]`.
    lacks: RgbImage,
    /// Where the face was seen, at the size that the network draws at.
    seen: Vec<f32>,
}

impl Details {
    /// Of the faces that `person` has in the project, for drawings of faces like `footage`; `draw` is the network: what it makes
    /// of a flattened face of `input_px` (where it was not seen, 0), `drawn_px` squared. Detail is kept at `size_px`.
    pub(crate) fn of_person(
        index: &Index,
        person: &str,
        footage: &[Face],
        sizes: Sizes,
        draw: impl Fn(&RgbImage, &[f32], Whose) -> Result<RgbImage, SwapError>,
    ) -> Result<Self, SwapError> {
        let Sizes { input_px, drawn_px, size_px } = sizes;
        let folders = index.crop_folders()?;
        let of_input = FlatMask::new(input_px, 1.0);
        let inside = FlatMask::new(drawn_px, 1.0);
        let drawing = |crop: &Crop, whose: Whose| {
            let (seen_by_net, mut shown) = crop.flattened(input_px);
            shown.iter_mut().zip(of_input.inside()).for_each(|(seen, inside)| *seen *= inside);
            draw(&seen_by_net, &shown, whose)
        };
        let drawings = |faces: &[Face], whose: Whose| -> Result<Vec<(Crop, RgbImage)>, SwapError> {
            let crops = faces.iter().filter_map(|face| Crop::of(face, &folders));
            crops.map(|crop| drawing(&crop, whose).map(|drawn| (crop, drawn))).collect()
        };
        let pictures =
            |all: &[(Crop, RgbImage)]| all.iter().map(|(_, drawn)| drawn.clone()).collect::<Vec<_>>();
        let (known, of_footage) =
            (drawings(&references(index, person)?, Whose::Drawn)?, drawings(footage, Whose::Filmed)?);
        let softness = softness(&pictures(&known), &pictures(&of_footage), inside.inside());
        let reference = |(crop, drawn): &(Crop, RgbImage)| {
            let (_, seen) = crop.flattened(drawn_px);
            Reference::new(&softer(drawn, softness), &crop.flattened(size_px), seen, &inside)
        };
        let references = known.iter().map(reference).collect::<Result<_, _>>()?;
        Ok(Self { references, inside })
    }

    /// Adds to `face` (as large as detail is kept) what references have that the network left out of `drawn`, of which it was
    /// made.
    pub(crate) fn add(&self, drawn: &RgbImage, face: &mut RgbImage) {
        let (look, light) = normalised(drawn, self.inside.inside());
        let unlikeness: Vec<(Vec<f32>, f32)> = self
            .references
            .iter()
            .map(|reference| {
                let squares: Vec<f32> =
                    look.iter().zip(&reference.drawn).map(|(a, b)| (a - b) * (a - b)).collect();
                let mean = weighted_mean(&squares, self.inside.inside());
                (squares, mean)
            })
            .collect();
        let best = unlikeness.iter().map(|(_, mean)| *mean).fold(f32::INFINITY, f32::min);
        let mut shares: Vec<(&Reference, Vec<f32>)> = Vec::new();
        let (mut total, mut alike_total) = (vec![0.0_f32; look.len()], vec![0.0_f32; look.len()]);
        for (reference, (squares, mean)) in self.references.iter().zip(&unlikeness) {
            let weight = (-(mean - best) / NEARLY_BEST).exp();
            if weight < LEAST_WEIGHT {
                continue;
            }
            let mut share = averaged(squares, drawn.width, AROUND);
            for (place, share) in share.iter_mut().enumerate() {
                let alike = (-0.5 * *share / (ALIKE * ALIKE)).exp();
                *share = weight * alike * reference.seen[place];
                total[place] += *share;
                alike_total[place] += *share * alike;
            }
            shares.push((reference, share));
        }
        for (reference, share) in &mut shares {
            let brighter = (light / reference.light.max(1e-3)).clamp(0.5, 2.0);
            for (place, share) in share.iter_mut().enumerate() {
                // the mean of those that count, as far as they are alike
                let total = total[place].max(1e-6);
                *share *= brighter * alike_total[place] / (total * total);
            }
        }
        let scale = Enlarged::new(drawn.width, face.width);
        let width = 3 * face.width;
        face.data.par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
            let (mut small, mut shares_of_row) = (vec![0.0; drawn.width], vec![0.0; width]);
            for (reference, share) in &shares {
                scale.row(share, y, &mut small, &mut shares_of_row);
                let lacks = &reference.lacks.data[y * width..][..width];
                for ((value, lacks), share) in row.iter_mut().zip(lacks).zip(&shares_of_row) {
                    *value += share * lacks;
                }
            }
        });
    }
}

/// Square planes scaled up, linear between pixels.
struct Enlarged {
    from_px: usize,
    /// For each pixel of a row, or each row: the one before it, and the share of the next.
    places: Vec<(usize, f32)>,
}

impl Enlarged {
    fn new(from_px: usize, to_px: usize) -> Self {
        let between = |at: usize| {
            let place =
                ((at as f32 + 0.5) * from_px as f32 / to_px as f32 - 0.5).clamp(0.0, (from_px - 1) as f32);
            let first = (place as usize).min(from_px.saturating_sub(2));
            (first, place - first as f32)
        };
        Self { from_px, places: (0..to_px).map(between).collect() }
    }

    /// Row `y`, each value three times, as pixels have three: `to` has three for each place; `small` is room for a row.
    fn row(&self, plane: &[f32], y: usize, small: &mut [f32], to: &mut [f32]) {
        let (above, share) = self.places[y];
        let row = |number: usize| &plane[number.min(self.from_px - 1) * self.from_px..][..self.from_px];
        for ((small, above), below) in small.iter_mut().zip(row(above)).zip(row(above + 1)) {
            *small = above * (1.0 - share) + below * share;
        }
        for (to, (left, share)) in to.as_chunks_mut::<3>().0.iter_mut().zip(&self.places) {
            *to = [small[*left] * (1.0 - share) + small[(left + 1).min(self.from_px - 1)] * share; 3];
        }
    }
}

/// Whose face a network sees.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    /// That of the person whom it draws.
    Drawn,
    /// That of the person whose face is replaced.
    Filmed,
}

/// Sides of pictures, in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// What the network sees.
    pub(crate) input_px: usize,
    /// What it draws.
    pub(crate) drawn_px: usize,
    /// What detail is added to.
    pub(crate) size_px: usize,
}

impl Reference {
    /// Of a drawing, and of the truth (its side divisible by 32) with where it was shown; `seen` is that at the drawing's size.
    fn new(
        drawn: &RgbImage,
        (truth, shown): &(RgbImage, Vec<f32>),
        seen: Vec<f32>,
        inside: &FlatMask,
    ) -> Result<Self, SwapError> {
        let half = truth.width / 2;
        let reference = drawn.resize(half, half, ResizeFilter::Lanczos)?.lumas();
        let [picture, weight] = [&truth.lumas(), shown].map(|plane| halved(plane, truth.width));
        let truth = Registration::between(&reference, &picture, &weight, half).apply(truth);
        let larger = drawn.resize(truth.width, truth.height, ResizeFilter::Lanczos)?;
        let mut lacks = truth.clone();
        for c in 0..3 {
            let missing = truth.data.iter().zip(&larger.data).skip(c).step_by(3);
            let plane: Vec<f32> =
                missing.zip(shown).map(|((truth, drawn), shown)| shown * (truth - drawn)).collect();
            // a box twice over is nearly a Gaussian
            let coarse = averaged(&averaged(&plane, truth.width, COARSEST_PX), truth.width, COARSEST_PX);
            for (p, (value, coarse)) in plane.iter().zip(coarse).enumerate() {
                lacks.data[3 * p + c] = value - coarse;
            }
        }
        let (drawn, light) = normalised(drawn, inside.inside());
        Ok(Self { drawn, light, lacks, seen })
    }
}

/// How soft `drawings` must become, 0 to 1, for their detail to be as strong as that of `others`.
fn softness(drawings: &[RgbImage], others: &[RgbImage], inside: &[f32]) -> f32 {
    let mean = |pictures: &[RgbImage], soft: f32| {
        let energies = pictures.iter().map(|picture| fine_energy(&softer(picture, soft), inside));
        energies.sum::<f32>() / pictures.len().max(1) as f32
    };
    let wanted = mean(others, 0.0);
    if drawings.is_empty() || others.is_empty() || mean(drawings, 0.0) <= wanted {
        return 0.0;
    }
    // energy falls as softness grows
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..8 {
        let middle = 0.5 * (low + high);
        if mean(drawings, middle) > wanted { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// A drawing, its finest detail weaker by a share of `softness`.
fn softer(drawn: &RgbImage, softness: f32) -> RgbImage {
    let mut soft = drawn.clone();
    for c in 0..3 {
        let plane: Vec<f32> = drawn.data.iter().skip(c).step_by(3).copied().collect();
        let coarse = averaged(&averaged(&plane, drawn.width, SOFT_PX), drawn.width, SOFT_PX);
        for (pixel, coarse) in soft.data.as_chunks_mut::<3>().0.iter_mut().zip(coarse) {
            pixel[c] += softness * (coarse - pixel[c]);
        }
    }
    soft
}

/// Mean of the squared Laplacian of a face's luma.
fn fine_energy(face: &RgbImage, inside: &[f32]) -> f32 {
    let (lumas, width) = (face.lumas(), face.width);
    let within = (width + 1..lumas.len() - width - 1).filter(|at| inside[*at] > 0.99);
    let squares = within.map(|at| {
        let around = lumas[at - 1] + lumas[at + 1] + lumas[at - width] + lumas[at + width];
        (around - 4.0 * lumas[at]).powi(2)
    });
    let (sum, count) = squares.fold((0.0, 0.0), |(sum, count), square| (sum + square, count + 1.0));
    sum / f32::max(count, 1.0)
}

/// Luma with mean 0 and deviation 1 over the face, and the mean that it had.
fn normalised(picture: &RgbImage, inside: &[f32]) -> (Vec<f32>, f32) {
    let mut lumas = picture.lumas();
    let mean = weighted_mean(&lumas, inside);
    lumas.iter_mut().for_each(|value| *value -= mean);
    let squares: Vec<f32> = lumas.iter().map(|value| value * value).collect();
    let deviation = weighted_mean(&squares, inside).sqrt().max(1e-3);
    lumas.iter_mut().for_each(|value| *value /= deviation);
    (lumas, mean)
}

fn weighted_mean(values: &[f32], weights: &[f32]) -> f32 {
    let total: f32 = weights.iter().sum();
    values.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f32>() / total.max(1e-6)
}

/// Faces of a person as different as possible in pose and expression, of the sharper half.
pub(crate) fn references(index: &Index, person: &str) -> Result<Vec<Face>, SwapError> {
    // a model that was imported may know people whom the project does not
    let mut with_crop = match index.faces_of(person, Review::NotRejected) {
        Err(ProjectError::UnknownPerson { .. }) => Vec::new(),
        faces => faces?,
    };
    with_crop.retain(|face| face.record.crop.is_some());
    with_crop.sort_by(|one, other| other.record.sharpness.total_cmp(&one.record.sharpness));
    with_crop.truncate(with_crop.len().div_ceil(2).max(REFERENCES));
    let looks: Vec<[f32; 4]> = with_crop
        .iter()
        .map(|face| {
            let mesh = Mesh::try_from(face.record.points.clone());
            let [mouth, eyes] = mesh.map_or([0.0; 2], |mesh| [mouth_openness(&mesh), eye_openness(&mesh)]);
            [face.record.yaw_deg, face.record.pitch_deg, mouth, eyes]
        })
        .collect();
    Ok(farthest(&looks, REFERENCES).into_iter().map(|place| with_crop[place].clone()).collect())
}

/// Up to `count` points, each the farthest from all before it, in units of the points' deviation on each axis; the first is
/// the one nearest to the middle (Gonzalez 1985).
fn farthest<const N: usize>(points: &[[f32; N]], count: usize) -> Vec<usize> {
    let share = 1.0 / points.len().max(1) as f32;
    let mean: [f32; N] = std::array::from_fn(|axis| points.iter().map(|p| p[axis]).sum::<f32>() * share);
    let deviation: [f32; N] = std::array::from_fn(|axis| {
        let squares = points.iter().map(|p| (p[axis] - mean[axis]).powi(2));
        (squares.sum::<f32>() * share).sqrt().max(1e-6)
    });
    let distance = |a: &[f32; N], b: &[f32; N]| -> f32 {
        (0..N).map(|axis| ((a[axis] - b[axis]) / deviation[axis]).powi(2)).sum()
    };
    let from_middle = |place: &usize| distance(&points[*place], &mean);
    let first = (0..points.len()).min_by(|a, b| from_middle(a).total_cmp(&from_middle(b)));
    let mut chosen: Vec<usize> = first.into_iter().collect();
    let mut nearest = vec![f32::INFINITY; points.len()];
    while let Some(&last) = chosen.last().filter(|_| chosen.len() < count) {
        for (nearest, point) in nearest.iter_mut().zip(points) {
            *nearest = nearest.min(distance(point, &points[last]));
        }
        let next = (0..points.len()).max_by(|a, b| nearest[*a].total_cmp(&nearest[*b]));
        match next.filter(|&next| nearest[next] > 0.0) {
            Some(next) => chosen.push(next),
            None => break,
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 64;

    /// A face with a gradient whose brightness and direction tell frames apart.
    fn drawing(tilt: f32) -> RgbImage {
        let mut face = RgbImage::new(SIZE, SIZE);
        for (place, pixel) in face.data.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = ((place % SIZE) as f32 / SIZE as f32, (place / SIZE) as f32 / SIZE as f32);
            *pixel = [0.3 + 0.3 * (tilt * x + (1.0 - tilt) * y); 3];
        }
        face
    }

    /// The same with every other pixel brighter by `size`.
    fn checkered(face: &RgbImage, size: f32) -> RgbImage {
        let mut face = face.clone();
        for (place, pixel) in face.data.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let sign = if (place % SIZE + place / SIZE).is_multiple_of(2) { size } else { -size };
            pixel.iter_mut().for_each(|value| *value += sign);
        }
        face
    }

    fn details(frames: &[(RgbImage, RgbImage)]) -> Details {
        let inside = FlatMask::new(SIZE, 1.0);
        let of = |(drawn, truth): &(RgbImage, RgbImage)| {
            let seen = vec![1.0; SIZE * SIZE];
            Reference::new(drawn, &(truth.clone(), seen.clone()), seen, &inside).unwrap()
        };
        Details { references: frames.iter().map(of).collect(), inside }
    }

    /// By how much a pixel off the diagonal, where all drawings are alike, becomes brighter than its neighbour, halved.
    fn added(details: &Details, drawn: &RgbImage) -> f32 {
        let mut face = drawn.clone();
        details.add(drawn, &mut face);
        let change = |x: usize| face.get(x, 20)[0] - drawn.get(x, 20)[0];
        (change(44) - change(45)) / 2.0
    }

    #[test]
    fn what_the_network_left_out_comes_back() {
        let details = details(&[(drawing(0.0), checkered(&drawing(0.0), 0.05))]);
        assert!((added(&details, &drawing(0.0)) - 0.05).abs() < 2e-3);
        // twice as bright a drawing gets twice the detail
        let mut brighter = drawing(0.0);
        brighter.data.iter_mut().for_each(|value| *value *= 1.5);
        assert!((added(&details, &brighter) - 0.075).abs() < 3e-3);
    }

    #[test]
    fn what_looks_otherwise_gets_no_detail_and_the_most_alike_counts() {
        let two = [(drawing(0.0), checkered(&drawing(0.0), 0.05)), (drawing(1.0), drawing(1.0))];
        let details = details(&two);
        assert!((added(&details, &drawing(0.0)) - 0.05).abs() < 2e-3);
        assert!(added(&details, &drawing(1.0)).abs() < 1e-3);
        assert!(added(&self::details(&two[..1]), &drawing(1.0)).abs() < 2e-3, "unlike the only one");
        assert_eq!(added(&self::details(&[]), &drawing(0.5)), 0.0);
    }

    #[test]
    fn drawings_become_as_soft_as_others() {
        let inside = FlatMask::new(SIZE, 1.0);
        let fine = checkered(&drawing(0.3), 0.05);
        let half = checkered(&drawing(0.3), 0.025);
        // what is averaged leaves a checkerboard hardly anything
        let (fine, half) = ([fine], [half]);
        let found = softness(&fine, &half, inside.inside());
        assert!((found - 0.5).abs() < 0.03, "{found}");
        assert_eq!(softness(&half, &fine, inside.inside()), 0.0);
        assert_eq!(softness(&fine, &[], inside.inside()), 0.0);
    }

    #[test]
    fn references_are_far_apart() {
        let points = [[0.0, 0.0], [0.1, 0.0], [5.0, 0.0], [5.0, 0.1], [0.0, 9.0], [2.0, 2.0]];
        let mut chosen = farthest(&points, 4);
        assert_eq!(chosen[0], 5, "the middle comes first");
        chosen.sort_unstable();
        assert!(chosen.contains(&4) && chosen.iter().any(|&place| place == 2 || place == 3), "{chosen:?}");
        assert_eq!(farthest(&[[1.0], [1.0]], 4).len(), 1);
        assert!(farthest::<2>(&[], 4).is_empty());
    }
}
