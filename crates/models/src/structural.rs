//! Models of what cannot be asked directly: latent variables measured by several columns each, paths between variables, and what is left over
//! (structural equation models of covariances, by maximum likelihood).
//!
//! A [`Model`] is read from a few lines of text and names columns; it is fitted to rows or to their [`Moments`]. A [`Fit`] says each [`Relation`] with
//! its standard error, how well the whole fits ([`Measures`]), what freeing something would bring ([`Modification`]), scores a row, and whether
//! measures are reliable. Formulas: Jöreskog 1969 and 1970; the form is that of McArdle and McDonald 1984 (RAM): with directed paths A, what is left
//! over S and the observed variables first, Σ is the corner of (I − A)⁻¹ S (I − A)⁻ᵀ that belongs to them.
//!
//! Always holds: a fit is at a peak of the likelihood, to eight digits, and the data tell its parameters apart; a variance below zero or a
//! correlation beyond one is said ([`Warning`]), never hidden by a bound.
//!
//! Does not do: means (they are the sample's), missing values, several groups, answers in few categories as such (they are taken as numbers), and
//! causes: paths are what whoever wrote the model assumes.

mod effects;
mod fit;
mod likelihood;
mod measures;
mod model;
mod modification;
mod moments;
mod noncentral;
mod reliability;
mod sampled;
mod scores;
mod scoring;
mod solution;
mod start;
pub(crate) mod syntax;

pub use effects::Effect;
pub use fit::{Fit, Warning};
pub use measures::Measures;
pub use model::{Kind, Model, Scale};
pub use modification::Modification;
pub use moments::{Divisor, Moments};
pub use reliability::Reliability;
pub use sampled::Sampled;
pub use solution::Relation;
pub use syntax::{Misread, Reason};

#[cfg(test)]
mod tests;
