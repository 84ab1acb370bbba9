//! Makes `src/canonical_face.tsv`: the mean face that crops are aligned to.
//!
//! ```text
//! cargo run --release -p bifrons-vision --example canonical_face -- PHOTO-FOLDER... > canonical_face.tsv
//! ```
//!
//! Every photograph under the folders (sorted, so that the result does not depend on the file
//! system) gives the mesh of its surest face, if that is large (eye distance 40 px or more) and
//! sure (presence 0.9 or more). The meshes are laid on one another by generalised Procrustes
//! analysis (Gower 1975) in space: each is shifted, scaled and turned onto the mean, the mean is
//! taken again, eight times. Faces turned by more than 30 degrees are left out, since the mesh only
//! guesses what it does not see. Pitch 0 is the mean pitch of the photographs, most of which look
//! into the camera; turning and tilting are taken out by making the mean symmetric.
//!
//! Columns: point, x, y, z, mirror (the point that takes its place when the picture is mirrored).
//! Unit: the distance between the outer eye corners. Origin: half way between them. x to the
//! person's left (the picture's right), y down, z away from the camera.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that a person runs by hand")]

use std::error::Error;
use std::path::{Path, PathBuf};

use bifrons_media::RgbImage;
use bifrons_vision::geometry::{Rotation, rotation_between};
use bifrons_vision::mesh::MESH_POINTS;
use bifrons_vision::mesh_points::{EYE_OUTER_LEFT, EYE_OUTER_RIGHT, FACE_POINTS};
use bifrons_vision::{DetectorOptions, Vision};

type Cloud = Vec<[f64; 3]>;

const LEAST_EYE_DISTANCE_PX: f64 = 40.0;
const LEAST_PRESENCE: f32 = 0.9;
const LARGEST_TURN_DEG: f64 = 30.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut photos = Vec::new();
    for folder in std::env::args().skip(1) {
        collect(Path::new(&folder), &mut photos)?;
    }
    photos.sort();
    let vision = Vision::load()?;
    let mut clouds = Vec::new();
    for photo in &photos {
        match cloud_of(&vision, photo) {
            Ok(Some(cloud)) => clouds.push(cloud),
            Ok(None) => {}
            Err(error) => eprintln!("{}: {error}", photo.display()),
        }
    }
    let (mean, used) = procrustes_mean(&clouds);
    eprintln!(
        "{} photographs, {} with a large face, {used} within {LARGEST_TURN_DEG} degrees",
        photos.len(),
        clouds.len(),
    );
    let mirror = mirror_points(&mean);
    let mean = symmetric(&mean, &mirror);
    println!("# Mean face of {used} photographs; made by examples/canonical_face.rs.");
    println!("# Unit: distance of the outer eye corners; origin half way between; x right, y down, z away.");
    println!("point\tx\ty\tz\tmirror");
    for (i, p) in mean.iter().enumerate() {
        println!("{i}\t{:.5}\t{:.5}\t{:.5}\t{}", p[0], p[1], p[2], mirror[i]);
    }
    Ok(())
}

fn collect(folder: &Path, photos: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, photos)?;
        } else if path.extension().is_some_and(|e| e == "jpg" || e == "png") {
            photos.push(path);
        }
    }
    Ok(())
}

/// The mesh of the surest face, its eyes half an eye distance left and right of the origin.
fn cloud_of(vision: &Vision, photo: &Path) -> Result<Option<Cloud>, Box<dyn Error>> {
    let image = RgbImage::decode(&std::fs::read(photo)?)?;
    let faces = vision.detect(&image, &DetectorOptions::default())?;
    let Some(face) = faces.first() else {
        return Ok(None);
    };
    let Some(fit) = vision.mesh(&image, face)? else {
        return Ok(None);
    };
    let eyes = fit.mesh.point(EYE_OUTER_LEFT).distance(fit.mesh.point(EYE_OUTER_RIGHT));
    if fit.presence < LEAST_PRESENCE || eyes < LEAST_EYE_DISTANCE_PX {
        return Ok(None);
    }
    let points: Cloud = (0..MESH_POINTS).map(|i| fit.mesh.point3(i)).collect();
    Ok(Some(level(&points)))
}

/// Shifted, scaled and turned in the plane so that the outer eye corners lie at (-0.5, 0), (0.5, 0).
fn level(points: &Cloud) -> Cloud {
    let (r, l) = (points[EYE_OUTER_RIGHT], points[EYE_OUTER_LEFT]);
    let middle = [0, 1, 2].map(|i| (r[i] + l[i]) / 2.0);
    let (dx, dy) = (l[0] - r[0], l[1] - r[1]);
    let square = dx * dx + dy * dy;
    let scale = 1.0 / square.sqrt();
    points
        .iter()
        .map(|p| {
            let (x, y) = (p[0] - middle[0], p[1] - middle[1]);
            [(dx * x + dy * y) / square, (dx * y - dy * x) / square, (p[2] - middle[2]) * scale]
        })
        .collect()
}

/// The mean of the clouds that are turned little, and how many those are.
fn procrustes_mean(clouds: &[Cloud]) -> (Cloud, usize) {
    let all: Vec<&Cloud> = clouds.iter().collect();
    let mut mean = level(&mean_of(&all.iter().map(|c| (*c).clone()).collect::<Vec<_>>()));
    let mut used = 0;
    for _ in 0..8 {
        let mut laid = Vec::new();
        for cloud in clouds {
            let Some(rotation) = rotation_between(cloud, &mean) else {
                continue;
            };
            if turn_deg(&rotation) <= LARGEST_TURN_DEG {
                laid.push(lay(cloud, &mean, &rotation));
            }
        }
        used = laid.len();
        mean = level(&mean_of(&laid));
    }
    (mean, used)
}

/// Angle of a rotation, in degrees.
fn turn_deg(rotation: &Rotation) -> f64 {
    let trace = (0..3).map(|i| rotation.rows[i][i]).sum::<f64>();
    ((trace - 1.0) / 2.0).clamp(-1.0, 1.0).acos().to_degrees()
}

/// A cloud shifted, turned and scaled onto the mean.
fn lay(cloud: &Cloud, mean: &Cloud, rotation: &Rotation) -> Cloud {
    let (from, to) = (centre(cloud), centre(mean));
    let turned: Cloud = cloud.iter().map(|p| rotation.apply([0, 1, 2].map(|i| p[i] - from[i]))).collect();
    let (mut along, mut spread) = (0.0, 0.0);
    for (p, q) in turned.iter().zip(mean) {
        for i in 0..3 {
            along += p[i] * (q[i] - to[i]);
            spread += p[i] * p[i];
        }
    }
    let scale = along / spread;
    turned.iter().map(|p| [0, 1, 2].map(|i| p[i] * scale + to[i])).collect()
}

fn centre(cloud: &Cloud) -> [f64; 3] {
    let sum = cloud.iter().fold([0.0; 3], |s, p| [0, 1, 2].map(|i| s[i] + p[i]));
    sum.map(|v| v / cloud.len() as f64)
}

fn mean_of(clouds: &[Cloud]) -> Cloud {
    (0..MESH_POINTS)
        .map(|i| {
            let sum = clouds.iter().fold([0.0; 3], |s, c| [0, 1, 2].map(|k| s[k] + c[i][k]));
            sum.map(|v| v / clouds.len() as f64)
        })
        .collect()
}

/// For each point the one that is its mirror image. The mirrored face is laid on the face by
/// iterated closest points (Besl and McKay 1992), since the mean of photographs is a little turned;
/// then pairs are taken the nearest first, and each point is taken once.
fn mirror_points(mean: &Cloud) -> Vec<usize> {
    let mut mirrored: Cloud = mean.iter().map(|p| [-p[0], p[1], p[2]]).collect();
    let mut mirror: Vec<usize> = (0..MESH_POINTS).collect();
    for _ in 0..30 {
        mirror = pair_up(mean, &mirrored);
        let partner: Cloud = mirror.iter().map(|&j| mean[j]).collect();
        if let Some(rotation) = rotation_between(&mirrored, &partner) {
            mirrored = lay(&mirrored, &partner, &rotation);
        }
    }
    let worst = (0..MESH_POINTS).map(|i| distance(mirrored[i], mean[mirror[i]])).fold(0.0, f64::max);
    eprintln!("largest distance between a mirrored point and its partner: {worst:.4}");
    mirror
}

fn pair_up(mean: &Cloud, mirrored: &Cloud) -> Vec<usize> {
    let mut pairs = Vec::new();
    for i in 0..MESH_POINTS {
        // The irises nearly coincide with lid points, so each kind is only matched with its own.
        let end = if i < FACE_POINTS { FACE_POINTS } else { MESH_POINTS };
        pairs.extend((i..end).map(|j| {
            let apart = distance(mirrored[i], mean[j]) + distance(mirrored[j], mean[i]);
            (apart, i, j)
        }));
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut mirror = vec![usize::MAX; MESH_POINTS];
    for (_, i, j) in pairs {
        if mirror[i] == usize::MAX && mirror[j] == usize::MAX {
            mirror[i] = j;
            mirror[j] = i;
        }
    }
    mirror
}

fn distance(p: [f64; 3], q: [f64; 3]) -> f64 {
    (0..3).map(|k| (p[k] - q[k]).powi(2)).sum::<f64>().sqrt()
}

/// The mean of the face and its mirror image.
fn symmetric(mean: &Cloud, mirror: &[usize]) -> Cloud {
    let both: Cloud = mean
        .iter()
        .zip(mirror)
        .map(|(p, &j)| {
            let q = mean[j];
            [(p[0] - q[0]) / 2.0, (p[1] + q[1]) / 2.0, (p[2] + q[2]) / 2.0]
        })
        .collect();
    level(&both)
}
