//! What freeing a relation would bring: the test of its slope at the fit as it is (Sörbom 1989, "Model modification").

use super::fit::Fit;
use super::model::{Held, Kind};

/// A relation that is not free, and what freeing it would bring.
#[derive(Clone, Debug, PartialEq)]
pub struct Modification {
    /// What it is.
    pub kind: Kind,
    /// The left side, as it would be written.
    pub left: String,
    /// The right side.
    pub right: String,
    /// By how much chi-square would fall, about, for one degree of freedom.
    pub index: f64,
    /// What would be estimated, about.
    pub expected: f64,
}

impl Fit {
    /// All relations that could be freed, those that would bring most first. Many are tried, so some are large by chance: 3.84 is what one in twenty
    /// reaches in a model that is right.
    pub fn modifications(&self) -> Vec<Modification> {
        let (q, weight) = (self.model.free, self.target.weight);
        let products = self.products();
        let cells: Vec<((usize, usize, bool), usize)> =
            super::likelihood::free(&self.model).map(|(it, at)| ((it.to, it.from, it.directed()), at)).collect();
        let mut found = Vec::new();
        for (kind, to, from) in self.candidates() {
            let own = (to, from, matches!(kind, Kind::Loading | Kind::Regression));
            let slope = products.slope(own, weight);
            let mut with = vec![0.0; q];
            for (cell, at) in &cells {
                with[*at] += products.information(own, *cell, weight);
            }
            let whole = products.information(own, own, weight);
            let known: f64 =
                (0..q).map(|i| with[i] * (0..q).map(|j| self.uncertainty[i * q + j] * with[j]).sum::<f64>()).sum();
            let left = whole - known;
            // What the others determine cannot be freed.
            if left <= 1e-8 * whole {
                continue;
            }
            let (left_side, right_side) = if kind == Kind::Loading { (from, to) } else { (to, from) };
            found.push(Modification {
                kind,
                left: self.model.names[left_side].clone(),
                right: self.model.names[right_side].clone(),
                index: slope * slope / left,
                expected: self.standing(own) - slope / left,
            });
        }
        found.sort_by(|a, b| b.index.total_cmp(&a.index));
        found
    }

    /// What stands there now.
    fn standing(&self, (to, from, directed): (usize, usize, bool)) -> f64 {
        let own = self.model.cells.iter().find(|it| {
            it.directed() == directed
                && ((it.to, it.from) == (to, from) || (!directed && (it.from, it.to) == (to, from)))
        });
        own.map_or(0.0, |it| if let Held::Fixed(value) = it.held { value } else { 0.0 })
    }

    /// Loadings on other latent variables, paths between what measures nothing, and covariances of what is left over.
    fn candidates(&self) -> Vec<(Kind, usize, usize)> {
        let (model, p, m) = (&self.model, self.model.observed(), self.model.names.len());
        let free = |to: usize, from: usize, directed: bool| {
            let here = |it: &&super::model::Cell| {
                it.directed() == directed
                    && ((it.to, it.from) == (to, from) || (!directed && (it.from, it.to) == (to, from)))
            };
            model.cells.iter().find(here).is_some_and(|it| matches!(it.held, Held::Free(_)))
        };
        let measures: Vec<bool> = (0..m).map(|at| model.measures(at)).collect();
        let mut found = Vec::new();
        for to in 0..m {
            for from in (0..m).filter(|from| *from != to && !free(to, *from, true)) {
                if measures[to] && from >= p {
                    // A latent variable does not measure what it is measured by.
                    let back = model.cells.iter().any(|it| it.kind == Kind::Loading && (it.to, it.from) == (from, to));
                    if !back {
                        found.push((Kind::Loading, to, from));
                    }
                } else if !measures[to] && !measures[from] {
                    found.push((Kind::Regression, to, from));
                }
            }
            for from in (0..to).filter(|from| measures[*from] == measures[to] && !free(to, *from, false)) {
                found.push((Kind::Covariance, from, to));
            }
            if !free(to, to, false) {
                found.push((Kind::Variance, to, to));
            }
        }
        found
    }
}
