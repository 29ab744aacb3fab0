//! Boosting against slow trees and reasons summed over all orders.

use super::*;
use crate::learn::Feature;
use crate::learn::metrics::auc;
use proptest::prelude::*;

fn unit(draws: &mut Draws) -> f64 {
    (draws.next() >> 11) as f64 / (1u64 << 53) as f64
}

/// A number, one of which a fifth is missing, and a category; what comes of them.
fn made(rows: usize, seed: u64) -> (Table, Vec<f64>) {
    let mut draws = Draws::new(seed);
    let (mut x, mut z, mut c, mut y) = (vec![], vec![], vec![], vec![]);
    for _ in 0..rows {
        let (a, b, level) = (unit(&mut draws), unit(&mut draws), draws.below(12));
        let missing = unit(&mut draws) < 0.2;
        y.push(
            if a > 0.5 { 2.0 } else { 0.0 } + if missing { 1.5 } else { b } + if level % 3 == 0 { 1.0 } else { 0.0 },
        );
        x.push(a);
        z.push(if missing { f64::NAN } else { b });
        c.push(format!("level {level}"));
    }
    let features = vec![Feature::numbers("x", x), Feature::numbers("z", z), Feature::categories("c", &c)];
    (Table::new(features).unwrap(), y)
}

#[test]
fn steps_missing_values_and_sets_of_categories_are_found() {
    let (table, y) = made(3_000, 1);
    let options = BoostingOptions { trees: 200, row_share: 1.0, feature_share: 1.0, ..Default::default() };
    let model = Boosting::fit(&table, Outcome::Number(&y), None, &options).unwrap();
    let (fresh, wanted) = made(500, 2);
    let off: Vec<f64> = model.predict(&fresh).unwrap().iter().zip(wanted).map(|(a, b)| (a - b).abs()).collect();
    assert!(off.iter().sum::<f64>() / 500.0 < 0.05 && off.iter().filter(|it| **it > 0.35).count() < 8, "{off:?}");
    let importance = model.importance();
    assert!((importance.iter().sum::<f64>() - 1.0).abs() < 1e-9 && importance[0] > importance[2]);
    assert_eq!(Boosting::fit(&table, Outcome::Number(&y), None, &options).unwrap(), model);
}

#[test]
fn it_stops_where_held_rows_are_told_no_better() {
    let (table, y) = made(2_000, 3);
    let mut draws = Draws::new(9);
    let labels: Vec<bool> = y.iter().map(|it| unit(&mut draws) < probability(*it - 2.0)).collect();
    let found =
        Boosting::fit_stopped(&table, Outcome::Class(&labels), None, None, &BoostingOptions::default()).unwrap();
    assert!(found.trees.iter().all(|it| *it > 3 && *it < 300), "{:?}", found.trees);
    let (held, all) = (auc(&found.held, &labels), auc(&found.model.scores(&table).unwrap(), &labels));
    assert!(held.value > 0.66 && held.value < all.value);
    // With labels of chance there is nothing to be told.
    let chance: Vec<bool> = (0..2_000).map(|_| draws.below(2) == 0).collect();
    let found =
        Boosting::fit_stopped(&table, Outcome::Class(&chance), None, None, &BoostingOptions::default()).unwrap();
    assert!(found.trees.iter().all(|it| *it < 60), "{:?}", found.trees);
}

#[test]
fn a_direction_is_kept_to() {
    let mut draws = Draws::new(4);
    let x: Vec<f64> = (0..1_500).map(|_| unit(&mut draws)).collect();
    let y: Vec<f64> = x.iter().map(|it| it + (12.0 * it).sin() + 0.3 * unit(&mut draws)).collect();
    let table = Table::new(vec![Feature::numbers("x", x)]).unwrap();
    let grid = Table::new(vec![Feature::numbers("x", (0..200).map(|it| f64::from(it) / 200.0).collect())]).unwrap();
    for direction in [1i8, -1, 0] {
        let options = BoostingOptions { trees: 50, leaves: vec![8], directions: vec![direction], ..Default::default() };
        let found = Boosting::fit(&table, Outcome::Number(&y), None, &options).unwrap().predict(&grid).unwrap();
        let against = found.windows(2).filter(|it| f64::from(direction) * (it[1] - it[0]) < -1e-12).count();
        assert_eq!(against, 0);
        let turns = found.windows(2).any(|it| it[1] < it[0]) && found.windows(2).any(|it| it[1] > it[0]);
        assert_eq!(turns, direction == 0);
    }
}

/// What a tree says when only the features of `known` are known: an oracle over all subsets.
fn with_known(tree: &Tree, row: &[u8], known: usize, node: usize) -> f64 {
    let here = &tree.nodes[node];
    let Some(question) = &here.question else { return here.value };
    if known >> question.feature & 1 == 1 {
        return with_known(tree, row, known, question.next(row));
    }
    let child = |it: u32| tree.nodes[it as usize].cover / here.cover * with_known(tree, row, known, it as usize);
    child(question.left) + child(question.right)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Oracle: Shapley's formula over all subsets of the features.
    #[test]
    fn contributions_are_shapley_values_and_add_up(seed in 0u64..1_000) {
        let (table, y) = made(300, seed);
        let table = table.with(Feature::numbers("w", y.iter().map(|it| (it * 7.0).sin()).collect())).unwrap();
        let options = BoostingOptions { trees: 4, leaves: vec![16], least_rows: 5, ..Default::default() };
        let model = Boosting::fit(&table, Outcome::Number(&y), None, &options).unwrap();
        let few = table.taken(&[0, 1, 2, 3, 4]);
        let found = model.explain(&few).unwrap();
        let binned = binned(&few, &model.binnings);
        let factorial = |n: usize| (1..=n).map(|it| it as f64).product::<f64>();
        for (row, score) in model.scores(&few).unwrap().iter().enumerate() {
            prop_assert!((found.base + found.rows[row].iter().sum::<f64>() - score).abs() < 1e-9);
            let value = |known| model.trees.iter().map(|it| with_known(it, binned.row(row), known, 0)).sum::<f64>();
            for feature in 0..4 {
                let subsets = (0..16usize).filter(|it| it >> feature & 1 == 0);
                let wanted: f64 = subsets.map(|it| {
                    let size = it.count_ones() as usize;
                    factorial(size) * factorial(3 - size) / factorial(4) * (value(it | 1 << feature) - value(it))
                }).sum();
                prop_assert!((found.rows[row][feature] - wanted).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn absurd_input_is_refused_or_told(rows in 1usize..40, seed: u64, big in -1e300..1e300f64) {
        let mut draws = Draws::new(seed);
        let x: Vec<f64> = (0..rows).map(|_| if draws.below(3) == 0 { f64::NAN } else { big * draws.below(3) as f64 / 2.0 }).collect();
        let y: Vec<f64> = (0..rows).map(|_| big * unit(&mut draws)).collect();
        let labels: Vec<bool> = (0..rows).map(|_| draws.below(2) == 0).collect();
        let table = Table::new(vec![Feature::numbers("x", x)]).unwrap();
        let options = BoostingOptions { trees: 5, least_rows: 1, ..Default::default() };
        for outcome in [Outcome::Number(&y), Outcome::Class(&labels)] {
            let stopped = Boosting::fit_stopped(&table, outcome, None, None, &options).map(|it| it.model);
            for fit in [Boosting::fit(&table, outcome, None, &options), stopped].into_iter().flatten() {
                prop_assert!(fit.predict(&table).unwrap().iter().all(|it| it.is_finite()));
            }
        }
    }
}
