//! `GET /pixel/v1/track?data=...`: events from places that can only load a picture, such as a mail.
//!
//! Always holds: the answer is the picture, also when the event is bad or the key is wrong; a broken picture would be seen by people.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use rapport_domain::EventKind;
use rapport_intake::Call;
use serde_json::{Map, Value};

use super::answer::Refused;
use super::{keys, receive};
use crate::app::App;
use crate::http::form::{parameter, parameters};
use crate::http::headers::privacy_signal;
use crate::problem::Problem;

/// One transparent pixel.
const GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\0\0\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// Takes in an event and answers the picture.
pub async fn receive(
    State(app): State<App>,
    Path(word): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let kind = match Call::parse(&word) {
        Some(Call::One(kind @ (EventKind::Track | EventKind::Page))) => kind,
        _ => return Refused::from(Problem::not_found("call")).into_response(),
    };
    if let Err(refused) = take(&app, kind, query.as_deref().unwrap_or_default(), &headers).await {
        crate::metrics::intake_refused(refused.code());
    }
    ([(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"))], GIF).into_response()
}

async fn take(app: &App, kind: EventKind, query: &str, headers: &HeaderMap) -> Result<(), Refused> {
    let (key, event) = match parameter(query, "data") {
        Some(data) => (parameter(query, "writeKey"), decoded(&data)?),
        None => from_parameters(query),
    };
    let known = match keys::of_header(headers).or(key) {
        Some(key) => Some(keys::origin(app, &key).await?),
        None => None,
    };
    receive::take_in(app, Call::One(kind), known, event, privacy_signal(headers)).await.map(drop)
}

/// `data` is the event's JSON in Base64, in any of its four dialects.
fn decoded(data: &str) -> Result<Bytes, Problem> {
    let engines = [&STANDARD, &URL_SAFE, &BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD];
    let found = engines.iter().find_map(|engine| engine.decode(data).ok());
    found.map(Bytes::from).ok_or_else(|| Problem::bad_request("bad_base64", "data is not Base64."))
}

/// `?writeKey=...&userId=...&event=...&properties.price=5`: the key and the event's JSON.
fn from_parameters(query: &str) -> (Option<String>, Bytes) {
    let (mut key, mut event, mut properties) = (None, Map::new(), Map::new());
    for (name, value) in parameters(query) {
        match name.strip_prefix("properties.") {
            Some(property) => drop(properties.insert(property.to_owned(), Value::String(value))),
            None if name == "writeKey" => key = Some(value),
            None => drop(event.insert(name, Value::String(value))),
        }
    }
    event.insert("properties".to_owned(), Value::Object(properties));
    (key, Bytes::from(Value::Object(event).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_as_data_or_as_parameters() {
        assert_eq!(decoded("eyJhIjoxfQ==").unwrap(), r#"{"a":1}"#);
        assert_eq!(decoded("eyJhIjoxfQ").unwrap(), r#"{"a":1}"#);
        assert!(decoded("{}").is_err());
        let (key, event) = from_parameters("writeKey=rw_1&userId=u%201&event=Mail+seen&properties.mail=7");
        assert_eq!(key.as_deref(), Some("rw_1"));
        let event: Value = serde_json::from_slice(&event).unwrap();
        assert_eq!(event, serde_json::json!({"userId": "u 1", "event": "Mail seen", "properties": {"mail": "7"}}));
    }
}
