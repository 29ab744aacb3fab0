//! Values at equal steps, without gaps.

use crate::fault::{Fault, none_of};

/// Values at equal steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub(super) values: Vec<f64>,
    pub(super) season: usize,
}

/// What a step without a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// Unknown: refused, with the rows after which steps are missing.
    Refused,
    /// Nothing happened: zero, as for orders a day.
    Zero,
}

impl Series {
    /// Values of steps that follow each other, with the steps of a season (1 for none).
    pub fn new(values: &[f64], season: usize) -> Result<Self, Fault> {
        // So large that their squares are infinite is as good as infinite.
        none_of(values, |it| !it.is_finite() || it.abs() > 1e100, |row| Fault::NotFinite { row })?;
        if season == 0 {
            return Err(Fault::TooFew { what: "steps of a season", have: 0, need: 1 });
        }
        if values.is_empty() {
            return Err(Fault::TooFew { what: "values", have: 0, need: 1 });
        }
        Ok(Self { values: values.to_vec(), season })
    }

    /// Values with the step each belongs to, in order: days since some day, weeks, months counted through. At most a million steps.
    pub fn dated(steps: &[i64], values: &[f64], season: usize, gaps: Gaps) -> Result<Self, Fault> {
        if steps.len() != values.len() {
            return Err(Fault::Shape { what: "values", have: values.len(), need: steps.len() });
        }
        let rows: Vec<usize> = (0..steps.len()).collect();
        none_of(&rows, |at| *at > 0 && steps[*at] == steps[*at - 1], |row| Fault::Duplicated { row })?;
        none_of(&rows, |at| *at > 0 && steps[*at] < steps[*at - 1], |row| Fault::OutOfOrder { row })?;
        let apart = |at: usize| steps[at].saturating_sub(steps[at - 1]);
        if gaps == Gaps::Refused {
            none_of(&rows, |at| *at > 0 && apart(*at) > 1, |row| Fault::Missing { row })?;
        }
        let mut filled: Vec<f64> = Vec::with_capacity(values.len());
        for (at, value) in values.iter().enumerate() {
            let before = if at == 0 { 0 } else { apart(at) - 1 };
            if before.saturating_add(filled.len() as i64) > 1_000_000 {
                return Err(Fault::Missing { row: vec![at] });
            }
            filled.extend(std::iter::repeat_n(0.0, usize::try_from(before).unwrap_or(0)));
            filled.push(*value);
        }
        Self::new(&filled, season)
    }

    /// The values.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The steps of a season.
    pub fn season(&self) -> usize {
        self.season
    }

    /// The first so many values.
    pub(super) fn first(&self, n: usize) -> Self {
        Self { values: self.values[..n].to_vec(), season: self.season }
    }

    /// Whether nothing is below zero: then nothing is forecast there.
    pub(super) fn never_negative(&self) -> bool {
        self.values.iter().all(|it| *it >= 0.0)
    }

    /// Whole numbers from zero on.
    pub(super) fn counts(&self) -> bool {
        self.values.iter().all(|it| *it >= 0.0 && it.fract() == 0.0 && *it < 1e15)
    }

    /// At least so many values, or the fault.
    pub(super) fn enough(&self, need: usize) -> Result<(), Fault> {
        let have = self.values.len();
        if have < need { Err(Fault::TooFew { what: "values", have, need }) } else { Ok(()) }
    }

    /// The mean distance of values from those a season before: what the naive forecast is off. `None` without two seasons or where it is zero.
    pub(super) fn naive_distance(&self) -> Option<f64> {
        let n = self.values.len().checked_sub(self.season).filter(|it| *it > 0)? as f64;
        let pairs = self.values.iter().zip(&self.values[self.season..]);
        let distance = pairs.map(|(before, now)| (now - before).abs()).sum::<f64>() / n;
        (distance > 0.0).then_some(distance)
    }
}

/// Forecasts that stay at zero or above, if the series did.
pub(super) fn kept(series: &Series, mut found: Vec<crate::estimate::Estimate>) -> Vec<crate::estimate::Estimate> {
    if series.never_negative() {
        for it in &mut found {
            (it.value, it.low, it.high) = (it.value.max(0.0), it.low.max(0.0), it.high.max(0.0));
        }
    }
    found
}
