//! `POST /callbacks/mail/{carrier}`: what carriers of mail report of bounces, complaints and deliveries.
//!
//! Always holds: as for letters that come back ([`crate::sending::returned`]): only what names a Message-ID that we sent is believed, and the same said twice
//! counts once. What is about other mails, or no news of any, is counted and answered as taken, because carriers try again what is refused.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use rapport_channels::Error;
use rapport_channels::callback::Callback;

use super::{headers_of, refused};
use crate::app::App;
use crate::http::body::read;
use crate::problem::{Problem, Result};
use crate::sending::returned;

/// As much of a request as is read, in bytes: SendGrid sends up to 768 KB, a letter that came back is read up to 1 MB.
const MOST_BYTES: usize = 2 << 20;

/// Takes in what a carrier reports.
pub async fn report(
    State(app): State<App>,
    Path(carrier): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode> {
    let ways = std::sync::Arc::clone(&app.sender.ways);
    let Some(reporter) = ways.mail_reporter(&carrier) else { return Err(Problem::not_found("carrier")) };
    let deadline = Duration::from_secs(app.settings.limits.body_seconds);
    let body = read(body, MOST_BYTES, deadline).await?;
    let url = format!("{}{}", app.public_url(None), uri.path());
    let headers = headers_of(&headers);
    let callback = Callback { url: &url, headers: &headers, body: &body };
    let reports = reporter.read(&app.sender.client, callback, app.now()).await.map_err(|error| match error {
        Error::Unreachable | Error::NoAnswer => Problem::later(
            StatusCode::SERVICE_UNAVAILABLE,
            "proof_not_checked",
            "What proves this report could not be had just now.",
            10,
        ),
        other => refused(other),
    })?;
    let mut unknown = 0;
    for returned in &reports.returned {
        if !returned::take(&app.installation, returned).await.map_err(Problem::internal)?.is_known {
            unknown += 1;
        }
    }
    let count = |what: &'static str, number: usize| {
        metrics::counter!("rapport_mail_reports_total", "carrier" => reporter.as_str(), "what" => what)
            .increment(u64::try_from(number).unwrap_or_default());
    };
    count("known", reports.returned.len() - unknown);
    count("unknown", unknown);
    count("passed_over", reports.passed_over);
    Ok(StatusCode::NO_CONTENT)
}
