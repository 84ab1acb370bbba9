//! Which old checkpoints are kept, and which make room.

use super::manifest::read_manifest;
use super::{Checkpoints, Manifest, check_size};
use crate::atomic;
use crate::error::Result;

/// Which checkpoints are kept: the best one (by its loss), the newest, and the first of each hour of training while there
/// is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many of the newest.
    pub newest: usize,
    /// Bytes that those of earlier hours may take together; the oldest go first.
    pub hourly_bytes: u64,
}

impl Default for Retention {
    /// Three, and 4 GiB.
    fn default() -> Self {
        Self { newest: 3, hourly_bytes: 4 << 30 }
    }
}

impl Checkpoints {
    /// Removes old checkpoints but those that `retention` keeps. Damaged ones neither count nor are removed. Returns the
    /// steps that were removed.
    ///
    /// # Errors
    /// [`ProjectError::Io`].
    pub fn prune(&self, retention: &Retention) -> Result<Vec<u64>> {
        // Manifest and sizes are enough to tell here, and cheap enough to do after every save.
        let mut whole = Vec::new();
        for step in self.steps()? {
            let dir = self.dir_of(step);
            if let Ok(manifest) = read_manifest(&dir)
                && manifest.files.iter().all(|(name, entry)| check_size(&dir.join(name), entry).is_ok())
            {
                whole.push(manifest);
            }
        }
        let best = whole
            .iter()
            .filter_map(|manifest| manifest.loss.map(|loss| (loss, manifest.step)))
            .min_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, step)| step);
        let hourly = first_of_each_hour(&whole, retention.hourly_bytes);
        let old = whole.len().saturating_sub(retention.newest);
        let mut removed = Vec::new();
        for Manifest { step, .. } in whole.drain(..old) {
            if Some(step) != best && !hourly.contains(&step) {
                atomic::remove_dir(&self.dir_of(step))?;
                removed.push(step);
            }
        }
        Ok(removed)
    }
}

/// The steps that were the first of an hour, from the second hour on; the newest of them, as many as there is room for.
fn first_of_each_hour(whole: &[Manifest], most_bytes: u64) -> Vec<u64> {
    let hour = |manifest: &Manifest| (manifest.trained_secs / 3600.0) as u64;
    let mut last = 0;
    let mut first: Vec<&Manifest> = whole.iter().collect();
    first.retain(|manifest| {
        let is_first = hour(manifest) > last;
        last = last.max(hour(manifest));
        is_first
    });
    let mut bytes = 0;
    let newest_first = first.iter().rev().take_while(|manifest| {
        bytes += manifest.files.values().map(|file| file.size_bytes).sum::<u64>();
        bytes <= most_bytes
    });
    newest_first.map(|manifest| manifest.step).collect()
}
