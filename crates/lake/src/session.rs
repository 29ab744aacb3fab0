//! Runs plans: a session with budgets of time, memory and rows, on threads of its own.
//!
//! Always holds: planning happens on a thread with a large stack; a plan that is too large or too deep is refused before it;
//! dropping the future of a run cancels the run; questions never run on the threads that answer requests.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;

use crate::backend::{ExecutionBackend, Local};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::functions;
use crate::gathered::Gathered;
use crate::scan::STORE;

/// What one question may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Time from planning to the last row.
    pub time: Duration,
    /// Bytes that its operators may hold; what can spill, spills.
    pub memory: usize,
    /// Rows of its answer.
    pub rows: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { time: Duration::from_secs(60), memory: 512 << 20, rows: 100_000 }
    }
}

/// Most expressions and nodes of a plan.
pub const MAX_PLAN_NODES: usize = 20_000;
/// Deepest nesting of a plan or of an expression in it.
pub const MAX_PLAN_DEPTH: usize = 400;

const PLANNER_STACK: usize = 64 << 20;

/// How much the threads of questions give way: about a tenth of what another thread gets, where both want a processor.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The engine that all questions share: threads, functions, the cache of file footers, the object store.
#[derive(Debug)]
pub(crate) struct Engine {
    /// What every session begins with.
    base: SessionState,
    threads: Option<tokio::runtime::Runtime>,
    /// For what somebody waits for at once; it does not give way.
    prompt: Option<tokio::runtime::Runtime>,
}

impl Engine {
    pub(crate) fn new(files: &Files, partitions: usize, footers: usize) -> Result<Self> {
        let runtime = RuntimeEnvBuilder::new().with_metadata_cache_limit(footers).build_arc()?;
        let url = STORE.parse().map_err(Error::files)?;
        runtime.register_object_store(&url, files.store());
        let threads = threads_of("questions", partitions).on_thread_start(give_way).build().map_err(Error::files)?;
        let prompt = threads_of("point-reads", partitions).build().map_err(Error::files)?;
        let mut config = SessionConfig::new().with_target_partitions(partitions).with_collect_statistics(false);
        // With it, a semi join beside a join with an empty table waits for ever (datafusion 55.2).
        config.options_mut().optimizer.enable_join_dynamic_filter_pushdown = false;
        // Aggregates by person keep nearly everything in their first stage; it pays only where it makes rows much fewer.
        config.options_mut().execution.skip_partial_aggregation_probe_ratio_threshold = 0.3;
        config.options_mut().execution.skip_partial_aggregation_probe_rows_threshold = 16_384;
        let rules = PhysicalOptimizer::new().rules;
        let rules = std::iter::once(Arc::new(Gathered) as Arc<dyn PhysicalOptimizerRule + Send + Sync>).chain(rules);
        let base = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
        let base = base.with_physical_optimizer_rules(rules.collect());
        let session = SessionContext::new_with_state(base.build());
        for function in functions::all() {
            session.register_udf((*function).clone());
        }
        Ok(Self { base: session.state(), threads: Some(threads), prompt: Some(prompt) })
    }

    pub(crate) fn threads(&self) -> &tokio::runtime::Handle {
        self.threads.as_ref().expect("the threads live as long as the engine").handle()
    }

    /// Threads that neither give way nor wait for questions and compactions: for reading a little, such as the events of one person.
    pub(crate) fn prompt(&self) -> &tokio::runtime::Handle {
        self.prompt.as_ref().expect("the threads live as long as the engine").handle()
    }

    /// A session whose operators share `memory` bytes.
    pub(crate) fn session(&self, memory: usize) -> Result<SessionContext> {
        let pool = Arc::new(TrackConsumersPool::new(FairSpillPool::new(memory), NonZeroUsize::MIN));
        let shared = RuntimeEnvBuilder::from_runtime_env(self.base.runtime_env());
        let runtime = shared.with_memory_pool(pool).build_arc()?;
        let state = SessionStateBuilder::new_from_existing(self.base.clone()).with_runtime_env(runtime).build();
        Ok(SessionContext::new_with_state(state))
    }
}

fn threads_of(name: &str, count: usize) -> tokio::runtime::Builder {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    threads.worker_threads(count).thread_name(name).enable_all();
    threads
}

/// Makes this thread wait for others when there are not enough processors: whoever asks a question can wait a little, events that come in can not.
fn give_way() {
    // Where it is not allowed, questions have the priority of everything else.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}

impl Drop for Engine {
    fn drop(&mut self) {
        for threads in [self.threads.take(), self.prompt.take()].into_iter().flatten() {
            threads.shutdown_background();
        }
    }
}

/// One question's session.
#[derive(Clone)]
pub struct QueryContext {
    engine: Arc<Engine>,
    session: SessionContext,
    backend: Arc<dyn ExecutionBackend>,
    budget: Budget,
}

impl QueryContext {
    pub(crate) fn new(engine: Arc<Engine>, budget: Budget) -> Result<Self> {
        let session = engine.session(budget.memory)?;
        Ok(Self { engine, session, backend: Arc::new(Local), budget })
    }

    /// The session, to register functions with.
    pub fn session(&self) -> &SessionContext {
        &self.session
    }

    /// The physical plan of `plan`, as text: what `EXPLAIN` shows.
    pub async fn explain(&self, plan: LogicalPlan) -> Result<String> {
        let plan = self.physical(plan).await?;
        Ok(datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string())
    }

    /// Runs `plan` within the budget: the schema of its rows, and the rows.
    pub async fn collect(&self, plan: LogicalPlan) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let seconds = self.budget.time.as_secs();
        tokio::time::timeout(self.budget.time, self.run(plan)).await.unwrap_or(Err(Error::TimeBudget { seconds }))
    }

    async fn run(&self, plan: LogicalPlan) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let plan = self.physical(plan).await?;
        let schema = plan.schema();
        let (backend, context, budget) = (Arc::clone(&self.backend), self.session.task_ctx(), self.budget);
        let run = async move {
            let mut stream = backend.execute(plan, context).await?;
            let (mut batches, mut rows) = (Vec::new(), 0);
            while let Some(batch) = stream.next().await {
                let batch = batch?;
                rows += batch.num_rows();
                if rows > budget.rows {
                    return Err(Error::RowBudget { rows: budget.rows });
                }
                batches.push(batch);
            }
            Ok(batches)
        };
        let batches = Aborting(self.engine.threads().spawn(run)).join().await?;
        Ok((schema, batches))
    }

    async fn physical(&self, plan: LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        check_size(&plan)?;
        let (answer, physical) = tokio::sync::oneshot::channel();
        let state = self.session.state();
        let handle = self.engine.threads().clone();
        let work = move || {
            let made = handle.block_on(async { Box::pin(state.create_physical_plan(&plan)).await });
            // Nobody listens any more when the question was cancelled.
            let _ = answer.send(made);
        };
        std::thread::Builder::new()
            .name("planner".to_owned())
            .stack_size(PLANNER_STACK)
            .spawn(work)
            .map_err(Error::files)?;
        Ok(physical.await.map_err(|_| Error::Engine("the planner stopped".to_owned()))??)
    }
}

/// A task that is cancelled when nobody waits for it any more.
pub(crate) struct Aborting<T>(pub(crate) tokio::task::JoinHandle<T>);

impl<T> Aborting<Result<T>> {
    pub(crate) async fn join(mut self) -> Result<T> {
        (&mut self.0).await.map_err(|error| Error::Engine(error.to_string()))?
    }
}

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Refuses a plan that is too large or too deep for the planner.
pub fn check_size(plan: &LogicalPlan) -> Result<()> {
    let mut size = Size::default();
    let mut level = vec![plan];
    while !level.is_empty() {
        size.deeper()?;
        for node in &level {
            size.count()?;
            node.apply_expressions(|expression| {
                size.expression(expression)
                    .map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?;
                Ok(TreeNodeRecursion::Continue)
            })
            .map_err(|_| size.error())?;
        }
        level = level.iter().flat_map(|node| node.inputs()).collect();
    }
    Ok(())
}

#[derive(Default)]
struct Size {
    nodes: usize,
    depth: usize,
}

impl Size {
    fn count(&mut self) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_PLAN_NODES { Err(self.error()) } else { Ok(()) }
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_PLAN_DEPTH { Err(self.error()) } else { Ok(()) }
    }

    fn error(&self) -> Error {
        Error::TooLarge { nodes: self.nodes, depth: self.depth }
    }

    /// Counts an expression level by level, without recursion: it may be deeper than the stack.
    fn expression(&mut self, expression: &Expr) -> Result<()> {
        let mut depth = 0;
        let mut level = vec![expression];
        while !level.is_empty() {
            depth += 1;
            if depth > MAX_PLAN_DEPTH {
                self.depth = depth;
                return Err(self.error());
            }
            let mut next = Vec::new();
            for expression in level {
                self.count()?;
                expression.apply_children(|child| {
                    next.push(child);
                    Ok(TreeNodeRecursion::Continue)
                })?;
            }
            level = next;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::logical_expr::{LogicalPlanBuilder, lit};

    #[test]
    fn plans_that_are_too_large_or_too_deep_are_refused() {
        let filtered = |terms: usize, deep: bool| {
            let term = |n: usize| lit(i64::try_from(n).unwrap()).eq(lit(1_i64));
            let filter = if deep {
                (0..terms).fold(lit(true), |all, n| all.and(term(n)))
            } else {
                let list = (0..terms).map(|n| lit(i64::try_from(n).unwrap())).collect();
                lit(1_i64).in_list(list, false)
            };
            LogicalPlanBuilder::empty(true).filter(filter).unwrap().build().unwrap()
        };
        assert!(check_size(&filtered(100, true)).is_ok());
        assert!(check_size(&filtered(5_000, false)).is_ok());
        assert!(matches!(check_size(&filtered(500, true)), Err(Error::TooLarge { .. })));
        assert!(matches!(check_size(&filtered(30_000, false)), Err(Error::TooLarge { .. })));
    }
}
