//! The tail of the noncentral chi-square distribution, as the mixture of central ones that it is (Johnson, Kotz and Balakrishnan 1995, 29.2), and which
//! noncentralities a statistic goes with.

use std::f64::consts::PI;

/// Tails at one statistic for many degrees of freedom: each is the last one and a term more (Abramowitz and Stegun 26.4.8).
pub(super) struct Tails {
    /// The first shape that is kept, in units beyond that of the statistic's own degrees of freedom.
    first: i64,
    /// The tails from there on; before the first there is next to nothing, after the last next to all.
    tails: Vec<f64>,
}

impl Tails {
    /// For `dof` degrees of freedom and as many more as are asked for.
    pub(super) fn at(statistic: f64, dof: u32) -> Self {
        let half = (statistic / 2.0).max(0.0);
        let base = f64::from(dof % 2) / 2.0;
        let own = i64::from(dof / 2);
        let reach = 13.0 * half.sqrt() + 40.0;
        let low = (half - base - reach).floor().max(0.0);
        let high = (half + reach).ceil();
        let mut sum = if base > 0.0 { libm::erfc(half.sqrt()) } else { 0.0 };
        let mut tails = vec![sum];
        let mut shape = base + low;
        let mut term = if half > 0.0 { (shape * half.ln() - half - libm::lgamma(shape + 1.0)).exp() } else { 0.0 };
        while shape < high {
            sum += term;
            tails.push(sum.min(1.0));
            shape += 1.0;
            term *= half / shape;
        }
        if half <= 0.0 {
            tails = vec![1.0];
        }
        Self { first: low as i64 - own, tails }
    }

    /// The probability to be above the statistic with `more` times two degrees of freedom added.
    fn tail(&self, more: i64) -> f64 {
        let at = more - self.first;
        match usize::try_from(at) {
            Ok(at) => self.tails[at.min(self.tails.len() - 1)],
            Err(_) => 0.0,
        }
    }

    /// The probability to be above the statistic at a noncentrality.
    pub(super) fn noncentral(&self, noncentrality: f64) -> f64 {
        let mean = noncentrality / 2.0;
        if mean <= 0.0 {
            return self.tail(0);
        }
        let reach = 10.0 * mean.sqrt() + 20.0;
        let (low, high) = ((mean - reach).floor().max(0.0), (mean + reach).ceil());
        let mut weight = if low == 0.0 { (-mean).exp() } else { stirling(low, mean) };
        let (mut sum, mut at) = (0.0, low);
        while at <= high {
            sum += weight * self.tail(at as i64);
            at += 1.0;
            weight *= mean / at;
        }
        sum.min(1.0)
    }

    /// The noncentrality at which the probability is `tail`; 0 where it is more at any.
    pub(super) fn noncentrality(&self, tail: f64) -> f64 {
        if self.noncentral(0.0) >= tail {
            return 0.0;
        }
        crate::bisection::least(1.0, |it| self.noncentral(it) >= tail).unwrap_or(f64::MAX)
    }
}

/// The probability of `count` at a mean, both large.
fn stirling(count: f64, mean: f64) -> f64 {
    (count * (mean / count).ln() + count - mean - 1.0 / (12.0 * count)).exp() / (2.0 * PI * count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::chi_square_tail;

    #[test]
    fn without_noncentrality_it_is_the_central_one() {
        for dof in [1, 2, 3, 24, 35, 200] {
            for statistic in [0.0, 0.5, 3.3, 30.0, 85.3, 400.0] {
                let (found, wanted) = (Tails::at(statistic, dof).noncentral(0.0), chi_square_tail(statistic, dof));
                assert!((found - wanted).abs() < 1e-12, "{dof} {statistic}: {found} {wanted}");
            }
        }
    }

    /// One degree of freedom is the square of a normal value off zero.
    #[test]
    fn of_one_degree_it_is_the_square_of_a_normal_value() {
        let normal = crate::distributions::normal_tail;
        for (statistic, noncentrality) in [(2.0f64, 1.0f64), (9.0, 4.0), (300.0, 250.0), (40_000.0, 39_000.0)] {
            let wanted =
                normal(statistic.sqrt() - noncentrality.sqrt()) + normal(statistic.sqrt() + noncentrality.sqrt());
            let found = Tails::at(statistic, 1).noncentral(noncentrality);
            assert!((found - wanted).abs() < 1e-9, "{statistic} {noncentrality}: {found} {wanted}");
        }
    }

    #[test]
    fn noncentralities_are_found_again() {
        for (statistic, dof) in [(85.3055, 24), (1e6, 24), (40.0, 35)] {
            let tails = Tails::at(statistic, dof);
            for tail in [0.05, 0.5, 0.95] {
                let found = tails.noncentrality(tail);
                assert!(found == 0.0 || (tails.noncentral(found) - tail).abs() < 1e-9, "{statistic} {found}");
            }
        }
        assert_eq!(Tails::at(1.0, 24).noncentrality(0.95), 0.0);
    }
}
