//! The typical one of a group: a real member, not an average that nobody is.

/// The place of the row that is nearest to all others: the least sum of distances, each the sum of differences in the columns, measured in the
/// columns' quartile ranges so that no unit outweighs another (a column without range counts as it is). Of several the first. `None` without rows.
///
/// The medoid of Kaufman and Rousseeuw (1987) for the Manhattan distance, whose sums need no pairs: in one sorted column they follow from prefix sums.
pub fn medoid(rows: &[Vec<f64>]) -> Option<usize> {
    let columns = rows.first()?.len();
    let mut sums = vec![0.0; rows.len()];
    for column in 0..columns {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let value = |at: usize| rows[at].get(column).copied().unwrap_or_default();
        order.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
        let scale = range(&order, value);
        let total: f64 = order.iter().map(|at| value(*at)).sum();
        let mut before = 0.0;
        for (rank, at) in order.iter().enumerate() {
            let own = value(*at);
            let after = total - before - own;
            let (lower, upper) = (rank as f64, (order.len() - rank - 1) as f64);
            sums[*at] += (own * lower - before + after - own * upper) / scale;
            before += own;
        }
    }
    (0..rows.len()).min_by(|a, b| sums[*a].total_cmp(&sums[*b]))
}

/// The distance between the quartiles of sorted values, by nearest rank; 1 where there is none.
fn range(order: &[usize], value: impl Fn(usize) -> f64) -> f64 {
    let at = |quarter: usize| value(order[(quarter * order.len()).div_ceil(4).saturating_sub(1)]);
    let range = at(3) - at(1);
    if range > 0.0 { range } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_typical_one_is_in_the_middle_whatever_the_units() {
        let rows: Vec<Vec<f64>> =
            [[0.0, 0.0], [1.0, 1_000.0], [2.0, 2_000.0], [3.0, 3_000.0], [50.0, 90_000.0]].map(Vec::from).to_vec();
        assert_eq!(medoid(&rows), Some(2));
        assert_eq!(medoid(&[]), None);
        assert_eq!(medoid(&[vec![7.0]]), Some(0));
    }

    proptest! {
        /// Oracle: the sums of all pairs.
        #[test]
        fn it_has_the_least_sum_of_distances(rows in prop::collection::vec(prop::collection::vec(-9i32..9, 3), 1..20)) {
            let rows: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|it| f64::from(*it)).collect()).collect();
            let scale = |column: usize| {
                let mut order: Vec<usize> = (0..rows.len()).collect();
                order.sort_by(|a, b| rows[*a][column].total_cmp(&rows[*b][column]));
                range(&order, |at| rows[at][column])
            };
            let scales: Vec<f64> = (0..3).map(scale).collect();
            let distance = |a: &[f64], b: &[f64]| (0..3).map(|c| (a[c] - b[c]).abs() / scales[c]).sum::<f64>();
            let sum = |at: usize| rows.iter().map(|other| distance(&rows[at], other)).sum::<f64>();
            let least = (0..rows.len()).map(sum).fold(f64::INFINITY, f64::min);
            prop_assert!(sum(medoid(&rows).unwrap()) <= least + 1e-9);
        }
    }
}
