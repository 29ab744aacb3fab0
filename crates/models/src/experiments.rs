//! The statistics of randomised experiments: how far a treatment moved a metric, how sure that is, and whether the experiment can be trusted.
//!
//! A metric of an arm is first summed up ([`Moments`], [`Paired`]) and then made a mean with its spread ([`Arm`]): a plain mean, a share of the units,
//! a ratio of two sums, or a mean adjusted by what was known before ([`Cuped`]). Two arms give an [`Effect`], on a named scale, as do both arms
//! within groups that were known before ([`PostStratified`]); an [`Inference`] reads
//! it, once or at every look, into a [`Reading`] with interval and probability. [`readout`] reads many at once, and a [`Plan`] says beforehand how many
//! units that takes. [`SampleRatio`] tells whether any of it can be believed.
//!
//! Always holds: units were assigned at random and independently, and an arm counts everyone assigned to it. Nothing returned is infinite or not a
//! number: what cannot be said is `None` or has its reason, [`Undecidable`].
//!
//! Does not do: assigning units, choosing metrics, stopping experiments.

mod cuped;
mod effect;
mod inference;
mod lift;
mod moments;
mod power;
mod readout;
mod sample_ratio;
mod strata;

pub use cuped::Cuped;
pub use effect::{Effect, Estimand, Posterior};
pub use inference::{Inference, Reading};
pub use lift::brought_in;
pub use moments::{Arm, Moments, Paired};
pub use power::{Baseline, Plan, Sizes, days};
pub use readout::{Answer, Measured, Question, Role, Verdict, readout, readout_of};
pub use sample_ratio::{MISMATCH, SampleRatio, sequential_mismatch};
pub use strata::{LEAST_UNITS, PostStratified, Stratum};

/// Why arms cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecidable {
    /// An arm has fewer than two units, so that its spread is unknown.
    TooFew,
    /// The units of an arm do not differ, so that nothing says how far chance moves it.
    NoVariance,
    /// A relative effect was asked for, and the control's mean is zero or negative.
    NothingToRelateTo,
    /// The denominator of a ratio adds up to nothing.
    NoDenominator,
    /// A sum is infinite or not a number, or belongs to no possible values.
    Impossible,
}

impl std::fmt::Display for Undecidable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooFew => "an arm has fewer than two units",
            Self::NoVariance => "the units of an arm do not differ from each other",
            Self::NothingToRelateTo => "the control's mean is not above zero, so nothing is relative to it",
            Self::NoDenominator => "the denominator of the ratio is zero",
            Self::Impossible => "the sums belong to no possible values",
        })
    }
}

impl std::error::Error for Undecidable {}

/// Which direction of a metric is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

impl Better {
    /// 1 or −1: a difference times this is positive when it is for the better.
    fn sign(self) -> f64 {
        match self {
            Self::Higher => 1.0,
            Self::Lower => -1.0,
        }
    }
}
