//! What people will do within a time, learnt from what was known of them at several moments of the past and from what they then did: one way for all that comes true
//! or does not, be it that somebody is lost or that they buy, upgrade or answer.
//!
//! Always holds: a feature at a moment uses only what had happened *and* had been heard of before it; whether it came true is what followed, as it stands now. What is
//! judged by a moment was learnt from moments whose time had passed before it. Data that do not carry a model are a [`Verdict`](crate::scores::Verdict).
//!
//! Does not do: the mathematics (`rapport_models::learn`), saying what is foretold ([`churn`](crate::churn), [`propensity`](crate::propensity)), or writing scores anywhere.

mod cards;
mod content;
mod deeds;
mod drift;
mod features;
mod figures;
mod learning;
mod reasons;
mod rows;
mod run;
mod said;

pub use content::{Before, Content, Learned, Warned};
pub use deeds::{Deed, Did, Heard, Own};
pub use drift::{Drift, Meant, Moved};
pub(crate) use features::SUBSCRIBED;
pub use features::{FEATURES, Known};
pub(crate) use figures::reached;
pub use figures::{Associated, Band, Cause, LEVELS, Level, Levels, Point, Reached};
pub use learning::{Asked, STEPS, came, learn, moments};
pub use reasons::Reason;
pub use rows::{Looks, Row, Rows, Wanted};
pub use run::{Chances, Told};

pub(crate) use cards::Written;
pub(crate) use learning::LEAST_PEOPLE;

/// The most rows that are learnt from.
pub(crate) const ROWS: usize = 120_000;
/// The bins of chances by which acting is counted.
pub(crate) const BINS: usize = 50;

/// What is foretold of people, within a time.
pub trait Foretold: Clone + PartialEq {
    /// How it is spoken of.
    const WORDS: Words;

    /// Within so many days it comes true, or does not.
    fn horizon(&self) -> i32;

    /// Whether the same is foretold of the same people, so that versions can be compared.
    fn is_alike(&self, other: &Self) -> bool;
}

/// How something that comes true or does not is spoken of.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The stable word, and the words, where it came true for too few, and where it did not for too few.
    pub few: [(&'static str, &'static str); 2],
    /// Where what is known tells no better than chance.
    pub nothing: &'static str,
    /// What one feature alone all but tells: `who is lost`.
    pub all_but: &'static str,
    /// Whose spending is looked at: of those for whom it came true, or of the others.
    pub spent_where: bool,
}
