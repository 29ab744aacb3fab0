//! The columns of a regression: an intercept, trend, season, waves and factors, each in a unit near 1.

use super::super::series::Series;
use super::Terms;
use crate::fault::{Fault, none_of};

/// How rows are made, of the past and of the future.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Design {
    terms: Terms,
    season: usize,
    n: usize,
    /// Of each factor its mean and its deviation.
    units: Vec<(f64, f64)>,
    last: Vec<f64>,
}

impl Design {
    pub(super) fn of(series: &Series, terms: &Terms, factors: &[Vec<f64>]) -> Result<Self, Fault> {
        let n = series.values.len();
        let mut units = Vec::new();
        for (column, factor) in factors.iter().enumerate() {
            if factor.len() != n {
                return Err(Fault::Shape { what: "values of a factor", have: factor.len(), need: n });
            }
            none_of(factor, |it| !it.is_finite() || it.abs() > 1e100, |row| Fault::NotFinite { row })?;
            let mean = factor.iter().sum::<f64>() / n as f64;
            let deviation = (factor.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n as f64).sqrt();
            if deviation <= 1e-9 * mean.abs() || deviation < f64::MIN_POSITIVE {
                return Err(Fault::Constant { column });
            }
            units.push((mean, deviation));
        }
        if terms.waves.iter().any(|it| !(it.0.is_finite() && it.0 > 0.0) || it.1 > 50) {
            return Err(Fault::NotIdentified { why: "waves that are endless, or of which there are more than 50" });
        }
        let season = if terms.season { series.season } else { 1 };
        let mut design = Self { terms: terms.clone(), season, n, units, last: Vec::new() };
        design.last = design.row(n - 1, factors, n - 1);
        Ok(design)
    }

    pub(super) fn width(&self) -> usize {
        let waves: usize = self.terms.waves.iter().map(|it| 2 * it.1).sum();
        1 + usize::from(self.terms.trend) + self.season - 1 + waves + self.units.len()
    }

    /// The row of a step, with the factors of the row `at` in `factors`.
    pub(super) fn row(&self, step: usize, factors: &[Vec<f64>], at: usize) -> Vec<f64> {
        let mut row = Vec::with_capacity(self.width());
        row.push(1.0);
        if self.terms.trend {
            row.push((step as f64 - self.n as f64 / 2.0) / self.n as f64);
        }
        row.extend((1..self.season).map(|it| f64::from(u8::from(step % self.season == it))));
        for (length, pairs) in &self.terms.waves {
            for k in 1..=*pairs {
                let turn = 2.0 * std::f64::consts::PI * k as f64 * step as f64 / length;
                row.extend([turn.sin(), turn.cos()]);
            }
        }
        row.extend(factors.iter().zip(&self.units).map(|(it, (mean, deviation))| (it[at] - mean) / deviation));
        row
    }

    /// The last row of the past.
    pub(super) fn last(&self) -> &[f64] {
        &self.last
    }

    /// The places of factors among the columns, and what a unit of the column is in the factor.
    pub(super) fn factors(&self) -> impl Iterator<Item = (usize, f64)> {
        let first = self.width() - self.units.len();
        self.units.iter().enumerate().map(move |(at, it)| (first + at, it.1))
    }

    /// Whether factors of the future are there.
    pub(super) fn check(&self, future: &[Vec<f64>], horizon: usize) -> Result<(), Fault> {
        if future.len() != self.units.len() {
            return Err(Fault::Shape { what: "factors of the future", have: future.len(), need: self.units.len() });
        }
        for factor in future {
            if factor.len() != horizon {
                return Err(Fault::Shape {
                    what: "values of a factor of the future",
                    have: factor.len(),
                    need: horizon,
                });
            }
            none_of(factor, |it| !it.is_finite() || it.abs() > 1e100, |row| Fault::NotFinite { row })?;
        }
        Ok(())
    }
}
