//! The best parts of all.

use super::cost::Costs;

/// A place where the last part may begin, and from which end on it can no longer win.
struct Beginning {
    at: usize,
    until: usize,
}

/// The ends of the parts whose costs and penalties are least, of at least `shortest` values each: the last one is the end of the series.
///
/// If parting at t is no dearer than going on from s, then s loses for every end that leaves room for a part after t, so it is left out from there on.
pub(super) fn parts(costs: &Costs, penalty: f64, shortest: usize) -> Vec<usize> {
    let n = costs.len();
    let mut least = vec![f64::INFINITY; n + 1];
    let mut before = vec![0; n + 1];
    least[0] = -penalty;
    let mut open = vec![Beginning { at: 0, until: usize::MAX }];
    for end in shortest..=n {
        // The newest place that leaves room for a part.
        let newest = end - shortest;
        if newest >= shortest {
            open.push(Beginning { at: newest, until: usize::MAX });
        }
        open.retain(|it| it.until > end);
        for it in &open {
            let all = least[it.at] + costs.cost(it.at, end) + penalty;
            if all < least[end] {
                (least[end], before[end]) = (all, it.at);
            }
        }
        for it in &mut open {
            if least[it.at] + costs.cost(it.at, end) > least[end] {
                it.until = it.until.min(end + shortest);
            }
        }
    }
    let mut ends = vec![n];
    while let Some(at) = ends.last().map(|end| before[*end]).filter(|at| *at > 0) {
        ends.push(at);
    }
    ends.reverse();
    ends
}
