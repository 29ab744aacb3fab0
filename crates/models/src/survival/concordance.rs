//! How well an expectation sorts those who ended (Harrell, Califf, Pryor, Lee and Rosati 1982, "Evaluating the yield of medical tests").

use super::Lifetimes;
use crate::fault::{Fault, none_of};

/// Counts of pairs of which it is known who ended first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concordance {
    /// The one with the higher risk ended first.
    pub concordant: u64,
    /// The other one did.
    pub discordant: u64,
    /// Both had the same risk.
    pub tied: u64,
}

impl Concordance {
    /// The share of pairs in the right order, ties as half: .5 is chance.
    pub fn index(self) -> f64 {
        let pairs = (self.concordant + self.discordant + self.tied) as f64;
        (self.concordant as f64 + self.tied as f64 / 2.0) / pairs
    }
}

/// Counts the pairs by `risks`, of which a higher one ends sooner. Of two that end at the same time nothing is known; who was still there at that time
/// outlasted who ended. Entry times are not looked at.
pub fn concordance(lifetimes: &Lifetimes<'_>, risks: &[f64]) -> Result<Concordance, Fault> {
    lifetimes.check_events(1)?;
    if risks.len() != lifetimes.times.len() {
        return Err(Fault::Shape { what: "rows of the risks", have: risks.len(), need: lifetimes.times.len() });
    }
    none_of(risks, |it| !it.is_finite(), |row| Fault::NotFinite { row })?;
    let mut values = risks.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    let rank = |row: usize| values.partition_point(|it| *it < risks[row]);
    let mut order: Vec<usize> = (0..risks.len()).collect();
    let times = lifetimes.times;
    order.sort_unstable_by(|a, b| times[*b].total_cmp(&times[*a]));
    let mut outlasting = Counts(vec![0; values.len() + 1]);
    let mut found = Concordance { concordant: 0, discordant: 0, tied: 0 };
    for together in order.chunk_by(|a, b| times[*a] == times[*b]) {
        together.iter().filter(|row| !lifetimes.ended[**row]).for_each(|row| outlasting.add(rank(*row)));
        for row in together.iter().filter(|row| lifetimes.ended[**row]) {
            let rank = rank(*row);
            let (below, up_to, all) =
                (outlasting.below(rank), outlasting.below(rank + 1), outlasting.below(values.len()));
            found.concordant += below;
            found.tied += up_to - below;
            found.discordant += all - up_to;
        }
        together.iter().filter(|row| lifetimes.ended[**row]).for_each(|row| outlasting.add(rank(*row)));
    }
    let none = found.concordant + found.discordant + found.tied == 0;
    if none { Err(Fault::TooFew { what: "pairs of which one ended first", have: 0, need: 1 }) } else { Ok(found) }
}

/// Counts by rank whose sums from the lowest on take logarithmic time (Fenwick 1994).
struct Counts(Vec<u64>);

impl Counts {
    fn add(&mut self, rank: usize) {
        let mut at = rank + 1;
        while at < self.0.len() {
            self.0[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn below(&self, rank: usize) -> u64 {
        let (mut at, mut sum) = (rank, 0);
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whoever_knows_nothing_has_a_half() {
        let found = concordance(&Lifetimes::new(&[1.0, 2.0, 3.0], &[true; 3]), &[0.0; 3]).unwrap();
        assert_eq!((found.tied, found.index()), (3, 0.5));
        assert!(concordance(&Lifetimes::new(&[1.0, 1.0], &[true; 2]), &[0.0; 2]).is_err());
    }

    proptest! {
        /// Oracle: all pairs.
        #[test]
        fn it_counts_all_pairs(rows in prop::collection::vec((0u8..6, any::<bool>(), -2i8..3), 1..25)) {
            let times: Vec<f64> = rows.iter().map(|it| f64::from(it.0)).collect();
            let ended: Vec<bool> = rows.iter().map(|it| it.1).collect();
            let risks: Vec<f64> = rows.iter().map(|it| f64::from(it.2)).collect();
            let (mut concordant, mut discordant, mut tied) = (0, 0, 0);
            for a in rows.iter().filter(|it| it.1) {
                for b in rows.iter().filter(|b| b.0 > a.0 || (b.0 == a.0 && !b.1)) {
                    match a.2.cmp(&b.2) {
                        std::cmp::Ordering::Greater => concordant += 1,
                        std::cmp::Ordering::Less => discordant += 1,
                        std::cmp::Ordering::Equal => tied += 1,
                    }
                }
            }
            let found = concordance(&Lifetimes::new(&times, &ended), &risks);
            if concordant + discordant + tied == 0 {
                prop_assert!(found.is_err());
            } else {
                prop_assert_eq!(found, Ok(Concordance { concordant, discordant, tied }));
            }
        }
    }
}
