//! What a policy knows, and with which chance it takes each arm.
//!
//! While arms have fewer than [`LEAST`] rewards each, all have the same chance. From those rewards follows what to expect of rewards at all, and on which
//! scale facts are put; then the learner is made and learns them. Facts are put to mean 0 and deviation 1, cut at 4; one that is not known is 0, with a
//! feature of its own that says so.
//!
//! Always holds: chances of the arms that may be taken add up to 1 and none is below the floor (where so many are possible); what is read back is the same in
//! every bit.
//!
//! Does not do: draw. Whoever asks draws by these chances, and keeps them with the decision.

use rapport_models::Fault;
use rapport_models::bandits::{Bandit, Chances as How, LinearBandit, LinearOptions, Rewards, Rule};
use serde::{Deserialize, Serialize};

use super::design::{Design, Kind, Policy, State};
use super::effects::Effects;

/// So many rewards each arm has before the policy prefers any.
pub const LEAST: usize = 30;
/// So far from the mean a fact is looked at, in deviations.
const FAR: f64 = 4.0;

/// What a policy knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Learner {
    /// What arms bring everybody.
    Bandit(Box<Bandit>),
    /// What arms bring such people.
    Linear(Box<LinearBandit>, Scale),
    /// Whom an experiment says the other arm moves.
    Effects(Box<Effects>),
}

/// On which scale facts are put, each as its mean and deviation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scale(pub Vec<(f64, f64)>);

/// What is known of somebody, in the design's order of features.
pub type Features = Vec<Option<f64>>;

/// A decision whose reward is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Learnt {
    /// The arm's place.
    pub arm: usize,
    /// With which chance each arm was taken; 0 where it could not be.
    pub chances: Vec<f64>,
    /// What was known of them.
    pub features: Features,
    /// What it brought.
    pub reward: f64,
}

/// With which chance each of the arms that may be taken is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chances {
    /// The arms' keys with their chances, which add up to 1.
    pub arms: Vec<(String, f64)>,
    /// What was known of them.
    pub features: Features,
    /// Whether this is a decision: it is kept and learnt from. Not where the policy is paused or fixed.
    pub decides: bool,
}

impl Scale {
    /// Of what was known of people.
    pub fn of<'a>(features: usize, rows: impl Iterator<Item = &'a [Option<f64>]> + Clone) -> Self {
        let one = |at: usize| {
            let known: Vec<f64> = rows.clone().filter_map(|row| row.get(at).copied().flatten()).collect();
            let n = known.len().max(1) as f64;
            let mean = known.iter().sum::<f64>() / n;
            let deviation = (known.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n).sqrt();
            (mean, if deviation > 1e-12 * mean.abs().max(1e-12) { deviation } else { 1.0 })
        };
        Self((0..features).map(one).collect())
    }

    /// As a learner takes it: a 1, then each fact and whether it is not known.
    pub fn context(&self, features: &[Option<f64>]) -> Vec<f64> {
        let mut found = vec![1.0];
        for (at, (mean, deviation)) in self.0.iter().enumerate() {
            match features.get(at).copied().flatten() {
                Some(it) => found.extend([((it - mean) / deviation).clamp(-FAR, FAR), 0.0]),
                None => found.extend([0.0, 1.0]),
            }
        }
        found
    }
}

impl Learner {
    /// Made of the first rewards; none while an arm has fewer than [`LEAST`], or where nothing is learnt from rewards.
    pub fn first(design: &Design, seed: u64, rows: &[Learnt]) -> Option<Self> {
        let counted = |arm: usize| rows.iter().filter(|row| row.arm == arm).count();
        if design.kind == Kind::Uplift || (0..design.arms.len()).any(|arm| counted(arm) < LEAST) {
            return None;
        }
        let n = rows.len() as f64;
        let mean = rows.iter().map(|row| row.reward).sum::<f64>() / n;
        let deviation = (rows.iter().map(|row| (row.reward - mean).powi(2)).sum::<f64>() / n).sqrt();
        // Where nothing came yet, rewards are believed to be small beside what one is worth.
        let deviation = if deviation > 0.0 { deviation } else { 0.1 * design.reward.worth };
        let mut made = Self::empty(design, seed, (mean, deviation), rows)?;
        rows.iter().for_each(|row| made.learn(row));
        made.settle();
        Some(made)
    }

    fn empty(design: &Design, seed: u64, (mean, deviation): (f64, f64), rows: &[Learnt]) -> Option<Self> {
        let (arms, floor, memory) = (design.arms.len(), design.floor, design.memory);
        let rule = Rule::Thompson(How::Exact);
        if design.kind == Kind::Contextual {
            let scale = Scale::of(design.features.len(), rows.iter().map(|row| row.features.as_slice()));
            let options = LinearOptions { rule, floor, memory, ridge: 1.0, deviation, seed };
            let bandit = LinearBandit::new(arms, 1 + 2 * design.features.len(), options).ok()?;
            return Some(Self::Linear(Box::new(bandit), scale));
        }
        let rewards = if design.is_share() { Rewards::Share } else { Rewards::Number { mean, deviation } };
        Some(Self::Bandit(Box::new(Bandit::new(arms, rewards, rule, floor, memory, seed).ok()?)))
    }

    /// Learns a reward. One that is none (absurd) teaches nothing.
    pub fn learn(&mut self, row: &Learnt) {
        // What could be wrong is checked when a design is saved and a reward is read.
        let _: Result<(), Fault> = match self {
            Self::Bandit(it) => it.learn(row.arm, row.reward),
            Self::Linear(it, scale) => it.learn(&scale.context(&row.features), row.arm, row.reward),
            Self::Effects(_) => Ok(()),
        };
    }

    /// Works out what is asked of it at each decision, once.
    pub fn settle(&mut self) {
        if let Self::Bandit(it) = self {
            let _: Result<_, Fault> = it.decide(None);
        }
    }

    /// The chance of each arm, of those allowed; 0 for the others.
    pub fn chances(&self, features: &[Option<f64>], allowed: &[usize]) -> Option<Vec<f64>> {
        match self {
            Self::Bandit(it) => it.propensities(Some(allowed)).ok(),
            Self::Linear(it, scale) => it.propensities(&scale.context(features), Some(allowed)).ok(),
            Self::Effects(it) => it.chances(features, allowed),
        }
    }

    /// What it knows, as bytes and what belongs to them.
    pub fn to_kept(&self) -> (Vec<u8>, serde_json::Value) {
        let none = serde_json::Value::Null;
        match self {
            Self::Bandit(it) => (it.to_bytes(), none),
            Self::Linear(it, scale) => (it.to_bytes(), serde_json::to_value(scale).unwrap_or(none)),
            Self::Effects(it) => (Vec::new(), serde_json::to_value(it).unwrap_or(none)),
        }
    }

    /// What was kept of a policy of this design; none where it does not fit, so that it is learnt anew.
    pub fn from_kept(design: &Design, bytes: &[u8], basis: &serde_json::Value) -> Option<Self> {
        match design.kind {
            Kind::Bandit => Some(Self::Bandit(Box::new(Bandit::from_bytes(bytes).ok()?))),
            Kind::Contextual => {
                let scale = serde_json::from_value(basis.clone()).ok()?;
                Some(Self::Linear(Box::new(LinearBandit::from_bytes(bytes).ok()?), scale))
            }
            Kind::Uplift => Some(Self::Effects(Box::new(serde_json::from_value(basis.clone()).ok()?))),
        }
    }
}

impl Policy {
    /// With which chance each of these arms is taken for somebody; none of them is of the policy: none.
    pub fn chances(&self, features: Features, arms: &[String]) -> Option<Chances> {
        let allowed: Vec<usize> = arms.iter().filter_map(|key| self.design.place(key)).collect();
        let first = allowed.iter().copied().min()?;
        let key = |at: usize| self.design.arms[at].key.clone();
        if self.state != State::Running {
            let fixed = self.fixed_arm.as_deref().filter(|_| self.state == State::Fixed);
            let fixed = fixed.and_then(|it| self.design.place(it)).filter(|at| allowed.contains(at));
            return Some(Chances { arms: vec![(key(fixed.unwrap_or(first)), 1.0)], features, decides: false });
        }
        let found = self.chances_of(&features, &allowed);
        let arms = allowed.iter().map(|at| (key(*at), found[*at])).collect();
        Some(Chances { arms, features, decides: true })
    }

    /// The chance of each arm's place; 0 for those that are not allowed.
    pub fn chances_of(&self, features: &[Option<f64>], allowed: &[usize]) -> Vec<f64> {
        let learnt = self.learner.as_ref().and_then(|it| it.chances(features, allowed));
        learnt.unwrap_or_else(|| even(self.design.arms.len(), allowed))
    }
}

/// The same for each of those allowed.
pub fn even(arms: usize, allowed: &[usize]) -> Vec<f64> {
    let mut found = vec![0.0; arms];
    allowed.iter().for_each(|at| found[*at] = 1.0 / allowed.len() as f64);
    found
}

impl Chances {
    /// The arm at a place from 0 to 1, with its chance.
    pub fn drawn(&self, place: f64) -> Option<(&str, f64)> {
        let mut end = 0.0;
        let all: f64 = self.arms.iter().map(|(_, chance)| chance).sum();
        let found = self.arms.iter().find(|(_, chance)| {
            end += chance;
            place * all < end
        });
        found.or(self.arms.last()).map(|(key, chance)| (key.as_str(), *chance))
    }
}
