//! Whether groups end at different times: observed less expected ends, over all times at which somebody ended.

use super::{Lifetimes, Test};
use crate::fault::Fault;
use crate::symmetric::solved;

/// Which times count most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Weighting {
    /// All alike (Mantel 1966): best where hazards are proportional.
    #[default]
    LogRank,
    /// By how many are at risk (Gehan 1965, Breslow 1970): early ones.
    Gehan,
    /// By the root of that (Tarone and Ware 1977): between the two.
    TaroneWare,
}

/// Tests whether all groups have the same curve; `groups` names each row's group. Groups that nobody is at risk in do not count.
pub fn log_rank(lifetimes: &Lifetimes<'_>, groups: &[usize], weighting: Weighting) -> Result<Test, Fault> {
    lifetimes.check_events(1)?;
    if groups.len() != lifetimes.times.len() {
        return Err(Fault::Shape { what: "rows of the groups", have: groups.len(), need: lifetimes.times.len() });
    }
    let mut names = groups.to_vec();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 {
        return Err(Fault::OneClass);
    }
    let place: Vec<usize> = groups.iter().map(|it| names.partition_point(|name| name < it)).collect();
    let (off, variance) = differences(lifetimes, &place, names.len(), weighting);
    // The differences add up to nothing, so one group follows from the others.
    let k = names.len() - 1;
    let matrix: Vec<Vec<f64>> = variance[..k].iter().map(|row| row[..k].to_vec()).collect();
    if (0..=k).all(|at| variance[at][at] <= 0.0) {
        return Err(Fault::NotIdentified { why: "groups apart: whenever somebody ended, only one of them was there" });
    }
    let solution = solved(&matrix, &off[..k]);
    let statistic: f64 = solution.iter().zip(&off).map(|(a, b)| a * b).sum();
    Ok(Test::of(statistic, k as u32))
}

/// Of each group what is observed less what is expected, and how these vary together: hypergeometric at each time.
fn differences(
    lifetimes: &Lifetimes<'_>,
    place: &[usize],
    groups: usize,
    weighting: Weighting,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let times = lifetimes.times;
    let sorted = |key: &dyn Fn(usize) -> f64| {
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by(|a, b| key(*a).total_cmp(&key(*b)));
        order
    };
    let (order, mut waiting) = (sorted(&|row| times[row]), sorted(&|row| lifetimes.entry(row)).into_iter().peekable());
    let (mut at_risk, mut off) = (vec![0.0; groups], vec![0.0; groups]);
    let mut variance = vec![vec![0.0; groups]; groups];
    for together in order.chunk_by(|a, b| times[*a] == times[*b]) {
        while let Some(row) = waiting.next_if(|row| lifetimes.entry(*row) < times[together[0]]) {
            at_risk[place[row]] += 1.0;
        }
        let mut ended = vec![0.0; groups];
        together.iter().filter(|row| lifetimes.ended[**row]).for_each(|row| ended[place[*row]] += 1.0);
        let (n, d): (f64, f64) = (at_risk.iter().sum(), ended.iter().sum());
        if d > 0.0 {
            let weight = match weighting {
                Weighting::LogRank => 1.0,
                Weighting::Gehan => n,
                Weighting::TaroneWare => n.sqrt(),
            };
            let spread = if n > 1.0 { weight * weight * d * (n - d) / (n - 1.0) } else { 0.0 };
            for i in 0..groups {
                off[i] += weight * (ended[i] - d * at_risk[i] / n);
                for j in 0..groups {
                    let same = if i == j { at_risk[i] / n } else { 0.0 };
                    variance[i][j] += spread * (same - at_risk[i] * at_risk[j] / (n * n));
                }
            }
        }
        together.iter().for_each(|row| at_risk[place[*row]] -= 1.0);
    }
    (off, variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Freireich et al. 1963, 6-MP against placebo: 16.79 (Kleinbaum and Klein 2012, "Survival analysis", 2.III).
    #[test]
    fn the_textbooks_example() {
        let mp = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];
        let placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23];
        let times: Vec<f64> = mp.iter().chain(&placebo).map(|it| f64::from(*it)).collect();
        let ended: Vec<bool> = (0..42).map(|at| !(9..21).contains(&at)).collect();
        let groups: Vec<usize> = (0..42).map(|at| if at < 21 { 7 } else { 3 }).collect();
        let lifetimes = Lifetimes::new(&times, &ended);
        let test = log_rank(&lifetimes, &groups, Weighting::LogRank).unwrap();
        assert!((test.statistic - 16.79).abs() <= 0.005 && test.degrees == 1, "{test:?}");
        assert_eq!(log_rank(&lifetimes, &[1; 42], Weighting::LogRank), Err(Fault::OneClass));
        // Gehan's own: 13.46 in the same book (table of weights, "Wilcoxon").
        assert!((log_rank(&lifetimes, &groups, Weighting::Gehan).unwrap().statistic - 13.46).abs() <= 0.005);
        // A group split in two at random keeps what the other group shows.
        let thirds: Vec<usize> = (0..42).map(|at| if at < 21 { 0 } else { 1 + at % 2 }).collect();
        let three = log_rank(&lifetimes, &thirds, Weighting::LogRank).unwrap();
        assert!(three.degrees == 2 && three.statistic >= test.statistic - 0.5);
    }

    #[test]
    fn groups_that_never_meet_say_nothing() {
        let found = log_rank(&Lifetimes::new(&[1.0, 2.0], &[false, true]), &[0, 1], Weighting::LogRank);
        assert!(matches!(found, Err(Fault::NotIdentified { .. })), "{found:?}");
    }
}
