//! What all requests share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bifrons_extraction::review::Catalogue;
use bifrons_media::Clip;
use bifrons_project::{ClipId, Visit};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::error::Refusal;
use crate::footage::Footage;
use crate::jobs::Jobs;
use crate::pictures::Thumbnails;
use crate::session::Keys;
use crate::stills::Stills;

/// News kept for a listener that is slow; one that is slower asks for everything again.
const NEWS_KEPT: usize = 256;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) visit: Visit,
    pub(crate) port: u16,
    pub(crate) keys: Keys,
    pub(crate) jobs: Jobs,
    pub(crate) news: broadcast::Sender<Value>,
    pub(crate) thumbnails: Mutex<Thumbnails>,
    pub(crate) stills: Stills,
    pub(crate) footage: Footage,
    /// Clips that were looked into, since that takes a while.
    pub(crate) clips: Mutex<HashMap<ClipId, Arc<Clip>>>,
    /// Counts the changes of the index that were noticed.
    revision: AtomicU64,
    catalogue: Mutex<Option<(u64, Arc<Catalogue>)>>,
}

impl Shared {
    pub(crate) fn new(visit: Visit, port: u16, keys: Keys, jobs: Jobs) -> Self {
        Self {
            visit,
            port,
            keys,
            jobs,
            news: broadcast::Sender::new(NEWS_KEPT),
            thumbnails: Mutex::new(Thumbnails::default()),
            stills: Stills::default(),
            footage: Footage::default(),
            clips: Mutex::new(HashMap::new()),
            revision: AtomicU64::new(1),
            catalogue: Mutex::new(None),
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    /// Notes that the index has changed, and tells all pages.
    pub(crate) fn changed(&self) {
        let revision = self.revision.fetch_add(1, Ordering::SeqCst) + 1;
        self.tell(serde_json::json!({ "kind": "changed", "revision": revision }));
    }

    /// Tells all pages.
    pub(crate) fn tell(&self, news: Value) {
        // nobody may be listening
        let _ = self.news.send(news);
    }

    /// All faces as they are now. Takes a while after a change: not for the threads that answer.
    pub(crate) fn catalogue(&self) -> Result<Arc<Catalogue>, Refusal> {
        let mut kept = self.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        let revision = self.revision();
        if let Some((of, catalogue)) = &*kept
            && *of == revision
        {
            return Ok(Arc::clone(catalogue));
        }
        let catalogue = Arc::new(Catalogue::read(self.visit.index())?);
        *kept = Some((revision, Arc::clone(&catalogue)));
        Ok(catalogue)
    }
}

/// Runs what takes a while (disk, pictures) away from the threads that answer.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Refusal::broken(error)),
    }
}
