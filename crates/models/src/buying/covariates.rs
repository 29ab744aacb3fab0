//! What is known of customers from the start, and how it goes with how often they buy and how soon they leave: Pareto/NBD with static covariates
//! (Fader and Hardie 2007, "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models").
//!
//! A covariate multiplies everybody's rate to buy by a factor, and their rate to leave by another, for each standard deviation that they are above the mean.
//! It says what goes together, not what comes of changing it.

use super::fitting::{Fit, Likelihood, Row, fit};
use super::history::{Group, Histories, History};
use super::pareto_nbd::ParetoNbd;
use crate::Fault;
use crate::fault::none_of;

/// A customer with standardised covariates.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    group: Group,
    covariates: Vec<f64>,
}

impl Row for Described {
    fn weight(&self) -> f64 {
        self.group.weight
    }

    fn weighted(&self, weight: f64) -> Self {
        Self { group: self.group.weighted(weight), covariates: self.covariates.clone() }
    }
}

/// Pareto/NBD with factors. As parameters come those of the model first, then the factors of buying, then those of leaving.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    /// Of somebody with the mean of each covariate.
    pub middle: ParetoNbd,
    /// By what a standard deviation of each covariate multiplies the rate to buy.
    pub buying: Vec<f64>,
    /// And the rate to leave.
    pub leaving: Vec<f64>,
}

impl Factors {
    /// The model of somebody with these standardised covariates.
    fn own(&self, covariates: &[f64]) -> ParetoNbd {
        let power = |factors: &[f64]| factors.iter().zip(covariates).map(|(it, z)| it.ln() * z).sum::<f64>().exp();
        let ParetoNbd { r, alpha, s, beta } = self.middle;
        ParetoNbd { r, alpha: alpha / power(&self.buying), s, beta: beta / power(&self.leaving) }
    }
}

impl Likelihood for Factors {
    type Row = Described;
    const NAMES: &'static [&'static str] = ParetoNbd::NAMES;
    const UNTOLD: &'static str = "how covariates go with how people buy and leave";

    fn with(parameters: &[f64]) -> Self {
        let (middle, factors) = parameters.split_at(4);
        let (buying, leaving) = factors.split_at(factors.len() / 2);
        Self { middle: ParetoNbd::with(middle), buying: buying.to_vec(), leaving: leaving.to_vec() }
    }

    fn parameters(&self) -> Vec<f64> {
        [&self.middle.parameters()[..], &self.buying, &self.leaving].concat()
    }

    fn log_likelihood(&self, rows: &[Described], gradient: &mut [f64]) -> f64 {
        let (middle, factors) = gradient.split_at_mut(4);
        let (of_buying, of_leaving) = factors.split_at_mut(self.buying.len());
        let mut value = 0.0;
        for row in rows {
            let own = self.own(&row.covariates);
            let mut slope = [0.0; 4];
            value += own.log_likelihood(std::slice::from_ref(&row.group), &mut slope);
            // With respect to the logarithms of the scales, which all that is own to them moves alike.
            let (alpha, beta) = (slope[1] * own.alpha, slope[3] * own.beta);
            middle[0] += slope[0];
            middle[1] += alpha / self.middle.alpha;
            middle[2] += slope[2];
            middle[3] += beta / self.middle.beta;
            for (at, z) in row.covariates.iter().enumerate() {
                of_buying[at] -= alpha * z / self.buying[at];
                of_leaving[at] -= beta * z / self.leaving[at];
            }
        }
        value
    }
}

/// Pareto/NBD fitted with covariates.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The fit, with intervals of the factors.
    pub fit: Fit<Factors>,
    /// The mean and standard deviation of each covariate.
    pub scales: Vec<(f64, f64)>,
}

impl Explained {
    /// Fitted to histories, and as many covariates of each customer, a row a customer.
    pub fn fit(histories: &[History], covariates: &[Vec<f64>]) -> Result<Self, Fault> {
        if covariates.len() != histories.len() {
            return Err(Fault::Shape { what: "rows of covariates", have: covariates.len(), need: histories.len() });
        }
        let counted = Histories::new(histories)?;
        let columns = covariates.first().map_or(0, Vec::len);
        if let Some(other) = covariates.iter().find(|it| it.len() != columns) {
            return Err(Fault::Shape { what: "covariates in a row", have: other.len(), need: columns });
        }
        none_of(covariates, |row| row.iter().any(|it| !it.is_finite()), |row| Fault::NotFinite { row })?;
        let n = histories.len() as f64;
        let mut scales = Vec::with_capacity(columns);
        for column in 0..columns {
            let mean = covariates.iter().map(|row| row[column] / n).sum::<f64>();
            let deviation = (covariates.iter().map(|row| (row[column] - mean).powi(2) / n).sum::<f64>()).sqrt();
            if !(deviation > 1e-12 * mean.abs() && deviation.is_finite()) {
                return Err(Fault::Constant { column });
            }
            scales.push((mean, deviation));
        }
        // Where the search begins, and a fault for histories that say too little by themselves.
        let middle = ParetoNbd::fit(&counted)?.model;
        let mut rows: Vec<Described> = histories
            .iter()
            .zip(covariates)
            .map(|(it, row)| {
                let group = Group { x: f64::from(it.frequency), t_x: it.recency, t: it.age, weight: 1.0 };
                Described { group, covariates: standard(&scales, row) }
            })
            .collect();
        rows.sort_by(|a, b| a.group.x.total_cmp(&b.group.x).then(a.group.t_x.total_cmp(&b.group.t_x)));
        let start = [middle.parameters(), vec![1.0; 2 * columns]].concat();
        Ok(Self { fit: fit(&rows, &[start])?, scales })
    }

    /// The model of somebody with these covariates, which says all that a model of buying says.
    pub fn of(&self, covariates: &[f64]) -> ParetoNbd {
        self.fit.model.own(&standard(&self.scales, covariates))
    }
}

fn standard(scales: &[(f64, f64)], row: &[f64]) -> Vec<f64> {
    row.iter().zip(scales).map(|(it, (mean, deviation))| (it - mean) / deviation).collect()
}
