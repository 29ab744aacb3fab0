//! Between which numbers what is told of a single customer lies, with 95 %: of what is expected as far as parameters go, and of what they will do.
//!
//! The first is by the delta method on the fit's covariances ([`Nearby`]), the second by the model's own probabilities of counts.

use rapport_imports::written::Column;
use rapport_models::Estimate;
use rapport_models::buying::{Fit, GammaGamma, Nearby};
use rapport_models::estimate::TAILS;

/// Counts are looked at up to here.
const COUNTS: usize = 1_000;

/// An interval of many customers; what is not known is not a number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    pub low: Vec<f64>,
    pub high: Vec<f64>,
}

impl Ends {
    /// One more customer.
    pub fn push(&mut self, (low, high): (f64, f64)) {
        self.low.push(low);
        self.high.push(high);
    }

    /// As two columns, called after what they are the ends of.
    pub fn columns(self, name: &str) -> [Column; 2] {
        [Column::numbers(&format!("{name}_low"), self.low), Column::numbers(&format!("{name}_high"), self.high)]
    }
}

/// The ends around something that is not below zero, by the variance of its logarithm.
pub fn around(value: f64, variance: Option<f64>) -> (f64, f64) {
    match variance {
        // Nothing is as sure as that who left does not buy.
        _ if value == 0.0 => (0.0, 0.0),
        Some(variance) if value.is_finite() => {
            let found = Estimate::around_positive(value, variance.sqrt(), TAILS);
            (found.low, found.high)
        }
        _ => (f64::NAN, f64::NAN),
    }
}

/// The variance of the logarithm of a product of what two fits say apart from each other.
pub fn both(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.zip(other).map(|(one, other)| one + other)
}

/// How sure the mean amount of somebody's purchases is.
pub struct Amounts(Option<Nearby<GammaGamma>>);

impl Amounts {
    pub fn of(spending: Option<&Fit<GammaGamma>>) -> Self {
        Self(spending.and_then(Fit::nearby))
    }

    /// The variance of its logarithm, after so many purchases with that mean.
    pub fn variance(&self, purchases: f64, mean: f64) -> Option<f64> {
        self.0.as_ref()?.variance(|it| it.expected(purchases, mean).unwrap_or(f64::NAN))
    }
}

/// As few as the first, or fewer, with 2.5 %, and as many as the second, or more: of the probabilities of 0, 1, 2 … up to any number. More than a thousand are not
/// looked at.
pub fn counts(expected: f64, probabilities: impl Fn(usize) -> Vec<f64>) -> (f64, f64) {
    let mut most = ((2.0 * expected) as usize + 4).min(COUNTS);
    loop {
        let chances = probabilities(most);
        let reached = |share: f64| {
            let mut sum = 0.0;
            chances.iter().position(|it| {
                sum += it;
                sum >= share
            })
        };
        match (reached(TAILS / 2.0), reached(1.0 - TAILS / 2.0)) {
            (Some(low), Some(high)) => return (low as f64, high as f64),
            _ if most < COUNTS => most = (2 * most).min(COUNTS),
            (low, _) => return (low.map_or(f64::NAN, |it| it as f64), f64::NAN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_hold_the_value_and_are_not_below_zero() {
        let (low, high) = around(2.0, Some(0.01));
        assert!((low * high - 4.0).abs() < 1e-12 && low < 2.0 && low > 1.6, "{low} {high}");
        assert_eq!(around(0.0, None), (0.0, 0.0));
        assert!(around(2.0, None).0.is_nan() && around(f64::NAN, Some(0.1)).1.is_nan());
        assert_eq!((both(Some(1.0), Some(2.0)), both(Some(1.0), None)), (Some(3.0), None));
    }

    /// A binomial count of ten halves: 2 or fewer have 5.5 %, 1 or fewer 1.1 %; and one that is far more than twice the mean.
    #[test]
    fn counts_leave_out_the_tails() {
        let half = [1.0, 10.0, 45.0, 120.0, 210.0, 252.0, 210.0, 120.0, 45.0, 10.0, 1.0].map(|it| it / 1_024.0);
        let first = |all: &[f64], most: usize| {
            all.iter().copied().chain(std::iter::repeat(0.0)).take(most + 1).collect::<Vec<f64>>()
        };
        assert_eq!(counts(5.0, |most| first(&half, most)), (2.0, 8.0));
        let mut rare = vec![0.0; 101];
        (rare[0], rare[100]) = (0.9, 0.1);
        assert_eq!(counts(0.5, |most| first(&rare, most)), (0.0, 100.0));
        assert!(counts(0.5, |most| first(&[0.5], most)).1.is_nan());
    }
}
