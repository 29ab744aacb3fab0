//! What senders are answered.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rapport_intake::{Reject, Warning};
use serde::Serialize;

use crate::problem::{Problem, ProblemBody};

/// `200 {"success":true}`, and what was not taken or looked odd, if anything.
#[derive(Debug, Serialize)]
pub struct Accepted {
    success: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejects: Vec<Reject>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

impl Accepted {
    /// All events but these were taken.
    pub fn except(rejects: Vec<Reject>, warnings: Vec<Warning>) -> Self {
        Self { success: true, rejects, warnings }
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let json = serde_json::to_vec(&self).unwrap_or_default();
        (StatusCode::OK, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
    }
}

/// Nothing was taken.
#[derive(Debug)]
pub struct Refused {
    problem: Problem,
    rejects: Vec<Reject>,
}

/// A problem that SDKs understand too: rudder-sdk-python retries a 401 for hours unless `code` and `message` are there.
#[derive(Serialize)]
struct RefusedBody<'a> {
    success: bool,
    message: &'a str,
    #[serde(flatten)]
    problem: ProblemBody,
    #[serde(skip_serializing_if = "<[Reject]>::is_empty")]
    rejects: &'a [Reject],
}

impl Refused {
    /// Every event was bad.
    pub fn all(rejects: Vec<Reject>) -> Self {
        let detail = match rejects.as_slice() {
            [one] => format!("{}: {}", one.location, one.message),
            many => format!("None of the {} events could be taken.", many.len()),
        };
        let what = "Correct the events; sent as they are, they will be refused again.";
        Self { problem: Problem::new(StatusCode::BAD_REQUEST, "events_rejected", detail, what), rejects }
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        self.problem.code()
    }
}

impl<T: Into<Problem>> From<T> for Refused {
    fn from(error: T) -> Self {
        Self { problem: error.into(), rejects: Vec::new() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = RefusedBody {
            success: false,
            message: self.problem.detail(),
            problem: self.problem.body(),
            rejects: &self.rejects,
        };
        self.problem.respond_with(&body)
    }
}
