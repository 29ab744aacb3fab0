//! What is known of customers from the start, and how it goes with how often they buy and how soon they leave: Pareto/NBD, BG/NBD and MBG/NBD with
//! static covariates (Fader and Hardie 2007, "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models").
//!
//! A covariate multiplies everybody's rate to buy by a factor, and their leaving by another, for each standard deviation that they are above the mean: by
//! Pareto/NBD the rate to leave, by the others the odds to leave at a purchase (its first shape; the second stays, where the paper lets both move).
//! It says what goes together, not what comes of changing it.

use super::bg_nbd::Geometric;
use super::fitting::{Fit, Likelihood, Row, fit};
use super::history::{Group, Histories, History};
use super::pareto_nbd::ParetoNbd;
use super::uncertainty::Posterior;
use crate::Fault;
use crate::fault::none_of;

/// A model that covariates can be added to.
pub trait Plain: Likelihood<Row = Group> {
    /// The place of the parameter that the factors of leaving multiply, and with which sign; the second parameter is the scale of rates to buy.
    const LEAVING: (usize, f64);

    /// Fitted without covariates.
    fn fitted(histories: &Histories) -> Result<Fit<Self>, Fault>;
}

impl Plain for ParetoNbd {
    const LEAVING: (usize, f64) = (3, -1.0);

    fn fitted(histories: &Histories) -> Result<Fit<Self>, Fault> {
        Self::fit(histories)
    }
}

impl<const FIRST: u8> Plain for Geometric<FIRST> {
    const LEAVING: (usize, f64) = (2, 1.0);

    fn fitted(histories: &Histories) -> Result<Fit<Self>, Fault> {
        Self::fit(histories)
    }
}

/// The place of the scale of rates to buy.
const SCALE: usize = 1;

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

/// A model with factors. As parameters come those of the model first, then the factors of buying, then those of leaving.
#[derive(Clone, Debug, PartialEq)]
pub struct Factors<M> {
    /// Of somebody with the mean of each covariate.
    pub middle: M,
    /// By what a standard deviation of each covariate multiplies the rate to buy.
    pub buying: Vec<f64>,
    /// And the rate, or the odds, to leave.
    pub leaving: Vec<f64>,
}

impl<M: Plain> Factors<M> {
    /// The model of somebody with these standardised covariates.
    fn own(&self, covariates: &[f64]) -> M {
        let power = |factors: &[f64]| factors.iter().zip(covariates).map(|(it, z)| it.ln() * z).sum::<f64>();
        let mut parameters = self.middle.parameters();
        let (leaving, sign) = M::LEAVING;
        parameters[SCALE] *= (-power(&self.buying)).exp();
        parameters[leaving] *= (sign * power(&self.leaving)).exp();
        M::with(&parameters)
    }
}

impl<M: Plain> Likelihood for Factors<M> {
    type Row = Described;
    const NAMES: &'static [&'static str] = M::NAMES;
    const UNTOLD: &'static str = "how covariates go with how people buy and leave";

    fn with(parameters: &[f64]) -> Self {
        let (middle, factors) = parameters.split_at(M::NAMES.len());
        let (buying, leaving) = factors.split_at(factors.len() / 2);
        Self { middle: M::with(middle), buying: buying.to_vec(), leaving: leaving.to_vec() }
    }

    fn parameters(&self) -> Vec<f64> {
        [&self.middle.parameters()[..], &self.buying, &self.leaving].concat()
    }

    fn log_likelihood(&self, rows: &[Described], gradient: &mut [f64]) -> f64 {
        let (place, sign) = M::LEAVING;
        let middle = self.middle.parameters();
        let (of_middle, factors) = gradient.split_at_mut(middle.len());
        let (of_buying, of_leaving) = factors.split_at_mut(self.buying.len());
        let mut slope = vec![0.0; middle.len()];
        let mut value = 0.0;
        for row in rows {
            let own = self.own(&row.covariates);
            slope.fill(0.0);
            value += own.log_likelihood(std::slice::from_ref(&row.group), &mut slope);
            // With respect to logarithms of parameters, which all that is own to somebody moves alike.
            let own = own.parameters();
            let logs: Vec<f64> = slope.iter().zip(&own).map(|(slope, it)| slope * it).collect();
            of_middle.iter_mut().zip(&logs).zip(&middle).for_each(|((it, log), parameter)| *it += log / parameter);
            for (at, z) in row.covariates.iter().enumerate() {
                of_buying[at] -= logs[SCALE] * z / self.buying[at];
                of_leaving[at] += sign * logs[place] * z / self.leaving[at];
            }
        }
        value
    }
}

/// A model fitted with covariates.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained<M> {
    /// The fit, with intervals of the factors.
    pub fit: Fit<Factors<M>>,
    /// The mean and standard deviation of each covariate.
    pub scales: Vec<(f64, f64)>,
}

impl<M: Plain> Explained<M> {
    /// Fitted to histories, and as many covariates of each customer, a row a customer.
    pub fn fit(histories: &[History], covariates: &[Vec<f64>]) -> Result<Self, Fault> {
        if covariates.len() != histories.len() {
            return Err(Fault::Shape { what: "rows of covariates", have: covariates.len(), need: histories.len() });
        }
        let counted = Histories::new(histories)?;
        let scales = scales(covariates)?;
        // Where the search begins, and a fault for histories that say too little by themselves.
        let middle = M::fitted(&counted)?.model;
        let mut rows = rows(&scales, histories, covariates);
        rows.sort_by(|a, b| a.group.x.total_cmp(&b.group.x).then(a.group.t_x.total_cmp(&b.group.t_x)));
        let start = [middle.parameters(), vec![1.0; 2 * scales.len()]].concat();
        Ok(Self { fit: fit(&rows, &[start])?, scales })
    }

    /// How likely it is what customers did, by what is known of them.
    ///
    /// # Errors
    /// Not as many rows of covariates as histories, or not as many covariates as it was fitted to.
    pub fn log_likelihood(&self, histories: &[History], covariates: &[Vec<f64>]) -> Result<f64, Fault> {
        if covariates.len() != histories.len() {
            return Err(Fault::Shape { what: "rows of covariates", have: covariates.len(), need: histories.len() });
        }
        if let Some(other) = covariates.iter().find(|it| it.len() != self.scales.len()) {
            return Err(Fault::Shape { what: "covariates in a row", have: other.len(), need: self.scales.len() });
        }
        let rows = rows(&self.scales, histories, covariates);
        Ok(self.fit.model.log_likelihood(&rows, &mut vec![0.0; self.fit.model.parameters().len()]))
    }

    /// The model of somebody with these covariates, which says all that a model of buying says.
    pub fn of(&self, covariates: &[f64]) -> M {
        self.by(&self.fit.model, covariates)
    }

    /// The same by other parameters than those of the fit: those of a model that the data leave possible too.
    pub fn by(&self, factors: &Factors<M>, covariates: &[f64]) -> M {
        factors.own(&standard(&self.scales, covariates))
    }

    /// What to believe of all parameters together ([`Fit::posterior`]), with the customers that it was fitted to.
    pub fn posterior(
        &self,
        histories: &[History],
        covariates: &[Vec<f64>],
        draws: usize,
        seed: u64,
    ) -> Option<Posterior<Factors<M>>> {
        self.fit.posterior(&rows(&self.scales, histories, covariates), draws, seed)
    }
}

/// Customers with what is known of them, standardised.
fn rows(scales: &[(f64, f64)], histories: &[History], covariates: &[Vec<f64>]) -> Vec<Described> {
    let one = |(it, row): (&History, &Vec<f64>)| {
        let group = Group { x: f64::from(it.frequency), t_x: it.recency, t: it.age, weight: 1.0 };
        Described { group, covariates: standard(scales, row) }
    };
    histories.iter().zip(covariates).map(one).collect()
}

/// The mean and standard deviation of each covariate, if there is one in every row, and it differs.
fn scales(covariates: &[Vec<f64>]) -> Result<Vec<(f64, f64)>, Fault> {
    let columns = covariates.first().map_or(0, Vec::len);
    if let Some(other) = covariates.iter().find(|it| it.len() != columns) {
        return Err(Fault::Shape { what: "covariates in a row", have: other.len(), need: columns });
    }
    none_of(covariates, |row| row.iter().any(|it| !it.is_finite()), |row| Fault::NotFinite { row })?;
    let n = covariates.len() as f64;
    let scale = |column: usize| {
        let mean = covariates.iter().map(|row| row[column] / n).sum::<f64>();
        let deviation = (covariates.iter().map(|row| (row[column] - mean).powi(2) / n).sum::<f64>()).sqrt();
        let differs = deviation > 1e-12 * mean.abs() && deviation.is_finite();
        differs.then_some((mean, deviation)).ok_or(Fault::Constant { column })
    };
    (0..columns).map(scale).collect()
}

fn standard(scales: &[(f64, f64)], row: &[f64]) -> Vec<f64> {
    row.iter().zip(scales).map(|(it, (mean, deviation))| (it - mean) / deviation).collect()
}
