//! `rapport models forecast`: what comes next, by the way that was nearest on what it had not seen.

mod calendar;
mod series;
mod shown;

use anyhow::{Result, bail};
use rapport_imports::written::Column;
use rapport_models::Fault;
use rapport_models::forecast::{Backtest, Counts, Method, Options, Outlook, Series};

use super::input::{Data, Input};
use super::report::Report;
use calendar::Unit;

/// A series.
#[derive(clap::Args, Debug)]
pub struct ForecastArgs {
    #[command(flatten)]
    input: Input,
    /// The column of times; without one the rows are steps that follow each other.
    #[arg(long, value_name = "COLUMN")]
    date: Option<String>,
    /// The column of values; with --per and without it, rows are counted.
    #[arg(long, value_name = "COLUMN")]
    value: Option<String>,
    /// Adds rows up to a value a day, week or month; a time without a row is nothing.
    #[arg(long, value_enum, requires = "date")]
    per: Option<Unit>,
    /// What a step without a row is: refused, or nothing.
    #[arg(long, value_enum, default_value = "refused", conflicts_with = "per")]
    gaps: GapsOf,
    /// How many steps ahead; unless said two weeks of days, eight weeks, twelve months, ten of others.
    #[arg(long, value_name = "STEPS")]
    horizon: Option<usize>,
    /// The steps of a season; unless said 7 of days, 12 of months, 4 of quarters, 1 of others.
    #[arg(long, value_name = "STEPS")]
    season: Option<usize>,
    /// Columns of outside factors, between commas. Rows after the last value, whose value is blank, say what they are ahead.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with = "per")]
    factors: Vec<String>,
    /// What a change of factors ahead would do, such as price=9.5,holiday=0.
    #[arg(long, value_name = "COLUMN=VALUE", value_delimiter = ',', requires = "factors")]
    what_if: Vec<String>,
    /// Which way; auto takes the one that was nearest.
    #[arg(long, value_enum, default_value = "auto")]
    method: MethodOf,
    /// From how many origins ways are tried.
    #[arg(long, default_value_t = 10)]
    origins: usize,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum GapsOf {
    Refused,
    Zero,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum MethodOf {
    Auto,
    Naive,
    Smoothing,
    Regression,
    Counts,
}

impl MethodOf {
    fn one(self) -> Option<Method> {
        match self {
            Self::Auto => None,
            Self::Naive => Some(Method::SeasonalNaive),
            Self::Smoothing => Some(Method::Smoothing),
            Self::Regression => Some(Method::Regression),
            Self::Counts => Some(Method::Counts),
        }
    }
}

/// Runs the command.
pub fn run(args: &ForecastArgs) -> Result<()> {
    if args.season.is_some_and(|it| !(1..=10_000).contains(&it)) || !(1..=1_000).contains(&args.origins) {
        bail!("--season must be from 1 to 10000, and --origins from 1 to 1000");
    }
    if args.horizon.is_some_and(|it| !(1..=10_000).contains(&it)) {
        bail!("--horizon must be from 1 to 10000 steps");
    }
    let mut data = Data::open(&args.input)?;
    let known = series::read(args, &mut data)?;
    let options = Options {
        origins: args.origins,
        seed: args.seed,
        year: known.unit.year(),
        ..Options::of(args.horizon.unwrap_or(known.unit.horizon()))
    };
    let future = known.future(options.horizon)?;
    let fault = |fault: Fault| known.fault(&data, &fault);
    let found = outlook(args, &known.series, (&known.factors, &future), &options).map_err(fault)?;
    let mut report = Report::new(&format!("forecast by {}", found.method.as_str()));
    report.metric("values", known.series.values().len() as f64);
    report.metric("season", known.series.season() as f64);
    report.metric("steps_ahead", options.horizon as f64);
    shown::model(&mut report, &known, found.method, &options).map_err(fault)?;
    shown::backtest(&mut report, &found.backtest, found.method);
    shown::picture(&mut report, &known, &found.forecasts);
    shown::changes(&mut report, &known);
    shown::steps(&mut report, &known, &found.forecasts);
    if !args.what_if.is_empty() {
        let other = known.changed(&args.what_if, &future)?;
        shown::what_if(&mut report, &known, (&future, &other), &options).map_err(fault)?;
    }
    report.rows = vec![
        Column::texts("step", (0..options.horizon).map(|it| known.label(it)).collect()),
        Column::numbers("value", found.forecasts.iter().map(|it| it.value).collect()),
        Column::numbers("low", found.forecasts.iter().map(|it| it.low).collect()),
        Column::numbers("high", found.forecasts.iter().map(|it| it.high).collect()),
    ];
    report.sure = found.backtest.to_string();
    report.cannot = "what has not happened yet: a new competitor, a second shop, a season that is another. Effects of factors are what went together, not what causes."
        .to_owned();
    report.show(&args.input, &data)
}

/// The nearest way, or the one asked for beside the naive one.
fn outlook(
    args: &ForecastArgs,
    series: &Series,
    (past, future): (&[Vec<f64>], &[Vec<f64>]),
    options: &Options,
) -> Result<Outlook, Fault> {
    let Some(method) = args.method.one() else { return Outlook::of(series, (past, future), options) };
    let forecasts = method.forecast(series, (past, future), options)?;
    let mut methods = vec![method];
    if method != Method::Smoothing {
        methods.push(Method::Smoothing);
    }
    if method != Method::Counts && Counts::fit(series).is_ok() {
        methods.push(Method::Counts);
    }
    let backtest = Backtest::run(series, past, &methods, options)?;
    Ok(Outlook { method, forecasts, backtest })
}
