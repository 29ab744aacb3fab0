//! The fitted model as it is kept, and what it says of somebody.
//!
//! Always holds: what is read back says the same as what was kept; whatever somebody did, what it says of them is finite.

use rapport_models::buying::Kind;
use rapport_models::buying::{
    BgNbd, Buying, Fit, GammaGamma, Group, Histories, History, Horizon, Likelihood, MbgNbd, Model as Fitted, ParetoNbd,
    Spending,
};
use rapport_models::{Estimate, Fault};
use serde::{Deserialize, Serialize};

use super::next::Cycle;
use super::purchases::{Known, Usual};
use crate::scores::card::{Group as CardGroup, Parameter};
use crate::scores::judged::Against;
use crate::scores::measured::{Choice, Metrics};

/// How many draws of the parameters stand for how unsure they are.
const DRAWS: usize = 40;
/// Of so many they are chosen.
const PROPOSED: usize = 400;
/// Of so many different histories fewer are proposed, as each takes a look at all.
const MANY: usize = 100_000;

/// A model of buying, its parameters, and how unsure they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// `pareto_nbd`, `mbg_nbd` or `bg_nbd`.
    pub kind: String,
    /// Its parameters, in their order.
    pub parameters: Vec<Parameter>,
    /// How likely the data are.
    pub log_likelihood: f64,
    /// Parameters that are as likely as these: drawn from their posterior. Empty where that could not be done.
    pub draws: Vec<Vec<f64>>,
}

/// What is spent a purchase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    /// Gamma-Gamma's parameters p, q and gamma; empty where they could not be fitted, and everybody's own mean counts.
    pub parameters: Vec<Parameter>,
    /// Why not.
    pub fault: Option<String>,
    /// How the number of purchases goes with what is spent on each, where it can be told: far from zero the model's ground is gone.
    pub correlation: Option<f64>,
}

/// All that a version keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// Up to which day it has seen: days since 1970, the first that it has not.
    pub end: i32,
    /// How people buy and leave.
    pub model: Model,
    /// What they spend.
    pub worth: Worth,
    /// What is usual.
    pub usual: Usual,
    /// What was tried, and which was best.
    pub choice: Choice,
    /// How good it was on the weeks held out.
    pub metrics: Metrics,
    /// Beside the version before.
    pub against: Option<Against>,
    /// For whom it does worse.
    pub groups: Vec<CardGroup>,
    /// How people come back; `None` where that cannot be told.
    #[serde(default)]
    pub cycle: Option<Cycle>,
}

/// The stable word of a kind of model.
pub(super) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::ParetoNbd => "pareto_nbd",
        Kind::MbgNbd => "mbg_nbd",
        Kind::BgNbd => "bg_nbd",
    }
}

/// What people call it.
pub(super) fn name(kind: &str) -> &'static str {
    match kind {
        "pareto_nbd" => "Pareto/NBD",
        "mbg_nbd" => "MBG/NBD",
        _ => "BG/NBD",
    }
}

fn parameters(names: &[&str], estimates: &[Estimate]) -> Vec<Parameter> {
    let pairs = names.iter().zip(estimates);
    let kept = pairs.map(|(name, it)| Parameter {
        name: (*name).to_owned(),
        value: it.value,
        standard_error: it.standard_error,
        low: it.low,
        high: it.high,
    });
    kept.collect()
}

fn keep<M: Likelihood<Row = Group>>(kind: Kind, fit: &Fit<M>, histories: &Histories, seed: u64) -> Model {
    let proposed = if histories.groups().len() > MANY { PROPOSED / 4 } else { PROPOSED };
    let posterior = fit.posterior(histories.groups(), proposed, seed);
    let draws = posterior.map_or_else(Vec::new, |it| {
        // At even distances of the sum of weights: each stands for as much.
        let (mut sum, mut drawn) = (0.0, Vec::with_capacity(DRAWS));
        for (model, weight) in &it.models {
            sum += weight;
            while drawn.len() < DRAWS && sum * DRAWS as f64 > drawn.len() as f64 + 0.5 {
                drawn.push(model.parameters());
            }
        }
        drawn
    });
    Model {
        kind: word(kind).to_owned(),
        parameters: parameters(M::NAMES, &fit.estimates),
        log_likelihood: fit.log_likelihood,
        draws,
    }
}

impl Model {
    /// Fitted to histories; the seed draws the same each time.
    pub(super) fn fit(kind: Kind, histories: &Histories, seed: u64) -> Result<Self, Fault> {
        Ok(match kind {
            Kind::ParetoNbd => keep(kind, &ParetoNbd::fit(histories)?, histories, seed),
            Kind::MbgNbd => keep(kind, &MbgNbd::fit(histories)?, histories, seed),
            Kind::BgNbd => keep(kind, &BgNbd::fit(histories)?, histories, seed),
        })
    }

    /// As the mathematics has it. `None` where what was kept is not whole.
    pub fn fitted(&self) -> Option<Fitted> {
        let values: Vec<f64> = self.parameters.iter().map(|it| it.value).collect();
        fitted(&self.kind, &values)
    }

    /// The models that the data leave possible.
    pub fn drawn(&self) -> Vec<Fitted> {
        self.draws.iter().filter_map(|it| fitted(&self.kind, it)).collect()
    }
}

fn fitted(kind: &str, values: &[f64]) -> Option<Fitted> {
    if values.len() != 4 || values.iter().any(|it| !(it.is_finite() && *it > 0.0)) {
        return None;
    }
    Some(match kind {
        "pareto_nbd" => Fitted::ParetoNbd(ParetoNbd::with(values)),
        "mbg_nbd" => Fitted::MbgNbd(MbgNbd::with(values)),
        "bg_nbd" => Fitted::BgNbd(BgNbd::with(values)),
        _ => return None,
    })
}

impl Worth {
    /// Fitted to what those spent who bought again.
    pub(super) fn fit(known: &[Known]) -> Self {
        let paid = known.iter().filter(|it| it.priced > 0 && it.again > 0.0);
        let spending: Vec<Spending> =
            paid.map(|it| Spending { purchases: f64::from(it.priced), mean: it.again, weight: 1.0 }).collect();
        let correlation = Spending::correlation(&spending);
        match GammaGamma::fit(&spending) {
            Ok(fit) => Self { parameters: parameters(GammaGamma::NAMES, &fit.estimates), fault: None, correlation },
            Err(fault) => Self { parameters: Vec::new(), fault: Some(fault.to_string()), correlation },
        }
    }

    /// What somebody is expected to spend a purchase; `usual` where nothing tells.
    pub fn expected(&self, known: &Known, usual: f64) -> f64 {
        let model = match self.parameters.as_slice() {
            [p, q, gamma] => Some(GammaGamma { p: p.value, q: q.value, gamma: gamma.value }),
            _ => None,
        };
        let own = if known.mean > 0.0 { known.mean } else { usual };
        let found = model.map_or(Some(own), |it| it.expected(f64::from(known.priced), known.again));
        found.filter(|it| it.is_finite() && *it >= 0.0).unwrap_or(own)
    }
}

/// The discounted purchases of somebody within a horizon, and those not discounted.
pub(super) fn to_come(model: &Fitted, history: &History, horizon: &Horizon) -> (f64, f64) {
    let weeks = horizon.period * f64::from(horizon.periods);
    let all = model.expected(history, weeks);
    // Purchases come about evenly within a tenth of the horizon: ten steps are within a thousandth of one a week.
    const STEPS: u32 = 10;
    let (mut before, mut sum) = (0.0, 0.0);
    for step in 1..=STEPS {
        let until = weeks * f64::from(step) / f64::from(STEPS);
        let expected = if step == STEPS { all } else { model.expected(history, until) };
        let middle = until - weeks / f64::from(2 * STEPS);
        sum += (expected - before) / (1.0 + horizon.discount).powf(middle);
        before = expected;
    }
    (sum, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: discounting week by week, each week at its middle, as the mathematics does at its end.
    #[test]
    fn ten_steps_discount_as_weeks_do() {
        let model = Fitted::ParetoNbd(ParetoNbd { r: 0.55, alpha: 10.6, s: 0.6, beta: 11.7 });
        for history in [
            History { frequency: 0, recency: 0.0, age: 30.0 },
            History { frequency: 7, recency: 35.0, age: 38.0 },
            History { frequency: 2, recency: 4.0, age: 38.0 },
        ] {
            let horizon = Horizon { period: 1.0, periods: 52, discount: 0.1 / 52.0, margin: 1.0 };
            let slow = model.discounted(&history, 1.0, 52, horizon.discount) * (1.0 + horizon.discount).sqrt();
            let (found, all) = to_come(&model, &history, &horizon);
            assert!((found / slow - 1.0).abs() < 1e-3, "{found} {slow}");
            assert_eq!(all, model.expected(&history, 52.0));
        }
    }

    #[test]
    fn what_is_kept_is_read_back_and_nonsense_is_not() {
        assert!(fitted("pareto_nbd", &[0.5, 1.0, 0.5, 2.0]).is_some());
        assert!(fitted("pareto_nbd", &[0.5, 1.0, 0.5]).is_none());
        assert!(fitted("pareto_nbd", &[0.5, f64::NAN, 0.5, 1.0]).is_none());
        assert!(fitted("oracle", &[0.5, 1.0, 0.5, 1.0]).is_none());
    }
}
