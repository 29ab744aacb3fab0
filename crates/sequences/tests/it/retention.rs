//! Retention against an oracle that asks the definition of every person, cohort and column.

use proptest::prelude::*;
use rapport_sequences::{Counting, Retention, RetentionSpec};

type Person = (Vec<i64>, Vec<i64>);

fn interval(spec: &RetentionSpec, time: i64) -> Option<usize> {
    spec.boundaries.windows(2).position(|w| w[0] <= time && time < w[1])
}

/// The start event that puts a person into a cohort.
fn founding(spec: &RetentionSpec, starts: &[i64], cohort: usize) -> Option<i64> {
    let there = starts.iter().copied().filter(|t| interval(spec, *t) == Some(cohort)).min()?;
    let first_ever = starts.iter().copied().min()?;
    (!spec.first_time || there == first_ever).then_some(there)
}

/// Whether the person has the returns that column `k` (from 1) asks for, on their own.
fn returns(spec: &RetentionSpec, start: i64, back: &[i64], cohort: usize, k: usize) -> bool {
    let counts = back.iter().filter(|t| match spec.counting {
        Counting::Calendar => interval(spec, **t) == Some(cohort + k),
        Counting::Rolling(length) => **t >= start && (**t - start) as u64 / length == k as u64,
    });
    counts.count() >= spec.minimum as usize
}

fn cell(spec: &RetentionSpec, people: &[Person], cohort: usize, k: usize, columns: usize) -> u64 {
    let counts = people.iter().filter(|(starts, back)| {
        founding(spec, starts, cohort).is_some_and(|start| match k {
            0 => true,
            _ if spec.on_or_after => (k..columns).any(|later| returns(spec, start, back, cohort, later)),
            _ => returns(spec, start, back, cohort, k),
        })
    });
    counts.count() as u64
}

fn spec() -> impl Strategy<Value = RetentionSpec> {
    let counting = prop_oneof![Just(Counting::Calendar), (1u64..6).prop_map(Counting::Rolling)];
    let flags = (any::<bool>(), any::<bool>(), 1u32..3);
    (prop::collection::btree_set(0i64..24, 2..8), 1usize..8, 0usize..9, counting, flags).prop_map(
        |(boundaries, cohorts, last_column, counting, (first_time, on_or_after, minimum))| RetentionSpec {
            cohorts: cohorts.min(boundaries.len() - 1),
            boundaries: boundaries.into_iter().collect(),
            last_column,
            counting,
            first_time,
            on_or_after,
            minimum,
        },
    )
}

fn people() -> impl Strategy<Value = Vec<Person>> {
    let sorted = |longest| {
        prop::collection::vec(-3i64..27, 0..longest).prop_map(|mut times: Vec<i64>| {
            times.sort_unstable();
            times
        })
    };
    prop::collection::vec((sorted(5), sorted(8)), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn equals_the_definition(spec in spec(), people in people(), split in 0usize..5) {
        let mut parts = [Retention::new(spec.clone()), Retention::new(spec.clone())];
        for (i, (starts, back)) in people.iter().enumerate() {
            parts[usize::from(i < split)].add(starts, back);
        }
        let [mut table, other] = parts;
        table.merge(&other);
        for cohort in 0..spec.cohorts {
            let row = table.row(cohort);
            let expected: Vec<u64> =
                (0..row.len()).map(|k| cell(&spec, &people, cohort, k, row.len())).collect();
            prop_assert_eq!(row, expected);
            prop_assert!(row.iter().all(|count| *count <= row[0]));
            prop_assert!(!spec.on_or_after || row[1..].is_sorted_by(|a, b| a >= b));
            let intervals_left = spec.boundaries.len() - 1 - cohort;
            if spec.counting == Counting::Calendar {
                prop_assert_eq!(row.len(), intervals_left.min(spec.last_column + 1));
            }
        }
        let in_cohorts: u64 = (0..spec.cohorts).map(|cohort| table.row(cohort)[0]).sum();
        let starters = people.iter().filter(|(starts, _)| !starts.is_empty()).count() as u64;
        prop_assert!(!spec.first_time || in_cohorts <= starters);
    }

    #[test]
    fn bit_sets_give_the_same_as_times(spec in spec(), people in people()) {
        let spec = RetentionSpec { counting: Counting::Calendar, minimum: 1, ..spec };
        let (mut by_times, mut by_bits) = (Retention::new(spec.clone()), Retention::new(spec.clone()));
        for (starts, back) in &people {
            by_times.add(starts, back);
            let bits = |times: &[i64]| times.iter().filter_map(|t| interval(&spec, *t)).fold(0, |bits, i| bits | 1_u64 << i);
            let too_early = spec.first_time && starts.first().is_some_and(|first| *first < spec.boundaries[0]);
            by_bits.add_intervals(&[if too_early { 0 } else { bits(starts) }], &[bits(back)]);
        }
        for cohort in 0..spec.cohorts {
            prop_assert_eq!(by_times.row(cohort), by_bits.row(cohort));
        }
    }
}

#[test]
fn more_than_64_intervals() {
    let spec = RetentionSpec {
        boundaries: (0..=200).collect(),
        cohorts: 200,
        last_column: 199,
        counting: Counting::Calendar,
        first_time: false,
        on_or_after: false,
        minimum: 1,
    };
    let mut table = Retention::new(spec);
    table.add(&[10, 70], &[10, 64, 70, 133, 199]);
    let ones = |row: &[u64]| (0..row.len()).filter(|k| row[*k] == 1).collect::<Vec<_>>();
    assert_eq!(ones(table.row(10)), [0, 54, 60, 123, 189]);
    assert_eq!(ones(table.row(70)), [0, 63, 129]);
    assert_eq!(table.row(199), [0]);
}

#[test]
fn rolling_days_are_each_persons_own() {
    let spec = RetentionSpec {
        boundaries: vec![0, 24, 48, 72, 96],
        cohorts: 1,
        last_column: 2,
        counting: Counting::Rolling(24),
        first_time: false,
        on_or_after: false,
        minimum: 1,
    };
    let mut table = Retention::new(spec);
    table.add(&[20, 22], &[43]); // the next calendar day, but within the first 24 hours
    table.add(&[20], &[44]);
    table.add(&[0], &[71]);
    assert_eq!(table.row(0), [3, 1, 1]);
}
