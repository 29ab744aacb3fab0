//! What an aggregate query hands over about a metric in one arm, and the mean with its spread that follows.
//!
//! Always holds: moments are sums, so those of two parts of an arm add up to those of the whole. An [`Arm`] is valid by construction: at least two
//! units, finite, and its variance not negative.
//!
//! Does not do: precision beyond that of sums. Where the mean is more than a million times the standard deviation, their difference drowns in rounding
//! and counts as none: hand over such values less a constant.

use super::Undecidable;

/// How much of a sum of squares is rounding: less than this share of it is no spread.
const ROUNDING: f64 = 1e-12;

/// The moments of one quantity over the units of an arm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many units.
    pub n: u64,
    /// The sum over the units.
    pub sum: f64,
    /// The sum of the squares.
    pub squares: f64,
}

/// The joint moments of two quantities over the units of an arm: a metric `y` and a covariate `x`, or a ratio's numerator `y` and denominator `x`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Paired {
    /// How many units.
    pub n: u64,
    /// The sum of y.
    pub y: f64,
    /// The sum of y².
    pub yy: f64,
    /// The sum of x.
    pub x: f64,
    /// The sum of x².
    pub xx: f64,
    /// The sum of x·y.
    pub xy: f64,
}

/// A metric in one arm: its mean, and the variance among units that says how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    n: u64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Those of this and another part together.
    pub fn merged(self, other: Self) -> Self {
        Self { n: self.n + other.n, sum: self.sum + other.sum, squares: self.squares + other.squares }
    }

    /// The mean over the units, with the unbiased variance (divided by n − 1).
    pub fn arm(self) -> Result<Arm, Undecidable> {
        let n = self.n as f64;
        Arm::new(self.n, self.sum / n, centred(n, self.sum, self.squares) / (n - 1.0))
    }
}

impl Paired {
    /// Those of this and another part together.
    pub fn merged(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            y: self.y + other.y,
            yy: self.yy + other.yy,
            x: self.x + other.x,
            xx: self.xx + other.xx,
            xy: self.xy + other.xy,
        }
    }

    /// The sum of y over the sum of x, such as revenue an order where customers were assigned, with the variance by the delta method (Deng, Knoblich
    /// and Lu 2018, "Applying the delta method in metric analytics"): that of y − rx, a unit at a time, over the squared mean of x.
    pub fn ratio(self) -> Result<Arm, Undecidable> {
        if self.x == 0.0 {
            return Err(Undecidable::NoDenominator);
        }
        let ratio = self.y / self.x;
        let mean = self.x / self.n as f64;
        Arm::new(self.n, ratio, self.residual(ratio) / (self.n as f64 - 1.0) / (mean * mean))
    }

    /// The squared deviations of y, of x, and the products of both, each about the arm's own means.
    pub(super) fn about_the_means(self) -> (f64, f64, f64) {
        let n = self.n as f64;
        (centred(n, self.y, self.yy), centred(n, self.x, self.xx), self.xy - self.x * self.y / n)
    }

    /// The squared deviations of y − slope·x about their mean.
    pub(super) fn residual(self, slope: f64) -> f64 {
        let (yy, xx, xy) = self.about_the_means();
        beyond_rounding(yy - 2.0 * slope * xy + slope * slope * xx, yy + slope * slope * xx)
    }
}

impl Arm {
    /// An arm of `n` units whose mean is `mean` and whose units vary by `variance` about it.
    pub fn new(n: u64, mean: f64, variance: f64) -> Result<Self, Undecidable> {
        if n < 2 {
            return Err(Undecidable::TooFew);
        }
        if !mean.is_finite() || !variance.is_finite() || variance < 0.0 {
            return Err(Undecidable::Impossible);
        }
        Ok(Self { n, mean, variance })
    }

    /// An arm in which `successes` of `n` units have something, with the variance p(1 − p) of a Bernoulli trial, not divided by n − 1.
    pub fn proportion(successes: u64, n: u64) -> Result<Self, Undecidable> {
        if successes > n {
            return Err(Undecidable::Impossible);
        }
        let share = successes as f64 / n as f64;
        Self::new(n, share, share * (1.0 - share))
    }

    /// How many units.
    pub fn n(self) -> u64 {
        self.n
    }

    /// The mean over the units: a mean, a share or a ratio.
    pub fn mean(self) -> f64 {
        self.mean
    }

    /// The variance among units.
    pub fn variance(self) -> f64 {
        self.variance
    }

    /// The squared standard error of the mean.
    pub(super) fn squared_error(self) -> f64 {
        self.variance / self.n as f64
    }
}

/// The sum of squares about the mean.
fn centred(n: f64, sum: f64, squares: f64) -> f64 {
    beyond_rounding(squares - sum * sum / n, squares)
}

/// `found`, or nothing where it is no more than the rounding of terms as large as `of`. A clearly negative one stays, for it has no possible values.
fn beyond_rounding(found: f64, of: f64) -> f64 {
    if found.abs() <= ROUNDING * of { 0.0 } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moments(values: &[f64]) -> Moments {
        values.iter().fold(Moments::default(), |sum, it| sum.merged(Moments { n: 1, sum: *it, squares: it * it }))
    }

    fn paired(values: &[(f64, f64)]) -> Paired {
        let one = |(y, x): &(f64, f64)| Paired { n: 1, y: *y, yy: y * y, x: *x, xx: x * x, xy: x * y };
        values.iter().map(one).fold(Paired::default(), Paired::merged)
    }

    /// By hand: the mean is 5, and the squares about it add up to 32.
    #[test]
    fn a_sample_with_whole_numbers() {
        let arm = moments(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).arm().unwrap();
        assert_eq!((arm.n(), arm.mean(), arm.variance()), (8, 5.0, 32.0 / 7.0));
        let share = Arm::proportion(1, 4).unwrap();
        assert_eq!((share.mean(), share.variance()), (0.25, 0.1875));
    }

    #[test]
    fn what_has_no_mean_or_spread_has_its_reason() {
        assert_eq!(moments(&[]).arm(), Err(Undecidable::TooFew));
        assert_eq!(moments(&[1.0]).arm(), Err(Undecidable::TooFew));
        assert_eq!(moments(&[1.0, f64::NAN]).arm(), Err(Undecidable::Impossible));
        assert_eq!(moments(&[1e200, 0.0]).arm(), Err(Undecidable::Impossible));
        assert_eq!(Moments { n: 9, sum: 9.0, squares: 1.0 }.arm(), Err(Undecidable::Impossible));
        assert_eq!(Arm::proportion(5, 4), Err(Undecidable::Impossible));
        assert_eq!(Arm::proportion(0, 0), Err(Undecidable::TooFew));
        assert_eq!(paired(&[(1.0, 0.0), (2.0, 0.0)]).ratio(), Err(Undecidable::NoDenominator));
        assert_eq!(paired(&[(1.0, 1.0)]).ratio(), Err(Undecidable::TooFew));
    }

    /// A thousand times 0.1 does not add up to 100 exactly, nor do ratios of a third: rounding is no spread.
    #[test]
    fn units_that_do_not_differ_have_no_variance() {
        assert_eq!(moments(&[0.1; 1_000]).arm().unwrap().variance(), 0.0);
        let thirds: Vec<_> = (1..500).map(|it| (f64::from(it) / 3.0, f64::from(it))).collect();
        assert_eq!(paired(&thirds).ratio().unwrap().variance(), 0.0);
    }

    proptest! {
        /// Oracle: the mean first, then the squares about it, over all values; and it does not matter how the values were parted.
        #[test]
        fn sums_give_the_variance_of_two_passes(values in prop::collection::vec(-1e3..1e3, 2..60), at in 0usize..60) {
            let arm = moments(&values).arm().unwrap();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64;
            prop_assert!((arm.mean() - mean).abs() < 1e-9 && (arm.variance() - variance).abs() < 1e-6);
            let (some, others) = values.split_at(at.min(values.len()));
            let merged = moments(some).merged(moments(others)).arm().unwrap();
            prop_assert!((arm.variance() - merged.variance()).abs() < 1e-6);
        }

        /// Oracle: the variance of y − rx over all units, computed in two passes.
        #[test]
        fn a_ratio_has_the_variance_of_its_residuals(values in prop::collection::vec((0.0..50.0, 1.0..9.0), 2..60)) {
            let arm = paired(&values).ratio().unwrap();
            let n = values.len() as f64;
            let (y, x) = values.iter().fold((0.0, 0.0), |(ys, xs), (y, x)| (ys + y, xs + x));
            let variance = values.iter().map(|(own_y, own_x)| (own_y - y / x * own_x).powi(2)).sum::<f64>() / (n - 1.0);
            prop_assert!((arm.mean() - y / x).abs() < 1e-9);
            prop_assert!((arm.variance() - variance / (x / n).powi(2)).abs() < 1e-6);
        }
    }
}
