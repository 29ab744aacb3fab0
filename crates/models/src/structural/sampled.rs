//! Intervals by rows drawn again, which do not assume that the rows are normal.

use super::fit::Fit;
use super::model::Model;
use super::moments::{Divisor, Moments};
use super::solution::standardised;
use crate::estimate::Interval;
use crate::fault::Fault;
use crate::resampling::{Draws, between};

/// Percentile intervals of what a fit says, in its orders.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// Of each relation.
    pub relations: Vec<Interval>,
    /// Of each relation in standard deviations.
    pub standardised: Vec<Interval>,
    /// Of each total effect.
    pub effects: Vec<Interval>,
    /// The samples that could be fitted; the others are left out, and if they are many, so is what they would say.
    pub fitted: usize,
    /// The samples drawn.
    pub drawn: usize,
}

impl Model {
    /// The fit, and intervals that leave out `tails` from `draws` samples of the rows drawn again by `seed`. At least half of them must be fitted.
    pub fn sampled(
        &self,
        columns: &[Vec<f64>],
        divisor: Divisor,
        tails: f64,
        (draws, seed): (usize, u64),
    ) -> Result<(Fit, Sampled), Fault> {
        let fit = self.fit(columns, divisor)?;
        let own = self.own(columns)?;
        let own: Vec<&[f64]> = own.iter().map(Vec::as_slice).collect();
        let mut chance = Draws::new(seed);
        let mut again = Vec::new();
        for _ in 0..draws {
            let places = chance.sample(fit.rows);
            let moments = Moments::summed(&own, places.iter().copied());
            if let Ok(it) = self.fitted(&moments, divisor, Some(&fit.parameters)) {
                again.push(it);
            }
        }
        if again.len() * 2 < draws.max(2) {
            return Err(Fault::TooFew {
                what: "samples drawn again that could be fitted",
                have: again.len(),
                need: draws.max(2).div_ceil(2),
            });
        }
        let interval = |values: Vec<f64>| {
            let (low, high) = between(values, tails).unwrap_or((f64::MIN, f64::MAX));
            Interval { low, high }
        };
        let each = |value: &dyn Fn(&Fit) -> Vec<f64>| {
            let drawn: Vec<Vec<f64>> = again.iter().map(value).collect();
            let count = drawn.iter().map(Vec::len).min().unwrap_or(0);
            (0..count).map(|at| interval(drawn.iter().map(|it| it[at]).collect())).collect::<Vec<_>>()
        };
        let values = |it: &Fit| self.cells.iter().map(|cell| super::likelihood::held(cell, &it.parameters)).collect();
        let sampled = Sampled {
            relations: each(&values),
            standardised: each(&|it| standardised(self, &it.state, &it.parameters)),
            effects: each(&|it| it.effects().iter().map(|it| it.total).collect()),
            fitted: again.len(),
            drawn: draws,
        };
        Ok((fit, sampled))
    }
}
