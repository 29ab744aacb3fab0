//! Whom a treatment moves: effects person by person, learnt from a trial in which chance decided who was treated.
//!
//! A trial of one treatment is a [`Comparison`], of several arms a [`Trial`]. [`Uplift`] learns effects in one of several ways ([`Learner`]); [`Measure`] has the
//! curves and coefficients of an order of persons, [`by_group`] puts what was expected beside what came, [`Targeting`] says whom to treat at what profit, and
//! [`Evaluation`] tries learners over repeated splits beside the plain response model.
//!
//! Always holds: an evaluation contains the response model, and says of each learner whether it is better, worse, or cannot be told from it.
//!
//! Does not do: draw effects from data in which chance did not decide; propensities must be known, not guessed.

mod base;
mod comparison;
mod curve;
mod effect;
mod evaluation;
mod learners;
mod targeting;
mod tree;
mod trial;

pub use base::Base;
pub use comparison::{Comparison, NEARLY_CERTAIN, Response};
pub use curve::{Curve, Measure};
pub use effect::{Group, adjusted_effect, average_effect, by_group, effect_among, effect_at, pehe};
pub use evaluation::{Evaluated, Evaluation, Splits, Verdict};
pub use learners::Uplift;
pub use targeting::{Target, Targeting, Terms};
pub use tree::{Segment, TreeOptions, segments};
pub use trial::{Chances, Effects, Trial};

use serde::{Deserialize, Serialize};

use crate::learn::{BoostingOptions, RegressionOptions};

/// How effects are learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Learner {
    /// No effect at all: who has the outcome when treated. What others have to beat.
    Response,
    /// One model with the treatment among its features.
    S,
    /// A model of each arm.
    T,
    /// Effects as each arm's model sees them in the other, weighted by who was treated.
    X,
    /// A model of effects that are right in the mean if either the models of the arms or the propensities are.
    DoublyRobust,
    /// One model of "treated with the outcome, or neither".
    ClassTransformation,
    /// One honest tree.
    Tree,
    /// The mean of honest trees.
    Forest,
    /// The mean of T, X, doubly robust and class transformation.
    Mean,
}

impl Learner {
    /// All of them, the response model first.
    pub const ALL: [Self; 9] = [
        Self::Response,
        Self::S,
        Self::T,
        Self::X,
        Self::DoublyRobust,
        Self::ClassTransformation,
        Self::Tree,
        Self::Forest,
        Self::Mean,
    ];
}

impl std::fmt::Display for Learner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Response => "the response model",
            Self::S => "one model with the treatment (S)",
            Self::T => "a model of each arm (T)",
            Self::X => "effects crossed (X)",
            Self::DoublyRobust => "doubly robust",
            Self::ClassTransformation => "class transformation",
            Self::Tree => "a tree of effects",
            Self::Forest => "a forest of effects",
            Self::Mean => "the mean of four learners",
        })
    }
}

/// What effects are learnt with.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What learns outcomes and effects.
    pub base: Base,
    /// How boosting does. Effects are weak beside outcomes, so trees ask one question each unless more leaves are given; S always has four or more.
    pub boosting: BoostingOptions,
    /// How regression does.
    pub regression: RegressionOptions,
    /// How trees of effects are grown.
    pub tree: TreeOptions,
    /// The least rows of an arm.
    pub least_rows: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base: Base::Boosting,
            boosting: BoostingOptions { leaves: vec![2], ..BoostingOptions::default() },
            regression: RegressionOptions::default(),
            tree: TreeOptions::default(),
            least_rows: 50,
        }
    }
}
