//! What is missing to the next tier, and when it is reached at this pace.
//!
//! Always holds: a forecast is said only of two or more things done in at least a week; it never looks past the end of the period, in which what was done stops counting.

use rapport_domain::Timestamp;

use super::{Counted, Course, Ladder, Length, Needs, Period, Standing};
use crate::decimal::Decimal;

/// Less than this says nothing about a pace.
const LEAST: i64 = 7 * Timestamp::DAY;

/// How far a member is with something that a tier needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Of which measure.
    pub measure: String,
    /// How much they have.
    pub have: Decimal,
    /// How much the tier needs.
    pub at_least: Decimal,
    /// How much is missing.
    pub missing: Decimal,
}

/// The next tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Which.
    pub tier: String,
    /// How far they are with each thing that it needs.
    pub progress: Vec<Progress>,
    /// What is missing on the shortest way: of `any` what they are furthest with, of `all` what holds them up.
    pub missing: Option<Progress>,
    /// When it is reached at this pace.
    pub forecast: Forecast,
}

/// When the next tier is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// What can be said.
    pub outlook: Outlook,
    /// When, of [`Outlook::Reached`].
    pub at: Option<Timestamp>,
}

/// What can be said of the next tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// At this pace it is reached.
    Reached,
    /// At this pace it is not reached before what was done stops counting.
    NotReached,
    /// There is too little to say.
    TooEarly,
    /// It needs a condition, which has no pace.
    Condition,
}

impl Outlook {
    /// As it is written in JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::NotReached => "not_reached",
            Self::TooEarly => "too_early",
            Self::Condition => "condition",
        }
    }
}

impl Course<'_> {
    /// What is next on the ladder as it is now; nothing above the highest tier.
    pub fn next(&self, standing: &Standing, now: Timestamp) -> Option<Next> {
        let ladder = self.versions.iter().rev().find(|(from, _)| *from <= now).or(self.versions.first())?.1;
        if ladder.ended {
            return None;
        }
        let place = standing.tier.as_deref().and_then(|tier| ladder.place(tier)).map_or(0, |place| place + 1);
        let tier = ladder.tiers.get(place)?;
        let progress = |measure: &str, at_least: Decimal| {
            let have = standing.have.iter().find(|(key, _)| key == measure).map_or(0, |(_, have)| *have);
            let missing = at_least.micros().saturating_sub(have).max(0);
            let [have, missing] = [have, missing].map(Decimal::from_micros);
            Progress { measure: measure.to_owned(), have, at_least, missing }
        };
        let all = tier.needs.leaves().into_iter().map(|(measure, at_least)| progress(measure, at_least)).collect();
        let pace = Pace { course: self, ladder, standing, now };
        Some(Next {
            tier: tier.key.clone(),
            progress: all,
            missing: shortest(&tier.needs, &progress),
            forecast: pace.forecast(&tier.needs),
        })
    }
}

/// How much of a need is there, in thousandths.
fn share(progress: &Progress) -> i128 {
    let needed = i128::from(progress.at_least.micros().max(1));
    (i128::from(progress.have.micros()) * 1_000 / needed).min(1_000)
}

fn shortest(needs: &Needs, progress: &impl Fn(&str, Decimal) -> Progress) -> Option<Progress> {
    match needs {
        // The first of several that are as far.
        Needs::All(parts) => parts.iter().filter_map(|part| shortest(part, progress)).min_by_key(share),
        Needs::Any(parts) => {
            parts.iter().filter_map(|part| shortest(part, progress)).min_by_key(|it| 1_000 - share(it))
        }
        Needs::Of { measure, at_least } => Some(progress(measure, *at_least)),
    }
}

struct Pace<'a> {
    course: &'a Course<'a>,
    ladder: &'a Ladder,
    standing: &'a Standing,
    now: Timestamp,
}

impl Pace<'_> {
    fn forecast(&self, needs: &Needs) -> Forecast {
        match self.of(needs) {
            Ok(at) if self.horizon().is_none_or(|end| at < end) => Forecast { outlook: Outlook::Reached, at: Some(at) },
            Ok(_) => Forecast { outlook: Outlook::NotReached, at: None },
            Err(outlook) => Forecast { outlook, at: None },
        }
    }

    /// When what was done begins to count no more.
    fn horizon(&self) -> Option<Timestamp> {
        match self.ladder.period {
            Period::Ever => None,
            Period::Calendar { .. } | Period::Anniversary { .. } => self.standing.period_end,
            // From a full window as much leaves as comes, at the same pace.
            Period::Rolling { count, unit } => Some(Length { count, unit }.leaves(self.began(), &self.course.zone)),
        }
    }

    /// From when on the pace is taken: when the window began, and not before they were a member or did anything.
    fn began(&self) -> Timestamp {
        let series = self.ladder.measures.iter().map(|it| self.course.history.of(&it.counts));
        let first = series.filter_map(super::Series::first).fold(self.course.enrolled_at, Timestamp::min);
        match self.ladder.period {
            Period::Rolling { count, unit } => {
                let length = Length { count, unit };
                let since = first.max(self.course.counts_from);
                // Before the window what was done has left.
                if length.leaves(since, &self.course.zone) > self.now { since } else { self.standing.counts_from }
            }
            _ => self.standing.counts_from.max(first),
        }
    }

    /// When these needs are met at the pace of each measure.
    fn of(&self, needs: &Needs) -> Result<Timestamp, Outlook> {
        match needs {
            Needs::All(parts) => parts.iter().try_fold(self.now, |latest, part| Ok(latest.max(self.of(part)?))),
            Needs::Any(parts) => {
                let each: Vec<_> = parts.iter().map(|part| self.of(part)).collect();
                let soonest = each.iter().filter_map(|it| it.as_ref().ok()).min().copied();
                soonest.ok_or_else(|| each.into_iter().find_map(Result::err).unwrap_or(Outlook::TooEarly))
            }
            Needs::Of { measure, at_least } => self.of_one(measure, *at_least),
        }
    }

    fn of_one(&self, measure: &str, at_least: Decimal) -> Result<Timestamp, Outlook> {
        let have = self.standing.have.iter().find(|(key, _)| key == measure).map_or(0, |(_, have)| *have);
        let missing = at_least.micros().saturating_sub(have);
        if missing <= 0 {
            return Ok(self.now);
        }
        let counted = self.ladder.measure(measure).map(|it| &it.counts);
        let Some(counted) = counted.filter(|it| !matches!(it, Counted::Condition { .. })) else {
            return Err(Outlook::Condition);
        };
        let began = self.began();
        let elapsed = self.now.0.saturating_sub(began.0);
        let times = self.course.history.of(counted).count(self.standing.counts_from, self.now);
        if elapsed < LEAST {
            return Err(Outlook::TooEarly);
        }
        if times < 2 {
            // Of nothing in a whole week nothing comes; of one thing nobody knows how often it is done.
            return if times == 0 { Err(Outlook::NotReached) } else { Err(Outlook::TooEarly) };
        }
        let wait = i128::from(missing) * i128::from(elapsed) / i128::from(have.max(1)) + 1;
        let at = i128::from(self.now.0) + wait;
        Ok(Timestamp(i64::try_from(at).unwrap_or(i64::MAX)))
    }
}
