//! `bifrons shots`: how a face is put on.

use std::path::PathBuf;

use bifrons_swap::Settings;
use clap::Args;

use super::ProjectArgument;

#[derive(Debug, Args)]
pub(crate) struct ShotsArguments {
    /// The film: one of the project's clips.
    #[arg(long, value_name = "FILM")]
    pub(crate) of: PathBuf,
    /// Whose face is replaced, where the film was added for several people.
    #[arg(long, value_name = "NAME")]
    pub(crate) replacing: Option<String>,
    /// Shots to choose for, by their numbers.
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) shot: Vec<u32>,
    /// Choose for all shots.
    #[arg(long, conflicts_with = "shot")]
    pub(crate) all: bool,
    /// Begin with the defaults instead of what was chosen before.
    #[arg(long)]
    pub(crate) reset: bool,
    /// Size of the mask, of the face's own outline (0.5 to 1).
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    mask_size: Option<f32>,
    /// Width of the mask's soft edge, of the square around the face (0.01 to 0.25).
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    feather: Option<f32>,
    /// How far the face takes the footage's colours (0 to 1).
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    color_match: Option<f32>,
    /// How much of the identity's own detail is added (0 to 2).
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    detail: Option<f32>,
    /// How much of the missing grain is added (0 to 2).
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    grain: Option<f32>,
    /// Whether hands, glasses and what else is in front of the face stays there.
    #[arg(long, value_name = "BOOL")]
    keep_in_front: Option<bool>,
    /// Whether the face is left as filmed.
    #[arg(long, value_name = "BOOL")]
    skip: Option<bool>,
    #[command(flatten)]
    pub(crate) project: ProjectArgument,
}

impl ShotsArguments {
    /// `before` with what was typed.
    pub(crate) fn on(&self, before: Settings) -> Settings {
        let before = if self.reset { Settings::DEFAULT } else { before };
        Settings {
            skip: self.skip.unwrap_or(before.skip),
            mask_size: self.mask_size.unwrap_or(before.mask_size),
            feather: self.feather.unwrap_or(before.feather),
            color_match: self.color_match.unwrap_or(before.color_match),
            detail: self.detail.unwrap_or(before.detail),
            grain: self.grain.unwrap_or(before.grain),
            keep_in_front: self.keep_in_front.unwrap_or(before.keep_in_front),
        }
    }

    /// Whether anything is to be chosen.
    pub(crate) fn chooses(&self) -> bool {
        let numbers = [self.mask_size, self.feather, self.color_match, self.detail, self.grain];
        let ticks = [self.keep_in_front, self.skip];
        self.reset || numbers.iter().any(Option::is_some) || ticks.iter().any(Option::is_some)
    }
}
