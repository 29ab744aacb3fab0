//! Whether two markets use scales alike, asked before their scores are compared.
//!
//! People of one country agree more readily, or choose the ends of a scale more, than those of another whatever they are asked (Baumgartner and
//! Steenkamp 2001, "Response styles in marketing research: a cross-national investigation"; Harzing 2006, "Response styles in cross-national survey
//! research: a 26-country study", whose shares these are). A difference of scores may then be one of style. Of each person, over all rating questions
//! that they answered: the share of agreeing answers (above the middle), of disagreeing ones, of those at either end, and of those in the middle.
//!
//! Style and content can be told apart only over questions of different content: a dozen about one thing measure that thing.

use super::{Confidence, Difference, FEW, Scale, judged};
use crate::experiments::{Arm, Effect, Estimand, Inference, Moments};

/// A difference of styles from which on it is more than nothing, in standard deviations of persons (Cohen 1988, "small").
const NOTABLE: f64 = 0.2;
/// The share of false findings that is borne.
const FALSE: f64 = 0.05;

/// A way of answering whatever is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Style {
    /// Agreeing: above the middle of the scale, as it was printed.
    Acquiescence,
    /// Disagreeing: below the middle.
    Disacquiescence,
    /// Either end.
    Extreme,
    /// The middle; of scales with an even number of values the two middle ones.
    Middling,
}

/// How two markets differ in one style.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// Which one.
    pub style: Style,
    /// The mean share of such answers in each.
    pub shares: (f64, f64),
    /// The first less the second, with its interval and test (Welch); `None` where nothing varies or there are fewer than two persons.
    pub difference: Option<Difference>,
    /// The same in standard deviations of persons (Hedges' g, 1981).
    pub size: f64,
    /// The share of false findings among the four styles if this one is called a finding.
    pub q: Option<f64>,
    /// It is more than chance (q of at most 5 %) and more than nothing (|g| of at least 0.2): scores of the two are not to be compared as they are.
    pub differs: bool,
}

impl Style {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Acquiescence, Self::Disacquiescence, Self::Extreme, Self::Middling];

    /// Whether `answer`, a value of `scale` as printed, is of this style.
    fn shown(self, answer: i32, scale: Scale) -> bool {
        let (low, high) = (*scale.values().start(), *scale.values().end());
        // Twice the distance from the middle, so that it is whole.
        let off = 2 * i64::from(answer) - i64::from(low) - i64::from(high);
        match self {
            Self::Acquiescence => off > 0,
            Self::Disacquiescence => off < 0,
            Self::Extreme => answer == low || answer == high,
            Self::Middling => off.abs() <= 1,
        }
    }

    /// The share of a person's answers that are of this style; `None` without an answer on the scale.
    pub fn share(self, answers: &[Option<i64>], scale: Scale) -> Option<f64> {
        let on_scale = |it: &Option<i64>| i32::try_from((*it)?).ok().filter(|it| scale.values().contains(it));
        let answered: Vec<i32> = answers.iter().filter_map(on_scale).collect();
        let shown = answered.iter().filter(|it| self.shown(**it, scale)).count();
        (!answered.is_empty()).then(|| shown as f64 / answered.len() as f64)
    }
}

/// How two markets, a row of answers each person, differ in the four styles. A [`Scale`]'s good end does not matter here, as it is what was printed
/// that people agree to.
pub fn contrasts(
    these: &[Vec<Option<i64>>],
    those: &[Vec<Option<i64>>],
    scale: Scale,
    confidence: Confidence,
) -> Vec<Contrast> {
    let compared = Style::ALL.map(|style| Compared::new(style, these, those, scale, confidence));
    let rates = judged(&compared.map(|it| it.difference));
    let contrast = |(it, judged): (Compared, Option<super::Judged>)| {
        let q = judged.map(|it| it.q);
        let differs = q.is_some_and(|q| q <= FALSE) && it.size.abs() >= NOTABLE;
        Contrast { style: it.style, shares: it.shares, difference: it.difference, size: it.size, q, differs }
    };
    compared.into_iter().zip(rates).map(contrast).collect()
}

#[derive(Clone, Copy)]
struct Compared {
    style: Style,
    shares: (f64, f64),
    difference: Option<Difference>,
    size: f64,
}

impl Compared {
    fn new(
        style: Style,
        these: &[Vec<Option<i64>>],
        those: &[Vec<Option<i64>>],
        scale: Scale,
        confidence: Confidence,
    ) -> Self {
        let moments = |of: &[Vec<Option<i64>>]| {
            let shares = of.iter().filter_map(|it| style.share(it, scale));
            shares.fold(Moments::default(), |sum, it| sum.merged(Moments { n: 1, sum: it, squares: it * it }))
        };
        let (these, those) = (moments(these), moments(those));
        let mean = |of: Moments| if of.n > 0 { of.sum / of.n as f64 } else { 0.0 };
        let shares = (mean(these), mean(those));
        let Some((difference, size)) = Self::effect(these, those, confidence) else {
            return Self { style, shares, difference: None, size: 0.0 };
        };
        Self { style, shares, difference: Some(difference), size }
    }

    fn effect(these: Moments, those: Moments, confidence: Confidence) -> Option<(Difference, f64)> {
        let arms: (Arm, Arm) = (these.arm().ok()?, those.arm().ok()?);
        let effect = Effect::between(&arms.0, &arms.1, Estimand::Absolute).ok()?;
        let read = effect.read(&Inference::fixed(confidence.tails())?);
        let few = these.n.min(those.n) < FEW;
        let (n, m) = (these.n as f64, those.n as f64);
        let variance = |of: Moments| (of.squares - of.sum * of.sum / of.n as f64).max(0.0);
        let pooled = (variance(these) + variance(those)) / (n + m - 2.0);
        let unbiased = 1.0 - 3.0 / (4.0 * (n + m) - 9.0);
        let size = if pooled > 0.0 { unbiased * read.estimate / pooled.sqrt() } else { 0.0 };
        Some((Difference { estimate: read.estimate, low: read.low, high: read.high, p: read.p, few }, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::Better;
    use crate::resampling::Draws;

    fn row(answers: &[i64]) -> Vec<Option<i64>> {
        answers.iter().map(|it| Some(*it)).collect()
    }

    #[test]
    fn shares_of_a_persons_answers() {
        let answers = [row(&[1, 5, 5, 4, 3, 2, 9]), vec![None]].concat();
        let share = |style: Style| style.share(&answers, Scale::CSAT).unwrap();
        assert_eq!(Style::ALL.map(share), [3.0 / 6.0, 2.0 / 6.0, 3.0 / 6.0, 1.0 / 6.0]);
        assert_eq!(Style::Extreme.share(&row(&[9]), Scale::CSAT), None);
        let even = Scale::new(1, 4, Better::Lower).unwrap();
        assert_eq!(Style::Middling.share(&row(&[1, 2, 3, 4]), even), Some(0.5));
        assert_eq!(Style::Acquiescence.share(&row(&[1, 2, 3, 4]), even), Some(0.5));
    }

    /// People of the first market choose the ends three times as often; apart from that both agree and disagree by chance, and none is in the middle.
    #[test]
    fn a_market_that_likes_the_ends_is_found() {
        let mut draws = Draws::new(5);
        let mut market = |ends: usize| {
            let mut answer = || match draws.below(10) {
                it if it < ends => Some([1, 5][draws.below(2)]),
                _ => Some([2, 4][draws.below(2)]),
            };
            (0..150).map(|_| (0..12).map(|_| answer()).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let (these, those, more) = (market(6), market(2), market(2));
        let found = contrasts(&these, &those, Scale::CSAT, Confidence::default());
        assert_eq!(found.iter().map(|it| it.differs).collect::<Vec<_>>(), [false, false, true, false], "{found:?}");
        let ends = found[2];
        let difference = ends.difference.unwrap();
        assert!(difference.low < 0.4 && 0.4 < difference.high && ends.size > 1.0 && !difference.few, "{ends:?}");
        assert!((ends.shares.0 - ends.shares.1 - difference.estimate).abs() < 1e-12);
        assert!(contrasts(&those, &more, Scale::CSAT, Confidence::default()).iter().all(|it| !it.differs));
    }

    /// Hedges' g by hand: shares 1, 1, 0, 0 and 0, 0, 0, 1: d = 0.25 / √((1 + 0.75) / 6), g = (1 − 3/23) d.
    #[test]
    fn the_size_by_hand() {
        let market = |ends: [i64; 4]| ends.map(|it| row(&[it])).to_vec();
        let found = contrasts(&market([1, 5, 2, 3]), &market([3, 4, 2, 1]), Scale::CSAT, Confidence::default());
        let wanted = (1.0 - 3.0 / 23.0) * 0.25 / (1.75_f64 / 6.0).sqrt();
        assert!((found[2].size - wanted).abs() < 1e-12, "{found:?}");
        assert!(found[2].difference.unwrap().few && !found[2].differs);
        let nobody = contrasts(&[], &market([1, 2, 3, 4]), Scale::CSAT, Confidence::default());
        assert!(nobody.iter().all(|it| it.difference.is_none() && !it.differs && it.size == 0.0));
    }
}
