//! Regular buyers: what is expected beside slow integrals, and what is found again in simulated data.

use super::*;
use crate::buying::{Buying, ParetoNbd, simulated_pareto_ggg};

const MODEL: ParetoGgg = ParetoGgg { t: 3.0, gamma: 1.2, r: 1.2, alpha: 6.0, s: 0.8, beta: 20.0 };

/// By differences of the likelihood at two distances, of which the error of second order is taken away (Richardson).
#[test]
fn derivatives_are_differences_of_the_likelihood() {
    let rows = simulated_pareto_ggg(&MODEL, 40, (20.0, 60.0), 5);
    let others = [
        ParetoGgg { t: 0.6, gamma: 0.9, r: 0.3, alpha: 40.0, s: 2.0, beta: 3.0 },
        ParetoGgg { t: 8.0, gamma: 0.3, r: 6.0, alpha: 0.5, s: 0.1, beta: 400.0 },
    ];
    for model in [MODEL].into_iter().chain(others) {
        let mut gradient = vec![0.0; 6];
        model.log_likelihood(&rows, &mut gradient);
        for at in 0..6 {
            let moved = |by: f64| {
                let mut parameters = model.parameters();
                parameters[at] *= 1.0 + by;
                ParetoGgg::with(&parameters).log_likelihood(&rows, &mut [0.0; 6])
            };
            let slope = |by: f64| (moved(by) - moved(-by)) / (2.0 * by * model.parameters()[at]);
            let wanted = (4.0 * slope(1e-3) - slope(2e-3)) / 3.0;
            let scale = 1.0 / model.parameters()[at] + wanted.abs();
            assert!((gradient[at] - wanted).abs() < 1e-6 * scale, "{at} {} {wanted} {model:?}", gradient[at]);
        }
    }
}

/// Where everybody buys at random (k = 1, which is one of the places), it is Pareto/NBD.
#[test]
fn at_random_it_is_pareto_nbd() {
    let random = ParetoGgg { t: 1e5, gamma: 1e5, ..MODEL };
    let pareto = ParetoNbd { r: 1.2, alpha: 6.0, s: 0.8, beta: 20.0 };
    let rows = simulated_pareto_ggg(&MODEL, 100, (20.0, 60.0), 5);
    let histories = Histories::new(&rows.iter().map(|it| it.history).collect::<Vec<_>>()).unwrap();
    let (one, other) =
        (random.log_likelihood(&rows, &mut [0.0; 6]), pareto.log_likelihood(histories.groups(), &mut [0.0; 4]));
    assert!((one - other).abs() < 1e-6 * other.abs(), "{one} {other}");
    for row in &rows {
        assert!((random.alive(row) - pareto.alive(&row.history)).abs() < 1e-6, "{row:?}");
    }
    let row = Rhythm { history: History { frequency: 4, recency: 30.0, age: 36.0 }, logs: 7.5, weight: 1.0 };
    let outlook = random.outlook(&row, 26.0, 8);
    let wanted = pareto.expected(&row.history, 26.0);
    assert!((outlook.expected / wanted - 1.0).abs() < 0.01, "{} {wanted}", outlook.expected);
    for (found, wanted) in outlook.probabilities.iter().zip(pareto.probabilities(&row.history, 26.0, 8)) {
        assert!((found - wanted).abs() < 0.004, "{found} {wanted}");
    }
}

/// Of two people with the same history, the one who buys by the clock is gone more surely when late, and there more surely when not.
#[test]
fn who_is_regular_is_late_sooner() {
    let person = |recency: f64, regular: bool| {
        let even = 8.0 * (recency / 8.0).ln();
        let logs = if regular { even - 0.1 } else { even - 6.0 };
        Rhythm { history: History { frequency: 8, recency, age: 40.0 }, logs, weight: 1.0 }
    };
    assert!(MODEL.regularity(&person(24.0, true)) > 2.0 * MODEL.regularity(&person(24.0, false)));
    assert!(MODEL.alive(&person(24.0, true)) < 0.5 * MODEL.alive(&person(24.0, false)));
    assert!(MODEL.alive(&person(38.0, true)) > 0.9);
}

/// A triple integral over regularity, rate and time of leaving, by other rules (mpmath's incomplete gamma functions, some 80 regularities an eighth apart): the
/// logarithm of the likelihood, its derivative by r, and P(alive).
#[test]
fn the_likelihood_is_the_triple_integral() {
    let other = ParetoGgg { t: 5.0, gamma: 0.8, r: 0.5, alpha: 10.0, s: 2.0, beta: 15.0 };
    for (model, (frequency, recency, age), logs, wanted) in [
        (MODEL, (0, 0.0, 30.0), 0.0, [-1.273_475_221_07, -0.899_510_144_957, 0.201_307_178_725]),
        (MODEL, (3, 20.0, 22.0), 5.2, [-9.884_603_524_11, 0.126_682_739_011, 0.958_532_466_338]),
        (MODEL, (8, 24.0, 40.0), 8.2, [-18.783_090_591_6, 0.894_046_329_433, 0.011_988_920_157_3]),
        (other, (2, 9.0, 36.0), 2.5, [-9.887_981_850_28, 2.379_630_286_27, 0.006_455_167_622_16]),
        (MODEL, (60, 50.0, 52.0), -16.0, [-30.852_097_987_7, 2.227_029_053_51, 0.487_803_088_403]),
    ] {
        let row = Rhythm { history: History { frequency, recency, age }, logs, weight: 1.0 };
        let mut gradient = [0.0; 6];
        let found = [model.log_likelihood(&[row], &mut gradient), gradient[2], model.alive(&row)];
        for (found, wanted) in found.iter().zip(wanted) {
            // Regularities below 0.03 are left out here, of which there are 8 in a million.
            assert!((found - wanted).abs() < 1e-5 * (1.0 + wanted.abs()), "{row:?} {found} {wanted}");
        }
    }
}

/// What somebody new is expected to buy is what simulated people do.
#[test]
fn what_is_expected_is_what_happens() {
    let people = simulated_pareto_ggg(&MODEL, 40_000, (30.0, 30.0), 1);
    let mean = people.iter().map(|it| f64::from(it.history.frequency)).sum::<f64>() / 40_000.0;
    let new = Rhythm { history: History { frequency: 0, recency: 0.0, age: 0.0 }, logs: 0.0, weight: 1.0 };
    let outlook = MODEL.outlook(&new, 30.0, 60);
    assert!((outlook.expected / mean - 1.0).abs() < 0.03, "{} {mean}", outlook.expected);
    let never = people.iter().filter(|it| it.history.frequency == 0).count() as f64 / 40_000.0;
    assert!((outlook.probabilities[0] - never).abs() < 0.01, "{} {never}", outlook.probabilities[0]);
    let all: f64 = outlook.probabilities.iter().sum();
    assert!(outlook.alive == 1.0 && (0.98..1.000_1).contains(&all), "{outlook:?}");
}
