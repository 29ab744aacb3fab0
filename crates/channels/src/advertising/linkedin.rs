//! LinkedIn's DMP segments: `POST /dmpSegments/{segment}/users` with `BATCH_CREATE` (learn.microsoft.com, "DMP Segment Users").

use serde_json::{Value, json};

use super::{Act, List, Told, no, place};
use crate::Error;
use crate::outbound::{Client, Method, Url};

/// An answer has an entry for each row.
const LONGEST_ANSWER: usize = 1 << 20;

pub(super) async fn tell(
    client: &Client,
    (base, version): (&Url, &str),
    list: List<'_>,
    act: Act,
    rows: &[Vec<String>],
) -> Result<Told, Error> {
    let url = place(base, &["dmpSegments", list.id, "users"])?;
    let word = if act == Act::Add { "ADD" } else { "REMOVE" };
    let emails = rows.iter().filter_map(|row| row.first()).filter(|email| !email.is_empty());
    let elements: Vec<Value> = emails
        .map(|email| json!({"action": word, "userIds": [{"idType": "SHA256_EMAIL", "idValue": email}]}))
        .collect();
    let bearer = format!("Bearer {}", list.token);
    let headers = [
        ("content-type", "application/json"),
        ("authorization", bearer.as_str()),
        ("linkedin-version", version),
        ("x-restli-protocol-version", "2.0.0"),
        ("x-restli-method", "BATCH_CREATE"),
    ];
    let body = json!({ "elements": elements }).to_string().into_bytes();
    let answer = client.ask(Method::POST, &url, &headers, body, LONGEST_ANSWER).await?;
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if !(200..300).contains(&answer.status) {
        return Ok(no(&answer, told["message"].as_str().unwrap_or_default(), list.token));
    }
    // Each row has an answer of its own.
    let each = told["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
    let statuses: Vec<u64> = each.iter().filter_map(|one| one["status"].as_u64()).collect();
    if statuses.iter().any(|status| *status == 429 || *status >= 500) {
        return Ok(Told::Later { wait: None, why: "some rows were not taken".to_owned() });
    }
    let invalid = statuses.iter().filter(|status| !(200..300).contains(*status)).count();
    if invalid > 0 && invalid == statuses.len() {
        return Ok(Told::Refused { why: "no row was taken".to_owned() });
    }
    Ok(Told::Done { invalid: u64::try_from(invalid).unwrap_or_default() })
}
