//! sBG on a file: contracts that are renewed or cancelled at fixed times.

use anyhow::{Result, bail};
use rapport_imports::written::Column;
use rapport_models::Estimate;
use rapport_models::buying::{Contract, Fit, Likelihood, Sbg};

use super::between::{self, Ends};
use super::chances::weights;
use super::kept::{Kept, SBG, as_if_fitted};
use super::{ClvArgs, learnt, saved, shown};
use crate::cli::models::input::{Data, Need};
use crate::cli::models::plot::{self, Line};
use crate::cli::models::report::{Cell, Report, figure};

/// The most renewals that the model takes.
const MOST: f64 = 10_000.0;

/// What is known.
struct Known {
    data: Data,
    columns: Vec<String>,
    customers: Vec<String>,
    contracts: Vec<Contract>,
    /// What each pays a period, where that is known.
    amounts: Option<Vec<f64>>,
}

/// Runs the command.
pub fn run(args: &ClvArgs, data: Data, kept: Option<Kept>) -> Result<()> {
    let mut known = match (&args.survivors, &args.renewals, &args.cancelled) {
        (Some(survivors), _, _) => cohort(survivors, data)?,
        (None, Some(renewals), Some(cancelled)) => rows(args, data, renewals, cancelled)?,
        _ => bail!("sBG asks for --renewals and --cancelled, or for --survivors"),
    };
    let fit = match &kept {
        Some(kept) => {
            let customers = known.contracts.iter().map(|it| it.weight).sum();
            as_if_fitted::<Sbg>((&kept.parameters, &kept.covariance), &known.contracts, customers)
        }
        None => Sbg::fit(&known.contracts).map_err(|fault| known.data.fault(&fault, &[]))?,
    };
    let report = report(args, &mut known, &fit, kept.is_none());
    if let Some(path) = &args.keep.save {
        let kept = Kept {
            kind: SBG.to_owned(),
            parameters: fit.model.parameters(),
            covariance: fit.covariance.clone(),
            spending: None,
            spending_covariance: Vec::new(),
            covariates: None,
            period: None,
        };
        saved::save(path, "clv", &report, &known.data.table, &known.columns, &kept)?;
    }
    report.show(&args.input, &known.data)
}

/// A row a contract, or as many as it says.
fn rows(args: &ClvArgs, mut data: Data, renewals: &str, cancelled: &str) -> Result<Known> {
    let renewals = data.named("renewals", renewals)?;
    let cancelled = data.named("cancelled", cancelled)?;
    let customer = data.optional("customer", args.customer.as_ref())?;
    let count = data.optional("count", args.count.as_ref())?;
    let amount = data.optional("amount", args.amount.as_ref())?;
    let mut needs = vec![(renewals, Need::NotNegative), (cancelled, Need::Text)];
    needs.extend(customer.map(|it| (it, Need::Unique)));
    needs.extend(count.map(|it| (it, Need::NotNegative)));
    needs.extend(amount.map(|it| (it, Need::NotNegative)));
    data.require(&needs)?;
    let (came, ended) = (data.counts(renewals, MOST)?, data.yes_or_no(cancelled)?);
    let never: Vec<usize> = (0..came.len()).filter(|row| ended[*row] && came[*row] == 0).collect();
    if !never.is_empty() {
        bail!(
            "{}: cancelled without a renewal; {} counts the one at which somebody cancelled, too",
            data.lines(&never),
            data.name(renewals)
        );
    }
    let weights = weights(&data, count)?;
    let one = |row: usize| Contract { renewals: came[row] as u32, cancelled: ended[row], weight: weights[row] };
    let columns = [Some(renewals), Some(cancelled), count, amount].into_iter().flatten();
    Ok(Known {
        columns: columns.map(|it| data.name(it).to_owned()).collect(),
        customers: data.called(customer),
        contracts: (0..came.len()).map(one).collect(),
        amounts: amount.map(|it| data.numbers(it)),
        data,
    })
}

/// A row a renewal: how many were left at first, and after each.
fn cohort(survivors: &str, mut data: Data) -> Result<Known> {
    let place = data.named("survivors", survivors)?;
    data.require(&[(place, Need::NotNegative)])?;
    let left = data.numbers(place);
    let more: Vec<usize> = (1..left.len()).filter(|row| left[*row] > left[row - 1]).collect();
    if !more.is_empty() {
        bail!("{}: {} is more than in the row above, and nobody comes back", data.lines(&more), data.name(place));
    }
    let contracts = Contract::of_survivors(&left).map_err(|fault| data.fault(&fault, &[]))?;
    let called = |it: &Contract| match it.cancelled {
        true => format!("cancelled at renewal {}", it.renewals),
        false => format!("there after renewal {}", it.renewals),
    };
    Ok(Known {
        columns: vec![data.name(place).to_owned()],
        customers: contracts.iter().map(called).collect(),
        contracts,
        amounts: None,
        data,
    })
}

/// The share of contracts still there after each renewal, as it was seen (Kaplan and Meier 1958), the beginning first.
fn seen(contracts: &[Contract]) -> Vec<f64> {
    let last = contracts.iter().map(|it| it.renewals).max().unwrap_or(0);
    let mut share = 1.0;
    let mut found = vec![share];
    for renewal in 1..=last {
        let at: f64 = contracts.iter().filter(|it| it.renewals >= renewal).map(|it| it.weight).sum();
        let ended = contracts.iter().filter(|it| it.renewals == renewal && it.cancelled);
        share *= 1.0 - ended.map(|it| it.weight).sum::<f64>() / at;
        found.push(share);
    }
    found
}

fn report(args: &ClvArgs, known: &mut Known, fit: &Fit<Sbg>, fresh: bool) -> Report {
    let model = &fit.model;
    known.data.notes.push(format!("Waiting for a renewal costs {} % (--discount).", args.discount * 100.0));
    let mut report = Report::new(SBG);
    report.log_likelihood = Some(fit.log_likelihood);
    Sbg::NAMES.iter().zip(&fit.estimates).for_each(|(name, it)| shown::parameter(&mut report, name, it));
    if fresh {
        report.metric("aic", fit.aic());
    }
    let sum = |of: &dyn Fn(&Contract) -> f64| known.contracts.iter().map(|it| it.weight * of(it)).sum::<f64>();
    let there = |it: &Contract| if it.cancelled { 0.0 } else { 1.0 };
    report.metric("customers", sum(&|_| 1.0));
    report.metric("customers_who_cancelled", sum(&|it| 1.0 - there(it)));
    let came = seen(&known.contracts);
    let last = came.len() as u32 - 1;
    let end = last + args.ahead;
    report.metric("renewals", f64::from(last));
    let drawn = if fresh { learnt::drawn(fit, &known.contracts, 2 * learnt::DRAWS) } else { None };
    let share = drawn.map(|it| it.interval(|it| it.survival(end)));
    let name = format!("still_there_after_{end}_renewals");
    match share {
        Some(share) => report.metric_between(&name, Estimate::between(model.survival(end), share)),
        None => report.metric(&name, model.survival(end)),
    }
    // Payments that are to come, the next of them due now.
    let payments = |it: &Contract| (1..=args.ahead).map(|more| there(it) * model.stays(it.renewals, more)).sum::<f64>();
    let residual = |it: &Contract| there(it) * model.residual(it.renewals, args.discount);
    report.metric("expected_payments", sum(&payments));
    report.metric("expected_payments_for_ever_discounted", sum(&residual));
    let values: Option<Vec<f64>> = known.amounts.as_ref().map(|amounts| {
        known.contracts.iter().zip(amounts).map(|(it, amount)| amount * args.margin * residual(it)).collect()
    });
    if let Some(values) = &values {
        report.metric(
            "expected_value",
            values.iter().zip(&known.contracts).map(|(value, it)| value * it.weight).sum::<f64>(),
        );
    }
    let row = |renewals: u32| {
        vec![
            Cell::Whole(u64::from(renewals)),
            came.get(renewals as usize).map_or(Cell::None, |it| Cell::Number(*it)),
            Cell::Number(model.survival(renewals)),
            Cell::Number(model.retention(renewals + 1)),
            Cell::Number(model.residual(renewals, args.discount)),
        ]
    };
    let header = ["Renewals", "Still there", "By the model", "Renews next", "Payments to come"];
    report.table("survival", "The share still there, by renewals", &header, (0..=end).map(row).collect());
    let told = (0..=end).map(|it| (f64::from(it), model.survival(it))).collect();
    let came = came.iter().enumerate().map(|(at, it)| (at as f64, *it)).collect();
    let lines = [
        Line { name: "as it was", points: came, steps: true },
        Line { name: "by the model", points: told, steps: false },
    ];
    report.part("The same", &plot::curves(&lines, (0.0, 1.0), |it| format!("{it:.0}"), plot::share));
    // Both are certain of who has cancelled.
    let near = if args.input.out.is_some() { fit.nearby() } else { None };
    let (mut payments_ends, mut value_ends) = (Ends::default(), Ends::default());
    for (at, own) in known.contracts.iter().enumerate() {
        let paid = |it: &Sbg| (1..=args.ahead).map(|more| it.stays(own.renewals, more)).sum::<f64>();
        let left = |it: &Sbg| it.residual(own.renewals, args.discount);
        let sure = |of: &dyn Fn(&Sbg) -> f64| near.as_ref().and_then(|it| it.variance(of));
        payments_ends.push(between::around(payments(own), sure(&paid)));
        value_ends.push(between::around(values.as_ref().map_or(f64::NAN, |it| it[at]), sure(&left)));
    }
    let of = |pick: &dyn Fn(&Contract) -> f64| known.contracts.iter().map(pick).collect::<Vec<f64>>();
    report.rows = vec![
        Column::texts("customer", known.customers.clone()),
        Column::numbers("customers", of(&|it| it.weight)),
        Column::numbers("renewals", of(&|it| f64::from(it.renewals))),
        Column::texts(
            "cancelled",
            known.contracts.iter().map(|it| if it.cancelled { "yes" } else { "no" }.to_owned()).collect(),
        ),
        Column::numbers("p_renews", of(&|it| there(it) * model.retention(it.renewals + 1))),
        Column::numbers("expected_payments", of(&payments)),
    ];
    report.rows.extend(payments_ends.columns("expected_payments"));
    report.rows.push(Column::numbers("residual", of(&residual)));
    report.rows.push(Column::numbers("value", values.unwrap_or_else(|| vec![f64::NAN; known.contracts.len()])));
    report.rows.extend(value_ends.columns("value"));
    report.sure = match share {
        Some(it) => format!(
            "with 95 % the share still there after {end} renewals is {} to {}, as far as parameters go, if people cancel as easily as they did.",
            figure(it.low),
            figure(it.high)
        ),
        None => shown::EXACT.to_owned(),
    };
    report.cannot =
        "why somebody cancels, or what would keep them. That retention rises with time says that those who cancel easily are gone, not that people become more loyal."
            .to_owned();
    report
}
