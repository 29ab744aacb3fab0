//! What a fit believes of a number, and how sure it is.
//!
//! Always holds: an interval has its lower end first, is finite, and holds with 95 % unless a level is said.

use crate::distributions::{normal_quantile, normal_tail};

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

    /// Of the mean of values, by its standard error. Of none it is 0, of one without an error.
    pub fn mean(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let value = if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / n };
        if n < 2.0 {
            return Self { value, standard_error: None, low: value, high: value };
        }
        let squares: f64 = values.iter().map(|it| (it - value).powi(2)).sum();
        Self::around(value, (squares / (n - 1.0) / n).sqrt(), TAILS)
    }

    /// Of the ratio of two sums over the same customers, by the delta method (Cochran 1977, "Sampling techniques", section 6.3). `None` where the lower sum is
    /// zero, or not finite.
    pub fn ratio(above: &[f64], below: &[f64]) -> Option<Self> {
        let (n, sum) = (below.len() as f64, below.iter().sum::<f64>());
        let value = above.iter().sum::<f64>() / sum;
        if !value.is_finite() {
            return None;
        }
        let squares: f64 = above.iter().zip(below).map(|(a, b)| (a - value * b).powi(2)).sum();
        Some(Self::around(value, (squares * n / (n - 1.0).max(1.0)).sqrt() / sum.abs(), TAILS))
    }

    /// How probable a value as far from zero would be if it were zero, by the standard error; 1 without one.
    pub fn chance(&self) -> f64 {
        let error = self.standard_error.filter(|it| *it > 0.0);
        error.map_or(1.0, |error| (2.0 * normal_tail((self.value / error).abs())).min(1.0))
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

    /// By hand: the mean of 1, 2, 3 has the standard error √(1/3); a ratio that is the same for all is exact.
    #[test]
    fn means_and_ratios_have_their_errors() {
        let mean = Estimate::mean(&[1.0, 2.0, 3.0]);
        assert!(
            (mean.value - 2.0).abs() < 1e-12 && (mean.standard_error.unwrap() - (1.0f64 / 3.0).sqrt()).abs() < 1e-12
        );
        let same = Estimate::ratio(&[2.0, 4.0], &[1.0, 2.0]).unwrap();
        assert_eq!((same.value, same.standard_error), (2.0, Some(0.0)));
        assert_eq!((same.chance(), Estimate::ratio(&[1.0], &[0.0])), (1.0, None));
        assert_eq!((Estimate::mean(&[]).value, Estimate::mean(&[4.0]).standard_error), (0.0, None));
        let far = Estimate::around(1.959_963_984_540_054, 1.0, TAILS);
        assert!((far.chance() - 0.05).abs() < 1e-9);
        // Of n pairs the delta method's standard error, by its own formula of variances and the covariance.
        let (a, b) = ([1.0, 4.0, 2.0, 6.0], [2.0, 3.0, 2.0, 4.0]);
        let (ma, mb, n) = (3.25, 2.75, 4.0);
        let part = |x: &[f64], y: &[f64], mx: f64, my: f64| {
            x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / (n - 1.0)
        };
        let r: f64 = ma / mb;
        let variance =
            (part(&a, &a, ma, ma) - 2.0 * r * part(&a, &b, ma, mb) + r * r * part(&b, &b, mb, mb)) / n / mb / mb;
        assert!((Estimate::ratio(&a, &b).unwrap().standard_error.unwrap() - variance.sqrt()).abs() < 1e-12);
    }

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
