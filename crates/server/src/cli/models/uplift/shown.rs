//! Learners beside each other, and what an order of customers is worth on rows that it was not learnt from.

use rapport_models::Fault;
use rapport_models::learn::{Feature, Folds, Table};
use rapport_models::uplift::{
    Comparison, Evaluated, Evaluation, Group, Learner, Measure, Options, Targeting, Terms, Uplift, Verdict, by_group,
};

use super::UpliftArgs;
use crate::cli::models::plot::{self, Line};
use crate::cli::models::report::{Cell, Report, figure, percent};

/// A table of learners, and the measures of the one that is used.
pub fn learners(report: &mut Report, found: &Evaluation, best: Learner) {
    let verdict = |it: &Evaluated| match it.verdict {
        Verdict::Response => "what others have to beat",
        Verdict::Better => "better",
        Verdict::NotSurelyBetter => "not surely better",
        Verdict::NotSurelyWorse => "lower, not surely",
        Verdict::Worse => "worse",
    };
    let row = |it: &Evaluated| {
        let other = it.verdict != Verdict::Response;
        let above = if other { Cell::Number(it.against_response.value) } else { Cell::None };
        vec![
            Cell::text_of(it.learner.to_string()),
            Cell::Number(it.coefficient.value),
            Cell::text_of(format!("{} – {}", figure(it.coefficient.low), figure(it.coefficient.high))),
            above,
            Cell::text_of(verdict(it)),
        ]
    };
    let header = ["Learner", "Qini", "95 % between", "Above the response model", "Verdict"];
    let rows = found.learners.iter().map(row).collect();
    report.table("learners", "Learners over splits, on rows that they had not seen", &header, rows);
    for it in &found.learners {
        if it.learner == Learner::Response {
            report.metric_between("qini_of_the_response_model", it.coefficient);
        }
        if it.learner == best {
            report.metric_between("qini", it.coefficient);
            report.metric_between("effect_among_the_first_30_percent", it.effect_at);
            report.metric_between("qini_above_the_response_model", it.against_response);
        }
    }
}

/// A third of the rows, judged by what was learnt from the others.
pub fn held(
    args: &UpliftArgs,
    report: &mut Report,
    (table, comparison): (&Table, &Comparison),
    (learner, options): (Learner, &Options),
) -> Result<(), Fault> {
    let folds = Folds::stratified(comparison.treated(), 3, args.seed);
    let Some((kept, out)) = folds.splits().next() else { return Ok(()) };
    // What varies in all rows need not vary in two thirds of them.
    let part = table.taken(&kept);
    let alike: Vec<bool> = part.features().iter().map(Feature::is_constant).collect();
    let own = |table: &Table| {
        let varies = |it: &(&Feature, &bool)| !*it.1;
        Table::new(table.features().iter().zip(&alike).filter(varies).map(|it| it.0.clone()).collect())
    };
    let model = Uplift::fit(&own(&part)?, &comparison.taken(&kept)?, learner, options)?;
    let effects = model.predict(&own(&table.taken(&out))?)?;
    judged(args, report, &effects, &comparison.taken(&out)?)
}

/// What an order is worth on rows of which it is known what came: the curve, fifths, and whom to treat.
pub fn judged(args: &UpliftArgs, report: &mut Report, effects: &[f64], comparison: &Comparison) -> Result<(), Fault> {
    report.metric("judged_rows", comparison.rows() as f64);
    report.metric("judged_qini", Measure::Qini.coefficient(effects, comparison)?);
    let curve = Measure::Qini.curve(effects, comparison)?;
    let all = curve.rows.last().copied().unwrap_or(1.0).max(1.0);
    let points: Vec<(f64, f64)> = curve.rows.iter().zip(&curve.gain).map(|(row, gain)| (row / all, *gain)).collect();
    let last = points.last().copied().unwrap_or((1.0, 0.0));
    let (low, high) = points.iter().fold((0.0f64, 0.0f64), |(low, high), it| (low.min(it.1), high.max(it.1)));
    let lines = [
        Line { name: "by the model", points, steps: false },
        Line { name: "by chance", points: vec![(0.0, 0.0), last], steps: false },
    ];
    let picture = plot::curves(&lines, (low, high), plot::share, figure);
    report.part("What treating the first so many brings, on rows not learnt from (Qini)", &picture);
    let groups = by_group(effects, comparison, 5)?;
    let row = |(at, it): (usize, &Group)| {
        vec![
            Cell::Whole(at as u64 + 1),
            Cell::Whole(it.rows as u64),
            Cell::Number(it.expected),
            Cell::Number(it.effect.value),
            Cell::text_of(format!("{} – {}", figure(it.effect.low), figure(it.effect.high))),
        ]
    };
    let header = ["Fifth", "Rows", "Expected", "Effect that came", "95 % between"];
    let rows = groups.iter().enumerate().map(row).collect();
    report.table("fifths", "What was expected beside what came, on the same rows", &header, rows);
    if let (Some(cost), Some(value)) = (args.cost, args.worth) {
        targets(report, &Targeting::of(effects, comparison, Terms { value, cost })?);
    }
    Ok(())
}

/// Whom to treat.
fn targets(report: &mut Report, found: &Targeting) {
    report.metric("profit_a_row_honest", found.honest);
    let Some(it) = found.best.and_then(|it| found.targets.get(it)) else {
        report.metric("treat_share", 0.0);
        report.part("Whom to treat", "  nobody: the treatment costs more than it brings.\n");
        return;
    };
    report.metric("treat_share", it.share);
    report.metric("treat_from", it.from);
    report.metric_between("profit_a_row", it.profit);
    let text = format!(
        "  the first {}, those with an expected effect of {} and more: {} a row of all ({} – {}), and {} where the share is chosen on other rows.\n",
        percent(it.share),
        figure(it.from),
        figure(it.profit.value),
        figure(it.profit.low),
        figure(it.profit.high),
        figure(found.honest)
    );
    report.part("Whom to treat", &text);
}
