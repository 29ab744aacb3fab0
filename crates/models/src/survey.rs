//! What answers to surveys amount to: scores with their intervals, what changed, what drives them, which wishes are expected and which delight.
//!
//! A [`Tally`] counts answers by value on a [`Scale`] that names its values; whatever else came in is blank, and counted as that. Its [`Shares`], as
//! they are or weighted for who did not answer ([`weighted`]), give a [`Score`] by a [`Measure`], and two of them a [`Difference`]; many are read at
//! once by [`judged`]. [`kano`] has wishes, [`drivers`] what goes with a score, [`paths`] models of composites, [`satisfaction`] the one from image to loyalty ready to run, [`loyalty`] an index of what people say and do; [`style`] is asked before two markets are compared.
//!
//! Always holds: a score is nothing without its interval; nothing returned is infinite or not a number; a scale's direction is the scale's, so that
//! more is better in every score.
//!
//! Does not do: choosing whom to ask, storing answers.

mod difference;
pub mod drivers;
pub mod kano;
pub mod loyalty;
pub mod paths;
pub mod satisfaction;
mod scale;
mod score;
pub mod style;
mod weighting;

pub use difference::{Difference, Judged, judged};
pub use scale::{Scale, Shares, Tally};
pub use score::{Confidence, FEW, Gap, Measure, Parts, Score, share};
pub use weighting::{Stratum, Weighted, weighted};
