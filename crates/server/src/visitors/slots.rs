//! `GET` and `POST /v1/slots/{key}`: what a place on the company's own site shows to whoever is there; and `/slots.js`, which fills such places.
//!
//! Always holds: without a proof of who somebody is, or with their browser's privacy signal, they are shown what everybody gets; that is no error, so that a
//! page never stays empty for it.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use rapport_engagement::slots::Why;

use super::who::{self, Said};
use super::{answer, json};
use crate::app::App;
use crate::http::headers::privacy_signal;
use crate::problem::{Problem, Result};
use crate::slots;

/// By a query.
pub async fn get(
    State(app): State<App>,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    decide(&app, &key, &headers, &Said::of_query(query.as_deref().unwrap_or_default())).await
}

/// By a JSON body.
pub async fn post(State(app): State<App>, Path(key): Path<String>, headers: HeaderMap, body: Body) -> Result<Response> {
    let said: Said = json(&app, body).await?;
    decide(&app, &key, &headers, &said).await
}

async fn decide(app: &App, key: &str, headers: &HeaderMap, said: &Said) -> Result<Response> {
    let workspace = who::workspace(app, headers, said).await?;
    let visitor = if privacy_signal(headers) {
        Err(Why::PrivacySignal)
    } else {
        match who::visitor(app, headers, said).await {
            Ok(visitor) => Ok(visitor),
            Err(problem) => Err(match problem.status() {
                StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => Why::NotKnown,
                StatusCode::FORBIDDEN => Why::NotProven,
                _ => return Err(problem),
            }),
        }
    };
    let shown = slots::decide(app, workspace, key, visitor.as_ref().map_err(|why| *why)).await?;
    answer(&shown.ok_or_else(|| Problem::not_found("slot"))?)
}

/// The script that fills the places of a page.
const SCRIPT: &str = include_str!("slots.js");

/// `GET /slots.js`.
pub async fn script() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, SCRIPT)
}
