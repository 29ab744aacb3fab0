//! What providers tell us: of text messages what became of them and what people wrote back; of mails, see [`mail`].
//!
//! Always holds: nothing is believed without the provider's signature; the same said twice counts once; a STOP withdraws consent for its channel, a
//! START grants nothing, because a word on a telephone is no proof of what somebody agreed to.
//!
//! Does not do: keep or answer what people write; only when they last wrote by WhatsApp is noted.

pub mod mail;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use rapport_channels::callback::Callback;
use rapport_channels::text_messages::{Provider, Report, State as Progress, Wish};
use rapport_channels::{Error, Refusal, RefusalKind};
use rapport_domain::{Channel, WorkspaceId};
use rapport_engagement::records::messages::{self, Heard};
use rapport_engagement::records::numbers;
use rapport_privacy::told;
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_store::Priority;
use serde_json::{Map, Value};

use crate::app::App;
use crate::http::body::read;
use crate::http::form::parameter;
use crate::http::route::handler;
use crate::own_events;
use crate::problem::{Problem, Result};
use crate::sending::outcomes;

/// Where providers of text messages report.
pub const TEXT_MESSAGES: &str = "/callbacks/text-messages";
/// As much of a request as is read, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// The routes of this module.
pub fn router() -> Router<App> {
    Router::new()
        .route(TEXT_MESSAGES, post(handler(text_messages)))
        .route("/callbacks/mail/{carrier}", post(handler(mail::report)))
}

/// `POST /callbacks/text-messages`.
async fn text_messages(State(app): State<App>, uri: Uri, headers: HeaderMap, body: Body) -> Result<Response> {
    let ways = std::sync::Arc::clone(&app.sender.ways);
    let Some(provider) = ways.reporter() else { return Err(Problem::not_found("provider")) };
    let deadline = Duration::from_secs(app.settings.limits.body_seconds);
    let body = read(body, MOST_BYTES, deadline).await?;
    let url = format!("{}{}", app.public_url(None), uri.path_and_query().map_or("", |path| path.as_str()));
    let headers = headers_of(&headers);
    let callback = Callback { url: &url, headers: &headers, body: &body };
    let reports = provider.reports(callback, app.now()).map_err(refused)?;
    let is_twilio = matches!(provider, Provider::Twilio(_));
    // Twilio signs the address, and with it the name that we wrote there.
    let named = uri.query().and_then(|query| parameter(query, "message")).filter(|_| is_twilio);
    for report in reports {
        take(&app, report, named.as_deref()).await.map_err(Problem::internal)?;
    }
    // An empty answer in Twilio's own language: nothing is said back.
    Ok(if is_twilio {
        ([(header::CONTENT_TYPE, "text/xml")], "<Response/>").into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    })
}

fn headers_of(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &axum::http::HeaderValue| value.to_str().ok().map(str::to_owned);
    headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
}

fn refused(error: Error) -> Problem {
    match error {
        Error::Signature => Problem::forbidden(
            "signature_invalid",
            "The signature is wrong.",
            "Check the token or secret, the clock, and that public_url is the address that the provider was told.",
        ),
        other => Problem::bad_request("callback_unreadable", other.to_string()),
    }
}

async fn take(app: &App, report: Report, named: Option<&str>) -> anyhow::Result<()> {
    match report {
        Report::Status { id, state, refusal } => {
            let Some((workspace, message)) = find(app, &id, named).await? else { return Ok(()) };
            status(app, workspace, &message, state, refusal).await
        }
        Report::Inbound { id, channel, from, wish, .. } => {
            let word = match wish {
                Some(Wish::Stop) => "stop",
                Some(Wish::Start) => "start",
                Some(Wish::Help) => "help",
                None => "none",
            };
            metrics::counter!("rapport_texts_received_total", "wish" => word).increment(1);
            if channel == Channel::Whatsapp {
                heard(app, &from).await?;
            }
            if wish == Some(Wish::Stop) { stop(app, &id, channel, &from).await } else { Ok(()) }
        }
    }
}

/// Somebody wrote by WhatsApp: for 24 hours it takes any text to them.
async fn heard(app: &App, from: &str) -> anyhow::Result<()> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    numbers::heard(&mut tx, from, app.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// The message of a report: by the provider's name for it, or by ours. The provider may report before its answer was noted.
async fn find(app: &App, id: &str, named: Option<&str>) -> anyhow::Result<Option<(WorkspaceId, String)>> {
    let mut db = app.installation.store.read();
    if let Some(found) = messages::by_provider_id(&mut db, id).await? {
        return Ok(Some(found));
    }
    for name in [named, Some(id)].into_iter().flatten() {
        if let Some(workspace) = messages::workspace_of(&mut db, name).await? {
            return Ok(Some((workspace, name.to_owned())));
        }
    }
    Ok(None)
}

async fn status(
    app: &App,
    workspace: WorkspaceId,
    message: &str,
    state: Progress,
    refusal: Option<Refusal>,
) -> anyhow::Result<()> {
    let installation = &app.installation;
    match state {
        Progress::Queued | Progress::Sent => {}
        Progress::Delivered => {
            outcomes::hear(installation, workspace, message, Heard::Delivered, ("", "")).await?;
        }
        Progress::Read => {
            outcomes::hear(installation, workspace, message, Heard::Delivered, ("", "")).await?;
            outcomes::hear(installation, workspace, message, Heard::Opened, ("", "")).await?;
        }
        Progress::Failed => {
            let why = refusal.unwrap_or_else(|| Refusal::new(RefusalKind::Temporary, ""));
            outcomes::lost(installation, workspace, message, &why).await?;
        }
    }
    Ok(())
}

/// Withdraws consent for a channel, of everybody whose number it is; it counts for the marketing that went there last.
async fn stop(app: &App, id: &str, channel: Channel, from: &str) -> anyhow::Result<()> {
    let owners = numbers::owners(&mut app.installation.store.read(), from).await?;
    for (workspace, handle) in owners {
        let rows = identifiers::by_handles(&mut app.installation.store.read(), workspace, &[handle]).await?;
        let Some(who) = rows.first().map(IdentifierRow::identifier) else { continue };
        let said = [
            ("purpose", rapport_domain::Purpose::Marketing.as_str()),
            ("channel", channel.as_str()),
            ("method", "stop"),
            ("actor", "person"),
        ];
        let said: Map<String, Value> =
            said.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
        let name = format!("stop {id} {}", handle.0);
        own_events::tell_once(&app.installation, workspace, &name, who, told::UNSUBSCRIBED, said).await?;
        // Who says STOP answers what they got last.
        let newest = messages::newest_marketing(&mut app.installation.store.read(), workspace, handle, channel).await?;
        if let Some(message) = newest {
            outcomes::hear(&app.installation, workspace, &message, Heard::Unsubscribed, ("", "")).await?;
        }
    }
    Ok(())
}
