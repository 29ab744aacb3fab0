//! Models of buying on real data, against published fits. The data is not part of the repository: without it each test says that it is skipped.

use std::path::PathBuf;

use rapport_models::buying::{
    BgNbd, Buying, Fit, GammaGamma, Histories, History, Likelihood, MbgNbd, ParetoNbd, Spending,
};

fn data(name: &str) -> Option<String> {
    let beside =
        || PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../../shared/data");
    let root = std::env::var_os("RAPPORT_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        eprintln!("skipped: {name} is not in {} (set RAPPORT_SHARED_DATA)", root.display());
        return None;
    }
    Some(std::fs::read_to_string(path).unwrap())
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

/// The summary of CDNOW's sample to 1997-09-30, a customer each, with what they spent a repeated purchase.
fn cdnow() -> Option<(Vec<History>, Vec<f64>)> {
    let text = data("cdnow/CDNOW_sample.txt")?;
    let day = |date: &str| {
        let days = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let number: u32 = date.parse().unwrap();
        (number / 10_000 - 1997) * 365 + days[(number / 100 % 100) as usize - 1] + number % 100
    };
    let mut customers: std::collections::BTreeMap<String, std::collections::BTreeMap<u32, f64>> = Default::default();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let dollars: f64 = fields[4].parse().unwrap();
        *customers.entry(fields[1].to_string()).or_default().entry(day(fields[2])).or_default() += dollars;
    }
    let end = day("19970930");
    let one = |days: &std::collections::BTreeMap<u32, f64>| {
        let first = *days.keys().next().unwrap();
        let again: Vec<(u32, f64)> = days.range(first + 1..=end).map(|(day, it)| (*day, *it)).collect();
        let history = History {
            frequency: again.len() as u32,
            recency: again.last().map_or(0.0, |it| f64::from(it.0 - first) / 7.0),
            age: f64::from(end - first) / 7.0,
        };
        (history, again.iter().map(|it| it.1).sum::<f64>() / again.len().max(1) as f64)
    };
    Some(customers.values().map(one).unzip())
}

/// Fader, Hardie and Lee 2005; CLVTools 0.12.1's own tests give the digits.
#[test]
fn bg_nbd_on_cdnow() {
    let Some((histories, _)) = cdnow() else { return };
    let histories = Histories::new(&histories).unwrap();
    assert_eq!(histories.groups().iter().map(|it| it.x * it.weight).sum::<f64>(), 2_457.0);
    assert_eq!((histories.customers(), histories.repeaters()), (2_357, 946));
    let fit = BgNbd::fit(&histories).unwrap();
    fitted(&fit, &[0.242_594_5, 4.413_601_9, 0.792_919_9, 2.425_888_1], -9_582.429_2);
    assert!(fit.aic() < fit.bic());
}

/// BTYDplus's parameters; the likelihood was computed there.
#[test]
fn mbg_nbd_on_cdnow() {
    let Some((histories, _)) = cdnow() else { return };
    let fit = MbgNbd::fit(&Histories::new(&histories).unwrap()).unwrap();
    fitted(&fit, &[0.524_843, 6.183_085, 0.891_359, 1.614_002], -9_582.135_7);
}

/// CLVTools 0.12.1's own tests, with its standard errors.
#[test]
fn pareto_nbd_on_cdnow() {
    let Some((histories, _)) = cdnow() else { return };
    let fit = ParetoNbd::fit(&Histories::new(&histories).unwrap()).unwrap();
    fitted(&fit, &[0.553_28, 10.577_68, 0.606_24, 11.668_73], -9_594.976_2);
    for (found, wanted) in fit.estimates.iter().zip([0.047_626_4, 0.842_722_2, 0.187_259_4, 6.210_544_8]) {
        assert!((found.standard_error.unwrap() / wanted - 1.0).abs() < 1e-3, "{found:?} {wanted}");
    }
}

/// CLVTools; published as 6.25, 3.74 and 15.44.
#[test]
fn gamma_gamma_on_cdnow() {
    let Some((histories, means)) = cdnow() else { return };
    let pairs = histories.iter().zip(&means).filter(|(it, _)| it.frequency > 0);
    let spending: Vec<Spending> =
        pairs.map(|(it, mean)| Spending { purchases: f64::from(it.frequency), mean: *mean, weight: 1.0 }).collect();
    let spending: Vec<Spending> = spending.into_iter().filter(|it| it.mean > 0.0).collect();
    let fit = GammaGamma::fit(&spending).unwrap();
    fitted(&fit, &[6.2496, 3.7442, 15.4435], -4_055.917_7);
    near(fit.model.mean().unwrap(), 35.17, 2);
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
    near(rounded.expected(&history, 39.0), 1.225_9, 3);
    near(rounded.probabilities_new(39.0, 0)[0], 0.573_786_4, 7);
}

/// Pareto/NBD of the fit: the example of Fader and Hardie's notes; the extreme customer of CLVTools's tests; and DERT of the paper on RFM and value, in
/// which 1.9 and 2.2 are printed (further digits: the integral by mpmath).
#[test]
fn predictions_of_pareto_nbd() {
    let model = ParetoNbd { r: 0.553_28, alpha: 10.577_68, s: 0.606_24, beta: 11.668_73 };
    let history = History { frequency: 26, recency: 30.86, age: 31.0 };
    near(model.alive(&history), 0.997_9, 4);
    near(model.expected(&history, 52.0), 25.456, 2);
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
