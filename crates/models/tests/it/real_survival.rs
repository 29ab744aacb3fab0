//! Survival of real data against published results. The data is not part of the repository: without it each test says that it is skipped.
//!
//! "lifelines" is lifelines 0.30.3 (Davidson-Pilon 2019, Journal of Open Source Software 4/40), whose documentation shows most of these fits.

use rapport_models::survival::{
    Cox, KaplanMeier, Lifetimes, Ties, Transform, Weibull, Weighting, concordance, log_rank,
};

use crate::given;

fn data(name: &str) -> Option<String> {
    Some(String::from_utf8(given::bytes(name)?).unwrap())
}

fn near(found: f64, wanted: f64, digits: i32) {
    assert!((found - wanted).abs() <= 0.5 * 10f64.powi(-digits), "{found} {wanted}");
}

/// The numbers of a file, column by column.
fn columns(text: &str) -> Vec<Vec<f64>> {
    let width = text.lines().next().unwrap().split(',').count();
    let cell = |line: &str, at: usize| line.split(',').nth(at).unwrap().trim_matches('"').parse().unwrap();
    (0..width).map(|at| text.lines().skip(1).map(|line| cell(line, at)).collect()).collect()
}

fn ended(column: &[f64]) -> Vec<bool> {
    column.iter().map(|it| *it == 1.0).collect()
}

/// Times, whether each ended, and columns.
type Rows = (Vec<f64>, Vec<bool>, Vec<Vec<f64>>);

/// Rossi, Berk and Lenihan 1980: weeks until arrest, whether, and fin, age, race, wexp, mar, paro, prio.
fn rossi() -> Option<Rows> {
    let all = columns(&data("survival/rossi.csv")?);
    Some((all[0].clone(), ended(&all[1]), all[2..].to_vec()))
}

#[test]
fn rossi_kaplan_meier_as_in_lifelines() {
    let Some((times, ended, _)) = rossi() else { return };
    let curve = KaplanMeier::fit(&Lifetimes::new(&times, &ended)).unwrap();
    for (time, wanted) in
        [(10.0, 0.965_278), (20.0, 0.907_407), (30.0, 0.861_111), (40.0, 0.803_241), (52.0, 0.736_111)]
    {
        near(curve.at(time, 0.05).unwrap().value, wanted, 6);
    }
    let last = curve.at(52.0, 0.05).unwrap();
    near(last.low, 0.691_86, 5);
    near(last.high, 0.775_06, 5);
    assert_eq!(curve.quantile(0.5, 0.05).value, None);
}

#[test]
fn rossi_cox_as_in_lifelines() {
    let Some((times, ended, columns)) = rossi() else { return };
    let lifetimes = Lifetimes::new(&times, &ended);
    let fit = Cox::fit(&lifetimes, &columns, Ties::Efron).unwrap();
    // Allison 1995, "Survival analysis using SAS", has the same to three digits.
    let wanted = [
        (-0.379_422, 0.191_379),
        (-0.057_438, 0.021_999),
        (0.313_900, 0.307_993),
        (-0.149_796, 0.212_224),
        (-0.433_704, 0.381_868),
        (-0.084_871, 0.195_757),
        (0.091_497, 0.028_649),
    ];
    for (found, (coefficient, error)) in fit.summary(0.05).iter().zip(wanted) {
        near(found.coefficient.value, coefficient, 6);
        near(found.coefficient.standard_error.unwrap(), error, 6);
    }
    near(fit.summary(0.05)[0].p, 0.047_416, 6);
    near(fit.log_likelihood, -658.747_66, 5);
    near(fit.likelihood_ratio_test().statistic, 33.265_9, 3);
    near(fit.aic(), 1331.4953, 4);
    near(fit.concordance(&lifetimes, &columns).unwrap().index(), 0.640_329, 6);
    // lifelines gives .964223, .902910 and .715699 for the first row, with Breslow's baseline; R's survfit with Efron's.
    let first: Vec<f64> = columns.iter().map(|it| it[0]).collect();
    for (time, wanted) in [(10.0, 0.964_223), (20.0, 0.902_910), (52.0, 0.715_699)] {
        let found = fit.survival(&first, time, 0.05).unwrap();
        assert!((found.value - wanted).abs() < 1e-3, "{found:?}");
        assert!(found.low < found.value && found.value < found.high);
    }
}

/// Statsmodels 0.15.0 (`PHReg`, ties by Breslow) prints these; they are also where the partial likelihood of Breslow, written out as a sum over ends, is largest.
#[test]
fn rossi_cox_by_breslow_as_in_statsmodels() {
    let Some((times, ended, columns)) = rossi() else { return };
    let fit = Cox::fit(&Lifetimes::new(&times, &ended), &columns, Ties::Breslow).unwrap();
    let wanted = [
        (-0.379_022, 0.191_364),
        (-0.057_246, 0.021_983),
        (0.314_130, 0.308_017),
        (-0.151_115, 0.212_123),
        (-0.432_783, 0.381_795),
        (-0.084_983, 0.195_748),
        (0.091_112, 0.028_631),
    ];
    for (found, (coefficient, error)) in fit.summary(0.05).iter().zip(wanted) {
        near(found.coefficient.value, coefficient, 6);
        near(found.coefficient.standard_error.unwrap(), error, 6);
    }
    near(fit.log_likelihood, -659.120_61, 5);
    near(fit.null_log_likelihood, -675.683_39, 5);
}

/// Therneau and Grambsch 2000, "Modeling survival data", appendix E.1, which the tests of R's `survival` (`book1.R`) work out by hand: with r = eᵝ the likelihood is
/// 2 β − ln(3 r + 3) − 2 ln(r + 3), its slope (6 + 3 r − r²) / ((r + 1)(r + 3)), and its information r / (r + 1)² + 6 r / (r + 3)².
#[test]
fn six_patients_by_breslow_as_in_the_book() {
    // Not in the order of time.
    let times = [9.0, 1.0, 1.0, 6.0, 6.0, 8.0];
    let ended = [true, true, false, true, true, false];
    let columns = [vec![0.0, 1.0, 1.0, 1.0, 0.0, 0.0]];
    let fit = Cox::fit(&Lifetimes::new(&times, &ended), &columns, Ties::Breslow).unwrap();
    let r = (3.0 + 33f64.sqrt()) / 2.0;
    near(fit.coefficients[0], r.ln(), 9);
    near(fit.coefficients[0], 1.475_284_9, 7);
    let information = r / (r + 1.0).powi(2) + 6.0 * r / (r + 3.0).powi(2);
    near(fit.covariance[0][0], 1.0 / information, 9);
    near(fit.log_likelihood, 2.0 * r.ln() - (3.0 * r + 3.0).ln() - 2.0 * (r + 3.0).ln(), 9);
    near(fit.log_likelihood, -3.824_750, 6);
    near(fit.null_log_likelihood, -4.564_348, 6);
    // At zero the slope is 1 and the information 5 / 8.
    near(fit.score_test.statistic, 1.6, 9);
}

/// The same, appendix E.2 (`book3.R`): ten stretches of time with entries; 4 β − ln(r + 1) − ln(r + 2) − 3 ln(3 r + 2) − 2 ln(3 r + 1).
#[test]
fn ten_stretches_by_breslow_as_in_the_book() {
    let entries = [1.0, 2.0, 5.0, 2.0, 1.0, 7.0, 3.0, 4.0, 8.0, 8.0];
    let times = [2.0, 3.0, 6.0, 7.0, 8.0, 9.0, 9.0, 9.0, 14.0, 17.0];
    let ended = [true, true, true, true, true, true, true, false, false, false];
    let columns = [vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]];
    let lifetimes = Lifetimes { entries: Some(&entries), ..Lifetimes::new(&times, &ended) };
    let fit = Cox::fit(&lifetimes, &columns, Ties::Breslow).unwrap();
    let likelihood = |beta: f64| {
        let r = beta.exp();
        4.0 * beta - (r + 1.0).ln() - (r + 2.0).ln() - 3.0 * (3.0 * r + 2.0).ln() - 2.0 * (3.0 * r + 1.0).ln()
    };
    let beta = fit.coefficients[0];
    near(beta, -0.084_526, 6);
    near(fit.log_likelihood, likelihood(beta), 9);
    near(fit.null_log_likelihood, likelihood(0.0), 9);
    assert!(likelihood(beta) > likelihood(beta + 0.01).max(likelihood(beta - 0.01)));
}

/// By its own documentation ("Testing the proportional hazard assumptions") for rank: age 11.45, wexp 7.31.
#[test]
fn rossi_proportional_hazards_as_in_lifelines() {
    let Some((times, ended, columns)) = rossi() else { return };
    let lifetimes = Lifetimes::new(&times, &ended);
    let fit = Cox::fit(&lifetimes, &columns, Ties::Efron).unwrap();
    let wanted = [
        (Transform::Identity, [0.056_171, 12.061_383, 1.486_088, 6.934_835, 0.754_401, 0.122_042, 0.010_892]),
        (Transform::Log, [0.491_365, 13.073_811, 1.031_124, 5.539_754, 1.029_274, 0.010_496, 0.384_019]),
    ];
    for (transform, wanted) in wanted {
        let (each, all) = fit.proportional_hazards(&lifetimes, &columns, transform).unwrap();
        each.iter().zip(wanted).for_each(|(found, wanted)| near(found.statistic, wanted, 3));
        assert!(all.p < 0.05 && all.degrees == 7);
    }
    // These differ in how they treat ties, so they come near.
    for (transform, wanted) in [(Transform::Rank, [11.453, 7.315]), (Transform::KaplanMeier, [11.030, 7.475])] {
        let (each, _) = fit.proportional_hazards(&lifetimes, &columns, transform).unwrap();
        for (found, wanted) in [each[1], each[3]].iter().zip(wanted) {
            assert!((found.statistic - wanted).abs() < 0.4, "{transform:?} {found:?}");
        }
    }
}

#[test]
fn rossi_weibull_as_in_lifelines() {
    let Some((times, ended, columns)) = rossi() else { return };
    let lifetimes = Lifetimes::new(&times, &ended);
    let fit = Weibull::fit(&lifetimes, &columns).unwrap();
    near(fit.log_likelihood, -679.916_56, 5);
    let wanted = [
        (3.990_123, 0.419_099),
        (0.272_172, 0.137_963),
        (0.040_715, 0.016_004),
        (-0.224_808, 0.220_161),
        (0.106_551, 0.151_542),
        (0.311_260, 0.273_302),
        (0.058_822, 0.139_639),
        (-0.065_817, 0.020_941),
    ];
    for (found, (value, error)) in fit.summary(0.05).iter().zip(wanted) {
        // Its optimiser stops a little before the peak, ours does not.
        near(found.value, value, 4);
        near(found.standard_error.unwrap(), error, 5);
    }
    near(fit.shape.ln(), 0.339_103, 4);
    near(fit.covariance[8][8].sqrt(), 0.089_027, 5);
    let first: Vec<f64> = columns.iter().map(|it| it[0]).collect();
    near(fit.survival(&first, 20.0).unwrap(), 0.915_625, 5);
    near(fit.survival(&first, 52.0).unwrap(), 0.713_867, 5);
    near(fit.quantile(&first, 0.5, 0.05).unwrap().value, 86.9108, 2);
}

/// The flies of lifelines' quick start.
#[test]
fn waltons_as_in_lifelines() {
    let Some(text) = data("survival/waltons_dataset.csv") else { return };
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let times: Vec<f64> = rows.iter().map(|it| it[0].parse().unwrap()).collect();
    let ended: Vec<bool> = rows.iter().map(|it| it[1] == "1").collect();
    let groups: Vec<usize> = rows.iter().map(|it| usize::from(it[2] == "control")).collect();
    let lifetimes = Lifetimes::new(&times, &ended);
    near(log_rank(&lifetimes, &groups, Weighting::LogRank).unwrap().statistic, 122.249_1, 4);
    let medians = [(0, 26.0, 19.0, 29.0), (1, 58.0, 56.0, 60.0)];
    for (group, median, low, high) in medians {
        let of = |at: &usize| groups[*at] == group;
        let places: Vec<usize> = (0..times.len()).filter(of).collect();
        let (times, ended): (Vec<f64>, Vec<bool>) = places.iter().map(|at| (times[*at], ended[*at])).unzip();
        let found = KaplanMeier::fit(&Lifetimes::new(&times, &ended)).unwrap().quantile(0.5, 0.05);
        assert_eq!((found.value, found.low, found.high), (Some(median), Some(low), Some(high)));
    }
    let fit = Weibull::fit(&lifetimes, &[]).unwrap();
    near(fit.scale(&[], 0.05).unwrap().value, 55.733_1, 4);
    near(fit.scale(&[], 0.05).unwrap().standard_error.unwrap(), 1.326_504, 5);
    near(fit.shape, 3.450_51, 5);
    near(fit.shape(0.05).standard_error.unwrap(), 0.243_323, 5);
    near(fit.log_likelihood, -672.062_2, 4);
    let mean = KaplanMeier::fit(&lifetimes).unwrap().restricted_mean(50.0, 0.05).unwrap();
    near(mean.value, 43.156, 3);
    assert!(concordance(&lifetimes, &groups.iter().map(|it| -(*it as f64)).collect::<Vec<_>>()).unwrap().index() > 0.6);
}

/// Crowley and Hu 1977, in stretches: what changes with time, as in lifelines' documentation on time-varying survival regression and R's `survival`.
#[test]
fn stanford_heart_with_entries_as_in_lifelines() {
    let Some(text) = data("survival/stanford_heart.csv") else { return };
    let all = columns(&text);
    let ended = ended(&all[2]);
    let lifetimes = Lifetimes { entries: Some(&all[0]), times: &all[1], ended: &ended };
    let fit = Cox::fit(&lifetimes, &all[3..7], Ties::Efron).unwrap();
    let wanted = [(0.027_167, 0.013_714), (-0.146_346, 0.070_468), (-0.637_210, 0.367_226), (-0.010_251, 0.313_755)];
    for (found, (value, error)) in fit.summary(0.05).iter().zip(wanted) {
        near(found.coefficient.value, value, 6);
        near(found.coefficient.standard_error.unwrap(), error, 6);
    }
    near(fit.log_likelihood, -290.565_616, 6);
}
