//! Means, deviations and correlations of columns of numbers.

/// What a table's columns have in common.
pub(crate) struct Columns {
    /// How many rows.
    pub(crate) n: f64,
    /// The mean of each.
    pub(crate) means: Vec<f64>,
    /// The sums of products of what is off the means; of which the upper triangle is filled.
    products: Vec<Vec<f64>>,
}

impl Columns {
    /// Of the rows at these places, in two passes. `None` without rows.
    pub(crate) fn of(rows: &[Vec<f64>], places: &[usize]) -> Option<Self> {
        let columns = rows.get(*places.first()?)?.len();
        let n = places.len() as f64;
        let mut means = vec![0.0; columns];
        places.iter().for_each(|at| means.iter_mut().zip(&rows[*at]).for_each(|(sum, it)| *sum += it / n));
        let mut products = vec![vec![0.0; columns]; columns];
        let mut off = vec![0.0; columns];
        for at in places {
            off.iter_mut().zip(&rows[*at]).zip(&means).for_each(|((off, it), mean)| *off = it - mean);
            for (i, row) in products.iter_mut().enumerate() {
                row[i..].iter_mut().zip(&off[i..]).for_each(|(sum, it)| *sum += off[i] * it);
            }
        }
        Some(Self { n, means, products })
    }

    /// Of what is known of `n` rows: the sums of their columns and, row by row from the diagonal on, those of products.
    #[cfg(test)]
    pub(crate) fn of_sums(n: f64, sums: &[f64], products: &[Vec<f64>]) -> Self {
        let mut off = vec![vec![0.0; sums.len()]; sums.len()];
        for (i, row) in products.iter().enumerate() {
            row.iter().enumerate().for_each(|(j, it)| off[i][i + j] = it - sums[i] * sums[i + j] / n);
        }
        Self { n, means: sums.iter().map(|it| it / n).collect(), products: off }
    }

    /// A column whose values are all the same, but for rounding, does not vary.
    pub(crate) fn varies(&self, at: usize) -> bool {
        self.products[at][at].sqrt() > 1e-9 * (1.0 + self.means[at].abs()) * self.n.sqrt()
    }

    /// The standard deviation of a sample.
    pub(crate) fn deviation(&self, at: usize) -> f64 {
        (self.products[at][at] / (self.n - 1.0)).sqrt()
    }

    /// Of each with each. What does not vary goes together with nothing but itself.
    pub(crate) fn correlations(&self) -> Vec<Vec<f64>> {
        let all = 0..self.means.len();
        let varies: Vec<bool> = all.clone().map(|at| self.varies(at)).collect();
        let cell = |i: usize, j: usize| match (i == j, varies[i] && varies[j]) {
            (true, _) => 1.0,
            (false, false) => 0.0,
            (false, true) => self.products[i.min(j)][i.max(j)] / (self.products[i][i] * self.products[j][j]).sqrt(),
        };
        all.clone().map(|i| all.clone().map(|j| cell(i, j)).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_table_by_hand() {
        let rows = [[1.0, 2.0, 7.0], [2.0, 4.0, 7.0], [3.0, 3.0, 7.0]].map(Vec::from);
        let found = Columns::of(&rows, &[0, 1, 2]).unwrap();
        assert_eq!((found.means.clone(), found.deviation(0)), (vec![2.0, 3.0, 7.0], 1.0));
        assert_eq!(found.correlations(), [[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]].map(Vec::from));
        assert!(found.varies(0) && !found.varies(2) && Columns::of(&rows, &[]).is_none());
        assert_eq!(Columns::of(&rows, &[2, 2]).unwrap().means, [3.0, 3.0, 7.0]);
    }
}
