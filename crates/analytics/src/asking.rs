//! One question being answered: the pinned events, who is meant, and how plans over them begin and run.
//!
//! Always holds: all plans of a question read the same snapshot. Partitioning by person is declared only where the table is the
//! single input of an aggregate by person, so never beside a join.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{Column, JoinType};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident, lit, when};
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_lake::{Budget, Lake, QueryContext, Snapshot, TableOptions, columns};
use rapport_profiles::records::facts;
use rapport_segments::batch;
use rapport_segments::compile::{PERSON, fact_rows, fact_schema, is_countable};
use rapport_segments::records::segments;
use rapport_segments::value::Reading;
use rapport_segments::{Condition, EventColumns, Moment, Sources, event_filter, person_set};
use rapport_store::Store;
use serde_json::Value;

use crate::analytics::Context;
use crate::error::Result;
use crate::period::Range;
use crate::question::{EventSelector, Period};

/// A question being answered.
pub(crate) struct Asking<'a> {
    pub(crate) context: &'a Context,
    pub(crate) snapshot: Snapshot,
    store: &'a Store,
    workspace: WorkspaceId,
    query: QueryContext,
    /// Whose events; all without it.
    who: Option<LogicalPlan>,
}

impl<'a> Asking<'a> {
    pub(crate) async fn begin(
        store: &'a Store,
        lake: &Lake,
        budget: Budget,
        workspace: WorkspaceId,
        who: Option<&Condition>,
        context: &'a Context,
    ) -> Result<Self> {
        let snapshot = lake.snapshot(workspace).await?;
        let mut asking = Self { context, snapshot, store, workspace, query: lake.query(budget)?, who: None };
        if let Some(condition) = who {
            asking.who = Some(asking.persons(lake, condition).await?);
        }
        Ok(asking)
    }

    /// The persons for whom a condition holds now.
    async fn persons(&self, lake: &Lake, condition: &Condition) -> Result<LogicalPlan> {
        if !is_countable(condition) {
            return self.persons_by_history(lake, condition).await;
        }
        let keys: Vec<String> = condition.fact_keys().into_iter().map(str::to_owned).collect();
        let facts = if keys.is_empty() { None } else { Some(self.fact_table(&keys).await?) };
        let events =
            self.snapshot.scan(TableOptions { to: Some(self.context.now.plus(1)), ..TableOptions::default() })?;
        // Only persons with events matter to a question, so the table of all persons is not needed.
        let sources = Sources { events: events.build()?, columns: &self.snapshot, facts, persons: None };
        let moment = Moment { now: self.context.now, calendar: &self.context.calendar };
        Ok(person_set(condition, sources, moment)?)
    }

    /// The same where more than counts and facts is tested: from everybody's history.
    async fn persons_by_history(&self, lake: &Lake, condition: &Condition) -> Result<LogicalPlan> {
        let known = segments::conditions(&segments::all(&mut self.store.read(), self.workspace).await?);
        let (store, snapshot, workspace) = (self.store, &self.snapshot, self.workspace);
        let now = self.context.now;
        let sources = batch::Sources { store, lake, snapshot, workspace, now, until: now };
        let found = batch::found(condition, &known, &self.context.calendar, sources).await?;
        let schema = Arc::new(Schema::new(vec![Field::new(PERSON, DataType::Int64, false)]));
        let persons = Int64Array::from_iter_values(found.into_iter().map(|person| person.0));
        let rows = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(persons)])?;
        table("found", rows_table(schema, rows)?)
    }

    async fn fact_table(&self, keys: &[String]) -> Result<LogicalPlan> {
        let facts = self.facts(keys).await?;
        let rows = fact_rows(facts.iter().map(|(person, key, value)| (*person, key.as_str(), value)))?;
        table("facts", rows_table(fact_schema(), rows)?)
    }

    /// The present values of facts.
    pub(crate) async fn facts(&self, keys: &[String]) -> Result<Vec<(PersonId, String, Value)>> {
        let rows = facts::current_by_person(&mut self.store.read(), self.workspace, keys, self.context.now).await?;
        let value = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(rows.into_iter().map(|(person, key, text)| (person, key, value(text))).collect())
    }

    /// The instants of a period.
    pub(crate) fn range(&self, period: Period) -> Result<Range> {
        Range::of(period, self.context, self.snapshot.times())
    }

    /// Whether everyone is meant.
    pub(crate) const fn is_everyone(&self) -> bool {
        self.who.is_none()
    }

    /// The beginning of a plan: the events in a range of those who are meant. `alone` says that nothing is joined to it and that it
    /// is aggregated by person.
    pub(crate) fn events(&self, from: Timestamp, to: Timestamp, alone: bool) -> Result<LogicalPlanBuilder> {
        let per_person = alone && self.is_everyone();
        let events = self.snapshot.scan(TableOptions { from: Some(from), to: Some(to), per_person })?;
        let Some(who) = &self.who else { return Ok(events) };
        let who = LogicalPlanBuilder::from(who.clone()).alias("who")?.build()?;
        Ok(events.join(
            who,
            JoinType::LeftSemi,
            (vec![person_column()], vec![Column::new(Some("who"), "person")]),
            None,
        )?)
    }

    /// Whether an event is one of a selector's.
    pub(crate) fn selected(&self, selector: &EventSelector) -> Result<Expr> {
        let name = (!selector.is_any()).then(|| self.snapshot.name().eq(lit(selector.event.as_str())));
        let filter = match &selector.filter {
            Some(filter) => {
                filter.walk(&mut |part| {
                    if let Condition::Property { path, .. } = part {
                        self.snapshot.ask_for(path);
                    }
                });
                Some(event_filter(filter, &self.snapshot, &self.context.calendar)?)
            }
            None => None,
        };
        Ok(name.into_iter().chain(filter).reduce(Expr::and).unwrap_or_else(|| lit(true)))
    }

    /// A filter that lets through what any of the selectors can want, by name alone; `None` where that is everything.
    pub(crate) fn names(&self, selectors: &[&EventSelector]) -> Option<Expr> {
        if selectors.iter().any(|selector| selector.is_any()) {
            return None;
        }
        let names: BTreeMap<&str, ()> = selectors.iter().map(|selector| (selector.event.as_str(), ())).collect();
        Some(self.snapshot.name().in_list(names.into_keys().map(lit).collect(), false))
    }

    /// A property of the event.
    pub(crate) fn property(&self, path: &str, reading: Reading) -> Expr {
        self.snapshot.ask_for(path);
        EventColumns::property(&self.snapshot, path, reading)
    }

    /// Whether the event's money is in another currency than the workspace's. Without a currency it is the workspace's.
    pub(crate) fn is_foreign(&self) -> Expr {
        let currency = EventColumns::property(&self.snapshot, "currency", Reading::Text);
        let own = self.context.currency.as_str();
        let others = currency.clone().in_list(vec![lit(own), lit(own.to_ascii_lowercase())], true);
        currency.is_not_null().and(others)
    }

    /// The same as 1 or 0.
    pub(crate) fn foreign(&self) -> Result<Expr> {
        Ok(when(self.is_foreign(), lit(1_i64)).otherwise(lit(0_i64))?)
    }

    /// Runs a plan.
    pub(crate) async fn collect(&self, plan: LogicalPlan) -> Result<Vec<RecordBatch>> {
        let (_, batches) = self.query.collect(plan).await?;
        Ok(batches)
    }
}

/// The person of the events.
pub(crate) fn person_column() -> Column {
    Column::new(Some("events"), columns::PERSON)
}

/// When the event happened.
pub(crate) fn time() -> Expr {
    ident(columns::OCCURRED_AT)
}

/// A table in memory as the beginning of a plan.
pub(crate) fn table(name: &str, rows: MemTable) -> Result<LogicalPlan> {
    Ok(LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(rows)), None)?.build()?)
}

/// One batch as a table.
pub(crate) fn rows_table(schema: arrow::datatypes::SchemaRef, rows: RecordBatch) -> Result<MemTable> {
    Ok(MemTable::try_new(schema, vec![vec![rows]])?)
}
