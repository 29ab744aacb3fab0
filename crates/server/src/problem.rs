//! The one error of the HTTP surface: `application/problem+json` (RFC 9457) with a stable code and what to do.
//!
//! Always holds: no text of it carries personal data or an internal detail; what went wrong inside is logged, not answered.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of errors.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The result of a handler.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// An error as it is answered.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    what_to_do: Cow<'static, str>,
    retry_after_seconds: Option<u32>,
    reason: Option<Box<ProblemReason>>,
}

/// The JSON of an error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// A stable address of this kind of error.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: String,
    /// What went wrong.
    pub detail: String,
    /// What to do about it.
    pub what_to_do: String,
    /// What is wrong as a code with what it is filled with, so that it can be said in any language; where there is one, `detail` is the same in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ProblemReason>,
}

/// What is wrong, to be said in any language.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemReason {
    /// The field as a path (`variants[1].weight`), where it is of one.
    pub field: Option<String>,
    /// A stable word for what is wrong.
    pub code: String,
    /// What it is filled with, by name.
    pub params: BTreeMap<String, String>,
}

impl Problem {
    /// An error with this status and code.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
        what_to_do: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            what_to_do: what_to_do.into(),
            retry_after_seconds: None,
            reason: None,
        }
    }

    /// 400: the request is not what it should be.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail, "Correct the request; /openapi.json describes it.")
    }

    /// 401: nobody we know.
    pub fn unauthorized(code: &'static str, detail: &str) -> Self {
        let what = "Sign in, or send `Authorization: Bearer` with an API key that is valid.";
        Self::new(StatusCode::UNAUTHORIZED, code, detail, what)
    }

    /// 403: known, but not allowed.
    pub fn forbidden(code: &'static str, detail: impl Into<String>, what_to_do: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail, what_to_do)
    }

    /// 404: there is no such thing in this workspace.
    pub fn not_found(what: &str) -> Self {
        let detail = format!("There is no such {what} in this workspace.");
        Self::new(StatusCode::NOT_FOUND, "not_found", detail, "Check the address; the list has what there is.")
    }

    /// 409: it contradicts what is there.
    pub fn conflict(code: &'static str, detail: impl Into<String>, what_to_do: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail, what_to_do)
    }

    /// 422: understood, but a value cannot be accepted; `field` is its path.
    pub fn invalid(field: &str, why: impl std::fmt::Display) -> Self {
        let detail = format!("{field}: {why}");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", detail, "Correct this value and send it again.")
    }

    /// 429 or 503: the same request can succeed later.
    pub fn later(status: StatusCode, code: &'static str, detail: impl Into<String>, seconds: u32) -> Self {
        let mut problem = Self::new(status, code, detail, "Send the same request again after the time in Retry-After.");
        problem.retry_after_seconds = Some(seconds);
        problem
    }

    /// 500: our fault. `error` goes to the log only.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong inside.",
            "Try again; if it stays, look for the request's id (header X-Request-Id) in the server's log.",
        )
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What went wrong, for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The JSON of it.
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:rapport:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            code: self.code.clone().into_owned(),
            detail: self.detail.clone(),
            what_to_do: self.what_to_do.clone().into_owned(),
            reason: self.reason.as_deref().cloned(),
        }
    }

    /// The answer with another JSON than [`Problem::body`]: same status and headers.
    pub fn respond_with(&self, json: &impl Serialize) -> Response {
        let text = serde_json::to_vec(json).unwrap_or_default();
        let mut response = (self.status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers.insert(CODE_HEADER, HeaderValue::from_str(&self.code).unwrap_or(HeaderValue::from_static("error")));
        response
    }
}

/// Repeats the code, so that logs and proxies see it without reading bodies.
const CODE_HEADER: HeaderName = HeaderName::from_static("x-problem-code");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.respond_with(&self.body())
    }
}

impl From<rapport_store::Error> for Problem {
    fn from(error: rapport_store::Error) -> Self {
        use rapport_store::Error;
        match &error {
            Error::NotFound => Self::not_found("row"),
            Error::NulCharacter => Self::invalid("body", "a text holds the character U+0000"),
            Error::Busy { .. } | Error::Closed => {
                Self::later(StatusCode::SERVICE_UNAVAILABLE, "database_busy", "The database is busy.", 1)
            }
            Error::DiskFull => {
                Self::later(StatusCode::INSUFFICIENT_STORAGE, "disk_full", "The server's disk is full.", 60)
            }
            Error::Unique { .. } => Self::conflict(
                "already_exists",
                "There is one already that has this name.",
                "Choose another name, or use the one there is.",
            ),
            _ => Self::internal(error),
        }
    }
}

impl From<rapport_intake::Error> for Problem {
    fn from(error: rapport_intake::Error) -> Self {
        use rapport_intake::Error;
        match &error {
            Error::Full { retry_after_seconds } => Self::later(
                StatusCode::TOO_MANY_REQUESTS,
                "intake_full",
                "More events wait to be written than the server can take.",
                *retry_after_seconds,
            ),
            Error::EventTooLarge { .. } => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                error.code(),
                "The events of this request are too large together.",
                "Send smaller batches.",
            ),
            Error::Closed => {
                Self::later(StatusCode::SERVICE_UNAVAILABLE, "intake_closed", "The server is shutting down.", 5)
            }
            Error::Write { .. } | Error::Dedupe(_) | Error::Key { .. } => {
                tracing::error!(code = error.code(), %error, "events could not be written");
                Self::later(StatusCode::SERVICE_UNAVAILABLE, error.code(), "The events could not be written.", 5)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<rapport_analytics::Error> for Problem {
    fn from(error: rapport_analytics::Error) -> Self {
        if error.is_callers() {
            let what_to_do = "Correct the question; the guide Ask describes it.";
            return Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.code(), error.to_string(), what_to_do);
        }
        Self::internal(error)
    }
}

impl From<rapport_experiments::Error> for Problem {
    fn from(error: rapport_experiments::Error) -> Self {
        use rapport_experiments::Error;
        let (code, text) = (error.code(), error.to_string());
        let reason = error.refusal().map(|(field, refusal)| ProblemReason {
            field: field.map(str::to_owned),
            code: refusal.code.to_owned(),
            params: refusal.params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        });
        let problem = match error {
            Error::Store(error) => error.into(),
            Error::NotFound { what, .. } => Self::not_found(what),
            Error::Exists { .. } => Self::conflict(code, text, "Choose another key."),
            Error::Stale { .. } => Self::conflict(code, text, "Read it again, then save again."),
            Error::Overlap { .. } => Self::conflict(code, text, "Take places that are free."),
            Error::Transition { .. } | Error::Fixed { .. } => {
                Self::conflict(code, text, "The guide Experiments says what can be changed when.")
            }
            _ => {
                let what_to_do = "Correct this value and send it again; the guide Experiments describes it.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, text, what_to_do)
            }
        };
        Self { reason: reason.map(Box::new), ..problem }
    }
}

impl From<rapport_loyalty::Error> for Problem {
    fn from(error: rapport_loyalty::Error) -> Self {
        use rapport_loyalty::Error;
        let (code, text) = (error.code(), error.to_string());
        match error {
            Error::Store(error) => error.into(),
            Error::Invalid { .. } => {
                let what_to_do = "Correct this value and send it again; the guide Loyalty describes it.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, text, what_to_do)
            }
            Error::NotFound { what, .. } => Self::not_found(what),
            Error::Stale { .. } => Self::conflict(code, text, "Read it again, then save again."),
            Error::Stopped => Self::later(StatusCode::SERVICE_UNAVAILABLE, code, text, 5),
            Error::Batch(error) if error.is_retryable() => {
                Self::later(StatusCode::SERVICE_UNAVAILABLE, code, "It could not be written down; nothing was done.", 5)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<rapport_feedback::Error> for Problem {
    fn from(error: rapport_feedback::Error) -> Self {
        use rapport_feedback::Error;
        use rapport_feedback::survey::Severity;
        let (code, text) = (error.code(), error.to_string());
        let reason = |field: &str, code: &str, limit: Option<i64>| {
            let params = limit.map(|limit| ("limit".to_owned(), limit.to_string())).into_iter().collect();
            Some(Box::new(ProblemReason { field: Some(field.to_owned()), code: code.to_owned(), params }))
        };
        let refused = |text: String, what_to_do| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, text, what_to_do);
        match error {
            Error::Store(error) => error.into(),
            Error::NotFound { what, .. } => Self::not_found(what),
            Error::Exists { .. } => Self::conflict(code, text, "Choose another key."),
            Error::Stale { .. } => Self::conflict(code, text, "Read it again, then save again."),
            Error::Answered => Self::conflict(code, text, "Nothing is to be done: the first answer counts."),
            Error::Work(_) => Self::conflict(code, text, "Look at it again: where it stands says what can be done."),
            Error::AlreadyOpen { .. } => Self::conflict(code, text, "Work on that one."),
            Error::Transition { .. } | Error::NotOpen(_) | Error::Expired => {
                Self::conflict(code, text, "The guide Surveys says what can be done when.")
            }
            Error::Unready(findings) => {
                let first = findings.iter().find(|it| it.severity == Severity::Error);
                let text = first.map_or(text, |it| format!("{}: {}", it.place, it.text));
                let problem = refused(text, "Correct what was found; POST /api/v1/survey-check lists all of it.");
                Self { reason: first.and_then(|it| reason(&it.place, it.code, None)), ..problem }
            }
            Error::Refused(refusals) => {
                let first = refusals.first();
                let text = first.map_or(text, |it| format!("{}: {}", it.question, it.text()));
                let problem = refused(text, "Correct this answer; the guide Surveys lists the forms of answers.");
                Self { reason: first.and_then(|it| reason(&it.question, it.code, it.limit)), ..problem }
            }
            _ => refused(text, "Correct this value and send it again; the guide Surveys describes it."),
        }
    }
}

impl From<crate::experimenting::reading::Unread> for Problem {
    fn from(error: crate::experimenting::reading::Unread) -> Self {
        use crate::experimenting::reading::Unread;
        match error {
            Unread::Analytics(error) => error.into(),
            Unread::Store(error) => error.into(),
        }
    }
}

impl From<rapport_segments::Error> for Problem {
    fn from(error: rapport_segments::Error) -> Self {
        match error {
            rapport_segments::Error::Store(error) => error.into(),
            rapport_segments::Error::Lake(error) => error.into(),
            rapport_segments::Error::Plan(_) => Self::internal(error),
            refused => {
                let what_to_do = "Correct the condition; the guide Segments describes it.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, refused.code(), refused.to_string(), what_to_do)
            }
        }
    }
}

impl From<rapport_lake::Error> for Problem {
    fn from(error: rapport_lake::Error) -> Self {
        if error.is_retryable() {
            tracing::warn!(code = error.code(), %error, "the lake could not serve a request");
            return Self::later(StatusCode::SERVICE_UNAVAILABLE, error.code(), "The lake is busy.", 2);
        }
        Self::internal(error)
    }
}

impl From<rapport_intake::Refusal> for Problem {
    fn from(refusal: rapport_intake::Refusal) -> Self {
        let status = if refusal.is_size() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        let text = refusal.to_string();
        let what_to_do = match text.rsplit_once(": ") {
            Some((_, advice)) if refusal.is_size() => advice.to_owned(),
            _ => "Correct the body and send it again; sent as it is, it will be refused again.".to_owned(),
        };
        Self::new(status, refusal.code(), text, what_to_do)
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<rapport_store::Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::internal(format!("{error:#}")),
        }
    }
}
