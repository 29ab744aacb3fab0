//! Contracts that are renewed or cancelled at fixed times: sBG, the shifted beta-geometric model (Fader and Hardie 2007, "How to project customer
//! retention").
//!
//! Everybody cancels at a renewal with a probability of their own, which stays the same; these have a beta distribution (alpha, beta). Retention rises
//! over time, as those who cancel easily are gone: no one has to change for that.

use super::fitting::{Fit, Likelihood, Row, fit};
use crate::Fault;
use crate::fault::none_of;
use crate::special::{digamma, ln_beta};

/// Customers who did the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contract {
    /// How many renewals they came to, the one at which they cancelled among them.
    pub renewals: u32,
    /// Whether they cancelled at the last of those.
    pub cancelled: bool,
    /// How many they are.
    pub weight: f64,
}

/// The shifted beta-geometric model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sbg {
    /// The shape of cancelling.
    pub alpha: f64,
    /// The shape of renewing.
    pub beta: f64,
}

impl Row for Contract {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn weighted(&self, weight: f64) -> Self {
        Self { weight, ..*self }
    }
}

impl Contract {
    /// Of a cohort: how many there were at first, and after each renewal.
    pub fn of_survivors(survivors: &[f64]) -> Result<Vec<Self>, Fault> {
        none_of(survivors, |it| !it.is_finite(), |row| Fault::NotFinite { row })?;
        none_of(survivors, |it| *it < 0.0, |row| Fault::Negative { row })?;
        let more: Vec<usize> = (1..survivors.len()).filter(|at| survivors[*at] > survivors[at - 1]).collect();
        if !more.is_empty() {
            return Err(Fault::OutOfOrder { row: more });
        }
        let mut found: Vec<Self> = (1..survivors.len())
            .map(|at| Self { renewals: at as u32, cancelled: true, weight: survivors[at - 1] - survivors[at] })
            .collect();
        let renewals = survivors.len().saturating_sub(1) as u32;
        found.push(Self { renewals, cancelled: false, weight: survivors.last().copied().unwrap_or(0.0) });
        found.retain(|it| it.weight > 0.0);
        Ok(found)
    }
}

impl Sbg {
    /// Fitted to contracts.
    pub fn fit(rows: &[Contract]) -> Result<Fit<Self>, Fault> {
        none_of(rows, |it| !it.weight.is_finite() || it.weight > 1e90, |row| Fault::NotFinite { row })?;
        none_of(rows, |it| it.weight < 0.0, |row| Fault::Negative { row })?;
        none_of(rows, |it| it.cancelled && it.renewals == 0, |row| Fault::OutOfOrder { row })?;
        let renewals = |cancelled: bool| {
            let found = rows.iter().filter(|it| it.cancelled == cancelled && it.renewals > 0 && it.weight > 0.0);
            found.map(|it| it.renewals).collect::<std::collections::BTreeSet<_>>()
        };
        let (cancelled, kept) = (renewals(true), renewals(false));
        if cancelled.is_empty() {
            return Err(Fault::TooFew { what: "customers who cancelled", have: 0, need: 1 });
        }
        // One renewal tells how many cancel, and not how much they differ.
        let last = cancelled.last().max(kept.last()).copied().unwrap_or(0) as usize;
        if last < 2 {
            return Err(Fault::TooFew { what: "renewals", have: last, need: 2 });
        }
        let mut sorted: Vec<Contract> = rows.iter().filter(|it| it.renewals > 0 && it.weight > 0.0).copied().collect();
        let key = |it: &Contract| (it.renewals, it.cancelled);
        sorted.sort_unstable_by_key(key);
        let groups = sorted.chunk_by(|a, b| key(a) == key(b));
        let rows: Vec<Contract> = groups.map(|same| same[0].weighted(same.iter().map(|it| it.weight).sum())).collect();
        fit(&rows, &[vec![1.0, 2.0], vec![0.5, 5.0]])
    }

    /// The probability that somebody is still there after so many renewals.
    pub fn survival(&self, renewals: u32) -> f64 {
        (ln_beta(self.alpha, self.beta + f64::from(renewals)) - ln_beta(self.alpha, self.beta)).exp()
    }

    /// The probability that somebody who is there renews at the `renewal`-th time, counted from 1.
    pub fn retention(&self, renewal: u32) -> f64 {
        let before = f64::from(renewal) - 1.0;
        (self.beta + before) / (self.alpha + self.beta + before)
    }

    /// The probability that somebody who is there after `renewals` is there after `more` further ones.
    pub fn stays(&self, renewals: u32, more: u32) -> f64 {
        let now = self.beta + f64::from(renewals);
        (ln_beta(self.alpha, now + f64::from(more)) - ln_beta(self.alpha, now)).exp()
    }

    /// How many payments are to come from somebody who renewed `renewals` times and whose next renewal is due now, discounted at a rate of `discount` a
    /// period: DERL (Fader and Hardie 2010, "Customer-base valuation in a contractual setting", equation 6), as a sum until what is left is nothing.
    pub fn residual(&self, renewals: u32, discount: f64) -> f64 {
        let (mut stays, mut sum) = (1.0, 0.0);
        for at in 0..1_000_000 {
            let now = f64::from(renewals) + f64::from(at);
            stays *= (self.beta + now) / (self.alpha + self.beta + now);
            sum += stays;
            stays /= 1.0 + discount;
            if stays < 1e-14 * sum {
                break;
            }
        }
        sum
    }
}

impl Likelihood for Sbg {
    type Row = Contract;
    const NAMES: &'static [&'static str] = &["alpha", "beta"];
    const UNTOLD: &'static str = "how much people differ in how easily they cancel";

    fn with(parameters: &[f64]) -> Self {
        Self { alpha: parameters[0], beta: parameters[1] }
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.alpha, self.beta]
    }

    fn log_likelihood(&self, rows: &[Contract], gradient: &mut [f64]) -> f64 {
        let whole = ln_beta(self.alpha, self.beta);
        let both = digamma(self.alpha + self.beta);
        let of_all = [digamma(self.alpha) - both, digamma(self.beta) - both];
        let mut value = 0.0;
        for row in rows {
            let left = f64::from(u8::from(row.cancelled));
            let (a, b) = (self.alpha + left, self.beta + f64::from(row.renewals) - left);
            value += row.weight * (ln_beta(a, b) - whole);
            let both = digamma(a + b);
            gradient[0] += row.weight * (digamma(a) - both - of_all[0]);
            gradient[1] += row.weight * (digamma(b) - both - of_all[1]);
        }
        value
    }
}
