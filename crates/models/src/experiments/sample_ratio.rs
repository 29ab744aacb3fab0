//! Whether units arrived in the arms as they were meant to. Where they did not, something assigns, loses or counts them by what they do, and no other
//! number of the experiment can be believed.

use crate::distributions::chi_square_tail;

/// The probability below which arms are called mismatched (Kohavi, Tang and Xu 2020, "Trustworthy online controlled experiments",
/// chapter 21).
pub const MISMATCH: f64 = 0.001;

/// How far the sizes of arms are from what was meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRatio {
    /// Pearson's chi-square.
    pub statistic: f64,
    /// How likely one so large is if units were assigned as meant.
    pub p: f64,
}

impl SampleRatio {
    /// Of `counts` units an arm that were meant to come in proportion to `weights`, read once. `None` without units, with fewer than two arms, or where
    /// a weight is not positive or the two differ in length.
    pub fn of(counts: &[u64], weights: &[f64]) -> Option<Self> {
        let (total, shares) = meant(counts, weights)?;
        let off = |(count, share): (&u64, f64)| (*count as f64 - total * share).powi(2) / (total * share);
        let statistic = counts.iter().zip(shares).map(off).sum::<f64>();
        let dof = u32::try_from(counts.len() - 1).ok()?;
        statistic.is_finite().then(|| Self { statistic, p: chi_square_tail(statistic, dof) })
    }
}

/// How likely counts as far from `weights` as these are, at this look or any other, if units are assigned as meant: the sequential test of Lindon and
/// Malek (2022, "Anytime-valid inference for multinomial count data"), one over the Bayes factor of a Dirichlet prior about the weights against them.
///
/// `counts` are those since the beginning; the least value of all looks stays valid. The prior is as sure of its weights as `concentration` units:
/// 10,000 in the authors' program, so that small mismatches of many units are found, and gross ones a little later. `None` as in [`SampleRatio::of`].
pub fn sequential_mismatch(counts: &[u64], weights: &[f64], concentration: f64) -> Option<f64> {
    if !(concentration > 0.0 && concentration.is_finite()) {
        return None;
    }
    let (total, shares) = meant(counts, weights)?;
    let arm = |(count, share): (&u64, f64)| rising(concentration * share, *count as f64) - *count as f64 * share.ln();
    let factor = counts.iter().zip(shares).map(arm).sum::<f64>() - rising(concentration, total);
    let p = (-factor).exp().min(1.0);
    (!p.is_nan()).then_some(p)
}

/// How many units there are, and the share that each arm was meant to have of them.
fn meant<'a>(counts: &[u64], weights: &'a [f64]) -> Option<(f64, impl Iterator<Item = f64> + use<'a>)> {
    let total: u64 = counts.iter().sum();
    let weight: f64 = weights.iter().sum();
    let possible = counts.len() == weights.len()
        && counts.len() > 1
        && total > 0
        && weight.is_finite()
        && weights.iter().all(|it| *it > 0.0);
    possible.then(|| (total as f64, weights.iter().map(move |it| it / weight)))
}

/// The logarithm of the product from `start` to `start + steps − 1`.
fn rising(start: f64, steps: f64) -> f64 {
    libm::lgamma(start + steps) - libm::lgamma(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// GrowthBook's example, and that of Kohavi, Tang and Xu (2020), "Trustworthy online controlled experiments", chapter 21.
    #[test]
    fn published_mismatches() {
        let found = SampleRatio::of(&[1_000, 1_100], &[0.5, 0.5]).unwrap();
        assert!((found.statistic - 4.761_90).abs() < 0.5e-5 && (found.p - 0.029_096_3).abs() < 0.5e-7);
        let found = SampleRatio::of(&[821_588, 815_482], &[1.0, 1.0]).unwrap();
        assert!((found.p - 1.8e-6).abs() < 0.05e-6 && found.p < MISMATCH);
    }

    /// The tests of the authors' program (optimizely/ssrm, `test_sequential_posteriors`): logarithms of both marginal likelihoods over four days, with
    /// a prior of one unit an arm against weights of 4, 4 and 2.
    #[test]
    fn the_authors_own_example() {
        let days = [
            ([20, 17, 9], -7.028_201_432_058_012, -4.077_640_646_606_198),
            ([38, 38, 17], -11.947_847_738_358_888, -8.265_946_861_099_877),
            ([42, 44, 21], -15.471_401_950_257_842, -11.610_743_519_545_139),
            ([60, 63, 32], -19.964_845_210_903_86, -15.781_031_228_536_165),
        ];
        for (counts, mismatched, as_meant) in days {
            // Their prior does not lie about the weights, so the factor is taken apart here as they do.
            let alternative: f64 = counts.iter().map(|it| rising(1.0, *it as f64)).sum::<f64>()
                - rising(3.0, counts.iter().sum::<u64>() as f64);
            let null: f64 =
                counts.iter().zip([0.4_f64, 0.4, 0.2]).map(|(count, share)| *count as f64 * share.ln()).sum();
            assert!((alternative - null - (mismatched - as_meant)).abs() < 1e-9);
        }
    }

    /// GrowthBook's tests of its port of that program (packages/back-end/test/util/ssrm.test.ts), by days of new units, with the least p so far.
    #[test]
    fn growthbooks_days() {
        let days = [[500, 500], [600, 400], [700, 300], [800, 200]];
        let wanted = [1.0, 0.206_859_014_614_230_34, 1.099_173_293_697_608e-6, 5.115_536_116_778_213e-23];
        let (mut so_far, mut least) = ([0, 0], 1.0_f64);
        for (day, wanted) in days.into_iter().zip(wanted) {
            so_far = [so_far[0] + day[0], so_far[1] + day[1]];
            least = least.min(sequential_mismatch(&so_far, &[0.5, 0.5], 10_000.0).unwrap());
            assert!((least / wanted - 1.0).abs() < 1e-6, "{least} {wanted}");
        }
        let three = sequential_mismatch(&[600, 200, 200], &[0.34, 0.33, 0.33], 10_000.0).unwrap();
        assert!((three / 1.434_363_122_540_044_5e-6 - 1.0).abs() < 1e-6);
        let less_sure = sequential_mismatch(&[800, 200], &[0.5, 0.5], 100.0).unwrap();
        assert!((less_sure / 2.253_273_013_435_552e-75 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_has_no_ratio_has_no_answer() {
        for (counts, weights) in [
            (&[][..], &[][..]),
            (&[5], &[1.0]),
            (&[0, 0], &[1.0, 1.0]),
            (&[5, 5], &[1.0, 0.0]),
            (&[5, 5], &[1.0, f64::NAN]),
            (&[5, 5], &[1.0]),
        ] {
            assert_eq!(SampleRatio::of(counts, weights), None);
            assert_eq!(sequential_mismatch(counts, weights, 10_000.0), None);
        }
        assert_eq!(sequential_mismatch(&[5, 5], &[1.0, 1.0], 0.0), None);
    }

    proptest! {
        /// Oracle: the units one after another, each with the chance that all before it give it under the prior against the chance that was meant.
        #[test]
        fn the_factor_is_a_product_over_units(units in prop::collection::vec(0usize..3, 1..200)) {
            let shares = [0.5, 0.3, 0.2];
            let (mut counts, mut factor) = ([0u64; 3], 1.0_f64);
            for unit in units {
                let seen: u64 = counts.iter().sum();
                factor *= (50.0 * shares[unit] + counts[unit] as f64) / (50.0 + seen as f64) / shares[unit];
                counts[unit] += 1;
            }
            let found = sequential_mismatch(&counts, &[5.0, 3.0, 2.0], 50.0).unwrap();
            prop_assert!((found - (1.0 / factor).min(1.0)).abs() < 1e-9);
        }
    }
}
