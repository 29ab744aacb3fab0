//! Follows each request: an id that its log lines and its answer share, a count and a timing by route.
//!
//! Always holds: nothing of the query, the headers or the body is logged, and of the path only the route's pattern.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use rapport_domain::{Rng, SystemRng};
use tracing::Instrument;

use crate::metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Follows a request.
pub async fn follow(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = format!("{:016x}", SystemRng.next_u64());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("page", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id, %method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    let took = began.elapsed();
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), took_ms = took.as_millis(), "answered");
        } else {
            tracing::debug!(status = status.as_u16(), took_ms = took.as_millis(), "answered");
        }
    });
    metrics::request(&method, route, status, took);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
