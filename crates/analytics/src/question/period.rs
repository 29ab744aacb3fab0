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
    from: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
}

impl TryFrom<Fields> for Period {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        match fields {
            Fields { last: Some(last), from: None, to: None, all: None } => Ok(Self::Last(last)),
            Fields { last: None, from: None, to: None, all: Some(true) } => Ok(Self::All),
            Fields { last: None, from, to, all: None } if from.is_some() || to.is_some() => {
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
            Period::Between { from, to } => Self { from, to, ..Self::default() },
            Period::All => Self { all: Some(true), ..Self::default() },
        }
    }
}
