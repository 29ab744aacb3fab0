//! Meta's custom audiences: `POST` and `DELETE /{audience}/users` (developers.facebook.com, "Customer File Custom Audiences").

use serde_json::{Value, json};

use super::{Act, List, Told, no, place, said};
use crate::Error;
use crate::outbound::{Client, Method, Url};

/// In the order of our rows.
const SCHEMA: [&str; 6] = ["EMAIL", "PHONE", "FN", "LN", "ZIP", "COUNTRY"];
/// Codes of Meta for "too many requests" and "try again".
const LATER: [u64; 8] = [1, 2, 4, 17, 32, 341, 613, 80_003];
/// As much of an answer as is read.
const LONGEST_ANSWER: usize = 64 << 10;

pub(super) async fn tell(
    client: &Client,
    base: &Url,
    list: List<'_>,
    act: Act,
    rows: &[Vec<String>],
) -> Result<Told, Error> {
    let url = place(base, &[list.id, "users"])?;
    let payload = json!({"schema": SCHEMA, "data": rows}).to_string();
    let mut form = reqwest::Url::parse("form:/").map_err(|_| Error::Url("no form"))?;
    form.query_pairs_mut().append_pair("payload", &payload).append_pair("access_token", list.token);
    let body = form.query().unwrap_or_default().as_bytes().to_vec();
    let method = if act == Act::Add { Method::POST } else { Method::DELETE };
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = client.ask(method, &url, &headers, body, LONGEST_ANSWER).await?;
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = &told["error"];
    if (200..300).contains(&answer.status) && error.is_null() {
        return Ok(Told::Done { invalid: told["num_invalid_entries"].as_u64().unwrap_or_default() });
    }
    let text = error["message"].as_str().unwrap_or_default();
    let code = error["code"].as_u64().unwrap_or_default();
    if error["is_transient"] == true || LATER.contains(&code) {
        let why = format!("{code} {}", said(text, list.token)).trim().to_owned();
        return Ok(Told::Later { wait: answer.retry_after(), why });
    }
    Ok(no(&answer, text, list.token))
}
