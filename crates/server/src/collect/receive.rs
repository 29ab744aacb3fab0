//! One request with events: from its body to the log's acknowledgement.
//!
//! Always holds: the key in a header is checked before the body is looked at; large bodies are decoded on a blocking thread; rejects
//! are stored after the good events are safe, and failing to store them fails nothing else.

use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::http::HeaderMap;
use bytes::Bytes;
use rapport_domain::{Event, Id, Timestamp};
use rapport_intake::{Body, Call, Decoded, Origin, Reject, inflate};
use rapport_privacy::told;
use rapport_store::Priority;

use super::answer::{Accepted, Refused};
use super::keys;
use crate::app::App;
use crate::http::body::read;
use crate::http::headers::privacy_signal;
use crate::metrics;
use crate::problem::Problem;
use crate::records::rejects::{self, NewReject};
use crate::records::sources;

/// Bodies up to this size are decoded where they are; decoding them takes less than handing them over is worth.
const INLINE_BYTES: usize = 4 << 10;
/// Rejects of one request that are stored; the others are only counted.
const STORED_REJECTS: usize = 100;

/// Takes in a body of `call`.
pub async fn body(
    app: &App,
    call: Call,
    headers: &HeaderMap,
    query_key: Option<String>,
    body: HttpBody,
) -> Result<Accepted, Refused> {
    let known = match keys::of_header(headers).or(query_key) {
        Some(key) => Some(keys::origin(app, &key).await?),
        None => None,
    };
    let deadline = Duration::from_secs(app.settings.limits.body_seconds);
    let bytes = read(body, app.intake_limits.body_bytes, deadline).await?;
    take_in(app, call, known, bytes, privacy_signal(headers)).await
}

/// Takes in bytes of `call`; `known` is the source when the request's head named the key, `signal` says that the browser asks not to sell or share
/// what it tells.
pub async fn take_in(
    app: &App,
    call: Call,
    known: Option<Origin>,
    bytes: Bytes,
    signal: bool,
) -> Result<Accepted, Refused> {
    let origin = match known {
        Some(origin) => origin,
        None => {
            let work = app.clone();
            let sent = bytes.clone();
            let key = off_thread(bytes.len(), move || write_key(&work, call, &sent)).await??;
            keys::origin(app, &key.ok_or_else(keys::missing)?).await?
        }
    };
    let received_at = app.now();
    let work = app.clone();
    let decoded = off_thread(bytes.len(), move || decode(&work, call, origin, received_at, &bytes)).await??;
    let Decoded { mut events, rejects, warnings } = decoded;
    for event in events.iter_mut().filter(|_| signal) {
        event.context.insert(told::SIGNAL.to_owned(), true.into());
    }
    let duplicates = append(app, &events).await?;
    metrics::intake(events.len() - duplicates, duplicates, rejects.len());
    if !rejects.is_empty() {
        keep(app, origin, received_at, &rejects).await;
        if events.is_empty() {
            return Err(Refused::all(rejects));
        }
    }
    Ok(Accepted::except(rejects, warnings))
}

/// Waits until the events are on the disk; how many the log had already.
async fn append(app: &App, events: &[Event]) -> Result<usize, Problem> {
    if events.is_empty() {
        return Ok(0);
    }
    Ok(app.installation.log.append(events).await?.duplicates.len())
}

fn write_key(app: &App, call: Call, bytes: &[u8]) -> Result<Option<String>, Problem> {
    let text = inflate(bytes, &app.intake_limits)?;
    let body = Body::parse(&text, call, &app.intake_limits)?;
    Ok(body.write_key().map(str::to_owned))
}

fn decode(app: &App, call: Call, origin: Origin, at: Timestamp, bytes: &[u8]) -> Result<Decoded, Problem> {
    let text = inflate(bytes, &app.intake_limits)?;
    let body = Body::parse(&text, call, &app.intake_limits)?;
    Ok(body.decode(origin, at, app.rng()))
}

/// Runs `work` where it does not hold up other requests: here when it is short.
async fn off_thread<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    // Compressed bytes become many more; anything not plainly small goes to a thread.
    if bytes <= INLINE_BYTES {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}

/// Stores what was wrong, for whoever looks after the source.
async fn keep(app: &App, origin: Origin, received_at: Timestamp, found: &[Reject]) {
    let rows: Vec<NewReject> = found
        .iter()
        .take(STORED_REJECTS)
        .map(|reject| NewReject {
            id: Id::new("rej", &*app.installation.clock, app.rng()),
            code: reject.code.as_str(),
            message: reject.message.clone(),
            location: reject.location.clone(),
            excerpt: reject.excerpt.clone(),
        })
        .collect();
    let stored = async {
        let mut tx = app.installation.store.begin(Priority::Background).await?;
        rejects::insert(&mut tx, origin.workspace, origin.source, received_at, &rows).await?;
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        sources::add_rejects(&mut tx, origin.workspace, origin.source, count).await?;
        tx.commit().await
    };
    if let Err(error) = stored.await {
        tracing::warn!(code = error.code(), "rejects could not be stored");
    }
}
