//! What is asked of an experiment.
//!
//! Always holds: a metric is made of the lines that trends are made of ([`Series`]), a person at a time: `people` is whether the person has any of
//! the events, `count` how many, `sum` the sum of a property. An average is the ratio of a sum and a count over all persons, because the persons
//! were assigned and not the events.

use rapport_models::experiments::{Moments, Paired};
use rapport_segments::{Condition, Duration, Scope};
use serde::{Deserialize, Serialize};

use super::Measured;
use crate::aggregates::MAX_ARMS;
use crate::error::{Error, Result};
use crate::question::{Breakdown, Measure, Period, Series};

/// Most metrics at once.
const MAX_METRICS: usize = 16;
const MAX_BREAKDOWN: usize = 50;
const MAX_KEY_BYTES: usize = 256;

/// An experiment to read out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Its key: the property `experiment` of its exposures.
    pub experiment: String,
    /// The keys of its variants, in their order; without any, those that there are exposures of, by their number of exposures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// When people were exposed. With a window they are followed past the end of the period.
    #[serde(default)]
    pub period: Period,
    /// How long a person is followed from the first exposure; without it, to the end of the period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Duration>,
    /// What becomes of those whose window is not over.
    #[serde(default)]
    pub immature: Immature,
    /// How long before the first exposure the same is measured, for an adjustment by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Duration>,
    /// A trait by which people are taken apart, as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Breakdown>,
    /// The most values of it that are shown by themselves.
    #[serde(default = "default_breakdown_limit")]
    pub breakdown_limit: usize,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Condition>,
    /// Not an experiment, but what one would have found: whoever does anything in the period counts as exposed by it, to one variant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everybody: bool,
}

/// What becomes of people whose window is not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Immature {
    /// They are in no metric: each counted person had the same time.
    #[default]
    LeaveOut,
    /// They count with what they did so far.
    Count,
}

/// What is measured of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// The quantity.
    pub of: Series,
    /// What it is divided by: the sum over all persons by the sum over all persons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Series>,
}

impl Metric {
    /// A quantity a person.
    pub const fn of(of: Series) -> Self {
        Self { of, per: None }
    }

    /// Whether it is one sum over another.
    pub(super) fn is_ratio(&self) -> bool {
        self.per.is_some() || self.of.measure == Measure::Average
    }

    /// Its sums, in its form.
    pub(super) fn measured(&self, sums: Paired, has_before: bool) -> Measured {
        if self.is_ratio() {
            return Measured::Ratio(sums);
        }
        let moments = Moments { n: sums.n, sum: sums.y, squares: sums.yy };
        let before = has_before.then_some(sums);
        match self.of.measure {
            Measure::People => Measured::Share { moments, before },
            _ => Measured::Mean { moments, before },
        }
    }

    fn validate(&self, place: &str) -> Result<()> {
        self.of.validate(&format!("{place}.of"))?;
        let is_person = |measure: Measure| matches!(measure, Measure::People | Measure::Count | Measure::Sum);
        match &self.per {
            None if is_person(self.of.measure) || self.of.measure == Measure::Average => Ok(()),
            Some(per) if is_person(self.of.measure) => {
                per.validate(&format!("{place}.per"))?;
                if is_person(per.measure) { Ok(()) } else { Err(unfit(&format!("{place}.per.measure"))) }
            }
            _ => Err(unfit(&format!("{place}.of.measure"))),
        }
    }
}

fn unfit(place: &str) -> Error {
    Error::invalid(place, "of a person `people`, `count` or `sum` is measured; `average` stands without `per`")
}

impl Experiment {
    /// An experiment with everything else as usual.
    pub fn new(experiment: impl Into<String>, variants: &[&str], metrics: Vec<Metric>) -> Self {
        Self {
            experiment: experiment.into(),
            variants: variants.iter().map(|variant| (*variant).to_owned()).collect(),
            metrics,
            period: Period::All,
            window: None,
            immature: Immature::LeaveOut,
            before: None,
            breakdown: None,
            breakdown_limit: default_breakdown_limit(),
            who: None,
            everybody: false,
        }
    }

    /// What an experiment without any effect would have found of those who came in a period.
    pub fn everybody(metrics: Vec<Metric>, period: Period, window: Duration) -> Self {
        Self { period, window: Some(window), everybody: true, ..Self::new("everybody", &["everybody"], metrics) }
    }

    /// Refuses what cannot be asked, with its place.
    pub fn validate(&self) -> Result<()> {
        key(&self.experiment, "experiment")?;
        for (at, variant) in self.variants.iter().enumerate() {
            let place = format!("variants[{at}]");
            key(variant, &place)?;
            if self.variants[..at].contains(variant) {
                return Err(Error::invalid(place, "a variant is named twice"));
            }
        }
        most(self.variants.len(), MAX_ARMS, "variants")?;
        if self.everybody && self.variants.len() != 1 {
            return Err(Error::invalid("variants", "of everybody there is one"));
        }
        most(self.metrics.len(), MAX_METRICS, "metrics")?;
        for (at, metric) in self.metrics.iter().enumerate() {
            metric.validate(&format!("metrics[{at}]"))?;
        }
        if let Some(Breakdown::Property(_)) = self.breakdown {
            return Err(Error::invalid("breakdown", "people of an experiment are taken apart by a trait"));
        }
        if self.breakdown_limit == 0 {
            return Err(Error::invalid("breakdown_limit", format!("expected 1 to {MAX_BREAKDOWN}")));
        }
        most(self.breakdown_limit, MAX_BREAKDOWN, "breakdown_limit")?;
        let scoped = |who: &Condition| who.validate(Scope::Person);
        self.who.as_ref().map_or(Ok(()), scoped).map_err(|error| Error::invalid("who", error.to_string()))
    }
}

fn key(key: &str, place: &str) -> Result<()> {
    match key.len() {
        0 => Err(Error::invalid(place, "a key is missing")),
        1..=MAX_KEY_BYTES => Ok(()),
        _ => Err(Error::invalid(place, format!("a key is at most {MAX_KEY_BYTES} bytes long"))),
    }
}

fn most(count: usize, most: usize, place: &str) -> Result<()> {
    if count > most {
        return Err(Error::invalid(place, format!("expected at most {most}, found {count}")));
    }
    Ok(())
}

fn default_breakdown_limit() -> usize {
    8
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(value: serde_json::Value) -> String {
        let experiment: Experiment = serde_json::from_value(value).unwrap();
        experiment.validate().unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let value = json!({"experiment": "checkout", "variants": ["a", "b"], "period": {"last": "30d"}, "window": "14d",
            "immature": "count", "before": "28d", "breakdown": {"trait": "country"}, "breakdown_limit": 3,
            "metrics": [{"of": {"event": "Order Completed", "measure": "sum", "property": "revenue"},
                "per": {"event": "Order Completed", "measure": "count"}}]});
        let read: Experiment = serde_json::from_value(value.clone()).unwrap();
        read.validate().unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), value);
    }

    #[test]
    fn refuses_with_the_place() {
        let metric = |metric| json!({"experiment": "a", "metrics": [metric]});
        let median = json!({"event": "Order Completed", "measure": "median", "property": "revenue"});
        let average = json!({"event": "Order Completed", "measure": "average", "property": "revenue"});
        let count = json!({"event": "Order Completed", "measure": "count"});
        assert!(refusal(json!({"experiment": "", "metrics": []})).starts_with("experiment: "));
        assert!(
            refusal(json!({"experiment": "a", "variants": ["b", "b"], "metrics": []})).starts_with("variants[1]: ")
        );
        assert!(refusal(metric(json!({"of": median}))).starts_with("metrics[0].of.measure: "));
        assert!(refusal(metric(json!({"of": average, "per": count}))).starts_with("metrics[0].of.measure: "));
        assert!(refusal(metric(json!({"of": count, "per": average}))).starts_with("metrics[0].per.measure: "));
        let sum = json!({"event": "Order Completed", "measure": "sum"});
        assert!(refusal(metric(json!({"of": sum}))).starts_with("metrics[0].of.property: "));
        let by = json!({"experiment": "a", "metrics": [], "breakdown": {"property": "size"}});
        assert!(refusal(by).starts_with("breakdown: "));
    }
}
