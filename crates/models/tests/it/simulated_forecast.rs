//! Forecasts of simulated series, whose truth is known: intervals hold what came, and effects of factors, as often as they claim.

use rapport_models::forecast::{Counts, Ets, Regression, Series, Shape, Terms};

use crate::bounds::binomial_bounds;
use crate::draws::Draws;

/// How often of `runs` something held, within 1 in 1,000 of 95 %.
fn held(what: &str, runs: usize, count: usize) {
    let (low, high) = binomial_bounds(runs, 0.95);
    assert!((low..=high).contains(&count), "{what}: {count} of {runs} outside {low}..={high}");
}

fn cover(runs: u64) {
    let (mut next, mut third, mut season, mut effect, mut coming, mut share) = (0, 0, 0, 0, 0, 0);
    for seed in 0..runs {
        let mut draws = Draws(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) + 3);
        // A level that drifts by .3 of each surprise.
        let (mut level, mut values) = (50.0, Vec::new());
        for _ in 0..163 {
            let surprise = 3.0 * draws.normal();
            values.push(level + surprise);
            level += 0.3 * surprise;
        }
        let fit = Ets::fit(&Series::new(&values[..160], 1).unwrap(), Shape::named("ANN").unwrap()).unwrap();
        let found = fit.forecast(3, 0.05, 1);
        next += usize::from(found[0].interval().holds(values[160]));
        third += usize::from(found[2].interval().holds(values[162]));
        // A season that multiplies, and noise too.
        let (mut level, mut values) = (200.0, Vec::new());
        for at in 0..161 {
            let shape = [0.8, 1.0, 1.3, 0.9][at % 4];
            let noise = 0.05 * draws.normal();
            values.push(level * shape * (1.0 + noise));
            level *= 1.0 + 0.2 * noise;
        }
        let fit = Ets::fit(&Series::new(&values[..160], 4).unwrap(), Shape::named("MNM").unwrap()).unwrap();
        season += usize::from(fit.forecast(1, 0.05, seed)[0].interval().holds(values[160]));
        // A factor, a line and errors of which half stays.
        let (mut error, mut values, mut factor) = (0.0, Vec::new(), Vec::new());
        for at in 0..201 {
            error = 0.5 * error + draws.normal();
            let own = draws.normal();
            factor.push(own);
            values.push(20.0 + 0.02 * f64::from(at) + 0.7 * own + error);
        }
        let terms = Terms { trend: true, ..Terms::default() };
        let past = vec![factor[..200].to_vec()];
        let fit = Regression::fit(&Series::new(&values[..200], 1).unwrap(), &terms, &past).unwrap();
        effect += usize::from(fit.effects(0.05)[0].interval().holds(0.7));
        let found = fit.forecast(1, &[vec![factor[200]]], 0.05).unwrap();
        coming += usize::from(found[0].interval().holds(values[200]));
        // The same of the logarithm.
        let raised: Vec<f64> = values[..200].iter().map(|it| (0.1 * it).exp()).collect();
        let fit = Regression::fit(&Series::new(&raised, 1).unwrap(), &Terms { log: true, ..terms }, &past).unwrap();
        share += usize::from(fit.effects(0.05)[0].interval().holds(0.07));
    }
    let runs = runs as usize;
    for (what, count) in [
        ("next value", next),
        ("third value", third),
        ("value of a season", season),
        ("effect", effect),
        ("value by a factor", coming),
        ("effect on the logarithm", share),
    ] {
        held(what, runs, count);
    }
}

#[test]
fn intervals_hold_what_comes() {
    cover(200);
}

#[test]
#[ignore = "the long run"]
fn intervals_hold_what_comes_in_the_long_run() {
    cover(2_000);
}

/// Counts are whole, so their intervals hold at least what they claim.
#[test]
fn intervals_of_counts_hold_at_least_what_they_claim() {
    let mut count = 0;
    for seed in 0..200 {
        let mut draws = Draws(seed * 77 + 5);
        let mut poisson = |mean: f64| {
            let (least, mut product, mut found) = ((-mean).exp(), draws.uniform(), 0.0);
            while product > least {
                product *= draws.uniform();
                found += 1.0;
            }
            found
        };
        let week = [0.5, 1.0, 1.0, 2.0, 3.0, 0.2, 0.1];
        let values: Vec<f64> = (0..120).map(|at| poisson(week[at % 7])).collect();
        let fit = Counts::fit(&Series::new(&values[..119], 7).unwrap()).unwrap();
        count += usize::from(fit.forecast(1, 0.05)[0].interval().holds(values[119]));
    }
    let (low, _) = binomial_bounds(200, 0.95);
    assert!(count >= low, "{count}");
}
