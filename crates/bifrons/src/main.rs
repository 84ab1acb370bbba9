//! The one binary: arguments in, progress and messages out. What is computed is computed by the crates below.

mod arguments;
mod commands;
mod failure;
mod memory;
mod progress;
mod sheet;

use std::process::ExitCode;
use std::sync::Arc;

use bifrons_project::Stop;
use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::arguments::Arguments;
use crate::commands::Context;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stop = Stop::new();
    for signal in [SIGINT, SIGTERM] {
        // the second time, at once: what is finished is safe at any moment
        let registered = signal_hook::flag::register_conditional_shutdown(signal, 130, stop.flag())
            .and_then(|_| signal_hook::flag::register(signal, stop.flag()));
        if let Err(error) = registered {
            progress::complain(&format!("Ctrl-C cannot be caught: {error}"));
        }
    }
    let reporter = progress::reporter(arguments.json);
    let context = Context { reporter: Arc::clone(&reporter), stop, json: arguments.json };
    reporter.report(&progress::started());
    let mut finished = commands::run(&arguments.command, &context);
    // for programs; people did not ask
    if arguments.json
        && let (Ok(finished), Some(peak)) = (&mut finished, memory::peak_mib())
    {
        finished.measured.insert("peak_memory_mib".to_owned(), peak);
    }
    let (event, code) = failure::conclude(finished, &progress::command_line());
    reporter.report(&event);
    ExitCode::from(code)
}
