//! What a question must satisfy beyond its form.

use rapport_segments::{Condition, Scope};

use super::{Breakdown, EventSelector, Funnel, Question, Retention, Series, Trend};
use crate::error::{Error, Result};

/// Most series of a trend.
pub const MAX_SERIES: usize = 10;
/// Most steps of a funnel.
pub const MAX_STEPS: usize = 20;
/// Most exclusions of a funnel.
pub const MAX_EXCLUSIONS: usize = 8;
/// Most values of a breakdown.
pub const MAX_BREAKDOWN: usize = 50;
/// Most columns of retention.
pub const MAX_COLUMNS: usize = 120;
const MAX_NAME_BYTES: usize = 256;

impl Question {
    /// Refuses what cannot be asked, with its place.
    pub fn validate(&self) -> Result<()> {
        if let Some(who) = self.who() {
            scoped(who, Scope::Person, "who")?;
        }
        match self {
            Self::Trend(trend) => trend.validate(),
            Self::Funnel(funnel) => funnel.validate(),
            Self::Retention(retention) => retention.validate(),
            Self::Rfm(rfm) => {
                named(&rfm.event, "event")?;
                not_compared(rfm.compare)?;
                filter(rfm.filter.as_ref(), "where")
            }
            Self::Kpis(_) => Ok(()),
        }
    }
}

impl Trend {
    fn validate(&self) -> Result<()> {
        count(self.series.len(), 1..=MAX_SERIES, "series")?;
        for (at, series) in self.series.iter().enumerate() {
            series.validate(&format!("series[{at}]"))?;
        }
        broken_down(self.breakdown.as_ref(), self.breakdown_limit)
    }
}

impl Series {
    pub(crate) fn validate(&self, place: &str) -> Result<()> {
        named(&self.event, &format!("{place}.event"))?;
        filter(self.filter.as_ref(), &format!("{place}.where"))?;
        let place = format!("{place}.property");
        match &self.property {
            Some(_) if !self.measure.needs_property() => {
                Err(Error::invalid(place, "`count` and `people` measure no property; leave it out"))
            }
            None if self.measure.needs_property() => {
                Err(Error::invalid(place, "this measure needs the path of a property, e.g. `revenue`"))
            }
            Some(path) => named(path, &place),
            None => Ok(()),
        }
    }
}

impl Funnel {
    fn validate(&self) -> Result<()> {
        count(self.steps.len(), 1..=MAX_STEPS, "steps")?;
        count(self.exclude.len(), 0..=MAX_EXCLUSIONS, "exclude")?;
        for (at, step) in self.steps.iter().enumerate() {
            step.validate(&format!("steps[{at}]"))?;
        }
        for (at, exclusion) in self.exclude.iter().enumerate() {
            exclusion.validate(&format!("exclude[{at}]"))?;
        }
        broken_down(self.breakdown.as_ref(), self.breakdown_limit)
    }
}

impl Retention {
    fn validate(&self) -> Result<()> {
        self.start.validate("start")?;
        self.back.validate("back")?;
        not_compared(self.compare)?;
        count(self.intervals, 1..=MAX_COLUMNS, "intervals")
    }
}

impl EventSelector {
    fn validate(&self, place: &str) -> Result<()> {
        named(&self.event, &format!("{place}.event"))?;
        filter(self.filter.as_ref(), &format!("{place}.where"))
    }
}

fn filter(condition: Option<&Condition>, place: &str) -> Result<()> {
    condition.map_or(Ok(()), |condition| scoped(condition, Scope::Event, place))
}

/// Refuses a condition on the person that cannot be one.
pub(crate) fn validate_who(who: &Condition) -> Result<()> {
    scoped(who, Scope::Person, "who")
}

fn scoped(condition: &Condition, scope: Scope, place: &str) -> Result<()> {
    condition.validate(scope).map_err(|error| Error::invalid(place, error.to_string()))
}

fn named(name: &str, place: &str) -> Result<()> {
    match name.len() {
        0 => Err(Error::invalid(place, "a name is missing")),
        1..=MAX_NAME_BYTES => Ok(()),
        _ => Err(Error::invalid(place, format!("a name is at most {MAX_NAME_BYTES} bytes long"))),
    }
}

fn not_compared(compare: bool) -> Result<()> {
    if compare {
        return Err(Error::invalid("compare", "only trends, funnels and key figures can show the period before"));
    }
    Ok(())
}

fn broken_down(breakdown: Option<&Breakdown>, limit: usize) -> Result<()> {
    match breakdown {
        Some(Breakdown::Property(name)) => named(name, "breakdown.property")?,
        Some(Breakdown::Trait(name)) => named(name, "breakdown.trait")?,
        Some(Breakdown::Fact(name)) => named(name, "breakdown.fact")?,
        None => {}
    }
    count(limit, 1..=MAX_BREAKDOWN, "breakdown_limit")
}

fn count(count: usize, allowed: std::ops::RangeInclusive<usize>, place: &str) -> Result<()> {
    if allowed.contains(&count) {
        return Ok(());
    }
    Err(Error::invalid(place, format!("expected {} to {}, found {count}", allowed.start(), allowed.end())))
}
