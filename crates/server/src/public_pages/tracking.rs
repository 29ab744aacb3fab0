//! The links and the picture in messages that count: a link leads on to where it was made to lead, the picture is one transparent point; and a mail
//! as a page.
//!
//! Always holds: a look changes nothing for the customer, whoever looks; a link leads nowhere but to the address that was sealed into it; when counting
//! fails, it leads on all the same.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rapport_domain::{Handle, WorkspaceId};
use rapport_engagement::records::messages::{self, ClickRow, UNJUDGED};
use rapport_engagement::tracking::{Asked, Tracked, Tracker, signs};
use rapport_privacy::records::secrets;
use rapport_privacy::sealing::Sealer;
use rapport_profiles::records::identifiers;
use rapport_store::Priority;
use rapport_store::outbox::Event;
use serde_json::json;

use crate::app::App;
use crate::problem::{Problem, Result};
use crate::slots::{self, counting};

/// A GIF of one transparent point.
const POINT: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// Leads on, and counts.
pub async fn click(
    State(app): State<App>,
    method: Method,
    headers: HeaderMap,
    Path(text): Path<String>,
) -> Result<Response> {
    let Some((workspace, tracked)) = opened(&app, &text).await? else { return Err(Problem::not_found("link")) };
    let Ok(location) = HeaderValue::from_str(&tracked.target) else { return Err(Problem::not_found("link")) };
    if !tracked.target.starts_with("http://") && !tracked.target.starts_with("https://") {
        return Err(Problem::not_found("link"));
    }
    count(&app, workspace, &tracked, "click", &method, &headers).await;
    let answer = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::FOUND, answer).into_response())
}

/// Shows the point, and counts.
pub async fn open(
    State(app): State<App>,
    method: Method,
    headers: HeaderMap,
    Path(text): Path<String>,
) -> Result<Response> {
    if let Some((workspace, tracked)) = opened(&app, &text).await? {
        count(&app, workspace, &tracked, "open", &method, &headers).await;
    }
    let answer = [(header::CONTENT_TYPE, "image/gif"), (header::CACHE_CONTROL, "no-store")];
    Ok((answer, POINT).into_response())
}

/// What a mail may do as a page: show pictures and its own styles, and nothing else.
const MAIL_POLICY: &str = "default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// Shows a mail as a page.
pub async fn page(State(app): State<App>, Path(text): Path<String>) -> Result<Response> {
    let missing = || Problem::not_found("message");
    let (workspace, tracked) = opened(&app, &text).await?.ok_or_else(missing)?;
    let row = messages::find(&mut app.installation.store.read(), workspace, &tracked.message).await?;
    let html = app.sender.page(workspace, &row.ok_or_else(missing)?).await?.ok_or_else(missing)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(MAIL_POLICY)),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    ];
    Ok((headers, html).into_response())
}

async fn opened(app: &App, text: &str) -> Result<Option<(WorkspaceId, Tracked)>> {
    let Some(workspace) = Sealer::workspace_of(text) else { return Ok(None) };
    let Some(secret) = secrets::find(&mut app.installation.store.read(), workspace).await? else { return Ok(None) };
    Ok(Tracker::new(workspace, &secret).open(text).map(|tracked| (workspace, tracked)))
}

async fn count(app: &App, workspace: WorkspaceId, tracked: &Tracked, kind: &str, method: &Method, headers: &HeaderMap) {
    if let Err(error) = try_to_count(app, workspace, tracked, kind, method, headers).await {
        tracing::warn!(code = error.code(), "a look at a message could not be counted");
    }
}

/// A click in a slot. Nobody was sent it, so nothing but the look itself speaks for a machine, and it is judged at once.
async fn clicked_in_slot(
    app: &App,
    workspace: WorkspaceId,
    name: &str,
    tracked: &Tracked,
) -> rapport_store::Result<()> {
    let Some(place) = slot_place(name) else { return Ok(()) };
    let store = &app.installation.store;
    let found = identifiers::by_handles(&mut store.read(), workspace, &[Handle(place.handle)]).await?;
    let Some(person) = found.first().map(|row| row.person) else { return Ok(()) };
    let slot = place.slot;
    let payload = json!({"slot": slot, "subject": slots::holdout_of(slot), "link": tracked.link});
    let mut tx = store.begin(Priority::Background).await?;
    tx.emit(Event::new(workspace, slots::CLICKED, payload).about(person));
    if let Some((version, variant)) = place.variant {
        let click = counting::click(slot, version, variant, app.now());
        rapport_engagement::records::slots::count(&mut tx, workspace, &[click]).await?;
    }
    tx.commit().await
}

/// What a link in a slot says of where it stood, and for whom.
struct SlotPlace<'a> {
    slot: &'a str,
    /// Version and place; links from before they were counted by variant do not say them.
    variant: Option<(i64, i64)>,
    handle: i64,
}

fn slot_place(name: &str) -> Option<SlotPlace<'_>> {
    let parts: Vec<&str> = name.split(':').collect();
    match parts.as_slice() {
        [slot, handle] => Some(SlotPlace { slot, variant: None, handle: handle.parse().ok()? }),
        [slot, version, variant, handle] => {
            let variant = Some((version.parse().ok()?, variant.parse().ok()?));
            Some(SlotPlace { slot, variant, handle: handle.parse().ok()? })
        }
        _ => None,
    }
}

async fn try_to_count(
    app: &App,
    workspace: WorkspaceId,
    tracked: &Tracked,
    kind: &str,
    method: &Method,
    headers: &HeaderMap,
) -> rapport_store::Result<()> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_ahead = ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| !text(name).is_empty());
    let asked = Asked {
        agent: text("user-agent"),
        accept: text("accept"),
        language: text("accept-language"),
        is_head: *method == Method::HEAD,
        is_ahead,
    };
    if let Some(name) = tracked.message.strip_prefix(slots::CLICKED_IN) {
        return if signs(&asked).is_empty() { clicked_in_slot(app, workspace, name, tracked).await } else { Ok(()) };
    }
    let store = &app.installation.store;
    // Of a message that was erased nothing is counted.
    let Some(message) = messages::find(&mut store.read(), workspace, &tracked.message).await? else { return Ok(()) };
    let row = ClickRow {
        message: message.id,
        kind: kind.to_owned(),
        link: i64::from(tracked.link),
        at: app.now(),
        person: message.person,
        bot_score: UNJUDGED,
        signs: signs(&asked).join(" "),
    };
    let mut tx = store.begin(Priority::Background).await?;
    messages::insert_click(&mut tx, workspace, &row).await?;
    tx.commit().await
}
