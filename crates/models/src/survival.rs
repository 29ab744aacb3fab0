//! When something ends: a contract, a silence, a wait. Of those for whom it has not ended yet, only that it lasted at least so long.
//!
//! * [`KaplanMeier`]: the share that is still there after each time, without assumptions, with intervals.
//! * [`log_rank`]: whether groups differ in it.
//! * [`Cox`]: what makes the end come sooner or later, as hazard ratios; [`Cox::proportional_hazards`] tells where that is too simple.
//! * [`Weibull`]: the same as a full distribution of times, which can speak of times later than the last that was seen.
//! * [`concordance`]: how often the one who ended first was also the one who was expected to.
//!
//! Always holds: who is still there (censored) counts as at risk until then, those who end at the same time included; with entry times somebody counts
//! from then on, so that one person may be several rows, one for each stretch of time in which the columns stayed the same.
//!
//! Does not do: repeated ends of one person, several ways to end, frailty; say what causes an end.

mod concordance;
mod cox;
mod kaplan_meier;
mod linear;
mod log_rank;
mod weibull;

pub use concordance::{Concordance, concordance};
pub use cox::{Baseline, Coefficient, Cox, Ties, Transform};
pub use kaplan_meier::{KaplanMeier, Quantile, Step};
pub use log_rank::{Weighting, log_rank};
pub use weibull::Weibull;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, none_of};

/// How long each was seen, and whether that was the end.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes<'a> {
    /// Since when each is under observation; from 0 where none are given. The end of one stretch may be the entry of the next.
    pub entries: Option<&'a [f64]>,
    /// Until when each was seen, in any unit, from its own beginning.
    pub times: &'a [f64],
    /// Whether it ended then; otherwise it was still there.
    pub ended: &'a [bool],
}

/// A chi-square test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// The statistic.
    pub statistic: f64,
    /// Its degrees of freedom.
    pub degrees: u32,
    /// How likely one as large is by chance.
    pub p: f64,
}

impl Test {
    fn of(statistic: f64, degrees: u32) -> Self {
        let statistic = statistic.max(0.0);
        Self { statistic, degrees, p: crate::distributions::chi_square_tail(statistic, degrees) }
    }
}

impl<'a> Lifetimes<'a> {
    /// Of all from the beginning.
    pub fn new(times: &'a [f64], ended: &'a [bool]) -> Self {
        Self { entries: None, times, ended }
    }

    fn entry(&self, row: usize) -> f64 {
        self.entries.map_or(f64::NEG_INFINITY, |it| it[row])
    }

    fn events(&self) -> usize {
        self.ended.iter().filter(|it| **it).count()
    }

    /// Columns of one length, times that are finite and not negative, entries before them.
    fn check(&self) -> Result<(), Fault> {
        let n = self.times.len();
        if n == 0 {
            return Err(Fault::TooFew { what: "rows", have: 0, need: 1 });
        }
        for have in [self.ended.len(), self.entries.map_or(n, <[f64]>::len)] {
            if have != n {
                return Err(Fault::Shape { what: "rows of a column", have, need: n });
            }
        }
        let rows: Vec<(f64, f64)> =
            self.times.iter().enumerate().map(|(row, time)| (self.entries.map_or(0.0, |it| it[row]), *time)).collect();
        none_of(&rows, |it| !it.0.is_finite() || !it.1.is_finite(), |row| Fault::NotFinite { row })?;
        none_of(&rows, |it| it.0 < 0.0 || it.1 < 0.0, |row| Fault::Negative { row })?;
        none_of(&rows, |it| self.entries.is_some() && it.0 >= it.1, |row| Fault::OutOfOrder { row })
    }

    /// [`Lifetimes::check`], and that at least `need` ended.
    fn check_events(&self, need: usize) -> Result<(), Fault> {
        self.check()?;
        let have = self.events();
        if have < need { Err(Fault::TooFew { what: "ends", have, need }) } else { Ok(()) }
    }
}
