//! The question: what is asked, in the one JSON form that is stored, sent and shown.
//!
//! Always holds: a question that was [decoded](Question::from_json) is valid: its names are the standard ones, its conditions stand
//! where they mean something, its sizes are within limits. Unknown fields are refused with their place.
//!
//! Does not know when or where it is asked: periods and dates get their meaning from a calendar and the present.

mod decode;
mod period;
mod validate;

use rapport_domain::Interval;
use rapport_domain::shop_events::{ORDER_COMPLETED, standard_name};
use rapport_segments::{Condition, Duration};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use decode::decoded;
pub use period::Period;
pub(crate) use validate::validate_who;

use crate::schema;

/// A question, tagged by `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there is one of them a request, and it is not moved about")]
pub enum Question {
    /// How much of something, interval by interval.
    Trend(Trend),
    /// How far people come through steps.
    Funnel(Funnel),
    /// Who comes back.
    Retention(Retention),
    /// Buyers by recency, frequency and money.
    Rfm(Rfm),
    /// The key figures.
    Kpis(Kpis),
}

/// An event by name, and what it must pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSelector {
    /// Its standard name; `*` is any event.
    #[serde(deserialize_with = "event_name")]
    pub event: String,
    /// A condition on the event.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::condition)]
    pub filter: Option<Condition>,
}

impl EventSelector {
    /// All events of a name.
    pub fn named(name: &str) -> Self {
        Self { event: standard_name(name).to_owned(), filter: None }
    }

    /// Whether every event is meant, whatever its name.
    pub fn is_any(&self) -> bool {
        self.event == ANY_EVENT
    }

    /// What it is called on screen.
    pub fn label(&self) -> String {
        if self.is_any() { "Any event".to_owned() } else { self.event.clone() }
    }
}

/// The name that stands for any event.
pub const ANY_EVENT: &str = "*";

/// What is counted of the events of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Events.
    #[default]
    Count,
    /// Different people.
    People,
    /// The sum of a property.
    Sum,
    /// The mean of a property.
    Average,
    /// The smallest value of a property.
    Minimum,
    /// The largest value of a property.
    Maximum,
    /// The median of a property; of an even number of values the mean of the two in the middle.
    Median,
}

impl Measure {
    /// Whether it is of a property.
    pub const fn needs_property(self) -> bool {
        !matches!(self, Self::Count | Self::People)
    }
}

/// One line of a trend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Its events' standard name; `*` is any event.
    #[serde(deserialize_with = "event_name")]
    pub event: String,
    /// A condition on the event.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::condition)]
    pub filter: Option<Condition>,
    /// What is counted.
    #[serde(default)]
    pub measure: Measure,
    /// The property that is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
}

impl Series {
    /// Its events.
    pub fn selector(&self) -> EventSelector {
        EventSelector { event: self.event.clone(), filter: self.filter.clone() }
    }
}

/// By what an answer is taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Breakdown {
    /// A property of the event.
    Property(String),
    /// A trait of the person, as it is now.
    Trait(String),
    /// A fact of the person, as it is now: `value.tenth`, `churn.level`, `propensity.upgrade`.
    Fact(String),
}

/// How much of something, interval by interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trend {
    /// What is counted, line by line.
    pub series: Vec<Series>,
    /// The length of an interval.
    #[schema(schema_with = schema::interval)]
    pub interval: Interval,
    /// By what each line is taken apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Breakdown>,
    /// The most values of the breakdown that are shown by themselves; what is left is one more.
    #[serde(default = "default_breakdown_limit")]
    pub breakdown_limit: usize,
    /// When.
    #[serde(default)]
    #[schema(schema_with = schema::period)]
    pub period: Period,
    /// Whose events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::condition)]
    pub who: Option<Condition>,
    /// Whether the period before is shown beside it.
    #[serde(default)]
    pub compare: bool,
}

/// How the steps of a funnel must follow one another; the kernel (`sequences::funnel`) has the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOrder {
    /// In their order, with anything in between.
    #[default]
    Ordered,
    /// In their order, with nothing in between.
    Strict,
    /// In any order.
    Any,
}

/// How far people come through steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Funnel {
    /// The steps.
    pub steps: Vec<EventSelector>,
    /// The longest time from the first step to the last, this time included.
    #[serde(default = "default_window")]
    #[schema(value_type = String, example = "14d")]
    pub window: Duration,
    /// How they must follow one another.
    #[serde(default)]
    pub order: StepOrder,
    /// Events that must not happen between the steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<EventSelector>,
    /// By what it is taken apart: the value at the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Breakdown>,
    /// The most values of the breakdown that are shown by themselves.
    #[serde(default = "default_breakdown_limit")]
    pub breakdown_limit: usize,
    /// When the first step was done. Later steps may follow after the period, within the window.
    #[serde(default)]
    #[schema(schema_with = schema::period)]
    pub period: Period,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::condition)]
    pub who: Option<Condition>,
    /// Whether the period before is shown beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compare: bool,
}

/// Who comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// What puts a person into a cohort.
    pub start: EventSelector,
    /// What counts as coming back.
    pub back: EventSelector,
    /// The length of an interval.
    #[schema(schema_with = schema::interval)]
    pub interval: Interval,
    /// Only a person's first start ever founds a cohort, whenever the period begins.
    #[serde(default)]
    pub first_time: bool,
    /// Whoever comes back later counts for the intervals before, too.
    #[serde(default)]
    pub on_or_after: bool,
    /// How many intervals after the cohort's own are shown.
    #[serde(default = "default_intervals")]
    pub intervals: usize,
    /// When cohorts are founded. People may come back after the period.
    #[serde(default)]
    #[schema(schema_with = schema::period)]
    pub period: Period,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::condition)]
    pub who: Option<Condition>,
    /// A common field of questions; here the period before cannot be shown, so only `false` is taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compare: bool,
}

/// Buyers by recency, frequency and money.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rfm {
    /// What counts as an order.
    #[serde(default = "default_order", deserialize_with = "event_name")]
    pub event: String,
    /// A condition on the order.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::condition)]
    pub filter: Option<Condition>,
    /// Which orders count.
    #[serde(default)]
    #[schema(schema_with = schema::period)]
    pub period: Period,
    /// The day or instant from which recency counts back; else the end of the period, or of the data if that is earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub as_of: Option<rapport_segments::Instant>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::condition)]
    pub who: Option<Condition>,
    /// A common field of questions; here the period before cannot be shown, so only `false` is taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compare: bool,
}

/// The key figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Kpis {
    /// When.
    #[serde(default)]
    #[schema(schema_with = schema::period)]
    pub period: Period,
    /// Whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::condition)]
    pub who: Option<Condition>,
    /// Whether the period before is shown beside it.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub compare: bool,
}

impl Question {
    /// The word of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Trend(_) => "trend",
            Self::Funnel(_) => "funnel",
            Self::Retention(_) => "retention",
            Self::Rfm(_) => "rfm",
            Self::Kpis(_) => "kpis",
        }
    }

    /// The condition on the person, if it has one.
    pub const fn who(&self) -> Option<&Condition> {
        match self {
            Self::Trend(Trend { who, .. })
            | Self::Funnel(Funnel { who, .. })
            | Self::Retention(Retention { who, .. })
            | Self::Rfm(Rfm { who, .. })
            | Self::Kpis(Kpis { who, .. }) => who.as_ref(),
        }
    }
}

fn event_name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    Ok(standard_name(&name).to_owned())
}

fn default_breakdown_limit() -> usize {
    8
}

fn default_intervals() -> usize {
    12
}

fn default_order() -> String {
    ORDER_COMPLETED.to_owned()
}

fn default_window() -> Duration {
    Duration::new(14, rapport_segments::duration::Unit::Day).expect("fourteen days are a length of time")
}

const fn yes() -> bool {
    true
}
