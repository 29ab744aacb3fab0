//! What a policy would have brought, from what another one did.
//!
//! Each logged decision is weighted by how much more often the new policy takes it than the logging one did (Horvitz and Thompson 1952; Swaminathan and
//! Joachims 2015, "The self-normalized estimator for counterfactual learning"; Dudík, Langford and Li 2011, "Doubly robust policy evaluation").
//!
//! Always holds: weights are cut at the limit given, and how many were is said, because cutting makes an estimate steadier and a little too low.

use crate::estimate::{Estimate, TAILS};
use crate::fault::{Fault, none_of};

/// A decision that was made, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logged {
    /// The probability with which the logging policy took what it took; above 0 to 1.
    pub propensity: f64,
    /// The probability with which the new policy takes the same; 0 to 1.
    pub target: f64,
    /// What came of it.
    pub reward: f64,
}

/// What a policy brings a decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The mean reward, with 95 %.
    pub reward: Estimate,
    /// As many decisions of the new policy itself would say as much: (Σ w)² / Σ w² (Kish 1965).
    pub effective: f64,
    /// Decisions whose weight was cut.
    pub cut: usize,
}

/// The weights, cut at `limit`.
fn weights(logged: &[Logged], limit: f64) -> Result<(Vec<f64>, usize), Fault> {
    if logged.len() < 2 {
        return Err(Fault::TooFew { what: "decisions", have: logged.len(), need: 2 });
    }
    let probability = |it: f64| (0.0..=1.0).contains(&it);
    none_of(logged, |it| !probability(it.propensity) || !probability(it.target), |row| Fault::OutOfOrder { row })?;
    none_of(logged, |it| it.propensity == 0.0, |row| Fault::Missing { row })?;
    none_of(logged, |it| it.reward.is_nan() || it.reward.abs() > 1e100, |row| Fault::NotFinite { row })?;
    if limit.is_nan() || limit <= 0.0 {
        return Err(Fault::NotIdentified { why: "what a limit of 0 or less for weights should mean" });
    }
    let cut = logged.iter().filter(|it| it.target / it.propensity > limit).count();
    let weights: Vec<f64> = logged.iter().map(|it| (it.target / it.propensity).min(limit)).collect();
    let all: f64 = weights.iter().sum();
    if all > 0.0 && all.is_finite() && weights.iter().all(|it| *it < 1e100) {
        Ok((weights, cut))
    } else {
        Err(Fault::NotIdentified { why: "what a policy brings that takes what was never taken" })
    }
}

/// The mean of `terms` with the interval of a mean of independent ones.
fn value(terms: &[f64], weights: &[f64], cut: usize, around: f64) -> Value {
    let n = terms.len() as f64;
    let mean = terms.iter().sum::<f64>() / n;
    let error = (terms.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    let (sum, squares) = weights.iter().fold((0.0, 0.0), |(a, b), it| (a + it, b + it * it));
    Value { reward: Estimate::around(around + mean, error, TAILS), effective: sum * sum / squares, cut }
}

/// Inverse propensity scoring: right in the mean, and unsteady where propensities are small.
pub fn inverse_propensity(logged: &[Logged], limit: f64) -> Result<Value, Fault> {
    let (weights, cut) = weights(logged, limit)?;
    let terms: Vec<f64> = logged.iter().zip(&weights).map(|(it, weight)| weight * it.reward).collect();
    Ok(value(&terms, &weights, cut, 0.0))
}

/// The same divided by the mean weight: steadier, and never outside what was seen. The standard error is that of a ratio (delta method).
pub fn self_normalised(logged: &[Logged], limit: f64) -> Result<Value, Fault> {
    let (weights, cut) = weights(logged, limit)?;
    let all: f64 = weights.iter().sum();
    let ratio = logged.iter().zip(&weights).map(|(it, weight)| weight / all * it.reward).sum::<f64>();
    let mean = all / logged.len() as f64;
    let terms: Vec<f64> = logged.iter().zip(&weights).map(|(it, weight)| weight * (it.reward - ratio) / mean).collect();
    Ok(value(&terms, &weights, cut, ratio))
}

/// Doubly robust: what a model foretells for the new policy, and the weighted error of what it foretold of what was taken. `foretold` gives of each decision
/// the reward foretold of what was taken, and the mean over what the new policy would take; by a model that did not learn from that decision.
pub fn doubly_robust(logged: &[Logged], foretold: &[(f64, f64)], limit: f64) -> Result<Value, Fault> {
    let (weights, cut) = weights(logged, limit)?;
    if foretold.len() != logged.len() {
        return Err(Fault::Shape { what: "predictions", have: foretold.len(), need: logged.len() });
    }
    let absurd = |it: f64| it.is_nan() || it.abs() > 1e100;
    none_of(foretold, |it| absurd(it.0) || absurd(it.1), |row| Fault::NotFinite { row })?;
    let of = logged.iter().zip(&weights).zip(foretold);
    let terms: Vec<f64> = of.map(|((it, weight), (taken, new))| new + weight * (it.reward - taken)).collect();
    Ok(value(&terms, &weights, cut, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resampling::Draws;
    use proptest::prelude::*;

    /// Two arms with rewards of 0.2 and 0.5, taken with 0.7 and 0.3; the new policy turns it round. Its value is 0.41.
    fn drawn(n: usize, seed: u64) -> (Vec<Logged>, Vec<(f64, f64)>) {
        let mut draws = Draws::new(seed);
        let mut chance = |p: f64| (draws.next() >> 11) as f64 / (1u64 << 53) as f64 <= p;
        let one = |_| {
            let (propensity, target, mean) = if chance(0.7) { (0.7, 0.3, 0.2) } else { (0.3, 0.7, 0.5) };
            let reward = f64::from(u8::from(chance(mean)));
            // The model is wrong, the propensities are right.
            (Logged { propensity, target, reward }, (mean + 0.1, 0.51))
        };
        (0..n).map(one).unzip()
    }

    /// 200 sets: intervals of 95 % hold the truth within the exact binomial bounds of 99.9 % (179 to 200).
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let mut held = [0; 3];
        for seed in 0..200 {
            let (logged, foretold) = drawn(500, seed);
            let found = [
                inverse_propensity(&logged, f64::MAX),
                self_normalised(&logged, f64::MAX),
                doubly_robust(&logged, &foretold, f64::MAX),
            ];
            for (held, it) in held.iter_mut().zip(found) {
                let it = it.unwrap();
                assert!(it.cut == 0 && it.effective < 500.0);
                *held += u32::from(it.reward.interval().holds(0.41));
            }
        }
        assert!(held.iter().all(|it| *it >= 179), "{held:?}");
    }

    proptest! {
        #[test]
        fn absurd_logs_are_refused_or_told(rows in prop::collection::vec((-0.1..1.1f64, -0.1..1.1f64, -1e120..1e120f64), 0..9), limit in -1.0..1e3f64) {
            let logged: Vec<Logged> = rows.iter().map(|it| Logged { propensity: it.0, target: it.1, reward: it.2 }).collect();
            for found in [inverse_propensity(&logged, limit), self_normalised(&logged, limit)].into_iter().flatten() {
                prop_assert!(found.reward.value.is_finite() && found.reward.low <= found.reward.high);
            }
        }
    }
}
