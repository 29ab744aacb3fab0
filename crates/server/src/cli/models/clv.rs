//! `rapport models clv`: who is still there, how often they will buy, and what that is worth.

mod purchases;

use anyhow::{Result, bail};
use rapport_models::buying::{
    BgNbd, Buying, Choice, Fit, GammaGamma, Group, Histories, Horizon, Kind, Likelihood, MbgNbd, Model, ParetoNbd,
    Simple, Spending, Summary, Value,
};
use rapport_models::{Estimate, Interval};
use serde::{Deserialize, Serialize};

use super::input::{Input, span};
use super::report::{Cell, Report, figure, percent};
use super::saved::{self, Keep};
use super::{plot, wording};
use purchases::Known;

/// Customers' value.
#[derive(clap::Args, Debug)]
pub struct ClvArgs {
    #[command(flatten)]
    pub(super) input: Input,
    #[command(flatten)]
    keep: Keep,
    /// The column of customers' ids.
    #[arg(long, value_name = "COLUMN")]
    customer: Option<String>,
    /// The column of days of purchases.
    #[arg(long, value_name = "COLUMN", conflicts_with = "frequency")]
    date: Option<String>,
    /// The column of amounts; with --frequency, of the mean amount of purchases after the first.
    #[arg(long, value_name = "COLUMN")]
    amount: Option<String>,
    /// A row a customer instead of a row a purchase: the column of how often they bought again.
    #[arg(long, value_name = "COLUMN", requires_all = ["recency", "age"])]
    frequency: Option<String>,
    /// With --frequency: when they bought last, from their first purchase on.
    #[arg(long, value_name = "COLUMN")]
    recency: Option<String>,
    /// With --frequency: how long they are known, from their first purchase on.
    #[arg(long, value_name = "COLUMN")]
    age: Option<String>,
    /// The last day that is learnt from; what comes after it is used to judge the forecast.
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// How far to look ahead: 90d, 52w, 1y.
    #[arg(long, value_name = "TIME", default_value = "52w", value_parser = span)]
    horizon: f64,
    /// Which model; auto takes the one that foretold the last third of the time best.
    #[arg(long, value_enum, default_value = "auto")]
    method: Method,
    /// What a year's waiting costs: 0.1 is 10 %.
    #[arg(long, default_value_t = 0.1)]
    discount: f64,
    /// The part of an amount that is earned.
    #[arg(long, default_value_t = 1.0)]
    margin: f64,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq)]
enum Method {
    Auto,
    ParetoNbd,
    BgNbd,
    MbgNbd,
}

/// The model as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    kind: String,
    parameters: Vec<f64>,
    spending: Option<Vec<f64>>,
}

/// A model with what is said of its fit.
struct Fitted {
    model: Model,
    estimates: Vec<(&'static str, Estimate)>,
    log_likelihood: f64,
    aic: Option<f64>,
    /// Between which totals of purchases within the horizon the data leave it.
    total: Option<Interval>,
}

/// Steps of the horizon after each of which is discounted.
const STEPS: u32 = 12;

/// Runs the command.
pub fn run(args: &ClvArgs) -> Result<()> {
    if !((0.0..=10.0).contains(&args.discount) && args.margin > 0.0 && args.margin <= 1.0) {
        bail!("--discount must be between 0 and 10, and --margin above 0 and at most 1");
    }
    let mut known = purchases::read(args)?;
    let histories = Summary::histories(&known.summaries).map_err(|fault| known.fault(&fault))?;
    let horizon = args.horizon / known.unit;
    let (fitted, spending) = match &args.keep.load {
        Some(path) => loaded(path, &mut known, &histories)?,
        None => {
            let kind = chosen(args, &mut known)?;
            let fitted = fit(kind, &histories, horizon).map_err(|fault| known.fault(&fault))?;
            let spending = spending(&mut known);
            (fitted, spending)
        }
    };
    let report = report(args, &mut known, &fitted, spending.as_ref(), horizon);
    if let Some(path) = &args.keep.save {
        let kept = Kept {
            kind: name(kind_of(&fitted.model)).to_owned(),
            parameters: fitted.estimates.iter().map(|it| it.1.value).collect(),
            spending: spending.as_ref().map(|it| it.model.parameters()),
        };
        saved::save(path, "clv", &report, &known.data.table, &known.columns, &kept)?;
    }
    report.show(&args.input, &known.data)
}

/// Which model to fit: the one asked for, or the one that tells the last third of the time best.
fn chosen(args: &ClvArgs, known: &mut Known) -> Result<Kind> {
    match args.method {
        Method::ParetoNbd => return Ok(Kind::ParetoNbd),
        Method::BgNbd => return Ok(Kind::BgNbd),
        Method::MbgNbd => return Ok(Kind::MbgNbd),
        Method::Auto => {}
    }
    let Some((earlier, later, weeks)) = known.split()? else {
        known.data.notes.push("Pareto/NBD is taken: without single purchases models cannot be compared.".to_owned());
        return Ok(Kind::ParetoNbd);
    };
    let choice = match Choice::between(&earlier, &later, weeks) {
        Ok(choice) => choice,
        Err(fault) => {
            known
                .data
                .notes
                .push(format!("Pareto/NBD is taken: models cannot be compared on the last third ({fault})"));
            return Ok(Kind::ParetoNbd);
        }
    };
    let row = |it: &rapport_models::buying::Candidate| match &it.outcome {
        Ok((_, score)) => vec![
            Cell::text_of(name(it.kind)),
            Cell::Number(score.log_score),
            Cell::Number(score.mean_absolute),
            Cell::Number(score.root_mean_square),
            Cell::Share(score.bias),
        ],
        Err(fault) => {
            vec![Cell::text_of(format!("{}: {fault}", name(it.kind))), Cell::None, Cell::None, Cell::None, Cell::None]
        }
    };
    known.tried = choice.candidates.iter().map(row).collect();
    Ok(choice.kind())
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::BgNbd => "BG/NBD",
        Kind::MbgNbd => "MBG/NBD",
        Kind::ParetoNbd => "Pareto/NBD",
    }
}

fn kind_of(model: &Model) -> Kind {
    match model {
        Model::BgNbd(_) => Kind::BgNbd,
        Model::MbgNbd(_) => Kind::MbgNbd,
        Model::ParetoNbd(_) => Kind::ParetoNbd,
    }
}

fn fit(kind: Kind, histories: &Histories, horizon: f64) -> Result<Fitted, rapport_models::Fault> {
    Ok(match kind {
        Kind::BgNbd => of(&BgNbd::fit(histories)?, Model::BgNbd, histories, horizon),
        Kind::MbgNbd => of(&MbgNbd::fit(histories)?, Model::MbgNbd, histories, horizon),
        Kind::ParetoNbd => of(&ParetoNbd::fit(histories)?, Model::ParetoNbd, histories, horizon),
    })
}

fn of<M: Likelihood<Row = Group> + Buying>(
    fit: &Fit<M>,
    model: impl Fn(M) -> Model,
    histories: &Histories,
    horizon: f64,
) -> Fitted {
    /// More groups are taken at even distances; the interval is that of the parameters, which all of them share.
    const GROUPS: usize = 2_000;
    let groups = histories.groups();
    let step = groups.len().div_ceil(GROUPS);
    let taken: Vec<&Group> = groups.iter().step_by(step).collect();
    let weight: f64 = taken.iter().map(|it| it.weight).sum();
    let total = |model: &M| {
        let sum: f64 = taken.iter().map(|it| it.weight * model.expected(&purchases::history(it), horizon)).sum();
        sum * histories.customers() as f64 / weight
    };
    let posterior = fit.posterior(groups, 200, 7);
    let total = posterior.filter(|it| it.worth >= 20.0).map(|it| it.interval(total));
    Fitted {
        model: model(fit.model.clone()),
        estimates: M::NAMES.iter().copied().zip(fit.estimates.iter().copied()).collect(),
        log_likelihood: fit.log_likelihood,
        aic: Some(fit.aic()),
        total,
    }
}

/// The model of amounts, if there are amounts that one can be fitted to.
fn spending(known: &mut Known) -> Option<Fit<GammaGamma>> {
    if !known.amounts {
        return None;
    }
    let rows = Summary::spending(&known.summaries);
    let unpaid = known.summaries.iter().filter(|it| it.history.frequency > 0 && it.again <= 0.0).count();
    if unpaid > 0 {
        known.data.notes.push(format!(
            "{unpaid} customers paid nothing in the mean after their first purchase; amounts are learnt without them."
        ));
    }
    match GammaGamma::fit(&rows) {
        Ok(fit) => {
            let together = Spending::correlation(&rows).filter(|it| it.abs() > 0.3);
            if let Some(together) = together {
                known.data.notes.push(format!(
                    "Who buys more often also spends {} a purchase (correlation {together:.2}): values are too {} for frequent buyers.",
                    if together > 0.0 { "more" } else { "less" },
                    if together > 0.0 { "low" } else { "high" }
                ));
            }
            Some(fit)
        }
        Err(fault) => {
            known.data.notes.push(format!("No values: amounts cannot be modelled. {fault}"));
            None
        }
    }
}

/// A model out of a file, with how likely these data are by it.
fn loaded(
    path: &std::path::Path,
    known: &mut Known,
    histories: &Histories,
) -> Result<(Fitted, Option<Fit<GammaGamma>>)> {
    let kept: Kept = saved::load(path, "clv", &mut known.data)?;
    let sound = |it: &[f64], need: usize| it.len() == need && it.iter().all(|it| it.is_finite() && *it > 0.0);
    if !sound(&kept.parameters, 4) || kept.spending.as_ref().is_some_and(|it| !sound(it, 3)) {
        bail!("{} holds parameters that no model has; fit it again", path.display());
    }
    fn taken<M: Likelihood<Row = Group> + Copy>(
        values: &[f64],
        groups: &[Group],
    ) -> (M, f64, Vec<(&'static str, Estimate)>) {
        let model = M::with(values);
        let likelihood = model.log_likelihood(groups, &mut [0.0; 4]);
        let exact = |value: &f64| Estimate { value: *value, standard_error: None, low: *value, high: *value };
        (model, likelihood, M::NAMES.iter().copied().zip(values.iter().map(exact)).collect())
    }
    let groups = histories.groups();
    let (model, log_likelihood, estimates) = match kept.kind.as_str() {
        "BG/NBD" => {
            let (model, likelihood, estimates) = taken::<BgNbd>(&kept.parameters, groups);
            (Model::BgNbd(model), likelihood, estimates)
        }
        "MBG/NBD" => {
            let (model, likelihood, estimates) = taken::<MbgNbd>(&kept.parameters, groups);
            (Model::MbgNbd(model), likelihood, estimates)
        }
        _ => {
            let (model, likelihood, estimates) = taken::<ParetoNbd>(&kept.parameters, groups);
            (Model::ParetoNbd(model), likelihood, estimates)
        }
    };
    let spending = kept.spending.filter(|_| known.amounts).map(|it| {
        let model = GammaGamma::with(&it);
        let exact = |value: &f64| Estimate { value: *value, standard_error: None, low: *value, high: *value };
        let rows = Summary::spending(&known.summaries);
        let log_likelihood = model.log_likelihood(&rows, &mut [0.0; 3]);
        Fit {
            model,
            log_likelihood,
            estimates: it.iter().map(exact).collect(),
            covariance: Vec::new(),
            customers: rows.len() as f64,
            evaluations: 0,
        }
    });
    Ok((Fitted { model, estimates, log_likelihood, aic: None, total: None }, spending))
}

fn report(
    args: &ClvArgs,
    known: &mut Known,
    fitted: &Fitted,
    spending: Option<&Fit<GammaGamma>>,
    horizon: f64,
) -> Report {
    let kind = name(kind_of(&fitted.model));
    let mut report = Report::new(if spending.is_some() { "clv" } else { kind });
    report.model = if spending.is_some() { format!("{kind} with Gamma-Gamma") } else { kind.to_owned() };
    report.log_likelihood = Some(fitted.log_likelihood);
    let mut parameter = |name: &str, it: &Estimate| match it.standard_error {
        Some(_) => report.parameter(name, *it),
        None => report.plain_parameter(name, it.value),
    };
    fitted.estimates.iter().for_each(|(name, it)| parameter(name, it));
    if let Some(spending) = spending {
        GammaGamma::NAMES.iter().zip(&spending.estimates).for_each(|(name, it)| parameter(name, it));
        report.metric("gamma_gamma_log_likelihood", spending.log_likelihood);
        report.metric("mean_spend_a_purchase", spending.model.mean());
    }
    if fitted.aic.is_some() {
        report.metric("aic", fitted.aic);
    }
    let values = values(args, known, fitted, spending, horizon);
    totals(&mut report, known, fitted, &values);
    judged(&mut report, known, fitted, spending);
    if !known.tried.is_empty() {
        let header = ["Model", "Log score", "Mean absolute error", "Root mean square", "Bias"];
        let tried = std::mem::take(&mut known.tried);
        report.table(
            "compared",
            "Told of the last third of the time by models that knew the first two",
            &header,
            tried,
        );
    }
    pictures(&mut report, known, &values);
    rows(&mut report, known, &values);
    known.regularity();
    report.sure = match fitted.total {
        Some(total) => format!(
            "with 95 % the purchases expected of all within {} are {} to {}, as far as parameters go; a single customer varies far more.",
            wording::time(args.horizon),
            figure(total.low.round()),
            figure(total.high.round())
        ),
        None => "the parameters are taken as they are; their own uncertainty is not in the figures.".to_owned(),
    };
    report.cannot = "why somebody stays or leaves, what a campaign would change, or what happens when prices, seasons or the shop change. Who never came \
        back may have left unseen: P(alive) is a probability, not a fact."
        .to_owned();
    report
}

/// What is expected of each customer.
fn values(
    args: &ClvArgs,
    known: &Known,
    fitted: &Fitted,
    spending: Option<&Fit<GammaGamma>>,
    horizon: f64,
) -> Vec<Value> {
    let period = horizon / f64::from(STEPS);
    let discount = (1.0 + args.discount).powf(args.horizon / 365.25 / f64::from(STEPS)) - 1.0;
    let horizon_of = Horizon { period, periods: STEPS, discount, margin: args.margin };
    let one = |summary: &Summary| match spending {
        Some(spending) => Value::of(&fitted.model, &spending.model, summary, &horizon_of),
        None => Value {
            alive: fitted.model.alive(&summary.history),
            purchases: fitted.model.expected(&summary.history, horizon),
            spend: None,
            value: None,
        },
    };
    known.summaries.iter().map(one).collect()
}

fn totals(report: &mut Report, known: &Known, fitted: &Fitted, values: &[Value]) {
    let n = values.len() as f64;
    report.metric("customers", n);
    let again = known.summaries.iter().filter(|it| it.history.frequency > 0).count();
    report.metric("customers_who_bought_again", again as f64);
    report.metric(
        "purchases_after_the_first",
        known.summaries.iter().map(|it| f64::from(it.history.frequency)).sum::<f64>(),
    );
    report.metric("mean_p_alive", values.iter().map(|it| it.alive).sum::<f64>() / n);
    let purchases = values.iter().map(|it| it.purchases).sum();
    match fitted.total {
        Some(between) => report.metric_between("expected_purchases", Estimate::between(purchases, between)),
        None => report.metric("expected_purchases", purchases),
    }
    if values.iter().any(|it| it.value.is_some()) {
        report.metric("expected_value", values.iter().filter_map(|it| it.value).sum::<f64>());
    }
    if known.amounts
        && let Some(simple) = Simple::of(&known.summaries)
    {
        report.metric("simple_formula_value_a_customer", simple.value());
    }
}

/// How the forecast compares with what followed, if it was asked to stop before the end.
fn judged(report: &mut Report, known: &Known, fitted: &Fitted, spending: Option<&Fit<GammaGamma>>) {
    let Some(later) = &known.later else { return };
    let told: Vec<f64> = known.summaries.iter().map(|it| fitted.model.expected(&it.history, later.length)).collect();
    let n = told.len() as f64;
    let came: f64 = later.counts.iter().map(|it| f64::from(*it)).sum();
    let errors: Vec<f64> = told.iter().zip(&later.counts).map(|(told, came)| told - f64::from(*came)).collect();
    report.metric("held_out_purchases", came);
    report.metric("held_out_purchases_told", told.iter().sum::<f64>());
    report.metric("held_out_mae", errors.iter().map(|it| it.abs()).sum::<f64>() / n);
    report.metric("held_out_rmse", (errors.iter().map(|it| it * it).sum::<f64>() / n).sqrt());
    report.metric("held_out_bias", Some(errors.iter().sum::<f64>() / came).filter(|_| came > 0.0));
    let Some(spending) = spending else { return };
    let dollars: f64 = later.amounts.iter().sum();
    let worth = |(summary, told): (&Summary, &f64)| {
        told * spending.model.expected(f64::from(summary.history.frequency), summary.again).unwrap_or(0.0)
    };
    let worths: Vec<f64> = known.summaries.iter().zip(&told).map(worth).collect();
    let mut order: Vec<usize> = (0..worths.len()).collect();
    order.sort_by(|a, b| worths[*b].total_cmp(&worths[*a]));
    let top: f64 = order.iter().take(order.len().div_ceil(10)).map(|at| later.amounts[*at]).sum();
    report.metric("held_out_amount", dollars);
    report.metric("held_out_amount_told", worths.iter().sum::<f64>());
    report.metric("top_tenth_share_of_held_out_amount", Some(top / dollars).filter(|_| dollars > 0.0));
}

fn pictures(report: &mut Report, known: &Known, values: &[Value]) {
    let alive: Vec<f64> = values.iter().map(|it| it.alive).collect();
    report.part(
        "Customers by the probability that they are still there",
        &plot::distribution(&alive, 0.0, 1.0, plot::share),
    );
    let mut worth: Vec<f64> = values.iter().filter_map(|it| it.value).collect();
    if worth.is_empty() {
        return;
    }
    worth.sort_by(|a, b| b.total_cmp(a));
    let all: f64 = worth.iter().sum();
    let share = |part: usize| worth.iter().take((worth.len() * part).div_ceil(10)).sum::<f64>() / all;
    let row = |part: usize| (format!("top {} %", part * 10), share(part), percent(share(part)));
    report.part("The share of expected value that the best customers hold", &plot::bars(&[1, 2, 5, 10].map(row)));
    if known.amounts {
        report.part(
            "",
            "  The simple formula (mean amount × frequency × lifespan) gives every customer the same value and counts on people who may be long gone.\n",
        );
    }
}

fn rows(report: &mut Report, known: &mut Known, values: &[Value]) {
    use rapport_imports::written::Column;
    let of = |pick: fn(&Value) -> f64| values.iter().map(pick).collect::<Vec<f64>>();
    let history = |pick: fn(&Summary) -> f64| known.summaries.iter().map(pick).collect::<Vec<f64>>();
    report.rows = vec![
        Column::texts("customer", known.customers.clone()),
        Column::numbers("frequency", history(|it| f64::from(it.history.frequency))),
        Column::numbers("recency", history(|it| it.history.recency)),
        Column::numbers("age", history(|it| it.history.age)),
        Column::numbers("p_alive", of(|it| it.alive)),
        Column::numbers("expected_purchases", of(|it| it.purchases)),
        Column::numbers("expected_spend", of(|it| it.spend.unwrap_or(f64::NAN))),
        Column::numbers("value", of(|it| it.value.unwrap_or(f64::NAN))),
    ];
}
