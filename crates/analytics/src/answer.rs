//! The answer: a table, a sentence, notes, and the details of its kind.
//!
//! Always holds: the table says the same as the details; money in it is a decimal text, exact; times are RFC 3339 in UTC. The
//! values of a chart's line are numbers, also of money, because they are drawn; its totals are exact.

use rapport_domain::{Currency, Interval, Timestamp, money};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::schema;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A decimal text in the column's currency.
    Money,
    /// RFC 3339, UTC.
    Time,
    /// A share: 0.25 is 25 %.
    Ratio,
    /// Seconds.
    Duration,
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Column {
    /// Its stable name.
    pub name: String,
    /// What it is called on screen.
    pub label: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Of money.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub currency: Option<Currency>,
}

impl Column {
    pub(crate) fn new(name: impl Into<String>, label: impl Into<String>, kind: ColumnType) -> Self {
        Self { name: name.into(), label: label.into(), kind, currency: None }
    }

    pub(crate) fn money(name: impl Into<String>, label: impl Into<String>, currency: Currency) -> Self {
        Self { name: name.into(), label: label.into(), kind: ColumnType::Money, currency: Some(currency) }
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// There is none.
    Nothing,
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number, a share or a length in seconds.
    Number(f64),
    /// Millionths.
    Money(i64),
    /// An instant.
    Time(Timestamp),
}

impl Cell {
    /// As a number to draw; of money in units.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(count) => Some(*count as f64),
            Self::Number(number) => Some(*number),
            Self::Money(micros) => Some(units(*micros)),
            Self::Nothing | Self::Text(_) | Self::Time(_) => None,
        }
    }

    pub(crate) fn of_number(number: Option<f64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }
}

/// Millionths as a number to draw.
pub(crate) fn units(micros: i64) -> f64 {
    micros as f64 / money::MICROS_PER_UNIT as f64
}

/// `part` of `whole`; none of nothing.
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl utoipa::PartialSchema for Cell {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        schema::cell()
    }
}

impl ToSchema for Cell {}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(count) => serializer.serialize_i64(*count),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Money(micros) => serializer.serialize_str(&money::format_micros(*micros)),
            Self::Time(time) => time_text(time, serializer),
        }
    }
}

pub(crate) fn time_text<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339())
}

pub(crate) fn time_texts<S: Serializer>(times: &[Timestamp], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(times.iter().map(|time| time.to_rfc3339()))
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// How many.
    Count,
    /// Money.
    Money,
    /// A share.
    Ratio,
    /// Any other number.
    Number,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Answer {
    /// The question's kind: trend, funnel, retention, rfm or kpis.
    pub kind: &'static str,
    /// The table's columns.
    pub columns: Vec<Column>,
    /// Its rows, each as long as the columns.
    pub rows: Vec<Vec<Cell>>,
    /// What it says, in one plain sentence.
    pub sentence: String,
    /// What one must know to read it rightly.
    pub notes: Vec<String>,
    /// How long it took.
    pub computed_ms: u64,
    /// Up to when there is data.
    #[serde(serialize_with = "time_text")]
    #[schema(value_type = String, format = DateTime)]
    pub data_until: Timestamp,
    /// Rows of the events that the question stood over.
    pub rows_read: u64,
    /// What only answers of this kind have.
    pub detail: Detail,
}

/// What only answers of one kind have.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Detail {
    /// Of a trend.
    Trend(TrendDetail),
    /// Of a funnel.
    Funnel(FunnelDetail),
    /// Of retention.
    Retention(RetentionDetail),
    /// Of RFM.
    Rfm(RfmDetail),
    /// Of the key figures.
    Kpis(KpisDetail),
}

/// The lines of a trend.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TrendDetail {
    /// Where the intervals begin.
    #[serde(serialize_with = "time_texts")]
    #[schema(value_type = Vec<String>)]
    pub starts: Vec<Timestamp>,
    /// Which of them the period or the data do not cover wholly.
    pub incomplete: Vec<bool>,
    /// The lines.
    pub series: Vec<TrendLine>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TrendLine {
    /// What it shows.
    pub label: String,
    /// Which series of the question it belongs to, from 0.
    pub series: usize,
    /// The value of the breakdown.
    pub breakdown: Option<String>,
    /// A number for each interval; none where there is nothing to measure.
    pub values: Vec<Option<f64>>,
    /// The period before, interval by interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<Vec<Option<f64>>>,
    /// Of the whole period; of people each once.
    pub total: Cell,
    /// Of the whole period before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_total: Option<Cell>,
    /// Its unit.
    pub unit: Unit,
    /// Of money.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub currency: Option<Currency>,
    /// Where its level changed at once, in the order of time; not there where it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<LevelChange>>,
}

/// A change of a line's level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct LevelChange {
    /// The place of the first interval after it among those of the trend.
    pub at: usize,
    /// The mean level before it, back to the change before, without what the calendar repeats.
    pub before: f64,
    /// The mean level since.
    pub after: f64,
    /// Above what that is with 97.5 %.
    pub after_low: f64,
    /// Below what that is with 97.5 %.
    pub after_high: f64,
}

/// The steps of a funnel.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FunnelDetail {
    /// Step by step.
    pub steps: Vec<FunnelStep>,
    /// The window as it was asked for.
    pub window: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FunnelStep {
    /// What it is called.
    pub label: String,
    /// Who came so far.
    pub people: u64,
    /// As a share of those who began.
    pub of_first: Option<f64>,
    /// As a share of those who did the step before.
    pub of_previous: Option<f64>,
    /// The median time from the step before.
    pub median_seconds: Option<f64>,
    /// Who came so far in the period before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<u64>,
    /// Taken apart.
    pub breakdown: Vec<FunnelPart>,
}

/// One value of a funnel's breakdown.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FunnelPart {
    /// The value at the first step.
    pub value: String,
    /// Who came so far.
    pub people: u64,
    /// As a share of those of this value who began.
    pub of_first: Option<f64>,
}

/// The cohorts of a retention table.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RetentionDetail {
    /// The length of an interval.
    #[schema(schema_with = schema::interval)]
    pub interval: Interval,
    /// Cohort by cohort.
    pub cohorts: Vec<Cohort>,
    /// Column by column, over complete cells only: those who came back as a share of those who could.
    pub average: Vec<Option<f64>>,
}

/// One cohort.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Cohort {
    /// Where its interval begins.
    #[serde(serialize_with = "time_text")]
    #[schema(value_type = String, format = DateTime)]
    pub start: Timestamp,
    /// Its people.
    pub size: u64,
    /// Whether its interval is over and covered by the period.
    pub complete: bool,
    /// From column 0, the cohort itself.
    pub cells: Vec<CohortCell>,
}

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CohortCell {
    /// Who came back.
    pub count: u64,
    /// Whether its time is over.
    pub complete: bool,
}

/// Buyers by recency, frequency and money.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RfmDetail {
    /// From when recency counts back.
    #[serde(serialize_with = "time_text")]
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// How many buyers.
    pub customers: u64,
    /// Where the scores change.
    pub thresholds: RfmThresholds,
    /// The named groups.
    pub groups: Vec<RfmGroup>,
    /// People by recency score (from 1) and frequency score (from 1).
    #[schema(value_type = Vec<Vec<u64>>)]
    pub grid: [[u64; 5]; 5],
}

/// Up to the first threshold is the first fifth, and so on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct RfmThresholds {
    /// Whole days; up to the first is score 5.
    pub recency_days: Vec<i64>,
    /// Orders; up to the first is score 1.
    pub frequency: Vec<i64>,
    /// Amounts; up to the first is score 1.
    pub monetary: Vec<Cell>,
}

/// A named group of buyers.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RfmGroup {
    /// Its stable name.
    pub key: &'static str,
    /// What it is called on screen.
    pub label: &'static str,
    /// How many.
    pub people: u64,
    /// Of all buyers.
    pub share: Option<f64>,
    /// What they spent.
    pub revenue: Cell,
    /// How long ago they bought last, on average.
    pub average_recency_days: Option<f64>,
    /// How often they bought, on average.
    pub average_orders: Option<f64>,
    /// What to do.
    pub action: &'static str,
}

/// The key figures.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct KpisDetail {
    /// The period.
    pub period: PeriodSpan,
    /// The figures.
    pub figures: Vec<KpiFigure>,
    /// Revenue, week by week.
    pub revenue: RevenueSplit,
}

/// A period and the one that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PeriodSpan {
    /// Its beginning.
    #[serde(serialize_with = "time_text")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Its end, which does not belong to it.
    #[serde(serialize_with = "time_text")]
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// The beginning of the period before.
    #[serde(serialize_with = "optional_time_text", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub compare_from: Option<Timestamp>,
    /// Its end.
    #[serde(serialize_with = "optional_time_text", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub compare_to: Option<Timestamp>,
}

fn optional_time_text<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => time_text(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// What a figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Customers and their orders.
    Shop,
    /// What is paid again and again.
    Subscriptions,
}

/// Which direction one hopes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// One key figure.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct KpiFigure {
    /// Its stable name.
    pub key: &'static str,
    /// What it is called on screen.
    pub label: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// Which direction one hopes for.
    pub better: Better,
    /// Its value.
    pub value: Cell,
    /// Its unit.
    pub unit: Unit,
    /// Of money.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub currency: Option<Currency>,
    /// Its value in the period before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Cell>,
    /// Against the period before: relative; of a share in points.
    pub change: Option<f64>,
    /// The figure over the period, from first to last; empty where it has none.
    pub spark: Vec<f64>,
}

/// Revenue of first orders and of later ones, week by week; of a short period with the weeks before it, so that there is a course to see.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RevenueSplit {
    /// The length of an interval.
    #[schema(schema_with = schema::interval)]
    pub interval: Interval,
    /// Where the intervals begin.
    #[serde(serialize_with = "time_texts")]
    #[schema(value_type = Vec<String>)]
    pub starts: Vec<Timestamp>,
    /// Which of them are not covered wholly.
    pub incomplete: Vec<bool>,
    /// Revenue of people's first orders ever.
    pub new: Vec<f64>,
    /// Revenue of all other orders.
    pub returning: Vec<f64>,
    /// Its currency.
    #[schema(value_type = String)]
    pub currency: Currency,
}
