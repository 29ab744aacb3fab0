//! A model of buying as it is kept in a file, and out of it again.

use rapport_models::buying::{
    BgBb, BgNbd, Explained, Factors, Fit, GGompertzNbd, GammaGamma, Kind, Learnt, Likelihood, MbgNbd, Model, Nearby,
    ParetoGgg, ParetoNbd, Plain, Sbg, Summary, Way,
};
use rapport_models::{Estimate, Fault};
use serde::{Deserialize, Serialize};

use super::Family;
use super::learnt::Fitted;
use super::purchases::Known;
use crate::cli::models::factors;

/// The model as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Its name.
    pub kind: String,
    pub parameters: Vec<f64>,
    /// The covariances of their logarithms, which say how sure they are; none in a file of before they were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covariance: Vec<Vec<f64>>,
    /// The parameters of Gamma-Gamma, where amounts were known.
    pub spending: Option<Vec<f64>>,
    /// And their covariances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spending_covariance: Vec<Vec<f64>>,
    /// What was known from the start, with the mean and standard deviation of each column of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covariates: Option<(factors::Factors, Vec<(f64, f64)>)>,
    /// How long a chance lasts, in days, where purchases were made chances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<f64>,
}

pub const BG_BB: &str = "BG/BB";
pub const SBG: &str = "sBG";

/// The name of a way.
pub fn name(way: Way) -> &'static str {
    match way {
        Way::Plain(Kind::BgNbd) => "BG/NBD",
        Way::Plain(Kind::MbgNbd) => "MBG/NBD",
        Way::Plain(Kind::ParetoNbd) => "Pareto/NBD",
        Way::Described(Kind::BgNbd) => "BG/NBD with covariates",
        Way::Described(Kind::MbgNbd) => "MBG/NBD with covariates",
        Way::Described(Kind::ParetoNbd) => "Pareto/NBD with covariates",
        Way::GGompertzNbd => "GGompertz/NBD",
        Way::ParetoGgg => "Pareto/GGG",
    }
}

/// The way of a name; `None` for models of chances and contracts, and for names that are none.
fn way(named: &str) -> Option<Way> {
    let plain = Kind::ALL.into_iter().map(Way::Plain);
    let all = plain.chain(Kind::ALL.into_iter().map(Way::Described)).chain([Way::GGompertzNbd, Way::ParetoGgg]);
    all.into_iter().find(|it| name(*it) == named)
}

impl Kept {
    /// What its rows tell.
    pub fn family(&self) -> Family {
        match self.kind.as_str() {
            BG_BB => Family::Chances,
            SBG => Family::Contracts,
            _ => Family::Buying,
        }
    }

    /// Whether its parts fit together: a file may be made by hand.
    pub fn is_sound(&self) -> bool {
        let sound = |it: &[f64], need: usize| it.len() == need && it.iter().all(|it| it.is_finite() && *it > 0.0);
        let covariates = self.covariates.as_ref().map_or(0, |it| it.1.len());
        let need = match (self.kind.as_str(), way(&self.kind)) {
            (BG_BB, _) => BgBb::NAMES.len(),
            (SBG, _) => Sbg::NAMES.len(),
            (_, Some(Way::Plain(_))) => 4,
            (_, Some(Way::Described(_))) if covariates > 0 => 4 + 2 * covariates,
            (_, Some(Way::GGompertzNbd)) => GGompertzNbd::NAMES.len(),
            (_, Some(Way::ParetoGgg)) => ParetoGgg::NAMES.len(),
            _ => return false,
        };
        let scales = |it: &(factors::Factors, Vec<(f64, f64)>)| {
            it.0.labels().len() == it.1.len()
                && it.1.iter().all(|it| it.0.is_finite() && it.1.is_finite() && it.1 > 0.0)
        };
        let certain = |it: &[Vec<f64>], need: usize| {
            it.is_empty()
                || (it.len() == need
                    && it.iter().all(|row| row.len() == need && row.iter().all(|cell| cell.is_finite())))
        };
        sound(&self.parameters, need)
            && certain(&self.covariance, need)
            && certain(&self.spending_covariance, GammaGamma::NAMES.len())
            && self.spending.as_ref().is_none_or(|it| sound(it, GammaGamma::NAMES.len()))
            && self.covariates.as_ref().is_none_or(scales)
            && self.period.is_none_or(|it| it.is_finite() && it > 0.0)
    }

    /// The model, with how likely these data are by it.
    pub fn learnt(&self, known: &Known) -> Result<Fitted, Fault> {
        let histories = Summary::histories(&known.summaries)?;
        let groups = histories.groups();
        let way = way(&self.kind).unwrap_or(Way::Plain(Kind::ParetoNbd));
        let found = match way {
            Way::Plain(Kind::BgNbd) => self.model(groups, |it: BgNbd| Learnt::Plain(Model::BgNbd(it))),
            Way::Plain(Kind::MbgNbd) => self.model(groups, |it: MbgNbd| Learnt::Plain(Model::MbgNbd(it))),
            Way::Plain(Kind::ParetoNbd) => self.model(groups, |it: ParetoNbd| Learnt::Plain(Model::ParetoNbd(it))),
            Way::GGompertzNbd => self.model(groups, Learnt::GGompertzNbd),
            Way::ParetoGgg => {
                let rhythms = known.rhythms(1).ok_or(Fault::NotIdentified { why: GAPS })?;
                self.model(&rhythms, Learnt::ParetoGgg)
            }
            Way::Described(Kind::BgNbd) => self.explained(known, Learnt::BgNbdBy)?,
            Way::Described(Kind::MbgNbd) => self.explained(known, Learnt::MbgNbdBy)?,
            Way::Described(Kind::ParetoNbd) => self.explained(known, Learnt::ParetoNbdBy)?,
        };
        let names = super::learnt::names(way, known);
        let estimates = names.into_iter().zip(self.parameters.iter().map(|it| exact(*it))).collect();
        let Again { learnt, nearby, log_likelihood } = found;
        let covariance = self.covariance.clone();
        Ok(Fitted { way, learnt, nearby, covariance, estimates, log_likelihood, aic: None, total: None })
    }

    fn model<M: Likelihood>(&self, rows: &[M::Row], learnt: impl Fn(M) -> Learnt) -> Again {
        let fit = as_if_fitted::<M>((&self.parameters, &self.covariance), rows, 0.0);
        Again {
            nearby: fit.nearby().map(|it| it.map(&learnt)),
            log_likelihood: fit.log_likelihood,
            learnt: learnt(fit.model),
        }
    }

    fn explained<M: Plain>(&self, known: &Known, learnt: impl Fn(Explained<M>) -> Learnt) -> Result<Again, Fault> {
        let scales = self.covariates.as_ref().map_or_else(Vec::new, |it| it.1.clone());
        let customers = known.customers.len() as f64;
        let fit = fit_of(Factors::<M>::with(&self.parameters), (&self.parameters, &self.covariance), customers);
        let explained = Explained { fit, scales };
        let log_likelihood = explained.log_likelihood(&known.histories, known.covariates())?;
        let nearby = explained.fit.nearby().map(|it| it.map(|factors| learnt(with(&explained, factors))));
        Ok(Again { nearby, log_likelihood, learnt: learnt(explained) })
    }

    /// The model of amounts, for customers whose amounts are known.
    pub fn amounts(&self, rows: &[rapport_models::buying::Spending]) -> Option<Fit<GammaGamma>> {
        Some(as_if_fitted((self.spending.as_ref()?, &self.spending_covariance), rows, rows.len() as f64))
    }
}

/// A model out of a file, with those a little off it and how likely the data are by it.
struct Again {
    learnt: Learnt,
    nearby: Option<Nearby<Learnt>>,
    log_likelihood: f64,
}

/// The same with other factors.
pub fn with<M: Plain>(explained: &Explained<M>, factors: Factors<M>) -> Explained<M> {
    Explained { fit: Fit { model: factors, ..explained.fit.clone() }, scales: explained.scales.clone() }
}

/// Why regular buyers cannot be told.
pub const GAPS: &str = "how regularly people buy, as single purchases are not known";

/// A parameter that is taken as it is.
fn exact(value: f64) -> Estimate {
    Estimate { value, standard_error: None, low: value, high: value }
}

/// A model with these parameters and their covariances, as if it were fitted to these rows, which stand for so many customers.
pub fn as_if_fitted<M: Likelihood>(
    (parameters, covariance): (&[f64], &[Vec<f64>]),
    rows: &[M::Row],
    customers: f64,
) -> Fit<M> {
    let model = M::with(parameters);
    let log_likelihood = model.log_likelihood(rows, &mut vec![0.0; parameters.len()]);
    Fit { log_likelihood, ..fit_of(model, (parameters, covariance), customers) }
}

fn fit_of<M>(model: M, (parameters, covariance): (&[f64], &[Vec<f64>]), customers: f64) -> Fit<M> {
    Fit {
        model,
        log_likelihood: f64::NAN,
        estimates: parameters.iter().map(|it| exact(*it)).collect(),
        covariance: covariance.to_vec(),
        customers,
        evaluations: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_model_has_is_not_sound() {
        let of = |kind: &str, parameters: &[f64]| Kept {
            kind: kind.to_owned(),
            parameters: parameters.to_vec(),
            covariance: Vec::new(),
            spending: None,
            spending_covariance: Vec::new(),
            covariates: None,
            period: None,
        };
        for (kind, parameters, sound) in [
            ("BG/NBD", &[1.0; 4][..], true),
            ("BG/NBD", &[1.0; 3], false),
            ("Pareto/NBD", &[1.0, 1.0, -1.0, 1.0], false),
            ("Pareto/NBD with covariates", &[1.0; 6], false),
            ("GGompertz/NBD", &[1.0; 5], true),
            ("Pareto/GGG", &[1.0; 6], true),
            ("Pareto/GGG", &[f64::NAN; 6], false),
            (BG_BB, &[1.0; 4], true),
            (SBG, &[1.0; 2], true),
            (SBG, &[1.0; 4], false),
            ("magic", &[1.0; 4], false),
        ] {
            assert_eq!(of(kind, parameters).is_sound(), sound, "{kind} {parameters:?}");
        }
        assert!(!Kept { spending: Some(vec![1.0]), ..of("BG/NBD", &[1.0; 4]) }.is_sound());
        assert!(!Kept { period: Some(0.0), ..of(BG_BB, &[1.0; 4]) }.is_sound());
        for (covariance, sound) in
            [(vec![vec![0.1; 2]; 2], true), (vec![vec![0.1; 2]], false), (vec![vec![f64::NAN; 2]; 2], false)]
        {
            assert_eq!(Kept { covariance, ..of(SBG, &[1.0; 2]) }.is_sound(), sound);
        }
    }
}
