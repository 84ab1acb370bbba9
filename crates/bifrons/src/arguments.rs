//! What can be typed.

mod consent;
mod faces;
mod measure;
mod shots;

use std::path::PathBuf;

use bifrons_swap::Shard;
use clap::{Args, Parser, Subcommand};

pub(crate) use consent::{BasisName, ConsentCommand, PurposeName};
pub(crate) use faces::{Chosen, FacesCommand};
pub(crate) use measure::{BenchCommand, MeasureCommand};
pub(crate) use shots::ShotsArguments;

/// One head, two faces: replaces a face in film, trained on your own footage.
#[derive(Debug, Parser)]
#[command(name = "bifrons", version, about, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done · 1 done with listed failures · 2 usage · 3 input unusable · \
4 environment (FFmpeg, disk, device) · 130 stopped, the same command goes on. `verify` has three more: 5 changed \
since it was signed · 6 only the invisible mark is left · 7 nothing says where it comes from.\n\n\
For faces whose owners agreed.")]
pub(crate) struct Arguments {
    /// Report progress and the result as JSON, one object a line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Put the face of one clip onto the person in another: everything in one go, can be stopped and resumed.
    Swap(SwapArguments),
    /// Make a project folder.
    New {
        /// The folder to make.
        project: PathBuf,
        /// Shape of the network: quick, film or original.
        #[arg(long, default_value = "film")]
        preset: String,
        /// Seed of everything random.
        #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
        seed: u64,
    },
    /// Tell a project whose face is in which clips.
    Add {
        /// Who it is.
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// Videos, images or folders of images.
        #[arg(required = true)]
        clips: Vec<PathBuf>,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Find, follow and cut out the faces in all clips of a project.
    Extract {
        /// Look for faces down to so many pixels high (12 or more) in clips that were not begun; usually those of
        /// 3 % of the frame's long side are found. Large frames are looked at in tiles, which takes longer.
        #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u16).range(12..=1000))]
        least_face: Option<u16>,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Review faces in the terminal: which are learned from, and whose they are.
    Faces {
        #[command(subcommand)]
        what: FacesCommand,
    },
    /// Review faces, and watch extraction and training, on a page in the browser.
    Studio {
        #[command(flatten)]
        project: ProjectArgument,
        /// Port of this machine to listen on; 0 for any that is free.
        #[arg(long, value_name = "N", default_value_t = 8765)]
        port: u16,
        /// Only print the link, do not open the browser.
        #[arg(long)]
        no_open: bool,
    },
    /// Train the project's model, or train it on.
    Train {
        #[command(flatten)]
        project: ProjectArgument,
        #[command(flatten)]
        limits: LimitArguments,
        /// A new model begins with the encoder of this project, which knows what faces do.
        #[arg(long, value_name = "DIR")]
        start_from: Option<PathBuf>,
        /// Train this person's decoder alone (somebody who joined): everything else stays as it is.
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
        /// Let an inspector, which learns to tell drawn faces from filmed ones, sharpen the decoders: for a model that is
        /// nearly finished.
        #[arg(long)]
        sharpen: bool,
        /// Say how much memory it takes, and do nothing else.
        #[arg(long)]
        dry_run: bool,
        /// Where to compute: cpu, or vulkan where the program was built with it.
        #[arg(long, default_value = "cpu")]
        device: String,
    },
    /// Say how a film looks to the inspectors of a sharpened model: 1 filmed, 0 drawn.
    Inspect {
        /// A film or picture with a face of one of the model's people, filmed or drawn.
        film: PathBuf,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// The trained model: what it is, as a file, how it came to be.
    Model {
        #[command(subcommand)]
        what: ModelCommand,
    },
    /// Put a trained face onto a film.
    Convert {
        /// Whose face to put on.
        #[arg(long, value_name = "NAME")]
        face: String,
        /// The film: one of the project's clips.
        #[arg(long, value_name = "FILM")]
        onto: PathBuf,
        /// Whose face is replaced, where the film was added for several people.
        #[arg(long, value_name = "NAME")]
        replacing: Option<String>,
        /// The finished film.
        #[arg(short, long, value_name = "OUT", required_unless_present_any = ["matte", "patches"])]
        output: Option<PathBuf>,
        /// A film that shows where the new face counts, white on black, for compositors.
        #[arg(long, value_name = "OUT", conflicts_with_all = ["shard", "veil"])]
        matte: Option<PathBuf>,
        /// A folder for each new face as a picture with its mask (PNG, 16 bits) and where it belongs (patches.json), for
        /// compositors.
        #[arg(long, value_name = "DIR", conflicts_with_all = ["shard", "veil"])]
        patches: Option<PathBuf>,
        #[command(flatten)]
        project: ProjectArgument,
        /// Make the I-th of N parts only, beside other processes or machines that share the folder; the same line without
        /// it then joins the film.
        #[arg(long, value_name = "I/N")]
        shard: Option<Shard>,
        /// Hide who was filmed: a frame in which the face cannot be replaced is covered, the finished film is checked, and
        /// nothing of the footage but picture and sound is kept.
        #[arg(long)]
        veil: bool,
        /// Lay the new face over hands, glasses and whatever else is in front of the old one, too.
        #[arg(long)]
        over_everything: bool,
        /// Where to compute: cpu, or vulkan where the program was built with it.
        #[arg(long, default_value = "cpu")]
        device: String,
    },
    /// Say, or choose, how the face is put on in the shots of a film. The studio's film page shows what that looks like.
    Shots(ShotsArguments),
    /// Draw a contact sheet: frames of the footage, the same frames of the result, the training preview.
    Sheet {
        /// The footage.
        #[arg(long)]
        footage: PathBuf,
        /// The finished film.
        #[arg(long)]
        result: PathBuf,
        /// The picture to write, .jpg or .png.
        #[arg(short, long)]
        output: PathBuf,
        /// Project whose newest training preview goes below.
        #[arg(long)]
        project: Option<PathBuf>,
    },
    /// Measure how fast this machine is; prints one line of JSON.
    Bench {
        #[command(subcommand)]
        what: BenchCommand,
    },
    /// Measure how good a swap is, and how well faces are found.
    Measure {
        #[command(subcommand)]
        what: MeasureCommand,
    },
    /// What the people in a project agreed to.
    Consent {
        #[command(subcommand)]
        what: ConsentCommand,
    },
    /// The keys with which finished films are signed.
    Seal {
        #[command(subcommand)]
        what: SealCommand,
    },
    /// Say where a film or picture comes from and whether it was changed since: Content Credentials of any program, and
    /// the invisible mark of Bifrons.
    Verify {
        /// A film or picture.
        file: PathBuf,
    },
    /// Check what Bifrons needs: FFmpeg, devices, disk, the built-in networks.
    Doctor,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Say what the project's checkpoints are, or what a file holds.
    Inspect {
        /// A file that `export` wrote, instead of the project.
        file: Option<PathBuf>,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Write the newest checkpoint's network to one file (safetensors).
    Export {
        /// The file to write, .safetensors.
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Make the model of a file that of a project without one.
    Import {
        /// A file that `export` wrote.
        file: PathBuf,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Make a film of the previews: how the faces came to be.
    Timelapse {
        /// The film to write, .mp4.
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
        #[command(flatten)]
        project: ProjectArgument,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SealCommand {
    /// Make the keys now (else the first film makes them), or take over a certificate of your own.
    Init {
        /// Your certificate for signing content, then the rest of its chain (PEM).
        #[arg(long, value_name = "PEM", requires = "key")]
        certificate: Option<PathBuf>,
        /// Its private key (PEM, PKCS#8); it is copied into the folder of the keys.
        #[arg(long, value_name = "PEM", requires = "certificate")]
        key: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SwapArguments {
    /// The identity: a video, an image or a folder of images of the face to put on.
    #[arg(long, value_name = "CLIP")]
    pub(crate) face: PathBuf,
    /// The footage: the film it goes onto.
    #[arg(long, value_name = "FILM")]
    pub(crate) onto: PathBuf,
    /// The finished film.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Project folder [default: OUT with the ending .bifrons].
    #[arg(long, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// Shape of the network: quick, film or original [default: that of the project, else film].
    #[arg(long)]
    pub(crate) preset: Option<String>,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// Where to compute: cpu, or vulkan where the program was built with it.
    #[arg(long, default_value = "cpu")]
    pub(crate) device: String,
}

/// When training ends: at whichever comes first.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct LimitArguments {
    /// Train for this long, earlier runs included [default without another limit: 8].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = positive)]
    pub(crate) minutes: Option<f64>,
    /// Train for this many iterations, earlier runs included.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) iterations: Option<u64>,
    /// Train until everybody's loss is at most this (0 the same image, 1 the opposite).
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = positive)]
    pub(crate) loss: Option<f64>,
    /// Train until faces that are never trained on have not been drawn better for a while.
    #[arg(long)]
    pub(crate) plateau: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProjectArgument {
    /// The project folder.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

fn positive(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err("must be above 0".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
