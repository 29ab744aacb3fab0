//! The model in figures, how good it was, and what comes next.

use rapport_models::changes::{Change, Movement};
use rapport_models::forecast::{Backtest, Counts, Ets, Method, Options, Regression, Score, SeasonalNaive};
use rapport_models::{Estimate, Fault};

use super::series::Known;
use crate::cli::models::plot::{self, Line};
use crate::cli::models::report::{Cell, Report, figure};

/// So many values of the past are shown beside what comes.
const SHOWN: usize = 90;

/// The parameters of the way that is used, fitted to all values.
pub fn model(report: &mut Report, known: &Known, method: Method, options: &Options) -> Result<(), Fault> {
    let series = &known.series;
    match method {
        Method::SeasonalNaive => report.plain_parameter("deviation", SeasonalNaive::fit(series)?.deviation),
        Method::Smoothing => {
            let it = Ets::choose(series)?;
            report.model = format!("forecast by {} {}", method.as_str(), it.shape);
            report.log_likelihood = Some(it.log_likelihood);
            for (name, value) in [
                ("alpha", it.alpha),
                ("beta", it.beta),
                ("gamma", it.gamma),
                ("phi", it.phi),
                ("deviation", it.deviation),
            ] {
                report.plain_parameter(name, value);
            }
            report.metric("aic", it.aic);
            report.metric("aicc", it.aicc);
            report.metric("bic", it.bic);
        }
        Method::Counts => {
            let it = Counts::fit(series)?;
            report.log_likelihood = Some(it.log_likelihood);
            report.plain_parameter("kept", it.kept);
        }
        Method::Regression => regression(report, known, options)?,
    }
    Ok(())
}

fn regression(report: &mut Report, known: &Known, options: &Options) -> Result<(), Fault> {
    let it = Regression::choose(&known.series, &known.factors, options.year)?;
    report.log_likelihood = Some(it.log_likelihood);
    report.metric("aicc", it.aicc);
    for (name, effect) in known.names.iter().zip(it.effects(options.tails)) {
        report.parameter(name, effect);
    }
    report.plain_parameter("error_kept", it.kept);
    report.plain_parameter("deviation", it.deviation);
    let mut parts = Vec::new();
    parts.extend(it.terms.trend.then_some("a line".to_owned()));
    parts.extend(it.terms.season.then_some("a season".to_owned()));
    parts.extend(it.terms.waves.iter().map(|(length, pairs)| format!("{pairs} waves of {length} steps")));
    parts.extend((!known.names.is_empty()).then(|| known.names.join(", ")));
    let of = if it.terms.log { "of the logarithm: effects multiply by e to their power" } else { "of the values" };
    let with = if parts.is_empty() { "a level".to_owned() } else { parts.join(", ") };
    report.part("The regression", &format!("  with {with}, {of}.\n"));
    Ok(())
}

/// All ways beside each other.
pub fn backtest(report: &mut Report, found: &Backtest, method: Method) {
    let row = |it: &Score| {
        let fitted = !it.trials.is_empty();
        let maybe = |value: f64| if fitted { Cell::Number(value) } else { Cell::None };
        vec![
            Cell::text_of(it.method.as_str()),
            maybe(it.error),
            it.wape.map_or(Cell::None, Cell::Share),
            Cell::maybe(it.mase),
            maybe(it.bias),
            if fitted { Cell::Share(it.coverage) } else { Cell::None },
            Cell::text_of(format!("{} of {}", it.wins, found.origins)),
        ]
    };
    let header = ["Way", "Off by", "Share of all", "MASE", "Bias", "Held by intervals", "Nearer than the naive one"];
    let title = format!("Told from {} origins, each by what was before it", found.origins);
    report.table("compared", &title, &header, found.scores.iter().map(row).collect());
    if let Some(it) = found.scores.iter().find(|it| it.method == method).filter(|it| !it.trials.is_empty()) {
        report.metric("backtest_error", it.error);
        report.metric("backtest_wape", it.wape);
        report.metric("backtest_mase", it.mase);
        report.metric("backtest_bias", it.bias);
        report.metric("backtest_coverage", it.coverage);
    }
    report.metric("backtest_error_of_the_naive_one", found.scores[0].error);
    report.metric("origins", found.origins as f64);
}

/// The last values and the next ones.
pub fn picture(report: &mut Report, known: &Known, forecasts: &[Estimate]) {
    let values = known.series.values();
    let begin = values.len().saturating_sub(SHOWN.max(2 * forecasts.len()));
    let past: Vec<(f64, f64)> = (begin..values.len()).map(|at| (at as f64, values[at])).collect();
    let ahead = |of: &dyn Fn(&Estimate) -> f64| {
        forecasts.iter().enumerate().map(|(at, it)| ((values.len() + at) as f64, of(it))).collect::<Vec<_>>()
    };
    let (low, high) = (ahead(&|it| it.low), ahead(&|it| it.high));
    let ends = past.iter().chain(&low).chain(&high).map(|it| it.1);
    let (least, most) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(it), b.max(it)));
    let lines = [
        Line { name: "so far", points: past, steps: false },
        Line { name: "what comes", points: ahead(&|it| it.value), steps: false },
        Line { name: "95 % are below", points: high, steps: false },
        Line { name: "and above", points: low, steps: false },
    ];
    let label = |at: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "a place in a series")]
        let off = at as i64 - values.len() as i64;
        known.at(off)
    };
    report.part("The series", &plot::curves(&lines, (least, most), label, figure));
}

/// The next values.
pub fn steps(report: &mut Report, known: &Known, forecasts: &[Estimate]) {
    let row = |(at, it): (usize, &Estimate)| {
        vec![Cell::text_of(known.label(at)), Cell::Number(it.value), Cell::Number(it.low), Cell::Number(it.high)]
    };
    let rows = forecasts.iter().enumerate().map(row).collect();
    report.table("forecast", "What comes next, 95 % between", &["Step", "Value", "Low", "High"], rows);
    let total: f64 = forecasts.iter().map(|it| it.value).sum();
    report.metric("expected_in_all", total);
}

/// When the level of the series changed, in a sentence and a table.
pub fn changes(report: &mut Report, known: &Known) {
    let values = known.series.values();
    let title = "Whether the level changed";
    report.hold("changes", serde_json::Value::Array(Vec::new()));
    // Too few values for a forecast were refused; so few that no two levels can be told apart have no sentence.
    let Ok(found) = Movement::of(values, known.series.season()) else { return };
    let changes = match found {
        Movement::Still => return report.part(title, "  No: it stays, as far as chance lets it be seen.\n"),
        Movement::Steady(slope) => {
            let way = if slope > 0.0 { "rises" } else { "falls" };
            let by = figure(slope.abs());
            let text = format!("  It {way} steadily, by about {by} a step, rather than at once.\n");
            report.metric("slope_a_step", slope);
            return report.part(title, &text);
        }
        Movement::Changed(changes) => changes,
    };
    let step = |at: usize| known.at(at as i64 - values.len() as i64);
    let by = |it: &Change| (it.before.value > 0.0).then(|| it.after.value / it.before.value - 1.0);
    if let Some(last) = changes.last() {
        let often = match changes.len() {
            1 => "once".to_owned(),
            2 => "twice, the last time".to_owned(),
            n => format!("{n} times, the last time"),
        };
        let share = by(last).map_or_else(String::new, |it| format!(" ({:+.1} %)", it * 100.0));
        report.part(
            title,
            &format!(
                "  It changed {often} with {}: it is {} since, and was {} before{share}. What is older says less of what comes.\n",
                step(last.at),
                figure(last.after.value),
                figure(last.before.value)
            ),
        );
    }
    let row = |it: &Change| {
        vec![
            Cell::text_of(step(it.at)),
            Cell::Number(it.before.value),
            Cell::Number(it.after.value),
            Cell::Number(it.after.low),
            Cell::Number(it.after.high),
            by(it).map_or(Cell::None, Cell::Share),
        ]
    };
    let header = ["From", "Level before", "Level after", "Low", "High", "By"];
    let rows = changes.iter().map(row).collect();
    report.table("changes", "Levels of the series without its season, 95 % between", &header, rows);
}

/// What a change of factors would do.
pub fn what_if(
    report: &mut Report,
    known: &Known,
    (future, other): (&[Vec<f64>], &[Vec<f64>]),
    options: &Options,
) -> Result<(), Fault> {
    let it = Regression::choose(&known.series, &known.factors, options.year)?;
    let found = it.what_if(future, other, options.tails)?;
    report.metric_between("what_if_in_all", found.total);
    let row = |(at, it): (usize, &Estimate)| {
        vec![Cell::text_of(known.label(at)), Cell::Number(it.value), Cell::Number(it.low), Cell::Number(it.high)]
    };
    let rows = found.steps.iter().enumerate().map(row).collect();
    report.table("what_if", "What the change would do, by the regression", &["Step", "Change", "Low", "High"], rows);
    Ok(())
}
