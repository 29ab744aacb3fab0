//! What drives a score: how much of its variance goes with each of the things asked about, and how well each is done.
//!
//! Up to fifteen drivers, R² is divided exactly, as the average over all orders of what a driver adds to those before it: Lindeman, Merenda and Gold
//! (1980; "LMG"), which is the Shapley value of R². Beyond, by Johnson's relative weights (2000, "A heuristic method for estimating the relative weight
//! of predictor variables in multiple regression"). Both stay sensible where drivers go together, as they do in surveys, and where coefficients do not.
//!
//! Always holds: the contributions add up to R²; nothing here says that a driver causes the score. That is for an experiment.

mod relative_weights;
mod shapley;

use super::Confidence;
use crate::columns::Columns;
use crate::resampling::{Draws, between};
use crate::symmetric::solved;

/// The most drivers of which all subsets are tried.
const EXACT: usize = 15;

/// How R² was divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Division {
    /// The average over all orders (LMG, Shapley).
    Shapley,
    /// Johnson's relative weights.
    RelativeWeights,
}

/// What people said of a score and of its drivers; those who answered everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// A person a row: the drivers, then the score.
    rows: Vec<Vec<f64>>,
    drivers: usize,
    incomplete: u64,
    missing: Vec<u64>,
}

/// How drivers and a score go together.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlations {
    /// Of the drivers, and last the score, with each other.
    matrix: Vec<Vec<f64>>,
}

/// What drives a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Drivers {
    /// How R² was divided.
    pub division: Division,
    /// The share of the score's variance that goes with all drivers together.
    pub r_squared: f64,
    /// The same less what as many drivers of chance would have (Ezekiel 1930).
    pub adjusted_r_squared: f64,
    /// The people who answered everything.
    pub answers: u64,
    /// The people left out, because they did not.
    pub incomplete: u64,
    /// In the order given.
    pub drivers: Vec<Driver>,
}

/// One driver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Driver {
    /// Its part of R².
    pub contribution: f64,
    /// Its part of what all drivers have, 0 to 1; nothing where R² is nothing.
    pub importance: f64,
    /// The importance's interval, by samples drawn again.
    pub between: (f64, f64),
    /// 1 is the most important.
    pub rank: usize,
    /// The ranks between which it is, by samples drawn again: far apart where the order is not to be relied upon.
    pub ranks: (usize, usize),
    /// How often it was the most important in samples drawn again.
    pub first: f64,
    /// Its correlation with the score, which tells the direction.
    pub correlation: f64,
    /// How much its variance in a regression is inflated by what it has in common with the others; from 10 on they say nearly the same. `None` where
    /// they say the same.
    pub vif: Option<f64>,
    /// The mean of its answers.
    pub performance: f64,
    /// How many did not answer it.
    pub missing: u64,
    /// What importance and performance together say.
    pub quadrant: Quadrant,
}

/// Importance against performance, each against the mean of all drivers (Martilla and James 1977, "Importance-performance analysis").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quadrant {
    /// Important and done below average: concentrate here.
    Concentrate,
    /// Important and done well: keep up the good work.
    KeepUp,
    /// Less important, done below average: low priority.
    LowPriority,
    /// Less important, done well: possibly more than is needed.
    Overkill,
}

impl Answers {
    /// Of each person the score and the drivers, on scales on which more is better. Who left one out is counted and not used.
    pub fn new(persons: impl IntoIterator<Item = (Option<f64>, Vec<Option<f64>>)>) -> Self {
        let mut answers = Self::default();
        for (score, drivers) in persons {
            answers.drivers = answers.drivers.max(drivers.len());
            answers.missing.resize(answers.drivers, 0);
            for (count, driver) in answers.missing.iter_mut().zip(&drivers) {
                *count += u64::from(driver.is_none());
            }
            let row: Option<Vec<f64>> = drivers.into_iter().chain([score]).collect();
            match row.filter(|it| it.iter().all(|it| it.is_finite())) {
                Some(row) => answers.rows.push(row),
                None => answers.incomplete += 1,
            }
        }
        let complete = answers.drivers + 1;
        answers.rows.retain(|it| it.len() == complete);
        answers
    }

    /// The drivers of the score, with intervals from `draws` samples drawn again by `seed`. `None` without drivers, with not more people than drivers
    /// and two, or where all have the same score.
    pub fn drivers(&self, confidence: Confidence, draws: usize, seed: u64) -> Option<Drivers> {
        let n = self.rows.len();
        if self.drivers == 0 || n < self.drivers + 3 {
            return None;
        }
        let everybody: Vec<usize> = (0..n).collect();
        let correlations = Correlations::of(&self.rows, &everybody)?;
        let contributions = correlations.contributions();
        let mut chance = Draws::new(seed);
        let again: Vec<Vec<f64>> = (0..draws)
            .filter_map(|_| Correlations::of(&self.rows, &chance.sample(n)))
            .map(|it| importance(&it.contributions()))
            .collect();
        let r_squared: f64 = contributions.iter().sum();
        let spare = n as f64 - self.drivers as f64 - 1.0;
        Some(Drivers {
            division: correlations.division(),
            r_squared,
            adjusted_r_squared: 1.0 - (1.0 - r_squared) * (n as f64 - 1.0) / spare,
            answers: n as u64,
            incomplete: self.incomplete,
            drivers: self.each(&correlations, &contributions, &again, confidence),
        })
    }

    fn each(
        &self,
        correlations: &Correlations,
        contributions: &[f64],
        again: &[Vec<f64>],
        confidence: Confidence,
    ) -> Vec<Driver> {
        let n = self.rows.len() as f64;
        let performances: Vec<f64> =
            (0..self.drivers).map(|at| self.rows.iter().map(|row| row[at]).sum::<f64>() / n).collect();
        let average = performances.iter().sum::<f64>() / self.drivers as f64;
        let importances = importance(contributions);
        let rank = |of: &[f64], at: usize| 1 + of.iter().filter(|it| **it > of[at]).count();
        let driver = |at: usize| {
            let drawn = again.iter().map(|it| it[at]).collect();
            let ranks: Vec<f64> = again.iter().map(|it| rank(it, at) as f64).collect();
            let first = ranks.iter().filter(|it| **it <= 1.0).count() as f64 / ranks.len().max(1) as f64;
            let own = rank(&importances, at);
            let ranks = between(ranks, confidence.tails()).map_or((own, own), |it| (it.0 as usize, it.1 as usize));
            let important = importances[at] >= 1.0 / self.drivers as f64;
            let quadrant = match (important, performances[at] >= average) {
                (true, false) => Quadrant::Concentrate,
                (true, true) => Quadrant::KeepUp,
                (false, false) => Quadrant::LowPriority,
                (false, true) => Quadrant::Overkill,
            };
            Driver {
                contribution: contributions[at],
                importance: importances[at],
                between: between(drawn, confidence.tails()).unwrap_or((importances[at], importances[at])),
                rank: own,
                ranks,
                first,
                correlation: correlations.matrix[at][self.drivers],
                vif: correlations.vif(at),
                performance: performances[at],
                missing: self.missing[at],
                quadrant,
            }
        };
        (0..self.drivers).map(driver).collect()
    }
}

impl Correlations {
    /// A matrix of correlations of the drivers and, last, the score. `None` where it is no such matrix.
    pub fn new(matrix: Vec<Vec<f64>>) -> Option<Self> {
        let n = matrix.len();
        let fits = |i: usize| {
            matrix[i].len() == n
                && (matrix[i][i] - 1.0).abs() < 1e-9
                && (0..n).all(|j| {
                    matrix[j].get(i).is_some_and(|it| (it - matrix[i][j]).abs() < 1e-9 && it.abs() <= 1.0 + 1e-9)
                })
        };
        (n >= 2 && (0..n).all(fits)).then_some(Self { matrix })
    }

    /// Of the rows at these places. A driver that does not vary goes together with nothing. `None` where the score does not vary.
    fn of(rows: &[Vec<f64>], places: &[usize]) -> Option<Self> {
        let columns = Columns::of(rows, places)?;
        let score = columns.means.len() - 1;
        columns.varies(score).then(|| Self { matrix: columns.correlations() })
    }

    fn drivers(&self) -> usize {
        self.matrix.len() - 1
    }

    /// How R² is divided.
    pub fn division(&self) -> Division {
        if self.drivers() <= EXACT { Division::Shapley } else { Division::RelativeWeights }
    }

    /// The parts of R², which add up to it, in the order of the drivers.
    pub fn contributions(&self) -> Vec<f64> {
        match self.division() {
            Division::Shapley => shapley::parts(&self.matrix),
            Division::RelativeWeights => relative_weights::parts(&self.matrix),
        }
    }

    /// 1 / (1 − R²) of a driver on the others.
    pub fn vif(&self, driver: usize) -> Option<f64> {
        let others: Vec<usize> = (0..self.drivers()).filter(|it| *it != driver).collect();
        let own: Vec<f64> = others.iter().map(|it| self.matrix[*it][driver]).collect();
        let matrix: Vec<Vec<f64>> =
            others.iter().map(|i| others.iter().map(|j| self.matrix[*i][*j]).collect()).collect();
        let shared: f64 = solved(&matrix, &own).iter().zip(&own).map(|(a, b)| a * b).sum();
        (shared < 1.0 - 1e-9).then(|| 1.0 / (1.0 - shared.max(0.0)))
    }
}

/// Parts of R² as parts of one.
fn importance(contributions: &[f64]) -> Vec<f64> {
    let all: f64 = contributions.iter().sum();
    contributions.iter().map(|it| if all > 0.0 { it / all } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests;
