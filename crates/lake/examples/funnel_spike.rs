//! The experiment behind `docs/decisions/0001-funnel-accumulator.md`: a three-step funnel as a `GroupsAccumulator` over a pure kernel,
//! on Parquet files made by `bench/funnel/peers.py`, with and without declared hash partitioning.
//!
//! `cargo run --release -p rapport-lake --example funnel_spike -- FOLDER [dictionary|view|text] [rounds]`

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, Int64Builder, ListArray, ListBuilder, RecordBatch,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::provider_as_source;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, LogicalPlan, LogicalPlanBuilder,
    Signature, TableType, Volatility, col, lit, when,
};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

const STEPS: [&str; 3] = ["view_item", "add_to_cart", "purchase"];
const DAY: i64 = 86_400_000_000;

/// The level a person reaches: `events` are (time << 2 | step), sorted; ties of time are in step order and used once.
fn level(events: &[i64], window: i64) -> i64 {
    // The latest start of an attempt that has reached each step.
    let mut starts = [i64::MIN; 4];
    let mut best = 0;
    for event in events {
        let (at, step) = (event >> 2, (event & 3) as usize);
        let start = if step == 1 { at } else { starts[step - 1] };
        if start != i64::MIN && at - start <= window && start > starts[step] {
            starts[step] = start;
            best = best.max(step as i64);
        }
    }
    best
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Funnel {
    signature: Signature,
}

impl AggregateUDFImpl for Funnel {
    fn name(&self) -> &str {
        "funnel_level"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<Arc<Field>>> {
        Ok(vec![Arc::new(Field::new_list(
            format!("{}[events]", args.name),
            Field::new_list_field(DataType::Int64, true),
            true,
        ))])
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        exec_err!("funnel_level is only used with GROUP BY")
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let window = args.exprs.get(2).and_then(|window| window.downcast_ref::<Literal>());
        let Some(ScalarValue::Int64(Some(window))) = window.map(Literal::value) else {
            return exec_err!("the window is a literal");
        };
        Ok(Box::new(FunnelGroups { window: *window, events: Vec::new(), groups: 0 }))
    }
}

/// All events in the order of arrival, with their group.
struct FunnelGroups {
    window: i64,
    events: Vec<(u32, i64)>,
    groups: usize,
}

impl FunnelGroups {
    /// The events of the first `groups` groups, sorted within each, and where each begins.
    fn by_group(&mut self, groups: usize) -> (Vec<i64>, Vec<usize>) {
        let mut begins = vec![0_usize; groups + 1];
        for (group, _) in &self.events {
            if (*group as usize) < groups {
                begins[*group as usize + 1] += 1;
            }
        }
        for at in 1..begins.len() {
            begins[at] += begins[at - 1];
        }
        let mut next = begins.clone();
        let mut sorted = vec![0; begins[groups]];
        for (group, event) in &self.events {
            if (*group as usize) < groups {
                sorted[next[*group as usize]] = *event;
                next[*group as usize] += 1;
            }
        }
        if groups == self.groups {
            self.events = Vec::new();
        } else {
            self.events.retain(|(group, _)| *group as usize >= groups);
            self.events.iter_mut().for_each(|(group, _)| *group -= groups as u32);
        }
        self.groups -= groups;
        for window in begins.windows(2) {
            let events = &mut sorted[window[0]..window[1]];
            if !events.is_sorted() {
                events.sort_unstable();
            }
        }
        (sorted, begins)
    }

    fn emitted(&self, emit: EmitTo) -> usize {
        match emit {
            EmitTo::All => self.groups,
            EmitTo::First(count) => count,
        }
    }
}

impl GroupsAccumulator for FunnelGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.groups = total;
        let times = values[0].as_primitive::<TimestampMicrosecondType>().values();
        let steps = values[1].as_primitive::<Int64Type>().values();
        self.events.reserve(times.len());
        for (row, group) in groups.iter().enumerate() {
            if filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) {
                self.events.push((*group as u32, times[row] << 2 | steps[row]));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let groups = self.emitted(emit);
        let (events, begins) = self.by_group(groups);
        let levels = begins.windows(2).map(|window| level(&events[window[0]..window[1]], self.window));
        Ok(Arc::new(Int64Array::from_iter_values(levels)))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.emitted(emit);
        let (events, begins) = self.by_group(groups);
        let offsets = begins.into_iter().map(|begin| begin as i32).collect::<Vec<_>>();
        let field = Arc::new(Field::new_list_field(DataType::Int64, true));
        let offsets = arrow::buffer::OffsetBuffer::new(offsets.into());
        Ok(vec![Arc::new(ListArray::new(field, offsets, Arc::new(Int64Array::from(events)), None))])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.groups = total;
        let lists = values[0].as_list::<i32>();
        let events = lists.values().as_primitive::<Int64Type>().values();
        let offsets = lists.value_offsets();
        for (row, group) in groups.iter().enumerate() {
            let range = offsets[row] as usize..offsets[row + 1] as usize;
            self.events.extend(events[range].iter().map(|event| (*group as u32, *event)));
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], _: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let times = values[0].as_primitive::<TimestampMicrosecondType>().values();
        let steps = values[1].as_primitive::<Int64Type>().values();
        let mut lists = ListBuilder::new(Int64Builder::new());
        for (at, step) in times.iter().zip(steps) {
            lists.values().append_value(at << 2 | step);
            lists.append(true);
        }
        Ok(vec![Arc::new(lists.finish())])
    }

    fn size(&self) -> usize {
        self.events.capacity() * size_of::<(u32, i64)>()
    }
}

/// Files of one folder; `declared`: one group a bucket, partitioned by person.
#[derive(Debug)]
struct Files {
    paths: Vec<PathBuf>,
    schema: SchemaRef,
    declared: bool,
}

#[async_trait]
impl TableProvider for Files {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
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
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let file = |path: &PathBuf| {
            let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
            PartitionedFile::new(path.display().to_string(), bytes)
        };
        let files: Vec<_> = self.paths.iter().map(file).collect();
        let groups: Vec<FileGroup> = if self.declared {
            files.into_iter().map(|file| FileGroup::new(vec![file])).collect()
        } else {
            FileGroup::new(files).split_files(session.config().target_partitions())
        };
        let by = Partitioning::Hash(vec![Arc::new(Column::new("person", 0))], groups.len());
        let source = Arc::new(ParquetSource::new(Arc::clone(&self.schema)));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_output_partitioning(self.declared.then_some(by))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

fn question(files: Files) -> Result<LogicalPlan> {
    let names = STEPS.iter().map(|name| lit(*name)).collect();
    let step = STEPS[..2]
        .iter()
        .enumerate()
        .skip(1)
        .fold(when(col("name").eq(lit(STEPS[0])), lit(1_i64)), |mut case, (at, name)| {
            case.when(col("name").eq(lit(*name)), lit(at as i64 + 1))
        });
    let mut step = step;
    let step = step.otherwise(lit(3_i64))?;
    let funnel = AggregateUDF::from(Funnel { signature: Signature::any(3, Volatility::Immutable) });
    let level = funnel.call(vec![col("occurred_at"), col("step"), lit(DAY)]).alias("level");
    LogicalPlanBuilder::scan("events", provider_as_source(Arc::new(files)), None)?
        .filter(col("name").in_list(names, false))?
        .project(vec![col("person"), col("occurred_at"), step.alias("step")])?
        .aggregate(vec![col("person")], vec![level])?
        .aggregate(vec![col("level")], vec![count(lit(1_i64)).alias("people")])?
        .build()
}

fn answer(batches: &[RecordBatch]) -> [i64; 3] {
    let mut reached = [0; 3];
    for batch in batches {
        let levels = batch.column(0).as_primitive::<Int64Type>().values();
        let people = batch.column(1).as_primitive::<Int64Type>().values();
        for (level, people) in levels.iter().zip(people) {
            reached[..*level as usize].iter_mut().for_each(|reached| *reached += people);
        }
    }
    reached
}

/// Processor seconds of this process so far (user and system, in ticks of 10 ms).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has /proc");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / 100.0
}

async fn measure(folder: &Path, words: DataType, declared: bool, rounds: usize) -> Result<()> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect();
    paths.sort();
    let schema = Arc::new(Schema::new(vec![
        Field::new("person", DataType::Int64, false),
        Field::new("occurred_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        Field::new("name", words, false),
    ]));
    let mut best = f64::MAX;
    let mut reached = [0; 3];
    for round in 0..rounds {
        let config = SessionConfig::new().with_target_partitions(2).with_collect_statistics(false);
        let session = SessionContext::new_with_config(config);
        let plan = question(Files { paths: paths.clone(), schema: Arc::clone(&schema), declared })?;
        let before = cpu_seconds();
        let frame = session.execute_logical_plan(plan).await?;
        let plan = frame.create_physical_plan().await?;
        if round == 0 && std::env::var_os("EXPLAIN").is_some() {
            println!("{}", datafusion::physical_plan::displayable(plan.as_ref()).indent(false));
        }
        reached = answer(&datafusion::physical_plan::collect(plan, session.task_ctx()).await?);
        best = best.min(cpu_seconds() - before);
    }
    let how = if declared { "declared" } else { "undeclared" };
    println!("{:<40} {how:<11} {best:.2} CPU s {reached:?}", folder.display().to_string());
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(arguments.first().expect("a folder with time/ and bucket/"));
    let words = match arguments.get(1).map(String::as_str) {
        Some("view") => DataType::Utf8View,
        Some("text") => DataType::Utf8,
        _ => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
    };
    let rounds = arguments.get(2).and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        measure(&folder.join("time"), words.clone(), false, rounds).await?;
        measure(&folder.join("bucket"), words.clone(), false, rounds).await?;
        measure(&folder.join("bucket"), words, true, rounds).await
    })
}
