//! The HTTP surface as one router: API, intake, public pages, console, and what stands around all of them.
//!
//! Always holds: a panic in a handler is an answered 500; every answer has a request id and the security headers; errors are problems
//! ([`crate::problem`]), also those of unknown routes and methods.

pub mod body;
pub mod extract;
pub mod form;
pub mod headers;
pub mod listen;
pub mod paging;
pub mod peer;
pub mod route;
pub mod throttle;
pub mod trace;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use self::route::handler;
use crate::app::App;
use crate::auth::guard::{self, Guard, Routes};
use crate::problem::Problem;
use crate::{api, callbacks, collect, console, metrics, ofrep, openapi, public_pages, visitors};

/// What each route asks for, and the document of the API: the same for every router of a program, and slow to write.
static DESCRIBED: OnceLock<(Arc<Routes>, Arc<str>)> = OnceLock::new();

/// Everything that is served.
pub fn router(app: App) -> Router {
    let (api, document) = openapi::described(api::router()).split_for_parts();
    let written = || (Arc::new(openapi::permissions(&document)), openapi::finish(document.clone()).into());
    let (routes, text) = DESCRIBED.get_or_init(written).clone();
    let api = api.layer(from_fn_with_state(Guard { app: app.clone(), routes }, guard::check));
    let openapi_json = move || async move { ([(header::CONTENT_TYPE, "application/json")], text.to_string()) };
    Router::new()
        .merge(api)
        .merge(collect::router())
        .merge(ofrep::router())
        .merge(api::loyalty::square::router(&app))
        .merge(visitors::router())
        .merge(public_pages::router())
        .merge(callbacks::router())
        .merge(metrics::router())
        .route("/openapi.json", get(handler(openapi_json)))
        .fallback(fallback)
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), headers::add))
        .layer(from_fn(trace::follow))
        .with_state(app)
}

/// What no route matches: the console's pages, except below the addresses that programs use.
async fn fallback(request: Request) -> Response {
    let path = request.uri().path();
    let programs = ["/api/", "/v1/", "/beacon/", "/pixel/", "/ofrep/", "/callbacks/"];
    let of_programs = programs.iter().any(|prefix| path.starts_with(prefix));
    if of_programs { Problem::not_found("address").into_response() } else { console::serve(&request) }
}

/// 405 as a problem.
pub async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take this method.",
        "The header Allow says which ones it takes; /openapi.json describes them.",
    )
}

/// The panic's own text may hold data and stays out of the answer; the panic hook has logged where it happened.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}
