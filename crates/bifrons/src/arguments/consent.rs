//! What `consent` understands.

use std::path::PathBuf;

use bifrons_project::Day;
use clap::{Subcommand, ValueEnum};

use super::ProjectArgument;

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// Write down what somebody agreed to; replaces what was written before, which stays in the log.
    Add {
        /// Who.
        #[arg(long = "of", value_name = "NAME")]
        name: String,
        /// Why the face may be used: self (yours), release (signed), synthetic, research (a published set).
        #[arg(long, value_enum, default_value_t = BasisName::Own)]
        basis: BasisName,
        /// The signed release; the file stays where it is, its hash is kept.
        #[arg(long, value_name = "FILE", required_if_eq("basis", "release"))]
        release: Option<PathBuf>,
        /// What for: identity (to be put onto others), footage (to be replaced) or both.
        #[arg(long = "for", value_enum, value_name = "USE", default_value_t = PurposeName::Both)]
        purpose: PurposeName,
        /// The last day on which it holds, such as 2027-12-31.
        #[arg(long, value_name = "DAY")]
        until: Option<Day>,
        /// In words: the film, the terms.
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Somebody no longer agrees: their face is refused from now on.
    Withdraw {
        /// Who.
        #[arg(long = "of", value_name = "NAME")]
        name: String,
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Show what everybody agreed to.
    List {
        #[command(flatten)]
        project: ProjectArgument,
    },
    /// Check that the log was only added to, that releases are as they were, and that nothing has ended.
    Check {
        #[command(flatten)]
        project: ProjectArgument,
    },
}

/// `--basis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BasisName {
    #[value(name = "self")]
    Own,
    Release,
    Synthetic,
    Research,
}

/// `--for`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PurposeName {
    Identity,
    Footage,
    Both,
}
