//! A rule of the planner: the rows of a group are brought together before they are aggregated, when the aggregate keeps them all anyway.
//!
//! The engine aggregates every part of the input first, and what that came to once more. Where an aggregate keeps every row ([`KEEPS_ROWS`]), the first
//! of the two makes nothing smaller, and its states cost more to hand over than plain columns.
//!
//! Always holds: the answer is the same; where the input lies together by group already, nothing is moved.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};

/// The alias by which an aggregate says that it keeps all rows until the end.
pub const KEEPS_ROWS: &str = "keeps_rows";

/// The rule; it stands before all others.
#[derive(Debug)]
pub(crate) struct Gathered;

impl PhysicalOptimizerRule for Gathered {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| Ok(once(&plan)?.map_or_else(|| Transformed::no(plan), Transformed::yes))).data()
    }

    fn name(&self) -> &str {
        "gathered"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The two stages as one.
fn once(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(last) = plan.downcast_ref::<AggregateExec>() else { return Ok(None) };
    let Some(first) = last.input().downcast_ref::<AggregateExec>() else { return Ok(None) };
    let keeps_rows = |stage: &AggregateExec| {
        let aliases =
            |name: &str| stage.aggr_expr().iter().any(|it| it.fun().aliases().iter().any(|alias| alias == name));
        aliases(KEEPS_ROWS)
    };
    let modes = (first.mode(), last.mode());
    if modes != (&AggregateMode::Partial, &AggregateMode::FinalPartitioned) || !keeps_rows(first) {
        return Ok(None);
    }
    let once = AggregateExec::try_new(
        AggregateMode::SinglePartitioned,
        Arc::new(first.group_expr().clone()),
        first.aggr_expr().to_vec(),
        first.filter_expr().to_vec(),
        Arc::clone(first.input()),
        first.input_schema(),
    )?;
    Ok(Some(Arc::new(once)))
}
