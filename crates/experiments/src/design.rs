//! What an experiment, a flag or a holdout is.
//!
//! Always holds: the serialised form of a [`Design`] is what is stored, so fields are added with a default and never renamed.
//!
//! Does not do: say whether it makes sense ([`crate::checks`]).

use rapport_domain::Timestamp;
use rapport_models::experiments::{Better, Inference};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The whole of a share: shares are in hundredths of a per cent.
pub const WHOLE: u32 = rapport_domain::assignment::PLACES;

/// An experiment with where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Its number within the workspace; never used again.
    pub number: i64,
    /// Its stable name, such as `checkout-headline`.
    pub key: String,
    /// Where it stands.
    pub state: State,
    /// How often it was saved: the number of the present version, from 1.
    pub version: i64,
    /// The version since which chances are as they are. Readouts are of those exposed since, for they alone had the same chances.
    pub allocation: i64,
    /// The variant that everybody gets once it is decided.
    pub winner: Option<String>,
    /// When it first ran.
    pub started_at: Option<Timestamp>,
    /// When it was stopped or decided.
    pub ended_at: Option<Timestamp>,
    /// What staff wrote.
    pub design: Design,
}

/// What staff write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// What people call it.
    pub name: String,
    /// What is believed, and why.
    #[serde(default)]
    pub hypothesis: String,
    /// What it is for.
    pub kind: Kind,
    /// What is assigned.
    #[serde(default)]
    pub unit: UnitKind,
    /// Decides who falls where, together with the unit. Given once, when it is made.
    #[serde(default)]
    pub salt: String,
    /// What people can get; one of them is the control.
    pub variants: Vec<Variant>,
    /// For whom, the first that applies; none: for everybody, split.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// How large a part of those is in it at all, in hundredths of a per cent.
    #[serde(default = "whole")]
    pub traffic: u32,
    /// Its place among experiments that may not meet.
    #[serde(default)]
    pub group: Option<Place>,
    /// Whether those in a global holdout get the control.
    #[serde(default = "yes")]
    pub respects_global_holdout: bool,
    /// Of a holdout, what is held back, such as `journey:jrn_0193...`, `campaign:...` or `slot:home`; none: everything.
    #[serde(default)]
    pub subject: Option<String>,
    /// From when on it runs, once it was started.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// Until before when.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// What it is decided by.
    #[serde(default)]
    pub primary: Option<Metric>,
    /// What must not get worse.
    #[serde(default)]
    pub guardrails: Vec<Guardrail>,
    /// What else is looked at.
    #[serde(default)]
    pub secondary: Vec<Metric>,
    /// How long after exposure something counts, in hours.
    #[serde(default = "two_weeks")]
    pub conversion_hours: u32,
    /// How it is read.
    #[serde(default)]
    pub reading: Reading,
    /// What it is meant to notice.
    #[serde(default)]
    pub plan: Option<Plan>,
}

/// What it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// To learn something: exposures are kept, and people keep their variant.
    Experiment,
    /// To switch something: nothing is kept, the design alone decides.
    Flag,
    /// To learn what a journey, a campaign, a slot or everything is worth: the control gets nothing.
    Holdout,
}

/// What is assigned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// A person, on all devices.
    #[default]
    Person,
    /// A device, by the text of its identifier: also one that was never seen before.
    Anonymous,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Being written; nobody is in it.
    Draft,
    /// At work.
    Running,
    /// Everybody gets the control for now.
    Paused,
    /// Over without a winner: everybody gets the control.
    Stopped,
    /// Over: everybody gets the winner.
    Decided,
}

/// One of the things people can get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its stable name.
    pub key: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// How large its part is in proportion to the others.
    pub weight: u32,
    /// What the site or the journey is given: a boolean, a text, a number or an object.
    pub value: Value,
    /// Whether it is what people get without the experiment.
    #[serde(default)]
    pub is_control: bool,
}

/// For whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its stable name; decides who is in its rollout, so that rules can be put in another order.
    pub key: String,
    /// The key of a condition; none: everybody.
    #[serde(default)]
    pub condition: Option<String>,
    /// For how large a part of them, in hundredths of a per cent. The others go on to the next rule.
    #[serde(default = "whole")]
    pub share: u32,
    /// What they get.
    pub serve: Serve,
}

/// What a rule gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Serve {
    /// One of the variants by chance.
    Split,
    /// This variant. Not chance, so it is no exposure.
    Variant(String),
}

/// A place among experiments that may not meet: a range of the group's places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The group.
    pub group: String,
    /// From this place on, 0 to 9,999.
    pub from: u32,
    /// Up to, not including.
    pub to: u32,
}

/// Something that is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its key; what it means is known elsewhere.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Which direction is the good one.
    #[serde(default)]
    pub direction: Direction,
    /// What its numbers are, for words.
    #[serde(default)]
    pub form: Form,
}

/// Which direction of a metric is the good one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    #[default]
    Higher,
    /// Less is better.
    Lower,
}

/// What the numbers of a metric are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A share of people, 0 to 1.
    Share,
    /// A number per person.
    #[default]
    Number,
    /// Money per person, in whole units of this currency.
    Money(String),
}

/// A metric that must not get worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guardrail {
    /// Which.
    pub metric: Metric,
    /// How much worse is still good enough, on the scale of the readout: 0.01 of a relative one is one per cent.
    pub margin: f64,
}

/// How it is read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Once or always.
    #[serde(default)]
    pub method: Method,
    /// The chance of an interval that misses the truth.
    #[serde(default = "one_in_twenty")]
    pub alpha: f64,
    /// The scale that decides.
    #[serde(default)]
    pub scale: Scale,
}

/// Once or always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// At any time and as often as wanted.
    #[default]
    Always,
    /// The same, tightest near so many units in both arms.
    AlwaysNear(u64),
    /// Once, when the plan's number of units is there.
    Once,
}

/// The scale of an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The difference as a share of the control.
    #[default]
    Relative,
    /// The difference.
    Absolute,
}

/// What it is meant to notice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The smallest effect on the main metric that would matter, without sign, on the scale of the readout.
    pub effect: f64,
    /// The chance of noticing it if it is there.
    #[serde(default = "four_of_five")]
    pub power: f64,
    /// How many units were planned for all variants together; needed to read once.
    #[serde(default)]
    pub units: Option<u64>,
}

impl Design {
    /// What people get without it: the control, and of a design without one its first variant.
    pub fn control(&self) -> Option<&Variant> {
        self.variants.iter().find(|it| it.is_control).or(self.variants.first())
    }

    /// The variant of this key.
    pub fn variant(&self, key: &str) -> Option<&Variant> {
        self.variants.iter().find(|it| it.key == key)
    }

    /// The variants' weights, in their order.
    pub fn weights(&self) -> Vec<u32> {
        self.variants.iter().map(|it| it.weight).collect()
    }
}

impl Variant {
    /// What people call it, or else its key.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.key } else { &self.name }
    }
}

impl Experiment {
    /// Whether it assigns people at `now`.
    pub fn runs(&self, now: Timestamp) -> bool {
        self.state == State::Running
            && self.design.starts_at.is_none_or(|at| at <= now)
            && self.design.ends_at.is_none_or(|at| now < at)
    }
}

impl State {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Decided => "decided",
        }
    }

    /// The state of a stable word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Draft, Self::Running, Self::Paused, Self::Stopped, Self::Decided]
            .into_iter()
            .find(|it| it.as_str() == word)
    }

    /// Whether it is over.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Stopped | Self::Decided)
    }
}

impl Reading {
    /// As the statistics take it; `None` where alpha is not between 0 and 1.
    pub fn inference(&self) -> Option<Inference> {
        match self.method {
            Method::Always => Inference::always_valid(self.alpha),
            Method::AlwaysNear(units) => Inference::always_valid_near(self.alpha, units as f64),
            Method::Once => Inference::fixed(self.alpha),
        }
    }
}

impl Default for Reading {
    fn default() -> Self {
        Self { method: Method::Always, alpha: one_in_twenty(), scale: Scale::Relative }
    }
}

impl From<Direction> for Better {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Higher => Self::Higher,
            Direction::Lower => Self::Lower,
        }
    }
}

const fn whole() -> u32 {
    WHOLE
}

const fn yes() -> bool {
    true
}

const fn two_weeks() -> u32 {
    14 * 24
}

const fn one_in_twenty() -> f64 {
    0.05
}

const fn four_of_five() -> f64 {
    0.8
}
