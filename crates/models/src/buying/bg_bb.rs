//! People have chances to buy at fixed times, take each with a probability of their own, and leave before one with another: BG/BB (Fader, Hardie and
//! Shang 2010, "Customer-base analysis in a discrete-time noncontractual setting"). For donations once a year, visits of a fair, an order a week.
//!
//! Probabilities to buy have a beta distribution (alpha, beta), those to leave another (gamma, delta).

use super::Purchase;
use super::fitting::{Fit, Likelihood, Row, fit};
use crate::Fault;
use crate::fault::none_of;
use crate::special::{digamma, ln_beta};

/// The most chances: the likelihood of a row is a sum over those since the last purchase.
const MOST: u32 = 10_000;

/// What customers did with their chances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chances {
    /// How many chances they took (x).
    pub frequency: u32,
    /// The last one that they took (t_x), counted from 1; 0 for none.
    pub recency: u32,
    /// How many there were (n).
    pub chances: u32,
    /// How many customers did so.
    pub weight: f64,
}

/// The beta-geometric / beta-Bernoulli model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BgBb {
    /// The first shape of probabilities to buy.
    pub alpha: f64,
    /// The second.
    pub beta: f64,
    /// The first shape of probabilities to leave.
    pub gamma: f64,
    /// The second.
    pub delta: f64,
}

impl Row for Chances {
    fn weight(&self) -> f64 {
        self.weight
    }

    fn weighted(&self, weight: f64) -> Self {
        Self { weight, ..*self }
    }
}

impl Chances {
    /// Of purchases, a customer each, where every `period` is a chance: periods count from `start`, and a customer's chances are the whole ones after that of
    /// their first purchase, up to `until`. `None` for who came in none of them.
    ///
    /// # Errors
    /// Times that are no numbers, and a period that is none.
    pub fn of(purchases: &[Purchase], period: f64, (start, until): (f64, f64)) -> Result<Vec<Option<Self>>, Fault> {
        none_of(purchases, |it| !it.time.is_finite(), |row| Fault::NotFinite { row })?;
        let whole = ((until - start) / period).floor();
        if !(period > 0.0 && whole >= 1.0 && whole <= f64::from(MOST)) {
            return Err(Fault::NotIdentified { why: "anything in less than one period, or in more than 10,000" });
        }
        none_of(purchases, |it| it.time < start, |row| Fault::OutOfOrder { row })?;
        let end = whole as u32;
        let at = |it: &Purchase| (it.customer, ((it.time - start) / period).floor() as u32);
        let mut taken: Vec<(u32, u32)> = purchases.iter().map(at).filter(|it| it.1 < end).collect();
        taken.sort_unstable();
        taken.dedup();
        let customers = purchases.iter().map(|it| it.customer as usize + 1).max().unwrap_or(0);
        let mut found = vec![None; customers];
        for own in taken.chunk_by(|a, b| a.0 == b.0) {
            let (first, last) = (own[0].1, own[own.len() - 1].1);
            let frequency = own.len() as u32 - 1;
            found[own[0].0 as usize] =
                Some(Self { frequency, recency: last - first, chances: end - 1 - first, weight: 1.0 });
        }
        Ok(found)
    }
}

impl BgBb {
    /// Fitted to what customers did.
    pub fn fit(rows: &[Chances]) -> Result<Fit<Self>, Fault> {
        none_of(rows, |it| !it.weight.is_finite(), |row| Fault::NotFinite { row })?;
        none_of(rows, |it| it.weight <= 0.0, |row| Fault::Negative { row })?;
        let disordered = |it: &Chances| {
            it.frequency > it.recency || it.recency > it.chances || (it.frequency == 0) != (it.recency == 0)
        };
        none_of(rows, disordered, |row| Fault::OutOfOrder { row })?;
        let most = rows.iter().map(|it| it.chances).max().unwrap_or(0);
        if most > MOST {
            return Err(Fault::Shape { what: "chances to buy", have: most as usize, need: MOST as usize });
        }
        let mut sorted = rows.to_vec();
        let key = |it: &Chances| (it.chances, it.frequency, it.recency);
        sorted.sort_unstable_by_key(key);
        let groups = sorted.chunk_by(|a, b| key(a) == key(b));
        let rows: Vec<Chances> = groups.map(|same| same[0].weighted(same.iter().map(|it| it.weight).sum())).collect();
        let different = rows.len();
        if different < 5 {
            return Err(Fault::TooFew { what: "different histories", have: different, need: 5 });
        }
        fit(&rows, &[vec![1.0, 1.0, 0.7, 2.5], vec![2.0, 4.0, 1.0, 8.0]])
    }

    /// The logarithms of the terms of the likelihood, without what all have in common: those who are still there first, then those who left before the
    /// first, second … chance since their last purchase.
    fn terms(&self, row: &Chances) -> impl Iterator<Item = f64> {
        let (model, x, t_x, n) = (*self, row.frequency, row.recency, row.chances);
        let bought = model.alpha + f64::from(x);
        let there = ln_beta(bought, model.beta + f64::from(n - x)) + ln_beta(model.gamma, model.delta + f64::from(n));
        let left = (t_x..n).map(move |at| {
            ln_beta(bought, model.beta + f64::from(at - x)) + ln_beta(model.gamma + 1.0, model.delta + f64::from(at))
        });
        std::iter::once(there).chain(left)
    }

    /// The logarithm of the sum of the terms.
    fn ln_sum(&self, row: &Chances) -> f64 {
        let most = self.terms(row).fold(f64::NEG_INFINITY, f64::max);
        most + self.terms(row).map(|it| (it - most).exp()).sum::<f64>().ln()
    }

    /// Chances that somebody took no more often, and no later, than there were.
    fn sensible(row: &Chances) -> Chances {
        let recency = row.recency.min(row.chances);
        Chances { recency, frequency: row.frequency.min(recency), ..*row }
    }

    /// The probability that they are there for the next chance.
    pub fn alive(&self, row: &Chances) -> f64 {
        let row = &Self::sensible(row);
        let n = f64::from(row.chances);
        let bought = ln_beta(self.alpha + f64::from(row.frequency), self.beta + n - f64::from(row.frequency));
        (bought + ln_beta(self.gamma, self.delta + n + 1.0) - self.ln_sum(row)).exp().clamp(0.0, 1.0)
    }

    /// How many of the next `chances` they are expected to take: the sum over each of the probability that they are there and take it.
    pub fn expected(&self, row: &Chances, chances: u32) -> f64 {
        let row = &Self::sensible(row);
        let (x, n) = (f64::from(row.frequency), f64::from(row.chances));
        let bought = ln_beta(self.alpha + x + 1.0, self.beta + n - x) - self.ln_sum(row);
        (1..=chances).map(|at| (bought + ln_beta(self.gamma, self.delta + n + f64::from(at))).exp()).sum()
    }

    /// How many of their first `chances` somebody new is expected to take.
    pub fn expected_new(&self, chances: u32) -> f64 {
        let row = Chances { frequency: 0, recency: 0, chances: 0, weight: 1.0 };
        self.expected(&row, chances)
    }

    /// The probabilities that somebody new takes 0, 1, 2 … of their first `chances`.
    pub fn probabilities_new(&self, chances: u32) -> Vec<f64> {
        let all = ln_beta(self.alpha, self.beta) + ln_beta(self.gamma, self.delta);
        let of = |x: u32, at: u32, left: f64| {
            let ways = libm::lgamma(f64::from(at) + 1.0)
                - libm::lgamma(f64::from(x) + 1.0)
                - libm::lgamma(f64::from(at - x) + 1.0);
            let bought = ln_beta(self.alpha + f64::from(x), self.beta + f64::from(at - x));
            (ways + bought + ln_beta(self.gamma + left, self.delta + f64::from(at)) - all).exp()
        };
        (0..=chances).map(|x| of(x, chances, 0.0) + (x..chances).map(|at| of(x, at, 1.0)).sum::<f64>()).collect()
    }

    /// The probabilities that they take 0, 1, 2 … of their next `chances` (equation 13): they left after so many more chances, or are there after all of them.
    pub fn probabilities(&self, row: &Chances, chances: u32) -> Vec<f64> {
        let row = &Self::sensible(row);
        let (x, n, end) = (f64::from(row.frequency), f64::from(row.chances), f64::from(chances));
        let (buys, leaves) = (self.alpha + self.beta, self.gamma + 1.0 + self.delta);
        let sum = self.ln_sum(row);
        let there =
            (ln_beta(self.alpha + x, self.beta + n - x) + ln_beta(self.gamma, self.delta + n) - sum).exp().min(1.0);
        let taken = |count: u32| {
            let k = f64::from(count);
            // All of the first chances taken, and gone before the next; each further term by its ratio to the one before, in logarithms, as they may be tiny.
            let mut term =
                ln_beta(self.alpha + x + k, self.beta + n - x) + ln_beta(self.gamma + 1.0, self.delta + n + k) - sum;
            let mut found = 0.0;
            for after in (count..chances).map(f64::from) {
                found += term.exp();
                let ways = (after + 1.0) / (after + 1.0 - k);
                let bought = (self.beta + n - x + after - k) / (buys + n + after);
                term += (ways * bought * (self.delta + n + after) / (leaves + n + after)).ln();
            }
            // Still there after the last: B(gamma, …) instead of B(gamma + 1, …).
            found += term.exp() * (self.gamma + self.delta + n + end) / self.gamma;
            // Who has left takes none.
            (if count == 0 { found + 1.0 - there } else { found }).clamp(0.0, 1.0)
        };
        (0..=chances).map(taken).collect()
    }

    /// What they are expected to take of all chances to come, each discounted at a rate of `discount` a chance: DERT (equation 14), as a sum until what is
    /// left is nothing.
    pub fn residual(&self, row: &Chances, discount: f64) -> f64 {
        let row = &Self::sensible(row);
        let (x, n) = (f64::from(row.frequency), f64::from(row.chances));
        let bought = ln_beta(self.alpha + x + 1.0, self.beta + n - x) - self.ln_sum(row);
        let mut there = (bought + ln_beta(self.gamma, self.delta + n + 1.0)).exp() / (1.0 + discount);
        let mut sum = 0.0;
        for at in 1..200_000 {
            sum += there;
            let n = n + f64::from(at);
            there *= (self.delta + n) / (self.gamma + self.delta + n) / (1.0 + discount);
            if there < 1e-14 * sum {
                break;
            }
        }
        sum
    }
}

impl Likelihood for BgBb {
    type Row = Chances;
    const NAMES: &'static [&'static str] = &["alpha", "beta", "gamma", "delta"];
    const UNTOLD: &'static str = "how much people differ in how they buy and leave";

    fn with(parameters: &[f64]) -> Self {
        Self { alpha: parameters[0], beta: parameters[1], gamma: parameters[2], delta: parameters[3] }
    }

    fn parameters(&self) -> Vec<f64> {
        vec![self.alpha, self.beta, self.gamma, self.delta]
    }

    fn log_likelihood(&self, rows: &[Chances], gradient: &mut [f64]) -> f64 {
        let whole = ln_beta(self.alpha, self.beta) + ln_beta(self.gamma, self.delta);
        let (buys, leaves) = (digamma(self.alpha + self.beta), digamma(self.gamma + self.delta));
        let all = [
            digamma(self.alpha) - buys,
            digamma(self.beta) - buys,
            digamma(self.gamma) - leaves,
            digamma(self.delta) - leaves,
        ];
        let (of_gamma, of_left) = (digamma(self.gamma), digamma(self.gamma + 1.0));
        let mut value = 0.0;
        for row in rows {
            let sum = self.ln_sum(row);
            value += row.weight * (sum - whole);
            let x = f64::from(row.frequency);
            let bought = digamma(self.alpha + x);
            for (place, term) in self.terms(row).enumerate() {
                let share = row.weight * (term - sum).exp();
                let (at, left) = match place {
                    0 => (row.chances, 0.0),
                    _ => (row.recency + place as u32 - 1, 1.0),
                };
                let at = f64::from(at);
                let (buys, leaves) =
                    (digamma(self.alpha + self.beta + at), digamma(self.gamma + left + self.delta + at));
                let parts = [
                    bought - buys,
                    digamma(self.beta + at - x) - buys,
                    if left > 0.0 { of_left } else { of_gamma } - leaves,
                    digamma(self.delta + at) - leaves,
                ];
                gradient.iter_mut().zip(parts).zip(all).for_each(|((it, part), all)| *it += share * (part - all));
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Oracle: every chance of everybody is looked at, one after the other.
        #[test]
        fn chances_are_periods_after_the_first(rows in prop::collection::vec((0u32..4, 0u32..60), 0..30), until in 10u32..60) {
            let purchases: Vec<Purchase> =
                rows.iter().map(|it| Purchase { customer: it.0, time: 100.0 + f64::from(it.1), amount: 1.0 }).collect();
            let found = Chances::of(&purchases, 7.0, (100.0, 100.0 + f64::from(until))).unwrap();
            let bought = |customer: u32, period: u32| {
                rows.iter().any(|it| it.0 == customer && (7 * period..7 * period + 7).contains(&it.1))
            };
            for customer in 0..4u32 {
                let (mut first, mut wanted) = (false, Chances { frequency: 0, recency: 0, chances: 0, weight: 1.0 });
                for period in 0..until / 7 {
                    if first {
                        wanted.chances += 1;
                        if bought(customer, period) {
                            wanted.frequency += 1;
                            wanted.recency = wanted.chances;
                        }
                    }
                    first |= bought(customer, period);
                }
                prop_assert_eq!(found.get(customer as usize).copied().flatten(), first.then_some(wanted));
            }
        }
    }

    proptest! {
        /// Oracle: every way to take the chances to come, each as likely as the whole history with it, by that of the history. And the mean is what is expected.
        #[test]
        fn chances_to_come_are_all_histories_that_go_on(
            n in 0u32..9, parts in (0.0..1.0f64, 0.0..1.0f64), chances in 0u32..8,
            shapes in (0.05..6.0f64, 0.05..6.0f64, 0.05..6.0f64, 0.05..6.0f64),
        ) {
            let model = BgBb { alpha: shapes.0, beta: shapes.1, gamma: shapes.2, delta: shapes.3 };
            let recency = (parts.0 * f64::from(n + 1)) as u32;
            let frequency = if recency == 0 { 0 } else { 1 + (parts.1 * f64::from(recency)) as u32 };
            let row = Chances { frequency, recency, chances: n, weight: 1.0 };
            let mut wanted = vec![0.0; chances as usize + 1];
            for way in 0u32..1 << chances {
                let last = (0..chances).rev().find(|at| way >> at & 1 == 1).map_or(recency, |at| n + at + 1);
                let frequency = frequency + way.count_ones();
                let whole = Chances { frequency, recency: last, chances: n + chances, weight: 1.0 };
                wanted[way.count_ones() as usize] += (model.ln_sum(&whole) - model.ln_sum(&row)).exp();
            }
            let found = model.probabilities(&row, chances);
            prop_assert_eq!(found.len(), wanted.len());
            for (found, wanted) in found.iter().zip(&wanted) {
                prop_assert!((found - wanted).abs() < 1e-10, "{} {}", found, wanted);
            }
            let mean: f64 = found.iter().enumerate().map(|(count, it)| count as f64 * it).sum();
            prop_assert!((mean - model.expected(&row, chances)).abs() < 1e-9);
        }
    }

    /// Nobody has done anything yet before the first chance; and far into the chances, where single terms are below any number, all still add up.
    #[test]
    fn many_chances_to_come_add_up() {
        let model = BgBb { alpha: 120.0, beta: 80.0, gamma: 0.7, delta: 900.0 };
        let row = Chances { frequency: 0, recency: 0, chances: 0, weight: 1.0 };
        let found = model.probabilities(&row, 300);
        for (found, wanted) in found.iter().zip(model.probabilities_new(300)) {
            assert!((found - wanted).abs() < 1e-10, "{found} {wanted}");
        }
        assert!((model.probabilities(&row, 3_000).iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn periods_that_are_none_are_told() {
        let one = [Purchase { customer: 0, time: 3.0, amount: 1.0 }];
        for (period, span) in
            [(0.0, (0.0, 9.0)), (10.0, (0.0, 9.0)), (f64::NAN, (0.0, 9.0)), (1e-9, (0.0, 9.0)), (1.0, (4.0, 9.0))]
        {
            assert!(Chances::of(&one, period, span).is_err(), "{period} {span:?}");
        }
        let never = [Purchase { time: f64::NAN, ..one[0] }];
        assert_eq!(Chances::of(&never, 1.0, (0.0, 9.0)), Err(Fault::NotFinite { row: vec![0] }));
    }
}
