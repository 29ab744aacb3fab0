//! Rows of numbers in one piece of memory.

use crate::fault::{Fault, none_of};

/// Values of which the squares are no numbers any more.
const ABSURD: f64 = 1e140;

/// Rows of numbers, each with as many columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    pub(super) width: usize,
    pub(super) cells: Vec<f64>,
}

impl Points {
    /// Of columns as they are: a column with large numbers weighs most. Infinite and absurdly large values (above 1e140) are a fault.
    pub fn of(columns: &[Vec<f64>]) -> Result<Self, Fault> {
        let (width, n) = (columns.len(), columns.first().map_or(0, Vec::len));
        if n == 0 {
            return Err(Fault::TooFew { what: "rows", have: 0, need: 1 });
        }
        let mut cells = vec![0.0; n * width];
        for (at, column) in columns.iter().enumerate() {
            if column.len() != n {
                return Err(Fault::Shape { what: "rows of a column", have: column.len(), need: n });
            }
            none_of(column, |it| !it.is_finite() || it.abs() > ABSURD, |row| Fault::NotFinite { row })?;
            column.iter().enumerate().for_each(|(row, it)| cells[row * width + at] = *it);
        }
        Ok(Self { width, cells })
    }

    /// Of columns with mean 0 and deviation 1 (that of all rows, not of a sample), so that all weigh alike. A constant column is a fault.
    pub fn standardised(columns: &[Vec<f64>]) -> Result<Self, Fault> {
        let mut points = Self::of(columns)?;
        for column in 0..points.width {
            let (mean, deviation) = points.moments(column);
            if deviation <= 1e-12 * (1e-138 + mean.abs()) {
                return Err(Fault::Constant { column });
            }
            points.cells.iter_mut().skip(column).step_by(points.width).for_each(|it| *it = (*it - mean) / deviation);
        }
        Ok(points)
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.cells.len() / self.width.max(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// One row.
    pub fn row(&self, at: usize) -> &[f64] {
        &self.cells[at * self.width..(at + 1) * self.width]
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.cells.chunks_exact(self.width)
    }

    /// Mean and deviation of a column.
    pub(super) fn moments(&self, column: usize) -> (f64, f64) {
        let n = self.len() as f64;
        let values = || self.cells.iter().skip(column).step_by(self.width);
        let mean = values().map(|it| it / n).sum::<f64>();
        (mean, (values().map(|it| (it - mean) * (it - mean)).sum::<f64>() / n).sqrt())
    }

    /// The rows at these places.
    pub(super) fn at(&self, places: &[usize]) -> Self {
        let cells = places.iter().flat_map(|at| self.row(*at).iter().copied()).collect();
        Self { width: self.width, cells }
    }

    /// How many rows differ from each other, if fewer than `enough`; otherwise `enough`.
    pub(super) fn distinct(&self, enough: usize) -> usize {
        let mut seen: Vec<&[f64]> = Vec::new();
        for row in self.rows() {
            if seen.len() >= enough {
                break;
            }
            if !seen.contains(&row) {
                seen.push(row);
            }
        }
        seen.len()
    }
}

/// The square of the distance.
pub(super) fn apart(a: &[f64], b: &[f64]) -> f64 {
    // Four sums at a time, of which none waits for another.
    let (fours, others) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = fours.remainder().iter().zip(others.remainder()).map(|(a, b)| (a - b) * (a - b)).sum();
    let mut sums = [0.0; 4];
    for (a, b) in fours.zip(others) {
        for at in 0..4 {
            sums[at] += (a[at] - b[at]) * (a[at] - b[at]);
        }
    }
    sums[0] + sums[1] + (sums[2] + sums[3]) + rest
}

/// Numbers groups by size, the largest first, of equals the one that comes first: the new number of each old one.
pub(super) fn by_size(labels: impl Iterator<Item = usize>, groups: usize) -> Vec<usize> {
    let mut counts = vec![(0usize, usize::MAX); groups];
    for (row, label) in labels.enumerate() {
        counts[label].0 += 1;
        counts[label].1 = counts[label].1.min(row);
    }
    let mut order: Vec<usize> = (0..groups).collect();
    order.sort_by(|a, b| counts[*b].0.cmp(&counts[*a].0).then(counts[*a].1.cmp(&counts[*b].1)));
    let mut numbers = vec![0; groups];
    order.into_iter().enumerate().for_each(|(number, label)| numbers[label] = number);
    numbers
}
