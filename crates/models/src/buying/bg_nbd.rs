//! People buy at random at a rate of their own, and leave at a purchase with a probability of their own: BG/NBD (Fader, Hardie and Lee 2005, "'Counting
//! your customers' the easy way") and MBG/NBD (Batislam, Denizel and Filiztekin 2007), by which they may leave at the first purchase as well.
//!
//! Rates have a gamma distribution (r, alpha), probabilities to leave a beta distribution (a, b). By BG/NBD, whoever never bought again is there for
//! certain, as leaving takes a purchase: misleading where many buy once. MBG/NBD and Pareto/NBD do not say so.

use super::Buying;
use super::fitting::{Fit, Likelihood, Row, fit};
use super::history::{Group, Histories, History};
use super::latent::Leaving;
use crate::Fault;
use crate::special::{digamma, ln_beta};

impl Row for Group {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn weighted(&self, weight: f64) -> Self {
        Self { weight, ..*self }
    }
}

/// BG/NBD, or with `FIRST` = 1 MBG/NBD: how many chances to leave there are before the first repeated purchase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometric<const FIRST: u8> {
    /// The shape of the distribution of rates.
    pub r: f64,
    /// Its scale, in units of time.
    pub alpha: f64,
    /// The shape of leaving.
    pub a: f64,
    /// The shape of staying.
    pub b: f64,
}

/// The beta-geometric model with a negative binomial distribution of counts.
pub type BgNbd = Geometric<0>;
/// The same, modified: people may leave at their first purchase.
pub type MbgNbd = Geometric<1>;

impl<const FIRST: u8> Geometric<FIRST> {
    /// Fitted to histories.
    pub fn fit(histories: &Histories) -> Result<Fit<Self>, Fault> {
        histories.enough()?;
        let (age, frequency) = histories.means();
        let starts = [vec![0.5, 0.5 * age / frequency, 1.0, 2.5], vec![2.0, 2.0 * age / frequency, 0.4, 6.0]];
        fit(histories.groups(), &starts)
    }

    /// Chances to leave that somebody stayed through for certain, and one that they may have left at; the latter only if there was one.
    fn chances(x: f64) -> (f64, bool) {
        let chances = x + f64::from(FIRST);
        (chances, chances > 0.0)
    }

    /// The logarithm of the odds that they left at the last chance.
    fn ln_odds_gone(&self, x: f64, t_x: f64, t: f64) -> Option<f64> {
        let (chances, any) = Self::chances(x);
        let longer = ((self.alpha + t) / (self.alpha + t_x)).ln();
        any.then(|| self.a.ln() - (self.b + chances - 1.0).ln() + (self.r + x) * longer)
    }

    /// How they may leave from now on, if they are there.
    fn leaving(&self, x: f64) -> Leaving {
        Leaving { a: self.a, b: self.b + Self::chances(x).0 }
    }

    /// The part of the likelihood that depends on the number of purchases alone, with its derivatives with respect to r, a and b.
    fn of_count(&self, x: f64) -> [f64; 4] {
        let (chances, _) = Self::chances(x);
        let (stayed, both) = (self.b + chances, self.a + self.b + chances);
        let value =
            libm::lgamma(self.r + x) - libm::lgamma(self.r) + self.r * self.alpha.ln() + ln_beta(self.a, stayed)
                - ln_beta(self.a, self.b);
        let shared = digamma(self.a + self.b) - digamma(both);
        let of_r = digamma(self.r + x) - digamma(self.r) + self.alpha.ln();
        [value, of_r, shared, shared + digamma(stayed) - digamma(self.b)]
    }
}

impl<const FIRST: u8> Likelihood for Geometric<FIRST> {
    type Row = Group;
    const NAMES: &'static [&'static str] = &["r", "alpha", "a", "b"];
    const UNTOLD: &'static str = "how much people differ in how they buy and leave";

    fn with(parameters: &[f64]) -> Self {
        Self { r: parameters[0], alpha: parameters[1], a: parameters[2], b: parameters[3] }
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.r, self.alpha, self.a, self.b]
    }

    fn log_likelihood(&self, rows: &[Group], gradient: &mut [f64]) -> f64 {
        let mut sum = [0.0; 5];
        for same in rows.chunk_by(|a, b| a.x == b.x) {
            let x = same[0].x;
            let (chances, any) = Self::chances(x);
            let shape = self.r + x;
            let odds = if any { self.a.ln() - (self.b + chances - 1.0).ln() } else { f64::NEG_INFINITY };
            // Sums of weights, of the shares of those who left, and of what goes with them.
            let (mut weights, mut gone_sum, mut value, mut of_r, mut of_alpha) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for row in same {
                let (end, last) = (self.alpha + row.t, self.alpha + row.t_x);
                let ln_end = end.ln();
                let (ln_last, ratio) = if any { (last.ln(), odds) } else { (0.0, odds) };
                let ratio = ratio + shape * (ln_end - ln_last);
                // Shares of staying and of leaving at the last chance, without overflow.
                let small = (-ratio.abs()).exp();
                let minor = small / (1.0 + small);
                let gone = if ratio > 0.0 { 1.0 - minor } else { minor };
                value += row.weight * (ratio.max(0.0) + small.ln_1p() - shape * ln_end);
                let ln_mean = (1.0 - gone) * ln_end + gone * ln_last;
                of_r -= row.weight * ln_mean;
                of_alpha -= row.weight * ((1.0 - gone) / end + gone / last);
                gone_sum += row.weight * gone;
                weights += row.weight;
            }
            let [own, own_r, own_a, own_b] = self.of_count(x);
            let of_b = if any { gone_sum / (self.b + chances - 1.0) } else { 0.0 };
            let parts = [
                value + weights * own,
                of_r + weights * own_r,
                shape * of_alpha + weights * self.r / self.alpha,
                weights * own_a + gone_sum / self.a,
                weights * own_b - of_b,
            ];
            sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
        gradient.copy_from_slice(&sum[1..]);
        sum[0]
    }
}

impl<const FIRST: u8> Buying for Geometric<FIRST> {
    fn alive(&self, history: &History) -> f64 {
        let odds = self.ln_odds_gone(f64::from(history.frequency), history.recency, history.age);
        odds.map_or(1.0, |it| 1.0 / (1.0 + it.exp()))
    }

    fn expected(&self, history: &History, horizon: f64) -> f64 {
        let x = f64::from(history.frequency);
        let z = horizon / (self.alpha + history.age + horizon);
        self.alive(history) * self.leaving(x).expected(self.r + x, z)
    }

    fn expected_new(&self, horizon: f64) -> f64 {
        let first = self.b / (self.a + self.b);
        let stayed = if FIRST > 0 { first } else { 1.0 };
        stayed * self.leaving(0.0).expected(self.r, horizon / (self.alpha + horizon))
    }

    fn probabilities(&self, history: &History, horizon: f64, most: usize) -> Vec<f64> {
        let x = f64::from(history.frequency);
        let z = horizon / (self.alpha + history.age + horizon);
        mixed(self.leaving(x).probabilities(self.r + x, z, most), self.alive(history))
    }

    fn probabilities_new(&self, horizon: f64, most: usize) -> Vec<f64> {
        let stayed = if FIRST > 0 { self.b / (self.a + self.b) } else { 1.0 };
        mixed(self.leaving(0.0).probabilities(self.r, horizon / (self.alpha + horizon), most), stayed)
    }
}

/// The probabilities of counts for somebody who is there with a probability of `alive`, and otherwise buys nothing.
pub(super) fn mixed(mut probabilities: Vec<f64>, alive: f64) -> Vec<f64> {
    probabilities.iter_mut().for_each(|it| *it *= alive);
    probabilities[0] += 1.0 - alive;
    probabilities
}
