//! Whether people buy at random or by a clock: the models of buying here take it for random.
//!
//! Of two gaps between purchases that follow each other, the first is a share of both. If gaps have a gamma distribution of shape k, whatever the person's own
//! rate, that share has a beta distribution (k, k), whose variance is 1 / (4 (2k + 1)) (Wheat and Morrison 1990, "Estimating purchase regularity with
//! two interpurchase times"). At random k is 1; who buys regularly has more, who buys in bursts less.

use super::Purchase;
use crate::Fault;
use crate::estimate::{Estimate, TAILS};
use crate::fault::none_of;

/// The regularity k of purchases, of the first two gaps of everybody who has two. Purchases within the same `unit` of time are one.
///
/// Where it is well above 1, whoever is late is gone more surely than P(alive) of a model says that takes purchases for random.
pub fn regularity(purchases: &[Purchase], unit: f64) -> Result<Estimate, Fault> {
    const NEED: usize = 30;
    if !(unit > 0.0 && unit.is_finite()) {
        return Err(Fault::NotIdentified { why: "what a unit of time is" });
    }
    none_of(purchases, |it| it.time.is_nan() || (it.time / unit).abs() > 1e15, |row| Fault::NotFinite { row })?;
    let mut days: Vec<(u32, i64)> = purchases.iter().map(|it| (it.customer, (it.time / unit).floor() as i64)).collect();
    days.sort_unstable();
    days.dedup();
    let share = |own: &[(u32, i64)]| {
        let [first, second, third] = [own.first()?.1, own.get(1)?.1, own.get(2)?.1];
        Some((second - first) as f64 / (third - first) as f64)
    };
    let shares: Vec<f64> = days.chunk_by(|a, b| a.0 == b.0).filter_map(share).collect();
    if shares.len() < NEED {
        return Err(Fault::TooFew { what: "customers with three purchases", have: shares.len(), need: NEED });
    }
    // The mean is known: a half.
    let n = shares.len() as f64;
    let square = |it: &f64| (it - 0.5).powi(2);
    let variance = shares.iter().map(square).sum::<f64>() / n;
    let spread = shares.iter().map(|it| (square(it) - variance).powi(2)).sum::<f64>() / n;
    if variance <= 0.0 {
        return Err(Fault::NotIdentified { why: "how regular purchases are: all gaps are alike" });
    }
    let k = (1.0 - 4.0 * variance) / (8.0 * variance);
    let error = (spread / n).sqrt() / (8.0 * variance * variance);
    Ok(Estimate::around(k, error, TAILS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buying::simulation::gamma;
    use crate::resampling::Draws;

    /// Gaps of a known regularity, at rates that differ: found again, nine times of ten at least within the interval.
    #[test]
    fn regularity_is_found_again() {
        for k in [0.6, 1.0, 3.0] {
            let mut held = 0;
            for seed in 0..40 {
                let mut draws = Draws::new(seed);
                let mut purchases = Vec::new();
                for customer in 0..1_500 {
                    let rate = gamma(1.5, &mut draws) / 500.0;
                    let mut time = 0.0;
                    for _ in 0..3 {
                        purchases.push(Purchase { customer, time, amount: 1.0 });
                        time += gamma(k, &mut draws) / rate;
                    }
                }
                let found = regularity(&purchases, 1e-6).unwrap();
                held += usize::from(found.interval().holds(k));
            }
            assert!(held >= 33, "{k} {held}");
        }
    }

    #[test]
    fn too_few_and_clocks_are_refused() {
        let buy = |customer: u32, time: f64| Purchase { customer, time, amount: 1.0 };
        assert!(matches!(regularity(&[buy(0, 1.0)], 1.0), Err(Fault::TooFew { .. })));
        assert!(matches!(regularity(&[buy(0, f64::NAN)], 1.0), Err(Fault::NotFinite { .. })));
        let clock: Vec<Purchase> = (0..120).map(|at| buy(at / 3, f64::from(at % 3))).collect();
        assert!(matches!(regularity(&clock, 1.0), Err(Fault::NotIdentified { .. })));
        assert!(regularity(&clock, 0.0).is_err());
    }
}
