//! Bandits with a context: what is known of a person before the decision is put to each arm's own linear model.
//!
//! Each arm keeps A = ridge · I + Σ x xᵀ as its Cholesky factor and b = Σ reward · x; a reward changes both in time with the square of the features, and the belief
//! of an arm's mean reward is normal around xᵀA⁻¹b with variance s² xᵀA⁻¹x (LinUCB: Li, Chu, Langford and Schapire 2010; linear Thompson sampling: Agrawal and
//! Goyal 2013), where s² is what the arm's own rewards scatter. With a `memory` below 1 old rewards count less, and the ridge does not (Russac, Vernade and
//! Cappé 2019).
//!
//! Always holds: arms know nothing of each other, so that their beliefs are independent and the chance of each to be the best is an exact integral.
//!
//! Does not do: add an intercept. A feature that is always 1 is one, and most contexts need it.

use super::belief::Belief;
use super::choice::{Decision, Rule, allowed, drawn};
use super::factor::Factor;
use super::plain::remembered;
use crate::fault::{Fault, none_of};
use crate::resampling::Draws;

/// How a linear bandit is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearOptions {
    /// How arms are chosen.
    pub rule: Rule,
    /// The least propensity of an arm.
    pub floor: f64,
    /// What an old reward still counts after each new one of the same arm; 1 for ever.
    pub memory: f64,
    /// The weight of no effect at all.
    pub ridge: f64,
    /// How far single rewards scatter, before there are any.
    pub deviation: f64,
    /// Where chance begins.
    pub seed: u64,
}

impl Default for LinearOptions {
    fn default() -> Self {
        let rule = Rule::Thompson(super::Chances::Exact);
        Self { rule, floor: 0.0, memory: 1.0, ridge: 1.0, deviation: 0.5, seed: 0 }
    }
}

/// What came of an arm.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LinearArm {
    pub(super) factor: Factor,
    pub(super) right: Vec<f64>,
    /// How many rewards, and the sum of their squares.
    pub(super) n: f64,
    pub(super) squares: f64,
}

/// A bandit with a context.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearBandit {
    pub(super) options: LinearOptions,
    pub(super) features: usize,
    pub(super) arms: Vec<LinearArm>,
    pub(super) draws: Draws,
}

impl LinearArm {
    fn belief(&self, context: &[f64], deviation: f64) -> Belief {
        let (half, own) = (self.factor.forward(&self.right), self.factor.forward(context));
        let mean = half.iter().zip(&own).map(|(a, b)| a * b).sum();
        // Before there are rewards as after two with this deviation.
        let left = (self.squares - half.iter().map(|it| it * it).sum::<f64>()).max(0.0);
        let variance = (2.0 * deviation * deviation + left) / (2.0 + self.n);
        let spread = (variance * own.iter().map(|it| it * it).sum::<f64>()).sqrt();
        Belief::Normal { mean, deviation: spread.max(f64::MIN_POSITIVE) }
    }
}

impl LinearBandit {
    /// With so many arms and features of a context.
    pub fn new(arms: usize, features: usize, options: LinearOptions) -> Result<Self, Fault> {
        options.rule.checked(arms, options.floor)?;
        remembered(options.memory)?;
        if features == 0 {
            return Err(Fault::TooFew { what: "features", have: 0, need: 1 });
        }
        let usable = |it: f64| it > 1e-50 && it < 1e50;
        if !(usable(options.ridge) && usable(options.deviation)) {
            return Err(Fault::NotIdentified { why: "what to believe without a ridge and a deviation above 0" });
        }
        let factor = Factor::ridge(features, options.ridge);
        let arm = LinearArm { factor, right: vec![0.0; features], n: 0.0, squares: 0.0 };
        Ok(Self { options, features, arms: vec![arm; arms], draws: Draws::new(options.seed) })
    }

    /// Takes an arm for this context, of all or of those allowed.
    pub fn decide(&mut self, context: &[f64], among: Option<&[usize]>) -> Result<Decision, Fault> {
        self.fits(context)?;
        let places = allowed(self.arms.len(), among)?;
        let beliefs: Vec<Belief> =
            places.iter().map(|it| self.arms[*it].belief(context, self.options.deviation)).collect();
        let chances = self.options.rule.chances(&beliefs, self.options.floor, &mut self.draws);
        Ok(drawn(&places, &chances, self.arms.len(), &mut self.draws))
    }

    /// The propensity of each arm in a context, of all or of those allowed, 0 for the others; nothing is drawn, and what is drawn next is the same as without
    /// asking.
    pub fn propensities(&self, context: &[f64], among: Option<&[usize]>) -> Result<Vec<f64>, Fault> {
        self.clone().decide(context, among).map(|it| it.propensities)
    }

    /// Learns what came of an arm in a context.
    pub fn learn(&mut self, context: &[f64], arm: usize, reward: f64) -> Result<(), Fault> {
        self.fits(context)?;
        if arm >= self.arms.len() {
            return Err(Fault::Shape { what: "as the place of an arm", have: arm, need: self.arms.len() - 1 });
        }
        if reward.is_nan() || reward.abs() > 1e50 {
            return Err(Fault::NotFinite { row: vec![] });
        }
        let (memory, ridge) = (self.options.memory, self.options.ridge);
        let own = &mut self.arms[arm];
        if memory < 1.0 {
            own.factor.fade(memory, ridge);
            own.right.iter_mut().for_each(|it| *it *= memory);
            own.n *= memory;
            own.squares *= memory;
        }
        own.factor.add(context);
        own.right.iter_mut().zip(context).for_each(|(it, x)| *it += reward * x);
        own.n += 1.0;
        own.squares += reward * reward;
        Ok(())
    }

    /// For each arm the mean reward that is believed in a context, and how sure that is, as a standard deviation.
    pub fn believed(&self, context: &[f64]) -> Result<Vec<(f64, f64)>, Fault> {
        self.fits(context)?;
        let one = |it: &LinearArm| {
            let belief = it.belief(context, self.options.deviation);
            (belief.mean(), belief.spread())
        };
        Ok(self.arms.iter().map(one).collect())
    }

    fn fits(&self, context: &[f64]) -> Result<(), Fault> {
        if context.len() != self.features {
            return Err(Fault::Shape { what: "features of a context", have: context.len(), need: self.features });
        }
        none_of(context, |it| it.is_nan() || it.abs() > 1e25, |row| Fault::NotFinite { row })
    }
}

#[cfg(test)]
mod tests;
