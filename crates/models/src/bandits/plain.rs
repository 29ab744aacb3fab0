//! Bandits without a context: every decision is like the one before.
//!
//! Rewards between 0 and 1 have a beta belief (a share counts as so much of a success; Agrawal and Goyal 2012), others a normal one with unknown variance, which
//! makes Student's t of the mean (normal-inverse-gamma). With a `memory` below 1 what came before counts less with every reward of any arm (Raj and Kalyani
//! 2017, "Taming non-stationary bandits"), so that an arm that has become better is tried again.
//!
//! Always holds: the same seed, decisions and rewards give the same again, also from kept bytes.
//!
//! Does not do: learn from decisions without a reward. What has not come yet is not a reward of 0.

use super::belief::Belief;
use super::choice::{Decision, Rule, allowed, drawn};
use crate::fault::Fault;
use crate::resampling::Draws;

/// What rewards are like, and what is believed before there are any.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rewards {
    /// From 0 to 1, such as clicked or not: before there are any, as after one success and one failure.
    Share,
    /// Any number, such as what was spent: before there are any, as after one of `mean`, with deviations of about `deviation`.
    Number {
        /// What to expect of an arm.
        mean: f64,
        /// How far single rewards are from that.
        deviation: f64,
    },
}

/// What came of an arm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    /// How many rewards, the old ones less.
    pub(super) n: f64,
    pub(super) mean: f64,
    /// The sum of squared distances from the mean.
    pub(super) squares: f64,
}

/// A bandit.
#[derive(Clone, Debug, PartialEq)]
pub struct Bandit {
    pub(super) rewards: Rewards,
    pub(super) rule: Rule,
    pub(super) floor: f64,
    pub(super) memory: f64,
    pub(super) arms: Vec<Tally>,
    pub(super) draws: Draws,
    /// Chances of all arms, until something is learnt.
    pub(super) chances: Option<Vec<f64>>,
}

impl Bandit {
    /// With so many arms. No arm's propensity is below `floor`; `memory` is what an old reward still counts after each new one, 1 for ever.
    pub fn new(arms: usize, rewards: Rewards, rule: Rule, floor: f64, memory: f64, seed: u64) -> Result<Self, Fault> {
        rule.checked(arms, floor)?;
        remembered(memory)?;
        if let Rewards::Number { mean, deviation } = rewards
            && !(mean.abs() < 1e50 && deviation > 0.0 && deviation < 1e50)
        {
            return Err(Fault::NotIdentified {
                why: "what to believe of rewards without a mean and a deviation above 0",
            });
        }
        let arms = vec![Tally::default(); arms];
        Ok(Self { rewards, rule, floor, memory, arms, draws: Draws::new(seed), chances: None })
    }

    /// Takes an arm, of all or of those allowed.
    pub fn decide(&mut self, among: Option<&[usize]>) -> Result<Decision, Fault> {
        let places = allowed(self.arms.len(), among)?;
        let all = places.len() == self.arms.len();
        let chances = match self.chances.take().filter(|_| all) {
            Some(known) => known,
            None => {
                let beliefs: Vec<Belief> = places.iter().map(|it| self.belief(*it)).collect();
                self.rule.chances(&beliefs, self.floor, &mut self.draws)
            }
        };
        let decision = drawn(&places, &chances, self.arms.len(), &mut self.draws);
        if all {
            self.chances = Some(chances);
        }
        Ok(decision)
    }

    /// The propensity of each arm, of all or of those allowed, 0 for the others; nothing is drawn, and what is drawn next is the same as without asking.
    pub fn propensities(&self, among: Option<&[usize]>) -> Result<Vec<f64>, Fault> {
        self.clone().decide(among).map(|it| it.propensities)
    }

    /// Learns what came of an arm.
    pub fn learn(&mut self, arm: usize, reward: f64) -> Result<(), Fault> {
        if arm >= self.arms.len() {
            return Err(Fault::Shape { what: "as the place of an arm", have: arm, need: self.arms.len() - 1 });
        }
        match self.rewards {
            Rewards::Share if !(0.0..=1.0).contains(&reward) => {
                return Err(Fault::OutOfRange { what: "a reward between 0 and 1", row: vec![] });
            }
            _ if reward.is_nan() || reward.abs() > 1e50 => return Err(Fault::NotFinite { row: vec![] }),
            _ => {}
        }
        self.forget(self.memory)?;
        let own = &mut self.arms[arm];
        let off = reward - own.mean;
        own.n += 1.0;
        own.mean += off / own.n;
        own.squares += off * (reward - own.mean);
        self.chances = None;
        Ok(())
    }

    /// Lets all that was learnt count so much less, as when time has passed; 1 forgets nothing.
    pub fn forget(&mut self, memory: f64) -> Result<(), Fault> {
        remembered(memory)?;
        if memory < 1.0 {
            for arm in &mut self.arms {
                arm.n *= memory;
                arm.squares *= memory;
            }
            self.chances = None;
        }
        Ok(())
    }

    /// For each arm the mean reward that is believed.
    pub fn means(&self) -> Vec<f64> {
        (0..self.arms.len()).map(|it| self.belief(it).mean()).collect()
    }

    /// How many rewards each arm still counts.
    pub fn counts(&self) -> Vec<f64> {
        self.arms.iter().map(|it| it.n).collect()
    }

    fn belief(&self, arm: usize) -> Belief {
        let Tally { n, mean, squares } = self.arms[arm];
        match self.rewards {
            Rewards::Share => Belief::Beta { a: 1.0 + n * mean, b: 1.0 + n * (1.0 - mean).max(0.0) },
            Rewards::Number { mean: before, deviation } => {
                // One reward's worth of mean and two of variance before any (Murphy 2007, "Conjugate Bayesian analysis of the Gaussian distribution").
                let weight = n + 1.0;
                let shape = 1.0 + n / 2.0;
                let rate = deviation * deviation + squares / 2.0 + n * (mean - before).powi(2) / (2.0 * weight);
                Belief::Student {
                    mean: (before + n * mean) / weight,
                    scale: (rate / shape / weight).sqrt(),
                    dof: 2.0 * shape,
                }
            }
        }
    }
}

/// Whether a memory is above 0 and at most 1.
pub(super) fn remembered(memory: f64) -> Result<(), Fault> {
    let usable = memory > 0.0 && memory <= 1.0;
    if usable { Ok(()) } else { Err(Fault::NotIdentified { why: "what a memory outside 0 to 1 should mean" }) }
}

#[cfg(test)]
mod tests;
