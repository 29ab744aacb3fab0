//! What comes next: orders, revenue, volume, with intervals, seasons, outside factors and what-if.
//!
//! A [`Series`] is values at equal steps with a season (7 for days of a week, 12 for months of a year). [`Ets`] is exponential smoothing in all its forms,
//! chosen by likelihood; [`Regression`] has outside factors (prices, holidays, a series of the economy), waves of a year and errors that depend on each
//! other, and says what a change of factors would do; [`Counts`] is for small whole numbers; [`SeasonalNaive`] says what was a season ago. A [`Backtest`]
//! tries them on what they did not see, from several origins, and an [`Outlook`] uses the best of them and says so when that is the naive one.
//!
//! Always holds: a forecast has an interval; whatever is chosen is chosen by values before those that judge it; gaps are refused or said to be zeros; what
//! was never below zero is not forecast there.
//!
//! Does not do: know the future of outside factors (whoever asks says it), see breaks that have not happened, make causes of factors.

mod backtest;
mod counts;
mod ets;
mod naive;
mod outlook;
mod regression;
mod series;

pub use backtest::{Backtest, Method, Score, Trial};
pub use counts::Counts;
pub use ets::{Ets, Noise, Season, Shape, Trend};
pub use naive::SeasonalNaive;
pub use outlook::{Options, Outlook};
pub use regression::{Regression, Terms, WhatIf};
pub use series::{Gaps, Series};

#[cfg(test)]
mod tests;
