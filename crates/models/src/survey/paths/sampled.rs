//! How sure a fit is, by samples drawn again.

use super::{Fit, Model, Scheme, Unfit};
use crate::resampling::{Draws, between};
use crate::survey::Confidence;

/// Intervals of a [`Fit`], in its shapes; `None` where no sample drawn again could be fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Intervals {
    /// Of the paths.
    pub coefficients: Vec<Vec<Option<(f64, f64)>>>,
    /// Of what a construct does to another along all paths.
    pub total_effects: Vec<Vec<Option<(f64, f64)>>>,
    /// Of what is explained.
    pub r_squared: Vec<Option<(f64, f64)>>,
    /// Of the indices, from the ends of the scale given.
    pub indices: Vec<Option<(f64, f64)>>,
    /// Of the ratios that tell constructs apart.
    pub heterotrait_monotrait: Vec<Vec<Option<(f64, f64)>>>,
    /// The samples that could be fitted.
    pub fitted: usize,
}

impl Model {
    /// The fit with intervals from `draws` samples drawn again by `seed`; indices on a scale from `low` to `high`.
    pub fn fit_sampled(
        &self,
        persons: &[Vec<Option<f64>>],
        scheme: Scheme,
        (low, high): (f64, f64),
        confidence: Confidence,
        (draws, seed): (usize, u64),
    ) -> Result<(Fit, Intervals), Unfit> {
        let fit = self.fit(persons, scheme)?;
        let rows = self.complete(persons);
        let mut chance = Draws::new(seed);
        let again: Vec<Fit> =
            (0..draws).filter_map(|_| self.fit_to(&rows, &chance.sample(rows.len()), scheme).ok()).collect();
        let one =
            |value: &dyn Fn(&Fit) -> Option<f64>| between(again.iter().filter_map(value).collect(), confidence.tails());
        let n = self.constructs.len();
        let each =
            |value: &dyn Fn(&Fit, usize) -> Option<f64>| (0..n).map(|i| one(&|it| value(it, i))).collect::<Vec<_>>();
        let pairs = |value: &dyn Fn(&Fit, usize, usize) -> Option<f64>| {
            (0..n).map(|i| each(&|it, j| value(it, i, j))).collect::<Vec<_>>()
        };
        let intervals = Intervals {
            coefficients: pairs(&|it, i, j| Some(it.coefficients[i][j])),
            total_effects: pairs(&|it, i, j| Some(it.total_effects[i][j])),
            r_squared: each(&|it, i| it.r_squared[i]),
            indices: each(&|it, i| it.index(i, low, high)),
            heterotrait_monotrait: pairs(&|it, i, j| it.heterotrait_monotrait(i, j)),
            fitted: again.len(),
        };
        Ok((fit, intervals))
    }
}
