//! Regression against its own gradient and what it was simulated with.

use super::*;
use crate::distributions::normal_quantile;
use crate::learn::Feature;
use crate::resampling::Draws;
use proptest::prelude::*;

fn unit(draws: &mut Draws) -> f64 {
    (draws.next() >> 11) as f64 / (1u64 << 53) as f64
}

fn normal(draws: &mut Draws) -> f64 {
    normal_quantile(unit(draws).clamp(1e-12, 1.0 - 1e-12))
}

/// Log-odds of −1 + 0.8 x − 0.5 where the plan is b + 0.7 where z is missing.
fn made(rows: usize, seed: u64) -> (Table, Vec<bool>) {
    let mut draws = Draws::new(seed);
    let (mut x, mut z, mut plan, mut labels) = (vec![], vec![], vec![], vec![]);
    for _ in 0..rows {
        let (a, b, level) = (normal(&mut draws), draws.below(3) == 0, draws.below(4) == 0);
        let odds = -1.0 + 0.8 * a - if level { 0.5 } else { 0.0 } + if b { 0.7 } else { 0.0 };
        labels.push(unit(&mut draws) < probability(odds));
        x.push(10.0 * a);
        z.push(if b { f64::NAN } else { normal(&mut draws) });
        plan.push(if level { "b" } else { "a" });
    }
    let features = vec![Feature::numbers("x", x), Feature::numbers("z", z), Feature::categories("plan", &plan)];
    (Table::new(features).unwrap(), labels)
}

const TRUTH: [f64; 4] = [0.08, 0.0, 0.7, -0.5];

/// 200 data sets: intervals of 95 % hold the truth as often as they say, within the exact binomial bounds of 99.9 % (of 200: 179 to 200).
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let mut held = [0; 4];
    for seed in 0..200 {
        let (table, labels) = made(600, seed);
        let fit = Regression::fit(&table, Outcome::Class(&labels), None, &RegressionOptions { ridge: 0.1 }).unwrap();
        for ((it, truth), held) in fit.coefficients().iter().zip(TRUTH).zip(&mut held) {
            assert!(it.estimate.value.is_finite() && it.odds_ratio.is_some() && (0.0..=1.0).contains(&it.p));
            *held += u32::from(it.estimate.low <= truth && truth <= it.estimate.high);
        }
    }
    assert!(held.iter().all(|it| *it >= 179), "{held:?}");
}

#[test]
fn coefficients_have_names_and_contributions_add_up() {
    let (table, labels) = made(2_000, 5);
    let fit = Regression::fit(&table, Outcome::Class(&labels), None, &RegressionOptions::default()).unwrap();
    let found = fit.coefficients();
    let names: Vec<_> =
        found.iter().map(|it| (it.feature.as_str(), it.level.as_deref(), it.reference.as_deref())).collect();
    let wanted = [("x", None, None), ("z", None, None), ("z", Some("missing"), None), ("plan", Some("b"), Some("a"))];
    assert_eq!(names, wanted);
    let explained = fit.explain(&table).unwrap();
    for (row, score) in explained.rows.iter().zip(fit.scores(&table).unwrap()) {
        assert!((explained.base + row.iter().sum::<f64>() - score).abs() < 1e-9);
    }
    // The probabilities of all rows add up to the positives.
    let said: f64 = fit.predict(&table).unwrap().iter().sum();
    assert!((said - labels.iter().filter(|it| **it).count() as f64).abs() < 1e-3);
}

#[test]
fn least_squares_by_hand_and_faults() {
    let table = Table::new(vec![Feature::numbers("x", vec![1.0, 2.0, 3.0, 4.0])]).unwrap();
    let none = RegressionOptions { ridge: 0.0 };
    let fit = Regression::fit(&table, Outcome::Number(&[2.0, 4.0, 5.0, 8.0]), None, &none).unwrap();
    let found = fit.coefficients().remove(0);
    // Slope 1.9; 0.7 is left over, of which 2 are free; Σ(x − x̄)² = 5.
    assert!((found.estimate.value - 1.9).abs() < 1e-12 && found.odds_ratio.is_none());
    assert!((found.estimate.standard_error.unwrap() - (0.35f64 / 5.0).sqrt()).abs() < 1e-9);
    let apart = [false, false, true, true];
    assert!(matches!(Regression::fit(&table, Outcome::Class(&apart), None, &none), Err(Fault::NotIdentified { .. })));
    let ridge = Regression::fit(&table, Outcome::Class(&apart), None, &RegressionOptions::default()).unwrap();
    assert!(ridge.predict(&table).unwrap().windows(2).all(|it| it[0] < it[1]));
    let twice = table.with(Feature::numbers("y", vec![2.0, 4.0, 6.0, 8.0])).unwrap();
    assert!(Regression::fit(&twice, Outcome::Number(&[2.0, 4.0, 5.0, 8.0]), None, &none).is_err());
    assert_eq!(Regression::fit(&table, Outcome::Class(&[true; 4]), None, &none), Err(Fault::OneClass));
    let constant = Table::new(vec![Feature::numbers("x", vec![5.0; 4])]).unwrap();
    let fit = Regression::fit(&constant, Outcome::Number(&[1.0, 2.0, 3.0, 6.0]), None, &none).unwrap();
    assert!(fit.coefficients().is_empty() && (fit.predict(&constant).unwrap()[0] - 3.0).abs() < 1e-12);
}

proptest! {
    #[test]
    fn absurd_input_is_refused_or_told(rows in 1usize..40, seed: u64, big in -1e300..1e300f64, ridge in 0.0..2.0f64) {
        let mut draws = Draws::new(seed);
        let x: Vec<f64> = (0..rows).map(|_| if draws.below(3) == 0 { f64::NAN } else { big * draws.below(3) as f64 / 2.0 }).collect();
        let y: Vec<f64> = (0..rows).map(|_| big * unit(&mut draws)).collect();
        let labels: Vec<bool> = (0..rows).map(|_| draws.below(2) == 0).collect();
        let table = Table::new(vec![Feature::numbers("x", x), Feature::numbers("y", y.clone())]).unwrap();
        for outcome in [Outcome::Number(&y), Outcome::Class(&labels)] {
            if let Ok(fit) = Regression::fit(&table, outcome, None, &RegressionOptions { ridge }) {
                prop_assert!(fit.predict(&table).unwrap().iter().all(|it| it.is_finite()));
                prop_assert!(fit.coefficients().iter().all(|it| it.estimate.value.is_finite() && it.estimate.low.is_finite()));
            }
        }
    }
}
