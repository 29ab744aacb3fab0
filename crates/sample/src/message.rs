//! A message as Segment's HTTP contract carries it. Always holds: it serialises to what an SDK would send in a batch; the
//! timestamp is whole milliseconds in UTC. Does not send anything.

use rapport_domain::{EventKind, Timestamp};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// One call of the intake's contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Which call.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// Unique over all messages of a run; another seed, size or end gives other ids.
    pub message_id: String,
    /// When it happened.
    #[serde(serialize_with = "as_rfc3339")]
    pub timestamp: Timestamp,
    /// The shop's customer number, once the person has signed up on this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The browser's random id; absent on events that the shop's own systems report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_id: Option<String>,
    /// For `group`: the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// For `track`: the event's standard name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'static str>,
    /// For `page`: the page's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
    /// What is known about the event.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// For `identify` and `group`: what is known about the person or the account.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub traits: Map<String, Value>,
    /// Circumstances: device, locale, campaign.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

fn as_rfc3339<S: Serializer>(timestamp: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&timestamp.to_rfc3339())
}

/// A map from a list of keys and values.
pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Cents as a JSON number of euros. Below 10^13 cents a double prints as exactly the decimal it came from.
pub(crate) fn euros(cents: i64) -> Value {
    Value::from(cents as f64 / 100.0)
}
