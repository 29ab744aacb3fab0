//! The classifier as a whole: what it keeps, what it refuses, what it warns of.

use super::*;
use crate::learn::Feature;
use crate::learn::calibration::probability;
use crate::resampling::Draws;
use proptest::prelude::*;

fn unit(draws: &mut Draws) -> f64 {
    (draws.next() >> 11) as f64 / (1u64 << 53) as f64
}

/// Two numbers; labels by `odds` of them.
fn made(rows: usize, seed: u64, odds: impl Fn(f64, f64) -> f64) -> (Table, Vec<bool>) {
    let mut draws = Draws::new(seed);
    let (mut x, mut y, mut labels) = (vec![], vec![], vec![]);
    for _ in 0..rows {
        let (a, b) = (4.0 * unit(&mut draws) - 2.0, 4.0 * unit(&mut draws) - 2.0);
        labels.push(unit(&mut draws) < probability(odds(a, b)));
        x.push(a);
        y.push(b);
    }
    let features = vec![Feature::numbers("x", x), Feature::numbers("y", y), Feature::numbers("same", vec![1.0; rows])];
    (Table::new(features).unwrap(), labels)
}

#[test]
fn the_simple_model_is_kept_where_it_serves_and_only_there() {
    let straight = |a: f64, b: f64| a - b;
    let (table, labels) = made(1_500, 1, straight);
    let (model, report) = Classifier::fit(&table, &labels, None, &ClassifierOptions::default()).unwrap();
    assert_eq!(report.kept, Kind::Regression);
    assert_eq!(report.warnings, [Warning::Constant { feature: "same".into() }]);
    assert!(model.regression().is_some_and(|it| it.coefficients().len() == 2));
    let (fresh, _) = made(300, 2, straight);
    let truth = |at: usize| match (&fresh.features()[0].values, &fresh.features()[1].values) {
        (crate::learn::Values::Numbers(x), crate::learn::Values::Numbers(y)) => probability(x[at] - y[at]),
        _ => unreachable!(),
    };
    assert!(model.predict(&fresh).unwrap().iter().enumerate().all(|(at, it)| (it - truth(at)).abs() < 0.1));

    let (table, labels) = made(2_000, 3, |a, b| 2.0 * a * b);
    let (_, report) = Classifier::fit(&table, &labels, None, &ClassifierOptions::default()).unwrap();
    assert_eq!(report.kept, Kind::Boosting);
    assert!(
        report.metrics.auc.value > 0.8 && report.regression.auc.value < 0.6 && report.metrics.calibration_error < 0.05
    );
    assert_eq!(report.features[2], ("same".to_string(), 0.0));
}

#[test]
fn a_feature_that_came_after_the_label_is_told() {
    let (table, labels) = made(800, 4, |a, _| a);
    let after = labels.iter().map(|it| if *it { 12.0 } else { f64::NAN }).collect();
    let table = table.with(Feature::numbers("cancelled_on", after)).unwrap();
    let (_, report) = Classifier::fit(&table, &labels, None, &ClassifierOptions::default()).unwrap();
    assert!(
        matches!(&report.warnings[1], Warning::GivesAway { feature, auc } if feature == "cancelled_on" && *auc > 0.999)
    );
}

#[test]
fn where_there_is_nothing_to_learn_it_says_so() {
    let (table, labels) = made(600, 5, |_, _| 0.0);
    let (_, report) = Classifier::fit(&table, &labels, None, &ClassifierOptions::default()).unwrap();
    assert!(
        report.kept == Kind::Regression && report.warnings.contains(&Warning::TellsNothing),
        "{:?}",
        report.warnings
    );
    let few: Vec<bool> = (0..600).map(|it| it < 20).collect();
    let found = Classifier::fit(&table, &few, None, &ClassifierOptions::default());
    assert_eq!(found.err(), Some(Fault::TooFew { what: "positives", have: 20, need: 50 }));
    let found = Classifier::fit(&table, &labels, Some(&[1; 600]), &ClassifierOptions::default());
    assert_eq!(found.err(), Some(Fault::TooFew { what: "groups", have: 1, need: 50 }));
    assert!(Classifier::fit(&table, &labels[1..], None, &ClassifierOptions::default()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Absurd rows: a fault, or probabilities.
    #[test]
    fn absurd_input_is_refused_or_told(rows in 8usize..80, seed: u64, big in -1e300..1e300f64, grouped: bool) {
        let mut draws = Draws::new(seed);
        let x: Vec<f64> = (0..rows).map(|_| if draws.below(3) == 0 { f64::NAN } else { big * draws.below(3) as f64 / 2.0 }).collect();
        let labels: Vec<bool> = (0..rows).map(|_| draws.below(2) == 0).collect();
        let groups: Vec<u64> = (0..rows as u64).map(|it| it / 2).collect();
        let table = Table::new(vec![Feature::numbers("x", x)]).unwrap();
        let options = ClassifierOptions { least_positives: 1, boosting: BoostingOptions { folds: 2, least_rows: 1, ..Default::default() }, ..Default::default() };
        if let Ok((model, report)) = Classifier::fit(&table, &labels, grouped.then_some(&groups), &options) {
            prop_assert!(model.predict(&table).unwrap().iter().chain(&report.held).all(|it| (0.0..=1.0).contains(it)));
            prop_assert!(report.metrics.auc.value.is_finite() && report.difference.value.is_finite());
        }
    }
}
