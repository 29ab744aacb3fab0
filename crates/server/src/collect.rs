//! Segment's HTTP contract: the door through which events come in. An unchanged Segment or RudderStack SDK works by setting the host.
//!
//! Always holds: 200 means that every event not listed in the answer is on the disk; success is exactly 200 and an error has `code` and
//! `message`, because that is what the SDKs understand; a full log is a 429 with Retry-After, never silence.
//!
//! Does not do: decoding (`rapport-intake`), or anything with the events afterwards.

mod answer;
pub mod keys;
mod pixel;
mod receive;
mod settings;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use rapport_intake::Call;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::App;
use crate::http::form::parameter;
use crate::http::route::handler;
use crate::problem::Problem;
use answer::Refused;

/// The routes of this module.
pub fn router() -> Router<App> {
    let slash = |path: &str| format!("{path}/");
    let mut router = Router::new();
    let routes = [
        ("/v1/{call}", post(handler(one_call))),
        ("/beacon/v1/batch", post(handler(beacon))),
        ("/pixel/v1/{call}", get(handler(pixel::receive))),
        ("/v1/projects/{write_key}/settings", get(handler(settings::show))),
    ];
    for (path, methods) in routes {
        router = router.route(path, methods.clone()).route(&slash(path), methods);
    }
    anywhere(router)
}

/// Lets pages of any site ask: they send events, and ask for whom they prove to be. No cookie is looked at, and nothing is kept on the way.
pub fn anywhere(router: Router<App>) -> Router<App> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([RETRY_AFTER])
        .max_age(std::time::Duration::from_secs(86_400));
    let anywhere = HeaderName::from_static("cross-origin-resource-policy");
    router
        // Set before the layers, so that these surround it too: a preflight is a method that no route has.
        .method_not_allowed_fallback(crate::http::wrong_method)
        .layer(SetResponseHeaderLayer::if_not_present(anywhere, HeaderValue::from_static("cross-origin")))
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(SetResponseHeaderLayer::if_not_present(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")))
        .layer(cors)
}

/// `POST /v1/track` and its siblings.
async fn one_call(State(app): State<App>, Path(word): Path<String>, headers: HeaderMap, body: Body) -> Response {
    match Call::parse(&word) {
        Some(call) => respond(receive::body(&app, call, &headers, None, body).await),
        None => Refused::from(Problem::not_found("call")).into_response(),
    }
}

/// `POST /beacon/v1/batch?writeKey=...`: browsers' beacons cannot set headers.
async fn beacon(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap, body: Body) -> Response {
    let key = parameter(query.as_deref().unwrap_or_default(), "writeKey");
    respond(receive::body(&app, Call::Batch, &headers, key, body).await)
}

fn respond(outcome: Result<answer::Accepted, Refused>) -> Response {
    match outcome {
        Ok(accepted) => accepted.into_response(),
        Err(refused) => {
            crate::metrics::intake_refused(refused.code());
            refused.into_response()
        }
    }
}
