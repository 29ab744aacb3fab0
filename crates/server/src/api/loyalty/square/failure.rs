//! What did not work, in Square's words: `{"errors": [{"category", "code", "detail", "field"}]}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rapport_loyalty::{ledger, rewards};
use serde_json::json;

use crate::http::extract::Json;
use crate::problem::Problem;

/// So long a client waits before it sends the same again, in seconds.
const LATER: &str = "5";

/// An answer that is no success.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<String>,
}

impl Failure {
    /// With one of Square's codes.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), field: None }
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    /// It cannot be done as things stand.
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", detail)
    }

    /// A field is not there.
    pub fn missing(field: &str) -> Self {
        let detail = format!("{field} is missing.");
        Self::new(StatusCode::BAD_REQUEST, "MISSING_REQUIRED_PARAMETER", detail).of(field)
    }

    /// A field says what it must not.
    pub fn value(field: &str, why: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_VALUE", format!("{field}: {why}.")).of(field)
    }

    /// Two fields contradict each other.
    pub fn conflicting(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "CONFLICTING_PARAMETERS", detail).of(field)
    }

    fn of(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self }
    }

    /// The same key was sent with something else.
    pub fn key_reused() -> Self {
        let text = "This idempotency key was used for something else.";
        Self::new(StatusCode::BAD_REQUEST, "IDEMPOTENCY_KEY_REUSED", text).of("idempotency_key")
    }

    const fn category(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "AUTHENTICATION_ERROR",
            StatusCode::TOO_MANY_REQUESTS => "RATE_LIMIT_ERROR",
            status if status.as_u16() >= 500 => "API_ERROR",
            _ => "INVALID_REQUEST_ERROR",
        }
    }
}

/// A sentence with our own code, by which programs can tell refusals apart.
fn sentence(text: &str, code: &str) -> String {
    super::super::sentence(format_args!("{text} ({code})"))
}

impl From<ledger::Refusal> for Failure {
    fn from(refusal: ledger::Refusal) -> Self {
        let detail = sentence(&refusal.to_string(), refusal.code());
        match refusal {
            ledger::Refusal::IdReused => Self::key_reused(),
            ledger::Refusal::MemberUnknown => Self::not_found(detail),
            _ => Self::refused(detail),
        }
    }
}

impl From<rewards::Refusal> for Failure {
    fn from(refusal: rewards::Refusal) -> Self {
        use rewards::Refusal;
        let detail = sentence(&refusal.to_string(), refusal.code());
        match refusal {
            Refusal::IdReused => Self::key_reused(),
            Refusal::Ledger(refusal) => Self::from(refusal),
            Refusal::RewardUnknown | Refusal::MemberUnknown | Refusal::RedemptionUnknown => Self::not_found(detail),
            _ => Self::refused(detail),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let (status, code) = match (problem.status(), problem.code()) {
            (StatusCode::UNAUTHORIZED, _) => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            (StatusCode::FORBIDDEN, _) => (StatusCode::FORBIDDEN, "INSUFFICIENT_SCOPES"),
            (StatusCode::NOT_FOUND, _) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            (StatusCode::CONFLICT, _) => (StatusCode::CONFLICT, "CONFLICT"),
            (StatusCode::TOO_MANY_REQUESTS, _) => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
            (StatusCode::PAYLOAD_TOO_LARGE, _) => (StatusCode::PAYLOAD_TOO_LARGE, "REQUEST_ENTITY_TOO_LARGE"),
            (StatusCode::SERVICE_UNAVAILABLE, _) => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
            (status, _) if status.is_server_error() => (status, "INTERNAL_SERVER_ERROR"),
            (_, "not_json" | "not_utf8") => (StatusCode::BAD_REQUEST, "EXPECTED_JSON_BODY"),
            (_, "bad_cursor") => (StatusCode::BAD_REQUEST, "INVALID_CURSOR"),
            (_, "invalid_value") => (StatusCode::BAD_REQUEST, "INVALID_VALUE"),
            _ => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        };
        Self::new(status, code, problem.detail())
    }
}

impl From<rapport_store::Error> for Failure {
    fn from(error: rapport_store::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<rapport_loyalty::Error> for Failure {
    fn from(error: rapport_loyalty::Error) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut error = json!({"category": self.category(), "code": self.code, "detail": self.detail});
        if let Some(field) = &self.field {
            error["field"] = json!(field);
        }
        let mut response = (self.status, Json(json!({"errors": [error]}))).into_response();
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(LATER));
        }
        response
    }
}
