//! What `measure` and `bench` understand.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{LimitArguments, ProjectArgument};

#[derive(Debug, Subcommand)]
pub(crate) enum MeasureCommand {
    /// A finished film against its footage, frame by frame.
    Swap {
        /// The footage.
        #[arg(long, value_name = "IN")]
        footage: PathBuf,
        /// The finished film.
        #[arg(long, value_name = "OUT")]
        result: PathBuf,
        /// A clip, picture, folder of pictures or faceset of whose face was put on.
        #[arg(long, value_name = "CLIP")]
        identity: PathBuf,
        #[command(flatten)]
        reports: ReportArguments,
        /// Write a report to look at: one HTML file that needs nothing else.
        #[arg(long, value_name = "F")]
        html: Option<PathBuf>,
    },
    /// How well faces, their points and their pose are found on labelled photographs.
    Detect {
        /// Folder of photographs with labels (.pts, .mat, dlib's .xml), or of such folders.
        dir: PathBuf,
        /// Film that shows no face larger than 20 pixels; may be given several times.
        #[arg(long, value_name = "CLIP")]
        empty: Vec<PathBuf>,
        #[command(flatten)]
        reports: ReportArguments,
    },
    /// The whole pipeline on rendered heads whose perfect swap is known, next to four baselines.
    Truth {
        /// Folder of a rendered pair: NAME_truth.json and the films beside it.
        dir: PathBuf,
        /// Where to work; the project is kept there [default: a temporary folder].
        #[arg(long, value_name = "DIR")]
        work: Option<PathBuf>,
        /// Shape of the network: quick, film or original.
        #[arg(long, default_value = "film")]
        preset: String,
        #[command(flatten)]
        limits: LimitArguments,
        /// Seed of everything random.
        #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
        seed: u64,
        /// Where to compute: cpu, or vulkan where the program was built with it.
        #[arg(long, default_value = "cpu")]
        device: String,
        #[command(flatten)]
        reports: ReportArguments,
    },
    /// How fast this machine finds faces, trains and converts, at 540 and 1080 lines.
    Speed {
        /// A film with one face, which is scaled to both sizes.
        clip: PathBuf,
        /// Shape of the network: quick, film or original.
        #[arg(long, default_value = "film")]
        preset: String,
        /// How often everything is measured.
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
        rounds: u64,
        /// Another program, run by the shell after each of our rounds: it prints a line of JSON with some of our
        /// names, such as {"train_images_per_sec": 140}, and is compared round by round.
        #[arg(long, value_name = "COMMAND")]
        baseline: Option<String>,
        #[command(flatten)]
        reports: ReportArguments,
    },
    /// How much the landmarks of a project tremble as found and as films are made with them, and what is kept of
    /// blinks and open mouths.
    Landmarks {
        #[command(flatten)]
        project: ProjectArgument,
        #[command(flatten)]
        reports: ReportArguments,
    },
    /// How well people are told apart.
    Identity {
        /// Folder with a folder of photographs for each person.
        dir: PathBuf,
        #[command(flatten)]
        reports: ReportArguments,
    },
}

/// Where figures go.
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Write the figures as JSON.
    #[arg(long = "write", value_name = "F")]
    pub(crate) write: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Train on faces made up in memory, of two people.
    Train {
        /// Shape of the network: quick, film or original.
        #[arg(long, default_value = "quick")]
        preset: String,
        /// Iterations before measuring begins.
        #[arg(long, value_name = "N", default_value_t = 2)]
        warm: u64,
        /// Iterations to measure.
        #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..))]
        iterations: u64,
        /// Where to compute: cpu, or vulkan where the program was built with it.
        #[arg(long, default_value = "cpu")]
        device: String,
        /// Say what each operator takes (on the processor).
        #[arg(long)]
        profile: bool,
    },
    /// Draw faces made up in memory: encoder and decoder.
    Draw {
        /// Shape of the network: quick, film or original.
        #[arg(long, default_value = "quick")]
        preset: String,
        /// Faces drawn at once.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        batch: u16,
        /// Iterations to measure.
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
        iterations: u64,
        /// Where to compute: cpu, or vulkan where the program was built with it.
        #[arg(long, default_value = "cpu")]
        device: String,
    },
}
