//! An experiment read out: what the people exposed to each variant did afterwards, as the sums that the statistics need.
//!
//! Always holds: a person belongs to the variant of their only exposures, from the first one on; who was exposed to two is left out and counted. The
//! rules are those of `sequences::exposure`. Sums are over persons, whether they did anything or not; they are those that
//! `models::experiments` takes, so nothing is computed here that a statistician would argue about.
//!
//! An exposure is an event "Experiment Viewed" with the properties `experiment` and `variant`, both keys; others, such as what was assigned
//! (`subject`), are not looked at: whoever the event is of was exposed.
//!
//! Does not do: assign variants, judge whether a difference is chance, or keep anything.

mod plan;
mod question;

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_models::experiments::{Arm, Moments, Paired, Undecidable};

use crate::aggregates::{ExposureSettings, Sums};
use crate::analytics::{Analytics, Context};
use crate::asking::Asking;
use crate::error::{Error, Result};
use plan::Plan;

pub use question::{Experiment, Immature, Metric};

/// What an experiment came to so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposed {
    /// Everybody.
    pub all: Part,
    /// The same by the value of the breakdown; empty without one.
    pub parts: Vec<(String, Part)>,
    /// The days on which people were first exposed, from the first of them to the last: their beginnings, in the workspace's zone. Empty where the
    /// period has more than 3,000 days.
    pub days: Vec<Timestamp>,
    /// Events that measured persons had after exposure and whose amount is in another currency, so that no sum has it.
    pub foreign: u64,
    /// Up to when there is data.
    pub data_until: Timestamp,
    /// How long it took.
    pub computed_ms: u64,
    /// Events in the lake when it was read.
    pub rows_read: u64,
}

/// The variants among some people.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// In the order in which they were asked for.
    pub variants: Vec<Variant>,
    /// Persons exposed to more than one variant.
    pub mixed: u64,
    /// Persons exposed to none of those asked for, but to another.
    pub unknown: u64,
}

/// One variant among some people.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its key.
    pub variant: String,
    /// Persons exposed to it alone.
    pub persons: u64,
    /// Their exposures.
    pub exposures: u64,
    /// Those of them whose window is not over.
    pub immature: u64,
    /// Those whose values are in the metrics: `persons`, without the immature ones where those are left out.
    pub counted: u64,
    /// How many of `persons` were first exposed on each of the days.
    pub by_day: Vec<u64>,
    /// The metrics, in the order in which they were asked for.
    pub metrics: Vec<Measured>,
}

/// A metric of a variant, as the statistics take it. Money is in units of the currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measured {
    /// How many persons have something.
    Share {
        /// The persons that have it, and all.
        moments: Moments,
        /// With the same before exposure as x, where that was asked for.
        before: Option<Paired>,
    },
    /// A quantity a person.
    Mean {
        /// Over persons.
        moments: Moments,
        /// With the same before exposure as x, where that was asked for: what [`rapport_models::experiments::Cuped`] takes.
        before: Option<Paired>,
    },
    /// One sum over another: y is a person's part of the first, x of the second.
    Ratio(Paired),
}

impl Measured {
    /// The mean, share or ratio with its variance, not adjusted by what was before.
    pub fn arm(&self) -> std::result::Result<Arm, Undecidable> {
        match self {
            Self::Share { moments, .. } => Arm::proportion(whole(moments.sum), moments.n),
            Self::Mean { moments, .. } => moments.arm(),
            Self::Ratio(paired) => paired.ratio(),
        }
    }

    /// What an adjustment by the time before takes.
    pub const fn before(&self) -> Option<&Paired> {
        match self {
            Self::Share { before, .. } | Self::Mean { before, .. } => before.as_ref(),
            Self::Ratio(_) => None,
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of ones")]
fn whole(sum: f64) -> u64 {
    sum.max(0.0).round() as u64
}

impl Analytics {
    /// Reads an experiment out. Dropping the future cancels it.
    pub async fn experiment(
        &self,
        workspace: WorkspaceId,
        question: &Experiment,
        context: &Context,
    ) -> Result<Exposed> {
        let began = self.store.clock().now();
        question.validate()?;
        let who = question.who.as_ref();
        let asking = Asking::begin(&self.store, &self.lake, self.budget, workspace, who, context).await?;
        let plan = Plan::of(&asking, question).await?;
        let cells = plan.cells(&asking, question).await?;
        let mut exposed = plan.exposed(question, &cells)?;
        exposed.data_until = context.data_until;
        exposed.rows_read = u64::try_from(asking.snapshot.rows()).unwrap_or(0);
        let took = self.store.clock().now().0.saturating_sub(began.0);
        exposed.computed_ms = u64::try_from(took / 1_000).unwrap_or(0);
        Ok(exposed)
    }
}

impl Plan {
    /// The answer from the cells of the aggregate.
    fn exposed(&self, question: &Experiment, cells: &[f64]) -> Result<Exposed> {
        let wrong = || Error::Plan("the sums of the experiment are not as many as were asked for".to_owned());
        let sums = Sums::of(&self.settings, cells).ok_or_else(wrong)?;
        let place = |place: usize| self.part(question, &self.settings, &sums, place);
        let places: Vec<Part> = (0..self.settings.places).map(place).collect();
        let all = places.iter().skip(1).fold(places[0].clone(), |sum, part| sum.with(part));
        let mut parts = Vec::new();
        if self.parts.is_broken_down() {
            let named = |(at, part)| Some((self.parts.name(at)?, part));
            parts = places.into_iter().enumerate().filter_map(named).filter(|(_, part)| part.has_any()).collect();
        }
        let foreign = self.foreign.map_or(0.0, |metric| {
            let of = |place: usize| (0..self.variants.len()).map(move |arm| (place, arm));
            (0..self.settings.places).flat_map(of).map(|(place, arm)| sums.metric(place, arm, metric).y).sum()
        });
        let days = self.settings.days.split_last().map_or(&[][..], |(_, starts)| starts);
        let mut exposed = Exposed {
            all,
            parts,
            days: days.iter().map(|start| Timestamp(*start)).collect(),
            foreign: whole(foreign),
            data_until: Timestamp(0),
            computed_ms: 0,
            rows_read: 0,
        };
        exposed.without_empty_ends();
        Ok(exposed)
    }

    fn part(&self, question: &Experiment, settings: &ExposureSettings, sums: &Sums<'_>, place: usize) -> Part {
        let variant = |(arm, variant): (usize, &String)| {
            let heads = sums.heads(place, arm);
            let metric = |(at, metric): (usize, &Metric)| {
                let (y, x) = self.scales[at];
                let paired = scaled(sums.metric(place, arm, at), y, x);
                metric.measured(paired, settings.before > 0)
            };
            Variant {
                variant: variant.clone(),
                persons: heads.persons,
                exposures: heads.exposures,
                immature: heads.immature,
                counted: heads.counted,
                by_day: sums.days(place, arm),
                metrics: question.metrics.iter().enumerate().map(metric).collect(),
            }
        };
        let (mixed, unknown) = sums.outside(place);
        Part { variants: self.variants.iter().enumerate().map(variant).collect(), mixed, unknown }
    }
}

impl Exposed {
    /// Days before the first exposure of all and after the last are not shown: the period may be everything there is.
    fn without_empty_ends(&mut self) {
        let has_any = |day: usize| self.all.variants.iter().any(|variant| variant.by_day[day] > 0);
        let first = (0..self.days.len()).find(|day| has_any(*day)).unwrap_or(self.days.len());
        let end = (first..self.days.len()).rfind(|day| has_any(*day)).map_or(first, |last| last + 1);
        self.days = self.days[first..end].to_vec();
        let parts = self.parts.iter_mut().map(|(_, part)| part).chain([&mut self.all]);
        for variant in parts.flat_map(|part| &mut part.variants) {
            variant.by_day = variant.by_day[first..end].to_vec();
        }
    }
}

/// Sums of y and x in other units.
fn scaled(sums: Paired, y: f64, x: f64) -> Paired {
    Paired { n: sums.n, y: sums.y * y, yy: sums.yy * y * y, x: sums.x * x, xx: sums.xx * x * x, xy: sums.xy * x * y }
}

impl Part {
    fn has_any(&self) -> bool {
        self.mixed + self.unknown > 0 || self.variants.iter().any(|variant| variant.persons > 0)
    }

    fn with(mut self, other: &Self) -> Self {
        self.mixed += other.mixed;
        self.unknown += other.unknown;
        for (mine, theirs) in self.variants.iter_mut().zip(&other.variants) {
            mine.persons += theirs.persons;
            mine.exposures += theirs.exposures;
            mine.immature += theirs.immature;
            mine.counted += theirs.counted;
            mine.by_day.iter_mut().zip(&theirs.by_day).for_each(|(mine, theirs)| *mine += theirs);
            mine.metrics.iter_mut().zip(&theirs.metrics).for_each(|(mine, theirs)| *mine = mine.merged(theirs));
        }
        self
    }
}

impl Measured {
    /// With the persons of another part; both are of one metric.
    fn merged(&self, other: &Self) -> Self {
        let both = |mine: &Option<Paired>, theirs: &Option<Paired>| Some(mine.as_ref()?.merged(*theirs.as_ref()?));
        match (self, other) {
            (Self::Share { moments, before }, Self::Share { moments: more, before: earlier }) => {
                Self::Share { moments: moments.merged(*more), before: both(before, earlier) }
            }
            (Self::Mean { moments, before }, Self::Mean { moments: more, before: earlier }) => {
                Self::Mean { moments: moments.merged(*more), before: both(before, earlier) }
            }
            (Self::Ratio(mine), Self::Ratio(theirs)) => Self::Ratio(mine.merged(*theirs)),
            (mine, _) => *mine,
        }
    }
}
