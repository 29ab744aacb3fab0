//! Survival of simulated people, whose truth is known: every fit is finite or says why not, and 95 % intervals hold the truth as often as they claim.

use proptest::prelude::*;
use rapport_models::survival::{
    Cox, KaplanMeier, Lifetimes, Ties, Transform, Weibull, Weighting, concordance, log_rank,
};

use crate::draws::Draws;

const TRUTH: [f64; 3] = [0.7, -0.4, 0.0];
const SHAPE: f64 = 1.4;
const SCALE: f64 = 30.0;

struct People {
    columns: Vec<Vec<f64>>,
    times: Vec<f64>,
    ended: Vec<bool>,
}

/// Weibull times with hazard ratios exp(TRUTH), seen until a time of chance; in whole units on request, which makes ties.
fn people(n: usize, seed: u64, whole: bool) -> People {
    let mut draws = Draws(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut found = People { columns: vec![Vec::new(); 3], times: Vec::new(), ended: Vec::new() };
    for _ in 0..n {
        let row = [f64::from(u8::from(draws.uniform() < 0.4)), 5.0 + 2.0 * draws.normal(), draws.normal()];
        let effect: f64 = row[0] * TRUTH[0] + (row[1] - 5.0) * TRUTH[1] + row[2] * TRUTH[2];
        let time = SCALE * (-draws.uniform().ln() / effect.exp()).powf(1.0 / SHAPE);
        let seen = 10.0 + 60.0 * draws.uniform();
        let until = time.min(seen);
        found.times.push(if whole { until.ceil() } else { until });
        found.ended.push(time <= seen);
        found.columns.iter_mut().zip(row).for_each(|(column, it)| column.push(it));
    }
    found
}

/// Between which counts of `n` at probability `p` all but 1 in 1,000 are.
fn binomial_bounds(n: usize, p: f64) -> (usize, usize) {
    let log = |k: usize| {
        let choose: f64 = (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum();
        choose + k as f64 * p.ln() + (n - k) as f64 * (1.0 - p).ln()
    };
    let mass: Vec<f64> = (0..=n).map(|k| log(k).exp()).collect();
    let mut below = 0.0;
    let low = mass
        .iter()
        .position(|it| {
            below += it;
            below > 0.0005
        })
        .unwrap();
    let mut above = 0.0;
    let high = mass
        .iter()
        .rev()
        .position(|it| {
            above += it;
            above > 0.0005
        })
        .unwrap();
    (low, n - high)
}

fn cover(runs: u64, n: usize) {
    let (mut cox, mut weibull, mut shape, mut curve, mut predicted) = ([0; 3], [0; 3], 0, 0, 0);
    let row = [1.0, 4.0, 0.5];
    let effect: f64 = row[0] * TRUTH[0] + (row[1] - 5.0) * TRUTH[1] + row[2] * TRUTH[2];
    let truth = (-effect.exp() * (20.0_f64 / SCALE).powf(SHAPE)).exp();
    for seed in 0..runs {
        let it = people(n, seed, false);
        let lifetimes = Lifetimes::new(&it.times, &it.ended);
        let fit = Cox::fit(&lifetimes, &it.columns, Ties::Efron).unwrap();
        for (at, found) in fit.summary(0.05).iter().enumerate() {
            let (low, high) = (found.coefficient.low, found.coefficient.high);
            cox[at] += usize::from(low <= TRUTH[at] && TRUTH[at] <= high);
        }
        let found = fit.survival(&row, 20.0, 0.05).unwrap();
        predicted += usize::from(found.low <= truth && truth <= found.high);
        let fit = Weibull::fit(&lifetimes, &it.columns).unwrap();
        for (at, found) in fit.summary(0.05).iter().skip(1).enumerate() {
            let truth = -TRUTH[at] / SHAPE;
            weibull[at] += usize::from(found.low <= truth && truth <= found.high);
        }
        let found = fit.shape(0.05);
        shape += usize::from(found.low <= SHAPE && SHAPE <= found.high);
        // A fair coin's lifetimes without columns: half of them last longer than 7.
        let mut draws = Draws(seed ^ 0xabcd);
        let times: Vec<f64> = (0..n).map(|_| 14.0 * draws.uniform()).collect();
        let seen: Vec<f64> = times.iter().map(|it| it.min(20.0 * draws.uniform())).collect();
        let ended: Vec<bool> = times.iter().zip(&seen).map(|(time, seen)| time == seen).collect();
        let found = KaplanMeier::fit(&Lifetimes::new(&seen, &ended)).unwrap().at(7.0, 0.05).unwrap();
        curve += usize::from(found.low <= 0.5 && 0.5 <= found.high);
    }
    let (low, high) = binomial_bounds(runs as usize, 0.95);
    for (what, count) in
        [("cox", cox.to_vec()), ("weibull", weibull.to_vec()), ("others", vec![shape, curve, predicted])]
    {
        assert!(count.iter().all(|it| (low..=high).contains(it)), "{what} {count:?} outside {low}..={high}");
    }
}

/// Where nothing is to be found, tests at 5 % find something in one of twenty samples: no drift of factors, no difference of groups, no factor at all.
#[test]
fn tests_find_nothing_where_there_is_nothing() {
    let (mut drift, mut groups, mut wald, mut ratio, mut score) = (0, 0, 0, 0, 0);
    for seed in 0..200 {
        let it = people(300, 1_000 + seed, false);
        let lifetimes = Lifetimes::new(&it.times, &it.ended);
        let fit = Cox::fit(&lifetimes, &it.columns, Ties::Efron).unwrap();
        drift += usize::from(fit.proportional_hazards(&lifetimes, &it.columns, Transform::Rank).unwrap().1.p < 0.05);
        let sides: Vec<usize> = it.columns[2].iter().map(|it| usize::from(*it > 0.0)).collect();
        groups += usize::from(log_rank(&lifetimes, &sides, Weighting::LogRank).unwrap().p < 0.05);
        let alone = Cox::fit(&lifetimes, &it.columns[2..], Ties::Efron).unwrap();
        wald += usize::from(alone.wald_test.p < 0.05);
        ratio += usize::from(alone.likelihood_ratio_test().p < 0.05);
        score += usize::from(alone.score_test.p < 0.05);
    }
    let (low, high) = binomial_bounds(200, 0.05);
    let counts = [drift, groups, wald, ratio, score];
    assert!(counts.iter().all(|it| (low..=high).contains(it)), "{counts:?} outside {low}..={high}");
}

#[test]
fn intervals_hold_the_truth_in_200_samples() {
    cover(200, 400);
}

#[test]
#[ignore = "the long run"]
fn intervals_hold_the_truth_in_the_long_run() {
    cover(2_000, 400);
}

/// Ties bias Breslow's way towards nothing, Efron's hardly.
#[test]
fn efron_stands_ties_better() {
    let mut sums = [0.0; 2];
    for seed in 0..40 {
        let it = people(500, seed, true);
        let times: Vec<f64> = it.times.iter().map(|it| (it / 10.0).ceil()).collect();
        for (sum, ties) in sums.iter_mut().zip([Ties::Efron, Ties::Breslow]) {
            *sum += Cox::fit(&Lifetimes::new(&times, &it.ended), &it.columns, ties).unwrap().coefficients[0] / 40.0;
        }
    }
    let off = sums.map(|it| TRUTH[0] - it);
    assert!(off[0].abs() < 0.1 && off[1] > 2.0 * off[0], "{sums:?}");
}

#[test]
fn a_column_that_tells_the_end_without_fail_is_no_fit() {
    let it = people(60, 3, false);
    let tells: Vec<f64> = it.ended.iter().map(|it| f64::from(u8::from(*it))).collect();
    let lifetimes = Lifetimes::new(&it.times, &it.ended);
    let fault = Cox::fit(&lifetimes, std::slice::from_ref(&tells), Ties::Efron).unwrap_err();
    assert!(fault.to_string().contains("without fail"), "{fault}");
    let twice = [it.columns[1].clone(), it.columns[1].iter().map(|it| 3.0 - 2.0 * it).collect()];
    assert!(Cox::fit(&lifetimes, &twice, Ties::Efron).is_err());
    assert!(Weibull::fit(&lifetimes, &twice).is_err());
}

/// Oracle: the derivative of the textbook's likelihood, term by term, is nothing at the estimate.
#[test]
fn the_slope_at_the_estimate_is_nothing() {
    let it = people(80, 11, true);
    let entries: Vec<f64> =
        it.times.iter().enumerate().map(|(at, time)| if at % 3 == 0 { time / 2.0 } else { 0.0 }).collect();
    for ties in [Ties::Efron, Ties::Breslow] {
        let lifetimes = Lifetimes { entries: Some(&entries), times: &it.times, ended: &it.ended };
        let fit = Cox::fit(&lifetimes, &it.columns, ties).unwrap();
        let value = |coefficients: &[f64]| {
            let risk = |row: usize| coefficients.iter().zip(&it.columns).map(|(b, x)| b * x[row]).sum::<f64>();
            let mut sum = 0.0;
            let mut times: Vec<f64> = (0..80).filter(|row| it.ended[*row]).map(|row| it.times[row]).collect();
            times.sort_by(f64::total_cmp);
            times.dedup();
            for time in times {
                let ending: Vec<usize> = (0..80).filter(|row| it.ended[*row] && it.times[*row] == time).collect();
                let all: f64 = (0..80)
                    .filter(|row| it.times[*row] >= time && entries[*row] < time)
                    .map(|row| risk(row).exp())
                    .sum();
                let own: f64 = ending.iter().map(|row| risk(*row).exp()).sum();
                for (number, row) in ending.iter().enumerate() {
                    let gone = if ties == Ties::Efron { number as f64 / ending.len() as f64 } else { 0.0 };
                    sum += risk(*row) - (all - gone * own).ln();
                }
            }
            sum
        };
        assert!((value(&fit.coefficients) - fit.log_likelihood).abs() < 1e-8);
        for at in 0..3 {
            let moved = |by: f64| {
                let mut coefficients = fit.coefficients.clone();
                coefficients[at] += by;
                value(&coefficients)
            };
            let slope = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            let curvature = (moved(1e-3) + moved(-1e-3) - 2.0 * moved(0.0)) / 1e-6;
            assert!(slope.abs() < 1e-5 && curvature < 0.0, "{slope} {curvature}");
        }
    }
}

/// Any number that may come in.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-3i8..9).prop_map(f64::from),
        1 => prop::sample::select(vec![0.0, -0.0, 1e308, -1e308, 1e-308, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, 1e150]),
        1 => any::<f64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn absurd_input_has_a_finite_answer_or_a_reason(rows in prop::collection::vec((any_number(), any_number(), any::<bool>(), any_number(), any_number()), 0..14), entered in any::<bool>()) {
        let positive = |it: f64| if entered { it } else { it.abs() };
        let times: Vec<f64> = rows.iter().map(|it| positive(it.0)).collect();
        let entries: Vec<f64> = rows.iter().map(|it| it.1).collect();
        let ended: Vec<bool> = rows.iter().map(|it| it.2).collect();
        let columns = [rows.iter().map(|it| it.3).collect::<Vec<f64>>(), rows.iter().map(|it| it.4).collect()];
        let lifetimes = Lifetimes { entries: entered.then_some(&entries[..]), times: &times, ended: &ended };
        if let Ok(curve) = KaplanMeier::fit(&lifetimes) {
            prop_assert!(curve.steps.iter().all(|it| (0.0..=1.0).contains(&it.survival)));
            if let Some(mean) = curve.restricted_mean(times[0], 0.05) {
                prop_assert!(mean.low <= mean.high);
            }
        }
        for ties in [Ties::Efron, Ties::Breslow] {
            if let Ok(fit) = Cox::fit(&lifetimes, &columns, ties) {
                prop_assert!(fit.log_likelihood.is_finite() && fit.covariance.iter().flatten().all(|it| it.is_finite()));
                prop_assert!(fit.coefficients.iter().all(|it| it.is_finite()));
                if let Some(found) = fit.survival(&[1.0, 2.0], times[0], 0.05) {
                    prop_assert!(found.low <= found.value && found.value <= found.high);
                }
                let _ = fit.concordance(&lifetimes, &columns);
                if let Ok((each, _)) = fit.proportional_hazards(&lifetimes, &columns, Transform::Rank) {
                    prop_assert!(each.iter().all(|it| !it.p.is_nan()));
                }
            }
        }
        if let Ok(fit) = Weibull::fit(&lifetimes, &columns) {
            prop_assert!(fit.log_likelihood.is_finite() && fit.shape > 0.0);
            prop_assert!(fit.summary(0.05).iter().all(|it| it.low <= it.high));
        }
        let groups: Vec<usize> = rows.iter().map(|it| usize::from(it.2)).collect();
        if let Ok(test) = log_rank(&lifetimes, &groups, Weighting::LogRank) {
            prop_assert!(test.p >= 0.0 && test.p <= 1.0);
        }
        if let Ok(found) = concordance(&lifetimes, &columns[0]) {
            prop_assert!((0.0..=1.0).contains(&found.index()));
        }
    }
}
