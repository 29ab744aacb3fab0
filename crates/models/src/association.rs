//! Whether something is more common in one group than in another: lift with its interval, and how likely the difference is by chance.

use crate::distributions::chi_square_tail;

/// How many of two groups have something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Of the first group.
    pub with: u64,
    /// The size of the first group.
    pub of: u64,
    /// Of the second group.
    pub others_with: u64,
    /// The size of the second group.
    pub others: u64,
}

/// What a [`Table`] says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Association {
    /// The share of the first group.
    pub share: f64,
    /// The share of the second group.
    pub others_share: f64,
    /// How many times as common it is in the first group; `None` where the second has it nowhere.
    pub lift: Option<f64>,
    /// Between how many times, with a confidence of 95 %.
    pub between: Option<(f64, f64)>,
    /// How likely so great a difference is by chance alone, in either direction.
    pub p: f64,
}

/// The normal quantile of 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

impl Table {
    /// Lift with Katz's interval of its logarithm (Katz, Baptista, Azen and Pike 1978, method C), and the probability by Pearson's chi-square test
    /// without correction, or by Fisher's exact test where fewer than five are expected somewhere (Cochran's rule, 1954). `None` when a group is empty
    /// or smaller than those of it that have something.
    pub fn association(self) -> Option<Association> {
        let Self { with, of, others_with, others } = self;
        if of == 0 || others == 0 || with > of || others_with > others {
            return None;
        }
        let (share, others_share) = (with as f64 / of as f64, others_with as f64 / others as f64);
        let lift = (others_with > 0).then(|| share / others_share);
        let between = (with > 0 && others_with > 0).then(|| {
            let variance = 1.0 / with as f64 - 1.0 / of as f64 + 1.0 / others_with as f64 - 1.0 / others as f64;
            let factor = (Z * variance.max(0.0).sqrt()).exp();
            let lift = share / others_share;
            (lift / factor, lift * factor)
        });
        Some(Association { share, others_share, lift, between, p: self.probability() })
    }

    fn probability(self) -> f64 {
        let (with, all) = (self.with + self.others_with, self.of + self.others);
        let expected = |group: u64, column: u64| group as f64 * column as f64 / all as f64;
        let cells = [(self.of, with), (self.of, all - with), (self.others, with), (self.others, all - with)];
        if with == 0 || with == all {
            return 1.0;
        }
        if cells.iter().any(|(group, column)| expected(*group, *column) < 5.0) {
            return self.exact();
        }
        let off = self.with as f64 - expected(self.of, with);
        let statistic: f64 = cells.iter().map(|(group, column)| off * off / expected(*group, *column)).sum();
        chi_square_tail(statistic, 1)
    }

    /// Fisher's exact test (1934), two-sided: all tables with the same margins that are no more likely than this one.
    fn exact(self) -> f64 {
        let (with, all) = (self.with + self.others_with, self.of + self.others);
        let logarithm = |count: u64| libm::lgamma(count as f64 + 1.0);
        let choose = |n: u64, k: u64| logarithm(n) - logarithm(k) - logarithm(n - k);
        let likelihood = |k: u64| (choose(self.of, k) + choose(self.others, with - k) - choose(all, with)).exp();
        let own = likelihood(self.with);
        let (least, most) = (with.saturating_sub(self.others), with.min(self.of));
        // Equal likelihoods differ by rounding.
        let total: f64 = (least..=most).map(likelihood).filter(|other| *other <= own * (1.0 + 1e-7)).sum();
        total.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(with: u64, of: u64, others_with: u64, others: u64) -> Table {
        Table { with, of, others_with, others }
    }

    /// The lady tasting tea (Fisher 1935), and the example of SciPy's manual for `fisher_exact`.
    #[test]
    fn the_exact_test_gives_the_published_probabilities() {
        assert!((table(3, 4, 1, 4).exact() - 0.485_714_285_7).abs() < 1e-9);
        assert!((table(8, 10, 1, 6).exact() - 0.034_965_034_97).abs() < 1e-9);
    }

    /// The critical values with one degree of freedom, as in the tables of every textbook (NIST/SEMATECH handbook, 1.3.6.7.4).
    #[test]
    fn the_tail_of_chi_square_has_its_tabled_values() {
        for (statistic, p) in [(3.841_458_82, 0.05), (6.634_896_60, 0.01), (10.827_566_17, 0.001)] {
            let tail: f64 = libm::erfc(f64::sqrt(statistic / 2.0));
            assert!((tail - p).abs() < 1e-9, "{statistic}: {tail}");
        }
    }

    /// By hand: 30 of 100 against 60 of 400. X² = 500 (30·340 − 70·60)² / (100 · 400 · 90 · 410) = 12.1951.
    #[test]
    fn lift_and_chance_of_a_large_table() {
        let found = table(30, 100, 60, 400).association().unwrap();
        assert_eq!((found.share, found.others_share, found.lift), (0.3, 0.15, Some(2.0)));
        let se = (1.0 / 30.0 - 1.0 / 100.0 + 1.0 / 60.0 - 1.0 / 400.0_f64).sqrt();
        let (low, high) = found.between.unwrap();
        assert!((low - 2.0 / (Z * se).exp()).abs() < 1e-12 && (high - 2.0 * (Z * se).exp()).abs() < 1e-12);
        assert!((found.p - libm::erfc((12.195_121_95_f64 / 2.0).sqrt())).abs() < 1e-9, "{}", found.p);
    }

    #[test]
    fn what_nobody_or_everybody_has_says_nothing() {
        assert_eq!(table(0, 5, 0, 9).association().unwrap().p, 1.0);
        assert_eq!(table(5, 5, 9, 9).association().unwrap().p, 1.0);
        assert_eq!(table(1, 5, 0, 9).association().unwrap().lift, None);
        assert_eq!(table(1, 0, 0, 9).association(), None);
        assert_eq!(table(6, 5, 0, 9).association(), None);
    }

    proptest! {
        /// Oracle: every table with the margins by exact fractions of counts of choices.
        #[test]
        fn the_exact_test_adds_up_all_tables(with in 0u64..7, without in 0u64..7, others_with in 0u64..7, others_without in 0u64..7) {
            let it = table(with, with + without, others_with, others_with + others_without);
            prop_assume!(it.of > 0 && it.others > 0);
            let choose = |n: u64, k: u64| (0..k).fold(1u64, |product, i| product * (n - i) / (i + 1));
            let column = with + others_with;
            let ways = |k: u64| choose(it.of, k) * choose(it.others, column - k);
            let range = column.saturating_sub(it.others)..=column.min(it.of);
            let wanted: u64 = range.clone().map(ways).filter(|other| *other <= ways(with)).sum();
            let all: u64 = range.map(ways).sum();
            prop_assert!((it.exact() - wanted as f64 / all as f64).abs() < 1e-9);
        }
    }
}
