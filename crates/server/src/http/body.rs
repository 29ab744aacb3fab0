//! Reading a request's body under a limit and a deadline.
//!
//! Always holds: memory for a body never exceeds its limit; a body that says it is longer is refused before it is read.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::problem::{Problem, Result};

/// All of `body`.
pub async fn read(body: Body, limit: usize, deadline: Duration) -> Result<Bytes> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let Ok(outcome) = tokio::time::timeout(deadline, Limited::new(body, limit).collect()).await else {
        return Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            format!("The body did not come within {} seconds.", deadline.as_secs()),
            "Send it again, in smaller parts if the line is slow.",
        ));
    };
    match outcome {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(_) => Err(Problem::bad_request("body_broken", "The body ended before it was whole.")),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("The body is larger than {limit} bytes."),
        "Send less at once.",
    )
}
