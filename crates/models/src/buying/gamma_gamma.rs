//! How much people spend a purchase: everyone around a mean of their own, the means with a distribution over people (Colombo and Jiang 1999; Fader,
//! Hardie and Lee 2005; Fader and Hardie 2013, "The Gamma-Gamma model of monetary value").
//!
//! The amounts of one purchase have a gamma distribution of the shape p and a rate of the person's own, the rates another of the shape q and the scale
//! gamma. It takes for granted that who buys often does not spend more or less a purchase than others: [`Spending::correlation`] tells.

use super::fitting::{Fit, Likelihood, Row, fit};
use crate::Fault;
use crate::fault::none_of;
use crate::special::digamma;

/// What somebody who bought again spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spending {
    /// How many purchases the mean is of: by the convention of its authors, those after the first.
    pub purchases: f64,
    /// The mean of what was spent a purchase, in any currency, above zero.
    pub mean: f64,
    /// How many customers it stands for.
    pub weight: f64,
}

/// The Gamma-Gamma model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaGamma {
    /// The shape of the amounts of one person.
    pub p: f64,
    /// The shape of the distribution of rates over people.
    pub q: f64,
    /// Its scale, in the currency.
    pub gamma: f64,
}

impl Row for Spending {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn weighted(&self, weight: f64) -> Self {
        Self { weight, ..*self }
    }
}

impl Spending {
    /// How the number of purchases and the mean go together (Pearson): far from zero the model's ground is gone. `None` where one of them is always the
    /// same.
    pub fn correlation(spending: &[Self]) -> Option<f64> {
        let n: f64 = spending.iter().map(|it| it.weight).sum();
        let mean = |of: &dyn Fn(&Self) -> f64| spending.iter().map(|it| of(it) * it.weight).sum::<f64>() / n;
        let (x, m) = (mean(&|it| it.purchases), mean(&|it| it.mean));
        let both = mean(&|it| (it.purchases - x) * (it.mean - m));
        let (of_x, of_m) = (mean(&|it| (it.purchases - x).powi(2)), mean(&|it| (it.mean - m).powi(2)));
        let found = both / (of_x * of_m).sqrt();
        found.is_finite().then_some(found.clamp(-1.0, 1.0))
    }
}

impl GammaGamma {
    /// Fitted to what people spent who bought again. Means of zero or less are a fault: whoever paid nothing is left out by who asks, and counted.
    pub fn fit(spending: &[Spending]) -> Result<Fit<Self>, Fault> {
        let strange = |it: &Spending| !(it.purchases.abs() < 1e90 && it.mean.abs() < 1e90 && it.weight.is_finite());
        none_of(spending, strange, |row| Fault::NotFinite { row })?;
        none_of(
            spending,
            |it| it.purchases <= 0.0 || it.mean <= 0.0 || it.weight <= 0.0,
            |row| Fault::Negative { row },
        )?;
        if spending.len() < 10 {
            return Err(Fault::TooFew { what: "customers who bought again", have: spending.len(), need: 10 });
        }
        if spending.iter().all(|it| it.mean == spending[0].mean) {
            return Err(Fault::Constant { column: 1 });
        }
        let mut rows = spending.to_vec();
        rows.sort_unstable_by(|a, b| a.purchases.total_cmp(&b.purchases).then(a.mean.total_cmp(&b.mean)));
        let n: f64 = rows.iter().map(|it| it.weight).sum();
        let mean = rows.iter().map(|it| it.mean * (it.weight / n)).sum::<f64>();
        // Starts in which the mean over people, p gamma / (q − 1), is what it is.
        fit(&rows, &[vec![4.0, 4.0, 0.75 * mean], vec![1.0, 2.0, mean]])
    }

    /// The mean over people of what they spend a purchase; `None` where so many spend so much that there is none (q ≤ 1).
    pub fn mean(&self) -> Option<f64> {
        (self.q > 1.0).then(|| self.p * self.gamma / (self.q - 1.0))
    }

    /// What somebody is expected to spend a purchase, after so many purchases with that mean: between their own mean and that over people. `None` where
    /// neither is known.
    pub fn expected(&self, purchases: f64, mean: f64) -> Option<f64> {
        let below = self.p * purchases + self.q - 1.0;
        (below > 0.0).then(|| self.p * (self.gamma + purchases * mean) / below)
    }
}

impl Likelihood for GammaGamma {
    type Row = Spending;
    const NAMES: &'static [&'static str] = &["p", "q", "gamma"];
    const UNTOLD: &'static str = "how much people differ in what they spend";

    fn with(parameters: &[f64]) -> Self {
        Self { p: parameters[0], q: parameters[1], gamma: parameters[2] }
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.p, self.q, self.gamma]
    }

    fn log_likelihood(&self, rows: &[Spending], gradient: &mut [f64]) -> f64 {
        let (ln_gamma, of_q) = (self.gamma.ln(), digamma(self.q));
        let mut sum = [0.0; 4];
        for same in rows.chunk_by(|a, b| a.purchases == b.purchases) {
            let x = same[0].purchases;
            let shape = self.p * x;
            let (both, ln_x) = (shape + self.q, x.ln());
            let own = libm::lgamma(both) - libm::lgamma(shape) - libm::lgamma(self.q) + self.q * ln_gamma;
            let (of_both, of_shape) = (digamma(both), digamma(shape));
            for row in same {
                let ln_total = ln_x + row.mean.ln();
                let ln_all = (self.gamma + x * row.mean).ln();
                let parts = [
                    own + shape * ln_total - row.mean.ln() - both * ln_all,
                    x * (of_both - of_shape + ln_total - ln_all),
                    of_both - of_q + ln_gamma - ln_all,
                    self.q / self.gamma - both / (self.gamma + x * row.mean),
                ];
                sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += row.weight * part);
            }
        }
        gradient.copy_from_slice(&sum[1..]);
        sum[0]
    }
}
