//! Whether two scores differ: waves, segments, channels. Many of them at once, without calling chance a finding.
//!
//! | Measure | Interval | Test |
//! |---|---|---|
//! | Net Promoter Score | adjusted Wald of both (Lewis and Sauro 2021, "How to statistically compare two Net Promoter Scores") | z of the same |
//! | share | Newcombe 1998, hybrid score, method 10 of "Interval estimation for the difference between independent proportions" | N − 1 two-proportion test (Campbell 2007, "Chi-squared and Fisher-Irwin tests of two-by-two tables with small sample recommendations") |
//! | mean | Welch 1947 | the same |

use super::score::{adjusted, wilson, within};
use super::{Confidence, FEW, Measure, Parts, Shares};
use crate::discovery;
use crate::distributions::{normal_tail, student_quantile, student_two_sided};

/// How far a score is from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// What was measured: the first less the second, in the unit of the score.
    pub estimate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// How likely so great a difference is by chance, in either direction.
    pub p: f64,
    /// One of the two has so few answers ([`FEW`]) that its interval comes before its score.
    pub few: bool,
}

/// A difference among many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The difference.
    pub difference: Difference,
    /// The share of false ones among those found, if this one is called a finding (Benjamini and Hochberg 1995).
    pub q: f64,
}

/// All `differences` read at once; those that cannot be said stay so and count for nothing.
pub fn judged(differences: &[Option<Difference>]) -> Vec<Option<Judged>> {
    let probabilities: Vec<f64> = differences.iter().flatten().map(|it| it.p).collect();
    let mut rates = discovery::adjusted(&probabilities).into_iter();
    differences.iter().map(|it| it.and_then(|difference| Some(Judged { difference, q: rates.next()? }))).collect()
}

impl Measure {
    /// How far `these` are from `those`; `None` where the measure is not made for their scale, the scales differ, or nothing says how far chance moves
    /// a mean.
    pub fn difference(self, these: &Shares, those: &Shares, confidence: Confidence) -> Option<Difference> {
        if these.scale() != those.scale() {
            return None;
        }
        let few = these.answers().min(those.answers()) < FEW;
        match self {
            Self::Nps => of_nps(these, those, confidence),
            Self::Top(best) => {
                let best = within(best, these.scale())?;
                let share = |of: &Shares| (of.top(best), of.effective());
                Some(of_shares(share(these), share(those), confidence))
            }
            Self::Mean => of_means(these, those, confidence),
        }
        .map(|it| Difference { few, ..it })
    }

    /// Each wave against the one before it, which for the first is none.
    pub fn changes(self, waves: &[Option<Shares>], confidence: Confidence) -> Vec<Option<Judged>> {
        let before = std::iter::once(&None).chain(waves);
        let change = |(before, now): (&Option<Shares>, &Option<Shares>)| {
            self.difference(now.as_ref()?, before.as_ref()?, confidence)
        };
        judged(&before.zip(waves).map(change).collect::<Vec<_>>())
    }
}

fn of_nps(these: &Shares, those: &Shares, confidence: Confidence) -> Option<Difference> {
    let net = |of: &Shares| {
        let parts = Parts::of(of, confidence)?;
        let (mean, squared_error) = adjusted(&parts, of.effective());
        Some((parts.promoters - parts.detractors, mean, squared_error))
    };
    let (this, that) = (net(these)?, net(those)?);
    let (middle, error) = (this.1 - that.1, (this.2 + that.2).sqrt());
    let half = confidence.z() * error;
    let points = |it: f64| 100.0 * it.clamp(-2.0, 2.0);
    let p = (2.0 * normal_tail((middle / error).abs())).min(1.0);
    Some(Difference {
        estimate: points(this.0 - that.0),
        low: points(middle - half),
        high: points(middle + half),
        p,
        few: false,
    })
}

/// Of two shares, each with the answers it is of.
fn of_shares((this, n): (f64, f64), (that, m): (f64, f64), confidence: Confidence) -> Difference {
    let ((this_low, this_high), (that_low, that_high)) = (wilson(this, n, confidence), wilson(that, m, confidence));
    let estimate = this - that;
    let low = estimate - (this - this_low).hypot(that_high - that);
    let high = estimate + (this_high - this).hypot(that - that_low);
    let all = n + m;
    let pooled = (this * n + that * m) / all;
    let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).max(0.0).sqrt();
    let z = estimate / error * ((all - 1.0) / all).max(0.0).sqrt();
    let p = if error > 0.0 { (2.0 * normal_tail(z.abs())).min(1.0) } else { 1.0 };
    Difference { estimate, low: low.max(-1.0), high: high.min(1.0), p, few: false }
}

fn of_means(these: &Shares, those: &Shares, confidence: Confidence) -> Option<Difference> {
    let mean = |of: &Shares| {
        let (mean, variance) = of.moments();
        (of.effective() > 1.0).then(|| (mean, variance / (of.effective() - 1.0), of.effective() - 1.0))
    };
    let ((this, of_this, n), (that, of_that, m)) = (mean(these)?, mean(those)?);
    let squared_error = of_this + of_that;
    if squared_error <= 0.0 {
        return None;
    }
    let dof = squared_error * squared_error / (of_this * of_this / n + of_that * of_that / m);
    let (estimate, error) = (this - that, squared_error.sqrt());
    let half = student_quantile(confidence.tails(), dof) * error;
    let range = these.scale().size() as f64 - 1.0;
    let p = student_two_sided(estimate / error, dof);
    Some(Difference { estimate, low: (estimate - half).max(-range), high: (estimate + half).min(range), p, few: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::{Arm, Effect, Estimand, Inference};
    use crate::survey::{Scale, Tally};
    use proptest::prelude::*;

    fn printed(found: f64, wanted: f64, digits: i32) {
        assert!((found - wanted).abs() <= 0.5001 * 10f64.powi(-digits), "{found} {wanted}");
    }

    fn nps(counts: [u64; 3]) -> Shares {
        let values = [Some(10), Some(7), Some(0)];
        Tally::new(Scale::NPS, values.into_iter().zip(counts)).shares().unwrap()
    }

    /// Newcombe (1998), table II, method 10, all eight comparisons.
    #[test]
    fn the_published_intervals_of_differences_of_shares() {
        for (these, those, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((0, 10), (0, 10), -0.2775, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0),
            ((10, 10), (0, 10), 0.6075, 1.0),
        ] {
            let share = |(hits, n): (u32, u32)| (f64::from(hits) / f64::from(n), f64::from(n));
            let found = of_shares(share(these), share(those), Confidence::default());
            printed(found.low, low, 4);
            printed(found.high, high, 4);
        }
    }

    /// Oracle: 25/15/10 against 20/10/20 by hand. Net .302 − ... with (25.75, 10.75) of 53 against (20.75, 20.75) of 53.
    #[test]
    fn the_difference_of_two_net_promoter_scores() {
        let found = Measure::Nps.difference(&nps([25, 15, 10]), &nps([20, 10, 20]), Confidence::default()).unwrap();
        let of = |p: f64, d: f64| ((p - d) / 53.0, ((p + d) / 53.0 - ((p - d) / 53.0).powi(2)) / 53.0);
        let (this, that) = (of(25.75, 10.75), of(20.75, 20.75));
        let error = (this.1 + that.1).sqrt();
        printed(found.estimate, 30.0, 9);
        printed(found.low, 100.0 * (this.0 - that.0 - 1.959_964 * error), 3);
        printed(found.high, 100.0 * (this.0 - that.0 + 1.959_964 * error), 3);
        printed(found.p, libm::erfc((this.0 - that.0) / error / f64::sqrt(2.0)), 12);
        assert!(!found.few);
    }

    #[test]
    fn of_many_waves_what_chance_gives_is_no_finding() {
        let waves: Vec<Option<Shares>> = [[50, 30, 20], [52, 29, 19], [0, 0, 0], [40, 30, 30], [70, 20, 10]]
            .map(|it: [u64; 3]| Tally::new(Scale::NPS, [Some(9), Some(8), Some(1)].into_iter().zip(it)).shares())
            .to_vec();
        let found = Measure::Nps.changes(&waves, Confidence::default());
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false, false, true]);
        let (same, up) = (found[1].unwrap(), found[4].unwrap());
        assert!(same.q > 0.5 && up.q < 0.05 && up.q >= up.difference.p, "{found:?}");
        assert!((up.q - 2.0 * up.difference.p).abs() < 1e-12 && (same.q - same.difference.p).abs() < 1e-12);
    }

    #[test]
    fn scales_that_differ_are_not_compared() {
        let of = |scale: Scale| Tally::new(scale, [(Some(1), 4), (Some(2), 9)]).shares().unwrap();
        assert_eq!(Measure::Mean.difference(&of(Scale::CSAT), &of(Scale::EFFORT), Confidence::default()), None);
        assert_eq!(Measure::Nps.difference(&of(Scale::CSAT), &of(Scale::CSAT), Confidence::default()), None);
        let alike = Tally::new(Scale::CSAT, [(Some(1), 4)]).shares().unwrap();
        assert_eq!(Measure::Mean.difference(&alike, &alike, Confidence::default()), None);
    }

    proptest! {
        /// Oracle: the same persons as two arms of an experiment.
        #[test]
        fn means_differ_as_those_of_arms(these in prop::collection::vec(1i64..=7, 2..40), those in prop::collection::vec(1i64..=7, 2..40)) {
            let shares = |of: &[i64]| Tally::new(Scale::CES, of.iter().map(|it| (Some(*it), 1))).shares().unwrap();
            let arm = |of: &[i64]| {
                let n = of.len() as f64;
                let mean = of.iter().sum::<i64>() as f64 / n;
                let variance = of.iter().map(|it| (*it as f64 - mean).powi(2)).sum::<f64>() / (n - 1.0);
                Arm::new(of.len() as u64, mean, variance).unwrap()
            };
            let Ok(effect) = Effect::between(&arm(&these), &arm(&those), Estimand::Absolute) else { return Ok(()) };
            let wanted = effect.read(&Inference::fixed(0.05).unwrap());
            let found = Measure::Mean.difference(&shares(&these), &shares(&those), Confidence::default()).unwrap();
            prop_assert!((found.estimate - wanted.estimate).abs() < 1e-9 && (found.p - wanted.p).abs() < 1e-9);
            prop_assert!((found.low - wanted.low.max(-6.0)).abs() < 1e-9 && (found.high - wanted.high.min(6.0)).abs() < 1e-9);
        }

        /// What is said of two is the other way round what is said of them exchanged, and the test of the net score agrees with its interval.
        #[test]
        fn the_order_of_the_two_turns_the_sign(these in prop::array::uniform3(0u64..60), those in prop::array::uniform3(0u64..60)) {
            prop_assume!(these.iter().sum::<u64>() > 0 && those.iter().sum::<u64>() > 0);
            for measure in [Measure::Nps, Measure::Top(2), Measure::Mean] {
                let there = measure.difference(&nps(these), &nps(those), Confidence::default());
                let back = measure.difference(&nps(those), &nps(these), Confidence::default());
                let (Some(there), Some(back)) = (there, back) else { continue };
                prop_assert!((there.estimate + back.estimate).abs() < 1e-9 && (there.low + back.high).abs() < 1e-9);
                prop_assert!((there.p - back.p).abs() < 1e-12 && (0.0..=1.0).contains(&there.p));
                if measure == Measure::Nps && (there.p - 0.05).abs() > 1e-9 {
                    prop_assert_eq!(there.p < 0.05, there.low > 0.0 || there.high < 0.0);
                }
            }
        }
    }
}
