//! Whether what a model sees, or what becomes of it, is still like what it learnt from.

use super::calibration::{Calibration, log_odds};
use super::metrics::Judged;
use super::table::{Feature, Table, Values};
use crate::distributions::chi_square_tail;
use crate::estimate::{Estimate, TAILS};
use crate::fault::Fault;

/// How far a feature has moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    /// The feature.
    pub feature: String,
    /// The population stability index Σ (new − old) ln (new / old), over tenths of the old, or categories, with what is missing apart. By custom below 0.1 is
    /// steady, above 0.25 has moved.
    pub stability_index: f64,
    /// The probability of an index as high by chance alone: with n old and m new rows, index / (1/n + 1/m) is about chi-square (Yurdakul 2018, "Statistical
    /// properties of population stability index"). With few rows even 0.25 is chance.
    pub p: f64,
}

/// Whether probabilities still mean what they say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Still {
    /// The mean probability said.
    pub said: f64,
    /// The share that it came true for.
    pub came: f64,
    /// What came less what was said (calibration in the large).
    pub difference: Estimate,
    /// By how much log-odds should be stretched: 1 is right, below 1 the model was too sure.
    pub slope: f64,
}

/// How far each feature of a table has moved since another.
pub fn shifts(old: &Table, new: &Table) -> Result<Vec<Shift>, Fault> {
    new.fits(&old.shape())?;
    let pairs = old.features().iter().zip(new.features());
    Ok(pairs.map(|(old, new)| shift(old, new)).collect())
}

/// Cells of what is missing, and of tenths or levels.
fn counts(feature: &Feature, edges: &[f64]) -> Vec<f64> {
    let mut counts = match &feature.values {
        Values::Numbers(_) => vec![0.0; edges.len() + 2],
        Values::Categories { levels, .. } => vec![0.0; levels.len() + 1],
    };
    match &feature.values {
        Values::Numbers(values) => values.iter().for_each(|it| {
            counts[if it.is_nan() { 0 } else { edges.partition_point(|edge| edge < it) + 1 }] += 1.0;
        }),
        Values::Categories { codes, .. } => {
            codes.iter().for_each(|it| counts[it.map_or(0, |it| it as usize + 1)] += 1.0)
        }
    }
    counts
}

fn tenths(feature: &Feature) -> Vec<f64> {
    let Values::Numbers(values) = &feature.values else { return Vec::new() };
    let mut sorted: Vec<f64> = values.iter().copied().filter(|it| !it.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..10).filter_map(|it| sorted.get(it * sorted.len() / 10).copied()).collect();
    edges.dedup();
    edges
}

fn shift(old: &Feature, new: &Feature) -> Shift {
    let edges = tenths(old);
    let (before, after) = (counts(old, &edges), counts(new, &edges));
    let (n, m) = (before.iter().sum::<f64>(), after.iter().sum::<f64>());
    let used: Vec<(f64, f64)> = before.into_iter().zip(after).filter(|(a, b)| a + b > 0.0).collect();
    // Half a row where there is none, so that nothing is infinitely far.
    let index = used.iter().map(|(a, b)| {
        let (a, b) = (a.max(0.5) / n, b.max(0.5) / m);
        (b - a) * (b / a).ln()
    });
    let stability_index: f64 = index.sum();
    let free = used.len().saturating_sub(1) as u32;
    let p = if free == 0 { 1.0 } else { chi_square_tail(stability_index / (1.0 / n + 1.0 / m), free) };
    Shift { feature: old.name.clone(), stability_index, p }
}

/// Whether what was said of rows came true in the mean, and as far apart as it was said. The standard error is that of labels drawn with what was said.
pub fn still(probabilities: &[f64], labels: &[bool]) -> Result<Still, Fault> {
    Judged::new(probabilities, labels)?;
    let n = labels.len() as f64;
    let said = probabilities.iter().sum::<f64>() / n;
    let came = labels.iter().filter(|it| **it).count() as f64 / n;
    let error = probabilities.iter().map(|it| it * (1.0 - it)).sum::<f64>().sqrt() / n;
    let scores: Vec<f64> = probabilities.iter().map(|it| log_odds(*it)).collect();
    let slope = match Calibration::platt(&scores, labels) {
        Calibration::Platt { slope, .. } => slope,
        _ => 0.0,
    };
    Ok(Still { said, came, difference: Estimate::around(came - said, error, TAILS), slope })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resampling::Draws;

    fn unit(draws: &mut Draws) -> f64 {
        (draws.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn table(n: usize, seed: u64, moved: f64) -> Table {
        let mut draws = Draws::new(seed);
        let x = (0..n).map(|_| if draws.below(5) == 0 { f64::NAN } else { unit(&mut draws) + moved }).collect();
        let plan: Vec<&str> = (0..n).map(|_| if unit(&mut draws) < 0.3 + moved { "a" } else { "b" }).collect();
        Table::new(vec![Feature::numbers("x", x), Feature::categories("plan", &plan)]).unwrap()
    }

    #[test]
    fn what_stays_stays_and_what_moves_is_seen() {
        // Of 200 that stayed about one in twenty is called moved by chance (exact 99.9 % bounds: 1 to 22).
        let alarms = (0..100).flat_map(|it| shifts(&table(800, 2 * it, 0.0), &table(800, 2 * it + 1, 0.0)).unwrap());
        let alarms = alarms.filter(|it| it.p < 0.05).count();
        assert!((1..=22).contains(&alarms), "{alarms}");
        let found = shifts(&table(800, 1, 0.0), &table(800, 2, 0.3)).unwrap();
        assert!(found.iter().all(|it| it.stability_index > 0.25 && it.p < 1e-6), "{found:?}");
        let other = Table::new(vec![Feature::numbers("y", vec![1.0])]).unwrap();
        assert!(shifts(&other, &table(10, 1, 0.0)).is_err());
    }

    #[test]
    fn a_model_that_says_too_much_is_found_out() {
        let mut draws = Draws::new(3);
        let said: Vec<f64> = (0..20_000).map(|_| 0.1 + 0.6 * unit(&mut draws)).collect();
        let right: Vec<bool> = said.iter().map(|it| unit(&mut draws) < *it).collect();
        let found = still(&said, &right).unwrap();
        assert!(found.difference.interval().holds(0.0) && (found.slope - 1.0).abs() < 0.1, "{found:?}");
        let fewer: Vec<bool> = said.iter().map(|it| unit(&mut draws) < it / 2.0).collect();
        let found = still(&said, &fewer).unwrap();
        assert!((found.came / found.said - 0.5).abs() < 0.05 && found.difference.high < 0.0, "{found:?}");
    }
}
