//! What survival says, row by row: steps of curves, and what is told of each row by its factors.

use anyhow::Result;
use rapport_imports::written::Column;
use rapport_models::Estimate;
use rapport_models::survival::{KaplanMeier, Step};

use super::kept::Fitted;
use super::{SurvivalArgs, TAILS};
use crate::cli::models::input::Data;
use crate::cli::models::report::Report;

/// Curves as rows: what happened at each time, and the share still there after it.
pub fn steps(curves: &[(&str, &KaplanMeier)]) -> Vec<Column> {
    let all = || curves.iter().flat_map(|(name, curve)| curve.steps.iter().map(move |step| (*name, *curve, step)));
    let between = |pick: fn(Estimate) -> f64| {
        all().map(|(_, curve, step)| curve.at(step.time, TAILS).map_or(f64::NAN, pick)).collect::<Vec<f64>>()
    };
    let count = |pick: fn(&Step) -> usize| all().map(|it| pick(it.2) as i64).collect::<Vec<i64>>();
    vec![
        Column::texts("group", all().map(|it| it.0.to_owned()).collect()),
        Column::numbers("time", all().map(|it| it.2.time).collect()),
        Column::whole("at_risk", count(|it| it.at_risk)),
        Column::whole("ended", count(|it| it.ended)),
        Column::whole("censored", count(|it| it.censored)),
        Column::numbers("survival", all().map(|it| it.2.survival).collect()),
        Column::numbers("low", between(|it| it.low)),
        Column::numbers("high", between(|it| it.high)),
    ]
}

/// What is told of each row.
pub fn told(
    args: &SurvivalArgs,
    report: &mut Report,
    data: &Data,
    fitted: &Fitted,
    columns: &[Vec<f64>],
    horizon: f64,
) -> Result<()> {
    if args.input.out.is_none() {
        return Ok(());
    }
    let customers = data.called(data.optional("customer", args.customer.as_ref())?);
    let row = |at: usize| columns.iter().map(|it| it[at]).collect::<Vec<f64>>();
    let all: Vec<Vec<f64>> = (0..data.rows()).map(row).collect();
    let of =
        |pick: &dyn Fn(&[f64]) -> Option<f64>| all.iter().map(|it| pick(it).unwrap_or(f64::NAN)).collect::<Vec<f64>>();
    let customers = Column::texts("customer", customers);
    report.rows = match fitted {
        Fitted::Cox(cox) => vec![
            customers,
            Column::numbers("times_the_risk", of(&|it| cox.log_risk(it).map(f64::exp))),
            Column::numbers("survival_at_horizon", of(&|it| cox.survival(it, horizon, TAILS).map(|it| it.value))),
            Column::numbers("low", of(&|it| cox.survival(it, horizon, TAILS).map(|it| it.low))),
            Column::numbers("high", of(&|it| cox.survival(it, horizon, TAILS).map(|it| it.high))),
            Column::numbers("median", of(&|it| cox.quantile(it, 0.5))),
        ],
        Fitted::Weibull(fit) => vec![
            customers,
            Column::numbers("survival_at_horizon", of(&|it| fit.survival(it, horizon))),
            Column::numbers("median", of(&|it| fit.quantile(it, 0.5, TAILS).map(|it| it.value))),
            Column::numbers("median_low", of(&|it| fit.quantile(it, 0.5, TAILS).map(|it| it.low))),
            Column::numbers("median_high", of(&|it| fit.quantile(it, 0.5, TAILS).map(|it| it.high))),
            Column::numbers("mean", of(&|it| fit.mean(it))),
        ],
    };
    Ok(())
}
