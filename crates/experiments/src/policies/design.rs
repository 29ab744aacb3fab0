//! What a policy is.
//!
//! Always holds: the serialised form of a [`Design`] is what is stored, so fields are added with a default and never renamed. The first arm is the usual one:
//! what people get where the policy does not decide.
//!
//! Does not do: say whether it makes sense ([`super::checks`]).

use serde::{Deserialize, Serialize};

use super::learner::Learner;

/// What staff write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// What people call it.
    pub name: String,
    /// How it learns.
    #[serde(default)]
    pub kind: Kind,
    /// What it decides.
    #[serde(default)]
    pub decides: Decides,
    /// What it chooses among; the first is what people get without it.
    pub arms: Vec<Arm>,
    /// What a choice brings.
    pub reward: Reward,
    /// The least chance of an arm that may be taken, so that what it brings stays known.
    #[serde(default = "one_in_twenty")]
    pub floor: f64,
    /// What an old reward still counts after each new one; 1 for ever. .999: about the last thousand count.
    #[serde(default = "one")]
    pub memory: f64,
    /// Facts that it chooses by: numbers, or true and false. Not of a bandit, for which all people are alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The experiment whose people effects are learnt from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
}

/// How it learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Each arm with the chance that it is the best for everybody (Thompson sampling).
    #[default]
    Bandit,
    /// Each arm with the chance that it is the best for such a person (linear Thompson sampling).
    Contextual,
    /// The other arm for whom an experiment says that its effect is worth more than it costs.
    Uplift,
}

/// What it decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decides {
    /// Which way somebody goes in a journey, or what a slot shows.
    #[default]
    Way,
    /// How many messages of marketing somebody gets at most; decided anew after each of the reward's times.
    Frequency,
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its stable name.
    pub key: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// What choosing it costs, in the reward's unit: a discount, a letter.
    #[serde(default)]
    pub cost: f64,
    /// Of a policy of frequency, how many messages at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
}

/// At most so many messages of marketing in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// How many; 0 is none at all.
    pub most: u32,
    /// In how many hours.
    pub hours: u32,
}

/// What a choice brings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// The key of what is measured, as in experiments; what it means is known elsewhere.
    pub metric: String,
    /// Whether that is a share of people, 0 or 1 for each; follows from the key.
    #[serde(default)]
    pub is_share: bool,
    /// For how many hours after the choice it counts.
    pub hours: u32,
    /// What one of it is worth.
    #[serde(default = "one")]
    pub worth: f64,
    /// What is taken off for events that should not come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<Cost>,
}

/// What an event costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Its name, such as `Message Unsubscribed`.
    pub event: String,
    /// What each of them takes off.
    pub cost: f64,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It decides and learns.
    Running,
    /// Everybody gets the usual arm for now.
    Paused,
    /// Everybody gets one arm for good.
    Fixed,
}

/// A policy with where it stands and what it knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its number within the workspace; never used again.
    pub number: i64,
    /// Its stable name.
    pub key: String,
    /// Where it stands.
    pub state: State,
    /// How often it was saved, from 1.
    pub version: i64,
    /// The version since which it learns. What was decided before counts no more.
    pub epoch: i64,
    /// The arm that everybody gets, where it is fixed.
    pub fixed_arm: Option<String>,
    /// What staff wrote.
    pub design: Design,
    /// What it knows; none until each arm has enough rewards.
    pub learner: Option<Learner>,
}

impl Design {
    /// The place of the arm of this key.
    pub fn place(&self, key: &str) -> Option<usize> {
        self.arms.iter().position(|it| it.key == key)
    }

    /// Whether rewards are 0 or 1.
    pub fn is_share(&self) -> bool {
        self.reward.is_share
            && self.reward.worth == 1.0
            && self.reward.costs.is_empty()
            && self.arms.iter().all(|it| it.cost == 0.0)
    }

    /// Whether what is known under `self` is still true under `other`: what is chosen among, what counts, and how it is learnt are the same.
    pub fn learns_alike(&self, other: &Self) -> bool {
        let arms = |it: &Self| it.arms.iter().map(|arm| (arm.key.clone(), arm.cost, arm.cap)).collect::<Vec<_>>();
        (self.kind, self.decides, arms(self)) == (other.kind, other.decides, arms(other))
            && (&self.reward, self.floor, self.memory) == (&other.reward, other.floor, other.memory)
            && (&self.features, &self.experiment) == (&other.features, &other.experiment)
    }
}

impl Arm {
    /// What people call it, or else its key.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.key } else { &self.name }
    }
}

impl Kind {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bandit => "bandit",
            Self::Contextual => "contextual",
            Self::Uplift => "uplift",
        }
    }
}

impl Decides {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Way => "way",
            Self::Frequency => "frequency",
        }
    }
}

impl State {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Fixed => "fixed",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Running, Self::Paused, Self::Fixed].into_iter().find(|it| it.as_str() == word)
    }
}

const fn one_in_twenty() -> f64 {
    0.05
}

const fn one() -> f64 {
    1.0
}
