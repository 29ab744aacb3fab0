//! How many units an experiment needs to notice an effect, how small an effect given units can notice, and for how long to run.
//!
//! Plans the reading that will be done: the same standard error as [`super::Effect`], with each arm's own variance, and the same boundary as
//! [`Inference`]. For shares this is the formula of Chow, Shao and Wang (2008, section 4.2.1); R's `power.prop.test` pools the shares instead and asks
//! for a little more. Normal throughout, so that with fewer than some fifty units an arm the t test needs one or two more, and for relative
//! effects of a fifth and more the plan is as rough as the delta method.
//!
//! Always holds: several treatments share alpha equally, as is needed for the only effect among them to be found by [`super::readout`]. An always
//! valid reading is planned for its last look; it often ends earlier.

use super::{Better, Estimand, Inference};
use crate::bisection::least;
use crate::distributions::normal_quantile;

/// What is known of a metric before the experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Baseline {
    /// A mean over units that vary by `variance`, with and without treatment. After [`super::Cuped`] that is the variance left over.
    Mean {
        /// The control's mean.
        mean: f64,
        /// The variance among units.
        variance: f64,
    },
    /// The share of units that have something, between 0 and 1.
    Proportion(f64),
}

/// An experiment to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// What is known of the metric.
    pub baseline: Baseline,
    /// The scale on which effects are given and will be read.
    pub estimand: Estimand,
    /// How they will be read, and at which alpha.
    pub inference: Inference,
    /// The chance of noticing the effect if it is there, such as 0.8.
    pub power: f64,
    /// The share of units that go to the control; the rest is parted equally among the treatments.
    pub control: f64,
    /// How many treatments are compared with the control.
    pub treatments: u32,
}

/// How many units each arm needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The control.
    pub control: u64,
    /// Each treatment.
    pub treatment: u64,
    /// All arms together.
    pub total: u64,
}

impl Plan {
    /// The units needed for an `effect`, negative for a fall. `None` where no number of units is enough or the plan has no possible values.
    pub fn sizes(&self, effect: f64) -> Option<Sizes> {
        if effect == 0.0 {
            return None;
        }
        self.surplus(effect, 2.0)?;
        let total = least(2.0, |total| self.surplus(effect, total).is_some_and(|it| it >= 0.0))?;
        let arm = |share: f64| (total * share).ceil() as u64;
        let (control, treatment) = (arm(self.control), arm(self.treatment()));
        Some(Sizes { control, treatment, total: control + treatment * u64::from(self.treatments) })
    }

    /// The smallest effect in this direction that `total` units in all arms notice. `None` where they notice none or the plan has no possible values.
    pub fn detectable(&self, total: u64, better: Better) -> Option<f64> {
        let signed = |size: f64| better.sign() * size;
        let room = self.room(better);
        // Beyond the room there is nothing to plan for: whatever is found there is no answer.
        let noticed = |size: f64| size >= room || self.surplus(signed(size), total as f64).is_some_and(|it| it >= 0.0);
        least(1.0, noticed).filter(|size| *size < room * (1.0 - 1e-9)).map(signed)
    }

    /// How far the effect in standard errors is beyond what it has to be; `None` where the plan has no possible values.
    fn surplus(&self, effect: f64, total: f64) -> Option<f64> {
        let (mean, variance) = self.baseline.moments(0.0)?;
        let change = match self.estimand {
            Estimand::Absolute => effect,
            Estimand::Relative if mean > 0.0 => effect * mean,
            Estimand::Relative => return None,
        };
        let (treated, treated_variance) = self.baseline.moments(change)?;
        let possible = self.power > 0.0
            && self.power < 1.0
            && self.control > 0.0
            && self.control < 1.0
            && self.treatments > 0
            && total > 0.0;
        if !possible {
            return None;
        }
        let (in_control, in_treatment) = (total * self.control, total * self.treatment());
        let squared_error =
            self.estimand.squared_error(mean, variance / in_control, treated, treated_variance / in_treatment);
        let level = self.inference.alpha() / f64::from(self.treatments);
        let boundary = self.inference.boundary(in_control + in_treatment, squared_error.sqrt(), level);
        let surplus = effect.abs() / squared_error.sqrt() - boundary - normal_quantile(1.0 - self.power);
        surplus.is_finite().then_some(surplus)
    }

    /// The share of units that go to each treatment.
    fn treatment(&self) -> f64 {
        (1.0 - self.control) / f64::from(self.treatments)
    }

    /// How large an effect in this direction can be at all.
    fn room(&self, better: Better) -> f64 {
        let Baseline::Proportion(share) = self.baseline else { return f64::INFINITY };
        let absolute = if better == Better::Higher { 1.0 - share } else { share };
        match self.estimand {
            Estimand::Absolute => absolute,
            Estimand::Relative => absolute / share,
        }
    }
}

impl Baseline {
    /// The mean and the variance of a unit after a change of the mean, if they are possible.
    fn moments(self, change: f64) -> Option<(f64, f64)> {
        let (mean, variance) = match self {
            Self::Mean { mean, variance } => (mean + change, variance),
            Self::Proportion(share) => (share + change, (share + change) * (1.0 - share - change)),
        };
        (mean.is_finite() && variance.is_finite() && variance > 0.0).then_some((mean, variance))
    }
}

/// How many days it takes until `total` units are there when `a_day` arrive. `None` where none arrive.
pub fn days(total: u64, a_day: f64) -> Option<u64> {
    (a_day > 0.0 && a_day.is_finite()).then(|| (total as f64 / a_day).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(baseline: Baseline, power: f64) -> Plan {
        let inference = Inference::fixed(0.05).unwrap();
        Plan { baseline, estimand: Estimand::Absolute, inference, power, control: 0.5, treatments: 1 }
    }

    /// Kohavi, Longbotham, Sommerfield and Henne (2009), "Controlled experiments on the web", section 3.1: by n = 16σ²/Δ², over 409,000 users are
    /// needed for 5 % of $3.75 that vary by $30, and less than 122,000 for 5 % of a conversion of 5 %. Their 16 is 2(z₀.₉₇₅ + z₀.₈)² = 15.698 rounded up.
    #[test]
    fn the_rule_of_sixteen() {
        let exactly = 2.0 * (1.959_964_f64 + 0.841_621).powi(2);
        let revenue = plan(Baseline::Mean { mean: 3.75, variance: 900.0 }, 0.8).sizes(3.75 * 0.05).unwrap();
        assert_eq!(revenue.control, (409_600.0 * exactly / 16.0).ceil() as u64);
        // The rule takes the control's variance for both arms; the treatment's is 4.7 % larger.
        let conversion = plan(Baseline::Proportion(0.05), 0.8).sizes(0.05 * 0.05).unwrap();
        let variances = (0.05 * 0.95 + 0.0525 * 0.9475) / 2.0;
        assert_eq!(conversion.control, (exactly * variances / 0.0025_f64.powi(2)).ceil() as u64);
        assert!((conversion.control as f64 / 121_600.0 - 1.0).abs() < 0.01);
    }

    /// Chow, Shao and Wang (2008), section 4.2.1: shares of 0.65 and 0.85 need 70 an arm for a power of 80 %.
    #[test]
    fn a_textbooks_shares() {
        let found = plan(Baseline::Proportion(0.65), 0.8).sizes(0.2).unwrap();
        assert_eq!(found, Sizes { control: 70, treatment: 70, total: 140 });
    }

    /// R's manual: `power.t.test(delta = 1, power = 0.90)` gives 22.02, the t test's one more than the normal's 21.01, and
    /// `power.prop.test(p1 = .50, p2 = .75, power = .90)` gives 76.7, where pooling asks for three more than each arm's own variance does.
    #[test]
    fn close_to_rs_planners() {
        let mean = plan(Baseline::Mean { mean: 0.0, variance: 1.0 }, 0.9).sizes(1.0).unwrap();
        assert_eq!(mean.control, 22);
        let share = plan(Baseline::Proportion(0.5), 0.9).sizes(0.25).unwrap();
        assert_eq!(share.control, 74);
        let pooled =
            (1.959_964_f64 * (2.0 * 0.625 * 0.375_f64).sqrt() + 1.281_552 * 0.437_5_f64.sqrt()).powi(2) / 0.0625;
        assert!((pooled - 76.7).abs() < 0.05);
    }

    /// Where two shares are near to each other, it matters little how their variances are put together: R's manual of `power.prop.test` prints n = 10451937
    /// an arm for `p1 = .5, p2 = 0.501, sig.level = .001, power = 0.90`, and the vignette of the package `pwr` (arcsine, so that variances are those of the
    /// middle) n = 1564.529 for `ES.h(p1 = 0.55, p2 = 0.50)` at 0.05 and 0.80 (cran.r-project.org/web/packages/pwr/vignettes/pwr-vignette.html).
    #[test]
    fn close_shares_as_other_planners_have_them() {
        let near =
            |found: u64, published: f64, most: f64| assert!((found as f64 / published - 1.0).abs() < most, "{found}");
        let strict = Plan { inference: Inference::fixed(0.001).unwrap(), ..plan(Baseline::Proportion(0.5), 0.9) };
        near(strict.sizes(0.001).unwrap().control, 10_451_937.0, 1e-6);
        // The other way the share falls below a half by as much: the same variances, the same size.
        assert_eq!(strict.sizes(-0.001), strict.sizes(0.001));
        near(plan(Baseline::Proportion(0.50), 0.8).sizes(0.05).unwrap().control, 1_564.529, 2e-3);
        near(plan(Baseline::Proportion(0.55), 0.8).sizes(-0.05).unwrap().control, 1_564.529, 2e-3);
        // What these units notice is the difference that was planned for.
        let found = strict.detectable(2 * 10_451_937, Better::Higher).unwrap();
        assert!((found / 0.001 - 1.0).abs() < 1e-6, "{found}");
    }

    #[test]
    fn more_arms_an_uneven_split_and_looking_always_cost_units() {
        let one = plan(Baseline::Proportion(0.1), 0.8);
        let total = |plan: Plan| plan.sizes(0.01).unwrap().total;
        assert!(total(Plan { control: 0.9, ..one }) > total(Plan { control: 0.7, ..one }));
        assert!(total(Plan { control: 0.7, ..one }) > total(one));
        assert!(total(Plan { treatments: 3, control: 0.25, ..one }) > 2 * total(one));
        let always = total(Plan { inference: Inference::always_valid(0.05).unwrap(), ..one });
        assert!(always > total(one) && always < 4 * total(one), "{always}");
        let tuned = Inference::always_valid_near(0.05, total(one) as f64).unwrap();
        assert!(total(Plan { inference: tuned, ..one }) < always);
        // Two treatments share alpha: each comparison is that of one at half of it.
        let half = Plan { inference: Inference::fixed(0.025).unwrap(), ..one }.sizes(0.01).unwrap();
        let thirds = Plan { treatments: 2, control: 1.0 / 3.0, ..one }.sizes(0.01).unwrap();
        assert_eq!(half.control, thirds.control);
    }

    #[test]
    fn what_no_number_of_units_notices_has_no_size() {
        let one = plan(Baseline::Proportion(0.1), 0.8);
        for effect in [0.0, 0.9, -0.1, f64::NAN] {
            assert_eq!(one.sizes(effect), None);
        }
        assert_eq!(plan(Baseline::Mean { mean: 0.0, variance: 0.0 }, 0.8).sizes(1.0), None);
        assert_eq!(plan(Baseline::Proportion(0.1), 1.0).sizes(0.1), None);
        assert_eq!(Plan { control: 1.0, ..one }.sizes(0.1), None);
        assert_eq!(Plan { treatments: 0, ..one }.sizes(0.1), None);
        let debt = Plan { estimand: Estimand::Relative, ..plan(Baseline::Mean { mean: -1.0, variance: 1.0 }, 0.8) };
        assert_eq!(debt.sizes(0.1), None);
        assert_eq!(one.detectable(10, Better::Lower), None);
        assert_eq!(one.detectable(0, Better::Higher), None);
    }

    #[test]
    fn days_are_whole() {
        assert_eq!(days(1_000, 300.0), Some(4));
        assert_eq!(days(900, 300.0), Some(3));
        assert_eq!(days(900, 0.0), None);
        assert_eq!(days(900, f64::NAN), None);
    }

    proptest! {
        /// Each is the inverse of the other: what is just noticed by the units needs these units.
        #[test]
        fn sizes_and_detectable_effects_are_inverse(
            share in 0.02..0.9, total in 2_000u64..5_000_000, control in 0.1..0.9, treatments in 1u32..4,
            relative: bool, always: bool, lower: bool,
        ) {
            let inference = if always { Inference::always_valid(0.05) } else { Inference::fixed(0.05) }.unwrap();
            let estimand = if relative { Estimand::Relative } else { Estimand::Absolute };
            let better = if lower { Better::Lower } else { Better::Higher };
            let plan = Plan { baseline: Baseline::Proportion(share), estimand, inference, power: 0.8, control, treatments };
            let Some(effect) = plan.detectable(total, better) else { return Ok(()) };
            let found = plan.sizes(effect).unwrap().total;
            prop_assert!(found.abs_diff(total) <= 2 + u64::from(treatments) + total / 1_000_000, "{found} {total}");
        }
    }
}
