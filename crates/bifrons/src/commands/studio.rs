//! `bifrons studio`: the page in the browser.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bifrons_project::Event;
use bifrons_studio::{Options, Studio};

use super::Context;
use crate::failure::Finished;

pub(super) fn run(dir: &Path, port: u16, no_open: bool, context: &Context) -> anyhow::Result<Finished> {
    let program = std::env::current_exe()?;
    let studio = Studio::open(&Options { project: dir.to_owned(), port, program })?;
    let link = studio.link();
    context.reporter.report(&Event::message(format!("the studio is open: {link}")));
    context.reporter.report(&Event::message("stop it with Ctrl-C; every decision is saved when made"));
    if !no_open {
        open_browser(&link);
    }
    studio.run(Arc::clone(&context.reporter), &context.stop)?;
    Ok(Finished::default())
}

/// Shows the link where there is a screen. Without one nothing happens: the link was printed.
fn open_browser(link: &str) {
    let (program, screen) = if cfg!(target_os = "macos") {
        ("open", true)
    } else {
        let screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
        ("xdg-open", screen)
    };
    if screen {
        let mut command = Command::new(program);
        // a desktop without the program is one more on which the printed link is used
        let _ = command.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    }
}
