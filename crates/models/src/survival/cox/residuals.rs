//! Whether factors stay the same with time: each end's columns less those that were to be expected of who was at risk (Schoenfeld 1982), and how these go
//! with time (Grambsch and Therneau 1994, "Proportional hazards tests and diagnostics based on weighted residuals").

use super::super::linear::Standardised;
use super::super::{KaplanMeier, Lifetimes, Test};
use super::Cox;
use super::likelihood::Ends;
use crate::fault::Fault;

/// On which scale of time a drift is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Transform {
    /// Time itself.
    Identity,
    /// Its logarithm; times of 0 are as the least other one.
    Log,
    /// The order of the ends.
    Rank,
    /// The share that had ended before, which no late straggler can dominate.
    #[default]
    KaplanMeier,
}

impl Cox {
    /// The residuals, in the order of the ends' times: which row, and each column's. For ties by Efron's way the expectation is the average over those who
    /// end together. The lifetimes and columns are those of the fit.
    pub fn schoenfeld_residuals(
        &self,
        lifetimes: &Lifetimes<'_>,
        columns: &[Vec<f64>],
    ) -> Result<Vec<(usize, Vec<f64>)>, Fault> {
        lifetimes.check_events(1)?;
        if columns.len() != self.means.len() {
            return Err(Fault::Shape { what: "columns", have: columns.len(), need: self.means.len() });
        }
        let ends = Ends::of(lifetimes, self.ties);
        let x = Standardised::of(columns, &ends.order)?;
        let own: Vec<f64> = self.coefficients.iter().zip(&x.deviations).map(|(it, deviation)| it * deviation).collect();
        let (_, risks) = ends.risks(&x, &own);
        let mut expected = vec![vec![0.0; x.width]; ends.times.len()];
        ends.each(&x, &risks, |it| {
            for (gone, left) in it.left(ends.ties) {
                for (column, sum) in expected[it.at].iter_mut().enumerate() {
                    *sum += (it.sums.1[column] - gone * it.ending.1[column]) / left / it.count as f64;
                }
            }
        });
        let ending = ends.together.iter().zip(&expected).flat_map(|((first, end), expected)| {
            (*first..*end).filter(|row| ends.ended[*row]).map(move |row| (row, expected))
        });
        let residual = |(row, expected): (usize, &Vec<f64>)| {
            let off = x.row(row).iter().zip(expected).zip(&x.deviations).map(|((x, mean), scale)| (x - mean) * scale);
            (ends.order[row], off.collect())
        };
        Ok(ending.map(residual).collect())
    }

    /// Tests of each column, and of all together, whether its factor drifts with time: a small p says that one factor for all times is too simple. The
    /// variance is taken as the same at all ends, as in the paper.
    pub fn proportional_hazards(
        &self,
        lifetimes: &Lifetimes<'_>,
        columns: &[Vec<f64>],
        transform: Transform,
    ) -> Result<(Vec<Test>, Test), Fault> {
        let residuals = self.schoenfeld_residuals(lifetimes, columns)?;
        let times: Vec<f64> = residuals.iter().map(|it| lifetimes.times[it.0]).collect();
        let scale = transform.of(&times, lifetimes)?;
        let d = scale.len() as f64;
        let mean = scale.iter().sum::<f64>() / d;
        let spread: f64 = scale.iter().map(|it| (it - mean) * (it - mean)).sum();
        if spread <= 0.0 || !spread.is_finite() {
            return Err(Fault::NotIdentified { why: "a drift: all ended at the same time" });
        }
        let mut drift = vec![0.0; columns.len()];
        for ((_, residual), scale) in residuals.iter().zip(&scale) {
            drift.iter_mut().zip(residual).for_each(|(sum, it)| *sum += (scale - mean) * it);
        }
        let weighted: Vec<f64> =
            self.covariance.iter().map(|row| row.iter().zip(&drift).map(|(a, b)| a * b).sum()).collect();
        let each =
            weighted.iter().enumerate().map(|(at, it)| Test::of(d * it * it / self.covariance[at][at] / spread, 1));
        let all: f64 = drift.iter().zip(&weighted).map(|(a, b)| a * b).sum();
        Ok((each.collect(), Test::of(d * all / spread, columns.len() as u32)))
    }
}

impl Transform {
    fn of(self, times: &[f64], lifetimes: &Lifetimes<'_>) -> Result<Vec<f64>, Fault> {
        Ok(match self {
            Self::Identity => times.to_vec(),
            Self::Log => {
                let least = times.iter().copied().filter(|it| *it > 0.0).fold(f64::INFINITY, f64::min);
                times.iter().map(|it| it.max(least).ln()).collect()
            }
            // Equal times have the same rank, the middle one.
            Self::Rank => times
                .iter()
                .map(|it| {
                    let (first, end) = (times.partition_point(|t| t < it), times.partition_point(|t| t <= it));
                    (first + end + 1) as f64 / 2.0
                })
                .collect(),
            Self::KaplanMeier => {
                let curve = KaplanMeier::fit(lifetimes)?;
                let before = |time: &f64| match curve.steps.partition_point(|it| it.time < *time) {
                    0 => 1.0,
                    after => curve.steps[after - 1].survival,
                };
                times.iter().map(|it| 1.0 - before(it)).collect()
            }
        })
    }
}
