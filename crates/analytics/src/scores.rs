//! Models at work: which there are, their versions, what each version said of whom, and whether a new version may take the place of the one before.
//!
//! A model is fitted from time to time. What comes of it is a [`Version`](records::VersionRow) with its card, and it scores only once it was judged: *live*; or *held*, because it did
//! worse than the version before, until staff decide; or *refused*, because the data do not carry it. Scores are one row a person and model.
//!
//! Always holds: at most one version of a model scores; a version that was held or refused never scored unless somebody decided so, whose reason is kept.
//!
//! Does not do: the mathematics (`rapport-models`), jobs, or telling facts (the server).

pub mod card;
pub mod judged;
pub mod measured;
pub mod records;
pub mod schema;

use rapport_models::{Estimate, Fault};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The model of what customers are worth, and its kind.
pub const VALUE: &str = "value";
/// The model of who will be lost, and its kind.
pub const CHURN: &str = "churn";
/// The kind of models of what people will do; a workspace has as many as staff make, each of which is called so with its key behind a dot.
pub const PROPENSITY: &str = "propensity";
/// The model of what to offer whom. It scores nobody: offers are made when somebody is there.
pub const RECOMMENDATIONS: &str = "recommendations";
/// The model of who buys like whom. It has jobs and facts of its own; whose group is which stands among the scores.
pub const GROUPS: &str = "groups";

/// The index of how loyal each customer is by what they say and do, and its kind. It foretells nothing.
pub const LOYALTY_INDEX: &str = "loyalty_index";

/// A number with its interval of 95 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelSure)]
pub struct Sure {
    /// The number.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Sure {
    /// Of what is not in doubt.
    pub const fn exact(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// Of the mean of values.
    pub fn mean(values: &[f64]) -> Self {
        Estimate::mean(values).into()
    }

    /// Of the ratio of two sums over the same people. `None` where the lower sum is zero.
    pub fn ratio(above: &[f64], below: &[f64]) -> Option<Self> {
        Estimate::ratio(above, below).map(Into::into)
    }
}

impl From<Estimate> for Sure {
    fn from(it: Estimate) -> Self {
        Self { value: it.value, low: it.low, high: it.high }
    }
}

/// The version of a model before the one that is learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Before<C> {
    /// Its number.
    pub version: i64,
    /// What it keeps.
    pub content: C,
    /// How many people it was learnt from.
    pub people: i64,
}

/// Refuses a setting that is out of its bounds, by its field and what is expected.
pub(crate) const fn within(
    holds: bool,
    field: &'static str,
    expected: &'static str,
) -> Result<(), (&'static str, &'static str)> {
    if holds { Ok(()) } else { Err((field, expected)) }
}

/// Why there is no version of a model: what it takes and what there is. A model that the data do not carry would mislead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelVerdict)]
pub struct Verdict {
    /// A stable word.
    pub code: String,
    /// How many there are of what it takes, or 0.
    pub have: u64,
    /// How many it takes, or 0.
    pub need: u64,
    /// One plain sentence.
    pub text: String,
}

impl Verdict {
    /// Too few of something.
    pub fn too_few(code: &str, have: usize, need: usize, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), have: have as u64, need: need as u64, text: text.into() }
    }

    /// What the mathematics said.
    pub fn of(fault: &Fault) -> Self {
        Self { code: "not_identified".to_owned(), have: 0, need: 0, text: fault.to_string() }
    }
}
