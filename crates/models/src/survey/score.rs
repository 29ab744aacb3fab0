//! Scores: recommendation, satisfaction, effort; each with the interval that fits it.
//!
//! | Measure | Score | Interval |
//! |---|---|---|
//! | [`Measure::Nps`] | promoters (9, 10) less detractors (0 to 6), in points | adjusted Wald: three answers more, ¾ a promoter's and ¾ a detractor's (Rocks 2016, "Interval estimation for the Net Promoter Score", The American Statistician 70(4)), which was the best of six there |
//! | [`Measure::Top`] | share of the best values | Wilson 1927 |
//! | [`Measure::Mean`] | mean | Student's t |

use super::{Scale, Shares};
use crate::distributions::{normal_quantile, student_quantile};

/// Below so many answers the interval comes before the score.
pub const FEW: u64 = 30;

/// How often an interval is to hold the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    tails: f64,
}

/// What is made of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The Net Promoter Score, −100 to 100 points; of the scale from 0 to 10 alone.
    Nps,
    /// The share, 0 to 1, of so many values at the good end: two for "top two".
    Top(u32),
    /// The mean, on the scale turned so that more is better.
    Mean,
}

/// A score with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// What was measured.
    pub estimate: f64,
    /// The lower end of the interval. With a handful of answers the interval may leave out the estimate: then the estimate is not to be believed.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// The people who answered.
    pub answers: u64,
    /// As many answers, counted alike, would say as much.
    pub effective: f64,
    /// So few ([`FEW`]) that the interval is to be shown before the score.
    pub few: bool,
}

/// What a Net Promoter Score is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parts {
    /// The share of those who would recommend: 9 and 10.
    pub promoters: f64,
    /// The share of 7 and 8.
    pub passives: f64,
    /// The share of those who would not: 0 to 6.
    pub detractors: f64,
    /// p + d − (p − d)², of one answer, in squared shares.
    pub variance: f64,
    /// The plain (Wald) interval in points, for comparison with other tools: too narrow with few answers, and of no width where all say the same.
    pub wald: (f64, f64),
}

impl Default for Confidence {
    /// 95 %.
    fn default() -> Self {
        Self { tails: 0.05 }
    }
}

impl Confidence {
    /// 0.95 is "19 times of 20". `None` where it is not between 0 and 1.
    pub fn new(share: f64) -> Option<Self> {
        (share > 0.0 && share < 1.0).then_some(Self { tails: 1.0 - share })
    }

    /// What is outside of the interval, at both ends.
    pub fn tails(self) -> f64 {
        self.tails
    }

    pub(super) fn z(self) -> f64 {
        normal_quantile(self.tails / 2.0)
    }
}

impl Measure {
    /// The score of `shares`; `None` where the measure is not made for the scale.
    pub fn score(self, shares: &Shares, confidence: Confidence) -> Option<Score> {
        let (estimate, (low, high)) = match self {
            Self::Nps => {
                let parts = Parts::of(shares, confidence)?;
                let (mean, squared_error) = adjusted(&parts, shares.effective());
                let half = confidence.z() * squared_error.sqrt();
                let points = |it: f64| 100.0 * it.clamp(-1.0, 1.0);
                (points(parts.promoters - parts.detractors), (points(mean - half), points(mean + half)))
            }
            Self::Top(best) => {
                let share = shares.top(within(best, shares.scale())?);
                (share, wilson(share, shares.effective(), confidence))
            }
            Self::Mean => mean(shares, confidence),
        };
        let answers = shares.answers();
        let few = answers < FEW;
        Some(Score { estimate, low, high, answers, effective: shares.effective(), few })
    }
}

/// A score less somebody else's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// What was measured.
    pub estimate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Score {
    /// How far this is from `other`, whose interval is `margin` to either side; with nothing to either side, the score's own interval moved. Of two
    /// intervals the ends add up as squares (Zou and Donner 2008, "Construction of confidence limits about effect measures: a general approach").
    /// `None` of what is no number.
    pub fn gap(&self, other: f64, margin: f64) -> Option<Gap> {
        let estimate = self.estimate - other;
        let low = estimate - (self.estimate - self.low).max(0.0).hypot(margin);
        let high = estimate + (self.high - self.estimate).max(0.0).hypot(margin);
        (margin >= 0.0 && low.is_finite() && high.is_finite()).then_some(Gap { estimate, low, high })
    }
}

impl Parts {
    /// Of answers on the scale from 0 to 10; `None` of others.
    pub fn of(shares: &Shares, confidence: Confidence) -> Option<Self> {
        if shares.scale() != Scale::NPS {
            return None;
        }
        let promoters = shares.top(2);
        let detractors: f64 = shares.worst_first().iter().take(7).sum();
        let net = promoters - detractors;
        let variance = (promoters + detractors - net * net).max(0.0);
        let half = confidence.z() * (variance / shares.effective()).sqrt();
        let wald = (100.0 * (net - half), 100.0 * (net + half));
        let passives = (1.0 - promoters - detractors).max(0.0);
        Some(Self { promoters, passives, detractors, variance, wald })
    }
}

/// The adjusted net share and its squared error: with three answers more, of which ¾ are promoters' and ¾ detractors'.
pub(super) fn adjusted(parts: &Parts, n: f64) -> (f64, f64) {
    let with = |share: f64| (share * n + 0.75) / (n + 3.0);
    let (promoters, detractors) = (with(parts.promoters), with(parts.detractors));
    let net = promoters - detractors;
    (net, (promoters + detractors - net * net) / (n + 3.0))
}

/// A number of values at the good end that leaves some at the other.
pub(super) fn within(best: u32, scale: Scale) -> Option<usize> {
    let best = usize::try_from(best).ok()?;
    (best > 0 && best < scale.size()).then_some(best)
}

/// Wilson's interval (1927, "Probable inference, the law of succession, and statistical inference") of a share of `n`.
pub(crate) fn wilson(share: f64, n: f64, confidence: Confidence) -> (f64, f64) {
    let z = confidence.z();
    let z2 = z * z;
    let middle = share + z2 / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).max(0.0).sqrt();
    let end = |it: f64| (it / (1.0 + z2 / n)).clamp(0.0, 1.0);
    // Exactly the end, where rounding would miss it.
    let low = if share <= 0.0 { 0.0 } else { end(middle - half) };
    let high = if share >= 1.0 { 1.0 } else { end(middle + half) };
    (low, high)
}

/// The share of `hits` among `n`, with Wilson's interval; `None` of nothing, or of more hits than there are.
pub fn share(hits: u64, n: u64, confidence: Confidence) -> Option<(f64, (f64, f64))> {
    let share = hits as f64 / n as f64;
    (n > 0 && hits <= n).then(|| (share, wilson(share, n as f64, confidence)))
}

/// The mean and its interval. Where all answers are the same, nothing says how far chance moves the mean; then Wilson's bound of the share that would
/// answer otherwise is taken, and that they were all at the far end.
fn mean(shares: &Shares, confidence: Confidence) -> (f64, (f64, f64)) {
    let n = shares.effective();
    let (mean, variance) = shares.moments();
    let (least, most) = (shares.scale().turned(0), shares.scale().turned(shares.scale().size() - 1));
    if variance <= 0.0 || n <= 1.0 {
        let others = if n <= 1.0 { 1.0 } else { wilson(0.0, n, confidence).1 };
        return (mean, (mean - others * (mean - least), mean + others * (most - mean)));
    }
    let half = student_quantile(confidence.tails(), n - 1.0) * (variance / (n - 1.0)).sqrt();
    (mean, ((mean - half).max(least), (mean + half).min(most)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::Tally;
    use proptest::prelude::*;

    fn printed(found: f64, wanted: f64, digits: i32) {
        assert!((found - wanted).abs() <= 0.5001 * 10f64.powi(-digits), "{found} {wanted}");
    }

    fn nps(promoters: u64, passives: u64, detractors: u64) -> Shares {
        Tally::new(Scale::NPS, [(Some(9), promoters), (Some(8), passives), (Some(3), detractors)]).shares().unwrap()
    }

    fn wilson_of(hits: u64, n: u64) -> (f64, f64) {
        wilson(hits as f64 / n as f64, n as f64, Confidence::default())
    }

    /// Both intervals of 25 promoters, 15 passives and 10 detractors, and of ten promoters, by the formulas as Rocks (2016) and MeasuringU
    /// ("Confidence intervals for Net Promoter Scores") give them.
    #[test]
    fn the_interval_of_the_net_promoter_score() {
        let shares = nps(25, 15, 10);
        let found = Measure::Nps.score(&shares, Confidence::default()).unwrap();
        printed(found.estimate, 30.0, 9);
        printed(found.low, 7.299, 3);
        printed(found.high, 49.304, 3);
        printed((found.low + found.high) / 2.0, 28.302, 3);
        assert_eq!((found.answers, found.few), (50, false));
        let parts = Parts::of(&shares, Confidence::default()).unwrap();
        printed(parts.wald.0, 8.35, 2);
        printed(parts.wald.1, 51.65, 2);
        printed(parts.variance, 0.61, 12);

        let all = nps(10, 0, 0);
        let found = Measure::Nps.score(&all, Confidence::default()).unwrap();
        printed(found.low, 47.504, 3);
        printed(100.0 * adjusted(&Parts::of(&all, Confidence::default()).unwrap(), 10.0).0, 76.923, 3);
        assert_eq!((found.estimate, found.high, found.few), (100.0, 100.0, true));
        assert_eq!(Parts::of(&all, Confidence::default()).unwrap().wald, (100.0, 100.0));
    }

    /// Newcombe (1998, "Two-sided confidence intervals for the single proportion"), table I, method 3.
    #[test]
    fn the_published_intervals_of_a_share() {
        for (hits, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = wilson_of(hits, n);
            printed(found.0, low, 4);
            printed(found.1, high, 4);
        }
        assert_eq!(wilson_of(7, 7).1, 1.0);
        assert_eq!(share(81, 263, Confidence::default()), Some((81.0 / 263.0, wilson_of(81, 263))));
        assert_eq!((share(0, 0, Confidence::default()), share(2, 1, Confidence::default())), (None, None));
    }

    /// 1 to 5 with little being good is the same as 5 to 1 with much being good.
    #[test]
    fn a_turned_scale_gives_the_same_scores() {
        let asked = [(1, 11), (2, 7), (3, 5), (4, 2), (5, 1)];
        let effort = Tally::new(Scale::EFFORT, asked.map(|(value, count)| (Some(value), count))).shares().unwrap();
        let ease = Tally::new(Scale::CSAT, asked.map(|(value, count)| (Some(6 - value), count))).shares().unwrap();
        for measure in [Measure::Mean, Measure::Top(2), Measure::Top(1)] {
            let found = measure.score(&effort, Confidence::default()).unwrap();
            assert_eq!(Some(found), measure.score(&ease, Confidence::default()));
        }
        assert_eq!(Measure::Top(2).score(&effort, Confidence::default()).unwrap().estimate, 18.0 / 26.0);
    }

    /// The mean's interval by hand: 4, 5, 6, 7 have the mean 5.5, the deviation 1.29099 and t(0.975, 3) = 3.18245.
    #[test]
    fn the_interval_of_a_mean() {
        let shares = Tally::new(Scale::CES, [4, 5, 6, 7].map(|it| (Some(it), 1))).shares().unwrap();
        let found = Measure::Mean.score(&shares, Confidence::default()).unwrap();
        printed(found.estimate, 5.5, 12);
        printed(found.low, 5.5 - 3.182_446 * 1.290_994 / 2.0, 5);
        // 7.55 is above what can be answered.
        assert_eq!(found.high, 7.0);
        let alike = Tally::new(Scale::CES, [(Some(7), 20)]).shares().unwrap();
        let found = Measure::Mean.score(&alike, Confidence::default()).unwrap();
        assert_eq!((found.estimate, found.high), (7.0, 7.0));
        printed(found.low, 7.0 - 6.0 * 0.1611, 3);
    }

    /// Newcombe's interval of 56 of 70 less 48 of 80 (1998, method 10) where the other's interval is Wilson's at the end that matters.
    #[test]
    fn a_gap_is_as_unsure_as_both() {
        let tally = Tally::new(Scale::CSAT, [(Some(5), 56), (Some(1), 14)]).shares().unwrap();
        let score = Measure::Top(1).score(&tally, Confidence::default()).unwrap();
        let other = wilson_of(48, 80);
        printed(score.gap(0.6, other.1 - 0.6).unwrap().low, 0.0524, 4);
        printed(score.gap(0.6, 0.6 - other.0).unwrap().high, 0.3339, 4);
        let exact = score.gap(0.6, 0.0).unwrap();
        assert!((exact.low - (score.low - 0.6)).abs() < 1e-12 && (exact.high - (score.high - 0.6)).abs() < 1e-12);
        assert_eq!((score.gap(0.6, -1.0), score.gap(f64::NAN, 0.0)), (None, None));
    }

    #[test]
    fn measures_are_of_scales_that_they_are_made_for() {
        let shares = Tally::new(Scale::CSAT, [(Some(5), 9)]).shares().unwrap();
        for measure in [Measure::Nps, Measure::Top(0), Measure::Top(5)] {
            assert_eq!(measure.score(&shares, Confidence::default()), None);
        }
        assert_eq!(Confidence::new(1.0), None);
        assert_eq!(Confidence::new(f64::NAN), None);
    }

    proptest! {
        /// Oracle: everybody counted one by one, as plus one, nothing or minus one.
        #[test]
        fn the_score_is_the_mean_of_everybody(counts in prop::collection::vec(0u64..40, 11)) {
            prop_assume!(counts.iter().sum::<u64>() > 0);
            let everybody: Vec<i64> =
                counts.iter().enumerate().flat_map(|(value, count)| vec![value as i64; *count as usize]).collect();
            let tally = Tally::new(Scale::NPS, everybody.iter().map(|it| (Some(*it), 1)));
            let shares = tally.shares().unwrap();
            let net = |it: &i64| if *it >= 9 { 1.0 } else if *it <= 6 { -1.0 } else { 0.0 };
            let n = everybody.len() as f64;
            let mean = everybody.iter().map(net).sum::<f64>() / n;
            let variance = everybody.iter().map(|it| (net(it) - mean).powi(2)).sum::<f64>() / n;
            let parts = Parts::of(&shares, Confidence::default()).unwrap();
            prop_assert!((parts.variance - variance).abs() < 1e-9);
            let found = Measure::Nps.score(&shares, Confidence::default()).unwrap();
            prop_assert!((found.estimate - 100.0 * mean).abs() < 1e-9);
            prop_assert!(found.low <= found.high && found.low >= -100.0 && found.high <= 100.0);
            let mean = everybody.iter().sum::<i64>() as f64 / n;
            prop_assert!((Measure::Mean.score(&shares, Confidence::default()).unwrap().estimate - mean).abs() < 1e-9);
            let top = everybody.iter().filter(|it| **it >= 8).count() as f64 / n;
            let found = Measure::Top(3).score(&shares, Confidence::default()).unwrap();
            prop_assert!((found.estimate - top).abs() < 1e-9 && found.low <= top && top <= found.high);
        }

        /// The ends of Wilson's interval are the shares of which this one is just at the edge of what chance gives.
        #[test]
        fn wilsons_ends_are_where_the_score_test_ends(hits in 1u64..50, more in 1u64..50) {
            let (n, share) = ((hits + more) as f64, hits as f64 / (hits + more) as f64);
            let (low, high) = wilson(share, n, Confidence::default());
            for end in [low, high] {
                let z = (share - end) / (end * (1.0 - end) / n).sqrt();
                prop_assert!((z.abs() - 1.959_963_984_540_054).abs() < 1e-9);
            }
        }
    }
}
