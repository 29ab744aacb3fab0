//! Web push for browsers: the key they subscribe with, what they subscribed to, and the worker that shows messages.
//!
//! Always holds: a workspace has one key, made of its secret, so that subscriptions outlive a restart and a move; a subscription belongs to who
//! subscribed last. Subscribing is no consent: that is told by an event as for every channel.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rapport_channels::push::{Subscription, VapidKey};
use rapport_domain::{Channel, WorkspaceId};
use rapport_engagement::records::addresses;
use rapport_engagement::records::subscriptions::{self, SubscriptionRow};
use rapport_store::Priority;
use serde::Deserialize;
use serde_json::json;

use super::who::{self, Said};
use super::{answer, json};
use crate::app::App;
use crate::installation::Installation;
use crate::messages;
use crate::problem::{Problem, Result};

/// The longest endpoint, in bytes.
const LONGEST_ENDPOINT: usize = 2_048;

/// The key of a workspace. `public_url` is where push services can ask who we are.
///
/// # Errors
/// The store's.
pub async fn vapid_key(
    installation: &Installation,
    workspace: WorkspaceId,
    public_url: &str,
    from: &str,
) -> anyhow::Result<VapidKey> {
    let contact = match (public_url.starts_with("https://"), from) {
        (true, _) => public_url.to_owned(),
        (false, "") => "mailto:postmaster@localhost".to_owned(),
        (false, from) => format!("mailto:{from}"),
    };
    let mut secret = messages::secret(installation, workspace).await?.to_vec();
    loop {
        let bytes = blake3::derive_key("rapport 2026-11 key of web push", &secret);
        // One of some four thousand million is no key of P-256.
        match VapidKey::parse(&BASE64_URL_SAFE_NO_PAD.encode(bytes), &contact) {
            Ok(key) => return Ok(key),
            Err(rapport_channels::Error::Key(_)) => secret.push(0),
            Err(error) => return Err(error.into()),
        }
    }
}

/// `GET /v1/push/key`: what a page gives to `pushManager.subscribe` as `applicationServerKey`.
pub async fn key(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response> {
    let said = Said::of_query(query.as_deref().unwrap_or_default());
    let workspace = who::workspace(&app, &headers, &said).await?;
    let key = vapid_key(&app.installation, workspace, &app.public_url(None), "").await.map_err(Problem::internal)?;
    answer(&json!({"key": key.public_key()}))
}

#[derive(Deserialize)]
struct Posted {
    #[serde(flatten)]
    said: Said,
    subscription: Given,
}

/// `PushSubscription.toJSON()`.
#[derive(Deserialize)]
struct Given {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

/// `POST /v1/push/subscriptions`: somebody's browser takes push messages.
pub async fn subscribe(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response> {
    let Posted { said, subscription: Given { endpoint, keys } } = json(&app, body).await?;
    let visitor = who::visitor(&app, &headers, &said).await?;
    if endpoint.len() > LONGEST_ENDPOINT {
        return Err(Problem::invalid("subscription.endpoint", "it is longer than 2,048 bytes"));
    }
    Subscription::new(&endpoint, &keys.p256dh, &keys.auth).map_err(|error| Problem::invalid("subscription", error))?;
    let row = SubscriptionRow {
        id: blake3::hash(endpoint.as_bytes()).to_hex().to_string(),
        handle: visitor.handle,
        endpoint,
        browser_key: keys.p256dh,
        browser_auth: keys.auth,
        is_proven: visitor.is_proven,
        subscribed_at: app.now(),
    };
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    subscriptions::save(&mut tx, visitor.workspace, &row).await?;
    // A browser that subscribes is no dead address.
    addresses::revive(&mut tx, visitor.workspace, &[visitor.handle], Channel::Push).await?;
    tx.commit().await?;
    answer(&json!({"success": true}))
}

/// `GET /push-worker.js`: what a page's own service worker loads by `importScripts`.
pub async fn worker() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("push-worker.js"))
}
