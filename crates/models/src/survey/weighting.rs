//! Weighting for who did not answer: a group that answered less counts for as many as it has.
//!
//! Post-stratification (Holt and Smith 1979, "Post stratification"): the shares of each group, weighted by the size of the group. Unequal weights make
//! the answers worth less: as many as Kish's effective number, (Σw)² / Σw² (Kish 1965, "Survey sampling", 11.7). It corrects for the groups given and
//! for nothing else: that those of a group who answered are like those who did not is assumed.

use super::{Shares, Tally};

/// A group of those who were to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stratum {
    /// How many were to be asked.
    pub population: u64,
    /// What those said who answered.
    pub tally: Tally,
}

/// Answers weighted by group.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    /// The weighted shares.
    pub shares: Shares,
    /// The share of the population in groups of which anybody answered; of the others nothing is known.
    pub covered: f64,
    /// How many times as many answers this takes as answers counted alike (Kish's design effect); 1 is without loss.
    pub design_effect: f64,
    /// How much one answer of the group that counts most counts, in mean answers.
    pub heaviest: f64,
}

/// The answers of `strata` as if everybody who was to be asked had answered like their group. `None` without answers, or of different scales.
pub fn weighted(strata: &[Stratum]) -> Option<Weighted> {
    let scale = strata.first()?.tally.scale();
    if strata.iter().any(|it| it.tally.scale() != scale) {
        return None;
    }
    let population: u64 = strata.iter().map(|it| it.population).sum();
    let known: Vec<(f64, Shares)> = strata
        .iter()
        .filter(|it| it.population > 0)
        .filter_map(|it| Some((it.population as f64, it.tally.shares()?)))
        .collect();
    let covered: f64 = known.iter().map(|(size, _)| size).sum();
    if known.is_empty() {
        return None;
    }
    let mut shares = vec![0.0; scale.size()];
    for (size, own) in &known {
        shares.iter_mut().zip(own.worst_first()).for_each(|(sum, share)| *sum += size / covered * share);
    }
    let answers: u64 = known.iter().map(|(_, own)| own.answers()).sum();
    let each = |(size, own): &(f64, Shares)| size / covered / own.answers() as f64;
    let effective = 1.0 / known.iter().map(|it| each(it).powi(2) * it.1.answers() as f64).sum::<f64>();
    let heaviest = known.iter().map(each).fold(0.0, f64::max) * answers as f64;
    let shares = Shares::of(scale, shares, answers, effective.min(answers as f64));
    let design_effect = (answers as f64 / effective).max(1.0);
    Some(Weighted { shares, covered: covered / population as f64, design_effect, heaviest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::{Confidence, Measure, Scale};
    use proptest::prelude::*;

    fn tally(counts: [u64; 3]) -> Tally {
        Tally::new(Scale::NPS, [Some(10), Some(7), Some(2)].into_iter().zip(counts))
    }

    /// Half of the customers gave one in eleven of the answers: 20 promoters of 20 in one half, 80 of 200 in the other.
    #[test]
    fn a_group_counts_for_as_many_as_it_has() {
        let strata = [
            Stratum { population: 1_000, tally: tally([20, 0, 0]) },
            Stratum { population: 1_000, tally: tally([80, 0, 120]) },
        ];
        let found = weighted(&strata).unwrap();
        let score = Measure::Nps.score(&found.shares, Confidence::default()).unwrap();
        assert!((score.estimate - (100.0 - 20.0) / 2.0).abs() < 1e-9, "{score:?}");
        // 1 / (0.25 / 20 + 0.25 / 200)
        assert!((found.shares.effective() - 72.727_272_727).abs() < 1e-6);
        assert!((found.design_effect - 3.025).abs() < 1e-9 && (found.heaviest - 5.5).abs() < 1e-9);
        assert_eq!((score.answers, found.covered), (220, 1.0));
    }

    #[test]
    fn groups_of_which_nobody_answered_are_said_to_be_unknown() {
        let strata = [
            Stratum { population: 300, tally: tally([3, 2, 1]) },
            Stratum { population: 100, tally: tally([0, 0, 0]) },
        ];
        let found = weighted(&strata).unwrap();
        assert_eq!((found.covered, found.shares.effective(), found.design_effect), (0.75, 6.0, 1.0));
        assert_eq!(weighted(&strata[1..]), None);
        assert_eq!(weighted(&[]), None);
    }

    proptest! {
        /// Oracle: every answer repeated as often as its weight says; and equal weights change nothing.
        #[test]
        fn weighted_shares_are_those_of_repeated_answers(groups in prop::collection::vec((1u64..5, prop::array::uniform3(0u64..9)), 1..5)) {
            let strata: Vec<Stratum> = groups
                .iter()
                .map(|(times, counts)| Stratum { population: times * counts.iter().sum::<u64>(), tally: tally(*counts) })
                .filter(|it| it.population > 0)
                .collect();
            prop_assume!(!strata.is_empty());
            let repeated = groups.iter().fold([0; 3], |sum, (times, counts)| std::array::from_fn(|at| sum[at] + times * counts[at]));
            let found = weighted(&strata).unwrap();
            let wanted = tally(repeated).shares().unwrap();
            for (share, other) in found.shares.worst_first().iter().zip(wanted.worst_first()) {
                prop_assert!((share - other).abs() < 1e-12);
            }
            prop_assert!(found.design_effect >= 1.0 && found.shares.effective() <= found.shares.answers() as f64);
            if groups.iter().all(|(times, _)| *times == groups[0].0) {
                prop_assert!((found.design_effect - 1.0).abs() < 1e-9);
            }
        }
    }
}
