//! Counts of purchases that somebody would make if they never left, and how many of those they live to make.
//!
//! With a gamma distribution of rates the count is negative binomial. If people leave only at purchases, the expected number is the sum, over counts, of
//! the probability of the count times the expected number of purchases lived to see: only positive terms, where the closed form with Gauss's function
//! (Fader, Hardie and Lee 2005, equation 10) divides nothing by nothing at a = 1.

use crate::special::ln_hypergeometric;

/// The most counts that are summed.
const MOST: usize = 20_000;
const SCALE: f64 = 1e200;

/// The logarithm of the probability of a count of `n`: `shape` of the rates, and `z` = t / (scale + t).
pub(super) fn ln_count(n: f64, shape: f64, z: f64) -> f64 {
    let times = if n > 0.0 { n * z.ln() } else { 0.0 };
    libm::lgamma(shape + n) - libm::lgamma(shape) - libm::lgamma(n + 1.0) + shape * (-z).ln_1p() + times
}

/// Whether somebody leaves at each purchase: with a probability that has a beta distribution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    /// The shape of leaving.
    pub(super) a: f64,
    /// The shape of staying.
    pub(super) b: f64,
}

impl Leaving {
    /// How many purchases somebody who is there now is expected to make.
    pub(super) fn expected(&self, shape: f64, z: f64) -> f64 {
        if z <= 0.0 {
            return 0.0;
        }
        let both = self.a + self.b;
        // Terms relative to the first, which is too small to be kept where shapes are large.
        let (mut term, mut total, mut sum) = (1.0, 1.0, 0.0);
        let (mut stays, mut lived) = (1.0, 0.0);
        for n in 0..MOST {
            let k = n as f64;
            lived += stays;
            stays *= (self.b + k) / (both + k);
            let ratio = z * (shape + k) / (k + 1.0);
            term *= ratio;
            total += term;
            sum += term * lived;
            if total > SCALE {
                (term, total, sum) = (term / SCALE, total / SCALE, sum / SCALE);
            }
            if ratio < 1.0 && term * lived * ratio <= 1e-15 * sum * (1.0 - ratio.max(z)) {
                return sum / total;
            }
        }
        self.expected_closed(shape, z).unwrap_or(sum / total)
    }

    /// The closed form, for counts too large to be summed.
    fn expected_closed(&self, shape: f64, z: f64) -> Option<f64> {
        let c = self.a + self.b - 1.0;
        let inner = shape * (-z).ln_1p() + ln_hypergeometric(shape, self.b, c, z);
        let found = c / (self.a - 1.0) * -inner.exp_m1();
        (found.is_finite() && found >= 0.0).then_some(found)
    }

    /// The probabilities that somebody who is there now makes 0, 1, 2 … `most` purchases.
    pub(super) fn probabilities(&self, shape: f64, z: f64, most: usize) -> Vec<f64> {
        let (mut stays, mut stayed, mut below) = (1.0, 1.0, 0.0f64);
        let mut found = Vec::with_capacity(most + 1);
        for n in 0..=most {
            let k = n as f64;
            let count = ln_count(k, shape, z).exp();
            // Either all of them and still there, or gone with the last of them, however many more there would have been.
            let gone = if n > 0 { (1.0 - below).max(0.0) * (stayed - stays) } else { 0.0 };
            found.push((count * stays + gone).clamp(0.0, 1.0));
            below += count;
            stayed = stays;
            stays *= (self.b + k) / (self.a + self.b + k);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum is the closed form, where that one has digits; and does not mind a = 1, of which the closed form says nothing.
    #[test]
    fn the_sum_is_the_closed_form() {
        for (a, b, shape, z) in
            [(0.79, 2.4, 0.24, 0.5), (3.0, 1.5, 12.0, 0.9), (0.3, 9.0, 300.5, 0.7), (1.5, 0.7, 2.0, 0.999)]
        {
            let leaving = Leaving { a, b };
            let (sum, closed) = (leaving.expected(shape, z), leaving.expected_closed(shape, z).unwrap());
            assert!((sum - closed).abs() < 1e-10 * closed, "{sum} {closed}");
        }
        let at = |a: f64| Leaving { a, b: 2.4 }.expected(0.24, 0.5);
        assert!(((at(1.0 - 1e-5) + at(1.0 + 1e-5)) / 2.0 - at(1.0)).abs() < 1e-9);
    }

    #[test]
    fn probabilities_add_up_to_one_and_to_the_expected() {
        let leaving = Leaving { a: 0.8, b: 2.4 };
        let found = leaving.probabilities(1.7, 0.6, 400);
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let mean: f64 = found.iter().enumerate().map(|(n, it)| n as f64 * it).sum();
        assert!((mean - leaving.expected(1.7, 0.6)).abs() < 1e-10);
        assert_eq!(leaving.expected(1.7, 0.0), 0.0);
    }
}
