//! The people behind a part of an answer: those who reached a step, came back in a cell, are in a group.
//!
//! Always holds: the people of a part are those that the answer counted for it; at most as many as asked for, ascending by id.

use datafusion::logical_expr::{Expr, LogicalPlanBuilder, ident, lit};
use rapport_domain::{PersonId, Timestamp};
use rapport_lake::columns::PERSON;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aggregates::retention_cell;
use crate::asking::Asking;
use crate::breakdown::Parts;
use crate::columns::Columns;
use crate::error::{Error, Result};
use crate::question::{Funnel, Question, Retention, Rfm, Trend};
use crate::{funnel, retention, rfm, trend};

/// A part of an answer, named as the answer names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Part {
    /// Of a trend.
    Trend(TrendPart),
    /// Of a funnel.
    Funnel(FunnelPart),
    /// Of retention.
    Retention(RetentionPart),
    /// Of RFM.
    Rfm(RfmPart),
}

/// A point of a trend's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrendPart {
    /// Which series of the question, from 0.
    pub series: usize,
    /// Where the interval begins; the whole period without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The value of the breakdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<String>,
}

/// Who came so far in a funnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunnelPart {
    /// The step, from 1.
    pub step: usize,
    /// Whether they did it.
    pub stage: Stage,
    /// The value of the breakdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<String>,
}

/// What people did with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// They did it.
    Reached,
    /// They did the step before, and not this one.
    Dropped,
}

/// A cell of a retention table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionPart {
    /// Where the cohort's interval begins.
    pub cohort: String,
    /// The column; 0 is the cohort itself.
    pub interval: usize,
}

/// A group of buyers, or a field of the grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RfmPart {
    /// The group's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The recency score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r: Option<u8>,
    /// The frequency score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f: Option<u8>,
}

impl Part {
    /// Reads a part of an answer to `question`.
    pub fn from_json(question: &Question, value: Value) -> Result<Self> {
        let decoded = match question {
            Question::Trend(_) => serde_json::from_value(value).map(Self::Trend),
            Question::Funnel(_) => serde_json::from_value(value).map(Self::Funnel),
            Question::Retention(_) => serde_json::from_value(value).map(Self::Retention),
            Question::Rfm(_) => serde_json::from_value(value).map(Self::Rfm),
            Question::Kpis(_) => return Err(Error::invalid("part", "key figures have no parts; ask a trend")),
        };
        decoded.map_err(|error| Error::invalid("part", error.to_string()))
    }
}

/// The people behind a part.
pub(crate) async fn behind(
    asking: &Asking<'_>,
    question: &Question,
    part: &Part,
    limit: usize,
) -> Result<Vec<PersonId>> {
    let plan = match (question, part) {
        (Question::Trend(question), Part::Trend(part)) => of_trend(asking, question, part).await?,
        (Question::Funnel(question), Part::Funnel(part)) => of_funnel(asking, question, part).await?,
        (Question::Retention(question), Part::Retention(part)) => of_retention(asking, question, part)?,
        (Question::Rfm(question), Part::Rfm(part)) => return of_rfm(asking, question, part, limit).await,
        _ => return Err(Error::invalid("part", format!("not a part of an answer of kind `{}`", question.kind()))),
    };
    let person = ident(PERSON).sort(true, false);
    let plan = plan.sort_with_limit([person], Some(limit))?.build()?;
    let mut people = Vec::new();
    for batch in asking.collect(plan).await? {
        people.extend(Columns(&batch).integers(PERSON)?.values().iter().map(|person| PersonId(*person)));
    }
    Ok(people)
}

async fn of_trend(asking: &Asking<'_>, question: &Trend, part: &TrendPart) -> Result<LogicalPlanBuilder> {
    let missing = || Error::invalid("part.series", "the question has no such series");
    let series = question.series.get(part.series).ok_or_else(missing)?;
    let mut range = asking.range(question.period)?;
    let filter = asking.selected(&series.selector())?;
    let parts = trend::parts(asking, question, series, &range, filter.clone()).await?;
    if let Some(start) = &part.start {
        let intervals = range.intervals(question.interval, &asking.context.calendar)?;
        let place = intervals.place(instant(start, "part.start")?);
        let place = place.ok_or_else(|| Error::invalid("part.start", "no interval of the answer begins there"))?;
        range.from = range.from.max(intervals.bounds[place]);
        range.to = range.to.min(intervals.bounds[place + 1]);
    }
    let events = parts.joined(asking.events(range.from, range.to, false)?)?.filter(filter)?;
    let events = in_part(events, &parts, part.breakdown.as_deref(), parts.place()?)?;
    Ok(events.aggregate([ident(PERSON)], Vec::<Expr>::new())?)
}

async fn of_funnel(asking: &Asking<'_>, question: &Funnel, part: &FunnelPart) -> Result<LogicalPlanBuilder> {
    if part.step == 0 || part.step > question.steps.len() {
        return Err(Error::invalid("part.step", format!("the funnel has steps 1 to {}", question.steps.len())));
    }
    let range = asking.range(question.period)?;
    let parts = funnel::parts(asking, question, &range).await?;
    let step = i64::try_from(part.step).unwrap_or(i64::MAX);
    let persons = funnel::by_person(asking, question, &parts, &range)?;
    let persons = persons.filter(match part.stage {
        Stage::Reached => ident("level").gt_eq(lit(step)),
        Stage::Dropped => ident("level").eq(lit(step - 1)),
    })?;
    Ok(in_part(persons, &parts, part.breakdown.as_deref(), ident("place"))?.project([ident(PERSON)])?)
}

/// Keeps the rows of one value of the breakdown.
fn in_part(rows: LogicalPlanBuilder, parts: &Parts, value: Option<&str>, place: Expr) -> Result<LogicalPlanBuilder> {
    let Some(value) = value else { return Ok(rows) };
    let unknown = || Error::invalid("part.breakdown", "the answer has no such value");
    let wanted = parts.place_of(value).ok_or_else(unknown)?;
    Ok(rows.filter(place.eq(lit(i64::try_from(wanted).unwrap_or(i64::MAX))))?)
}

fn of_retention(asking: &Asking<'_>, question: &Retention, part: &RetentionPart) -> Result<LogicalPlanBuilder> {
    let plan = retention::Plan::of(asking, question)?;
    let start = instant(&part.cohort, "part.cohort")?;
    let cohort = plan.intervals.place(start).filter(|cohort| *cohort < plan.settings.cohorts);
    let cohort = cohort.ok_or_else(|| Error::invalid("part.cohort", "no cohort of the answer begins there"))?;
    if part.interval > question.intervals {
        return Err(Error::invalid("part.interval", format!("the answer has columns 0 to {}", question.intervals)));
    }
    let cell = retention_cell(ident("sets"), &plan.settings, cohort, part.interval);
    Ok(plan.by_person(asking, question)?.filter(cell)?.project([ident(PERSON)])?)
}

async fn of_rfm(asking: &Asking<'_>, question: &Rfm, part: &RfmPart, limit: usize) -> Result<Vec<PersonId>> {
    let group = match &part.group {
        Some(key) => {
            let unknown = || Error::invalid("part.group", "there is no such group");
            Some(rfm::Group::of_key(key).ok_or_else(unknown)?)
        }
        None => None,
    };
    if (group, part.r, part.f) == (None, None, None) {
        return Err(Error::invalid("part", "expected `group`, or `r` and `f`"));
    }
    let buyers = rfm::buyers(asking, question).await?;
    let chosen = buyers.scores.iter().filter(|score| {
        group.is_none_or(|group| score.group == group)
            && part.r.is_none_or(|recency| score.recency == recency)
            && part.f.is_none_or(|frequency| score.frequency == frequency)
    });
    Ok(chosen.map(|score| score.person).take(limit).collect())
}

fn instant(text: &str, place: &str) -> Result<Timestamp> {
    Timestamp::parse(text)
        .ok_or_else(|| Error::invalid(place, "expected the start of an interval as the answer gave it"))
}
