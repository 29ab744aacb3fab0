//! Values in at most 256 bins, so that a split is looked for among bins, not among rows.
//!
//! Always holds: bin 0 is what is missing or was never seen; bins of numbers rise with the numbers.

use serde::{Deserialize, Serialize};

use crate::learn::table::{Feature, Table, Values};

/// Rows that edges are looked for in; more say little more about them.
const LOOKED_AT: usize = 100_000;
/// Bins of what is there.
const MOST: usize = 255;

/// How a feature's values are put into bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Binning {
    /// Bin 1 is up to the first edge, and so on; the last is above all.
    Numbers(Vec<f64>),
    /// The bin of each level, and how many bins there are.
    Categories(Vec<u8>, usize),
}

impl Binning {
    pub(crate) fn of(feature: &Feature) -> Self {
        match &feature.values {
            Values::Numbers(values) => Self::Numbers(edges(values)),
            Values::Categories { codes, levels } => {
                let mut counts: Vec<(usize, usize)> = (0..levels.len()).map(|it| (0, it)).collect();
                codes.iter().flatten().for_each(|it| counts[*it as usize].0 += 1);
                counts.retain(|it| it.0 > 0);
                counts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
                let mut bins = vec![0; levels.len()];
                // The rarest share the last bin.
                counts.iter().enumerate().for_each(|(at, (_, level))| bins[*level] = (at + 1).min(MOST) as u8);
                Self::Categories(bins, counts.len().min(MOST) + 1)
            }
        }
    }

    /// How many bins, with that of what is missing.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Numbers(edges) => edges.len() + 2,
            Self::Categories(_, count) => *count,
        }
    }

    /// One more than the largest bin that a value can be put into; more than there are only in what was made by hand.
    pub(crate) fn most(&self) -> usize {
        match self {
            Self::Numbers(edges) => (edges.len() + 2).min(256),
            Self::Categories(bins, count) => bins.iter().map(|it| usize::from(*it) + 1).fold(*count, usize::max),
        }
    }

    pub(crate) fn is_categorical(&self) -> bool {
        matches!(self, Self::Categories(..))
    }

    /// The bin of each row's value.
    pub(crate) fn bins(&self, feature: &Feature) -> Vec<u8> {
        match (&feature.values, self) {
            (Values::Numbers(values), Self::Numbers(edges)) => {
                values.iter().map(|it| Self::number(edges, *it)).collect()
            }
            (Values::Categories { codes, .. }, Self::Categories(bins, _)) => {
                codes.iter().map(|it| Self::category(bins, *it)).collect()
            }
            (Values::Numbers(values), _) => vec![0; values.len()],
            (Values::Categories { codes, .. }, _) => vec![0; codes.len()],
        }
    }

    fn number(edges: &[f64], value: f64) -> u8 {
        if value.is_nan() { 0 } else { (edges.partition_point(|it| *it < value) + 1) as u8 }
    }

    fn category(bins: &[u8], code: Option<u32>) -> u8 {
        code.and_then(|it| bins.get(it as usize)).copied().unwrap_or(0)
    }
}

/// Edges between values that are next to each other: between all where they fit, else so that bins hold about the same number of rows.
fn edges(values: &[f64]) -> Vec<f64> {
    let step = values.len().div_ceil(LOOKED_AT).max(1);
    let mut sorted: Vec<f64> = values.iter().step_by(step).copied().filter(|it| !it.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for value in sorted {
        match distinct.last_mut() {
            Some(last) if last.0 == value => last.1 += 1,
            _ => distinct.push((value, 1)),
        }
    }
    let middle = |pair: &[(f64, usize)]| pair[0].0 + (pair[1].0 - pair[0].0) / 2.0;
    if distinct.len() <= MOST {
        return distinct.windows(2).map(middle).collect();
    }
    let mut left: usize = distinct.iter().map(|it| it.1).sum();
    let (mut found, mut held) = (Vec::new(), 0);
    for pair in distinct.windows(2) {
        held += pair[0].1;
        let bins = MOST - found.len();
        if bins > 1 && held * bins >= left {
            found.push(middle(pair));
            left -= held;
            held = 0;
        }
    }
    found
}

/// A table in bins, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Binned {
    /// The bins of the first row, then of the second ...
    pub(crate) cells: Vec<u8>,
    /// How many features.
    pub(crate) width: usize,
}

impl Binned {
    pub(crate) fn row(&self, at: usize) -> &[u8] {
        &self.cells[at * self.width..(at + 1) * self.width]
    }

    pub(crate) fn rows(&self) -> usize {
        self.cells.len() / self.width.max(1)
    }
}

/// The bins of a table's features.
pub(crate) fn binnings(table: &Table) -> Vec<Binning> {
    table.features().iter().map(Binning::of).collect()
}

/// A table in bins that were made for one like it.
pub(crate) fn binned(table: &Table, binnings: &[Binning]) -> Binned {
    let width = binnings.len();
    let mut cells = vec![0; table.rows() * width];
    for (at, (feature, binning)) in table.features().iter().zip(binnings).enumerate() {
        let column = cells.iter_mut().skip(at).step_by(width);
        column.zip(binning.bins(feature)).for_each(|(cell, it)| *cell = it);
    }
    Binned { cells, width }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_a_bin_each_and_many_about_as_many_rows() {
        assert_eq!(edges(&[3.0, 1.0, f64::NAN, 1.0, 2.0]), [1.5, 2.5]);
        let many: Vec<f64> = (0..50_000).map(|it| f64::from(it % 10_000)).chain(vec![5.0; 20_000]).collect();
        let found = edges(&many);
        assert_eq!(found.len(), MOST - 1);
        let mut rows = [0; 256];
        many.iter().for_each(|it| rows[Binning::number(&found, *it) as usize] += 1);
        assert!(
            rows[0] == 0 && rows[1..].iter().all(|it| *it > 100) && rows.iter().filter(|it| **it > 400).count() == 1
        );
    }

    #[test]
    fn rare_categories_share_a_bin_and_unseen_ones_are_missing() {
        let names: Vec<String> = (0..400).flat_map(|it| vec![format!("{it:03}"); 401 - it]).collect();
        let binning = Binning::of(&Feature::categories("x", &names));
        let Binning::Categories(bins, count) = &binning else { panic!() };
        assert_eq!((*count, bins[0], bins[1], bins[253], bins[254], bins[399]), (256, 1, 2, 254, 255, 255));
        assert_eq!((Binning::category(bins, None), Binning::category(bins, Some(999))), (0, 0));
    }
}
