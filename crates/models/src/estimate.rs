//! What a fit believes of a number, and how sure it is.
//!
//! Always holds: an interval has its lower end first, is finite, and holds with 95 % unless a level is said.

use crate::distributions::normal_quantile;

/// The tails that an interval of 95 % leaves out, together.
pub const TAILS: f64 = 0.05;

/// From where to where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A number with how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The best guess.
    pub value: f64,
    /// The standard error, where there is one.
    pub standard_error: Option<f64>,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Interval {
    /// Whether it holds a value.
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl Estimate {
    /// Around a value by its standard error: Wald's interval, which leaves out `tails` together.
    pub fn around(value: f64, standard_error: f64, tails: f64) -> Self {
        let half = normal_quantile(tails / 2.0) * standard_error;
        Self { value, standard_error: Some(standard_error), low: within(value - half), high: within(value + half) }
    }

    /// Around a value that is above zero, by the standard error of its logarithm: the interval stays above zero. The standard error is that of the value
    /// by the delta method.
    pub fn around_positive(value: f64, standard_error_of_log: f64, tails: f64) -> Self {
        let half = normal_quantile(tails / 2.0) * standard_error_of_log;
        let standard_error = Some(within(value * standard_error_of_log));
        Self { value, standard_error, low: value * (-half).exp(), high: within(value * half.exp()) }
    }

    /// With an interval that was found in another way.
    pub fn between(value: f64, interval: Interval) -> Self {
        Self { value, standard_error: None, low: interval.low, high: interval.high }
    }

    /// Its interval.
    pub fn interval(&self) -> Interval {
        Interval { low: self.low, high: self.high }
    }
}

/// Kept finite.
fn within(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_around_their_value_and_finite() {
        let found = Estimate::around(2.0, 0.5, TAILS);
        assert!((found.low - 1.020_018).abs() < 1e-6 && (found.high - 2.979_982).abs() < 1e-6, "{found:?}");
        let found = Estimate::around_positive(2.0, 0.5, TAILS);
        assert!((found.low * found.high - 4.0).abs() < 1e-12 && found.standard_error == Some(1.0), "{found:?}");
        assert!(Estimate::around_positive(1e300, 1e3, TAILS).high.is_finite());
        assert!(found.interval().holds(2.0) && !found.interval().holds(9.0));
        assert_eq!(Estimate::between(1.0, Interval { low: 0.0, high: 2.0 }).standard_error, None);
    }
}
