//! Which channels share in conversions, by the paths of people over channels to a conversion or to none.
//!
//! * [`rules`]: all to the first, all to the last, or alike to every touch.
//! * [`Markov`]: what a chain over channels would lose without each (Anderl, Becker, von Wangenheim and Schumann 2016), solved exactly.
//! * [`shapley`]: what each adds to every set of others (Shapley 1953), in its simplified form, and by position.
//!
//! Always holds: the credits of a model add up to the conversions and to their value.
//!
//! Does not do: say what a channel brings about. All of it describes paths; who searches for a brand would have come anyway. Experiments tell, and credits are to
//! be held against them.

mod markov;
mod shares;

pub use markov::{Interval as CreditInterval, Markov};
pub use shares::{Rules, rules, shapley, shapley_by_position};

use crate::fault::{Fault, none_of};

/// People who went the same way. Paths without a conversion belong to it: without them every channel converts.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Channels in their order, as places in the caller's list; one may come again.
    pub channels: Vec<u32>,
    /// How many conversions it ended in.
    pub conversions: u64,
    /// What these were worth together.
    pub value: f64,
    /// How often it ended in none.
    pub nulls: u64,
}

/// What a channel is given.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Credit {
    /// Conversions.
    pub conversions: f64,
    /// Their value.
    pub value: f64,
}

impl Credit {
    fn add(&mut self, path: &Path, share: f64) {
        self.conversions += path.conversions as f64 * share;
        self.value += path.value * share;
    }
}

/// How many channels there are, if every path has some, values are finite and not below zero, and something was converted.
fn check(paths: &[Path]) -> Result<usize, Fault> {
    none_of(paths, |it| it.channels.is_empty(), |row| Fault::Missing { row })?;
    none_of(paths, |it| !it.value.is_finite(), |row| Fault::NotFinite { row })?;
    none_of(paths, |it| it.value < 0.0, |row| Fault::Negative { row })?;
    let conversions: u128 = paths.iter().map(|it| u128::from(it.conversions)).sum();
    if conversions == 0 {
        return Err(Fault::TooFew { what: "conversions", have: 0, need: 1 });
    }
    let channels = paths.iter().flat_map(|it| &it.channels).max().map_or(0, |it| *it as usize + 1);
    if channels > MOST { Err(Fault::Shape { what: "channels", have: channels, need: MOST }) } else { Ok(channels) }
}

/// More channels than anybody has; a number above is a mistake that would cost a matrix.
const MOST: usize = 4_096;

#[cfg(test)]
mod tests;
