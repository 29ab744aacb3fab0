//! When people are asked by themselves: after an event, on coming into a segment, or all members of a segment in rounds.
//!
//! Always holds: what an event must pass tests the event alone, so that it can be said at once, and in the transaction that applies it.

use rapport_domain::Timestamp;
use rapport_segments::{Condition, Duration, Limits, Scope};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// What an event must pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(pub Condition);

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Value::deserialize(deserializer)?;
        let condition = Condition::from_json(&form, Limits::DEFAULT).map_err(serde::de::Error::custom)?;
        condition.validate(Scope::Event).map_err(serde::de::Error::custom)?;
        Ok(Self(condition))
    }
}

/// What somebody is asked after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// Something they did, or that happened to them.
    Event {
        /// The event's standard name.
        name: String,
        /// What it must pass.
        #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
        filter: Option<Box<Filter>>,
        /// The property that tells one occasion from another, such as `order_id`; each event is one otherwise. An event without it is no occasion.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// So long after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Duration>,
    },
    /// They came into a segment.
    Entered {
        /// Which.
        segment: String,
        /// So long after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Duration>,
    },
    /// They are in a segment: once in each round of asking.
    Members {
        /// Which.
        segment: String,
        /// So many a day, one after the other.
        per_day: u32,
    },
}

impl Trigger {
    /// How long after the occasion, in microseconds.
    pub fn delay(&self) -> i64 {
        match self {
            Self::Event { after, .. } | Self::Entered { after, .. } => after.map_or(0, Duration::micros),
            Self::Members { .. } => 0,
        }
    }

    /// The segment that it asks for.
    pub fn segment(&self) -> Option<&str> {
        match self {
            Self::Event { .. } => None,
            Self::Entered { segment, .. } | Self::Members { segment, .. } => Some(segment),
        }
    }
}

/// What allows to ask somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// It is about something they did with the company, and they did not refuse to be written to.
    Service,
    /// They agreed to be written to.
    Marketing,
}

/// When the `place`-th of a round is asked that began then, at so many a day: evenly over each day.
pub fn turn(began_at: Timestamp, place: i64, per_day: i64) -> Timestamp {
    let per_day = per_day.max(1);
    let (days, rest) = (place / per_day, place % per_day);
    began_at.plus(days * Timestamp::DAY + rest * (Timestamp::DAY / per_day))
}
