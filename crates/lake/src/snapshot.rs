//! A snapshot: one state of a workspace's events, pinned, that a question reads as one table.
//!
//! Always holds: what a snapshot shows never changes, whatever is appended, flushed, moved or compacted meanwhile; the files it shows
//! are not deleted while it, or a plan made from it, lives.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, Result as EngineResult, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, TableType, cast, lit};
use datafusion::physical_plan::ExecutionPlan;
use rapport_domain::{Timestamp, WorkspaceId};

use crate::batch;
use crate::columns::{self, PropertyColumn, PropertyType};
use crate::error::Result;
use crate::functions;
use crate::reading;
use crate::registry::Registry;
use crate::scan::Scan;
use crate::workspace::{State, Workspace};

/// What a snapshot has pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
    /// The last commit of the catalog.
    pub seq: i64,
    /// Events up to this log position are read from files.
    pub flushed: i64,
    /// Events up to this log position are read at all.
    pub applied: i64,
}

/// How a snapshot is read as a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// Only events at or after this time.
    pub from: Option<Timestamp>,
    /// Only events before this time.
    pub to: Option<Timestamp>,
    /// Declare that rows are partitioned by person, where the files allow it. Only for plans in which this table is the single
    /// input of aggregates by person; never for one side of a join.
    pub per_person: bool,
}

/// How often an event name occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameUse {
    /// Events of this name; superseded ones count until compaction has removed them.
    pub events: i64,
}

/// One pinned state of a workspace's events.
#[derive(Clone, Debug)]
pub struct Snapshot {
    workspace: Arc<Workspace>,
    state: Arc<State>,
    schema: SchemaRef,
}

impl Snapshot {
    pub(crate) fn of(workspace: Arc<Workspace>) -> Self {
        let state = Arc::new(workspace.state());
        let schema = state.set.schema();
        Self { workspace, state, schema }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Whose events.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace.id
    }

    /// What is pinned.
    pub fn positions(&self) -> Positions {
        let head = self.state.head;
        Positions { seq: head.seq, flushed: head.flushed, applied: self.state.applied }
    }

    /// The columns of the table: the fixed ones of [`crate::columns`], then the hot property columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// What is known of the properties.
    pub fn properties(&self) -> &Registry {
        &self.state.registry
    }

    /// Whether a property path has a column of its own type.
    pub fn is_column(&self, path: &str, kind: PropertyType) -> bool {
        self.state.set.rank(path, kind).is_some()
    }

    /// The event names, with their counts.
    pub fn names(&self) -> Result<BTreeMap<String, NameUse>> {
        let mut names: BTreeMap<String, NameUse> = BTreeMap::new();
        let mut add = |name: &str, events| match names.get_mut(name) {
            Some(counted) => counted.events += events,
            None => drop(names.insert(name.to_owned(), NameUse { events })),
        };
        for (name, events) in self.state.files.iter().flat_map(|file| &file.names) {
            add(name, *events);
        }
        for hot in &self.state.hot.batches {
            batch::words(&hot.batch, columns::NAME)?.iter().flatten().for_each(|name| add(name, 1));
        }
        Ok(names)
    }

    /// The earliest and latest time of an event, if there is one.
    pub fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let files = self.state.files.iter().map(|file| file.times);
        let all = files.chain(self.state.hot.batches.iter().map(|hot| hot.times));
        let (from, to) = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        Some((Timestamp(from), Timestamp(to)))
    }

    /// Rows, as the catalog counts them: superseded and erased ones count until compaction has removed them.
    pub fn rows(&self) -> i64 {
        let hot = i64::try_from(self.state.hot.rows()).unwrap_or(i64::MAX);
        self.state.files.iter().map(|file| file.rows).sum::<i64>().saturating_add(hot)
    }

    /// The table.
    pub fn table(&self, options: TableOptions) -> Arc<dyn TableProvider> {
        Arc::new(EventTable { snapshot: self.clone(), options })
    }

    /// The beginning of a plan over the table, which is called `events`.
    pub fn scan(&self, options: TableOptions) -> Result<LogicalPlanBuilder> {
        let source = provider_as_source(self.table(options));
        Ok(LogicalPlanBuilder::scan(TableReference::bare("events"), source, None)?)
    }

    /// A property as an expression of type `kind` over the table: its typed column alone where every pinned row has its values there,
    /// else also what lies in other columns and in the residual. Null where the value is none of that type.
    pub fn property(&self, path: &str, kind: PropertyType) -> Expr {
        let registry = &self.state.registry;
        let mut seen: Vec<PropertyType> = registry.types(path).map(|(seen, _)| seen).collect();
        seen.sort_by_key(|seen| *seen != kind);
        let mut choices = Vec::new();
        for (hot, _) in self.state.set.of_path(path).iter().filter(|(hot, _)| seen.contains(hot)) {
            choices.extend(self.converted(path, *hot, kind).map(|choice| (*hot != kind, choice)));
        }
        choices.sort_by_key(|(other, _)| *other);
        let mut choices: Vec<Expr> = choices.into_iter().map(|(_, choice)| choice).collect();
        if registry.overflowed() || seen.iter().any(|seen| !self.is_complete(path, *seen)) {
            let function = functions::residual_property(kind);
            choices.push(function.call(vec![column(columns::RESIDUAL), lit(path)]));
        }
        match choices.len() {
            0 => cast(lit(datafusion::common::ScalarValue::Null), kind.data_type()),
            1 => choices.remove(0),
            _ => datafusion::functions::expr_fn::coalesce(choices),
        }
    }

    /// Notes that a question asks for a path, which helps it to become a column.
    pub fn ask_for(&self, path: &str) {
        Arc::make_mut(&mut self.workspace.lock().registry).ask(path);
    }

    /// Whether every pinned row has its values of this path and type in their column.
    fn is_complete(&self, path: &str, kind: PropertyType) -> bool {
        let Some(rank) = self.state.set.rank(path, kind) else { return false };
        self.state.files.iter().all(|file| rank < file.columns)
            && self.state.hot.batches.iter().all(|hot| rank < hot.columns)
    }

    fn converted(&self, path: &str, from: PropertyType, to: PropertyType) -> Option<Expr> {
        let typed = column(&PropertyColumn::new(path, from).name());
        match (from, to) {
            _ if from == to => Some(typed),
            (PropertyType::Money, PropertyType::Number) => {
                Some(cast(typed, PropertyType::Number.data_type()) / lit(1_000_000.0_f64))
            }
            (PropertyType::Boolean, PropertyType::Number | PropertyType::Money)
            | (PropertyType::Number | PropertyType::Money, PropertyType::Boolean) => None,
            _ => Some(reading::read_as(to).call(vec![typed])),
        }
    }
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// The table a snapshot is read as.
struct EventTable {
    snapshot: Snapshot,
    options: TableOptions,
}

impl fmt::Debug for EventTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventTable").field("at", &self.snapshot.positions()).field("options", &self.options).finish()
    }
}

#[async_trait]
impl TableProvider for EventTable {
    fn schema(&self) -> SchemaRef {
        self.snapshot.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let from = self.options.from.map_or(i64::MIN, |from| from.0);
        let to = self.options.to.map_or(i64::MAX, |to| to.0);
        let schema = self.snapshot.schema();
        let wanted = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let scan = Scan { session, state: &self.snapshot.state, schema, wanted, times: (from, to) };
        if self.options.per_person
            && let Some(plan) = scan.plan_per_person().await?
        {
            return Ok(plan);
        }
        scan.plan()
    }
}
