//! `bifrons seal`: the keys, and where they lie.

use std::path::{Path, PathBuf};

use bifrons_project::Event;
use bifrons_seal::Keys;

use super::Context;
use crate::failure::Finished;

pub(super) fn init(own: Option<(&Path, &Path)>, context: &Context) -> anyhow::Result<Finished> {
    let folder = keys_folder()?;
    let keys = match own {
        Some((certificate, key)) => Keys::adopt(&folder, certificate, key)?,
        None => Keys::make(&folder)?,
    };
    let text = match own {
        Some(_) => "films are signed with your certificate from now on",
        None => {
            "films are signed by this computer from now on: others can tell that two films come from the same place, not \
             from whom; for a name, give a certificate for signing content with --certificate and --key"
        }
    };
    context.reporter.report(&Event::message(text));
    Ok(Finished { outputs: vec![keys.folder().to_owned()], ..Finished::default() })
}

/// The keys of this user, made now if there are none.
pub(super) fn keys() -> anyhow::Result<Keys> {
    Ok(Keys::open_or_make(&keys_folder()?)?)
}

/// Where this user's keys lie: in the folder for settings, as each system has it.
pub(super) fn keys_folder() -> anyhow::Result<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let settings = if cfg!(windows) {
        from("APPDATA")
    } else {
        // the rule of the XDG folders: what is not absolute does not count
        let chosen = from("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        chosen.or_else(|| from("HOME").map(|home| home.join(".config")))
    };
    let settings = settings.ok_or_else(|| {
        anyhow::anyhow!("neither XDG_CONFIG_HOME nor HOME is set: there is no place for keys")
    })?;
    Ok(settings.join("bifrons").join("seal"))
}
