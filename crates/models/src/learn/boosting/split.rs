//! The best question at a node, by sums of slopes and curvatures a bin.
//!
//! A question's worth is what second-order boosting gains by it (Friedman 2001, "Greedy function approximation"; Chen and Guestrin 2016): with sums G and H
//! of a side its value is −G / (H + ridge), and the loss falls by G² / (2 (H + ridge)). Categories are put in the order of G / H, in which the best division
//! in two is one cut (Fisher 1958, "On grouping for maximum homogeneity"), with a stronger ridge, as the order itself is learnt.

use super::tree::{Side, put};

/// Sums of a bin: slopes and curvatures.
pub(crate) type Cell = [f64; 2];
/// The bins of a feature. The last are never used: with 256, the first bins of all features would share their places in the processor's cache.
pub(crate) type Cells = [Cell; 260];

/// What stands against a category's order and value being chance.
const CATEGORY_RIDGE: f64 = 10.0;
/// The least sum of curvatures of a side.
const LEAST_CURVATURE: f64 = 1e-3;

/// What is asked of a question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) ridge: f64,
    /// The least rows of a side, by its share of the curvature.
    pub(crate) least_rows: f64,
    /// Rows for each unit of curvature at this node.
    pub(crate) rows_each: f64,
    /// What values at this node may be.
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// A question with what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    pub(crate) feature: usize,
    pub(crate) gain: f64,
    pub(crate) side: Side,
    pub(crate) sums: [Cell; 2],
    pub(crate) values: [f64; 2],
}

impl Limits {
    pub(crate) fn value(&self, sums: Cell, ridge: f64) -> f64 {
        (-sums[0] / (sums[1] + ridge)).clamp(self.low, self.high)
    }

    /// By how much twice the loss falls with this value.
    fn fall(sums: Cell, value: f64, ridge: f64) -> f64 {
        -(2.0 * sums[0] + (sums[1] + ridge) * value) * value
    }

    /// What is gained by a division, with both values; `None` where it is not allowed.
    fn gain(&self, sums: [Cell; 2], ridge: f64, direction: i8) -> Option<(f64, [f64; 2])> {
        if sums.iter().any(|it| it[1] < LEAST_CURVATURE || it[1] * self.rows_each < self.least_rows) {
            return None;
        }
        let (gain, values) = self.of(sums, ridge);
        (f64::from(direction) * (values[1] - values[0]) >= 0.0).then_some((gain, values))
    }

    /// What is gained by a division, with both values.
    fn of(&self, sums: [Cell; 2], ridge: f64) -> (f64, [f64; 2]) {
        let values = sums.map(|it| self.value(it, ridge));
        (Self::fall(sums[0], values[0], ridge) + Self::fall(sums[1], values[1], ridge), values)
    }
}

fn plus(a: Cell, b: Cell) -> Cell {
    [a[0] + b[0], a[1] + b[1]]
}

fn minus(a: Cell, b: Cell) -> Cell {
    [a[0] - b[0], a[1] - b[1]]
}

/// What a division gains, what goes left, and the sums and values of both sides.
pub(crate) type Found = (f64, Side, [Cell; 2], [f64; 2]);

/// The best cut of a feature of numbers, with what is missing on either side; `direction` is that in which the outcome may go, 0 for both.
pub(crate) fn numbers(cells: &[Cell], all: Cell, limits: &Limits, direction: i8) -> Option<Found> {
    let missing = cells[0];
    // The loss falls by this plainly where any value may be said.
    let free = direction == 0 && limits.low == f64::NEG_INFINITY && limits.high == f64::INFINITY;
    let plain = |sums: [Cell; 2]| {
        let [first, second] = sums.map(|it| it[1] + limits.ridge);
        (sums[0][0] * sums[0][0] * second + sums[1][0] * sums[1][0] * first) / (first * second)
    };
    let least = LEAST_CURVATURE.max(limits.least_rows / limits.rows_each);
    let (mut best, mut at) = (f64::NEG_INFINITY, None);
    for with in if missing[1] > 0.0 { &[false, true][..] } else { &[false] } {
        let mut left = if *with { missing } else { [0.0; 2] };
        for (bin, cell) in cells.iter().enumerate().skip(1) {
            left = plus(left, *cell);
            if cell[1] == 0.0 || left[1] < least {
                continue;
            }
            let sums = [left, minus(all, left)];
            if sums[1][1] < least {
                break;
            }
            let gain = match free {
                true => plain(sums),
                false => limits.gain(sums, limits.ridge, direction).map_or(f64::NEG_INFINITY, |it| it.0),
            };
            if gain > best {
                (best, at) = (gain, Some((bin, *with, sums)));
            }
        }
    }
    let (bin, with, sums) = at?;
    let (gain, values) = limits.of(sums, limits.ridge);
    let mut side = [0; 4];
    (1..=bin).for_each(|it| put(&mut side, it));
    // Without any missing here, those to come go with the larger side.
    if with || (missing[1] <= 0.0 && sums[0][1] > sums[1][1]) {
        put(&mut side, 0);
    }
    Some((gain, side, sums, values))
}

/// The best division of categories in two.
pub(crate) fn categories(cells: &[Cell], all: Cell, limits: &Limits) -> Option<Found> {
    let mut present: Vec<usize> = (0..cells.len()).filter(|it| cells[*it][1] > 0.0).collect();
    let rate = |it: &usize| cells[*it][0] / (cells[*it][1] + CATEGORY_RIDGE);
    // A few categories need no order to be learnt; then each is also tried alone.
    let few = present.len() <= 4;
    let ridge = if few { limits.ridge } else { limits.ridge + CATEGORY_RIDGE };
    present.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
    let mut best: Option<Found> = None;
    let mut try_side = |side: Side, left: Cell| {
        let sums = [left, minus(all, left)];
        if let Some((gain, values)) = limits.gain(sums, ridge, 0)
            && best.as_ref().is_none_or(|it| gain > it.0)
        {
            best = Some((gain, side, sums, values));
        }
    };
    let (mut left, mut side) = ([0.0; 2], [0; 4]);
    for bin in present.iter().take(present.len().saturating_sub(1)) {
        left = plus(left, cells[*bin]);
        put(&mut side, *bin);
        try_side(side, left);
    }
    for bin in present.iter().filter(|_| few) {
        let mut alone = [0; 4];
        put(&mut alone, *bin);
        try_side(alone, cells[*bin]);
    }
    best
}
