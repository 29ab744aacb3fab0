//! How much a treatment did, among all and among those of whom a model expected most, with intervals.
//!
//! Always holds: an effect is the difference of the means of treated and controls among the same rows, each row with the weight that makes the arms alike
//! (Hájek 1971). Intervals are Welch's, and for classes those of Agresti and Caffo (2000), which add one row with and one without the outcome to each arm,
//! so that few or no outcomes do not look certain.
//!
//! Does not do: correct for looking at many groups at once; of ten intervals of 95 % one misses with 40 %.

use super::Options;
use super::comparison::{Comparison, Response};
use super::curve::ranked;
use super::learners::{doubly_robust, enough};
use crate::distributions::student_quantile;
use crate::estimate::{Estimate, TAILS};
use crate::fault::Fault;
use crate::learn::Table;

/// Rows of whom a model expected about the same, and what came.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How many rows.
    pub rows: usize,
    /// The treated among them.
    pub treated: usize,
    /// The mean effect that was expected.
    pub expected: f64,
    /// The effect that was there.
    pub effect: Estimate,
}

/// The mean of an arm with its squared standard error and degrees of freedom.
struct Arm {
    mean: f64,
    error: f64,
    dof: f64,
    /// For the interval.
    centre: f64,
}

impl Arm {
    fn of(comparison: &Comparison, places: &[usize]) -> Self {
        let weight = |at: &usize| comparison.weights()[*at];
        let value = |at: &usize| comparison.response().value(*at);
        let all: f64 = places.iter().map(weight).sum();
        let mean = places.iter().map(|at| weight(at) / all * value(at)).sum::<f64>();
        let squares: f64 = places.iter().map(|at| (weight(at) / all).powi(2)).sum();
        // As many rows of weight 1 would say as much (Kish 1965).
        let effective = 1.0 / squares;
        if let Response::Class(_) = comparison.response() {
            let centre = (mean * effective + 1.0) / (effective + 2.0);
            return Self { mean, error: centre * (1.0 - centre) / (effective + 2.0), dof: f64::INFINITY, centre };
        }
        let n = places.len() as f64;
        let spread: f64 = places.iter().map(|at| (weight(at) / all * (value(at) - mean)).powi(2)).sum();
        Self { mean, error: spread * n / (n - 1.0), dof: (effective - 1.0).max(1.0), centre: mean }
    }
}

/// The effect among the rows at these places. Fails with fewer than two rows of an arm, or where nothing varies.
pub fn effect_among(comparison: &Comparison, places: &[usize]) -> Result<Estimate, Fault> {
    let (treated, controls): (Vec<usize>, Vec<usize>) = places.iter().partition(|at| comparison.treated()[**at]);
    for (what, have) in [("treated rows", treated.len()), ("controls", controls.len())] {
        if have < 2 {
            return Err(Fault::TooFew { what, have, need: 2 });
        }
    }
    let (one, none) = (Arm::of(comparison, &treated), Arm::of(comparison, &controls));
    let squared = one.error + none.error;
    if squared.is_nan() || squared <= 0.0 {
        return Err(Fault::NotIdentified { why: "how far chance moves an effect where no outcome differs" });
    }
    // Welch and Satterthwaite; those of classes are infinite.
    let dof = squared.powi(2) / (one.error.powi(2) / one.dof + none.error.powi(2) / none.dof);
    let half = student_quantile(TAILS, if dof.is_finite() { dof } else { 1e9 }) * squared.sqrt();
    let (value, centre) = (one.mean - none.mean, one.centre - none.centre);
    Ok(Estimate { value, standard_error: Some(squared.sqrt()), low: centre - half, high: centre + half })
}

/// The average effect of all.
pub fn average_effect(comparison: &Comparison) -> Result<Estimate, Fault> {
    effect_among(comparison, &(0..comparison.rows()).collect::<Vec<_>>())
}

/// The average effect of all with what features explain taken off, which is steadier: the mean of doubly robust scores by models that did not learn from the row
/// they speak of (Robins, Rotnitzky and Zhao 1994; Chernozhukov and others 2018, "Double/debiased machine learning").
pub fn adjusted_effect(table: &Table, comparison: &Comparison, options: &Options) -> Result<Estimate, Fault> {
    enough(table, comparison, options)?;
    let scores = doubly_robust(table, comparison, options)?;
    let n = scores.len() as f64;
    let mean = scores.iter().map(|it| it / n).sum::<f64>();
    let variance = scores.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Ok(Estimate::around(mean, (variance / n).sqrt(), TAILS))
}

/// The effect among the first `share` of an order by `scores` (scikit-uplift's "uplift at k" with the strategy "overall").
pub fn effect_at(scores: &[f64], comparison: &Comparison, share: f64) -> Result<Estimate, Fault> {
    if !(share > 0.0 && share <= 1.0) {
        return Err(Fault::NotIdentified { why: "what a share of no rows, or of more than all, should mean" });
    }
    let order = ranked(scores, comparison)?;
    let first = (share * order.len() as f64) as usize;
    effect_among(comparison, &order[..first])
}

/// What was expected beside what came, in `groups` groups of the same size, of whom most was expected first.
pub fn by_group(scores: &[f64], comparison: &Comparison, groups: usize) -> Result<Vec<Group>, Fault> {
    let order = ranked(scores, comparison)?;
    let rows = order.len();
    if groups == 0 || rows < groups {
        return Err(Fault::TooFew { what: "rows for so many groups", have: rows, need: groups.max(1) });
    }
    let group = |at: usize| {
        let places = &order[at * rows / groups..(at + 1) * rows / groups];
        Ok(Group {
            rows: places.len(),
            treated: places.iter().filter(|at| comparison.treated()[**at]).count(),
            expected: places.iter().map(|at| scores[*at] / places.len() as f64).sum(),
            effect: effect_among(comparison, places)?,
        })
    };
    (0..groups).map(group).collect()
}

/// The root of the mean squared distance between effects found and true ones: the precision in estimating heterogeneous effects (PEHE; Hill 2011). Only where
/// the truth is known, as in simulated data.
pub fn pehe(found: &[f64], truth: &[f64]) -> Result<f64, Fault> {
    if found.len() != truth.len() {
        return Err(Fault::Shape { what: "effects", have: found.len(), need: truth.len() });
    }
    if found.is_empty() {
        return Err(Fault::TooFew { what: "effects", have: 0, need: 1 });
    }
    Ok((found.iter().zip(truth).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / found.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Outcome;

    /// By hand: 3 of 4 against 1 of 4, and scores that put the responding treated first.
    #[test]
    fn effects_by_hand() {
        let treated = [true, true, true, true, false, false, false, false];
        let class = [true, true, true, false, true, false, false, false];
        let comparison = Comparison::new(&treated, Outcome::Class(&class), None).unwrap();
        let found = average_effect(&comparison).unwrap();
        // Agresti and Caffo: 4 of 6 less 2 of 6, plus and minus 1.96 of the root of 2 (2/6 4/6 / 6).
        assert!(found.value == 0.5 && (found.high - (1.0 / 3.0 + 1.959_964 * 0.272_166)).abs() < 1e-5, "{found:?}");
        let scores = [8.0, 7.0, 2.0, 1.0, 6.0, 5.0, 4.0, 3.0];
        assert_eq!(effect_at(&scores, &comparison, 0.5).unwrap().value, 0.5);
        assert!(effect_at(&scores, &comparison, 0.25).is_err() && effect_at(&scores, &comparison, 1.5).is_err());
        let groups = by_group(&scores, &comparison, 2).unwrap();
        assert_eq!((groups[0].treated, groups[0].expected, groups[1].effect.value), (2, 6.5, 0.5));
        assert_eq!(pehe(&[1.0, 2.0], &[1.0, 4.0]), Ok(2.0_f64.sqrt()));
    }

    /// Welch's interval, with SciPy 1.17's `ttest_ind(..., equal_var=False).confidence_interval()`.
    #[test]
    fn numbers_have_the_interval_of_welch() {
        let treated = [true, true, true, true, true, false, false, false, false];
        let spent = [3.0, 5.0, 4.0, 9.0, 7.0, 1.0, 2.0, 4.0, 2.5];
        let comparison = Comparison::new(&treated, Outcome::Number(&spent), None).unwrap();
        let found = average_effect(&comparison).unwrap();
        assert!((found.value - 3.225).abs() < 1e-12, "{found:?}");
        assert!((found.low - WELCH.0).abs() < 1e-6 && (found.high - WELCH.1).abs() < 1e-6, "{found:?}");
    }

    const WELCH: (f64, f64) = (0.202_673_017_658, 6.247_326_982_342);
}
