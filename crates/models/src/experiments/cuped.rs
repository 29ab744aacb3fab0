//! Taking out of a metric what was known of the units before the experiment, so that the same units decide more.
//!
//! Deng, Xu, Kohavi and Walker (2013), "Improving the sensitivity of online controlled experiments by utilizing pre-experiment data": y − θ(x − x̄)
//! has the mean of y and its variance times 1 − ρ², with θ = cov(y, x)/var(x).
//!
//! Always holds: the covariate was settled before units were assigned. One that the treatment can move takes the effect out along with the noise.

use super::{Arm, Paired, Undecidable};

/// The adjustment of a metric `y` by a covariate `x`, one for all arms of an experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cuped {
    /// How much of y a unit of x stands for.
    pub theta: f64,
    /// The share of the variance within arms that is taken out: ρ².
    pub reduction: f64,
    /// The mean of x over all arms.
    centre: f64,
}

impl Cuped {
    /// Estimated from the differences within each arm, so that the effect itself has no part in it. A covariate in which nobody differs adjusts
    /// nothing.
    pub fn over(arms: &[Paired]) -> Result<Self, Undecidable> {
        let all = arms.iter().copied().fold(Paired::default(), Paired::merged);
        if all.n < 2 {
            return Err(Undecidable::TooFew);
        }
        let within = arms.iter().filter(|arm| arm.n > 0).map(|arm| arm.about_the_means());
        let (yy, xx, xy) = within.fold((0.0, 0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1, sum.2 + it.2));
        let centre = all.x / all.n as f64;
        if ![yy, xx, xy, centre].iter().all(|it| it.is_finite()) || yy < 0.0 || xx < 0.0 {
            return Err(Undecidable::Impossible);
        }
        if yy == 0.0 || xx == 0.0 {
            return Ok(Self { theta: 0.0, reduction: 0.0, centre });
        }
        let theta = xy / xx;
        Ok(Self { theta, reduction: (theta * xy / yy).min(1.0), centre })
    }

    /// One of the arms, adjusted.
    pub fn arm(&self, arm: &Paired) -> Result<Arm, Undecidable> {
        let n = arm.n as f64;
        Arm::new(arm.n, arm.y / n - self.theta * (arm.x / n - self.centre), arm.residual(self.theta) / (n - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paired(values: &[(f64, f64)]) -> Paired {
        let one = |(y, x): &(f64, f64)| Paired { n: 1, y: *y, yy: y * y, x: *x, xx: x * x, xy: x * y };
        values.iter().map(one).fold(Paired::default(), Paired::merged)
    }

    /// Where y is twice x and the treatment adds 3, nothing of the noise is left, and all of the effect.
    #[test]
    fn what_was_known_before_is_taken_out_and_the_effect_stays() {
        let control: Vec<_> = (0..50).map(|it| (2.0 * f64::from(it), f64::from(it))).collect();
        let treatment: Vec<_> = (0..50).map(|it| (2.0 * f64::from(it) + 3.0, f64::from(it))).collect();
        let cuped = Cuped::over(&[paired(&control), paired(&treatment)]).unwrap();
        assert!((cuped.theta - 2.0).abs() < 1e-12 && (cuped.reduction - 1.0).abs() < 1e-12);
        let (control, treatment) = (cuped.arm(&paired(&control)).unwrap(), cuped.arm(&paired(&treatment)).unwrap());
        assert!((treatment.mean() - control.mean() - 3.0).abs() < 1e-12);
        assert_eq!((control.variance(), treatment.variance()), (0.0, 0.0));
    }

    #[test]
    fn a_covariate_in_which_nobody_differs_adjusts_nothing() {
        let arm = paired(&[(1.0, 7.0), (2.0, 7.0), (4.0, 7.0)]);
        let cuped = Cuped::over(&[arm, Paired::default()]).unwrap();
        assert_eq!((cuped.theta, cuped.reduction), (0.0, 0.0));
        let adjusted = cuped.arm(&arm).unwrap();
        assert!((adjusted.mean() - 7.0 / 3.0).abs() < 1e-12 && (adjusted.variance() - 7.0 / 3.0).abs() < 1e-12);
        assert_eq!(cuped.arm(&Paired::default()), Err(Undecidable::TooFew));
        assert_eq!(Cuped::over(&[]), Err(Undecidable::TooFew));
    }

    proptest! {
        /// Oracle: the adjusted values themselves, a unit at a time; no other slope leaves less of the variance within arms.
        #[test]
        fn sums_give_what_adjusted_units_give(
            arms in prop::collection::vec(prop::collection::vec((-9.0..9.0, -9.0..9.0), 3..30), 2..4),
            other in -5.0..5.0,
        ) {
            let sums: Vec<Paired> = arms.iter().map(|arm| paired(arm)).collect();
            let cuped = Cuped::over(&sums).unwrap();
            let all: Vec<f64> = arms.iter().flatten().map(|(_, x)| *x).collect();
            let centre = all.iter().sum::<f64>() / all.len() as f64;
            let spread = |units: &[(f64, f64)], slope: f64| {
                let adjusted: Vec<f64> = units.iter().map(|(y, x)| y - slope * (x - centre)).collect();
                let mean = adjusted.iter().sum::<f64>() / adjusted.len() as f64;
                (mean, adjusted.iter().map(|it| (it - mean).powi(2)).sum::<f64>())
            };
            let within = |slope: f64| arms.iter().map(|arm| spread(arm, slope).1).sum::<f64>();
            prop_assert!(within(cuped.theta) <= within(other) + 1e-6);
            prop_assert!((1.0 - within(cuped.theta) / within(0.0) - cuped.reduction).abs() < 1e-6);
            for (units, sums) in arms.iter().zip(&sums) {
                let (mean, squares) = spread(units, cuped.theta);
                let found = cuped.arm(sums).unwrap();
                prop_assert!((found.mean() - mean).abs() < 1e-9);
                prop_assert!((found.variance() - squares / (units.len() - 1) as f64).abs() < 1e-6);
            }
        }
    }
}
