//! `rapport models survival`: when something ends, for whom sooner, and how sure that is.

mod kept;
mod rows;

use anyhow::{Result, bail};
use rapport_models::survival::{Cox, KaplanMeier, Lifetimes, Test, Ties, Transform, Weibull, Weighting, log_rank};

use super::factors::{self, Factors};
use super::input::{Data, Input, Need};
use super::plot::{self, Line};
use super::report::{Cell, Report, figure, percent};
use super::saved::{self, Keep};
use super::wording;
use kept::{Fitted, Kept};

/// Lifetimes.
#[derive(clap::Args, Debug)]
pub struct SurvivalArgs {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    keep: Keep,
    /// The column of customers' ids.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// The column of how long each was seen.
    #[arg(long, value_name = "COLUMN")]
    duration: Option<String>,
    /// The column of whether it ended then (1, yes, true); else it was still there.
    #[arg(long, value_name = "COLUMN")]
    ended: Option<String>,
    /// The column of since when each is seen, where that is not from the beginning.
    #[arg(long, value_name = "COLUMN")]
    entry: Option<String>,
    /// The column of groups to compare.
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// Columns that may make it end sooner or later, between commas; "all" takes all others that serve.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    factors: Vec<String>,
    /// How factors work: on the risk (cox) or on the time (weibull).
    #[arg(long, value_enum, default_value = "cox")]
    method: Method,
    /// How those who end at the same time are counted.
    #[arg(long, value_enum, default_value = "efron")]
    ties: TiesOf,
    /// The time for which the share still there is told, in the unit of the file; the median duration unless said.
    #[arg(long, value_name = "TIME")]
    horizon: Option<f64>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Cox,
    Weibull,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum TiesOf {
    Efron,
    Breslow,
}

/// What was seen.
struct Seen {
    entries: Option<Vec<f64>>,
    times: Vec<f64>,
    ended: Vec<bool>,
    /// The columns of duration, end and entry.
    used: Vec<usize>,
}

impl Seen {
    fn lifetimes(&self) -> Lifetimes<'_> {
        Lifetimes { entries: self.entries.as_deref(), times: &self.times, ended: &self.ended }
    }
}

/// Intervals leave out so much.
const TAILS: f64 = 0.05;

/// Runs the command.
pub fn run(args: &SurvivalArgs) -> Result<()> {
    let mut data = Data::open(&args.input)?;
    if let Some(path) = &args.keep.load {
        return kept::again(args, path, &mut data);
    }
    let seen = read(args, &mut data)?;
    let horizon = horizon(args, &seen)?;
    let lifetimes = seen.lifetimes();
    let curve = KaplanMeier::fit(&lifetimes).map_err(|fault| data.fault(&fault, &[]))?;
    let mut report = Report::new("Kaplan-Meier");
    everybody(&mut report, &curve, horizon);
    groups(args, &mut data, &seen, &curve, &mut report)?;
    if args.factors.is_empty() {
        if args.keep.save.is_some() {
            bail!("only a model with --factors can be saved");
        }
        weibull(&mut report, &mut data, &seen, None)?;
        if report.rows.is_empty() {
            report.rows = rows::steps(&[("all", &curve)]);
        }
        words(&mut report, &curve, None);
        return report.show(&args.input, &data);
    }
    let mut used = seen.used.clone();
    used.extend(data.optional("customer", args.customer.as_ref())?);
    let factors = factors::choose(&mut data, "factors", &args.factors, &used)?;
    let columns = factors.columns(&data)?;
    let fitted = match args.method {
        Method::Weibull => weibull(&mut report, &mut data, &seen, Some((&factors, &columns)))?.map(Fitted::Weibull),
        Method::Cox => {
            let ties = if args.ties == TiesOf::Efron { Ties::Efron } else { Ties::Breslow };
            let cox = Cox::fit(&lifetimes, &columns, ties).map_err(|fault| factors.fault(&data, &fault))?;
            proportional(&mut report, &cox, (&factors, &columns), &lifetimes);
            Some(Fitted::Cox(Box::new(cox)))
        }
    };
    if let Some(fitted) = fitted {
        rows::told(args, &mut report, &data, &fitted, &columns, horizon)?;
        if let Some(path) = &args.keep.save {
            let kept = Kept::of(fitted, factors.clone());
            saved::save(path, "survival", &report, &data.table, &factors.names(), &kept)?;
        }
    }
    words(&mut report, &curve, Some(&factors));
    report.show(&args.input, &data)
}

fn read(args: &SurvivalArgs, data: &mut Data) -> Result<Seen> {
    let words = ["duration", "time", "tenure", "T", "week", "weeks", "days", "months"];
    let duration = data.column("duration", args.duration.as_ref(), None, &words)?;
    let words = ["ended", "event", "E", "churn", "churned", "arrest", "died", "dead", "status"];
    let ended = data.column("ended", args.ended.as_ref(), None, &words)?;
    let entry = data.optional("entry", args.entry.as_ref())?;
    let mut needs = vec![(duration, Need::NotNegative), (ended, Need::Text)];
    needs.extend(entry.map(|it| (it, Need::Number)));
    data.require(&needs)?;
    let used = [Some(duration), Some(ended), entry].into_iter().flatten().collect();
    let ended = data.yes_or_no(ended)?;
    let (times, entries) = (data.numbers(duration), entry.map(|it| data.numbers(it)));
    if let Some(entries) = &entries {
        let late: Vec<usize> = (0..times.len()).filter(|row| entries[*row] >= times[*row]).collect();
        if !late.is_empty() {
            bail!(
                "{}: {} is not before {}",
                data.lines(&late),
                entry.map_or("", |it| data.name(it)),
                data.name(duration)
            );
        }
    }
    if !ended.iter().any(|it| *it) {
        bail!("nothing has ended in any row, so nothing says when it does");
    }
    Ok(Seen { entries, times, ended, used })
}

fn horizon(args: &SurvivalArgs, seen: &Seen) -> Result<f64> {
    if let Some(horizon) = args.horizon {
        if horizon > 0.0 && horizon < 1e12 {
            return Ok(horizon);
        }
        bail!("--horizon must be a time above 0");
    }
    let mut times = seen.times.clone();
    times.sort_unstable_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// The curve of all.
fn everybody(report: &mut Report, curve: &KaplanMeier, horizon: f64) {
    let first = curve.steps.first().map_or(0, |it| it.at_risk);
    report.metric("rows", first as f64);
    report.metric("ended", curve.steps.iter().map(|it| it.ended).sum::<usize>() as f64);
    report.metric("median", curve.quantile(0.5, TAILS).value);
    report.metric("horizon", horizon);
    match curve.at(horizon, TAILS) {
        Some(found) => report.metric_between("survival_at_horizon", found),
        None => report.metric("survival_at_horizon", None),
    }
    if let Some(found) = curve.restricted_mean(horizon, TAILS) {
        report.metric_between("mean_time_within_horizon", found);
    }
    let ends: Vec<_> = curve.steps.iter().filter(|it| it.ended > 0).collect();
    let step = ends.len().div_ceil(20).max(1);
    let row = |it: &&rapport_models::survival::Step| {
        let found = curve.at(it.time, TAILS);
        let between = found.map_or_else(String::new, |it| format!("{} – {}", percent(it.low), percent(it.high)));
        vec![Cell::Number(it.time), Cell::Whole(it.at_risk as u64), Cell::Share(it.survival), Cell::text_of(between)]
    };
    let chosen: Vec<_> = ends
        .iter()
        .enumerate()
        .filter(|(at, _)| at % step == step - 1 || *at + 1 == ends.len())
        .map(|it| *it.1)
        .collect();
    let header = ["After", "At risk before", "Still there", "95 % between"];
    report.table("curve", "The share still there", &header, chosen.iter().map(row).collect());
}

fn points(curve: &KaplanMeier) -> Vec<(f64, f64)> {
    std::iter::once((0.0, 1.0)).chain(curve.steps.iter().map(|it| (it.time, it.survival))).collect()
}

/// Curves of groups, and whether they differ.
fn groups(args: &SurvivalArgs, data: &mut Data, seen: &Seen, all: &KaplanMeier, report: &mut Report) -> Result<()> {
    let Some(name) = &args.group else {
        let lines = [Line { name: "all", points: points(all), steps: true }];
        report.part("The share still there, by time", &plot::curves(&lines, (0.0, 1.0), figure, plot::share));
        return Ok(());
    };
    let place = data.named("group", name)?;
    let (codes, names) = data.codes(place);
    if names.len() > 12 {
        bail!("{name} has {} different values; at most 12 groups can be compared", names.len());
    }
    let mut curves = Vec::new();
    for (code, own) in names.iter().enumerate() {
        let rows: Vec<usize> = (0..codes.len()).filter(|row| codes[*row] as usize == code).collect();
        let pick = |values: &[f64]| rows.iter().map(|row| values[*row]).collect::<Vec<f64>>();
        let (times, entries) = (pick(&seen.times), seen.entries.as_deref().map(pick));
        let ended: Vec<bool> = rows.iter().map(|row| seen.ended[*row]).collect();
        let lifetimes = Lifetimes { entries: entries.as_deref(), times: &times, ended: &ended };
        let label = if own.is_empty() { "(blank)".to_owned() } else { own.clone() };
        match KaplanMeier::fit(&lifetimes) {
            Ok(curve) => curves.push((label, curve, rows.len(), ended.iter().filter(|it| **it).count())),
            Err(fault) => data.notes.push(format!("No curve of {name} = {label}: {fault}")),
        }
    }
    let row = |(label, curve, rows, ended): &(String, KaplanMeier, usize, usize)| {
        let median = curve.quantile(0.5, TAILS);
        let end = |it: Option<f64>| it.map_or_else(|| "not reached".to_owned(), figure);
        vec![
            Cell::text_of(label),
            Cell::Whole(*rows as u64),
            Cell::Whole(*ended as u64),
            Cell::maybe(median.value),
            Cell::text_of(format!("{} – {}", end(median.low), end(median.high))),
        ]
    };
    report.table(
        "groups",
        "Groups",
        &["Group", "Rows", "Ended", "Median", "95 % between"],
        curves.iter().map(row).collect(),
    );
    report.rows = rows::steps(&curves.iter().map(|it| (it.0.as_str(), &it.1)).collect::<Vec<_>>());
    let lines: Vec<Line> = curves.iter().map(|it| Line { name: &it.0, points: points(&it.1), steps: true }).collect();
    report.part("The share still there, by time", &plot::curves(&lines, (0.0, 1.0), figure, plot::share));
    let codes: Vec<usize> = codes.iter().map(|it| *it as usize).collect();
    match log_rank(&seen.lifetimes(), &codes, Weighting::LogRank) {
        Ok(test) => tested(report, "log_rank", &test),
        Err(fault) => data.notes.push(format!("Groups are not tested: {fault}")),
    }
    Ok(())
}

fn tested(report: &mut Report, name: &str, test: &Test) {
    report.metric(&format!("{name}_statistic"), test.statistic);
    report.metric(&format!("{name}_p"), test.p);
}

/// Factors on the risk.
fn proportional(
    report: &mut Report,
    cox: &Cox,
    (factors, columns): (&Factors, &[Vec<f64>]),
    lifetimes: &Lifetimes<'_>,
) {
    "Cox's proportional hazards".clone_into(&mut report.model);
    report.log_likelihood = Some(cox.log_likelihood);
    report.metric("aic", cox.aic());
    tested(report, "likelihood_ratio", &cox.likelihood_ratio_test());
    if let Ok(found) = cox.concordance(lifetimes, columns) {
        report.metric("concordance", found.index());
    }
    let names = factors.labels();
    let summary = cox.summary(TAILS);
    let drift = cox.proportional_hazards(lifetimes, columns, Transform::default()).ok();
    let mut rows = Vec::new();
    for (at, (name, own)) in names.iter().zip(&summary).enumerate() {
        report.parameter(name, own.coefficient);
        rows.push(vec![
            Cell::text_of(name),
            Cell::Number(own.hazard_ratio.value),
            Cell::text_of(format!("{} – {}", figure(own.hazard_ratio.low), figure(own.hazard_ratio.high))),
            Cell::Number(own.p),
            Cell::maybe(drift.as_ref().map(|it| it.0[at].p)),
        ]);
    }
    let header = ["Factor", "Times the risk", "95 % between", "By chance", "Drifts with time"];
    report.table("factors", "What one unit more does to the risk", &header, rows);
}

/// Factors on the time, or the shape of the time alone.
fn weibull(
    report: &mut Report,
    data: &mut Data,
    seen: &Seen,
    with: Option<(&Factors, &[Vec<f64>])>,
) -> Result<Option<Weibull>> {
    let empty: &[Vec<f64>] = &[];
    let fitted = Weibull::fit(&seen.lifetimes(), with.map_or(empty, |it| it.1));
    let fit = match (fitted, with) {
        (Ok(fit), _) => fit,
        (Err(fault), Some((factors, _))) => return Err(factors.fault(data, &fault)),
        (Err(fault), None) => {
            data.notes.push(format!("No Weibull distribution: {}", data.fault(&fault, &[])));
            return Ok(None);
        }
    };
    report.log_likelihood = Some(fit.log_likelihood);
    report.metric("aic", fit.aic());
    match with {
        None => {
            "Kaplan-Meier with Weibull".clone_into(&mut report.model);
            if let Some(scale) = fit.scale(&[], TAILS) {
                report.parameter("scale", scale);
            }
        }
        Some((factors, _)) => {
            accelerated(report, &fit, factors);
        }
    }
    report.parameter("shape", fit.shape(TAILS));
    Ok(Some(fit))
}

/// What a unit of each factor adds to the logarithm of the time.
fn accelerated(report: &mut Report, fit: &Weibull, factors: &Factors) {
    "Weibull's accelerated failure time".clone_into(&mut report.model);
    let names = std::iter::once("intercept".to_owned()).chain(factors.labels());
    names.zip(fit.summary(TAILS)).for_each(|(name, it)| report.parameter(&name, it));
}

fn words(report: &mut Report, curve: &KaplanMeier, factors: Option<&Factors>) {
    let ended: usize = curve.steps.iter().map(|it| it.ended).sum();
    report.sure = match factors {
        Some(factors) => format!(
            "{ended} ends tell {} factors apart; intervals are of 95 %, and a small number under \"drifts with time\" says that one factor for all times is too simple.",
            factors.labels().len()
        ),
        None => format!("{ended} ends were seen; the intervals of the curve are of 95 %, each time by itself."),
    };
    report.cannot = format!(
        "anything beyond {}, the longest time that was seen; what would happen if a factor were changed; and it takes for granted that who was seen no longer is like who was ({}).",
        figure(curve.last()),
        wording::CENSORED
    );
}
