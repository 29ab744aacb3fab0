//! axum's extractors with our errors: what does not fit is a problem that says where and why.
//!
//! They have axum's names, so that utoipa reads parameters and bodies from handlers' signatures.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::body;
use crate::app::App;
use crate::problem::{Problem, Result};

/// A JSON body, of a request or an answer.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// The query of an address.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// The variable parts of a path.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let limits = &app.settings.limits;
        let bytes =
            body::read(request.into_body(), limits.json_bytes, Duration::from_secs(limits.body_seconds)).await?;
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::bad_request("not_utf8", format!("The body is not UTF-8 at byte {}.", error.valid_up_to()))
    })?;
    serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_value",
                format!("The body is JSON, but not what this address expects: {error}."),
                "Correct this value; /openapi.json describes the body.",
            )
        } else {
            Problem::bad_request("not_json", format!("The body is not JSON: {error}."))
        }
    })
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                let mut headers = HeaderMap::new();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                (headers, bytes).into_response()
            }
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|error| Problem::bad_request("bad_query", error.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            // An id that is no id names nothing.
            Err(_) => Err(Problem::not_found("address")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_apart() {
        assert_eq!(parse::<Vec<u8>>(b"[1, 2]").unwrap(), [1, 2]);
        let code = |bytes: &[u8]| parse::<Vec<u8>>(bytes).unwrap_err();
        assert_eq!(code(b"[1, 2").code(), "not_json");
        assert_eq!(code(b"[\"\xff\"]").code(), "not_utf8");
        let wrong = code(b"[1,\n true]");
        assert_eq!((wrong.code(), wrong.status().as_u16()), ("invalid_value", 422));
        assert!(wrong.detail().contains("line 2 column 5"), "{}", wrong.detail());
        assert_eq!(parse::<serde_json::Value>("[".repeat(10_000).as_bytes()).unwrap_err().code(), "not_json");
    }
}
