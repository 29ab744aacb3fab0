//! Models of buying on real data, against published fits. The data is not part of the repository: without it each test says that it is skipped.

use rapport_models::buying::{
    BgBb, BgNbd, Buying, Chains, Chances, Choice, Contest, Contract, Explained, Fit, GGompertzNbd, GammaGamma,
    Histories, History, Horizon, Kind, Known, Likelihood, MbgNbd, Nbd, ParetoGgg, ParetoNbd, Plain, Point, Purchase,
    Rhythm, Sampling, Sbg, Score, Simple, Spending, Summary, Value, Way, percentiles, regularity,
};
use rapport_models::{Estimate, Fault};

use crate::given;

fn data(name: &str) -> Option<String> {
    Some(String::from_utf8(given::bytes(name)?).unwrap())
}

fn near(found: f64, wanted: f64, digits: i32) {
    assert!((found - wanted).abs() <= 0.500_001 * 10f64.powi(-digits), "{found} {wanted}");
}

/// Within 1e-4 of each published parameter, and 1e-3 of the log-likelihood.
fn fitted<M: Likelihood>(fit: &Fit<M>, parameters: &[f64], log_likelihood: f64) {
    let found = fit.model.parameters();
    for (found, wanted) in found.iter().zip(parameters) {
        assert!((found / wanted - 1.0).abs() < 1e-4, "{found} {wanted}");
    }
    assert!((fit.log_likelihood - log_likelihood).abs() < 1e-3, "{} {log_likelihood}", fit.log_likelihood);
}

/// What a customer of CDNOW's sample did.
struct Customer {
    /// To 1997-09-30, in weeks.
    summary: Summary,
    /// How often, and for how much, they bought in the 39 weeks that followed.
    later: u32,
    dollars: f64,
    /// How many CDs they bought on their first day.
    disks: f64,
}

/// CDNOW's sample: its purchases with the number of CDs, and the day after the weeks of the fit.
fn cdnow_purchases() -> Option<(Vec<(Purchase, f64)>, f64)> {
    let text = data("cdnow/CDNOW_sample.txt")?;
    let day = |date: &str| {
        let days = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let number: u32 = date.parse().unwrap();
        f64::from((number / 10_000 - 1997) * 365 + days[(number / 100 % 100) as usize - 1] + number % 100)
    };
    let purchase = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let customer = fields[1].parse::<u32>().unwrap() - 1;
        let disks = fields[3].parse().unwrap();
        (Purchase { customer, time: day(fields[2]), amount: fields[4].parse().unwrap() }, disks)
    };
    Some((text.lines().map(purchase).collect(), day("19971001")))
}

fn cdnow() -> Option<Vec<Customer>> {
    let (lines, until) = cdnow_purchases()?;
    assert_eq!(lines.len(), 6_919);
    let purchases: Vec<Purchase> = lines.iter().map(|it| it.0).collect();
    let days: std::collections::BTreeSet<(u32, u32)> =
        purchases.iter().map(|it| (it.customer, it.time as u32)).collect();
    assert_eq!(days.len(), 6_696);
    let summaries = Summary::of(&purchases, 1.0, 7.0, until).unwrap();
    let customer = |(at, summary): (usize, Option<Summary>)| {
        let own: Vec<&(Purchase, f64)> = lines.iter().filter(|it| it.0.customer as usize == at).collect();
        let first = own.iter().map(|it| it.0.time).fold(f64::INFINITY, f64::min);
        let later: Vec<Purchase> = own.iter().map(|it| it.0).filter(|it| it.time >= until).collect();
        let days: std::collections::BTreeSet<u32> = later.iter().map(|it| it.time as u32).collect();
        Customer {
            summary: summary.unwrap(),
            later: days.len() as u32,
            dollars: later.iter().map(|it| it.amount).sum(),
            disks: own.iter().filter(|it| it.0.time == first).map(|it| it.1).sum(),
        }
    };
    Some(summaries.into_iter().enumerate().map(customer).collect())
}

fn histories() -> Option<Histories> {
    Some(Summary::histories(&cdnow()?.iter().map(|it| it.summary).collect::<Vec<_>>()).unwrap())
}

/// Fader, Hardie and Lee 2005; CLVTools 0.12.1's own tests give the digits.
#[test]
fn bg_nbd_on_cdnow() {
    let Some(histories) = histories() else { return };
    assert_eq!(histories.groups().iter().map(|it| it.x * it.weight).sum::<f64>(), 2_457.0);
    // 1,411 never came back.
    assert_eq!((histories.customers(), histories.repeaters()), (2_357, 946));
    near(histories.groups().iter().map(|it| it.t).fold(0.0, f64::max), 38.857, 3);
    let fit = BgNbd::fit(&histories).unwrap();
    fitted(&fit, &[0.242_594_5, 4.413_601_9, 0.792_919_9, 2.425_888_1], -9_582.429_2);
    assert!(fit.aic() < fit.bic());
}

/// BTYDplus's parameters; the likelihood was computed there.
#[test]
fn mbg_nbd_on_cdnow() {
    let Some(histories) = histories() else { return };
    let fit = MbgNbd::fit(&histories).unwrap();
    fitted(&fit, &[0.524_843, 6.183_085, 0.891_359, 1.614_002], -9_582.135_7);
}

/// Computed elsewhere: without leaving, the same histories are far less likely.
#[test]
fn nbd_on_cdnow() {
    let Some(histories) = histories() else { return };
    let fit = Nbd::fit(&histories).unwrap();
    fitted(&fit, &[0.384_766, 12.072_022], -9_763.657_6);
    let chances = fit.model.probabilities_new(39.0, 400);
    let mean: f64 = chances.iter().enumerate().map(|(n, it)| n as f64 * it).sum();
    assert!((mean - fit.model.expected_new(39.0)).abs() < 1e-9, "{mean}");
}

/// CLVTools 0.12.1's own tests, with its standard errors.
#[test]
fn pareto_nbd_on_cdnow() {
    let Some(histories) = histories() else { return };
    let fit = ParetoNbd::fit(&histories).unwrap();
    fitted(&fit, &[0.553_28, 10.577_68, 0.606_24, 11.668_73], -9_594.976_2);
    for (found, wanted) in fit.estimates.iter().zip([0.047_626_4, 0.842_722_2, 0.187_259_4, 6.210_544_8]) {
        assert!((found.standard_error.unwrap() / wanted - 1.0).abs() < 1e-3, "{found:?} {wanted}");
    }
    // The surface is flat: BTYD's manual has .55, 10.56, .61 and 11.64, lifetimes' tests .553, 10.578, .606 and 11.669, and what either has is as likely.
    let likely = |r, alpha, s, beta| ParetoNbd { r, alpha, s, beta }.log_likelihood(histories.groups(), &mut [0.0; 4]);
    assert!((likely(0.553, 10.578, 0.606, 11.669) + 9_594.976_2).abs() < 1e-3);
    near(likely(0.55, 10.56, 0.61, 11.64), -9_595.01, 2);
}

/// CLVTools; published as 6.25, 3.74 and 15.44.
#[test]
fn gamma_gamma_on_cdnow() {
    let Some(customers) = cdnow() else { return };
    let summaries: Vec<Summary> = customers.iter().map(|it| it.summary).collect();
    let spending = Summary::spending(&summaries);
    assert_eq!(spending.len(), 946);
    let fit = GammaGamma::fit(&spending).unwrap();
    fitted(&fit, &[6.2496, 3.7442, 15.4435], -4_055.917_7);
    near(fit.model.mean().unwrap(), 35.17, 2);
    // What lifetimes' tests expect of the first ten, to a tenth; whoever never bought again has the mean of all.
    let ten = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17];
    for (it, wanted) in summaries.iter().zip(ten) {
        let found = fit.model.expected(f64::from(it.history.frequency), it.again).unwrap();
        assert!((found - wanted).abs() <= 0.1, "{found} {wanted}");
    }
    let together = Spending::correlation(&spending).unwrap();
    assert!(together.abs() < 0.15, "{together}");
}

/// What lifetimes' tests expect, to the three digits that they ask for: of the fit over time, of one customer, and, with rounded parameters, of nobody.
#[test]
fn predictions_of_bg_nbd_in_lifetimes_tests() {
    let model = BgNbd { r: 0.242_594_5, alpha: 4.413_601_9, a: 0.792_919_9, b: 2.425_888_1 };
    let wanted = [(0.142_9, 0.007_8), (1.0, 0.053_2), (3.0, 0.150_6), (31.857_1, 1.040_5), (32.0, 1.043_7)];
    wanted.iter().for_each(|(t, wanted)| near(model.expected_new(*t), *wanted, 4));
    near(model.expected_new(78.0), 1.857_6, 3);
    // The last with mpmath, from the closed form.
    near(model.expected_new(78.0), 1.857_96, 5);
    let rounded = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
    let history = History { frequency: 2, recency: 30.43, age: 38.86 };
    near(rounded.expected(&history, 39.0), 1.226, 3);
    near(model.expected(&history, 39.0), 1.225_9, 4);
    near(rounded.probabilities_new(39.0, 0)[0], 0.573_786_4, 7);
}

/// Pareto/NBD of the fit: the example of Fader and Hardie's notes; the extreme customer of CLVTools's tests; and DERT of the paper on RFM and value, in
/// which 1.9 and 2.2 are printed (further digits: the integral by mpmath).
#[test]
fn predictions_of_pareto_nbd() {
    let model = ParetoNbd { r: 0.553_28, alpha: 10.577_68, s: 0.606_24, beta: 11.668_73 };
    let history = History { frequency: 26, recency: 30.86, age: 31.0 };
    near(model.alive(&history), 0.997_9, 4);
    near(model.expected(&history, 52.0), 25.456, 3);
    near(model.expected_new(52.0), 1.473_4, 4);
    let extreme = ParetoNbd { r: 0.514_3, alpha: 2.884_5, s: 0.285_6, beta: 14.108_7 };
    let alive = extreme.alive(&History { frequency: 221, recency: 103.43, age: 103.57 });
    assert!(alive > 0.9 && alive <= 1.0, "{alive}");
    let model = ParetoNbd { r: 0.563, alpha: 12.559, s: 0.408, beta: 10.515 };
    let dert = |frequency, recency| model.residual(&History { frequency, recency, age: 77.86 }, 0.002_7);
    near(dert(7, 35.0), 1.9, 1);
    near(dert(7, 35.0), 1.864_972, 6);
    near(dert(1, 30.0), 2.2, 1);
    near(dert(1, 30.0), 2.199_743, 6);
}

/// 11,104 donors over six years and the five that followed (Fader, Hardie and Shang 2010).
#[test]
fn bg_bb_on_donations() {
    let Some(text) = data("donations/donations_rf_matrix.csv") else { return };
    let row = |line: &str| {
        let fields: Vec<u32> = line.split(',').map(|it| it.trim().parse().unwrap()).collect();
        Chances { frequency: fields[0], recency: fields[1], chances: fields[2], weight: f64::from(fields[3]) }
    };
    let rows: Vec<Chances> = text.lines().skip(1).map(row).collect();
    assert_eq!(rows.iter().map(|it| it.weight).sum::<f64>(), 11_104.0);
    let fit = BgBb::fit(&rows).unwrap();
    fitted(&fit, &[1.203_52, 0.749_72, 0.656_72, 2.783_44], -33_225.581_3);
    let expected: f64 = rows.iter().map(|it| it.weight * fit.model.expected(it, 5)).sum();
    near(expected, 12_884.2, 1);
    for ((frequency, recency), wanted) in [((0, 0), 0.108), ((2, 4), 0.590), ((6, 6), 0.930)] {
        near(fit.model.alive(&Chances { frequency, recency, chances: 6, weight: 1.0 }), wanted, 3);
    }
    // How many of the next five each takes: in all as many as are expected, published. In fact 6,746 of them gave no more.
    let mut next = [0.0; 6];
    for row in &rows {
        let found = fit.model.probabilities(row, 5);
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        next.iter_mut().zip(found).for_each(|(it, chance)| *it += row.weight * chance);
    }
    near(next.iter().enumerate().map(|(count, it)| count as f64 * it).sum(), 12_884.2, 1);
    assert!((next[0] - 6_973.0).abs() < 2.0 && (next[0] / 6_746.0 - 1.0).abs() < 0.04, "{next:?}");
    let counts = fit.model.probabilities_new(6);
    assert!((counts.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let mean: f64 = counts.iter().enumerate().map(|(n, it)| n as f64 * it).sum();
    assert!((mean - fit.model.expected_new(6)).abs() < 1e-12);
}

/// Customers who are left of 1,000 after each renewal (Fader and Hardie 2007, table 1), fitted to the first seven and compared with the twelfth; DERL at
/// 10 % a period after one to four renewals was computed from the published parameters.
#[test]
fn sbg_on_two_kinds_of_contracts() {
    let regular = [1_000.0, 631.0, 468.0, 382.0, 326.0, 289.0, 262.0, 241.0, 223.0, 207.0, 194.0, 183.0, 173.0];
    let high_end = [1_000.0, 869.0, 743.0, 653.0, 593.0, 551.0, 517.0, 491.0, 468.0, 445.0, 427.0, 409.0, 394.0];
    let cases = [
        (regular, [0.704_08, 1.182_04], -1_680.265, [0.170_0, 0.173], [2.964, 4.103, 4.870, 5.442]),
        (high_end, [0.668_09, 3.806_10], -1_611.158, [0.378_0, 0.394], [5.414, 5.901, 6.294, 6.620]),
    ];
    for (survivors, parameters, log_likelihood, [twelfth, came], derl) in cases {
        let fit = Sbg::fit(&Contract::of_survivors(&survivors[..8]).unwrap()).unwrap();
        fitted(&fit, &parameters, log_likelihood);
        near(fit.model.survival(12), twelfth, 4);
        // Five periods that the fit did not see.
        near(survivors[12] / 1_000.0, came, 3);
        for (period, left) in survivors.iter().enumerate().skip(8) {
            let period = u32::try_from(period).unwrap();
            assert!((fit.model.survival(period) - left / 1_000.0).abs() < 0.017, "{period}");
        }
        (0..4).zip(derl).for_each(|(renewals, wanted)| near(fit.model.residual(renewals, 0.1), wanted, 3));
    }
}

/// The gate: 39 weeks that no fit saw. What is to be beaten is what other libraries reach.
#[test]
fn thirty_nine_weeks_of_cdnow_that_followed() {
    let Some(customers) = cdnow() else { return };
    let histories: Vec<History> = customers.iter().map(|it| it.summary.history).collect();
    let later: Vec<u32> = customers.iter().map(|it| it.later).collect();
    assert_eq!(later.iter().sum::<u32>(), 1_882);
    let choice = Choice::between(&histories, &later, 39.0).unwrap();
    let score = |at: usize| choice.candidates[at].outcome.as_ref().unwrap().1;
    assert!((0..3).all(|at| score(at).log_score <= score(choice.best).log_score));
    // What others measured for Pareto/NBD, MBG/NBD and BG/NBD.
    for (at, (absolute, square)) in [(0.754_5, 1.602_8), (0.764_8, 1.607_2), (0.785_5, 1.608_0)].into_iter().enumerate()
    {
        near(score(at).mean_absolute, absolute, 4);
        near(score(at).root_mean_square, square, 4);
    }
    let model = ParetoNbd::fit(&Histories::new(&histories).unwrap()).unwrap().model;
    let score = Score::of(&model, &histories, &later, 39.0);
    near(score.mean_square_log, 0.237_7, 4);
    near(score.bias, -0.115, 3);
    near(score.correlation, 0.630_2, 4);
    let summaries: Vec<Summary> = customers.iter().map(|it| it.summary).collect();
    let spending = GammaGamma::fit(&Summary::spending(&summaries)).unwrap().model;
    let horizon = Horizon { period: 39.0, periods: 1, discount: 0.0, margin: 1.0 };
    let mut ranked: Vec<(f64, f64)> = customers
        .iter()
        .map(|it| (Value::of(&model, &spending, &it.summary, &horizon).value.unwrap(), it.dollars))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total: f64 = ranked.iter().map(|it| it.1).sum();
    near(total, 70_976.39, 2);
    let foretold: f64 = ranked.iter().map(|it| it.0).sum();
    near(foretold, 60_449.0, 0);
    near(ranked[..236].iter().map(|it| it.1).sum::<f64>() / total, 0.504, 3);
    // The simple formula foretells the same for everybody, so it ranks nobody; and it misses what all spent by far more.
    let simple = Simple::of(&summaries).unwrap();
    assert!((simple.value() * summaries.len() as f64 / total - 1.0).abs() > 0.3, "{simple:?}");
}

/// Whoever bought so often a week before goes on for ever.
struct Rate;

impl Buying for Rate {
    fn alive(&self, _: &History) -> f64 {
        1.0
    }

    fn expected(&self, history: &History, horizon: f64) -> f64 {
        f64::from(history.frequency) / history.age * horizon
    }

    fn expected_new(&self, _: f64) -> f64 {
        0.0
    }

    fn probabilities(&self, _: &History, _: f64, most: usize) -> Vec<f64> {
        vec![1.0; most + 1]
    }

    fn probabilities_new(&self, _: f64, most: usize) -> Vec<f64> {
        vec![1.0; most + 1]
    }
}

/// The whole table of the 39 weeks that followed (1,882 purchases), as lifetimes 0.11.3 and NumPy have it with the published parameters: sum, mean absolute
/// error, root mean square, mean square of logarithms, correlation (.626 and .630 are in Fader, Hardie and Lee 2005) and mean P(alive).
#[test]
fn the_table_of_the_39_weeks_of_cdnow() {
    let Some(customers) = cdnow() else { return };
    let own: Vec<History> = customers.iter().map(|it| it.summary.history).collect();
    let later: Vec<u32> = customers.iter().map(|it| it.later).collect();
    let known = Histories::new(&own).unwrap();
    fn of(model: &impl Buying, own: &[History], later: &[u32]) -> [f64; 6] {
        let it = Score::of(model, own, later, 39.0);
        let alive = own.iter().map(|it| model.alive(it)).sum::<f64>() / own.len() as f64;
        let sum = (it.bias + 1.0) * 1_882.0;
        [sum, it.mean_absolute, it.root_mean_square, it.mean_square_log, it.correlation, alive]
    }
    let pareto = ParetoNbd::fit(&known).unwrap().model;
    let rows = [
        (of(&Rate, &own, &later), [2_930.0, 1.024, 2.212, 0.401, 0.584, 1.0], [0, 3, 3, 3, 3, 3]),
        (
            of(&BgNbd::fit(&known).unwrap().model, &own, &later),
            [1_653.0, 0.785_5, 1.608_0, 0.234_3, 0.625_6, 0.813],
            [0, 4, 4, 4, 4, 3],
        ),
        (
            of(&MbgNbd::fit(&known).unwrap().model, &own, &later),
            [1_577.0, 0.764_8, 1.607_2, 0.231_4, 0.627_3, 0.449],
            [0, 4, 4, 4, 4, 3],
        ),
        (of(&pareto, &own, &later), [1_666.0, 0.754_5, 1.602_8, 0.237_7, 0.630_2, 0.446], [0, 4, 4, 4, 4, 3]),
    ];
    for (found, wanted, digits) in rows {
        (0..6).for_each(|at| near(found[at], wanted[at], digits[at]));
    }
    // Dollars, with Gamma-Gamma; 50.4 % of them are of the tenth that is foretold the most, and 76.3 % of the tenth that spent the most.
    let summaries: Vec<Summary> = customers.iter().map(|it| it.summary).collect();
    let spending = GammaGamma::fit(&Summary::spending(&summaries)).unwrap().model;
    let told = |it: &Customer| {
        let own = &it.summary;
        pareto.expected(&own.history, 39.0) * spending.expected(f64::from(own.history.frequency), own.again).unwrap()
    };
    let pairs: Vec<(f64, f64)> = customers.iter().map(|it| (told(it), it.dollars)).collect();
    let n = pairs.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    near(mean(&|it| (it.0 - it.1).abs()), 29.45, 2);
    near(mean(&|it| (it.0 - it.1).powi(2)).sqrt(), 72.18, 2);
    let (one, other) = (mean(&|it| it.0), mean(&|it| it.1));
    let both = mean(&|it| (it.0 - one) * (it.1 - other));
    let apart = mean(&|it| (it.0 - one).powi(2)) * mean(&|it| (it.1 - other).powi(2));
    near(both / apart.sqrt(), 0.572, 3);
    let mut spent: Vec<f64> = pairs.iter().map(|it| it.1).collect();
    spent.sort_by(|a, b| b.total_cmp(a));
    near(spent[..236].iter().sum::<f64>() / spent.iter().sum::<f64>(), 0.763, 3);
}

/// The ways to say how sure a fit is agree with each other, as they should where there are many customers.
#[test]
fn intervals_of_the_fit_to_cdnow() {
    let Some(histories) = histories() else { return };
    let rows = histories.groups();
    let fit = BgNbd::fit(&histories).unwrap();
    let sample = fit.bootstrap(rows, 60, 7);
    let posterior = fit.posterior(rows, 2_000, 7).unwrap();
    assert!(sample.len() > 55 && posterior.worth > 1_000.0, "{} {}", sample.len(), posterior.worth);
    let known: [fn(&BgNbd) -> f64; 4] = [|it| it.r, |it| it.alpha, |it| it.a, |it| it.b];
    for (at, of) in known.into_iter().enumerate() {
        let wald = fit.estimates[at];
        for other in [fit.profile(rows, at).unwrap(), posterior.interval(of), percentiles(&sample, of).unwrap()] {
            assert!(other.holds(wald.value), "{wald:?} {other:?}");
            let ratio = (other.high / other.low).ln() / (wald.high / wald.low).ln();
            assert!((0.7..1.4).contains(&ratio), "{at} {wald:?} {other:?}");
        }
    }
    let history = History { frequency: 2, recency: 30.43, age: 38.86 };
    let next = posterior.interval(|it| it.expected(&history, 39.0));
    assert!(next.holds(fit.model.expected(&history, 39.0)) && next.high - next.low < 0.3, "{next:?}");
    assert!((posterior.mean(|it| it.r) - 0.243).abs() < 0.003);
    // The delta method's intervals of single customers are those of the weighted draws.
    let near = fit.nearby().unwrap();
    for (frequency, recency, age) in
        [(0, 0.0, 30.0), (1, 2.0, 38.0), (2, 30.43, 38.86), (5, 10.0, 38.0), (10, 35.0, 38.0)]
    {
        let history = History { frequency, recency, age };
        let expected = |it: &BgNbd| it.expected(&history, 39.0);
        let error = near.variance(expected).unwrap().sqrt();
        let quick = Estimate::around_positive(expected(&fit.model), error, 0.05);
        let slow = posterior.interval(expected);
        for (quick, slow) in [(quick.low, slow.low), (quick.high, slow.high)] {
            assert!((quick / slow - 1.0).abs() < 0.07, "{history:?}: {quick} {slow}");
        }
    }
}

/// What is measured of forecasts: mean absolute error of medians, root mean square of means, mean square of logarithms of means of logarithms, bias of the
/// sum of means, and the share of dollars that those spend who are foretold the most.
fn measured<M: Plain + Buying>(customers: &[Customer], models: &[M]) -> [f64; 5] {
    let n = customers.len() as f64;
    let summaries: Vec<Summary> = customers.iter().map(|it| it.summary).collect();
    let spending = GammaGamma::fit(&Summary::spending(&summaries)).unwrap().model;
    let points: Vec<Point> =
        customers.iter().zip(models).map(|(it, model)| Point::of(model, &it.summary.history, 39.0)).collect();
    let pairs = || points.iter().zip(customers).map(|(it, customer)| (it, f64::from(customer.later)));
    let worth = |it: &Customer, point: &Point| {
        let own = &it.summary;
        (point.mean * spending.expected(f64::from(own.history.frequency), own.again).unwrap(), it.dollars)
    };
    let mut ranked: Vec<(f64, f64)> = customers.iter().zip(&points).map(|(it, point)| worth(it, point)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let found = [
        pairs().map(|(it, later)| (it.median - later).abs()).sum::<f64>() / n,
        (pairs().map(|(it, later)| (it.mean - later).powi(2)).sum::<f64>() / n).sqrt(),
        pairs().map(|(it, later)| (it.log_mean.ln_1p() - later.ln_1p()).powi(2)).sum::<f64>() / n,
        pairs().map(|(it, _)| it.mean).sum::<f64>() / 1_882.0 - 1.0,
        ranked[..236].iter().map(|it| it.1).sum::<f64>() / 70_976.39,
    ];
    println!("{} {found:?}", std::any::type_name::<M>());
    found
}

/// The first purchase's amount, which Abe (2009) uses for CDNOW, goes with how often people buy again, and not with when they leave; the number of CDs does
/// so more clearly. Which of them is taken, and that as a logarithm, is told by Akaike's criterion in the weeks of the fit.
///
/// With it every gate holds by Pareto/NBD, each by the number that suits it, but for a tenth of a per cent of the sum (11.6 % too low, where 11.5 % is wanted,
/// which is what the model without covariates reaches). By the same criterion MBG/NBD is likelier; it foretells the sum 16 % too low, and its root mean
/// square is 1.6033 where 1.6028 is wanted.
#[test]
fn first_purchases_explain_some_of_cdnow() {
    let Some(customers) = cdnow() else { return };
    let histories: Vec<History> = customers.iter().map(|it| it.summary.history).collect();
    let amounts: Vec<Vec<f64>> = customers.iter().map(|it| vec![it.summary.first.ln_1p()]).collect();
    let disks: Vec<Vec<f64>> = customers.iter().map(|it| vec![it.disks.ln_1p()]).collect();
    let by_amount = Explained::<ParetoNbd>::fit(&histories, &amounts).unwrap();
    let explained = Explained::<ParetoNbd>::fit(&histories, &disks).unwrap();
    let plain = ParetoNbd::fit(&Histories::new(&histories).unwrap()).unwrap();
    assert!(by_amount.fit.aic() < plain.aic() - 40.0, "{} {}", by_amount.fit.aic(), plain.aic());
    assert!(explained.fit.aic() < by_amount.fit.aic() - 4.0, "{}", explained.fit.aic());
    let [buying, leaving] = [by_amount.fit.estimates[4], by_amount.fit.estimates[5]];
    assert!(buying.low > 1.1 && leaving.interval().holds(1.0), "{buying:?} {leaving:?}");
    let models: Vec<ParetoNbd> = disks.iter().map(|it| explained.of(it)).collect();
    let [absolute, square, log, bias, top] = measured(&customers, &models);
    assert!(absolute <= 0.754_5 && square <= 1.602_8 && log <= 0.231_4, "{absolute} {square} {log}");
    assert!(bias.abs() <= 0.117 && top >= 0.504, "{bias} {top}");
    let likelier = Explained::<MbgNbd>::fit(&histories, &disks).unwrap();
    assert!(likelier.fit.aic() < explained.fit.aic() - 20.0, "{}", likelier.fit.aic());
    let models: Vec<MbgNbd> = disks.iter().map(|it| likelier.of(it)).collect();
    let [absolute, square, log, bias, top] = measured(&customers, &models);
    assert!(absolute <= 0.754_5 && square <= 1.604 && log <= 0.231_4, "{absolute} {square} {log}");
    assert!((-0.17..-0.15).contains(&bias) && top >= 0.504, "{bias} {top}");
}

/// GGompertz/NBD on CDNOW ends at the boundary b = 0, where it is Pareto/NBD (CLVTools: r .55313, alpha 10.5758, s .60682, log-likelihood −9594.9762): it is
/// refused, with the reason, and just before the boundary it is as likely as published.
#[test]
fn nobody_leaves_sooner_with_time_at_cdnow() {
    let Some(histories) = histories() else { return };
    let model = GGompertzNbd { r: 0.553_28, alpha: 10.577_68, b: 1e-6, s: 0.606_24, beta: 11.668_73e-6 };
    let found = model.log_likelihood(histories.groups(), &mut [0.0; 5]);
    assert!((found + 9_594.976_2).abs() < 1e-3, "{found}");
    // So it is at the published place; beta, which is not printed, goes to nothing with b.
    let published = GGompertzNbd { r: 0.553_13, alpha: 10.575_8, b: 1e-6, s: 0.606_82, beta: 11.689_33e-6 };
    let found = published.log_likelihood(histories.groups(), &mut [0.0; 5]);
    assert!((found + 9_594.976_2).abs() < 1e-3, "{found}");
    let fault = GGompertzNbd::fit(&histories).unwrap_err();
    assert!(matches!(fault, Fault::NotIdentified { .. } | Fault::DidNotSettle), "{fault}");
}

/// All that there is, on CDNOW's 39 weeks that followed: nobody leaves sooner with time there (published, see above), customers hardly differ in their regularity,
/// and the plain models do as others measured them. With the number of CDs bought first MBG/NBD foretells the counts best; its mean errors are those of the guide.
#[test]
fn the_contest_on_cdnow() {
    let (Some(customers), Some((lines, until))) = (cdnow(), cdnow_purchases()) else { return };
    let histories: Vec<History> = customers.iter().map(|it| it.summary.history).collect();
    let purchases: Vec<Purchase> = lines.iter().map(|it| it.0).collect();
    let rhythms: Vec<Rhythm> = Rhythm::of(&purchases, 1.0, 7.0, until).unwrap().into_iter().flatten().collect();
    let logs: Vec<f64> = rhythms.iter().map(|it| it.logs).collect();
    let disks: Vec<Vec<f64>> = customers.iter().map(|it| vec![it.disks.ln_1p()]).collect();
    let later: Vec<u32> = customers.iter().map(|it| it.later).collect();
    let known = Known { histories: &histories, logs: Some(&logs), covariates: Some(&disks) };
    let contest = Contest::among(&known.ways(), &known, &later, 39.0).unwrap();
    for entry in &contest.entries {
        println!("{:?} {:?}", entry.way, entry.outcome.as_ref().map(|it| it.1));
        let refused = matches!(entry.way, Way::GGompertzNbd | Way::ParetoGgg);
        assert_eq!(entry.outcome.is_err(), refused, "{entry:?}");
    }
    assert_eq!(contest.way(), Way::Described(Kind::MbgNbd));
}

/// CDNOW's customers buy nearly at random: the test of Wheat and Morrison finds .91, and Pareto/GGG finds no clock either, or that it cannot tell how they differ.
#[test]
fn regularity_of_cdnow() {
    let Some((lines, until)) = cdnow_purchases() else { return };
    let purchases: Vec<Purchase> = lines.iter().map(|it| it.0).collect();
    let found = regularity(&purchases, 1.0).unwrap();
    near(found.value, 0.91, 2);
    assert!(found.interval().holds(0.95) && found.high < 1.0, "{found:?}");
    // A quarter of the customers: a fit of all takes seconds.
    let rhythms = Rhythm::of(&purchases, 1.0, 7.0, until).unwrap();
    let some: Vec<Rhythm> = rhythms.into_iter().flatten().step_by(4).collect();
    let fit = ParetoGgg::fit(&some);
    println!("{fit:?}");
    assert!(fit.map_or_else(|it| matches!(it, Fault::NotIdentified { .. }), |it| it.model.t / it.model.gamma < 1.6));
}

/// The posterior by chains is what the weighted draws say of CDNOW, but for what the prior adds, which is little with 2,357 customers.
#[test]
fn chains_agree_with_weighted_draws_on_cdnow() {
    let Some(histories) = histories() else { return };
    let fit = MbgNbd::fit(&histories).unwrap();
    let chains = Chains::<MbgNbd>::of(&histories, &Sampling { draws: 300, warm_up: 300, seed: 7 }).unwrap();
    let weighted = fit.posterior(histories.groups(), 2_000, 7).unwrap();
    println!("{:?} {:?} {} {}", chains.worth, chains.disagreement, chains.broken, chains.evaluations);
    for (at, within) in [(0, 0.03), (1, 0.03), (2, 0.15), (3, 0.2)] {
        let parameter = |it: &MbgNbd| it.parameters()[at];
        let (one, other) = (chains.posterior.mean(parameter), weighted.mean(parameter));
        assert!((one / other).ln().abs() < within, "{at} {one} {other}");
        let (one, other) = (chains.posterior.interval(parameter), weighted.interval(parameter));
        assert!((one.low / other.low).ln().abs() < 2.0 * within, "{at} {one:?} {other:?}");
    }
}
