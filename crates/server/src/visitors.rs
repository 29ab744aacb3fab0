//! What the company's own pages and apps may ask and tell for the person in front of them: push messages, the inbox, slots, surveys.
//!
//! Always holds: a write key stands in every page, so it opens nothing of a person by itself (see [`who`]); an answer is for one person and is never
//! cached; texts are plain, and whoever shows them escapes them.

pub mod inbox;
pub mod push;
pub mod slots;
pub mod surveys;
pub mod who;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;

use crate::app::App;
use crate::collect;
use crate::http::body::read;
use crate::http::route::handler;
use crate::problem::{Problem, Result};

/// As much of a request as is read, in bytes.
const MOST_BYTES: usize = 16 << 10;

/// The routes of this module.
pub fn router() -> Router<App> {
    let router = Router::new()
        .route("/v1/push/key", get(handler(push::key)))
        .route("/v1/push/subscriptions", post(handler(push::subscribe)))
        .route("/push-worker.js", get(handler(push::worker)))
        .route("/slots.js", get(handler(slots::script)))
        .route("/v1/slots/{key}", get(handler(slots::get)).post(handler(slots::post)))
        .route("/v1/survey-panel", post(handler(surveys::open)))
        .route("/v1/inbox", get(handler(inbox::show)))
        .route("/v1/inbox/{message}/{act}", post(handler(inbox::note)));
    collect::anywhere(router)
}

/// A JSON body, whatever its content type says: beacons of browsers call it text.
async fn json<T: serde::de::DeserializeOwned>(app: &App, body: Body) -> Result<T> {
    let deadline = Duration::from_secs(app.settings.limits.body_seconds);
    let bytes = read(body, MOST_BYTES, deadline).await?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::bad_request("body_invalid", error.to_string()))
}

fn answer(body: &impl Serialize) -> Result<Response> {
    let text = serde_json::to_string(body).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
