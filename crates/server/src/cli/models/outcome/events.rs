//! A row an event: rows are made at several moments, of what was known then, and the model is judged on the last moment by what it learnt from earlier ones.
//!
//! Always holds: a kept model looks at rows as it did where it was fitted: the same columns, horizon and time of being active.

use std::collections::HashSet;

use anyhow::{Result, bail};
use rapport_imports::Field;
use rapport_models::Fault;
use rapport_models::buying::Purchase;
use rapport_models::learn::{Classifier, Judged, Label, Plan, Snapshots, features, usual_gap};
use serde::{Deserialize, Serialize};

use super::{OutcomeArgs, Shown, Told, fit, refusal, shown, warn};
use crate::cli::models::input::Data;
use crate::cli::models::purchases::Purchases;
use crate::cli::models::report::Report;
use crate::cli::models::{saved, wording};

/// How events became rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    horizon: f64,
    active: f64,
    /// The columns of customers, of days and, where they were known, of amounts; none in a file of before they were kept.
    #[serde(default)]
    columns: Vec<String>,
}

/// The most moments that rows are made at.
const MOMENTS: usize = 6;

/// Events of customers to a day.
struct Events {
    all: Vec<Purchase>,
    /// Those after that day, and when the last of them ends.
    later: Vec<Purchase>,
    end: f64,
    names: Vec<String>,
    columns: Vec<String>,
    until: f64,
    amounts: bool,
}

/// Learns from events.
pub fn run(args: &OutcomeArgs, told: Told, data: &mut Data) -> Result<()> {
    let events = read(args, data, None)?;
    let horizon = match args.horizon {
        Some(horizon) => horizon,
        None => match usual_gap(&events.all) {
            Some(gap) => {
                let gap = gap.max(1.0).ceil();
                data.notes.push(format!(
                    "The horizon is {}: nine of ten come back within it. --horizon says otherwise.",
                    wording::time(gap)
                ));
                gap
            }
            None => bail!("too few customers came back to propose a horizon; say one with --horizon 90d"),
        },
    };
    let columns = events.columns.clone();
    let own = Kept { horizon, active: args.active.unwrap_or(2.0 * horizon), columns };
    learnt(args, told, data, &events, own)
}

/// A kept model on events, of which some may be late enough to judge it by.
pub fn again(args: &OutcomeArgs, told: Told, data: &mut Data, model: &Classifier, own: &Kept) -> Result<()> {
    let events = read(args, data, Some(own))?;
    let (who, table) = now(&events, own)?;
    let labels = followed(told, data, &events, own, &who);
    let customers = who.iter().map(|it| events.names[*it as usize].clone()).collect();
    let shown = Shown { told, args, model, learnt: None, labels: &labels, customers, table };
    let mut report = Report::new("");
    shown::fill(&mut report, &shown)?;
    report.metric("horizon_days", own.horizon);
    report.show(&args.input, data)
}

/// What became of them within the horizon; nothing where that is not over, or where the same became of all.
fn followed(told: Told, data: &mut Data, events: &Events, own: &Kept, who: &[u32]) -> Vec<bool> {
    let until = events.until + own.horizon;
    if events.end < until {
        return Vec::new();
    }
    let again: HashSet<u32> = events.later.iter().filter(|it| it.time < until).map(|it| it.customer).collect();
    let labels: Vec<bool> = who.iter().map(|it| again.contains(it) == (told == Told::Propensity)).collect();
    if labels.iter().all(|it| *it == labels[0]) {
        data.notes.push(format!(
            "Within the {} that followed {} came back, so the model cannot be judged by it.",
            wording::time(own.horizon),
            if again.is_empty() { "nobody" } else { "everybody" }
        ));
        return Vec::new();
    }
    labels
}

/// The columns are those that flags name, or those that the model was fitted to.
fn read(args: &OutcomeArgs, data: &mut Data, own: Option<&Kept>) -> Result<Events> {
    let kept = own.map_or(&[][..], |it| &it.columns[..]);
    let (customer, date) = (args.customer.as_ref().or(kept.first()), args.date.as_ref().or(kept.get(1)));
    let amount = args.amount.as_ref().or(kept.get(2));
    if amount.is_some() && kept.len() == 2 {
        bail!("the model was fitted without amounts; leave out --amount, or fit it again");
    }
    let events = Purchases::read(data, (customer, date), |data| match kept.len() {
        2 => Ok(None),
        _ => data.find("amount", amount, Some(Field::LineTotal), &["dollar_value"]),
    })?;
    let end = events.end();
    let until = match &args.until {
        Some(text) => events.until(text)?,
        None => end,
    };
    let Purchases { all, names, columns, amounts, .. } = events;
    let (all, later): (Vec<Purchase>, Vec<Purchase>) = all.into_iter().partition(|it| it.time < until);
    if all.is_empty() {
        bail!("there is no event up to --until; choose a later day");
    }
    Ok(Events { all, later, end, names, columns, until, amounts })
}

/// Who is a row today, and what is known of them.
fn now(events: &Events, own: &Kept) -> Result<(Vec<u32>, rapport_models::learn::Table)> {
    features(&events.all, events.until, own.active).map_err(|_| {
        anyhow::anyhow!(
            "nobody did anything in the {} before the end; choose another --until or --active",
            wording::time(own.active)
        )
    })
}

fn learnt(args: &OutcomeArgs, told: Told, data: &mut Data, events: &Events, own: Kept) -> Result<()> {
    let label = if told == Told::Churn { Label::Gone } else { Label::Again };
    let plan = Plan { label, horizon: own.horizon, active: own.active, until: events.until, most: MOMENTS };
    let rows = match Snapshots::of(&events.all, &plan) {
        Ok(rows) => rows,
        Err(Fault::TooFew { what: "horizons that the events reach over", .. }) => bail!(
            "the events reach over too short a time to look {} ahead of anything; choose a shorter --horizon",
            wording::time(own.horizon)
        ),
        Err(fault) => return Err(data.fault(&fault, &[])),
    };
    let groups: Vec<u64> = rows.customers.iter().map(|it| u64::from(*it)).collect();
    let (model, learnt) = fit(args, &rows.table, &rows.labels, Some(&groups)).map_err(|fault| refusal(data, &fault))?;
    warn(data, &learnt.warnings);
    let (who, table) = now(events, &own)?;
    let customers = who.iter().map(|it| events.names[*it as usize].clone()).collect();
    let shown = Shown { told, args, model: &model, learnt: Some(&learnt), labels: &rows.labels, customers, table };
    let mut report = Report::new("");
    shown::fill(&mut report, &shown)?;
    report.metric("horizon_days", own.horizon);
    forward(args, data, &rows, &groups, &mut report);
    if !events.amounts {
        data.notes.push("Without --amount nothing is known of how much customers spend.".to_owned());
    }
    if let Some(path) = &args.keep.save {
        let kept = super::Kept { model: model.clone(), features: Vec::new(), events: Some(own) };
        saved::save(path, told.command(), &report, &data.table, &events.columns, &kept)?;
    }
    report.show(&args.input, data)
}

/// How well the last moment is told by what was learnt from those before it: the honest test, as the future is not like the past.
fn forward(args: &OutcomeArgs, data: &mut Data, rows: &Snapshots, groups: &[u64], report: &mut Report) {
    let (last, before) = rows.last();
    let pick = |places: &[usize]| places.iter().map(|at| rows.labels[*at]).collect::<Vec<bool>>();
    let own: Vec<u64> = before.iter().map(|at| groups[*at]).collect();
    let judged = fit(args, &rows.table.taken(&before), &pick(&before), Some(&own)).and_then(|(model, _)| {
        let said = model.predict(&rows.table.taken(&last))?;
        let labels = pick(&last);
        Judged::new(&said, &labels).map(|it| it.metrics())
    });
    match judged {
        Ok(found) => {
            report.metric_between("forward_auc", found.auc);
            report.metric_between("forward_brier", found.brier);
            report.metric("forward_calibration_error", found.calibration_error);
        }
        Err(fault) => data.notes.push(format!("Not judged on the last moment by earlier ones: {fault}")),
    }
}
