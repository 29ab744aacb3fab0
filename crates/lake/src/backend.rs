//! Where physical plans run: one trait, so that a cluster can take the place of this process.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};

use crate::error::Result;

/// Runs physical plans. A plan holds only built-in scans and functions that are known by name.
#[async_trait]
pub trait ExecutionBackend: Send + Sync + 'static {
    /// The rows of `plan`; dropping the stream cancels the run.
    async fn execute(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream>;
}

/// Runs plans in this process.
#[derive(Clone, Copy, Debug)]
pub struct Local;

#[async_trait]
impl ExecutionBackend for Local {
    async fn execute(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        Ok(execute_stream(plan, context)?)
    }
}
