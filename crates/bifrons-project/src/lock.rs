//! One process at a time: an operating system lock on `bifrons.lock`.
//!
//! The operating system gives the lock back when its holder ends in any way, so a kill leaves
//! nothing to clean up. The file's content, the holder's process id, is only for messages.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::{ProjectError, Result};

/// Held as long as it lives.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock at `path` for the project in `project`, or says who has it. Does not wait.
    pub(crate) fn take(path: &Path, project: &Path) -> Result<Self> {
        let mut lock = Self::attempt(path, project, File::try_lock)?;
        // Written in place, not through `atomic`: a rename would put another file under the name
        // than the one that is locked. Half an id after a crash does no harm.
        let file = &mut lock.file;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|source| ProjectError::io("write", path, source))?;
        Ok(lock)
    }

    /// As [`take`](Self::take), beside others that share it.
    pub(crate) fn share(path: &Path, project: &Path) -> Result<Self> {
        Self::attempt(path, project, File::try_lock_shared)
    }

    fn attempt(
        path: &Path,
        project: &Path,
        lock: impl FnOnce(&File) -> std::result::Result<(), TryLockError>,
    ) -> Result<Self> {
        let io = |action| move |source| ProjectError::io(action, path, source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io("open"))?;
        match lock(&file) {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Windows does not let others read a locked file; then the id stays unknown.
                let pid = (&mut file)
                    .take(20)
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_| text.trim().parse().ok());
                Err(ProjectError::Locked { path: project.to_owned(), pid })
            }
            Err(TryLockError::Error(source)) => Err(io("lock")(source)),
        }
    }
}
