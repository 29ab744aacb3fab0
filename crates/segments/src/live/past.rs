//! What was so of conditions in the past, whether anybody keeps them or not, and what will be so if nothing more happens: played from the histories like
//! everything else, and written nowhere.
//!
//! Always holds: what is said of a kept segment is what its memberships say, because both are played by the one accumulator.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, ident, lit};
use rapport_domain::{Calendar, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_lake::columns::{OCCURRED_AT, PERSON, RECEIVED_AT, SOURCE};
use rapport_lake::{Budget, TableOptions};

use super::Live;
use crate::batch::{CANDIDATE, Play, Sources, Whom, asked_for};
use crate::compile::{EventColumns, event_filter};
use crate::condition::Condition;
use crate::error::Error;
use crate::person::Change;
use crate::program::Program;

/// So many events of a time are read one by one at most, about.
const MOST_DEEDS: i64 = 200_000;

/// Somebody comes into a condition, or leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The condition's place in the list that was asked for.
    pub condition: usize,
    /// When.
    pub at: Timestamp,
    /// Whether they come in.
    pub entered: bool,
}

/// An event that somebody did, without what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    /// Who.
    pub person: PersonId,
    /// When.
    pub occurred_at: Timestamp,
    /// When it was heard of.
    pub received_at: Timestamp,
    /// From where.
    pub source: SourceId,
}

/// What is played, and under which numbers.
struct Asked {
    program: Arc<Program>,
    /// The tree of each condition.
    trees: Vec<usize>,
}

impl Asked {
    fn of(segments: &[(String, Condition)], conditions: &[Condition], calendar: &Calendar) -> Result<Self, Error> {
        let mut all: Vec<(&str, &Condition)> = Vec::new();
        for condition in conditions {
            for (key, other) in asked_for(segments, condition) {
                if !all.iter().any(|(known, _)| *known == key) {
                    all.push((key, other));
                }
            }
        }
        // No segment's key begins with a blank.
        let names: Vec<String> = (0..conditions.len()).map(|number| format!("{CANDIDATE}{number}")).collect();
        all.extend(names.iter().map(String::as_str).zip(conditions));
        let program = Program::new(&all, calendar.clone())?;
        let place = |name: &String| program.keys().position(|key| key == name).unwrap_or_default();
        let trees = names.iter().map(place).collect();
        Ok(Self { program: Arc::new(program), trees })
    }

    fn turns(&self, changes: &[Change]) -> Vec<Turn> {
        let turn = |change: &Change| {
            let condition = self.trees.iter().position(|tree| *tree == change.tree)?;
            Some(Turn { condition, at: change.at, entered: change.entered })
        };
        changes.iter().filter_map(turn).collect()
    }
}

impl Live {
    /// When some people came into conditions and left them, from when they came themselves, in the order of time. From now until `until` nothing more
    /// happens: only time passes. `segments` are those that conditions may ask for.
    ///
    /// # Errors
    /// The store's and the lake's, and when a condition does not fit.
    pub async fn turns(
        &self,
        workspace: WorkspaceId,
        (segments, conditions): (&[(String, Condition)], &[Condition]),
        calendar: &Calendar,
        persons: &[PersonId],
        until: Timestamp,
    ) -> Result<BTreeMap<PersonId, Vec<Turn>>, Error> {
        let asked = Asked::of(segments, conditions, calendar)?;
        let now = self.store.clock().now();
        let mut all = BTreeMap::new();
        for (mut person, mut changes) in self.play_again(workspace, &asked.program, persons, (now, now)).await? {
            person.wake(&asked.program, until, &mut changes);
            all.insert(person.id(), asked.turns(&changes));
        }
        Ok(all)
    }

    /// Of everybody what `wanted` makes of the turns of one condition up to now, in the order of persons.
    ///
    /// # Errors
    /// As [`Live::turns`].
    pub async fn turns_of_all<T: Ord>(
        &self,
        workspace: WorkspaceId,
        (segments, condition): (&[(String, Condition)], &Condition),
        calendar: &Calendar,
        wanted: impl Fn(&[Turn]) -> Vec<T>,
    ) -> Result<Vec<(PersonId, T)>, Error> {
        let asked = Asked::of(segments, std::slice::from_ref(condition), calendar)?;
        let snapshot = self.lake.snapshot(workspace).await?;
        let now = self.store.clock().now();
        let sources = Sources { store: &self.store, lake: &self.lake, snapshot: &snapshot, workspace, now, until: now };
        let mut play = Play::begin(&asked.program, sources, Whom::Everybody)?;
        let mut found = Vec::new();
        while let Some(chunk) = play.next().await? {
            for (person, changes) in chunk {
                found.extend(wanted(&asked.turns(&changes)).into_iter().map(|it| (person.id(), it)));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Who did an event (`*` for any) that passes a filter, from an instant until before another, in the order of persons. Of more events than
    /// [`MOST_DEEDS`] only those of a part of all people are read, with the part.
    ///
    /// # Errors
    /// The lake's, and when the filter does not fit.
    pub async fn deeds(
        &self,
        workspace: WorkspaceId,
        (name, filter): (&str, Option<&Condition>),
        calendar: &Calendar,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<(f64, Vec<Deed>), Error> {
        let snapshot = self.lake.snapshot(workspace).await?;
        let options = TableOptions { from: Some(from), to: Some(to), ..TableOptions::default() };
        let mut scan = snapshot.scan(options)?;
        if name != "*" {
            scan = scan.filter(EventColumns::name(&snapshot).eq(lit(name)))?;
        }
        if let Some(filter) = filter {
            scan = scan.filter(event_filter(filter, &snapshot, calendar)?)?;
        }
        let none: Vec<Expr> = Vec::new();
        let counting = scan.clone().aggregate(none, vec![count(lit(1_i64))])?.build()?;
        let (_, counted) = self.lake.query(Budget::default())?.collect(counting).await?;
        let all = counted.first().map_or(0, |batch| batch.column(0).as_primitive::<Int64Type>().value(0));
        #[expect(clippy::cast_precision_loss, reason = "a share of a number of events")]
        let share = (MOST_DEEDS as f64 / all.max(1) as f64).min(1.0);
        if share < 1.0 {
            // Numbers of persons are drawn by chance, so those up to one are as good as any.
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "below 2^63")]
            let last = (share * i64::MAX as f64) as i64;
            scan = scan.filter(ident(PERSON).lt_eq(lit(last)))?;
        }
        let columns = [PERSON, OCCURRED_AT, RECEIVED_AT, SOURCE].map(ident);
        let plan = scan.project(columns)?.build()?;
        let budget = Budget { rows: usize::MAX, ..Budget::default() };
        let (_, batches) = self.lake.query(budget)?.collect(plan).await?;
        let mut deeds = Vec::new();
        for batch in &batches {
            let number = |column: usize| batch.column(column).as_primitive::<Int64Type>();
            let time = |column: usize| batch.column(column).as_primitive::<TimestampMicrosecondType>();
            deeds.extend((0..batch.num_rows()).map(|row| Deed {
                person: PersonId(number(0).value(row)),
                occurred_at: Timestamp(time(1).value(row)),
                received_at: Timestamp(time(2).value(row)),
                source: SourceId(number(3).value(row)),
            }));
        }
        deeds.sort_unstable();
        Ok((share, deeds))
    }
}
