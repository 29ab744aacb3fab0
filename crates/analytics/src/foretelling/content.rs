//! What a version keeps of what it learnt.

use rapport_models::learn::Classifier;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::drift::Drift;
use crate::churn::Triggers;
use crate::scores;
use crate::scores::card::Group;
use crate::scores::judged::{Against, Hold};
use crate::scores::measured::{Choice, Metrics};

/// What is to be looked at before a version is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForetoldWarning)]
pub struct Warned {
    /// `gives_away`
    pub code: String,
    /// Which feature.
    pub feature: String,
    /// Its number.
    pub number: f64,
    /// One sentence.
    pub text: String,
}

/// All that a version keeps; `D` says what is foretold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content<D> {
    /// The first day that it has not seen.
    pub end: i32,
    /// What is foretold.
    pub definition: D,
    /// The features that it uses, by their words.
    pub features: Vec<String>,
    /// What scores.
    pub model: Classifier,
    /// What was judged: the same, without the last moment.
    pub judged: Classifier,
    /// The parameters of the model of buying.
    pub buying: Option<Vec<f64>>,
    /// How much each feature matters: the mean size of what it adds to the log-odds, the largest first.
    pub importance: Vec<(String, f64)>,
    /// Of the people judged, by bins of what was said: how many they were, and for how many of them it came true.
    pub bins: Vec<(u32, u32)>,
    /// What those whose spending is looked at spent within the horizon, on average.
    pub worth: f64,
    /// What was tried, and which was best.
    pub choice: Choice,
    /// How good it was on the last moment.
    pub metrics: Metrics,
    /// Beside the version before.
    pub against: Option<Against>,
    /// What has moved since the version before; `None` where there was none, or something else was foretold.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// For whom it does worse.
    pub groups: Vec<Group>,
    /// What is to be looked at.
    pub warnings: Vec<Warned>,
    /// What comes before it; `None` where it was not looked for, which only churn does.
    #[serde(default)]
    pub triggers: Option<Triggers>,
}

impl<D> Content<D> {
    /// Why it is to be held, beside the version before; none is a good sign.
    pub fn holds(&self) -> Vec<Hold> {
        let mut holds = self.against.as_ref().map(Against::holds).unwrap_or_default();
        holds.extend(self.drift.as_ref().and_then(Drift::hold));
        holds
    }

    /// The share for which it came true where the version was judged.
    pub fn base(&self) -> f64 {
        self.metrics.came / (self.metrics.people.max(1) as f64)
    }
}

/// The version before.
pub type Before<D> = scores::Before<Content<D>>;

/// A version, before anybody decided about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned<D> {
    /// What it keeps.
    pub content: Content<D>,
    /// How many people it was learnt from.
    pub people: usize,
    /// How many rows they were at all moments.
    pub rows: usize,
    /// For how many of those it came true.
    pub came: usize,
    /// How many moments.
    pub moments: usize,
    /// How many purchases.
    pub purchases: u64,
    /// The first day that anything is known of.
    pub from: i32,
    /// How many deeds were heard of on a later day than they happened on.
    pub late: u64,
}
