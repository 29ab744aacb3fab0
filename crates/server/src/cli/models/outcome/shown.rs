//! What was learnt, in numbers, pictures and reasons.

use anyhow::Result;
use rapport_imports::written::Column;
use rapport_models::learn::{Costs, Feature, Judged, Kind, Metrics, Values};

use super::{Shown, Told};
use crate::cli::models::plot::{self, Line};
use crate::cli::models::report::{Cell, Report, figure, percent};

/// Fills in all but what the kinds of file do not share.
pub fn fill(report: &mut Report, shown: &Shown) -> Result<()> {
    let what = if shown.told == Told::Churn { "churn" } else { "propensity" };
    let kind = match shown.learnt.map(|it| it.kept) {
        Some(Kind::Boosting) => "boosted trees",
        Some(Kind::Regression) => "logistic regression",
        None if shown.model.regression().is_some() => "logistic regression",
        None => "boosted trees",
    };
    report.model = format!("{what} by {kind}");
    coefficients(report, shown);
    let said = shown.model.predict(&shown.table)?;
    match shown.learnt {
        Some(learnt) => {
            measures(report, &learnt.metrics);
            report.metric("regression_auc", learnt.regression.auc.value);
            report.metric("boosting_auc", learnt.boosting.auc.value);
            importance(report, &learnt.features);
            pays(report, shown, &learnt.held);
        }
        None if !shown.labels.is_empty() => {
            measures(report, &Judged::new(&said, shown.labels)?.metrics());
            pays(report, shown, &said);
        }
        None => report.metric("mean_probability", said.iter().sum::<f64>() / said.len() as f64),
    }
    report.part("Customers by probability", &plot::distribution(&said, 0.0, 1.0, plot::share));
    rows(report, shown, said)?;
    report.sure = match shown.learnt {
        Some(learnt) => format!(
            "on rows that it had not seen, AUC is {:.3} ({:.3} to {:.3} with 95 %), and probabilities are off by {:.1} points in the mean.",
            learnt.metrics.auc.value,
            learnt.metrics.auc.low,
            learnt.metrics.auc.high,
            learnt.metrics.calibration_error * 100.0
        ),
        None => "as sure as the model was where it was fitted, if customers are still like those; the measures here are of these rows.".to_owned(),
    };
    report.cannot = "what would change anybody's mind. Reasons are what goes together, not causes; whom to act on is a question for uplift, which takes an experiment."
        .to_owned();
    Ok(())
}

fn coefficients(report: &mut Report, shown: &Shown) {
    let Some(regression) = shown.model.regression() else { return };
    for own in regression.coefficients() {
        let name = match &own.level {
            Some(level) => format!("{}={level}", own.feature),
            None => own.feature,
        };
        report.parameter(&name, own.estimate);
    }
}

fn measures(report: &mut Report, found: &Metrics) {
    report.log_likelihood = Some(-found.log_loss.value * found.rows as f64);
    report.metric("rows", found.rows as f64);
    report.metric("positives", found.positives as f64);
    report.metric_between("auc", found.auc);
    report.metric_between("brier", found.brier);
    report.metric_between("log_loss", found.log_loss);
    report.metric("calibration_error", found.calibration_error);
    report.metric("top_tenth_lift", found.top_decile_lift);
    let row = |it: &rapport_models::learn::ReliabilityBin| {
        vec![
            Cell::Share(it.said),
            Cell::Share(it.came),
            Cell::text_of(format!("{} – {}", percent(it.interval.low), percent(it.interval.high))),
            Cell::Whole(it.rows as u64),
        ]
    };
    let header = ["Said", "Came true", "95 % between", "Rows"];
    report.table(
        "reliability",
        "What was said, and how often it came true, on rows not seen",
        &header,
        found.reliability.iter().map(row).collect(),
    );
    let points = found.reliability.iter().map(|it| (it.said, it.came)).collect();
    let ideal = vec![(0.0, 0.0), (1.0, 1.0)];
    let lines = [
        Line { name: "came true", points, steps: false },
        Line { name: "as it should be", points: ideal, steps: false },
    ];
    report.part("Reliability", &plot::curves(&lines, (0.0, 1.0), plot::share, plot::share));
}

fn importance(report: &mut Report, features: &[(String, f64)]) {
    let shown: Vec<(String, f64, String)> =
        features.iter().take(10).map(|(name, size)| (name.clone(), *size, figure(*size))).collect();
    report.part("What matters most (mean size of what it adds to the log-odds)", &plot::bars(&shown));
    let object = features.iter().map(|(name, size)| (name.clone(), (*size).into())).collect();
    report.hold("importance", serde_json::Value::Object(object));
}

/// From which probability on acting pays.
fn pays(report: &mut Report, shown: &Shown, said: &[f64]) {
    let (Some(cost), Some(worth)) = (shown.args.cost, shown.args.worth) else { return };
    let costs = Costs { true_positive: cost - worth, false_positive: cost, false_negative: 0.0, true_negative: 0.0 };
    let found = costs.threshold().and_then(|threshold| {
        let judged = Judged::new(said, shown.labels)?;
        Ok(costs.operation(&judged, threshold))
    });
    let text = match found {
        Ok(it) => {
            report.metric("threshold", it.threshold);
            report.metric("gain_a_row", -it.cost);
            format!(
                "  from a probability of {} on; that is {} of all rows, of which {} are right, and it brings {} a row.\n",
                percent(it.threshold),
                percent(it.acted),
                it.precision.map_or_else(|| "none".to_owned(), percent),
                figure(-it.cost)
            )
        }
        Err(_) => "  never, as acting costs more than it brings.\n".to_owned(),
    };
    report.part("Acting pays, if it always helps,", &text);
}

fn rows(report: &mut Report, shown: &Shown, said: Vec<f64>) -> Result<()> {
    if shown.args.input.out.is_some() {
        let explained = shown.model.explain(&shown.table)?;
        let features = shown.table.features();
        let reasons = |row: usize| {
            let own = &explained.rows[row];
            let mut order: Vec<usize> = (0..own.len()).filter(|at| own[*at].abs() > 1e-9).collect();
            order.sort_by(|a, b| own[*b].abs().total_cmp(&own[*a].abs()));
            let word = |at: &usize| {
                let way = if own[*at] > 0.0 { "raises it" } else { "lowers it" };
                format!("{} ({}) {way}", features[*at].name, value(&features[*at], row))
            };
            order.iter().take(3).map(word).collect::<Vec<_>>().join("; ")
        };
        report.rows = vec![
            Column::texts("customer", shown.customers.clone()),
            Column::numbers("probability", said),
            Column::texts("reasons", (0..shown.table.rows()).map(reasons).collect()),
        ];
    }
    Ok(())
}

/// What a feature is in a row.
fn value(feature: &Feature, row: usize) -> String {
    match &feature.values {
        Values::Numbers(values) if values[row].is_nan() => "missing".to_owned(),
        Values::Numbers(values) => figure(values[row]),
        Values::Categories { codes, levels } => {
            codes[row].and_then(|it| levels.get(it as usize)).map_or_else(|| "missing".to_owned(), Clone::clone)
        }
    }
}
