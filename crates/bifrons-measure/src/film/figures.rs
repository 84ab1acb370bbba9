//! Which figures a film has.

use serde::{Deserialize, Serialize};

/// Which value of a figure is best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ideal {
    /// The lower the better; 0 is perfect.
    Zero,
    /// The lower the better; there is no perfect value.
    Low,
    /// As much as the footage has: 1. More and less are both worse.
    One,
    /// The higher the better.
    High,
}

impl Ideal {
    /// How bad a value is: larger is worse. For ratios twice as much is as bad as half.
    #[must_use]
    pub fn badness(self, value: f64) -> f64 {
        match self {
            Self::Zero => value.abs(),
            Self::One => value.max(1e-6).ln().abs(),
            Self::Low => value,
            Self::High => -value,
        }
    }
}

/// How a film's figure comes from its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The mean of the frames' values.
    Mean,
    /// The sum of one value over the sum of another: steadier than a mean of ratios, whose denominators may be small.
    Ratio(&'static str, &'static str),
}

/// A figure that each frame has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FigureKind {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its title for people.
    pub title: &'static str,
    /// Unit, empty for a ratio or a cosine.
    pub unit: &'static str,
    /// Which value is best.
    pub ideal: Ideal,
    /// How the film's figure comes from the frames.
    pub over: Over,
    /// What it is, in a line.
    pub meaning: &'static str,
}

const fn kind(
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    ideal: Ideal,
    over: Over,
    meaning: &'static str,
) -> FigureKind {
    FigureKind { name, title, unit, ideal, over, meaning }
}

/// The figures of a frame, in the order in which reports show them.
pub const FIGURES: [FigureKind; 17] = [
    kind(
        "margin",
        "Likeness margin",
        "",
        Ideal::High,
        Over::Mean,
        "cosine to the identity less cosine to the person filmed (dlib-128); above 0 the face is rather the identity's",
    ),
    kind(
        "likeness_identity",
        "Likeness to the identity",
        "",
        Ideal::High,
        Over::Mean,
        "cosine of the result's face to the identity's mean (dlib-128)",
    ),
    kind(
        "likeness_footage",
        "Likeness to the person filmed",
        "",
        Ideal::Low,
        Over::Mean,
        "cosine of the result's face to the filmed person's mean (dlib-128): what has bled through",
    ),
    kind(
        "pose_error_deg",
        "Pose error",
        "°",
        Ideal::Zero,
        Over::Mean,
        "angle between the directions of the head in result and footage",
    ),
    kind(
        "expression_error",
        "Expression error",
        "",
        Ideal::Zero,
        Over::Mean,
        "mean absolute difference of 51 blendshape strengths (0 to 1)",
    ),
    kind(
        "mouth_error",
        "Mouth error",
        "eyes",
        Ideal::Zero,
        Over::Mean,
        "difference of the opening of the lips, in eye distances",
    ),
    kind(
        "lids_error",
        "Lids error",
        "eyes",
        Ideal::Zero,
        Over::Mean,
        "difference of the opening of the eyes, in eye distances",
    ),
    kind(
        "seam_gradient",
        "Seam: edge",
        "×",
        Ideal::One,
        Over::Mean,
        "gradient across the outline of the face, result over footage; above 1.3 an edge, below 0.7 smeared",
    ),
    kind(
        "seam_colour",
        "Seam: colour step",
        "ΔE00",
        Ideal::Zero,
        Over::Mean,
        "colour distance from inside to outside of the outline, added to the footage's own",
    ),
    kind(
        "sharpness",
        "Sharpness",
        "×",
        Ideal::One,
        Over::Ratio("laplacian_result", "laplacian_footage"),
        "squared Laplacian inside the face, result over footage",
    ),
    kind(
        "sharpness_inside_outside",
        "Sharpness inside to outside",
        "×",
        Ideal::One,
        Over::Mean,
        "root of the squared Laplacian inside over outside of the face, result over footage",
    ),
    kind(
        "noise",
        "Noise match",
        "×",
        Ideal::One,
        Over::Ratio("noise_result", "noise_footage"),
        "grain inside the face, result over footage; less than a tenth of a level of 8 bits is not told from none and counts as that",
    ),
    kind(
        "light",
        "Light",
        "",
        Ideal::High,
        Over::Mean,
        "correlation of the low-pass brightness inside the face",
    ),
    kind(
        "warp",
        "Unsteadiness",
        "×",
        Ideal::One,
        Over::Ratio("warp_result", "warp_footage"),
        "what changes beyond the footage's own motion (warp error), result over footage",
    ),
    kind(
        "jitter",
        "Landmark jitter",
        "×",
        Ideal::One,
        Over::Ratio("jitter_result", "jitter_footage"),
        "second difference of the inner 51 landmarks, result over footage",
    ),
    kind(
        "flicker",
        "Colour flicker",
        "Lab",
        Ideal::Zero,
        Over::Mean,
        "how far the added colour of a frame is from that of its neighbours",
    ),
    kind(
        "outside_db",
        "Outside the face",
        "dB",
        Ideal::High,
        Over::Mean,
        "PSNR of result against footage round the face, where nothing should have changed",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_half_is_as_bad_as_double() {
        let mut names: Vec<_> = FIGURES.iter().map(|figure| figure.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIGURES.len());
        assert!((Ideal::One.badness(0.5) - Ideal::One.badness(2.0)).abs() < 1e-12);
        assert!(Ideal::High.badness(0.1) > Ideal::High.badness(0.2));
        assert!(Ideal::Zero.badness(-3.0) > Ideal::Zero.badness(2.0));
    }
}
