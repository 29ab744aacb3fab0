//! `GET /v1/projects/{writeKey}/settings`: what Segment's browser SDK loads before it sends anything.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::answer::Refused;
use super::keys;
use crate::app::App;
use crate::problem::Problem;

/// The settings of a source: everything goes to us, nothing is bundled.
pub async fn show(State(app): State<App>, Path(write_key): Path<String>, headers: HeaderMap) -> Response {
    match keys::origin(&app, &write_key).await {
        Ok(_) => {}
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            return Refused::from(Problem::not_found("write key")).into_response();
        }
        Err(problem) => return Refused::from(problem).into_response(),
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let url = app.public_url(host);
    let (protocol, host) = url.split_once("://").unwrap_or(("http", &url));
    let every_event = json!({"__default": {"enabled": true, "integrations": {}}});
    let settings = json!({
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": format!("{host}/v1"),
                "protocol": protocol,
                "unbundledIntegrations": [],
                "addBundledMetadata": false,
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            },
        },
        "plan": {"track": every_event, "identify": {"__default": {"enabled": true}}, "group": {"__default": {"enabled": true}}},
        "edgeFunction": {},
        "analyticsNextEnabled": true,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": false,
        "remotePlugins": [],
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    (headers, settings.to_string()).into_response()
}
