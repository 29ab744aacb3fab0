//! Whom to treat when treating costs something: what each share of an order would bring.
//!
//! Always holds: all is per person of everybody, treated or not, so that shares can be compared with each other, with everybody and with nobody (0).
//!
//! Does not do: promise the profit of the best share. It is the highest of many numbers and therefore too high; [`Targeting::honest`] is the profit of a share
//! that was chosen on other rows.

use super::comparison::Comparison;
use super::curve::ranked;
use super::effect::effect_among;
use crate::estimate::Estimate;
use crate::fault::Fault;

/// What an outcome is worth and what a treatment costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// What one unit of the outcome is worth.
    pub value: f64,
    /// What treating one person costs.
    pub cost: f64,
}

/// What treating the first of an order brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The share that is treated.
    pub share: f64,
    /// The score from which on.
    pub from: f64,
    /// The effect among them.
    pub effect: Estimate,
    /// Profit per person of everybody: share × (value × effect − cost).
    pub profit: Estimate,
}

/// Profit by share.
#[derive(Clone, Debug, PartialEq)]
pub struct Targeting {
    /// Each percent; those with fewer than two rows of an arm, or without any outcome that differs, are left out.
    pub targets: Vec<Target>,
    /// The place of the highest profit; `None` where treating nobody is as good.
    pub best: Option<usize>,
    /// The profit of a share chosen on one half of the rows and judged on the other, the mean of both ways.
    pub honest: f64,
}

impl Targeting {
    /// Of an order by `scores`, the highest first.
    pub fn of(scores: &[f64], comparison: &Comparison, terms: Terms) -> Result<Self, Fault> {
        if !(terms.value.is_finite() && terms.cost.is_finite()) {
            return Err(Fault::NotIdentified { why: "a profit without a value and a cost" });
        }
        let order = ranked(scores, comparison)?;
        let targets = by_percent(&order, scores, comparison, terms);
        if targets.is_empty() {
            return Err(Fault::TooFew { what: "rows with different outcomes", have: 0, need: 2 });
        }
        let best = best(&targets);
        // Neighbours in the order go to different halves, so that these are alike.
        let half = |first: usize| order.iter().copied().skip(first).step_by(2).collect::<Vec<_>>();
        let halves = [0, 1].map(|it| by_percent(&half(it), scores, comparison, terms));
        let judged = |chosen: &[Target], other: &[Target]| {
            let share = best_share(chosen);
            other.iter().rfind(|it| it.share <= share + 1e-9).map_or(0.0, |it| it.profit.value)
        };
        let honest = (judged(&halves[0], &halves[1]) + judged(&halves[1], &halves[0])) / 2.0;
        Ok(Self { targets, best, honest })
    }
}

fn by_percent(order: &[usize], scores: &[f64], comparison: &Comparison, terms: Terms) -> Vec<Target> {
    let target = |percent: usize| {
        let places = &order[..order.len() * percent / 100];
        let effect = effect_among(comparison, places).ok()?;
        let share = percent as f64 / 100.0;
        let profit = |it: f64| share * (terms.value * it - terms.cost);
        let ends = [profit(effect.low), profit(effect.high)];
        let profit = Estimate {
            value: profit(effect.value),
            standard_error: effect.standard_error.map(|it| share * terms.value.abs() * it),
            low: ends[0].min(ends[1]),
            high: ends[0].max(ends[1]),
        };
        Some(Target { share, from: scores[*places.last()?], effect, profit })
    };
    (1..=100).filter_map(target).collect()
}

fn best(targets: &[Target]) -> Option<usize> {
    let profit = |at: &usize| targets[*at].profit.value;
    (0..targets.len()).max_by(|a, b| profit(a).total_cmp(&profit(b))).filter(|it| profit(it) > 0.0)
}

/// 0 is nobody.
fn best_share(targets: &[Target]) -> f64 {
    best(targets).map_or(0.0, |it| targets[it].share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Outcome;
    use crate::resampling::Draws;

    /// The treatment gives the first half .4 more and the others nothing: with a value of 1 and a cost of .1 the first half should be treated.
    #[test]
    fn the_half_that_gains_is_treated() {
        let mut draws = Draws::new(4);
        let mut chance = |p: f64| ((draws.next() >> 11) as f64 / (1u64 << 53) as f64) < p;
        let treated: Vec<bool> = (0..4_000).map(|_| chance(0.5)).collect();
        let scores: Vec<f64> = (0..4_000).map(|it| f64::from(4_000 - it)).collect();
        let gains = |at: usize| if treated[at] && at < 2_000 { 0.6 } else { 0.2 };
        let class: Vec<bool> = (0..4_000).map(|at| chance(gains(at))).collect();
        let comparison = Comparison::new(&treated, Outcome::Class(&class), None).unwrap();
        let found = Targeting::of(&scores, &comparison, Terms { value: 1.0, cost: 0.1 }).unwrap();
        let best = &found.targets[found.best.unwrap()];
        assert!((best.share - 0.5).abs() < 0.08 && best.profit.interval().holds(0.15), "{best:?}");
        assert!((found.honest - 0.15).abs() < 0.03 && found.honest <= best.profit.value + 1e-12, "{}", found.honest);
        // Where a treatment costs more than it brings, nobody should be treated.
        let dear = Targeting::of(&scores, &comparison, Terms { value: 1.0, cost: 0.9 }).unwrap();
        assert_eq!((dear.best, dear.honest), (None, 0.0));
        assert!(Targeting::of(&scores, &comparison, Terms { value: f64::NAN, cost: 0.9 }).is_err());
    }
}
