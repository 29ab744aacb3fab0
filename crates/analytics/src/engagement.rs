//! How much somebody does: an index from 0 to 100 of recency, frequency, duration, depth and breadth, and three levels by it.
//!
//! Always holds: each part is a person's rank among those who did anything in the time looked at, so the index adapts to the company; the weights are
//! stated; the same figures give the same index.

use std::collections::{BTreeMap, HashMap};

use arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::{count, max, min, sum};
use datafusion::logical_expr::{Expr, cast, ident, lit};
use rapport_domain::shop_events::{PASSIVE, SURVEY_ANSWERED};
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::columns::{OCCURRED_AT, PERSON};
use rapport_lake::{Snapshot, TableOptions};
use rapport_profiles::records::persons;
use rapport_segments::EventColumns;
use rapport_segments::value::Reading;

use crate::analytics::Analytics;
use crate::columns::Columns;
use crate::error::Result;
use crate::lifecycle::INTEREST_DAYS;

/// The days looked at.
pub const DAYS: i64 = 90;
/// Recency, frequency, duration, depth, breadth.
pub const WEIGHTS: [f64; 5] = [0.30, 0.25, 0.15, 0.15, 0.15];
/// The share of the active who are heavy users, and of those who are heavy or medium ones.
pub const HEAVY: f64 = 0.20;
/// See [`HEAVY`].
pub const MEDIUM: f64 = 0.50;

/// What somebody did in the days looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activity {
    /// Who.
    pub person: PersonId,
    /// The last time.
    pub last_at: Timestamp,
    /// On how many days.
    pub days: i64,
    /// From the first to the last event of each of these days, in microseconds, added up.
    pub lasted: i64,
    /// Events.
    pub events: i64,
    /// Different kinds of events.
    pub kinds: i64,
}

/// How much somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The most active fifth.
    Heavy,
    /// The next three tenths.
    Medium,
    /// The other active ones.
    Light,
    /// Did nothing in the days looked at.
    Inactive,
}

impl Level {
    /// All, in their order.
    pub const ALL: [Self; 4] = [Self::Heavy, Self::Medium, Self::Light, Self::Inactive];

    /// The stable word, as told.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Heavy => "heavy",
            Self::Medium => "medium",
            Self::Light => "light",
            Self::Inactive => "inactive",
        }
    }
}

/// The index and level of each of the active, in their order. Who is equal in all has the same index.
pub fn index(active: &[Activity]) -> Vec<(PersonId, u8, Level)> {
    let parts: [Vec<f64>; 5] = [
        ranks(active.iter().map(|it| it.last_at.0 as f64)),
        ranks(active.iter().map(|it| it.days as f64)),
        ranks(active.iter().map(|it| it.lasted as f64)),
        ranks(active.iter().map(|it| it.events as f64 / it.days.max(1) as f64)),
        ranks(active.iter().map(|it| it.kinds as f64)),
    ];
    let indices: Vec<f64> =
        (0..active.len()).map(|at| parts.iter().zip(WEIGHTS).map(|(part, weight)| part[at] * weight).sum()).collect();
    let places = ranks(indices.iter().copied());
    let level = |place: f64| match 1.0 - place {
        above if above <= HEAVY => Level::Heavy,
        above if above <= MEDIUM => Level::Medium,
        _ => Level::Light,
    };
    let person = |((it, index), place): ((&Activity, f64), f64)| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
        let index = (index * 100.0).round() as u8;
        (it.person, index, level(place))
    };
    active.iter().zip(indices).zip(places).map(person).collect()
}

/// The share that each value is greater than, equal ones counted half.
fn ranks(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let values: Vec<f64> = values.collect();
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let rank = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let not_above = sorted.partition_point(|other| other <= value);
        (below + not_above) as f64 / 2.0 / values.len() as f64
    };
    values.iter().map(rank).collect()
}

/// Whether and when somebody showed interest, and whether they spoke well of the company.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// The last look at a product.
    pub interested_at: Option<Timestamp>,
    /// A review of four stars or more, or a nine or ten of recommendation.
    pub is_fond: bool,
}

/// Of more events than this the people are looked at in several goes.
const ROWS_AT_ONCE: i64 = 1_000_000;
/// Looks at a product.
const INTEREST: [&str; 4] = ["Product Viewed", "Product Added", "Products Searched", "Checkout Started"];

impl Analytics {
    /// What everybody did in the last [`DAYS`] days.
    ///
    /// # Errors
    /// The lake's.
    pub async fn activity(&self, workspace: WorkspaceId, now: Timestamp) -> Result<Vec<Activity>> {
        let snapshot = self.lake.snapshot(workspace).await?;
        let mut active = Vec::new();
        for range in persons::ranges(snapshot.rows() / ROWS_AT_ONCE + 1) {
            active.extend(self.activity_of(&snapshot, range, now).await?);
        }
        active.sort_by_key(|it| it.person);
        Ok(active)
    }

    /// The same of the people from one number to another, in no order.
    async fn activity_of(
        &self,
        snapshot: &Snapshot,
        (first, last): (PersonId, PersonId),
        now: Timestamp,
    ) -> Result<Vec<Activity>> {
        let from = now.plus(-DAYS * Timestamp::DAY);
        let options = TableOptions { from: Some(from), to: Some(now.plus(1)), ..TableOptions::default() };
        let at = cast(ident(OCCURRED_AT), DataType::Int64);
        // Being written to is no engagement.
        let active = || {
            let is_active = EventColumns::name(snapshot).in_list(PASSIVE.map(lit).to_vec(), true);
            ident(PERSON).between(lit(first.0), lit(last.0)).and(is_active)
        };
        let by_day = snapshot
            .scan(options)?
            .filter(active())?
            .project([ident(PERSON), at.clone().alias("at"), (at / lit(Timestamp::DAY)).alias("day")])?
            .aggregate(
                [ident(PERSON), ident("day")],
                [count(lit(1_i64)).alias("events"), min(ident("at")).alias("first"), max(ident("at")).alias("last")],
            )?
            .aggregate(
                [ident(PERSON)],
                [
                    sum(ident("events")).alias("all_events"),
                    count(lit(1_i64)).alias("days"),
                    sum(ident("last") - ident("first")).alias("lasted"),
                    max(ident("last")).alias("last_at"),
                ],
            )?
            .build()?;
        let kinds = snapshot
            .scan(options)?
            .filter(active())?
            // Counted as rows of a table: a set for each person takes ten times the memory.
            .aggregate([ident(PERSON), EventColumns::name(snapshot).alias("kind")], Vec::<Expr>::new())?
            .aggregate([ident(PERSON)], [count(lit(1_i64)).alias("kinds")])?
            .build()?;
        let mut different: HashMap<i64, i64> = HashMap::new();
        for batch in self.lake.query(self.budget)?.collect(kinds).await?.1 {
            let columns = Columns(&batch);
            let (persons, kinds) = (columns.integers(PERSON)?, columns.integers("kinds")?);
            different.extend(persons.values().iter().copied().zip(kinds.values().iter().copied()));
        }
        let mut active = Vec::with_capacity(different.len());
        for batch in self.lake.query(self.budget)?.collect(by_day).await?.1 {
            let columns = Columns(&batch);
            let of = |name: &str| columns.integers(name);
            let (persons, events, days) = (of(PERSON)?, of("all_events")?, of("days")?);
            let (lasted, last) = (of("lasted")?, of("last_at")?);
            active.extend((0..batch.num_rows()).map(|row| Activity {
                person: PersonId(persons.value(row)),
                last_at: Timestamp(last.value(row)),
                days: days.value(row),
                lasted: lasted.value(row),
                events: events.value(row),
                kinds: different.get(&persons.value(row)).copied().unwrap_or(1),
            }));
        }
        Ok(active)
    }

    /// Who showed interest lately, and who ever spoke well of the company.
    ///
    /// # Errors
    /// The lake's.
    pub async fn signals(&self, workspace: WorkspaceId, now: Timestamp) -> Result<BTreeMap<PersonId, Signals>> {
        let snapshot = self.lake.snapshot(workspace).await?;
        let name = || EventColumns::name(&snapshot);
        let mut signals: BTreeMap<PersonId, Signals> = BTreeMap::new();
        let from = now.plus(-(INTEREST_DAYS + 1) * Timestamp::DAY);
        let options = TableOptions { from: Some(from), to: Some(now.plus(1)), ..TableOptions::default() };
        let interested = snapshot
            .scan(options)?
            .filter(name().in_list(INTEREST.map(lit).to_vec(), false))?
            .aggregate([ident(PERSON)], [max(cast(ident(OCCURRED_AT), DataType::Int64)).alias("last")])?
            .build()?;
        for batch in self.lake.query(self.budget)?.collect(interested).await?.1 {
            let columns = Columns(&batch);
            let (persons, last) = (columns.integers(PERSON)?, columns.integers("last")?);
            for row in 0..batch.num_rows() {
                let person = signals.entry(PersonId(persons.value(row))).or_default();
                person.interested_at = Some(Timestamp(last.value(row)));
            }
        }
        for path in ["rating", "score"] {
            snapshot.ask_for(path);
        }
        let number = |path: &str| EventColumns::property(&snapshot, path, Reading::Number);
        let review = name().eq(lit("Product Reviewed")).and(number("rating").gt_eq(lit(4.0)));
        let answer = name().eq(lit(SURVEY_ANSWERED)).and(number("score").gt_eq(lit(9.0)));
        let options = TableOptions { to: Some(now.plus(1)), ..TableOptions::default() };
        let fond = snapshot
            .scan(options)?
            .filter(name().in_list(vec![lit("Product Reviewed"), lit(SURVEY_ANSWERED)], false))?
            .filter(review.or(answer))?
            .project([ident(PERSON)])?
            .distinct()?
            .build()?;
        for batch in self.lake.query(self.budget)?.collect(fond).await?.1 {
            for person in Columns(&batch).integers(PERSON)?.values() {
                signals.entry(PersonId(*person)).or_default().is_fond = true;
            }
        }
        Ok(signals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(person: i64, last: i64, days: i64, lasted: i64, events: i64, kinds: i64) -> Activity {
        Activity { person: PersonId(person), last_at: Timestamp(last), days, lasted, events, kinds }
    }

    /// By hand: of two people, who is greater in a part has the rank 3/4, who is less 1/4; equal ones have 1/2.
    #[test]
    fn the_index_is_the_weighted_sum_of_ranks() {
        let found = index(&[activity(1, 9, 4, 10, 8, 3), activity(2, 5, 4, 20, 4, 1)]);
        let one = 0.30 * 0.75 + 0.25 * 0.5 + 0.15 * 0.25 + 0.15 * 0.75 + 0.15 * 0.75;
        assert_eq!(f64::from(found[0].1), f64::round(one * 100.0));
        assert_eq!(f64::from(found[1].1), f64::round((1.0 - one) * 100.0));
    }

    #[test]
    fn a_fifth_is_heavy_and_three_tenths_are_medium() {
        let people: Vec<Activity> = (0..100).map(|n| activity(n, n, n + 1, n, n * (n + 1), n)).collect();
        let found = index(&people);
        let count = |level: Level| found.iter().filter(|(.., other)| *other == level).count();
        assert_eq!((count(Level::Heavy), count(Level::Medium), count(Level::Light)), (20, 30, 50));
        assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].1), "more in every part is never a lower index");
        assert!(index(&[]).is_empty());
    }
}
