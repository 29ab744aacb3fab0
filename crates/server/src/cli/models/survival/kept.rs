//! A model of survival with factors as it is kept in a file, and on other rows.

use std::path::Path;

use anyhow::{Result, bail};
use rapport_models::survival::{Cox, Weibull};
use serde::{Deserialize, Serialize};

use super::{SurvivalArgs, TAILS, accelerated, rows, saved};
use crate::cli::models::factors::Factors;
use crate::cli::models::input::Data;
use crate::cli::models::plot;
use crate::cli::models::report::Report;

/// The model as it is kept.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cox: Option<Cox>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weibull: Option<Weibull>,
    factors: Factors,
}

/// A fitted model with factors.
pub enum Fitted {
    Cox(Box<Cox>),
    Weibull(Weibull),
}

impl Kept {
    pub fn of(fitted: Fitted, factors: Factors) -> Self {
        match fitted {
            Fitted::Cox(it) => Self { cox: Some(*it), weibull: None, factors },
            Fitted::Weibull(it) => Self { cox: None, weibull: Some(it), factors },
        }
    }

    /// The model, if its parts fit together: a file may be made by hand.
    fn fitted(self) -> Option<(Fitted, Factors)> {
        let width = self.factors.labels().len();
        match (self.cox, self.weibull) {
            (Some(it), None) if it.is_sound() && it.coefficients.len() == width => {
                Some((Fitted::Cox(Box::new(it)), self.factors))
            }
            (None, Some(it)) if it.is_sound() && it.coefficients.len() == width => {
                Some((Fitted::Weibull(it), self.factors))
            }
            _ => None,
        }
    }
}

/// A kept model on other rows.
pub fn again(args: &SurvivalArgs, path: &Path, data: &mut Data) -> Result<()> {
    let kept: Kept = saved::load(path, "survival", data)?;
    let Some((fitted, factors)) = kept.fitted() else {
        bail!("{} does not fit together; fit the model again", path.display());
    };
    let factors = factors.placed(data)?;
    let columns = factors.columns(data)?;
    let last = match &fitted {
        Fitted::Cox(cox) => cox.baseline.times.last().copied().unwrap_or(1.0),
        // The time after which half of them is gone, of somebody whose factors are all 0.
        Fitted::Weibull(fit) => (fit.intercept + (2.0_f64.ln()).ln() / fit.shape).exp(),
    };
    let horizon = args.horizon.filter(|it| *it > 0.0).unwrap_or(last);
    let mut report = Report::new("Cox's proportional hazards");
    match &fitted {
        Fitted::Cox(cox) => {
            report.log_likelihood = Some(cox.log_likelihood);
            let summary = cox.summary(TAILS);
            factors.labels().iter().zip(&summary).for_each(|(name, own)| report.parameter(name, own.coefficient));
        }
        Fitted::Weibull(fit) => {
            report.log_likelihood = Some(fit.log_likelihood);
            accelerated(&mut report, fit, &factors);
            report.parameter("shape", fit.shape(TAILS));
        }
    }
    report.metric("horizon", horizon);
    let share = |at: usize| {
        let row = columns.iter().map(|it| it[at]).collect::<Vec<f64>>();
        match &fitted {
            Fitted::Cox(cox) => cox.survival(&row, horizon, TAILS).map(|it| it.value),
            Fitted::Weibull(fit) => fit.survival(&row, horizon),
        }
    };
    let shares: Vec<f64> = (0..data.rows()).filter_map(share).collect();
    report.metric("mean_survival_at_horizon", shares.iter().sum::<f64>() / shares.len() as f64);
    report.part("Rows by the share still there at the horizon", &plot::distribution(&shares, 0.0, 1.0, plot::share));
    rows::told(args, &mut report, data, &fitted, &columns, horizon)?;
    report.sure = "as sure as the model was where it was fitted, if these are like those; the log-likelihood is that of its own data.".to_owned();
    report.cannot = "what would happen if a factor were changed, or times beyond the longest that was seen.".to_owned();
    report.show(&args.input, data)
}
