//! Hot rows, files and moved handles are one table: whatever is appended, flushed, moved, split, erased, superseded, compacted or lost in
//! a crash, every read gives what an obvious list of events in memory gives, and a pinned snapshot never changes.

mod oracle;

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{LogicalPlan, cast, col, lit};
use oracle::{Oracle, Seen};
use proptest::prelude::*;
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_lake::{
    Budget, HotRule, Lake, Location, MIGRATIONS, Move, PropertyType, Settings, Snapshot, TableOptions, record_moves,
    record_superseded,
};
use rapport_store::{Priority, Queries, Store, StoreConfig};

const WORKSPACE: WorkspaceId = WorkspaceId(7);

/// What happens to the lake.
#[derive(Clone, Debug)]
enum Step {
    /// Events come: (handle, day, seconds, price in cents, size).
    Append(Vec<oracle::Draw>),
    Flush,
    Compact,
    /// A handle goes to another person: a merge, a split, or an undo.
    Move {
        handle: u8,
        person: u8,
    },
    Erase {
        handle: u8,
    },
    /// The n-th event that is there is superseded.
    Supersede {
        event: u16,
    },
    RewriteChanged,
    /// The program stops without warning and starts again.
    Crash,
    /// Pin the present state, to be read again at the end.
    Pin,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let draw = (0u8..8, 0u16..900, 0u32..5, 0i64..10_000, 0u8..6);
    let append = prop::collection::vec(draw, 1..25);
    let step = prop_oneof![
        5 => append.prop_map(Step::Append),
        3 => Just(Step::Flush),
        3 => Just(Step::Compact),
        3 => (0u8..8, 0u8..6).prop_map(|(handle, person)| Step::Move { handle, person }),
        1 => (0u8..8).prop_map(|handle| Step::Erase { handle }),
        2 => any::<u16>().prop_map(|event| Step::Supersede { event }),
        1 => Just(Step::RewriteChanged),
        1 => Just(Step::Crash),
        1 => Just(Step::Pin),
    ];
    prop::collection::vec(step, 1..28)
}

fn settings() -> Settings {
    Settings {
        cell_rows: 12,
        merge_files: 2,
        pending_changes: 2,
        hot_rule: HotRule { min_rows: 6, by_frequency: 1, cap: 64 },
        partitions: 2,
        grace: Duration::ZERO,
        ..Settings::default()
    }
}

struct World {
    folder: tempfile::TempDir,
    store: Store,
    lake: Lake,
    oracle: Oracle,
    pinned: Vec<(Snapshot, Vec<Seen>)>,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreConfig::folder(folder.path().join("db")), &[MIGRATIONS]).await.unwrap();
        let lake = open(&store, folder.path()).await;
        Self { folder, store, lake, oracle: Oracle::default(), pinned: Vec::new() }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Append(draws) => {
                let rows = self.oracle.append(&draws);
                self.lake.append(WORKSPACE, rows, self.oracle.position()).await.unwrap();
            }
            Step::Flush => {
                let flushed = self.lake.flush(WORKSPACE).await.unwrap();
                assert_eq!(flushed.position, self.oracle.position());
            }
            Step::Compact => while self.lake.compact(WORKSPACE).await.unwrap().is_some() {},
            Step::RewriteChanged => drop(self.lake.rewrite_changed(WORKSPACE).await.unwrap()),
            Step::Move { handle, person } => {
                if let Some(change) = self.oracle.move_handle(handle, person) {
                    self.publish_move(change).await;
                }
            }
            Step::Erase { handle } => {
                if let Some(change) = self.oracle.erase(handle) {
                    self.publish_move(change).await;
                }
            }
            Step::Supersede { event } => {
                if let Some(event) = self.oracle.supersede(event) {
                    let mut tx = self.store.begin(Priority::Interactive).await.unwrap();
                    let ticket = record_superseded(&mut tx, WORKSPACE, &[event], self.oracle.position()).await.unwrap();
                    tx.commit().await.unwrap();
                    self.lake.publish(ticket).await.unwrap();
                }
            }
            Step::Crash => {
                self.pinned.clear();
                self.lake = open(&self.store, self.folder.path()).await;
                let flushed = self.lake.positions(WORKSPACE).await.unwrap().flushed;
                self.lake.append(WORKSPACE, self.oracle.since(flushed), self.oracle.position()).await.unwrap();
            }
            Step::Pin => {
                let snapshot = self.lake.snapshot(WORKSPACE).await.unwrap();
                self.pinned.push((snapshot, self.oracle.seen()));
            }
        }
    }

    async fn publish_move(&self, change: Move) {
        let mut tx = self.store.begin(Priority::Interactive).await.unwrap();
        let ticket = record_moves(&mut tx, WORKSPACE, &[change]).await.unwrap();
        tx.commit().await.unwrap();
        self.lake.publish(ticket).await.unwrap();
    }

    async fn check(&self) {
        let snapshot = self.lake.snapshot(WORKSPACE).await.unwrap();
        let expected = self.oracle.seen();
        assert_eq!(self.all(&snapshot, TableOptions::default()).await, expected);
        self.check_period(&snapshot, &expected).await;
        self.check_per_person(&snapshot, &expected).await;
        self.check_point_reads(&snapshot, &expected).await;
        self.check_reads_of_some(&snapshot).await;
    }

    /// Every row, through every kind of column.
    async fn all(&self, snapshot: &Snapshot, options: TableOptions) -> Vec<Seen> {
        let property = |path: &str, kind| snapshot.property(path, kind);
        let plan = snapshot
            .scan(options)
            .unwrap()
            .project(vec![
                col("person"),
                col("handle"),
                col("occurred_at"),
                col("event_id"),
                cast(col("name"), arrow::datatypes::DataType::Utf8).alias("name"),
                property("price", PropertyType::Money).alias("price"),
                property("size", PropertyType::Text).alias("size_text"),
                property("size", PropertyType::Number).alias("size_number"),
            ])
            .unwrap()
            .build()
            .unwrap();
        let mut seen: Vec<Seen> = self.run(plan).await.iter().flat_map(seen_in).collect();
        seen.sort();
        seen
    }

    async fn check_period(&self, snapshot: &Snapshot, expected: &[Seen]) {
        let (from, to) = (oracle::at(200, 0), oracle::at(500, 0));
        let options = TableOptions { from: Some(from), to: Some(to), per_person: false };
        let inside: Vec<Seen> =
            expected.iter().filter(|seen| (from.0..to.0).contains(&seen.occurred_at)).cloned().collect();
        assert_eq!(self.all(snapshot, options).await, inside);
    }

    /// Sums by person, with declared partitioning where files allow it and without, are equal.
    async fn check_per_person(&self, snapshot: &Snapshot, expected: &[Seen]) {
        let mut sums: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for seen in expected {
            let sum = sums.entry(seen.person).or_default();
            *sum = (sum.0 + 1, sum.1 + seen.price.unwrap_or_default());
        }
        for per_person in [false, true] {
            let options = TableOptions { per_person, ..TableOptions::default() };
            let price = snapshot.property("price", PropertyType::Money);
            let plan = snapshot
                .scan(options)
                .unwrap()
                .aggregate(vec![col("person")], vec![count(lit(1_i64)), sum(price)])
                .unwrap()
                .build()
                .unwrap();
            let mut found = BTreeMap::new();
            for batch in self.run(plan).await {
                let column = |at: usize| batch.column(at).as_primitive::<Int64Type>();
                for row in 0..batch.num_rows() {
                    let sum = if column(2).is_valid(row) { column(2).value(row) } else { 0 };
                    let before = found.insert(column(0).value(row), (column(1).value(row), sum));
                    assert_eq!(before, None, "a person is in one group only");
                }
            }
            assert_eq!(found, sums, "per person: {per_person}");
        }
    }

    async fn check_point_reads(&self, snapshot: &Snapshot, expected: &[Seen]) {
        for person in oracle::persons() {
            let (from, to) = (Some(oracle::at(100, 0)), Some(oracle::at(800, 0)));
            for (from, to, limit) in [(None, None, usize::MAX), (from, to, 5)] {
                let read = self.lake.person_events_at(snapshot, person, from, to, limit).await.unwrap();
                let inside = |seen: &&Seen| {
                    from.is_none_or(|from| seen.occurred_at >= from.0) && to.is_none_or(|to| seen.occurred_at < to.0)
                };
                let mut mine: Vec<&Seen> =
                    expected.iter().filter(|seen| seen.person == person.0).filter(inside).collect();
                mine.sort_by_key(|seen| std::cmp::Reverse((seen.occurred_at, seen.event_id)));
                mine.truncate(limit);
                let found: Vec<_> = read.iter().map(|row| (row.occurred_at.0, row.event_id.0)).collect();
                let wanted: Vec<_> = mine.iter().map(|seen| (seen.occurred_at, seen.event_id)).collect();
                assert_eq!(found, wanted);
                for row in read {
                    assert_eq!(row.properties(), self.oracle.properties(row.event_id));
                    assert_eq!(row.person, person);
                }
            }
        }
    }

    /// Some people at once: what each of them read alone.
    async fn check_reads_of_some(&self, snapshot: &Snapshot) {
        let persons = oracle::persons();
        let (from, to) = (Some(oracle::at(100, 0)), Some(oracle::at(800, 0)));
        for some in persons.chunks(3).chain([&persons[..], &[]]) {
            let mut alone = Vec::new();
            for person in some {
                alone.extend(self.lake.person_events_at(snapshot, *person, from, to, usize::MAX).await.unwrap());
            }
            alone.sort_by_key(|row| std::cmp::Reverse((row.occurred_at, row.order_key, row.event_id)));
            let together = self.lake.events_of(snapshot, some.to_vec(), from, to).await.unwrap();
            assert_eq!(together, alone);
        }
    }

    /// The physical plan of a count by person.
    async fn plan_per_person(&self, per_person: bool) -> String {
        let snapshot = self.lake.snapshot(WORKSPACE).await.unwrap();
        let options = TableOptions { per_person, ..TableOptions::default() };
        let plan = snapshot.scan(options).unwrap().aggregate(vec![col("person")], vec![count(lit(1_i64))]).unwrap();
        self.lake.query(Budget::default()).unwrap().explain(plan.build().unwrap()).await.unwrap()
    }

    async fn run(&self, plan: LogicalPlan) -> Vec<RecordBatch> {
        self.lake.query(Budget::default()).unwrap().collect(plan).await.unwrap().1
    }
}

async fn open(store: &Store, folder: &std::path::Path) -> Lake {
    Lake::open(store.clone(), &Location::Folder(folder.join("lake")), settings()).await.unwrap()
}

fn seen_in(batch: &RecordBatch) -> Vec<Seen> {
    let integer = |at: usize| batch.column(at).as_primitive::<Int64Type>();
    let times = batch.column(2).as_primitive::<TimestampMicrosecondType>();
    let ids = batch.column(3).as_fixed_size_binary();
    let text = |at: usize| batch.column(at).as_string::<i32>();
    let numbers = batch.column(7).as_primitive::<Float64Type>();
    let row = |row: usize| Seen {
        person: integer(0).value(row),
        handle: integer(1).value(row),
        occurred_at: times.value(row),
        event_id: ids.value(row).try_into().unwrap(),
        name: text(4).value(row).to_owned(),
        price: integer(5).is_valid(row).then(|| integer(5).value(row)),
        size_text: text(6).is_valid(row).then(|| text(6).value(row).to_owned()),
        size_number: numbers.is_valid(row).then(|| numbers.value(row).to_string()),
    };
    (0..batch.num_rows()).map(row).collect()
}

fn play(steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new().await;
        for step in steps {
            let quiet = matches!(step, Step::Pin);
            world.take(step).await;
            if !quiet {
                world.check().await;
            }
        }
        for (snapshot, expected) in &world.pinned {
            assert_eq!(&world.all(snapshot, TableOptions::default()).await, expected, "a pinned snapshot changed");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_read_equals_the_list_in_memory(steps in steps()) {
        play(steps);
    }
}

/// A file may have some changes and lack others; its rows of a moved handle lie under the person before or the one now.
#[test]
fn files_that_have_some_of_the_changes() {
    let event = |handle, day| Step::Append(vec![(handle, day, 1, 100, 0)]);
    play(vec![
        event(0, 1),
        event(1, 2),
        Step::Flush,
        Step::Move { handle: 0, person: 5 },
        event(0, 3),
        Step::Flush,
        Step::Move { handle: 1, person: 4 },
        Step::Supersede { event: 0 },
        Step::Move { handle: 0, person: 3 },
        Step::Crash,
        Step::Compact,
    ]);
}

/// One long life: enough events that cells are cut by month and by bucket, so that declared partitioning is really used.
#[test]
fn buckets_double_and_partitioning_is_declared() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new().await;
        let draw = |n: u32| ((n % 8) as u8, (n % 40) as u16, n % 5, i64::from(n), (n % 6) as u8);
        for round in 0..6_u32 {
            world.take(Step::Append((0..30).map(|n| draw(round * 30 + n)).collect())).await;
            world.take(Step::Flush).await;
            world.take(Step::Compact).await;
        }
        world.check().await;
        assert!(world.plan_per_person(false).await.contains("RepartitionExec"));
        let declared = world.plan_per_person(true).await;
        assert!(!declared.contains("RepartitionExec"), "{declared}");

        // Hot rows and moved handles beside it, still without a shuffle.
        world.take(Step::Append((0..20).map(draw).collect())).await;
        world.take(Step::Move { handle: 3, person: 1 }).await;
        world.check().await;
        let declared = world.plan_per_person(true).await;
        assert!(declared.contains("InterleaveExec") && !declared.contains("RepartitionExec"), "{declared}");

        // Nothing is left of replaced files once nobody holds them.
        while world.lake.compact(WORKSPACE).await.unwrap().is_some() {}
        world.lake.rewrite_changed(WORKSPACE).await.unwrap();
        let on_disk = files_below(&world.folder.path().join("lake")).len();
        let sql = rapport_store::sql!("SELECT count(*) FROM lake_file");
        let counted: i64 = world.store.read().scalar(sql, rapport_store::args![]).await.unwrap();
        assert_eq!(i64::try_from(on_disk).unwrap(), counted);
    });
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn times_are_read_back() {
    assert_eq!(oracle::at(0, 0), Timestamp::parse("2023-01-01").unwrap());
}
