//! What changes, told to the page as it happens (server-sent events).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_core::Stream;
use serde_json::json;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::BroadcastStream;

use crate::state::Shared;

/// How often the index is looked at for changes of other processes.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// `GET /api/events`. The first two events say how everything stands, so a page that lost some misses nothing.
pub(crate) async fn events(
    State(shared): State<Arc<Shared>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = BroadcastStream::new(shared.news.subscribe());
    let now = [json!({ "kind": "changed", "revision": shared.revision() }), shared.jobs.told()];
    let all_again = move || json!({ "kind": "changed", "revision": shared.revision() });
    // a listener that was too slow hears that everything may have changed
    let news = news.map(move |news| news.unwrap_or_else(|_| all_again()));
    let stream = tokio_stream::iter(now).chain(news);
    Sse::new(stream.map(|news| Ok(Event::default().data(news.to_string())))).keep_alive(KeepAlive::default())
}

/// Notices what other processes write into the index; what we write ourselves is told where it is done.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let mut known = None;
    loop {
        let looking = Arc::clone(&shared);
        let seen = tokio::task::spawn_blocking(move || looking.visit.index().data_version().ok())
            .await
            .ok()
            .flatten();
        if seen.is_some() && known.is_some() && seen != known {
            shared.changed();
        }
        known = seen.or(known);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
