//! Which wishes customers take for granted, which they pay attention to, and which delight (Kano, Seraku, Takahashi and Tsuji 1984, "Attractive quality
//! and must-be quality").
//!
//! Of each wish people are asked twice, if it is there and if it is not. The table that makes a category of two answers, the coefficients (Timko's
//! "Better" and "Worse") and the continuous variant (DuMouchel) are those of Berger et al. 1993, "Kano's methods for understanding customer-defined
//! quality", Center for Quality of Management Journal 2(4); category strength and total strength those of Lee and Newcomb 1997; the test is Fong's
//! (1996, "Using the self-stated importance questionnaire to interpret Kano questionnaire results").

use std::array;

use super::{Confidence, score::wilson};
use crate::distributions::{chi_square_tail, student_quantile};

/// What somebody says of a wish that is there, or is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attitude {
    /// I like it that way.
    Like,
    /// It must be that way; I expect it.
    Expect,
    /// I am neutral.
    Neutral,
    /// I can live with it that way.
    LiveWith,
    /// I dislike it that way.
    Dislike,
}

/// What kind of wish it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Must-be: its lack annoys, its presence is not noticed.
    MustBe,
    /// One-dimensional: the more the better.
    OneDimensional,
    /// Attractive: its presence delights, its lack is not noticed.
    Attractive,
    /// Indifferent.
    Indifferent,
    /// Reverse: it is not wanted.
    Reverse,
    /// Questionable: the two answers contradict each other.
    Questionable,
}

/// Which table makes a category of two answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Evaluation {
    /// Kano's, as in Berger et al.
    #[default]
    Kano,
    /// Pouliot's (in the same issue): who expects it both ways, or can live with it both ways, contradicts themselves.
    Pouliot,
}

/// The answers of some people to the two questions of one wish, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    counts: [[u64; 5]; 5],
}

/// What the answers of some people make of a wish.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// The answers by category, in the order of [`Category::ALL`].
    pub counts: [u64; 6],
    /// The category most often given; of equally many the one that hurts most: must-be, one-dimensional, attractive, indifferent.
    pub category: Category,
    /// The category next to it.
    pub next: Category,
    /// The share of the first category less that of the second; from 0.06 on it is taken for one category (Lee and Newcomb).
    pub category_strength: f64,
    /// The share of people who have the wish at all: must-be, one-dimensional or attractive. A wish below 0.5 is few people's.
    pub total_strength: f64,
    /// The first category is given significantly more often than the second (Fong's test at 10 %, two-sided).
    pub significant: bool,
    /// How far satisfaction rises with it, 0 to 1: (A + O) / (A + O + M + I). `None` where nobody is in those categories.
    pub better: Option<Coefficient>,
    /// How far satisfaction falls without it, −1 to 0: −(O + M) / (A + O + M + I).
    pub worse: Option<Coefficient>,
}

/// A coefficient with its interval (Wilson).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// What was measured.
    pub estimate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// The mean of answers as numbers, and how they are spread about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// If it is there: 4 for like, 2, 0, −1, −2 for dislike.
    pub functional: Spread,
    /// If it is not there: 4 for dislike, 2, 0, −1, −2 for like.
    pub dysfunctional: Spread,
    /// The correlation of the two over persons; `None` where one of them does not vary.
    pub correlation: Option<f64>,
    /// The category of the quadrant, of the four beginning at 2 (DuMouchel): wishes below it in both are indifferent. Reverse where the mean of both is
    /// negative.
    pub category: Category,
    /// The share of people whose own category that is. A mean in the middle of two camps is nobody's: then this is small.
    pub agreeing: f64,
}

/// A mean, its interval, and the standard deviation of persons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation over persons; `None` for one person.
    pub deviation: Option<f64>,
    /// Student's interval of the mean; `None` for one person.
    pub between: Option<(f64, f64)>,
}

/// DuMouchel's numbers of [`Attitude::ALL`] if the wish is there; if it is not, the other way round.
const FUNCTIONAL: [f64; 5] = [4.0, 2.0, 0.0, -1.0, -2.0];
const DYSFUNCTIONAL: [f64; 5] = [-2.0, -1.0, 0.0, 2.0, 4.0];
/// Where DuMouchel's quadrants meet.
const QUADRANT: f64 = 2.0;
/// Fong's factor of the standard error: 10 %, two-sided.
const FONG: f64 = 1.65;

impl Attitude {
    /// All of them, from like to dislike.
    pub const ALL: [Self; 5] = [Self::Like, Self::Expect, Self::Neutral, Self::LiveWith, Self::Dislike];
}

impl Category {
    /// All of them, those that hurt most when they are missing first.
    pub const ALL: [Self; 6] =
        [Self::MustBe, Self::OneDimensional, Self::Attractive, Self::Indifferent, Self::Reverse, Self::Questionable];
}

impl Evaluation {
    /// The category of somebody who says this if it is there, and that if it is not.
    pub fn category(self, functional: Attitude, dysfunctional: Attitude) -> Category {
        use Attitude::{Dislike, Expect, Like, LiveWith};
        match (functional, dysfunctional) {
            (Like, Like) | (Dislike, Dislike) => Category::Questionable,
            (Expect, Expect) | (LiveWith, LiveWith) if self == Self::Pouliot => Category::Questionable,
            (Like, Dislike) => Category::OneDimensional,
            (Like, _) => Category::Attractive,
            (_, Dislike) => Category::MustBe,
            (Dislike, _) | (_, Like) => Category::Reverse,
            _ => Category::Indifferent,
        }
    }
}

impl Pairs {
    /// Counts of people by what they say if it is there, and if it is not.
    pub fn new(counted: impl IntoIterator<Item = ((Attitude, Attitude), u64)>) -> Self {
        let mut pairs = Self::default();
        for ((functional, dysfunctional), count) in counted {
            pairs.counts[functional as usize][dysfunctional as usize] += count;
        }
        pairs
    }

    /// The people who answered both.
    pub fn answers(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    fn cells(&self) -> impl Iterator<Item = (Attitude, Attitude, u64)> {
        let row = |functional: Attitude| {
            Attitude::ALL.map(|it| (functional, it, self.counts[functional as usize][it as usize]))
        };
        Attitude::ALL.into_iter().flat_map(row)
    }

    /// The answers by category, in the order of [`Category::ALL`].
    pub fn categories(&self, evaluation: Evaluation) -> [u64; 6] {
        let mut counts = [0; 6];
        for (functional, dysfunctional, count) in self.cells() {
            counts[evaluation.category(functional, dysfunctional) as usize] += count;
        }
        counts
    }

    /// What these people make of the wish; `None` without people.
    pub fn wish(&self, evaluation: Evaluation, confidence: Confidence) -> Option<Wish> {
        let counts = self.categories(evaluation);
        let n = self.answers();
        if n == 0 {
            return None;
        }
        let mut order = Category::ALL;
        // Stable: of equally many, the first of the order stays first.
        order.sort_by_key(|it| std::cmp::Reverse(counts[*it as usize]));
        let [category, next, ..] = order;
        let (first, second) = (counts[category as usize], counts[next as usize]);
        let of = |categories: &[Category]| categories.iter().map(|it| counts[*it as usize]).sum::<u64>();
        use Category::{Attractive, Indifferent, MustBe, OneDimensional};
        let all = of(&[Attractive, OneDimensional, MustBe, Indifferent]);
        let coefficient = |hits: u64, sign: f64| {
            let share = hits as f64 / all as f64;
            let (low, high) = wilson(share, all as f64, confidence);
            let (low, high) = if sign < 0.0 { (-high, -low) } else { (low, high) };
            (all > 0).then_some(Coefficient { estimate: sign * share, low, high })
        };
        Some(Wish {
            counts,
            category,
            next,
            category_strength: (first - second) as f64 / n as f64,
            total_strength: of(&[Attractive, OneDimensional, MustBe]) as f64 / n as f64,
            significant: fong(first, second, n),
            better: coefficient(of(&[Attractive, OneDimensional]), 1.0),
            worse: coefficient(of(&[OneDimensional, MustBe]), -1.0),
        })
    }

    /// The continuous variant, with its spread; `None` without people.
    pub fn point(&self, evaluation: Evaluation, confidence: Confidence) -> Option<Point> {
        let n = self.answers();
        if n == 0 {
            return None;
        }
        let mean = |value: &dyn Fn(f64, f64) -> f64| {
            let sum: f64 = self
                .cells()
                .map(|(f, d, count)| value(FUNCTIONAL[f as usize], DYSFUNCTIONAL[d as usize]) * count as f64)
                .sum();
            sum / n as f64
        };
        let (f, d) = (mean(&|f, _| f), mean(&|_, d| d));
        let (ff, dd, fd) =
            (mean(&|a, _| (a - f).powi(2)), mean(&|_, a| (a - d).powi(2)), mean(&|a, b| (a - f) * (b - d)));
        let category = match (f >= QUADRANT, d >= QUADRANT) {
            _ if f < 0.0 && d < 0.0 => Category::Reverse,
            (true, true) => Category::OneDimensional,
            (true, false) => Category::Attractive,
            (false, true) => Category::MustBe,
            (false, false) => Category::Indifferent,
        };
        Some(Point {
            functional: spread(f, ff, n, confidence),
            dysfunctional: spread(d, dd, n, confidence),
            correlation: (ff > 0.0 && dd > 0.0).then(|| (fd / (ff * dd).sqrt()).clamp(-1.0, 1.0)),
            category,
            agreeing: self.categories(evaluation)[category as usize] as f64 / n as f64,
        })
    }
}

/// How likely it is by chance that groups give categories as differently as these: Pearson's chi-square test of homogeneity. `None` where fewer than
/// two groups or categories have answers.
pub fn homogeneity(groups: &[[u64; 6]]) -> Option<f64> {
    let groups: Vec<&[u64; 6]> = groups.iter().filter(|it| it.iter().any(|count| *count > 0)).collect();
    let columns: [u64; 6] = array::from_fn(|at| groups.iter().map(|it| it[at]).sum());
    let used = columns.iter().filter(|it| **it > 0).count();
    if groups.len() < 2 || used < 2 {
        return None;
    }
    let all: u64 = columns.iter().sum();
    let mut statistic = 0.0;
    for group in &groups {
        let size: u64 = group.iter().sum();
        for (count, column) in group.iter().zip(columns).filter(|(_, column)| *column > 0) {
            let expected = size as f64 * column as f64 / all as f64;
            statistic += (*count as f64 - expected).powi(2) / expected;
        }
    }
    Some(chi_square_tail(statistic, u32::try_from((groups.len() - 1) * (used - 1)).ok()?))
}

/// Fong's test: the two largest of `n` differ when their difference is at least 1.65 √((a + b)(2n − a − b) / 2n).
fn fong(a: u64, b: u64, n: u64) -> bool {
    let (a, b, n) = (a as f64, b as f64, n as f64);
    a > b && a - b >= FONG * ((a + b) * (2.0 * n - a - b) / (2.0 * n)).sqrt()
}

fn spread(mean: f64, variance: f64, n: u64, confidence: Confidence) -> Spread {
    let n = n as f64;
    let deviation = (n > 1.0).then(|| (variance * n / (n - 1.0)).sqrt());
    let between = deviation.map(|it| {
        let half = student_quantile(confidence.tails(), n - 1.0) * it / n.sqrt();
        ((mean - half).max(-2.0), (mean + half).min(4.0))
    });
    Spread { mean, deviation, between }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(counts: [[u64; 5]; 5]) -> Pairs {
        Pairs { counts }
    }

    /// So many must-be, one-dimensional, attractive, indifferent, reverse and questionable answers.
    fn of(counts: [u64; 6]) -> Pairs {
        let [m, o, a, i, r, q] = counts;
        pairs([[q, 0, a, 0, o], [0, 0, 0, 0, 0], [0, 0, i, 0, m], [0, 0, 0, 0, 0], [0, r, 0, 0, 0]])
    }

    fn wish(counts: [u64; 6]) -> Wish {
        of(counts).wish(Evaluation::Kano, Confidence::default()).unwrap()
    }

    /// The evaluation table as printed in Berger et al. 1993, rows if it is there, columns if it is not; and with Pouliot's two cells.
    #[test]
    fn the_published_table() {
        let letter = |it: Category| ["M", "O", "A", "I", "R", "Q"][it as usize];
        let row = |evaluation: Evaluation, functional: Attitude| {
            Attitude::ALL.map(|it| letter(evaluation.category(functional, it))).concat()
        };
        assert_eq!(
            Attitude::ALL.map(|it| row(Evaluation::Kano, it)),
            ["QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ"].map(String::from)
        );
        assert_eq!(
            Attitude::ALL.map(|it| row(Evaluation::Pouliot, it)),
            ["QAAAO", "RQIIM", "RIIIM", "RIIQM", "RRRRQ"].map(String::from)
        );
    }

    /// DuMouchel's numbers of the answers, in Berger et al. 1993: 4, 2, 0, −1, −2 if it is there, −2, −1, 0, 2, 4 if it is not.
    #[test]
    fn the_published_numbers_of_answers() {
        for (at, (functional, dysfunctional)) in
            [(4.0, -2.0), (2.0, -1.0), (0.0, 0.0), (-1.0, 2.0), (-2.0, 4.0)].into_iter().enumerate()
        {
            let alike = Pairs::new([((Attitude::ALL[at], Attitude::ALL[at]), 3)]);
            let found = alike.point(Evaluation::Kano, Confidence::default()).unwrap();
            assert_eq!((found.functional.mean, found.dysfunctional.mean), (functional, dysfunctional));
        }
    }

    #[test]
    fn of_equally_many_the_one_that_hurts_most_is_the_category() {
        assert_eq!(
            (wish([7, 7, 7, 7, 0, 0]).category, wish([7, 7, 7, 7, 0, 0]).next),
            (Category::MustBe, Category::OneDimensional)
        );
        assert_eq!(wish([0, 7, 7, 7, 0, 0]).category, Category::OneDimensional);
        assert_eq!(wish([0, 0, 7, 7, 0, 0]).category, Category::Attractive);
        assert_eq!(wish([0, 0, 6, 7, 0, 0]).category, Category::Indifferent);
    }

    /// By hand: 100 people, 45 must-be and 25 one-dimensional. 20 ≥ 1.65 √(70 · 130 / 200) = 11.13; with 36 and 30, 6 < 1.65 √(66 · 134 / 200) = 10.97.
    #[test]
    fn strength_and_significance() {
        let clear = wish([45, 25, 10, 15, 3, 2]);
        assert!(clear.significant && (clear.category_strength - 0.2).abs() < 1e-12);
        assert!((clear.total_strength - 0.8).abs() < 1e-12);
        let (better, worse) = (clear.better.unwrap(), clear.worse.unwrap());
        assert!((better.estimate - 35.0 / 95.0).abs() < 1e-12 && (worse.estimate + 70.0 / 95.0).abs() < 1e-12);
        assert!(worse.low < worse.estimate && worse.estimate < worse.high && worse.high < 0.0 && worse.low > -1.0);
        let unclear = wish([36, 30, 10, 19, 3, 2]);
        assert!(!unclear.significant && (unclear.category_strength - 0.06).abs() < 1e-12);
        // The very edge: 1.65 √(a + b) with n so large that the rest is 1.
        assert!(!fong(10, 10, 20) && fong(1_000, 0, 1_000_000) && !fong(2, 0, 1_000_000) && fong(3, 0, 1_000_000));
        assert_eq!(wish([0, 0, 0, 0, 4, 1]).better, None);
    }

    /// Two camps: half find it indispensable, half delightful. The mean lies among the one-dimensional, and nobody is there.
    #[test]
    fn a_mean_of_two_camps_is_nobodys() {
        let camps = pairs([[0, 0, 50, 0, 0], [0, 0, 0, 0, 50], [0; 5], [0; 5], [0; 5]]);
        let found = camps.point(Evaluation::Kano, Confidence::default()).unwrap();
        assert_eq!((found.functional.mean, found.dysfunctional.mean), (3.0, 2.0));
        assert_eq!((found.category, found.agreeing, found.correlation), (Category::OneDimensional, 0.0, Some(-1.0)));
        let unwanted = pairs([[0; 5], [0; 5], [0; 5], [0; 5], [9, 3, 0, 0, 0]]);
        let found = unwanted.point(Evaluation::Kano, Confidence::default()).unwrap();
        assert_eq!((found.category, found.agreeing), (Category::Reverse, 1.0));
        assert_eq!(Pairs::default().point(Evaluation::Kano, Confidence::default()), None);
        assert_eq!(Pairs::default().wish(Evaluation::Kano, Confidence::default()), None);
    }

    /// Agresti's example (2007, "An introduction to categorical data analysis", table 2.5), party by gender: X² = 30.1, df = 2, p below 0.0001.
    #[test]
    fn groups_that_differ() {
        let found = homogeneity(&[[762, 327, 468, 0, 0, 0], [484, 239, 477, 0, 0, 0], [0; 6]]).unwrap();
        assert!((found - chi_square_tail(30.070_1, 2)).abs() < 1e-10, "{found}");
        assert_eq!(homogeneity(&[[3, 4, 0, 0, 0, 0]]), None);
        assert_eq!(homogeneity(&[[3, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0]]), None);
    }

    proptest! {
        /// Oracle: everybody one by one.
        #[test]
        fn points_are_the_means_of_everybody(cells in prop::collection::vec(0u64..6, 25)) {
            let counts: [[u64; 5]; 5] = array::from_fn(|f| array::from_fn(|d| cells[5 * f + d]));
            let everybody: Vec<(f64, f64)> = cells
                .iter()
                .enumerate()
                .flat_map(|(at, count)| vec![(FUNCTIONAL[at / 5], DYSFUNCTIONAL[at % 5]); *count as usize])
                .collect();
            prop_assume!(everybody.len() > 1);
            let n = everybody.len() as f64;
            let found = pairs(counts).point(Evaluation::Kano, Confidence::default()).unwrap();
            let mean = everybody.iter().map(|it| it.0).sum::<f64>() / n;
            let deviation = (everybody.iter().map(|it| (it.0 - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
            prop_assert!((found.functional.mean - mean).abs() < 1e-9);
            prop_assert!((found.functional.deviation.unwrap() - deviation).abs() < 1e-9);
            let (low, high) = found.dysfunctional.between.unwrap();
            prop_assert!(low <= found.dysfunctional.mean && found.dysfunctional.mean <= high);
            let wish = pairs(counts).wish(Evaluation::Pouliot, Confidence::default()).unwrap();
            prop_assert_eq!(wish.counts.iter().sum::<u64>(), everybody.len() as u64);
            prop_assert!(wish.counts.iter().all(|it| *it <= wish.counts[wish.category as usize]));
        }
    }
}
