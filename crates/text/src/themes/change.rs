//! Which themes are new, grow or shrink, and where people feel better or worse about them than before, with the share of false alarms held.
//!
//! Always holds: counts of two periods are compared by exact tests, so few texts raise no alarm by themselves; of the alarms of one list at most the wanted
//! share is false in the mean (Benjamini and Hochberg 1995); a theme that nobody met before is new, not grown without end.

/// How often a theme was met in two periods, and among all texts of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Texts with the theme before.
    pub before: u64,
    /// Texts with it now.
    pub now: u64,
    /// Of those before, how many were negative.
    pub negative_before: u64,
    /// Of those now.
    pub negative_now: u64,
}

/// What is said of a theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volume {
    /// Nobody spoke of it before.
    New,
    /// A larger share of texts than before.
    Growing,
    /// A smaller one.
    Shrinking,
    /// No change that chance would not give.
    Steady,
}

/// How people feel about it, against before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeling {
    /// A larger share of its texts is negative.
    Worse,
    /// A smaller one.
    Better,
    /// No change that chance would not give.
    Steady,
}

/// The change of a theme.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// In how much is said.
    pub volume: Volume,
    /// In how it is said.
    pub feeling: Feeling,
    /// By what the share of texts with the theme was multiplied; `None` without a before or without texts.
    pub factor: Option<f64>,
    /// Between what it lies with 95 % confidence (Clopper and Pearson's for the split of the texts), infinite where before there was none.
    pub factor_between: (f64, f64),
    /// How probable a split at least as uneven is, had the share not changed.
    pub volume_chance: f64,
    /// The same for the share of negative texts (Fisher's exact test).
    pub feeling_chance: f64,
}

/// Compares two periods with so many texts in all. Of the alarms for volume, and of those for feeling, `false_alarms` may be false (0.05, say).
pub fn changes(counts: &[Counts], texts_before: u64, texts_now: u64, false_alarms: f64) -> Vec<Change> {
    let share = texts_now as f64 / (texts_before + texts_now).max(1) as f64;
    let volume: Vec<f64> = counts.iter().map(|it| split_chance(it.before, it.now, share)).collect();
    let feeling: Vec<f64> = counts.iter().map(fisher).collect();
    let (of_volume, of_feeling) = (alarms(&volume, false_alarms), alarms(&feeling, false_alarms));
    let one = |(at, it): (usize, &Counts)| {
        let factor = (it.before > 0 && share > 0.0 && share < 1.0)
            .then(|| it.now as f64 / it.before as f64 * (1.0 - share) / share);
        let worse = it.negative_now as f64 * it.before as f64 > it.negative_before as f64 * it.now as f64;
        Change {
            volume: match (of_volume[at], factor) {
                (false, _) => Volume::Steady,
                (true, None) => Volume::New,
                (true, Some(factor)) if factor > 1.0 => Volume::Growing,
                (true, Some(_)) => Volume::Shrinking,
            },
            feeling: match of_feeling[at] {
                false => Feeling::Steady,
                true if worse => Feeling::Worse,
                true => Feeling::Better,
            },
            factor,
            factor_between: factor_between(it, share),
            volume_chance: volume[at],
            feeling_chance: feeling[at],
        }
    };
    counts.iter().enumerate().map(one).collect()
}

/// Which of the tests raise an alarm: those up to the last one that is below its part of the wanted share.
fn alarms(chances: &[f64], false_alarms: f64) -> Vec<bool> {
    let mut sorted = chances.to_vec();
    sorted.sort_by(f64::total_cmp);
    let bar = |at: usize| false_alarms * (at + 1) as f64 / sorted.len() as f64;
    let last = (0..sorted.len()).rev().find(|at| sorted[*at] <= bar(*at)).map(|at| sorted[at]);
    chances.iter().map(|chance| last.is_some_and(|last| *chance <= last)).collect()
}

/// A count from here on is compared by the normal curve: by then it is exact to the digits that are shown, and the sums are long.
const MANY: u64 = 20_000;

/// How probable it is that of `before + now` texts, each of which is now with the chance `share`, so uneven a number is: the sum of all that are no likelier.
fn split_chance(before: u64, now: u64, share: f64) -> f64 {
    let all = before + now;
    if all == 0 || share <= 0.0 || share >= 1.0 {
        return 1.0;
    }
    if all > MANY {
        let off = (now as f64 - all as f64 * share).abs() - 0.5;
        return two_sided(off / (all as f64 * share * (1.0 - share)).sqrt());
    }
    let log = |k: u64| log_choose(all, k) + k as f64 * libm::log(share) + (all - k) as f64 * libm::log1p(-share);
    no_likelier((0..=all).map(log), log(now))
}

/// Fisher's exact test of the share of negative texts before and now.
fn fisher(it: &Counts) -> f64 {
    let (negative, all) = (it.negative_before + it.negative_now, it.before + it.now);
    if it.before == 0 || it.now == 0 || negative == 0 || negative == all {
        return 1.0;
    }
    if all > MANY {
        let share = negative as f64 / all as f64;
        let spread = share * (1.0 - share) * (1.0 / it.before as f64 + 1.0 / it.now as f64);
        let off = it.negative_now as f64 / it.now as f64 - it.negative_before as f64 / it.before as f64;
        return two_sided(off / spread.sqrt());
    }
    let log = |k: u64| log_choose(negative, k) + log_choose(all - negative, it.now - k);
    let range = negative.saturating_sub(it.before)..=negative.min(it.now);
    no_likelier(range.map(log), log(it.negative_now))
}

/// The share of the probability that what is no likelier than `own` has; all as logarithms up to a common term.
fn no_likelier(logs: impl Iterator<Item = f64> + Clone, own: f64) -> f64 {
    let most = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    let sum = |logs: &mut dyn Iterator<Item = f64>| logs.map(|it| libm::exp(it - most)).sum::<f64>();
    // Equal ones differ in the last digits.
    let part = sum(&mut logs.clone().filter(|it| *it <= own + 1e-7));
    (part / sum(&mut logs.clone())).min(1.0)
}

fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs().max(0.0) / std::f64::consts::SQRT_2)
}

fn log_choose(n: u64, k: u64) -> f64 {
    let factorial = |n: u64| libm::lgamma(n as f64 + 1.0);
    factorial(n) - factorial(k) - factorial(n - k)
}

/// Clopper and Pearson's bounds of the share of texts that are now, as a factor of the share of the theme.
fn factor_between(it: &Counts, share: f64) -> (f64, f64) {
    if it.before + it.now == 0 || share <= 0.0 || share >= 1.0 {
        return (0.0, f64::INFINITY);
    }
    let factor = |now: f64| if now >= 1.0 { f64::INFINITY } else { now / (1.0 - now) * (1.0 - share) / share };
    let (k, all) = (it.now, it.before + it.now);
    let low = if k == 0 { 0.0 } else { root(|p| 1.0 - at_most(k - 1, all, p) - 0.025) };
    let high = if k == all { 1.0 } else { root(|p| 0.025 - at_most(k, all, p)) };
    (factor(low), factor(high))
}

/// Where a rising function of 0 to 1 crosses 0.
fn root(of: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if of(middle) < 0.0 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// How probable at most `k` of `all` are, each with the chance `p`.
fn at_most(k: u64, all: u64, p: f64) -> f64 {
    if p <= 0.0 || k >= all {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    if all > MANY {
        let off = k as f64 + 0.5 - all as f64 * p;
        return 0.5 * libm::erfc(-off / (2.0 * all as f64 * p * (1.0 - p)).sqrt());
    }
    let log = |k: u64| log_choose(all, k) + k as f64 * libm::log(p) + (all - k) as f64 * libm::log1p(-p);
    (0..=k).map(|k| libm::exp(log(k))).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(before: u64, now: u64, negative_before: u64, negative_now: u64) -> Counts {
        Counts { before, now, negative_before, negative_now }
    }

    /// Fisher's own example (1935), a lady and eight cups of tea: 0.4857; scipy.stats.binomtest(15, 20, 0.5): 0.04138947; (3, 7) confidence: 0.09899 to 0.81595.
    #[test]
    fn published_figures() {
        assert!((fisher(&counts(4, 4, 3, 1)) - 0.485_714).abs() < 1e-6);
        assert!((split_chance(5, 15, 0.5) - 0.041_389_47).abs() < 1e-8);
        let (low, high) = factor_between(&counts(4, 3, 0, 0), 0.5);
        assert!((low / (1.0 + low) - 0.098_99).abs() < 1e-4 && (high / (1.0 + high) - 0.815_95).abs() < 1e-4);
    }

    #[test]
    fn what_is_new_grows_and_turns_is_told_from_what_only_looks_so() {
        let themes = [
            counts(0, 12, 0, 10),
            counts(40, 90, 10, 20),
            counts(50, 48, 5, 30),
            counts(1, 3, 0, 1),
            counts(80, 30, 8, 3),
            counts(0, 1, 0, 1),
        ];
        let found = changes(&themes, 1_000, 1_000, 0.05);
        let of: Vec<(Volume, Feeling)> = found.iter().map(|it| (it.volume, it.feeling)).collect();
        use Feeling::{Steady as Same, Worse};
        use Volume::{Growing, New, Shrinking, Steady};
        assert_eq!(
            of,
            [(New, Same), (Growing, Same), (Steady, Worse), (Steady, Same), (Shrinking, Same), (Steady, Same)]
        );
        assert_eq!(found[1].factor, Some(2.25));
        assert!(found[1].factor_between.0 > 1.5 && found[1].factor_between.1 < 3.5);
        assert!(changes(&[], 0, 0, 0.05).is_empty());
        assert_eq!(changes(&[counts(0, 5, 0, 0)], 0, 10, 0.05)[0].volume, Volume::Steady);
    }

    /// Over many lists where nothing changed, the lists with any alarm are about as many as wanted, and not more.
    #[test]
    fn where_nothing_changed_few_lists_have_an_alarm() {
        let mut seed = 7u64;
        let mut draw = move |n: u64, p: f64| {
            (0..n)
                .filter(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    ((seed >> 11) as f64 / (1u64 << 53) as f64) < p
                })
                .count() as u64
        };
        let mut with_alarm = 0;
        for _ in 0..300 {
            let themes: Vec<Counts> = (0..12)
                .map(|at| {
                    let (all, negative) = (10 + at * 9, 0.3);
                    let now = draw(all, 0.5);
                    counts(all - now, now, draw(all - now, negative), draw(now, negative))
                })
                .collect();
            let found = changes(&themes, 5_000, 5_000, 0.1);
            with_alarm += usize::from(found.iter().any(|it| it.volume != Volume::Steady));
        }
        assert!(with_alarm <= 39, "{with_alarm} of 300: more than a tenth and two standard errors");
        assert!(with_alarm >= 3, "{with_alarm}: a test that never alarms tests nothing");
    }

    proptest! {
        /// Oracle: every table with the same sums, weighed by whole numbers of ways.
        #[test]
        fn fisher_counts_all_tables(before in 1u64..12, now in 1u64..12, a in 0u64..12, b in 0u64..12) {
            let (a, b) = (a.min(before), b.min(now));
            let choose = |n: u64, k: u64| -> u128 { if k > n { 0 } else { (0..k).fold(1u128, |sum, i| sum * u128::from(n - i) / u128::from(i + 1)) } };
            let ways = |k: u64| choose(before, (a + b).saturating_sub(k)) * choose(now, k) * u128::from(k <= a + b);
            let own = ways(b);
            let part: u128 = (0..=now).map(ways).filter(|it| *it <= own).sum();
            let all: u128 = (0..=now).map(ways).sum();
            prop_assert!((fisher(&counts(before, now, a, b)) - part as f64 / all as f64).abs() < 1e-6);
        }

        #[test]
        fn bounds_hold_the_factor_and_nothing_is_out_of_range(before in 0u64..60, now in 0u64..60, share in 0.05f64..0.95) {
            let it = counts(before, now, 0, 0);
            let (low, high) = factor_between(&it, share);
            prop_assert!(low <= high && low >= 0.0);
            if before > 0 {
                let factor = now as f64 / before as f64 * (1.0 - share) / share;
                prop_assert!(low <= factor + 1e-9 && factor <= high + 1e-9);
            }
            prop_assert!((0.0..=1.0).contains(&split_chance(before, now, share)));
        }
    }

    #[test]
    fn many_are_compared_as_few_are() {
        let few = split_chance(9_800, 10_150, 0.5);
        let many = split_chance(9_900, 10_252, 0.5);
        assert!((few - many).abs() < 0.002, "{few} {many}");
    }
}
