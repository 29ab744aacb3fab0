//! Whether the columns of a latent variable belong together, and whether latent variables can be told apart.

use super::fit::Fit;
use super::likelihood::held;
use super::model::Kind;
use super::solution::standardised;

/// How well a latent variable is measured by its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    /// The latent variable.
    pub latent: String,
    /// Cronbach's alpha (1951), of covariances.
    pub alpha: f64,
    /// McDonald's ω (1999): the share of the sum of the columns, as the model implies its variance, that is the latent variable's.
    pub omega: f64,
    /// Composite reliability by standardised loadings (Fornell and Larcker 1981): (Σ λ)² / ((Σ λ)² + Σ (1 − λ²)).
    pub composite: f64,
    /// Average variance extracted (Fornell and Larcker 1981): the mean of λ²; from .5.
    pub variance_extracted: f64,
}

impl Fit {
    /// Of each latent variable that two columns or more measure.
    pub fn reliability(&self) -> Vec<Reliability> {
        let (model, p) = (&self.model, self.model.observed());
        let standard = standardised(model, &self.state, &self.parameters);
        let mut found = Vec::new();
        for latent in p..model.names.len() {
            let own =
                |it: &&(usize, &super::model::Cell)| it.1.kind == Kind::Loading && it.1.from == latent && it.1.to < p;
            let cells: Vec<(usize, &super::model::Cell)> =
                model.cells.iter().enumerate().filter(|it| own(&it)).collect();
            if cells.len() < 2 {
                continue;
            }
            let k = cells.len() as f64;
            let pairs = || cells.iter().flat_map(|a| cells.iter().map(move |b| (a.1.to, b.1.to)));
            let all: f64 = pairs().map(|(i, j)| self.target.sample[i * p + j]).sum();
            let single: f64 = cells.iter().map(|it| self.target.sample[it.1.to * p + it.1.to]).sum();
            let implied: f64 = pairs().map(|(i, j)| self.between(i, j)).sum();
            let sum: f64 = cells.iter().map(|it| held(it.1, &self.parameters)).sum();
            let lambda: Vec<f64> = cells.iter().map(|it| standard[it.0]).collect();
            let (total, squares) = (lambda.iter().sum::<f64>(), lambda.iter().map(|it| it * it).sum::<f64>());
            let left = total * total + k - squares;
            found.push(Reliability {
                latent: model.names[latent].clone(),
                alpha: if all > 0.0 { k / (k - 1.0) * (1.0 - single / all) } else { 0.0 },
                omega: if implied > 0.0 { sum * sum * self.between(latent, latent) / implied } else { 0.0 },
                composite: if left > 0.0 { total * total / left } else { 0.0 },
                variance_extracted: squares / k,
            });
        }
        found
    }

    /// How far two latent variables can be told apart (Henseler, Ringle and Sarstedt 2015): the mean correlation of their columns with each other's, over
    /// the geometric mean of those among their own, in absolute values; below .85 or .9. `None` unless both are latent and measured by columns.
    pub fn heterotrait_monotrait(&self, one: &str, other: &str) -> Option<f64> {
        let p = self.model.observed();
        let columns = |name: &str| {
            let place = self.model.names.iter().position(|it| it == name).filter(|it| *it >= p)?;
            Some(self.model.indicators(place)).filter(|it| !it.is_empty())
        };
        let (these, those) = (columns(one)?, columns(other)?);
        let mean = |these: &[usize], those: &[usize]| {
            let pairs = these.iter().flat_map(|i| those.iter().map(move |j| (*i, *j))).filter(|(i, j)| i != j);
            let (sum, n) =
                pairs.fold((0.0, 0.0), |(sum, n), (i, j)| (sum + self.target.correlation(i, j, p).abs(), n + 1.0));
            // A single column goes with itself.
            if n > 0.0 { sum / n } else { 1.0 }
        };
        let own = (mean(&these, &these) * mean(&those, &those)).sqrt();
        (own > 0.0).then(|| mean(&these, &those) / own)
    }
}
