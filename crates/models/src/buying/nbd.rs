//! People buy at random at a rate of their own and never leave: NBD (Ehrenberg 1959, "The pattern of consumer purchases"). What the models of leaving are
//! compared with: where they are no likelier, nobody is seen to leave.

use super::Buying;
use super::fitting::{Fit, Likelihood, fit};
use super::history::{Group, Histories, History};
use super::latent::ln_count;
use crate::Fault;
use crate::special::digamma;

/// The negative binomial model of counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nbd {
    /// The shape of the distribution of rates.
    pub r: f64,
    /// Its scale, in units of time.
    pub alpha: f64,
}

impl Nbd {
    /// Fitted to histories.
    pub fn fit(histories: &Histories) -> Result<Fit<Self>, Fault> {
        histories.enough()?;
        let (age, frequency) = histories.means();
        fit(histories.groups(), &[vec![0.5, 0.5 * age / frequency], vec![2.0, 2.0 * age / frequency]])
    }
}

impl Likelihood for Nbd {
    type Row = Group;
    const NAMES: &'static [&'static str] = &["r", "alpha"];
    const UNTOLD: &'static str = "how much people differ in how they buy";

    fn with(parameters: &[f64]) -> Self {
        Self { r: parameters[0], alpha: parameters[1] }
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.r, self.alpha]
    }

    fn log_likelihood(&self, rows: &[Group], gradient: &mut [f64]) -> f64 {
        let (ln_alpha, ln_gamma, of_gamma) = (self.alpha.ln(), libm::lgamma(self.r), digamma(self.r));
        let mut value = 0.0;
        for same in rows.chunk_by(|a, b| a.x == b.x) {
            let shape = self.r + same[0].x;
            let own = libm::lgamma(shape) - ln_gamma + self.r * ln_alpha;
            let own_r = digamma(shape) - of_gamma + ln_alpha;
            for row in same {
                let end = self.alpha + row.t;
                value += row.weight * (own - shape * end.ln());
                gradient[0] += row.weight * (own_r - end.ln());
                gradient[1] += row.weight * (self.r / self.alpha - shape / end);
            }
        }
        value
    }
}

impl Buying for Nbd {
    fn alive(&self, _: &History) -> f64 {
        1.0
    }

    fn expected(&self, history: &History, horizon: f64) -> f64 {
        (self.r + f64::from(history.frequency)) / (self.alpha + history.age) * horizon
    }

    fn expected_new(&self, horizon: f64) -> f64 {
        self.r / self.alpha * horizon
    }

    fn probabilities(&self, history: &History, horizon: f64, most: usize) -> Vec<f64> {
        let z = horizon / (self.alpha + history.age + horizon);
        (0..=most).map(|n| ln_count(n as f64, self.r + f64::from(history.frequency), z).exp().min(1.0)).collect()
    }

    fn probabilities_new(&self, horizon: f64, most: usize) -> Vec<f64> {
        self.probabilities(&History { frequency: 0, recency: 0.0, age: 0.0 }, horizon, most)
    }
}
