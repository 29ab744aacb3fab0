//! What machines watch: Prometheus figures at `/metrics`, `/health` (the process answers) and `/ready` (it can work).
//!
//! Always holds: labels are routes' patterns, methods and codes, never data.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rapport_store::{Queries, args, sql};

use crate::app::App;
use crate::http::route::handler;
use crate::problem::Problem;

/// Seconds by which request timings are counted.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The figures of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Begins to collect, once a process.
    pub fn install() -> Self {
        static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
        let handle = HANDLE.get_or_init(|| {
            let builder = PrometheusBuilder::new().set_buckets(BUCKETS).expect("there are buckets");
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another recorder of metrics is installed; /metrics stays empty");
            }
            handle
        });
        Self(handle.clone())
    }

    /// Adds up what was recorded. Until then each timing is kept by itself, so it has to be done where nobody asks for `/metrics`, too.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// The routes of this module.
pub fn router() -> Router<App> {
    Router::new()
        .route("/metrics", get(handler(show)))
        .route("/health", get(handler(health)))
        .route("/ready", get(handler(ready)))
}

/// Counts a request.
pub fn request(method: &Method, route: String, status: StatusCode, took: Duration) {
    let class = match status.as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    counter!("rapport_http_requests_total", "method" => method.to_string(), "route" => route.clone(), "status" => class)
        .increment(1);
    histogram!("rapport_http_request_seconds", "route" => route).record(took.as_secs_f64());
}

/// Counts what became of a request's events.
pub fn intake(accepted: usize, duplicates: usize, rejected: usize) {
    counter!("rapport_intake_events_total", "outcome" => "accepted").increment(accepted as u64);
    counter!("rapport_intake_events_total", "outcome" => "duplicate").increment(duplicates as u64);
    counter!("rapport_intake_events_total", "outcome" => "rejected").increment(rejected as u64);
}

/// Counts a refused request with events.
pub fn intake_refused(code: &str) {
    counter!("rapport_intake_refused_total", "code" => code.to_owned()).increment(1);
}

async fn show(State(app): State<App>) -> impl IntoResponse {
    let log = &app.installation.log;
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a double; positions are far below 2^53")]
    {
        gauge!("rapport_log_head").set(log.head() as f64);
        gauge!("rapport_log_applied").set(app.pipeline.applied() as f64);
        gauge!("rapport_log_observed").set(app.pipeline.observed() as f64);
        gauge!("rapport_log_waiting_bytes").set(log.waiting_bytes() as f64);
    }
    app.metrics.upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.0.render())
}

async fn health() -> &'static str {
    "ok\n"
}

async fn ready(State(app): State<App>) -> Response {
    let answer = app.installation.store.read().scalar::<i64>(sql!("SELECT COUNT(*) FROM workspaces"), args![]).await;
    match answer {
        Ok(_) => "ready\n".into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}
