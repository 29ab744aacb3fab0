//! How an effect is read: once, at a moment fixed beforehand, or at every look while the experiment runs.
//!
//! Reading once is Welch's t test. Reading always is a likelihood ratio averaged over effects that are normal about zero, whose chance of ever
//! exceeding 1/alpha without an effect is at most alpha (Ville's inequality). With the mixture's variance k times the squared standard error,
//!
//! Λ = exp(k z² / 2(1 + k)) / √(1 + k), with p = min(1, 1/Λ), and |z| stays below √(2 (1 + k)/k · ln(√(1 + k)/alpha)).
//!
//! The ways to read always differ in k alone. nρ² makes it the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
//! (2024, "Time-uniform central limit theory and asymptotic confidence sequences", equations 9, 155 and 161 of arXiv:2103.06476v7); τ² over the squared
//! standard error makes it the mixture sequential probability ratio test of Johari, Koomen, Pekelis and Walsh (2022, "Always valid inference"). Both
//! hold in large samples, with the normal in place of Student's t, so the first look should wait for some tens of units an arm.
//!
//! Always holds: alpha is between 0 and 1, and the other parameters are finite and positive.

use crate::distributions::normal_quantile;

/// The number of units at which the confidence sequence is tightest unless another is given: GrowthBook's default.
const TUNED_FOR: f64 = 5_000.0;

/// A way to read effects, at a level alpha: the chance of an interval that misses the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inference {
    alpha: f64,
    method: Method,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    Fixed,
    Sequence { rho_squared: f64 },
    Mixture { variance: f64 },
}

/// An effect as read. On the effect's scale, and for [`crate::experiments::brought_in`] in units of the metric in all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub estimate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// How likely an estimate so far from zero is without an effect, in either direction; if always valid, at this look or any before.
    pub p: f64,
}

/// The variance of the mixture in squared standard errors.
#[derive(Clone, Copy)]
pub(super) struct Mixing(f64);

impl Inference {
    /// Reading once, when the number of units that was planned is there. `None` where `alpha` is not between 0 and 1.
    pub fn fixed(alpha: f64) -> Option<Self> {
        Self::new(alpha, Method::Fixed)
    }

    /// Reading at any time and as often as wanted, tightest at 5,000 units in both arms. `None` where `alpha` is not between 0 and 1.
    pub fn always_valid(alpha: f64) -> Option<Self> {
        Self::always_valid_near(alpha, TUNED_FOR)
    }

    /// The same, tightest near `units` in both arms, a number chosen before the experiment begins (equation 161).
    pub fn always_valid_near(alpha: f64, units: f64) -> Option<Self> {
        let twice = -2.0 * alpha.ln();
        positive(units)?;
        Self::new(alpha, Method::Sequence { rho_squared: (twice + twice.ln_1p()) / units })
    }

    /// Reading at any time by the mixture test, where effects are expected to vary by `variance` (τ²) about zero, in the squared unit of the
    /// estimand. `None` where `alpha` is not between 0 and 1 or the variance not positive.
    pub fn mixture(alpha: f64, variance: f64) -> Option<Self> {
        positive(variance)?;
        Self::new(alpha, Method::Mixture { variance })
    }

    fn new(alpha: f64, method: Method) -> Option<Self> {
        (alpha > 0.0 && alpha < 1.0).then_some(Self { alpha, method })
    }

    /// The chance of an interval that misses the truth.
    pub fn alpha(self) -> f64 {
        self.alpha
    }

    /// The mixing over effects at a look at `n` units whose effect has this standard error; `None` where there is one look alone.
    pub(super) fn mixing(self, n: f64, standard_error: f64) -> Option<Mixing> {
        let k = match self.method {
            Method::Fixed => return None,
            Method::Sequence { rho_squared } => n * rho_squared,
            Method::Mixture { variance } => variance / (standard_error * standard_error),
        };
        // Wide enough for anything measured, and keeps every term below finite.
        Some(Mixing(k.clamp(1e-100, 1e100)))
    }

    /// How many standard errors an effect has to be from zero for a p of at most `level`, in large samples.
    pub(super) fn boundary(self, n: f64, standard_error: f64, level: f64) -> f64 {
        match self.mixing(n, standard_error) {
            None => normal_quantile(level / 2.0),
            Some(mixing) => mixing.boundary(level),
        }
    }
}

impl Mixing {
    pub(super) fn boundary(self, level: f64) -> f64 {
        (2.0 * (1.0 + 1.0 / self.0) * (self.0.ln_1p() / 2.0 - level.ln())).sqrt()
    }

    pub(super) fn p(self, z: f64) -> f64 {
        let evidence = z * z / (2.0 * (1.0 + 1.0 / self.0)) - self.0.ln_1p() / 2.0;
        (-evidence).exp().min(1.0)
    }
}

impl Reading {
    /// With the least p of this and an `earlier` look: what always holds of an always valid reading stays said. Not for readings at a fixed moment.
    pub fn after(self, earlier: f64) -> Self {
        Self { p: self.p.min(earlier), ..self }
    }
}

fn positive(it: f64) -> Option<()> {
    (it > 0.0 && it.is_finite()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::{Arm, Effect, Estimand};
    use proptest::prelude::*;

    #[test]
    fn levels_and_parameters_that_mean_nothing_are_refused() {
        for alpha in [0.0, 1.0, -0.1, f64::NAN] {
            assert_eq!(Inference::fixed(alpha), None);
            assert_eq!(Inference::always_valid(alpha), None);
            assert_eq!(Inference::mixture(alpha, 1.0), None);
        }
        assert_eq!(Inference::always_valid_near(0.05, 0.0), None);
        assert_eq!(Inference::mixture(0.05, f64::INFINITY), None);
    }

    #[test]
    fn the_least_p_of_all_looks_stays() {
        let look = |p| Reading { estimate: 0.1, low: 0.0, high: 0.2, p };
        assert_eq!(look(0.4).after(0.03).p, 0.03);
        assert_eq!(look(0.02).after(0.03).p, 0.02);
    }

    proptest! {
        /// Oracle: the formulas as the papers print them, of the half-width (equation 9), of the e-value (155), and of the mixture test, there with
        /// n pairs of units whose difference varies by V.
        #[test]
        fn one_formula_is_that_of_all_the_papers(n in 10u64..100_000, mean in -0.2..0.2, variance in 0.1..4.0, alpha in 0.001..0.3) {
            let (treatment, control) = (Arm::new(n, mean, variance).unwrap(), Arm::new(n, 0.0, variance).unwrap());
            let effect = Effect::between(&treatment, &control, Estimand::Absolute).unwrap();
            let se = effect.standard_error;

            let found = effect.read(&Inference::always_valid(alpha).unwrap());
            let all = 2.0 * n as f64;
            let rho2 = (-2.0 * alpha.ln() + (1.0 - 2.0 * alpha.ln()).ln()) / 5_000.0;
            let inner = 2.0 * (all * rho2 + 1.0) / (all * all * rho2) * ((all * rho2 + 1.0).sqrt() / alpha).ln();
            let half = se * all.sqrt() * inner.sqrt();
            prop_assert!((found.high - found.estimate - half).abs() < 1e-9 * half);
            let st2 = mean * mean * all / (se * se);
            let e = (rho2 * st2 / (2.0 * (all * rho2 + 1.0))).exp() / (all * rho2 + 1.0).sqrt();
            prop_assert!((found.p - (1.0 / e).min(1.0)).abs() < 1e-9);

            let tau2 = 0.01;
            let found = effect.read(&Inference::mixture(alpha, tau2).unwrap());
            let (pairs, v) = (n as f64, 2.0 * variance);
            let exponent = pairs * pairs * tau2 * mean * mean / (2.0 * v * (v + pairs * tau2));
            let lambda = (v / (v + pairs * tau2)).sqrt() * exponent.exp();
            prop_assert!((found.p - (1.0 / lambda).min(1.0)).abs() < 1e-9);
        }
    }
}
