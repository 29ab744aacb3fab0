//! The period of a question: `{"last": "90d"}`, `{"from": ..., "to": ...}` or `{"all": true}`.

use rapport_segments::{Duration, Instant};
use serde::{Deserialize, Serialize};

/// When.
///
/// * `last`, in days or weeks: so many civil days, of which the present one is the last, up to now. In shorter units: elapsed time.
/// * `from` and `to`: a date stands for the whole day in the workspace's zone, the last day included; a time ends just before it.
///   A missing end is open.
/// * `all`: from the first event to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub enum Period {
    /// So long up to now.
    Last(Duration),
    /// From a day or instant to another.
    Between {
        /// Its beginning.
        from: Option<Instant>,
        /// Its end.
        to: Option<Instant>,
    },
    /// All that there is.
    #[default]
    All,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
}

const INSTANT: &str = "expected a date (2026-03-01) or a time with its offset (2026-03-01T10:00:00Z)";

fn instant(text: &str) -> Result<Instant, String> {
    Instant::parse(text).ok_or_else(|| INSTANT.to_owned())
}

impl TryFrom<Fields> for Period {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        match fields {
            Fields { last: Some(last), from: None, to: None, all: None } => Ok(Self::Last(last)),
            Fields { last: None, from: None, to: None, all: Some(true) } => Ok(Self::All),
            Fields { last: None, from, to, all: None } if from.is_some() || to.is_some() => {
                let from = from.map(|text| instant(&text)).transpose()?;
                let to = to.map(|text| instant(&text)).transpose()?;
                Ok(Self::Between { from, to })
            }
            _ => Err("a period is exactly one of `last`, `from` with `to`, and `all: true`".to_owned()),
        }
    }
}

impl From<Period> for Fields {
    fn from(period: Period) -> Self {
        match period {
            Period::Last(last) => Self { last: Some(last), ..Self::default() },
            Period::Between { from, to } => {
                let text = |instant: Option<Instant>| instant.map(|instant| instant.to_string());
                Self { from: text(from), to: text(to), ..Self::default() }
            }
            Period::All => Self { all: Some(true), ..Self::default() },
        }
    }
}

/// The JSON form of an instant that may be missing.
pub(super) mod optional_instant {
    use rapport_segments::Instant;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(instant: &Option<Instant>, serializer: S) -> Result<S::Ok, S::Error> {
        match instant {
            Some(instant) => serializer.collect_str(instant),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Instant>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::instant(&text).map_err(serde::de::Error::custom)).transpose()
    }
}
