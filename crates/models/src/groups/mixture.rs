//! Groups as normal distributions that overlap, found by expectation and maximisation (Dempster, Laird and Rubin 1977), beginning with the groups of k-means.
//!
//! The number of groups and the form of their covariances are chosen by BIC (Schwarz 1978; Fraley and Raftery 2002).
//!
//! Always holds: a group that shrinks to so few rows that its covariance is no estimate is no fit.
//!
//! Does not do: tell groups from one group that is not normal: a skewed column takes several normal distributions.

mod expectation;

use serde::{Deserialize, Serialize};

use super::kmeans::{KMeans, Options};
use super::points::Points;
use crate::fault::Fault;
use expectation::{Component, Sums};

/// What covariances are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Covariance {
    /// Each group its own.
    Full,
    /// One for all.
    Tied,
    /// Each group its own variances, columns independent within it.
    Diagonal,
    /// Each group one variance for all columns.
    Spherical,
}

/// A fitted mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// The share of each group.
    pub weights: Vec<f64>,
    /// Its mean.
    pub means: Vec<Vec<f64>>,
    /// Its covariance, row after row.
    pub covariances: Vec<Vec<f64>>,
    /// What these are like.
    pub covariance: Covariance,
    /// The log-likelihood.
    pub log_likelihood: f64,
    /// Whether it rose no more at the end; otherwise the steps ran out.
    pub settled: bool,
    rows: usize,
}

/// The least variance, as a share of the column's.
const FLOOR: f64 = 1e-9;
/// Up to which rise of the log-likelihood a row it counts as risen no more.
const FLAT: f64 = 1e-10;

impl Mixture {
    /// The best of several beginnings, each up to so many steps as the options say.
    pub fn fit(points: &Points, covariance: Covariance, options: &Options) -> Result<Self, Fault> {
        options.check(points)?;
        let need = options.groups * (points.width + 1);
        if points.len() < need {
            return Err(Fault::TooFew { what: "rows", have: points.len(), need });
        }
        if let Some(column) = (0..points.width).find(|it| points.moments(*it).1 <= 0.0) {
            return Err(Fault::Constant { column });
        }
        let mut best: Option<Self> = None;
        for start in 0..options.starts.max(1) {
            let seed = options.seed.wrapping_add(start as u64);
            let groups = KMeans::fit(points, &Options { starts: 1, seed, ..Options::groups(options.groups, seed) })?;
            let Some(found) = Self::from(points, covariance, &groups, options.steps) else { continue };
            if best.as_ref().is_none_or(|it| found.log_likelihood > it.log_likelihood) {
                best = Some(found);
            }
        }
        best.ok_or(Fault::NotIdentified { why: "so many groups: one shrinks to a few rows" }).map(Self::sorted)
    }

    fn from(points: &Points, covariance: Covariance, groups: &KMeans, steps: usize) -> Option<Self> {
        let k = groups.centres.len();
        let floor: Vec<f64> = (0..points.width).map(|it| FLOOR * points.moments(it).1.powi(2)).collect();
        let mut sums = Sums::new(k, points.width);
        for (row, label) in points.rows().zip(&groups.labels) {
            sums.add_certain(row, *label, &groups.centres[*label]);
        }
        let mut fit = Self {
            weights: vec![0.0; k],
            means: groups.centres.clone(),
            covariances: vec![Vec::new(); k],
            covariance,
            log_likelihood: f64::NEG_INFINITY,
            settled: false,
            rows: points.len(),
        };
        fit.maximise(&sums, &floor)?;
        for _ in 0..steps.max(1) {
            let components = fit.components()?;
            let log_likelihood = expectation::run(points, &components, &mut sums);
            if !log_likelihood.is_finite() {
                return None;
            }
            let rise = log_likelihood - fit.log_likelihood;
            fit.log_likelihood = log_likelihood;
            if rise <= FLAT * points.len() as f64 {
                fit.settled = true;
                return Some(fit);
            }
            fit.maximise(&sums, &floor)?;
        }
        fit.log_likelihood = expectation::run(points, &fit.components()?, &mut sums);
        fit.log_likelihood.is_finite().then_some(fit)
    }

    /// Whether its parts fit together, for so many columns: one that was read from a file may have been made by hand.
    pub fn is_sound(&self, columns: usize) -> bool {
        let groups = self.weights.len();
        let wide = |all: &[Vec<f64>], width: usize| all.len() == groups && all.iter().all(|it| it.len() == width);
        groups > 0
            && wide(&self.means, columns)
            && wide(&self.covariances, columns * columns)
            && self.weights.iter().all(|it| *it > 0.0 && *it <= 1.0)
            && self.components().is_some()
    }

    fn components(&self) -> Option<Vec<Component>> {
        let each = self.weights.iter().zip(&self.means).zip(&self.covariances);
        each.map(|((weight, mean), covariance)| Component::of(*weight, mean, covariance)).collect()
    }

    /// Weights, means and covariances of what the sums, around the means before, hold. `None` if a group is too small for that.
    fn maximise(&mut self, sums: &Sums, floor: &[f64]) -> Option<()> {
        let width = floor.len();
        let total: f64 = sums.weights.iter().sum();
        for (at, weight) in sums.weights.iter().enumerate() {
            let own = matches!(self.covariance, Covariance::Full);
            if *weight < if own { width as f64 + 1.0 } else { 1.5 } {
                return None;
            }
            self.weights[at] = weight / total;
            let moved: Vec<f64> = sums.firsts[at].iter().map(|it| it / weight).collect();
            let cell =
                |i: usize, j: usize| sums.seconds[at][i.min(j) * width + i.max(j)] / weight - moved[i] * moved[j];
            self.covariances[at] = (0..width * width).map(|it| cell(it / width, it % width)).collect();
            self.means[at].iter_mut().zip(&moved).for_each(|(mean, by)| *mean += by);
        }
        if self.covariance == Covariance::Tied {
            let weighted = |it: usize| self.weights.iter().zip(&self.covariances).map(|(w, own)| w * own[it]).sum();
            let one: Vec<f64> = (0..width * width).map(weighted).collect();
            self.covariances.iter_mut().for_each(|it| it.clone_from(&one));
        }
        for own in &mut self.covariances {
            let mean = (0..width).map(|it| own[it * width + it]).sum::<f64>() / width as f64;
            for (it, cell) in own.iter_mut().enumerate() {
                let on = it / width == it % width;
                match self.covariance {
                    Covariance::Spherical => *cell = if on { mean } else { 0.0 },
                    Covariance::Diagonal if !on => *cell = 0.0,
                    _ => (),
                }
                *cell = if on { cell.max(floor[it / width]) } else { *cell };
            }
        }
        Some(())
    }

    /// Numbered by size.
    fn sorted(mut self) -> Self {
        let mut order: Vec<usize> = (0..self.weights.len()).collect();
        order.sort_by(|a, b| self.weights[*b].total_cmp(&self.weights[*a]));
        self.weights = order.iter().map(|at| self.weights[*at]).collect();
        self.means = order.iter().map(|at| self.means[*at].clone()).collect();
        self.covariances = order.iter().map(|at| self.covariances[*at].clone()).collect();
        self
    }

    /// How many parameters are free.
    pub fn parameters(&self) -> usize {
        let (k, d) = (self.weights.len(), self.means[0].len());
        let covariances = match self.covariance {
            Covariance::Full => k * d * (d + 1) / 2,
            Covariance::Tied => d * (d + 1) / 2,
            Covariance::Diagonal => k * d,
            Covariance::Spherical => k,
        };
        k - 1 + k * d + covariances
    }

    /// Schwarz's criterion: the lower, the better.
    pub fn bic(&self) -> f64 {
        self.parameters() as f64 * (self.rows as f64).ln() - 2.0 * self.log_likelihood
    }

    /// How likely each row belongs to each group.
    pub fn memberships(&self, points: &Points) -> Result<Vec<Vec<f64>>, Fault> {
        if points.width != self.means[0].len() {
            return Err(Fault::Shape { what: "columns", have: points.width, need: self.means[0].len() });
        }
        let components = self.components().ok_or(Fault::DidNotSettle)?;
        Ok(points.rows().map(|row| expectation::memberships(row, &components)).collect())
    }

    /// The likeliest group of each row.
    pub fn labels(&self, points: &Points) -> Result<Vec<usize>, Fault> {
        let likeliest = |it: Vec<f64>| (0..it.len()).rev().max_by(|a, b| it[*a].total_cmp(&it[*b])).unwrap_or_default();
        Ok(self.memberships(points)?.into_iter().map(likeliest).collect())
    }

    /// Fits one to `most` groups with every form of covariance: all that are a fit, the best by BIC first.
    pub fn choice(points: &Points, most: usize, seed: u64) -> Result<Vec<Self>, Fault> {
        let forms = [Covariance::Full, Covariance::Tied, Covariance::Diagonal, Covariance::Spherical];
        let options = |groups| Options { starts: 3, ..Options::groups(groups, seed) };
        let first = Self::fit(points, Covariance::Spherical, &options(1))?;
        let tried = (1..=most).flat_map(|groups| forms.map(|form| (groups, form)));
        let mut found: Vec<Self> =
            tried.filter_map(|(groups, form)| Self::fit(points, form, &options(groups)).ok()).collect();
        if found.is_empty() {
            found.push(first);
        }
        found.sort_by(|a, b| a.bic().total_cmp(&b.bic()));
        Ok(found)
    }
}
