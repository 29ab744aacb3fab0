//! Rows in memory whose partitioning by person is declared, so that they can stand beside files that are cut by the same buckets.
//!
//! Used in this process only: before a distributed run hot rows are written to files.

use std::fmt::{self, Formatter};
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSource;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::DisplayFormatType;
use datafusion::physical_plan::execution_plan::SchedulingType;

/// A memory scan with declared partitioning.
#[derive(Clone, Debug)]
pub(crate) struct PartitionedMemory {
    rows: MemorySourceConfig,
    by: Partitioning,
}

impl PartitionedMemory {
    /// `rows` has one list of batches for each partition of `by`.
    pub(crate) fn new(rows: MemorySourceConfig, by: Partitioning) -> Self {
        Self { rows, by }
    }
}

impl DataSource for PartitionedMemory {
    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.rows.open(partition, context)
    }

    fn fmt_as(&self, style: DisplayFormatType, f: &mut Formatter<'_>) -> fmt::Result {
        self.rows.fmt_as(style, f)
    }

    fn output_partitioning(&self) -> Partitioning {
        self.by.clone()
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        self.rows.eq_properties()
    }

    fn scheduling_type(&self) -> SchedulingType {
        self.rows.scheduling_type()
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        self.rows.partition_statistics(partition)
    }

    fn with_fetch(&self, _: Option<usize>) -> Option<Arc<dyn DataSource>> {
        None
    }

    fn fetch(&self) -> Option<usize> {
        None
    }

    fn try_swapping_with_projection(&self, _: &ProjectionExprs) -> Result<Option<Arc<dyn DataSource>>> {
        Ok(None)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}
