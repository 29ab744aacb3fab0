//! What sets a group of people apart from the others, and what its typical member is like.
//!
//! Always holds: nothing that names or reaches a person is compared; both groups are drawn by chance where they are large, so the figures are estimates
//! then, and the answer says how many were looked at. Of many comparisons, the share of false discoveries is controlled.

mod compared;
mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, ident, lit};
use rapport_domain::shop_events::{PASSIVE, SURVEY_ANSWERED};
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::columns::{NAME, PERSON};
use rapport_lake::{Budget, Lake, Snapshot, TableOptions};
use rapport_profiles::records::persons::{self, PersonRow};
use rapport_profiles::records::{consents, facts, identifiers};
use rapport_segments::EventColumns;
use rapport_segments::records::memberships;
use rapport_segments::value::Reading;
use rapport_store::Queries;

use crate::analytics::Analytics;
use crate::asking::{person_column, rows_table, table, time};
use crate::columns::Columns;
use crate::error::Result;

pub use compared::{Kind, Trait};
pub use paths::Path;

/// So many members, and so many others, are looked at.
const MOST: i64 = 20_000;
/// So many of each whose paths are read.
const MOST_PATHS: usize = 2_000;
/// People asked for in one statement.
const SLICE: usize = 500;
/// A persona of fewer people would show persons.
pub const LEAST: usize = 20;

/// What sets people apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Apart {
    /// Members looked at.
    pub members: usize,
    /// Others looked at.
    pub others: usize,
    /// The strongest first.
    pub rows: Vec<Trait>,
}

/// A figure of people.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// `orders`, `spent` (in whole units of the currency), `days_since_order`, `days_known` or `events`.
    pub key: &'static str,
    /// The middle of the members.
    pub median: f64,
    /// A quarter of the members has less.
    pub low: f64,
    /// A quarter of the members has more.
    pub high: f64,
    /// The middle of everybody.
    pub everyone: f64,
}

/// A segment as a person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Persona {
    /// Members looked at; with fewer than [`LEAST`] there is nothing else.
    pub members: usize,
    /// Where the members stand.
    pub figures: Vec<Spread>,
    /// The typical member, with their figures.
    pub example: Option<(PersonId, Vec<(&'static str, f64)>)>,
    /// What sets them apart.
    pub traits: Vec<Trait>,
    /// What they do, one thing after another, more often than others.
    pub paths: Vec<Path>,
}

/// The two groups that are compared.
struct Groups {
    members: Vec<PersonId>,
    others: Vec<PersonId>,
}

impl Groups {
    async fn of(db: &mut impl Queries, workspace: WorkspaceId, segment: i64) -> Result<Self> {
        let members = memberships::some(db, workspace, segment, MOST).await?;
        let members: BTreeSet<PersonId> = members.into_iter().map(|(person,)| person).collect();
        // As many more as may be members themselves. Of these, whoever is a member is none of the others.
        let some = identifiers::some_persons(db, workspace, 2 * MOST).await?;
        let all_members: BTreeSet<PersonId> = match some.last() {
            Some(_) if members.len() as i64 == MOST => {
                memberships::some(db, workspace, segment, i64::MAX).await?.into_iter().map(|(person,)| person).collect()
            }
            _ => members.clone(),
        };
        let others = some.into_iter().map(|(person,)| person).filter(|person| !all_members.contains(person));
        Ok(Self {
            others: others.take(usize::try_from(MOST).unwrap_or(usize::MAX)).collect(),
            members: members.into_iter().collect(),
        })
    }
}

impl Analytics {
    /// What sets the members of a segment apart from everybody else.
    ///
    /// # Errors
    /// The store's and the lake's.
    pub async fn apart(&self, workspace: WorkspaceId, segment: i64) -> Result<Apart> {
        let groups = Groups::of(&mut self.store.read(), workspace, segment).await?;
        self.compare(workspace, &groups).await
    }

    async fn compare(&self, workspace: WorkspaceId, groups: &Groups) -> Result<Apart> {
        let now = self.store.clock().now();
        let mut seen = compared::Seen::default();
        for (is_member, people) in [(true, &groups.members), (false, &groups.others)] {
            for slice in people.chunks(SLICE) {
                let db = &mut self.store.read();
                let mut rows = facts::current_of(db, workspace, slice, now).await?;
                rows.extend(facts::current_keys_of(db, workspace, slice, &consents::of_channels(), now).await?);
                rows.iter().for_each(|(_, key, value)| seen.fact(is_member, key, value));
            }
        }
        let snapshot = self.lake.snapshot(workspace).await?;
        let members: BTreeSet<PersonId> = groups.members.iter().copied().collect();
        let everybody: Vec<PersonId> = groups.members.iter().chain(&groups.others).copied().collect();
        let name = cast(ident(NAME), DataType::Utf8).alias("event");
        let plan = events_of(&snapshot, &everybody, now, false)?.project([ident(PERSON), name])?.distinct()?.build()?;
        for batch in collect(&self.lake, self.budget, plan).await? {
            let columns = Columns(&batch);
            let (persons, names) = (columns.integers(PERSON)?, columns.texts("event")?);
            for row in 0..batch.num_rows() {
                let person = PersonId(persons.value(row));
                seen.did(names.value(row), members.contains(&person));
            }
        }
        let rows = seen.compared(groups.members.len(), groups.others.len());
        Ok(Apart { members: groups.members.len(), others: groups.others.len(), rows })
    }

    /// A segment as a person: where its members stand, a typical one, what sets them apart and what they do.
    ///
    /// # Errors
    /// The store's and the lake's.
    pub async fn persona(&self, workspace: WorkspaceId, segment: i64) -> Result<Persona> {
        let groups = Groups::of(&mut self.store.read(), workspace, segment).await?;
        let mut persona = Persona { members: groups.members.len(), ..Persona::default() };
        if persona.members < LEAST {
            return Ok(persona);
        }
        let now = self.store.clock().now();
        let members = self.rows(workspace, &groups.members).await?;
        let others = self.rows(workspace, &groups.others).await?;
        let figures = |rows: &[PersonRow]| rows.iter().map(|row| figures(row, now)).collect::<Vec<_>>();
        let (own, theirs) = (figures(&members), figures(&others));
        // Everybody as they are mixed, not as they were drawn.
        let everybody: Vec<Vec<f64>> = own.iter().chain(&theirs).cloned().collect();
        for (column, key) in FIGURES.iter().enumerate() {
            let known = |rows: &[Vec<f64>]| {
                let mut values: Vec<f64> =
                    rows.iter().map(|row| row[column]).filter(|value| value.is_finite()).collect();
                values.sort_by(f64::total_cmp);
                values
            };
            let (own, all) = (known(&own), known(&everybody));
            if own.is_empty() {
                continue;
            }
            persona.figures.push(Spread {
                key,
                median: quantile(&own, 0.5),
                low: quantile(&own, 0.25),
                high: quantile(&own, 0.75),
                everyone: quantile(&all, 0.5),
            });
        }
        let complete: Vec<Vec<f64>> = own
            .iter()
            .map(|row| row.iter().map(|value| if value.is_finite() { *value } else { 0.0 }).collect())
            .collect();
        persona.example = rapport_models::medoid(&complete).map(|at| {
            let values = FIGURES.iter().copied().zip(own[at].iter().copied()).filter(|(_, value)| value.is_finite());
            (members[at].person, values.collect())
        });
        let apart = self.compare(workspace, &groups).await?;
        persona.traits = apart.rows.into_iter().filter(|row| row.is_distinct()).take(8).collect();
        persona.paths = self.paths(workspace, &groups).await?;
        Ok(persona)
    }

    /// What people answered to surveys in a time: (who, when, the score as it was given).
    ///
    /// # Errors
    /// The lake's.
    pub async fn scores(
        &self,
        workspace: WorkspaceId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<(PersonId, Timestamp, f64)>> {
        let snapshot = self.lake.snapshot(workspace).await?;
        snapshot.ask_for("score");
        let score = EventColumns::property(&snapshot, "score", Reading::Number).alias("score");
        let plan = snapshot
            .scan(TableOptions { from: Some(from), to: Some(to), ..TableOptions::default() })?
            .filter(EventColumns::name(&snapshot).eq(lit(SURVEY_ANSWERED)))?
            .project([ident(PERSON), cast(time(), DataType::Int64).alias("at"), score])?
            .filter(ident("score").is_not_null())?
            .build()?;
        let mut scores = Vec::new();
        for batch in collect(&self.lake, self.budget, plan).await? {
            let columns = Columns(&batch);
            let (persons, times) = (columns.integers(PERSON)?, columns.integers("at")?);
            let given = columns.numbers("score")?;
            scores.extend(
                (0..batch.num_rows())
                    .map(|row| (PersonId(persons.value(row)), Timestamp(times.value(row)), given.value(row))),
            );
        }
        Ok(scores)
    }

    async fn rows(&self, workspace: WorkspaceId, people: &[PersonId]) -> Result<Vec<PersonRow>> {
        let mut rows = Vec::with_capacity(people.len());
        for slice in people.chunks(SLICE) {
            rows.extend(persons::by_ids(&mut self.store.read(), workspace, slice).await?);
        }
        Ok(rows)
    }

    async fn paths(&self, workspace: WorkspaceId, groups: &Groups) -> Result<Vec<Path>> {
        let some = |people: &[PersonId]| people.iter().take(MOST_PATHS).copied().collect::<BTreeSet<_>>();
        let (members, others) = (some(&groups.members), some(&groups.others));
        let everybody: Vec<PersonId> = members.iter().chain(&others).copied().collect();
        let snapshot = self.lake.snapshot(workspace).await?;
        let name = cast(ident(NAME), DataType::Utf8).alias("event");
        let plan = events_of(&snapshot, &everybody, self.store.clock().now(), true)?
            .project([ident(PERSON), time(), name])?
            .sort([ident(PERSON).sort(true, false), time().sort(true, false)])?
            .build()?;
        let mut walks: BTreeMap<PersonId, Vec<String>> = BTreeMap::new();
        for batch in collect(&self.lake, self.budget, plan).await? {
            let columns = Columns(&batch);
            let (persons, names) = (columns.integers(PERSON)?, columns.texts("event")?);
            for row in 0..batch.num_rows() {
                walks.entry(PersonId(persons.value(row))).or_default().push(names.value(row).to_owned());
            }
        }
        Ok(paths::compared(&walks, &members, &others))
    }
}

/// What is compared of a person's summary.
const FIGURES: [&str; 5] = ["orders", "spent", "days_since_order", "days_known", "events"];

/// Not a number where there is none.
fn figures(row: &PersonRow, now: Timestamp) -> Vec<f64> {
    let days = |since: Timestamp| (now.0 - since.0).max(0) as f64 / Timestamp::DAY as f64;
    vec![
        row.orders as f64,
        row.spent_micros as f64 / 1e6,
        row.last_order_at.map_or(f64::NAN, days),
        days(row.first_seen_at),
        row.events as f64,
    ]
}

/// By nearest rank, of ascending values.
fn quantile(values: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a number of people")]
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).or(values.last()).copied().unwrap_or(f64::NAN)
}

/// The events of some people up to now; `active` leaves out what happens to people or is said of them.
fn events_of(snapshot: &Snapshot, people: &[PersonId], now: Timestamp, active: bool) -> Result<LogicalPlanBuilder> {
    let schema = Arc::new(Schema::new(vec![Field::new(PERSON, DataType::Int64, false)]));
    let persons = Int64Array::from_iter_values(people.iter().map(|person| person.0));
    let rows = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(persons)])?;
    let chosen = table("chosen", rows_table(schema, rows)?)?;
    let mut events = snapshot.scan(TableOptions { to: Some(now.plus(1)), ..TableOptions::default() })?;
    if active {
        events = events.filter(EventColumns::name(snapshot).in_list(PASSIVE.map(lit).to_vec(), true))?;
    }
    let keys = (vec![person_column()], vec![Column::new(Some("chosen"), PERSON)]);
    Ok(events.join(chosen, JoinType::LeftSemi, keys, None)?)
}

async fn collect(lake: &Lake, budget: Budget, plan: LogicalPlan) -> Result<Vec<RecordBatch>> {
    let (_, batches) = lake.query(budget)?.collect(plan).await?;
    Ok(batches)
}
