//! BG/BB on a file: people who have chances to buy at fixed times, take some of them, and leave before one unseen.

use std::collections::HashMap;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_imports::written::Column;
use rapport_models::Estimate;
use rapport_models::buying::{BgBb, Chances, Fit, GammaGamma, Likelihood, Purchase, Spending};

use super::between::{self, Amounts, Ends};
use super::kept::{BG_BB, Kept, as_if_fitted};
use super::{ClvArgs, learnt, purchases, saved, shown};
use crate::cli::models::input::{Data, Need};
use crate::cli::models::plot;
use crate::cli::models::purchases::Purchases;
use crate::cli::models::report::{Cell, Report, figure};

/// The most chances that the model takes.
const MOST: f64 = 10_000.0;
/// More counts are no table, and more of them no columns of a row.
const SHOWN: u32 = 50;
const COLUMNS: u32 = 12;

/// What is known.
struct Known {
    data: Data,
    columns: Vec<String>,
    /// What customers are called, by rows.
    customers: Vec<String>,
    chances: Vec<Chances>,
    /// The mean amount of chances taken after the first purchase, where amounts are known.
    amounts: Option<Vec<f64>>,
    /// How long a chance lasts, in days, where that is known.
    period: Option<f64>,
    /// How many chances each took afterwards, and of how many.
    later: Option<(Vec<u32>, u32)>,
}

/// Runs the command.
pub fn run(args: &ClvArgs, data: Data, kept: Option<Kept>) -> Result<()> {
    let mut known = match args.period.or_else(|| kept.as_ref()?.period) {
        Some(period) if args.chances.is_none() => single(args, data, period)?,
        _ => rows(args, data)?,
    };
    let groups = grouped(&known.chances);
    let spent = spent(&known);
    let (fit, spending) = match &kept {
        Some(kept) => {
            let customers = known.chances.iter().map(|it| it.weight).sum();
            let fit = as_if_fitted::<BgBb>((&kept.parameters, &kept.covariance), &groups, customers);
            (fit, kept.amounts(&spent))
        }
        None => {
            let fit = BgBb::fit(&known.chances).map_err(|fault| known.data.fault(&fault, &[]))?;
            let spending = if known.amounts.is_some() {
                let unpaid = known.chances.iter().filter(|it| it.frequency > 0).count() - spent.len();
                shown::spending(&mut known.data, &spent, unpaid)
            } else {
                None
            };
            (fit, spending)
        }
    };
    let report = report(args, &mut known, (&fit, kept.is_none()), spending.as_ref(), &groups);
    if let Some(path) = &args.keep.save {
        let kept = Kept {
            kind: BG_BB.to_owned(),
            parameters: fit.model.parameters(),
            covariance: fit.covariance.clone(),
            spending: spending.as_ref().map(|it| it.model.parameters()),
            spending_covariance: spending.as_ref().map_or_else(Vec::new, |it| it.covariance.clone()),
            covariates: None,
            period: known.period,
        };
        saved::save(path, "clv", &report, &known.data.table, &known.columns, &kept)?;
    }
    report.show(&args.input, &known.data)
}

/// A row a customer, or of as many as it says.
fn rows(args: &ClvArgs, mut data: Data) -> Result<Known> {
    let (Some(frequency), Some(recency), Some(chances)) = (&args.frequency, &args.recency, &args.chances) else {
        bail!(
            "BG/BB of a row a customer asks for --frequency (how many chances were taken), --recency (which was the last) and --chances (how many there were)"
        );
    };
    let (frequency, recency) = (data.named("frequency", frequency)?, data.named("recency", recency)?);
    let chances = data.named("chances", chances)?;
    let customer = data.optional("customer", args.customer.as_ref())?;
    let count = data.optional("count", args.count.as_ref())?;
    let amount = data.optional("amount", args.amount.as_ref())?;
    let mut needs = [frequency, recency, chances].map(|it| (it, Need::NotNegative)).to_vec();
    needs.extend(customer.map(|it| (it, Need::Unique)));
    needs.extend(count.map(|it| (it, Need::NotNegative)));
    needs.extend(amount.map(|it| (it, Need::Number)));
    data.require(&needs)?;
    let whole = |place| data.counts(place, MOST);
    let (x, t_x, n) = (whole(frequency)?, whole(recency)?, whole(chances)?);
    let odd: Vec<usize> = (0..x.len())
        .filter(|row| x[*row] > t_x[*row] || t_x[*row] > n[*row] || (x[*row] == 0) != (t_x[*row] == 0))
        .collect();
    if !odd.is_empty() {
        bail!(
            "{}: {} chances, of which {} were taken and {} was the last, cannot be",
            data.lines(&odd),
            data.name(chances),
            data.name(frequency),
            data.name(recency)
        );
    }
    let weights = weights(&data, count)?;
    let one = |row: usize| Chances {
        frequency: x[row] as u32,
        recency: t_x[row] as u32,
        chances: n[row] as u32,
        weight: weights[row],
    };
    let columns = [Some(frequency), Some(recency), Some(chances), count, amount];
    Ok(Known {
        columns: columns.into_iter().flatten().map(|it| data.name(it).to_owned()).collect(),
        customers: data.called(customer),
        chances: (0..x.len()).map(one).collect(),
        amounts: amount.map(|it| data.numbers(it)),
        period: None,
        later: None,
        data,
    })
}

/// How many customers each row stands for: one, unless a column says so.
pub fn weights(data: &Data, count: Option<usize>) -> Result<Vec<f64>> {
    let Some(count) = count else { return Ok(vec![1.0; data.rows()]) };
    let found = data.numbers(count);
    let none: Vec<usize> = (0..found.len()).filter(|row| found[*row] <= 0.0).collect();
    if !none.is_empty() {
        bail!("{}: {} is no number of customers above 0", data.lines(&none), data.name(count));
    }
    Ok(found)
}

/// A row a purchase: each period is a chance.
fn single(args: &ClvArgs, mut data: Data, period: f64) -> Result<Known> {
    if args.frequency.is_some() {
        bail!("the model was fitted to purchases; name their columns with --customer and --date");
    }
    let bought = Purchases::read(&mut data, (args.customer.as_ref(), args.date.as_ref()), |data| {
        data.find("amount", args.amount.as_ref(), Some(Field::LineTotal), &[])
    })?;
    let (until, last) = purchases::until(args, &mut data, &bought)?;
    let start = bought.all.iter().map(|it| it.time.floor()).fold(f64::INFINITY, f64::min);
    let Purchases { all, names, columns, amounts, .. } = bought;
    let found = Chances::of(&all, period, (start, until)).map_err(|fault| data.fault(&fault, &[]))?;
    let kept: Vec<usize> = (0..found.len()).filter(|at| found[*at].is_some()).collect();
    let whole = ((until - start) / period).floor();
    data.notes.push(format!(
        "{whole:.0} whole periods of {period} days count from the first day; the one in which somebody came is no chance, and each one after it is."
    ));
    if kept.len() < names.len() {
        data.notes.push(format!("{} customers came after those and are not known yet.", names.len() - kept.len()));
    }
    let chances: Vec<Chances> = found.into_iter().flatten().collect();
    let end = start + whole * period;
    let ahead = ((last - end) / period).floor();
    let later = (last > until && ahead >= 1.0).then(|| {
        let counts = taken(&all, names.len(), period, (end, end + ahead * period));
        (kept.iter().map(|at| counts[*at].0).collect(), ahead as u32)
    });
    let means = amounts.then(|| {
        let taken = taken(&all, names.len(), period, (start, end));
        let mean = |(at, own): (&usize, &Chances)| {
            let (_, sum, first) = taken[*at];
            if own.frequency > 0 { (sum - first) / f64::from(own.frequency) } else { 0.0 }
        };
        kept.iter().zip(&chances).map(mean).collect()
    });
    Ok(Known {
        columns,
        customers: kept.iter().map(|at| names[*at].clone()).collect(),
        chances,
        amounts: means,
        period: Some(period),
        later,
        data,
    })
}

/// Of each customer in how many periods from one time to another they bought, for how much, and for how much in the first of those.
fn taken(purchases: &[Purchase], customers: usize, period: f64, (from, to): (f64, f64)) -> Vec<(u32, f64, f64)> {
    let inside = purchases.iter().filter(|it| it.time >= from && it.time < to);
    let mut sorted: Vec<(u32, i64, f64)> =
        inside.map(|it| (it.customer, ((it.time - from) / period).floor() as i64, it.amount)).collect();
    sorted.sort_unstable_by_key(|it| (it.0, it.1));
    let mut found = vec![(0, 0.0, 0.0); customers];
    for own in sorted.chunk_by(|a, b| a.0 == b.0) {
        let periods = || own.chunk_by(|a, b| a.1 == b.1);
        let sum = |it: &[(u32, i64, f64)]| it.iter().map(|it| it.2).sum::<f64>();
        let first = periods().next().map_or(0.0, sum);
        found[own[0].0 as usize] = (periods().count() as u32, sum(own), first);
    }
    found
}

/// Rows that are the same, once.
fn grouped(rows: &[Chances]) -> Vec<Chances> {
    let key = |it: &Chances| (it.chances, it.frequency, it.recency);
    let mut sorted = rows.to_vec();
    sorted.sort_unstable_by_key(key);
    let same = sorted.chunk_by(|a, b| key(a) == key(b));
    same.map(|it| Chances { weight: it.iter().map(|it| it.weight).sum(), ..it[0] }).collect()
}

/// What those spent a chance who took one and paid something.
fn spent(known: &Known) -> Vec<Spending> {
    let Some(amounts) = &known.amounts else { return Vec::new() };
    let paid = known.chances.iter().zip(amounts).filter(|(own, mean)| own.frequency > 0 && **mean > 0.0);
    paid.map(|(own, mean)| Spending { purchases: f64::from(own.frequency), mean: *mean, weight: own.weight }).collect()
}

/// What is told of one row.
struct Told {
    alive: f64,
    purchases: f64,
    residual: f64,
    spend: Option<f64>,
    value: Option<f64>,
}

fn report(
    args: &ClvArgs,
    known: &mut Known,
    (fit, fresh): (&Fit<BgBb>, bool),
    spending: Option<&Fit<GammaGamma>>,
    groups: &[Chances],
) -> Report {
    let model = &fit.model;
    let discount = match known.period {
        Some(period) => (1.0 + args.discount).powf(period / 365.25) - 1.0,
        None => {
            known.data.notes.push(format!("Waiting for a chance costs {} % (--discount).", args.discount * 100.0));
            args.discount
        }
    };
    let mut report = Report::new(BG_BB);
    if spending.is_some() {
        report.model = format!("{BG_BB} with Gamma-Gamma");
    }
    report.log_likelihood = Some(fit.log_likelihood);
    BgBb::NAMES.iter().zip(&fit.estimates).for_each(|(name, it)| shown::parameter(&mut report, name, it));
    shown::amounts(&mut report, spending, BgBb::NAMES);
    let told = |at: usize| {
        let row = &known.chances[at];
        let (mut before, mut discounted) = (0.0, 0.0);
        for n in 1..=args.ahead {
            let until = model.expected(row, n);
            discounted += (until - before) / (1.0 + discount).powi(n as i32);
            before = until;
        }
        let mean = known.amounts.as_ref().map_or(0.0, |it| it[at]);
        let spend = spending.and_then(|it| it.model.expected(f64::from(row.frequency), mean));
        let value = spend.map(|it| it * discounted * args.margin);
        Told { alive: model.alive(row), purchases: before, residual: model.residual(row, discount), spend, value }
    };
    let told: Vec<Told> = (0..known.chances.len()).map(told).collect();
    if fresh {
        report.metric("aic", fit.aic());
    }
    let sum =
        |of: &dyn Fn(&Told) -> f64| told.iter().zip(&known.chances).map(|(it, own)| own.weight * of(it)).sum::<f64>();
    let customers: f64 = known.chances.iter().map(|it| it.weight).sum();
    let all = |of: fn(&Chances) -> u32| known.chances.iter().map(|it| it.weight * f64::from(of(it))).sum::<f64>();
    report.metric("customers", customers);
    report.metric("chances", all(|it| it.chances));
    report.metric("chances_taken", all(|it| it.frequency));
    report.metric("mean_p_alive", sum(&|it| it.alive) / customers);
    let ahead = |model: &BgBb| groups.iter().map(|it| it.weight * model.expected(it, args.ahead)).sum::<f64>();
    let drawn = if fresh { learnt::drawn(fit, groups, learnt::DRAWS) } else { None };
    let total = drawn.map(|it| it.interval(ahead));
    match total {
        Some(between) => {
            report.metric_between("expected_purchases", Estimate::between(sum(&|it| it.purchases), between));
        }
        None => report.metric("expected_purchases", sum(&|it| it.purchases)),
    }
    report.metric("expected_purchases_for_ever_discounted", sum(&|it| it.residual));
    if told.iter().any(|it| it.value.is_some()) {
        report.metric("expected_value", sum(&|it| it.value.unwrap_or(0.0)));
    }
    if let Some((counts, chances)) = &known.later {
        let told: Vec<f64> = known.chances.iter().map(|it| model.expected(it, *chances)).collect();
        report.metric("held_out_chances", f64::from(*chances));
        shown::held_out(&mut report, &told, counts);
    }
    spread(&mut report, model, groups);
    to_come(&mut report, (args.ahead, known.later.as_ref()), model, groups);
    let alive: Vec<f64> = told.iter().map(|it| it.alive).collect();
    let title = if customers > known.chances.len() as f64 { "Rows" } else { "Customers" };
    report.part(
        &format!("{title} by the probability that they are there for the next chance"),
        &plot::distribution(&alive, 0.0, 1.0, plot::share),
    );
    if args.input.out.is_some() {
        report.rows = written(args, known, fit, spending, &told);
    }
    report.sure = match total {
        Some(total) => format!(
            "with 95 % all customers together take {} to {} of their next {} chances in the mean, as far as parameters go.",
            figure(total.low.round()),
            figure(total.high.round()),
            args.ahead
        ),
        None => shown::EXACT.to_owned(),
    };
    report.cannot = shown::CANNOT.to_owned();
    report
}

/// How many of all customers take none, one, two … of their chances to come; of those that have come already beside how many did.
fn to_come(report: &mut Report, (ahead, later): (u32, Option<&(Vec<u32>, u32)>), model: &BgBb, groups: &[Chances]) {
    let chances = later.map_or(ahead, |it| it.1);
    if chances > SHOWN {
        return;
    }
    let mut told = vec![0.0; chances as usize + 1];
    for row in groups {
        let found = model.probabilities(row, chances);
        told.iter_mut().zip(found).for_each(|(it, chance)| *it += row.weight * chance);
    }
    let came = |taken: usize| match later {
        Some((counts, _)) => Cell::Whole(counts.iter().filter(|it| **it as usize == taken).count() as u64),
        None => Cell::None,
    };
    let row = |(taken, told): (usize, &f64)| vec![Cell::Whole(taken as u64), Cell::Number(*told), came(taken)];
    let rows = told.iter().enumerate().map(row).collect();
    let title = format!("All customers, by how many of their next {chances} chances they take");
    report.table("to_come", &title, &["Taken", "By the model", "Customers"], rows);
}

/// A row a customer, with the ends of what is told of them.
fn written(
    args: &ClvArgs,
    known: &Known,
    fit: &Fit<BgBb>,
    spending: Option<&Fit<GammaGamma>>,
    told: &[Told],
) -> Vec<Column> {
    let of = |pick: fn(&Told) -> f64| told.iter().map(pick).collect::<Vec<f64>>();
    let own = |pick: fn(&Chances) -> f64| known.chances.iter().map(pick).collect::<Vec<f64>>();
    let (near, amounts) = (fit.nearby(), Amounts::of(spending));
    let (mut expected, mut worth, mut counts) = (Ends::default(), Ends::default(), Ends::default());
    // Of more chances than a table has columns only the likely numbers are told.
    let mut each = vec![Vec::new(); if args.ahead <= COLUMNS { args.ahead as usize + 1 } else { 0 }];
    // Many did the same, and far ahead there is much to add up.
    let mut said = HashMap::new();
    for (at, (row, it)) in known.chances.iter().zip(told).enumerate() {
        let (sure, chances) = said.entry((row.frequency, row.recency, row.chances)).or_insert_with(|| {
            let sure = near.as_ref().and_then(|it| it.variance(|it| it.expected(row, args.ahead)));
            (sure, fit.model.probabilities(row, args.ahead))
        });
        expected.push(between::around(it.purchases, *sure));
        let spends = known.amounts.as_ref().and_then(|it| amounts.variance(f64::from(row.frequency), it[at]));
        worth.push(between::around(it.value.unwrap_or(f64::NAN), between::both(*sure, spends)));
        counts.push(between::counts(it.purchases, |most| chances.iter().copied().take(most + 1).collect()));
        each.iter_mut().zip(chances.iter()).for_each(|(column, chance)| column.push(*chance));
    }
    let mut rows = vec![
        Column::texts("customer", known.customers.clone()),
        Column::numbers("customers", own(|it| it.weight)),
        Column::numbers("frequency", own(|it| f64::from(it.frequency))),
        Column::numbers("recency", own(|it| f64::from(it.recency))),
        Column::numbers("chances", own(|it| f64::from(it.chances))),
        Column::numbers("p_alive", of(|it| it.alive)),
        Column::numbers("expected_purchases", of(|it| it.purchases)),
    ];
    rows.extend(expected.columns("expected_purchases"));
    rows.extend(counts.columns("purchases"));
    rows.extend(each.into_iter().enumerate().map(|(count, it)| Column::numbers(&format!("p_{count}"), it)));
    rows.push(Column::numbers("residual", of(|it| it.residual)));
    rows.push(Column::numbers("expected_spend", of(|it| it.spend.unwrap_or(f64::NAN))));
    rows.push(Column::numbers("value", of(|it| it.value.unwrap_or(f64::NAN))));
    rows.extend(worth.columns("value"));
    rows
}

/// How many took none, one, two … of their chances, beside how many the model says: of those who had the most.
fn spread(report: &mut Report, model: &BgBb, groups: &[Chances]) {
    let most = groups.iter().map(|it| it.chances).max().unwrap_or(0);
    if most > SHOWN {
        return;
    }
    let of: Vec<&Chances> = groups.iter().filter(|it| it.chances == most).collect();
    let all: f64 = of.iter().map(|it| it.weight).sum();
    let row = |(taken, chance): (u32, f64)| {
        let came: f64 = of.iter().filter(|it| it.frequency == taken).map(|it| it.weight).sum();
        vec![Cell::Whole(u64::from(taken)), Cell::Number(came), Cell::Number(all * chance)]
    };
    let rows = (0..).zip(model.probabilities_new(most)).map(row).collect();
    let title = format!("Who had {most} chances, by how many they took");
    report.table("taken", &title, &["Taken", "Customers", "By the model"], rows);
}
