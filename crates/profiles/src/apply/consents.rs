//! What an event says about consent, as facts `consent.<channel>` with the value "granted" or "denied".

use rapport_domain::Event;
use serde_json::Value;

/// Facts told by a consent event or by an unsubscription.
pub(super) fn facts(event: &Event) -> Vec<(String, String)> {
    let word = match event.name.as_str() {
        "Consent Granted" => "granted",
        "Consent Denied" | "Consent Withdrawn" | "Message Unsubscribed" => "denied",
        _ => return Vec::new(),
    };
    let channel = event.properties.get("channel").and_then(Value::as_str).unwrap_or("email");
    vec![(format!("consent.{}", channel.to_lowercase()), format!("\"{word}\""))]
}
