//! From JSON to a question: by its kind, every error with its place.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Question;
use crate::error::{Error, Result};

/// The place of an error that has none within the question.
const ROOT: &str = "the question";

impl Question {
    /// Reads the JSON form.
    pub fn parse(text: &str) -> Result<Self> {
        let value = serde_json::from_str(text).map_err(|error| Error::invalid(ROOT, format!("not JSON: {error}")))?;
        Self::from_json(value)
    }

    /// Reads the JSON form when it is already a value, and checks it.
    pub fn from_json(value: Value) -> Result<Self> {
        const KINDS: &str = "expected a `kind`: one of `trend`, `funnel`, `retention`, `rfm`, `kpis`";
        let Value::Object(mut fields) = value else { return Err(Error::invalid(ROOT, KINDS)) };
        let kind = fields.remove("kind");
        let fields = Value::Object(fields);
        let question = match kind.as_ref().and_then(Value::as_str) {
            Some("trend") => Self::Trend(decoded(fields)?),
            Some("funnel") => Self::Funnel(decoded(fields)?),
            Some("retention") => Self::Retention(decoded(fields)?),
            Some("rfm") => Self::Rfm(decoded(fields)?),
            Some("kpis") => Self::Kpis(decoded(fields)?),
            _ => return Err(Error::invalid("kind", KINDS)),
        };
        question.validate()?;
        Ok(question)
    }
}

impl<'de> Deserialize<'de> for Question {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_json(value).map_err(serde::de::Error::custom)
    }
}

/// Decodes a value; an error names its place.
pub(crate) fn decoded<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = error.path().to_string();
        Error::invalid(if place == "." { ROOT.to_owned() } else { place }, error.into_inner().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(value: Value) -> String {
        Question::from_json(value).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        for value in [
            json!({"kind": "trend", "interval": "week", "period": {"last": "90d"}, "compare": true, "breakdown_limit": 3,
                "series": [{"event": "Order Completed", "measure": "sum", "property": "revenue"}],
                "breakdown": {"trait": "country"}}),
            json!({"kind": "trend", "interval": "week", "period": {"all": true}, "compare": false, "breakdown_limit": 8,
                "series": [{"event": "Order Completed", "measure": "count"}], "breakdown": {"fact": "churn.level"}}),
            json!({"kind": "funnel", "window": "14d", "order": "any", "period": {"from": "2026-01-01", "to": "2026-01-31"},
                "breakdown_limit": 8, "exclude": [{"event": "Order Refunded"}],
                "steps": [{"event": "*", "where": {"property": {"path": "price", "op": "at_least", "value": 20}}},
                    {"event": "Order Completed"}]}),
            json!({"kind": "retention", "start": {"event": "Order Completed"}, "back": {"event": "Order Completed"},
                "interval": "month", "first_time": true, "on_or_after": false, "intervals": 12, "period": {"all": true}}),
            json!({"kind": "rfm", "event": "Order Completed", "period": {"from": "2026-01-01T00:00:00Z"}, "as_of": "2026-02-01"}),
            json!({"kind": "kpis", "period": {"last": "30d"}}),
        ] {
            let question = Question::from_json(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&question).unwrap(), value);
        }
    }

    #[test]
    fn names_become_the_standard_ones_and_the_rest_has_defaults() {
        let short = json!({"kind": "funnel", "steps": [{"event": "viewed product"}, {"event": "purchase"}]});
        let Question::Funnel(funnel) = Question::from_json(short).unwrap() else { panic!("a funnel") };
        assert_eq!(funnel.steps[1].event, "Order Completed");
        assert_eq!((funnel.window.to_string().as_str(), funnel.period), ("14d", super::super::Period::All));
    }

    #[test]
    fn refuses_with_the_place() {
        let trend = |series: Value| json!({"kind": "trend", "interval": "day", "series": series});
        assert!(refusal(json!({"kind": "sankey"})).starts_with("kind: expected"));
        assert!(refusal(json!([])).starts_with("the question: expected"));
        assert!(
            refusal(trend(json!([{"event": "a", "propery": "x"}]))).starts_with("series[0].propery: unknown field")
        );
        assert!(refusal(trend(json!([{"event": "a", "measure": "sum"}]))).starts_with("series[0].property: "));
        assert!(refusal(trend(json!([]))).starts_with("series: "));
        assert!(refusal(json!({"kind": "kpis", "period": {"last": "3mo"}})).starts_with("period"));
        assert!(
            refusal(json!({"kind": "kpis", "period": {"last": "3d", "all": true}})).starts_with("period: a period is")
        );
        let fact = json!({"fact": {"key": "tier", "op": "exists"}});
        let misplaced = refusal(trend(json!([{"event": "a", "where": fact}])));
        assert!(misplaced.starts_with("series[0].where: ") && misplaced.contains("fact"), "{misplaced}");
        let property = json!({"property": {"path": "size", "op": "exists"}});
        assert!(refusal(json!({"kind": "rfm", "who": property})).starts_with("who: "));
        let wrong = json!({"property": {"path": "size", "op": "is"}});
        assert!(refusal(trend(json!([{"event": "a", "where": {"all": [wrong]}}]))).contains("all[0].property"));
    }
}
