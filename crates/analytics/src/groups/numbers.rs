//! Which of the new groups is which of those before.
//!
//! Always holds: a number goes on only where at least half of all who are in either group are in both; no number is given twice, and none that was ever given to another.

/// From which share of those in either on it is the same group.
const SAME: f64 = 0.5;

/// How many people are in which of the groups before (rows) and of the new ones (columns).
pub(super) fn crossed(before: &[usize], new: &[usize], (rows, columns): (usize, usize)) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; columns]; rows];
    before.iter().zip(new).for_each(|(a, b)| counts[*a][*b] += 1);
    counts
}

/// The numbers of the new groups, by how many people they have in common with those before, whose numbers are `numbers`; new groups get the next ones after `last`.
pub(super) fn numbered(counts: &[Vec<u64>], numbers: &[u32], new: usize, last: u32) -> Vec<u32> {
    let rows: Vec<u64> = counts.iter().map(|row| row.iter().sum()).collect();
    let columns: Vec<u64> = (0..new).map(|at| counts.iter().map(|row| row[at]).sum()).collect();
    let mut pairs = Vec::new();
    for (a, row) in counts.iter().enumerate() {
        for (b, both) in row.iter().enumerate() {
            let either = rows[a] + columns[b] - both;
            if either > 0 {
                pairs.push((*both as f64 / either as f64, a, b));
            }
        }
    }
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let mut found: Vec<Option<u32>> = vec![None; new];
    let mut taken = vec![false; numbers.len()];
    for (alike, a, b) in pairs {
        if alike >= SAME && !taken[a] && found[b].is_none() {
            found[b] = Some(numbers[a]);
            taken[a] = true;
        }
    }
    let mut next = last;
    found
        .into_iter()
        .map(|it| {
            it.unwrap_or_else(|| {
                next += 1;
                next
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_group_of_mostly_the_same_people_keeps_its_number() {
        // Three before, with the numbers 4, 1, 7. The first is split, the second stays, the third goes on with a few more.
        let counts = vec![vec![30, 0, 0, 30], vec![0, 50, 5, 0], vec![0, 0, 40, 0]];
        assert_eq!(numbered(&counts, &[4, 1, 7], 4, 9), [4, 1, 7, 10]);
        let counts = vec![vec![29, 0, 0, 31], vec![0, 50, 5, 0], vec![0, 0, 40, 0]];
        assert_eq!(numbered(&counts, &[4, 1, 7], 4, 9), [10, 1, 7, 4]);
        assert_eq!(numbered(&[], &[], 2, 0), [1, 2], "the first version");
    }

    proptest! {
        /// Oracle: sets of people. Where half of those in either are in both, no other group can have that, so the number is theirs.
        #[test]
        fn numbers_are_those_of_sets(people in prop::collection::vec((0usize..3, 0usize..4), 1..60)) {
            let (before, new): (Vec<usize>, Vec<usize>) = people.iter().copied().unzip();
            let found = numbered(&crossed(&before, &new, (3, 4)), &[5, 2, 8], 4, 8);
            prop_assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 4);
            let set = |of: &[usize], group| (0..of.len()).filter(|at| of[*at] == group).collect::<BTreeSet<_>>();
            for (b, number) in found.iter().enumerate() {
                let own = set(&new, b);
                for (a, old) in [5, 2, 8].into_iter().enumerate() {
                    let theirs = set(&before, a);
                    let (both, either) = (own.intersection(&theirs).count(), own.union(&theirs).count());
                    if either > 0 && 2 * both > either {
                        prop_assert_eq!(*number, old);
                    } else if *number == old {
                        prop_assert_eq!(2 * both, either);
                    }
                }
            }
        }
    }
}
