//! What is expected of each customer who buys until they silently leave, and how it is shown.

use std::collections::HashMap;

use anyhow::Result;
use rapport_imports::written::Column;
use rapport_models::Estimate;
use rapport_models::buying::{Fit, GammaGamma, Learnt, Likelihood, Person, Simple, Spending, Summary, Value};

use super::between::{self, Amounts, Ends};
use super::kept::{Kept, name};
use super::learnt::{self, Fitted};
use super::purchases::{self, Known};
use super::{ClvArgs, saved};
use crate::cli::models::input::Data;
use crate::cli::models::report::{Cell, Report, figure, percent};
use crate::cli::models::{plot, wording};

/// Steps of the horizon after each of which is discounted; fewer of a model whose outlook takes milliseconds.
const STEPS: u32 = 12;
const FEW_STEPS: u32 = 4;

/// Runs the command on purchases, or on what was made of them.
pub fn run(args: &ClvArgs, data: Data, kept: Option<Kept>) -> Result<()> {
    let mut known = purchases::read(args, data, kept.as_ref())?;
    let horizon = args.horizon / known.unit;
    let rows = Summary::spending(&known.summaries);
    let (fitted, spending, tried) = match &kept {
        Some(kept) => {
            let fitted = kept.learnt(&known).map_err(|fault| known.fault(&fault))?;
            (fitted, if known.amounts { kept.amounts(&rows) } else { None }, Vec::new())
        }
        None => {
            let (way, tried) = learnt::chosen(args, &mut known)?;
            let fitted = learnt::fit(way, &mut known, horizon).map_err(|fault| known.fault(&fault))?;
            let unpaid = known.summaries.iter().filter(|it| it.history.frequency > 0 && it.again <= 0.0).count();
            let spending = if known.amounts { spending(&mut known.data, &rows, unpaid) } else { None };
            (fitted, spending, tried)
        }
    };
    let report = report(args, &mut known, &fitted, spending.as_ref(), (horizon, tried));
    if let Some(path) = &args.keep.save {
        let scales = match &fitted.learnt {
            Learnt::ParetoNbdBy(it) => Some(it.scales.clone()),
            Learnt::MbgNbdBy(it) => Some(it.scales.clone()),
            Learnt::BgNbdBy(it) => Some(it.scales.clone()),
            _ => None,
        };
        let kept = Kept {
            kind: name(fitted.way).to_owned(),
            parameters: fitted.estimates.iter().map(|it| it.1.value).collect(),
            covariance: fitted.covariance.clone(),
            spending: spending.as_ref().map(|it| it.model.parameters()),
            spending_covariance: spending.as_ref().map_or_else(Vec::new, |it| it.covariance.clone()),
            covariates: known.described.as_ref().map(|it| it.factors.clone()).zip(scales),
            period: None,
        };
        saved::save(path, "clv", &report, &known.data.table, &known.columns, &kept)?;
    }
    report.show(&args.input, &known.data)
}

/// The model of amounts, if there are amounts that one can be fitted to.
pub fn spending(data: &mut Data, rows: &[Spending], unpaid: usize) -> Option<Fit<GammaGamma>> {
    if unpaid > 0 {
        data.notes.push(format!(
            "{unpaid} customers paid nothing in the mean after their first purchase; amounts are learnt without them."
        ));
    }
    match GammaGamma::fit(rows) {
        Ok(fit) => {
            let together = Spending::correlation(rows).filter(|it| it.abs() > 0.3);
            if let Some(together) = together {
                data.notes.push(format!(
                    "Who buys more often also spends {} a purchase (correlation {together:.2}): values are too {} for frequent buyers.",
                    if together > 0.0 { "more" } else { "less" },
                    if together > 0.0 { "low" } else { "high" }
                ));
            }
            Some(fit)
        }
        Err(fault) => {
            data.notes.push(format!("No values: amounts cannot be modelled. {fault}"));
            None
        }
    }
}

/// Says parameters and measures of amounts; a name that the model of buying has already says whose it is.
pub fn amounts(report: &mut Report, spending: Option<&Fit<GammaGamma>>, taken: &[&str]) {
    let Some(spending) = spending else { return };
    for (name, it) in GammaGamma::NAMES.iter().zip(&spending.estimates) {
        let own = if taken.contains(name) { format!("spending:{name}") } else { (*name).to_owned() };
        parameter(report, &own, it);
    }
    report.metric("gamma_gamma_log_likelihood", spending.log_likelihood);
    report.metric("mean_spend_a_purchase", spending.model.mean());
}

/// Says a parameter, with how sure it is where that is known.
pub fn parameter(report: &mut Report, name: &str, it: &Estimate) {
    match it.standard_error {
        Some(_) => report.parameter(name, *it),
        None => report.plain_parameter(name, it.value),
    }
}

/// How sure it is where nothing says how sure parameters are.
pub const EXACT: &str = "the parameters are taken as they are; their own uncertainty is not in the figures.";

/// What must not be read into any of it.
pub const CANNOT: &str = "why somebody stays or leaves, what a campaign would change, or what happens when prices, seasons or the shop change. Who never came \
    back may have left unseen: P(alive) is a probability, not a fact.";

fn report(
    args: &ClvArgs,
    known: &mut Known,
    fitted: &Fitted,
    spending: Option<&Fit<GammaGamma>>,
    (horizon, tried): (f64, Vec<Vec<Cell>>),
) -> Report {
    let kind = name(fitted.way);
    let mut report = Report::new(kind);
    if spending.is_some() {
        report.model = format!("{kind} with Gamma-Gamma");
    }
    report.log_likelihood = Some(fitted.log_likelihood);
    fitted.estimates.iter().for_each(|(name, it)| parameter(&mut report, name, it));
    let taken: Vec<&str> = fitted.estimates.iter().map(|it| it.0.as_str()).collect();
    amounts(&mut report, spending, &taken);
    if fitted.aic.is_some() {
        report.metric("aic", fitted.aic);
    }
    let values = values(args, known, fitted, spending, horizon);
    totals(&mut report, known, fitted, &values);
    judged(&mut report, known, fitted, spending);
    if !tried.is_empty() {
        let header = ["Model", "Log score", "Mean absolute error", "Root mean square", "Bias"];
        let title = "Told of the last third of the time by models that knew the first two";
        report.table("compared", title, &header, tried);
    }
    pictures(&mut report, known, &values);
    if args.input.out.is_some() {
        rows(&mut report, known, fitted, spending, (&values, horizon));
    }
    // That one knows.
    if !matches!(fitted.learnt, Learnt::ParetoGgg(_)) {
        known.regularity();
    }
    report.sure = match fitted.total {
        Some(total) => format!(
            "with 95 % the purchases expected of all within {} are {} to {}, as far as parameters go; a single customer varies far more.",
            wording::time(args.horizon),
            figure(total.low.round()),
            figure(total.high.round())
        ),
        None => EXACT.to_owned(),
    };
    if known.described.is_some() && report.model.contains("covariates") {
        report.sure += " A covariate's factor is that of a standard deviation above the mean: buying of the rate to buy, leaving of the rate, or the odds, to leave.";
    }
    report.cannot = CANNOT.to_owned();
    report
}

/// What is told of each customer; by a slow model, of those who did the same, once.
fn each<T: Clone>(known: &Known, learnt: &Learnt, of: impl Fn(&Person<'_>) -> T) -> Vec<T> {
    let facts = known.facts();
    let mut told: HashMap<[u64; 4], T> = HashMap::new();
    let mut one = |at: usize| {
        let person = facts.person(at);
        if !matches!(learnt, Learnt::ParetoGgg(_)) {
            return of(&person);
        }
        let it = &person.history;
        let key = [u64::from(it.frequency), it.recency.to_bits(), it.age.to_bits(), person.logs.to_bits()];
        told.entry(key).or_insert_with(|| of(&person)).clone()
    };
    (0..known.customers.len()).map(&mut one).collect()
}

/// What is expected of each customer.
fn values(
    args: &ClvArgs,
    known: &Known,
    fitted: &Fitted,
    spending: Option<&Fit<GammaGamma>>,
    horizon: f64,
) -> Vec<Value> {
    let learnt = &fitted.learnt;
    let steps = if matches!(learnt, Learnt::ParetoGgg(_)) { FEW_STEPS } else { STEPS };
    let period = horizon / f64::from(steps);
    let discount = (1.0 + args.discount).powf(args.horizon / 365.25 / f64::from(steps)) - 1.0;
    let told = each(known, learnt, |person| {
        let purchases = learnt.expected(person, horizon);
        // Without amounts nothing is discounted.
        let discounted = spending.map_or(0.0, |_| learnt.discounted(person, period, steps, discount));
        (learnt.alive(person), purchases, discounted)
    });
    let one = |(summary, (alive, purchases, discounted)): (&Summary, (f64, f64, f64))| {
        let spend = spending.and_then(|it| it.model.expected(f64::from(summary.history.frequency), summary.again));
        Value { alive, purchases, spend, value: spend.map(|it| it * discounted * args.margin) }
    };
    known.summaries.iter().zip(told).map(one).collect()
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
    let told = each(known, &fitted.learnt, |person| fitted.learnt.expected(person, later.length));
    held_out(report, &told, &later.counts);
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

/// What was told of each customer beside what came.
pub fn held_out(report: &mut Report, told: &[f64], counts: &[u32]) {
    let n = told.len() as f64;
    let came: f64 = counts.iter().map(|it| f64::from(*it)).sum();
    let errors: Vec<f64> = told.iter().zip(counts).map(|(told, came)| told - f64::from(*came)).collect();
    report.metric("held_out_purchases", came);
    report.metric("held_out_purchases_told", told.iter().sum::<f64>());
    report.metric("held_out_mae", errors.iter().map(|it| it.abs()).sum::<f64>() / n);
    report.metric("held_out_rmse", (errors.iter().map(|it| it * it).sum::<f64>() / n).sqrt());
    report.metric("held_out_bias", Some(errors.iter().sum::<f64>() / came).filter(|_| came > 0.0));
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

/// A row a customer, with the ends of what is told of them.
fn rows(
    report: &mut Report,
    known: &Known,
    fitted: &Fitted,
    spending: Option<&Fit<GammaGamma>>,
    (values, horizon): (&[Value], f64),
) {
    let of = |pick: fn(&Value) -> f64| values.iter().map(pick).collect::<Vec<f64>>();
    let history = |pick: fn(&Summary) -> f64| known.summaries.iter().map(pick).collect::<Vec<f64>>();
    let told = each(known, &fitted.learnt, |person| {
        let sure = fitted.nearby.as_ref().and_then(|it| it.variance(|it| it.expected(person, horizon)));
        let expected = fitted.learnt.expected(person, horizon);
        (sure, between::counts(expected, |most| fitted.learnt.probabilities(person, horizon, most)))
    });
    let amounts = Amounts::of(spending);
    let (mut expected, mut worth, mut counts) = (Ends::default(), Ends::default(), Ends::default());
    for ((summary, value), (sure, count)) in known.summaries.iter().zip(values).zip(told) {
        expected.push(between::around(value.purchases, sure));
        // How much of it is discounted away hardly depends on the parameters.
        let spends = amounts.variance(f64::from(summary.history.frequency), summary.again);
        worth.push(between::around(value.value.unwrap_or(f64::NAN), between::both(sure, spends)));
        counts.push(count);
    }
    report.rows = vec![
        Column::texts("customer", known.customers.clone()),
        Column::numbers("frequency", history(|it| f64::from(it.history.frequency))),
        Column::numbers("recency", history(|it| it.history.recency)),
        Column::numbers("age", history(|it| it.history.age)),
        Column::numbers("p_alive", of(|it| it.alive)),
        Column::numbers("expected_purchases", of(|it| it.purchases)),
    ];
    report.rows.extend(expected.columns("expected_purchases"));
    report.rows.extend(counts.columns("purchases"));
    report.rows.push(Column::numbers("expected_spend", of(|it| it.spend.unwrap_or(f64::NAN))));
    report.rows.push(Column::numbers("value", of(|it| it.value.unwrap_or(f64::NAN))));
    report.rows.extend(worth.columns("value"));
}
