//! What arms and other policies would have brought, from what was decided.
//!
//! Each decision is weighted by how much more often the policy that is asked about takes its arm than the one that took it (see `models::bandits`): inverse
//! propensity, the same normalised, and doubly robust, with what arms brought in the other half of the decisions as the model.
//!
//! Always holds: only decisions whose chances were kept are used; a policy that takes what could never be taken is said to be unknown, with no number.
//!
//! Does not do: correct for what was learnt from earlier decisions while deciding later ones; intervals of a policy that still learns are a little too narrow.

use rapport_models::Fault;
use rapport_models::bandits::{Chances as How, LinearBandit, LinearOptions, Logged, Rule, Value};
use rapport_models::bandits::{doubly_robust, inverse_propensity, self_normalised};

use super::design::{Kind, Policy};
use super::learner::{Learnt, Scale, even};

/// Weights are cut here: a decision of a chance of one in so many counts no more than this many others.
const LIMIT: f64 = 50.0;
/// Below so many decisions that count nothing is said.
pub const LEAST: usize = 50;

/// Which policy is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Always this arm.
    Always(usize),
    /// Each arm with the same chance.
    Even,
    /// This policy as it is now.
    Now,
}

/// What a policy brings a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Which.
    pub asked: Asked,
    /// Inverse propensity.
    pub ips: Value,
    /// The same, normalised.
    pub snips: Value,
    /// Doubly robust.
    pub robust: Value,
}

/// What each of them brings; of each that cannot be said, none.
pub fn judge(policy: &Policy, rows: &[Learnt]) -> Vec<(Asked, Option<Judged>)> {
    let asked = (0..policy.design.arms.len()).map(Asked::Always).chain([Asked::Even, Asked::Now]);
    let foretold = Foretold::of(policy, rows);
    asked.map(|it| (it, one(policy, rows, &foretold, it).ok())).collect()
}

fn one(policy: &Policy, rows: &[Learnt], foretold: &Foretold, asked: Asked) -> Result<Judged, Fault> {
    let (mut logged, mut said) = (Vec::new(), Vec::new());
    for (at, row) in rows.iter().enumerate() {
        let allowed: Vec<usize> = (0..row.chances.len()).filter(|arm| row.chances[*arm] > 0.0).collect();
        let target = match asked {
            // Where it could not be taken nothing is known of it.
            Asked::Always(arm) if !allowed.contains(&arm) => continue,
            Asked::Always(arm) => even(row.chances.len(), &[arm]),
            Asked::Even => even(row.chances.len(), &allowed),
            Asked::Now => policy.chances_of(&row.features, &allowed),
        };
        let (Some(propensity), Some(own)) = (row.chances.get(row.arm), target.get(row.arm)) else { continue };
        logged.push(Logged { propensity: *propensity, target: *own, reward: row.reward });
        let means = foretold.means(at, row);
        let mean = target.iter().zip(&means).map(|(chance, mean)| chance * mean).sum();
        said.push((means[row.arm], mean));
    }
    if logged.len() < LEAST {
        return Err(Fault::TooFew { what: "decisions", have: logged.len(), need: LEAST });
    }
    Ok(Judged {
        asked,
        ips: inverse_propensity(&logged, LIMIT)?,
        snips: self_normalised(&logged, LIMIT)?,
        robust: doubly_robust(&logged, &said, LIMIT)?,
    })
}

/// What arms bring as each half of the decisions says of the other half.
enum Foretold {
    Means([Vec<f64>; 2]),
    Linear([Box<LinearBandit>; 2], [Scale; 2]),
}

impl Foretold {
    fn of(policy: &Policy, rows: &[Learnt]) -> Self {
        // Of half 0 says half 1.
        let others = [0, 1].map(|half| rows.iter().skip(1 - half).step_by(2).collect::<Vec<&Learnt>>());
        let arms = policy.design.arms.len();
        if policy.design.kind == Kind::Contextual
            && let (Some(first), Some(second)) = (linear(policy, &others[0]), linear(policy, &others[1]))
        {
            return Self::Linear([first.0, second.0], [first.1, second.1]);
        }
        Self::Means(others.map(|rows| means(arms, &rows)))
    }

    fn means(&self, at: usize, row: &Learnt) -> Vec<f64> {
        match self {
            Self::Means(it) => it[at % 2].clone(),
            Self::Linear(it, scales) => {
                let believed = it[at % 2].believed(&scales[at % 2].context(&row.features));
                believed.map(|all| all.into_iter().map(|it| it.0).collect()).unwrap_or_default()
            }
        }
    }
}

/// Each arm's mean; of an arm without any that of all.
fn means(arms: usize, rows: &[&Learnt]) -> Vec<f64> {
    let mean = |of: &[f64]| (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64);
    let all = mean(&rows.iter().map(|row| row.reward).collect::<Vec<_>>()).unwrap_or(0.0);
    let own = |arm: usize| rows.iter().filter(|row| row.arm == arm).map(|row| row.reward).collect::<Vec<_>>();
    (0..arms).map(|arm| mean(&own(arm)).unwrap_or(all)).collect()
}

fn linear(policy: &Policy, rows: &[&Learnt]) -> Option<(Box<LinearBandit>, Scale)> {
    let features = policy.design.features.len();
    let scale = Scale::of(features, rows.iter().map(|row| row.features.as_slice()));
    let options = LinearOptions { rule: Rule::Thompson(How::Exact), ..LinearOptions::default() };
    let mut bandit = LinearBandit::new(policy.design.arms.len(), 1 + 2 * features, options).ok()?;
    for row in rows {
        bandit.learn(&scale.context(&row.features), row.arm, row.reward).ok()?;
    }
    Some((Box::new(bandit), scale))
}
