//! How far a treatment's mean is from the control's, on a named scale, and how far chance alone moves it.
//!
//! Always holds: an effect says which [`Estimand`] it is of. The same arms have another p on each scale, so a p without its scale says nothing.

use super::inference::{Inference, Reading};
use super::{Arm, Better, Undecidable};
use crate::distributions::{normal_quantile, normal_tail, student_quantile, student_two_sided};

/// The scale of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimand {
    /// Treatment minus control, in the unit of the metric.
    Absolute,
    /// Treatment minus control as a share of the control: 0.05 is five per cent more.
    Relative,
}

/// An effect with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The scale of the other fields.
    pub estimand: Estimand,
    /// What was measured.
    pub estimate: f64,
    /// The standard deviation of the estimate over experiments like this one; above zero.
    pub standard_error: f64,
    /// The units in both arms.
    pub n: u64,
    /// The degrees of freedom of Welch and Satterthwaite.
    pub dof: f64,
}

/// What to believe of an effect of which nothing was known before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Posterior {
    /// The probability that the effect is for the better.
    pub chance_to_win: f64,
    /// The effect is above this with a probability of 1 − alpha/2.
    pub low: f64,
    /// The effect is below this with a probability of 1 − alpha/2.
    pub high: f64,
    /// What is lost on average by taking the treatment, on the scale of the effect: how much worse than the control it is, where it is worse.
    pub expected_loss: f64,
    /// What is lost on average by keeping the control.
    pub expected_loss_of_control: f64,
}

/// A mean with its squared standard error and the degrees of freedom of that.
pub(super) struct Mean {
    pub(super) n: u64,
    pub(super) mean: f64,
    pub(super) squared_error: f64,
    pub(super) dof: f64,
}

impl Mean {
    fn of(arm: &Arm) -> Self {
        Self { n: arm.n(), mean: arm.mean(), squared_error: arm.squared_error(), dof: arm.n() as f64 - 1.0 }
    }
}

impl Effect {
    /// The effect of `treatment` against `control`.
    pub fn between(treatment: &Arm, control: &Arm, estimand: Estimand) -> Result<Self, Undecidable> {
        Self::of_means(&Mean::of(treatment), &Mean::of(control), estimand)
    }

    /// The same, of means whose errors need not be those of all units alike.
    pub(super) fn of_means(treatment: &Mean, control: &Mean, estimand: Estimand) -> Result<Self, Undecidable> {
        let errors = [control.squared_error, treatment.squared_error];
        if errors.contains(&0.0) {
            return Err(Undecidable::NoVariance);
        }
        if estimand == Estimand::Relative && control.mean <= 0.0 {
            return Err(Undecidable::NothingToRelateTo);
        }
        let estimate = estimand.of(control.mean, treatment.mean);
        let standard_error = estimand.squared_error(control.mean, errors[0], treatment.mean, errors[1]).sqrt();
        let total = errors[0] + errors[1];
        let part = |error: f64, dof: f64| (error / total).powi(2) / dof;
        let dof = 1.0 / (part(errors[0], control.dof) + part(errors[1], treatment.dof));
        let within_reach = estimate.is_finite() && standard_error.is_normal() && dof.is_finite();
        let effect = Self { estimand, estimate, standard_error, n: control.n + treatment.n, dof };
        within_reach.then_some(effect).ok_or(Undecidable::Impossible)
    }

    /// The estimate with the interval and the probability of `inference`.
    pub fn read(&self, inference: &Inference) -> Reading {
        let z = self.estimate / self.standard_error;
        let (quantile, p) = match inference.mixing(self.n as f64, self.standard_error) {
            None => (student_quantile(inference.alpha(), self.dof), student_two_sided(z, self.dof)),
            Some(mixing) => (mixing.boundary(inference.alpha()), mixing.p(z)),
        };
        let (low, high) = around(self.estimate, quantile * self.standard_error);
        Reading { estimate: self.estimate, low, high, p }
    }

    /// What to believe with a flat prior and a normal likelihood, for an interval that holds the effect with a probability of 1 − `alpha`. A flat
    /// prior does not guard against looking until it pleases. `None` where `alpha` is not between 0 and 1.
    pub fn posterior(&self, better: Better, alpha: f64) -> Option<Posterior> {
        if !(alpha > 0.0 && alpha < 1.0) {
            return None;
        }
        let chance_to_win = normal_tail(-better.sign() * self.estimate / self.standard_error);
        let (low, high) = around(self.estimate, normal_quantile(alpha / 2.0) * self.standard_error);
        // What the part of a normal effect that lies on the other side of zero than its mean adds up to; the rest follows from the mean.
        let z = (self.estimate / self.standard_error).abs();
        let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let surprise = ((density - z * normal_tail(z)) * self.standard_error).max(0.0);
        let gain = better.sign() * self.estimate;
        let loss = |sure: f64| (sure.max(0.0) + surprise).min(f64::MAX);
        let (expected_loss, expected_loss_of_control) = (loss(-gain), loss(gain));
        Some(Posterior { chance_to_win, low, high, expected_loss, expected_loss_of_control })
    }
}

impl Estimand {
    /// The effect between two means.
    fn of(self, control: f64, treatment: f64) -> f64 {
        match self {
            Self::Absolute => treatment - control,
            Self::Relative => (treatment - control) / control,
        }
    }

    /// The squared standard error of the effect between two means that have those, for the relative one by the delta method (Deng, Knoblich and Lu
    /// 2018, "Applying the delta method in metric analytics").
    pub(super) fn squared_error(self, control: f64, of_control: f64, treatment: f64, of_treatment: f64) -> f64 {
        match self {
            Self::Absolute => of_treatment + of_control,
            Self::Relative => (of_treatment + of_control * (treatment / control).powi(2)) / (control * control),
        }
    }
}

/// `middle` less and plus `half`, kept finite.
fn around(middle: f64, half: f64) -> (f64, f64) {
    ((middle - half).max(f64::MIN), (middle + half).min(f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::Moments;
    use proptest::prelude::*;

    /// Half a unit of the last printed digit.
    fn printed(found: f64, wanted: f64, digits: i32) {
        assert!((found - wanted).abs() <= 0.5 * 10f64.powi(-digits), "{found} {wanted}");
    }

    fn read(treatment: Arm, control: Arm, estimand: Estimand, inference: Option<Inference>) -> Reading {
        Effect::between(&treatment, &control, estimand).unwrap().read(&inference.unwrap())
    }

    /// GrowthBook's own test of its t test (packages/stats/tests/frequentist/test_tests.py): the same arms on both scales.
    #[test]
    fn growthbooks_two_scales_of_the_same_arms() {
        let (control, treatment) =
            (Arm::new(3_407, 0.41, 3.9 * 3.9).unwrap(), Arm::new(3_461, 0.70, 6.2 * 6.2).unwrap());
        let relative = read(treatment, control, Estimand::Relative, Inference::fixed(0.05));
        for (found, wanted) in [
            (relative.estimate, 0.707_32),
            (relative.low, -0.035_26),
            (relative.high, 1.449_89),
            (relative.p, 0.061_91),
        ] {
            printed(found, wanted, 5);
        }
        let absolute = read(treatment, control, Estimand::Absolute, Inference::fixed(0.05));
        for (found, wanted) in
            [(absolute.estimate, 0.29), (absolute.low, 0.045_38), (absolute.high, 0.534_62), (absolute.p, 0.020_16)]
        {
            printed(found, wanted, 5);
        }
    }

    /// GrowthBook's engine, gbstats 0.8.0, run on shares: fixed and sequential with N* = 5,000.
    #[test]
    fn growthbooks_intervals_of_shares() {
        let (control, treatment) = (Arm::proportion(1_396, 3_000).unwrap(), Arm::proportion(2_422, 3_461).unwrap());
        let cases = [
            (Estimand::Relative, Inference::fixed(0.05), 0.503_863, 0.437_485, 0.570_241),
            (Estimand::Relative, Inference::always_valid(0.05), 0.503_863, 0.400_978, 0.606_748),
            (Estimand::Absolute, Inference::fixed(0.05), 0.234_464, 0.210_970, 0.257_959),
            (Estimand::Absolute, Inference::always_valid(0.05), 0.234_464, 0.198_049, 0.270_880),
        ];
        for (estimand, inference, estimate, low, high) in cases {
            let found = read(treatment, control, estimand, inference);
            printed(found.estimate, estimate, 6);
            printed(found.low, low, 6);
            printed(found.high, high, 6);
        }
    }

    /// The same engine on sums of revenue: fixed and sequential with N* = 1,000.
    #[test]
    fn growthbooks_intervals_of_sums() {
        let control = Moments { n: 3_000, sum: 1_396.87, squares: 52_377.976_7 }.arm().unwrap();
        let treatment = Moments { n: 3_461, sum: 2_422.7, squares: 134_698.29 }.arm().unwrap();
        let fixed = read(treatment, control, Estimand::Relative, Inference::fixed(0.05));
        printed(fixed.low, -0.150_245, 6);
        printed(fixed.high, 1.156_967, 6);
        printed(fixed.p, 0.131_165, 6);
        let sequential = read(treatment, control, Estimand::Relative, Inference::always_valid_near(0.05, 1_000.0));
        printed(sequential.low, -0.558_441, 6);
        printed(sequential.high, 1.565_163, 6);
        assert_eq!(sequential.p, 1.0);
    }

    /// The same engine on a ratio of sums, and what it says of the sequential p.
    #[test]
    fn growthbooks_ratio() {
        use crate::experiments::Paired;
        let control = Paired { n: 1_000, y: 300.0, yy: 869.0, x: 500.0, xx: 800.0, xy: 610.0 }.ratio().unwrap();
        let treatment = Paired { n: 1_100, y: 400.0, yy: 1_100.0, x: 570.0, xx: 900.0, xy: 800.0 }.ratio().unwrap();
        let absolute = read(treatment, control, Estimand::Absolute, Inference::fixed(0.05));
        printed(absolute.estimate, 0.101_754_386, 9);
        printed(absolute.low, -0.005_604_643, 9);
        printed(absolute.high, 0.209_113_415, 9);
        printed(absolute.p, 0.063_206_789, 9);
        let relative = read(treatment, control, Estimand::Relative, Inference::fixed(0.05));
        printed(relative.low, -0.027_147_177, 9);
        printed(relative.p, 0.091_081_412, 9);
        let sequential = read(treatment, control, Estimand::Absolute, Inference::always_valid(0.05));
        printed(sequential.low, -0.068_700_612, 9);
        printed(sequential.p, 0.551_194_806, 9);
    }

    /// GrowthBook's Bayesian engine with a flat prior, of the relative effect.
    #[test]
    fn growthbooks_chance_to_win() {
        let (control, treatment) = (Arm::proportion(490, 1_000).unwrap(), Arm::proportion(510, 1_000).unwrap());
        let effect = Effect::between(&treatment, &control, Estimand::Relative).unwrap();
        let found = effect.posterior(Better::Higher, 0.05).unwrap();
        printed(found.chance_to_win, 0.809_63, 5);
        printed(found.low, -0.050_45, 5);
        printed(found.high, 0.132_08, 5);
        let other = effect.posterior(Better::Lower, 0.05).unwrap();
        assert!((other.chance_to_win + found.chance_to_win - 1.0).abs() < 1e-15);
        assert_eq!(effect.posterior(Better::Higher, 1.0), None);
        assert_eq!(effect.posterior(Better::Higher, f64::NAN), None);
    }

    /// Oracle: the loss at each of many effects, times how likely that is, added up.
    #[test]
    fn losses_are_means_over_the_posterior() {
        let arm = |mean| Arm::new(400, mean, 4.0).unwrap();
        for mean in [1.0, 1.1, 0.8, 1.6, 9.0] {
            let effect = Effect::between(&arm(mean), &arm(1.0), Estimand::Absolute).unwrap();
            let step = effect.standard_error / 500.0;
            let (mut losses, mut all) = ([0.0; 2], 0.0);
            for at in -6_000_i32..=6_000 {
                let z = f64::from(at) / 500.0;
                let (own, likely) = (effect.estimate + f64::from(at) * step, (-z * z / 2.0).exp());
                all += likely;
                losses[0] += likely * (-own).max(0.0);
                losses[1] += likely * own.max(0.0);
            }
            let found = effect.posterior(Better::Higher, 0.05).unwrap();
            assert!((found.expected_loss - losses[0] / all).abs() < 1e-6, "{found:?}");
            assert!((found.expected_loss_of_control - losses[1] / all).abs() < 1e-6, "{found:?}");
            let lower = effect.posterior(Better::Lower, 0.05).unwrap();
            assert_eq!(lower.expected_loss, found.expected_loss_of_control);
        }
    }

    #[test]
    fn what_cannot_be_compared_has_its_reason() {
        let arm = |mean, variance| Arm::new(10, mean, variance).unwrap();
        let between = |treatment: Arm, control: Arm, estimand| Effect::between(&treatment, &control, estimand).err();
        assert_eq!(between(arm(1.0, 0.0), arm(1.0, 1.0), Estimand::Absolute), Some(Undecidable::NoVariance));
        assert_eq!(between(arm(1.0, 1.0), arm(0.0, 0.0), Estimand::Relative), Some(Undecidable::NoVariance));
        assert_eq!(between(arm(1.0, 1.0), arm(0.0, 1.0), Estimand::Relative), Some(Undecidable::NothingToRelateTo));
        assert_eq!(between(arm(1.0, 1.0), arm(-2.0, 1.0), Estimand::Relative), Some(Undecidable::NothingToRelateTo));
        assert_eq!(between(arm(1e308, 1.0), arm(-1e308, 1.0), Estimand::Absolute), Some(Undecidable::Impossible));
        assert_eq!(between(arm(1.0, 1.0), arm(-2.0, 1.0), Estimand::Absolute), None);
    }

    proptest! {
        /// Whatever the arms, what is said of them is finite, in order and a probability.
        #[test]
        fn nothing_said_is_infinite_or_not_a_number(
            n in 2u64..9_000, of in 2u64..9_000, mean in -1e9..1e9, other in -1e9..1e9, scale in -300i32..300, relative: bool
        ) {
            let arm = |n, mean| Arm::new(n, mean, 10f64.powi(scale)).unwrap();
            let estimand = if relative { Estimand::Relative } else { Estimand::Absolute };
            let Ok(effect) = Effect::between(&arm(n, mean), &arm(of, other), estimand) else { return Ok(()) };
            for inference in [Inference::fixed(0.05), Inference::always_valid(0.05), Inference::mixture(0.05, 1e-4)] {
                let found = effect.read(&inference.unwrap());
                prop_assert!(found.low.is_finite() && found.high.is_finite(), "{found:?}");
                prop_assert!(found.low <= found.estimate && found.estimate <= found.high, "{found:?}");
                prop_assert!((0.0..=1.0).contains(&found.p), "{found:?}");
            }
        }

        /// The interval leaves out zero exactly where the probability is below alpha.
        #[test]
        fn interval_and_probability_agree(n in 2u64..9_000, mean in 0.0..2.0, alpha in 0.001..0.5) {
            let (treatment, control) = (Arm::new(n, mean, 4.0).unwrap(), Arm::new(n, 1.0, 2.0).unwrap());
            let effect = Effect::between(&treatment, &control, Estimand::Absolute).unwrap();
            for inference in [Inference::fixed(alpha), Inference::always_valid(alpha), Inference::mixture(alpha, 0.01)] {
                let found = effect.read(&inference.unwrap());
                prop_assume!((found.p - alpha).abs() > 1e-9);
                prop_assert_eq!(found.p < alpha, found.low > 0.0 || found.high < 0.0, "{:?}", found);
            }
        }
    }
}
