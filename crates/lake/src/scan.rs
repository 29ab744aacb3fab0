//! One table out of files, changed files and hot rows: the physical plan of a read.
//!
//! The plan is a union of up to four parts, which are disjoint and together hold every row once:
//!
//! 1. files that have all changes, as they are;
//! 2. the other files without the rows that changed (by handle), moved or gone;
//! 3. of those files, the rows of moved handles, under the person they belong to now;
//! 4. hot rows, which have every change already.
//!
//! Always holds: only the built-in Parquet and memory scans are used. Partitioning by person is declared only when asked for
//! ([`crate::TableOptions::per_person`]): DataFusion takes any two hash partitionings of equal count for the same function, so
//! a declared scan may be the only input of an aggregate, never one side of a join.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{Column, binary, col, in_list, lit};
use datafusion::physical_expr::{Partitioning, PhysicalExpr, ScalarFunctionExpr, conjunction};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
use rapport_domain::{Handle, PersonId};

use crate::batch;
use crate::catalog::DataFile;
use crate::changes::Changes;
use crate::columns;
use crate::functions;
use crate::layout::bucket;
use crate::partitioned::PartitionedMemory;
use crate::workspace::State;

/// The name under which the files' store is registered with the engine.
pub(crate) const STORE: &str = "lake://files";

/// Half-open: from, to, in microseconds.
pub(crate) type Times = (i64, i64);

/// A read of a pinned state.
pub(crate) struct Scan<'s> {
    pub(crate) session: &'s dyn Session,
    pub(crate) state: &'s State,
    /// All columns of the table.
    pub(crate) schema: SchemaRef,
    /// The columns wanted, in their order.
    pub(crate) wanted: Vec<usize>,
    pub(crate) times: Times,
}

/// A test that a part of the table puts on its rows.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Times(Times),
    Handles { among: Vec<Handle>, negated: bool },
    Persons(Vec<PersonId>),
    NotEvents(Vec<[u8; 16]>),
}

impl Test {
    const fn column(&self) -> &'static str {
        match self {
            Self::Times(_) => columns::OCCURRED_AT,
            Self::Handles { .. } => columns::HANDLE,
            Self::Persons(_) => columns::PERSON,
            Self::NotEvents(_) => columns::EVENT_ID,
        }
    }

    fn expression(&self, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
        let column = col(self.column(), schema)?;
        match self {
            Self::Times((from, to)) => {
                let at = |micros| lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
                let after = binary(Arc::clone(&column), Operator::GtEq, at(*from), schema)?;
                Ok(conjunction([after, binary(column, Operator::Lt, at(*to), schema)?]))
            }
            Self::Handles { among, negated } => {
                in_list(column, among.iter().map(|handle| lit(handle.0)).collect(), negated, schema)
            }
            Self::Persons(among) => in_list(column, among.iter().map(|person| lit(person.0)).collect(), &false, schema),
            Self::NotEvents(ids) => {
                let ids = ids.iter().map(|id| lit(ScalarValue::FixedSizeBinary(16, Some(id.to_vec()))));
                in_list(column, ids.collect(), &true, schema)
            }
        }
    }
}

/// A part of the table that lies in files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    pub(crate) files: Vec<Arc<DataFile>>,
    pub(crate) tests: Vec<Test>,
    /// Handles whose rows get the person they belong to now, sorted.
    pub(crate) moved: Option<Vec<(Handle, PersonId)>>,
    /// Few rows are left by the tests, so the other columns are read only for them.
    pub(crate) few: bool,
}

/// The parts of the table that lie in files.
pub(crate) struct Parts {
    /// Parts whose rows lie in the bucket of their person.
    pub(crate) in_place: Vec<Part>,
    /// The part whose rows lie elsewhere.
    pub(crate) moved: Option<Part>,
}

/// Cuts `files` into parts; only `times` of them is wanted.
pub(crate) fn parts(files: impl Iterator<Item = Arc<DataFile>>, changes: &Changes, times: Times) -> Parts {
    let (from, to) = times;
    let (mut whole, mut cut, mut changed) = (Part::default(), Part::default(), Part::default());
    for file in files.filter(|file| file.times.0 < to && file.times.1 >= from) {
        let inside = file.times.0 >= from && file.times.1 < to;
        let part = match (changes.lacks(file.revision), inside) {
            (true, _) => &mut changed,
            (false, true) => &mut whole,
            (false, false) => &mut cut,
        };
        part.files.push(file);
    }
    cut.tests.push(Test::Times(times));
    let oldest = changed.files.iter().map(|file| file.revision).min().unwrap_or(changes.revision);
    let moved = keep_apart(&mut changed, &changes.after(oldest), times);
    let in_place = [whole, cut, changed].into_iter().filter(|part| !part.files.is_empty()).collect();
    Parts { in_place, moved }
}

/// Takes the rows that changed out of `part`; gives the part of those that are elsewhere now.
fn keep_apart(part: &mut Part, changes: &Changes, times: Times) -> Option<Part> {
    part.tests.push(Test::Times(times));
    if !changes.dead.is_empty() {
        part.tests.push(Test::NotEvents(changes.dead.keys().map(|id| id.0).collect()));
    }
    let mut moved: Vec<(Handle, PersonId)> =
        changes.moved.iter().filter_map(|(handle, moved)| Some((*handle, moved.to?))).collect();
    moved.sort_unstable();
    let mut apart = part.clone();
    if !changes.moved.is_empty() {
        part.tests.push(Test::Handles { among: changes.moved.keys().copied().collect(), negated: true });
    }
    if moved.is_empty() || part.files.is_empty() {
        return None;
    }
    // A file that has some of the changes may hold rows of a handle under its old persons or its new one.
    let mut under: Vec<PersonId> =
        changes.moved.values().flat_map(|moved| moved.from.iter().copied().chain(moved.to)).collect();
    under.sort_unstable();
    under.dedup();
    apart.files.retain(|file| under.iter().any(|person| (file.persons.0..=file.persons.1).contains(&person.0)));
    apart.tests.push(Test::Persons(under));
    apart.tests.push(Test::Handles { among: moved.iter().map(|(handle, _)| *handle).collect(), negated: false });
    apart.moved = Some(moved);
    apart.few = true;
    (!apart.files.is_empty()).then_some(apart)
}

impl Scan<'_> {
    /// The whole table.
    pub(crate) fn plan(&self) -> Result<Arc<dyn ExecutionPlan>> {
        let Parts { in_place, moved } = self.parts();
        let mut plans = Vec::new();
        for part in in_place.iter().chain(&moved) {
            plans.push(self.files(part, self.groups(&part.files), None)?);
        }
        let hot = self.hot()?;
        if !hot.is_empty() {
            let partitions = round_robin(hot, self.partitions());
            plans.push(MemorySourceConfig::try_new_exec(&partitions, self.wanted_schema()?, None)?);
        }
        if plans.is_empty() {
            return Ok(Arc::new(EmptyExec::new(self.wanted_schema()?)));
        }
        UnionExec::try_new(plans)
    }

    /// The whole table with its partitioning by person declared; `None` when the files' buckets do not allow it.
    pub(crate) async fn plan_per_person(&self) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Parts { in_place, moved } = self.parts();
        let files = || in_place.iter().flat_map(|part| &part.files);
        let Some(bits) = files().map(|file| file.cell.bucket_bits).min() else { return Ok(None) };
        let person = self.schema.index_of(columns::PERSON)?;
        let Some(at) = self.wanted.iter().position(|column| *column == person) else { return Ok(None) };
        if (1 << bits) < self.partitions() || self.partitions() == 1 {
            return Ok(None);
        }
        let mut plans = Vec::new();
        for part in &in_place {
            let mut groups = vec![Vec::new(); 1 << bits];
            for file in &part.files {
                groups[group(file.cell.bucket, bits)].push(partitioned_file(file));
            }
            let groups = groups.into_iter().map(FileGroup::new).collect();
            plans.push(self.files(part, groups, Some(bits))?);
        }
        let mut elsewhere = self.hot()?;
        if let Some(part) = moved {
            let plan = self.files(&part, self.groups(&part.files), None)?;
            elsewhere.extend(datafusion::physical_plan::collect(plan, self.session.task_ctx()).await?);
        }
        if !elsewhere.is_empty() {
            let partitions = by_bucket(&elsewhere, at, bits)?;
            let by = Partitioning::Hash(vec![Arc::new(Column::new(columns::PERSON, at))], 1 << bits);
            let memory = MemorySourceConfig::try_new(&partitions, self.wanted_schema()?, None)?;
            plans.push(DataSourceExec::from_data_source(PartitionedMemory::new(memory, by)));
        }
        match plans.len() {
            1 => Ok(plans.pop()),
            _ => Ok(Some(Arc::new(InterleaveExec::try_new(plans)?))),
        }
    }

    fn parts(&self) -> Parts {
        parts(self.state.files.iter().cloned(), &self.state.changes, self.times)
    }

    fn partitions(&self) -> usize {
        self.session.config().target_partitions()
    }

    fn wanted_schema(&self) -> Result<SchemaRef> {
        Ok(Arc::new(self.schema.project(&self.wanted)?))
    }

    /// Files for any partition to read.
    pub(crate) fn groups(&self, files: &[Arc<DataFile>]) -> Vec<FileGroup> {
        FileGroup::new(files.iter().map(partitioned_file).collect()).split_files(self.partitions())
    }

    /// Hot rows of the time wanted, with the columns wanted.
    fn hot(&self) -> Result<Vec<RecordBatch>> {
        let (from, to) = self.times;
        let schema = self.wanted_schema()?;
        let mut batches = Vec::new();
        for hot in self.state.hot.batches.iter().filter(|hot| hot.times.0 < to && hot.times.1 >= from) {
            let mut fitted = batch::fitted(&hot.batch, &schema).map_err(external)?;
            if hot.times.0 < from || hot.times.1 >= to {
                let times = batch::Keys::of(&hot.batch).map_err(external)?.occurred_at;
                let inside = times.values().iter().map(|at| Some((from..to).contains(at)));
                fitted = filter_record_batch(&fitted, &BooleanArray::from_iter(inside))?;
            }
            batches.push(fitted);
        }
        Ok(batches)
    }

    /// A part that lies in files; `declared` is the generation of buckets that the groups are cut by.
    pub(crate) fn files(
        &self,
        part: &Part,
        groups: Vec<FileGroup>,
        declared: Option<u8>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let person = self.schema.index_of(columns::PERSON)?;
        let mut needed = self.wanted.clone();
        let handle = (part.moved.is_some() && needed.contains(&person)).then_some(columns::HANDLE);
        for name in part.tests.iter().map(Test::column).chain(handle) {
            let at = self.schema.index_of(name)?;
            if !needed.contains(&at) {
                needed.push(at);
            }
        }
        let runtime = self.session.runtime_env();
        let url = ObjectStoreUrl::parse(STORE)?;
        let readers = CachedParquetFileReaderFactory::new(
            runtime.object_store(&url)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let mut source = ParquetSource::new(Arc::clone(&self.schema))
            .with_parquet_file_reader_factory(Arc::new(readers))
            .with_enable_page_index(true)
            .with_pushdown_filters(part.few);
        if !part.tests.is_empty() {
            source = source.with_predicate(all(&part.tests, &self.schema)?);
        }
        let partitioning = declared
            .map(|bits| Partitioning::Hash(vec![Arc::new(Column::new(columns::PERSON, person)) as _], 1 << bits));
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(Some(needed.clone()))?
            .with_output_partitioning(partitioning)
            .build();
        let mut plan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        if !part.tests.is_empty() {
            plan = Arc::new(FilterExec::try_new(all(&part.tests, &plan.schema())?, plan)?);
        }
        if needed == self.wanted && part.moved.is_none() {
            return Ok(plan);
        }
        self.project(plan, part.moved.as_deref())
    }

    /// The columns wanted, with the persons that moved handles belong to now.
    fn project(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        moved: Option<&[(Handle, PersonId)]>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = plan.schema();
        let mut expressions = Vec::with_capacity(self.wanted.len());
        for field in self.wanted.iter().map(|at| self.schema.field(*at)) {
            let expression = match moved {
                Some(moved) if field.name() == columns::PERSON => self.person_now(&schema, moved)?,
                _ => col(field.name(), &schema)?,
            };
            expressions.push((expression, field.name().clone()));
        }
        Ok(Arc::new(ProjectionExec::try_new(expressions, plan)?))
    }

    fn person_now(&self, schema: &Schema, moved: &[(Handle, PersonId)]) -> Result<Arc<dyn PhysicalExpr>> {
        let list = |values: Vec<i64>| {
            let values: Vec<ScalarValue> = values.into_iter().map(ScalarValue::from).collect();
            lit(ScalarValue::List(ScalarValue::new_list_nullable(&values, &DataType::Int64)))
        };
        let arguments = vec![
            col(columns::HANDLE, schema)?,
            list(moved.iter().map(|(handle, _)| handle.0).collect()),
            list(moved.iter().map(|(_, person)| person.0).collect()),
        ];
        let field = Arc::new(Field::new(columns::PERSON, DataType::Int64, false));
        let options = Arc::clone(self.session.config().options());
        Ok(Arc::new(ScalarFunctionExpr::new("person_now", functions::person_now(), arguments, field, options)))
    }
}

fn all(tests: &[Test], schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    Ok(conjunction(tests.iter().map(|test| test.expression(schema)).collect::<Result<Vec<_>>>()?))
}

/// The file, which stays on disk as long as a plan holds it.
fn partitioned_file(file: &Arc<DataFile>) -> PartitionedFile {
    let bytes = u64::try_from(file.bytes).unwrap_or_default();
    PartitionedFile::new(file.path(), bytes).with_extension(Arc::clone(file))
}

/// One group for each file, so that each is read in its own order.
pub(crate) fn one_each(files: &[Arc<DataFile>]) -> Vec<FileGroup> {
    files.iter().map(|file| FileGroup::new(vec![partitioned_file(file)])).collect()
}

fn group(bucket: i64, bits: u8) -> usize {
    usize::try_from(bucket & ((1 << bits) - 1)).unwrap_or_default()
}

fn round_robin(batches: Vec<RecordBatch>, partitions: usize) -> Vec<Vec<RecordBatch>> {
    let mut all = vec![Vec::new(); partitions.clamp(1, batches.len())];
    let count = all.len();
    for (at, batch) in batches.into_iter().enumerate() {
        all[at % count].push(batch);
    }
    all
}

/// The rows of each bucket; `person` is the place of that column.
fn by_bucket(batches: &[RecordBatch], person: usize, bits: u8) -> Result<Vec<Vec<RecordBatch>>> {
    let mut all = vec![Vec::new(); 1 << bits];
    for batch in batches {
        let mut rows = vec![Vec::new(); 1 << bits];
        for (row, person) in batch.column(person).as_primitive::<Int64Type>().values().iter().enumerate() {
            rows[group(bucket(PersonId(*person), bits), bits)].push(batch::index(row));
        }
        for (bucket, rows) in rows.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            all[bucket].push(take_record_batch(batch, &UInt32Array::from(rows))?);
        }
    }
    Ok(all)
}

fn external(error: crate::Error) -> datafusion::error::DataFusionError {
    datafusion::error::DataFusionError::External(Box::new(error))
}
